//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// The folder of the recordings, where nobody said.
pub const DIR: &str = "retake";

/// Headings of the help.
const ADDRESSES: &str = "Addresses (beside or instead of capture)";
const SERVICE: &str = "The service and what it may reach";
const REPORTS: &str = "Reports";
const EVERYWHERE: &str = "Files and words";

/// Record the traffic of a service, replay it against a new build, and see what changed.
#[derive(Debug, Parser)]
#[command(
    name = "retake",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// The settings file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "retake.yaml",
        env = "RETAKE_SETTINGS"
    , help_heading = EVERYWHERE)]
    pub settings: PathBuf,
    /// The folder of the recordings.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = DIR,
        env = "RETAKE_DIR"
    , help_heading = EVERYWHERE)]
    pub dir: PathBuf,
    /// Say more of what happens; twice for details.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Record a running service: its requests, and the calls that it makes.
    Record(RecordArgs),
    /// Replay recordings against a build, with its dependencies mocked.
    Replay(ReplayArgs),
    /// Show the result of a run.
    Report(ReportArgs),
    /// Check recordings and settings; every error with its file, line and column.
    Lint(LintArgs),
    /// Say what this machine allows, what retake does because of it, and what to do for more.
    Doctor(DoctorArgs),
    /// Print the file with the certificate that clients are to trust while TLS is recorded.
    Ca(CaArgs),
    /// See it all at work on a small built-in service.
    Demo(DemoArgs),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// The demo's service, started by `demo`.
    #[command(hide = true)]
    DemoService(DemoServiceArgs),
}

/// Options of `record`.
#[derive(Debug, Args)]
#[command(
    after_help = "Ends on Ctrl-C, SIGTERM, --for, or the command's end, and prints the ledger.

Examples:
  retake record -- ./app
  retake record --cert server.pem --key server.key -- ./app-that-serves-https
  retake record --listen 127.0.0.1:8080 --upstream 127.0.0.1:3000 \\
    --dep db=postgres://127.0.0.1:5432@127.0.0.1:15432 -- ./app
  retake record --listen 127.0.0.1:8080 --upstream 127.0.0.1:3000 --dep-env DATABASE_URL -- ./app
  retake record --listen 127.0.0.1:8080 --upstream 127.0.0.1:3000 --proxy 127.0.0.1:18080"
)]
pub struct RecordArgs {
    /// The test set to record into; `recorded` by default.
    #[arg(long, value_name = "NAME")]
    pub set: Option<String>,
    /// Keep the tests that the set has, and add to them.
    #[arg(long)]
    pub append: bool,
    /// Where retake listens for requests to the service.
    #[arg(long, value_name = "ADDR", env = "RETAKE_LISTEN", help_heading = ADDRESSES)]
    pub listen: Option<SocketAddr>,
    /// Where the service listens; https://ADDR where it serves TLS itself.
    #[arg(long, value_name = "ADDR", env = "RETAKE_UPSTREAM", help_heading = ADDRESSES)]
    pub upstream: Option<String>,
    /// Read the TLS of the service's clients: they are shown a certificate of retake's own, which
    /// they have to trust (`retake ca`). Without it, and without --cert, it is relayed unread.
    #[arg(long, help_heading = ADDRESSES)]
    pub tls: bool,
    /// Read the TLS of the service's clients: they are shown this certificate (PEM), which with the
    /// service's own files is the one that they know.
    #[arg(long, value_name = "FILE", requires = "key", help_heading = ADDRESSES)]
    pub cert: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = ADDRESSES)]
    pub key: Option<PathBuf>,
    /// A dependency: its name, protocol and real address, and where retake listens for it.
    #[arg(long = "dep", value_name = "NAME=URL@ADDR", help_heading = ADDRESSES)]
    pub deps: Vec<String>,
    /// A variable that holds a dependency's address: retake listens on a free port and gives the
    /// command the changed variable.
    #[arg(long = "dep-env", value_name = "VAR", help_heading = ADDRESSES)]
    pub dep_env: Vec<String>,
    /// Where retake listens as a forward proxy: HTTPS_PROXY of a service elsewhere, or a browser's
    /// proxy. A command that is not captured is told of it.
    #[arg(long, value_name = "ADDR", env = "RETAKE_PROXY", help_heading = ADDRESSES)]
    pub proxy: Option<SocketAddr>,
    /// The company's own proxy, behind that of retake; HTTPS_PROXY by default, `none` for no other.
    #[arg(long, value_name = "URL", env = "RETAKE_UPSTREAM_PROXY", help_heading = ADDRESSES)]
    pub upstream_proxy: Option<String>,
    /// End after this time: 90s, 10m, 1h.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub duration: Option<Duration>,
    /// How many threads relay traffic.
    #[arg(long, value_name = "N", env = "RETAKE_WORKERS")]
    pub workers: Option<usize>,
    /// Do not capture the connections of the command: only what --listen and --dep name is recorded.
    #[arg(long, env = "RETAKE_NO_CAPTURE", value_parser = clap::builder::FalseyValueParser::new(), help_heading = ADDRESSES)]
    pub no_capture: bool,
    /// Keep exact repeats of a test as tests of their own.
    #[arg(long)]
    pub keep_repeats: bool,
    /// Print the ledger as JSON.
    #[arg(long)]
    pub json: bool,
    /// The service: started, watched and ended by retake, and captured where the system allows it
    /// (see `retake doctor`). Without it the service runs elsewhere.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Options of `replay`.
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Exit codes: 0 no difference, 1 the service changed, 2 wrong usage or settings,
3 the recording cannot answer, 4 the surroundings failed.

Examples:
  retake replay -- ./app
  retake replay checkout --jobs 4 --junit report.xml -- ./app
  retake replay --live db -- ./app
  retake replay --target http://127.0.0.1:3000"
)]
pub struct ReplayArgs {
    /// The test sets; all of them where none is named.
    #[arg(value_name = "SET")]
    pub sets: Vec<String>,
    /// Send the tests to a service that is already running.
    #[arg(long, value_name = "URL", env = "RETAKE_TARGET", help_heading = SERVICE)]
    pub target: Option<String>,
    /// A dependency that is not mocked: its real address answers.
    #[arg(long, value_name = "DEP", help_heading = SERVICE)]
    pub live: Vec<String>,
    /// The company's own proxy, for dependencies that are not mocked and were recorded through
    /// --proxy; HTTPS_PROXY by default, `none` for no other.
    #[arg(long, value_name = "URL", env = "RETAKE_UPSTREAM_PROXY", help_heading = SERVICE)]
    pub upstream_proxy: Option<String>,
    /// How many tests run at a time.
    #[arg(long, value_name = "N", env = "RETAKE_JOBS")]
    pub jobs: Option<usize>,
    /// Where the run's results are written; a new folder below the recordings by default.
    #[arg(long, value_name = "DIR", help_heading = REPORTS)]
    pub run_dir: Option<PathBuf>,
    /// Write a JUnit report there too.
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub junit: Option<PathBuf>,
    /// Write a JSON report there too; `-` prints run events as JSON lines in place of the report.
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub json: Option<PathBuf>,
    /// How long a test may take.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// The path that answers once the service is ready; by default its open port tells.
    #[arg(long, value_name = "PATH", help_heading = SERVICE)]
    pub ready_path: Option<String>,
    /// The text in the service's output that says that it is ready.
    #[arg(long, value_name = "TEXT", conflicts_with = "ready_path", help_heading = SERVICE)]
    pub ready_log: Option<String>,
    /// How long the service may take to become ready.
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = SERVICE)]
    pub ready_timeout: Option<Duration>,
    /// Do not capture the connections of the command, also where the recording did.
    #[arg(long, env = "RETAKE_NO_CAPTURE", value_parser = clap::builder::FalseyValueParser::new(), help_heading = SERVICE)]
    pub no_capture: bool,
    /// Let captured connections to what was not recorded leave the machine.
    #[arg(long, help_heading = SERVICE)]
    pub allow_egress: bool,
    /// The captured service's port, where it is not the recorded one: tests of further recorded ports go
    /// to theirs.
    #[arg(long, value_name = "PORT", help_heading = SERVICE)]
    pub port: Option<u16>,
    /// Take left-out and repeated reads for changes too.
    #[arg(long)]
    pub strict: bool,
    /// Leave the service the real time; by default it sees the recorded one.
    #[arg(long, help_heading = SERVICE)]
    pub no_freeze: bool,
    /// The service: started, watched and ended by retake, as it was when it was recorded.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run; the last one where none is named.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    pub format: Format,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: the causes first.
    Terminal,
    /// For people, with every difference.
    Full,
    /// For programs.
    Json,
    /// For CI systems.
    Junit,
}

impl Format {
    /// The name in the registry of reporters.
    pub fn name(self) -> &'static str {
        match self {
            Format::Terminal => "terminal",
            Format::Full => "full",
            Format::Json => "json",
            Format::Junit => "junit",
        }
    }
}

/// Options of `lint`.
#[derive(Debug, Args)]
pub struct LintArgs {
    /// Files and folders; everything where none is named.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 connections of a command are captured here, 4 they are not.")]
pub struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Options of `ca`.
#[derive(Debug, Args)]
#[command(
    after_help = "The authority is made for this installation alone, and its key never leaves it.
A service that retake starts is told by itself; one that runs elsewhere is told by, for example,
  SSL_CERT_FILE=$(retake ca --bundle)  NODE_EXTRA_CA_CERTS=$(retake ca)
  JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=$(retake ca --java)"
)]
pub struct CaArgs {
    /// Print the certificate itself (PEM).
    #[arg(long)]
    pub print: bool,
    /// The file with the roots of this system too: for what replaces them.
    #[arg(long, conflicts_with = "print")]
    pub bundle: bool,
    /// The same as a trust store for Java.
    #[arg(long, conflicts_with_all = ["print", "bundle"])]
    pub java: bool,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The folder that the demo leaves to look at.
    #[arg(long, value_name = "DIR", default_value = "retake-demo")]
    pub out: PathBuf,
}

/// Options of the demo's service.
#[derive(Debug, Args)]
pub struct DemoServiceArgs {
    /// Which build runs.
    #[arg(long, value_enum)]
    pub build: crate::demo::Build,
    /// Where it listens.
    #[arg(long)]
    pub listen: String,
}

/// `1h`, `10m`, `90s`, `250ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("`{digits}` is no whole number"))?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("expected a unit: ms, s, m or h, as in `90s`".to_owned()),
    };
    number
        .checked_mul(millis)
        .map(Duration::from_millis)
        .ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use retake_report::Again;

    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("90").is_err());
        assert!(duration("s").is_err());
        assert!(duration("99999999999999999999h").is_err());
    }

    #[test]
    fn the_designs_command_lines_are_understood() {
        for line in [
            "retake record --set s --listen 127.0.0.1:8080 --upstream 127.0.0.1:3000 --dep db=postgres://h:1@127.0.0.1:2 --dep-env DATABASE_URL --for 1h -- ./app --flag",
            "retake replay a b --target http://127.0.0.1:3000 --live db --jobs 4 --run-dir d --junit j --json f -- ./app",
            "retake report run-1 --format junit",
            "retake report run-1 --format full",
            "retake lint a b",
            "retake record --proxy 127.0.0.1:18080 --upstream-proxy http://proxy:3128 -- ./app",
            "retake doctor --json",
            "retake demo",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    #[test]
    fn every_format_has_a_reporter() {
        for format in Format::value_variants() {
            let sink = Box::new(std::io::sink());
            assert!(
                retake_report::open(format.name(), sink, Again::default()).is_some(),
                "{format:?}"
            );
        }
    }
}
