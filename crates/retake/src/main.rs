//! `retake`: record the traffic of a service, replay it against a new build, see what changed.

mod cli;
mod commands;
mod demo;
mod failure;
mod interrupt;
mod output;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use failure::{Failure, SURROUNDINGS};

/// Reading recordings and comparing them makes and drops small values by the million, on several
/// threads; and the allocator of a static binary (musl's) would be slow at it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = match cli.verbose {
        0 => "error",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("RETAKE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Where a disk is full, so may be the log that stderr goes to; saying so there would panic.
        .log_internal_errors(false)
        .init();
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::tell(&failure);
            ExitCode::from(failure.code())
        }
    }
}

/// Does what was asked; gives the exit code.
fn run(cli: Cli) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(SURROUNDINGS, e.into()))?;
    let needs_recordings = match &cli.command {
        Command::Record(_) | Command::Replay(_) | Command::Report(_) => true,
        Command::Lint(args) => args.paths.is_empty(),
        _ => false,
    };
    let home = match needs_recordings {
        true => commands::Home::with_recordings(&cli)?,
        false => commands::Home::new(&cli),
    };
    let code = match cli.command {
        Command::Record(args) => runtime.block_on(commands::record(&home, args)),
        Command::Replay(args) => runtime.block_on(commands::replay(&home, args)),
        Command::Report(args) => commands::report(&home, &args),
        Command::Doctor(args) => commands::doctor(&home, &args),
        Command::Lint(args) => commands::lint(&home, &args),
        Command::Ca(args) => commands::ca(&home, &args),
        Command::Demo(args) => runtime.block_on(demo::run(&args)),
        Command::DemoService(args) => runtime.block_on(demo::serve(&args)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "retake", &mut script);
            output::print(String::from_utf8_lossy(&script)).map(|()| 0)
        }
    };
    // A blocked read of somebody's socket must not hold the exit up.
    runtime.shutdown_background();
    code
}
