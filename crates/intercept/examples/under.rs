//! Runs a command as retake does, without recording: its calls are answered, its connections are
//! left alone. For trying what a program does of it, and for measuring.
//!
//! `under [--time SECONDS] [--trust AUTHORITY.pem BUNDLE.pem STORE.jks] [--names | --host NAME IP]
//! -- COMMAND...`

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use retake_intercept::capture::{
    Arrived, Clock, Director, Files, Names, Pid, Plan, Resolver, Route, Source, Trust, Uncaptured,
    arm, probe,
};

/// Leaves everything alone.
struct Nobody;

impl Director for Nobody {
    fn connect(&self, _: SocketAddr, _: Pid) -> Route {
        Route::Leave
    }

    fn adopt(&self, _: Arrived) {}

    fn listens(&self, _: SocketAddr, _: Pid) {}

    fn passed(&self, _: Uncaptured) {}
}

fn resolver(names: &Arc<Names>, source: Source) -> Result<Arc<Resolver>> {
    let missed = Box::new(|name: &str| eprintln!("under: {name} is not recorded"));
    Ok(Arc::new(Resolver::start(names.clone(), source, missed)?))
}

fn main() -> Result<ExitCode> {
    let mut plan = Plan {
        ability: probe(),
        ..Plan::default()
    };
    let names = Arc::new(Names::default());
    let mut words = std::env::args().skip(1);
    let mut word = || words.next().context("a word is missing; see the source");
    let mut command = loop {
        match word()?.as_str() {
            "--time" => {
                let seconds: i64 = word()?.parse()?;
                let clock = Clock::new(seconds.saturating_mul(1_000_000_000), None)?;
                plan.clock = Some(Arc::new(clock));
            }
            "--trust" => {
                let authority_file = word()?.into();
                let trust = Trust {
                    authority: std::fs::read(&authority_file)?,
                    authority_file,
                    bundle: word()?.into(),
                    java_store: word()?.into(),
                    folder: std::env::temp_dir(),
                };
                plan.files = Some(Arc::new(Files::new(trust)));
            }
            "--names" => plan.names = Some(resolver(&names, Source::Real)?),
            "--host" => {
                let source = Source::Recorded {
                    hosts: HashMap::from([(word()?, vec![word()?.parse()?])]),
                    others_real: false,
                };
                plan.names = Some(resolver(&names, source)?);
            }
            "--" => break Command::new(word()?),
            other => bail!("`{other}` is not known; see the source"),
        }
    };
    command.args(words);
    let armed = arm(&mut command, &plan)?;
    let mut child = command.spawn()?;
    let supervisor = armed.start(child.id(), Arc::new(Nobody))?;
    let status = child.wait()?;
    drop(supervisor);
    if let Some(unfrozen) = plan.clock.and_then(|clock| clock.unfrozen()) {
        eprintln!("under: {unfrozen:?}");
    }
    Ok(ExitCode::from(
        u8::try_from(status.code().unwrap_or(255)).unwrap_or(255),
    ))
}
