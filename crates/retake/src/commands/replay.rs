//! `retake replay`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use retake_model::RunEvent;
use retake_report::{Again, Reporter};
use retake_runner::ready::Ready;
use retake_runner::replay::{ReplayError, ReplayOptions, replay as run};
use retake_store::{Settings, Store, StoreError};

use super::Home;
use super::again::again;
use super::forward::chain;
use crate::cli::ReplayArgs;
use crate::failure::{Failure, SURROUNDINGS, USAGE};
use crate::interrupt::Interrupt;
use crate::output;

/// How long one test may take, where nobody said.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long a service may take to become ready, where nobody said.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// Replays, reports, writes the run; gives the exit code of the run.
///
/// # Errors
/// Wrong usage, or surroundings that do not let it replay.
pub async fn replay(home: &Home, args: ReplayArgs) -> Result<u8, Failure> {
    replay_with(&home.store, home.settings()?, args, &Interrupt::listen()?).await
}

/// The same with a store and settings of the caller's.
///
/// # Errors
/// Wrong usage, or surroundings that do not let it replay.
pub async fn replay_with(
    store: &Store,
    settings: Settings,
    args: ReplayArgs,
    interrupt: &Interrupt,
) -> Result<u8, Failure> {
    let run_dir = match &args.run_dir {
        Some(dir) => dir.clone(),
        None => store.run_dir(&new_run(store)?),
    };
    fs::create_dir_all(&run_dir).map_err(|error| {
        let what = format!("failed to make the folder {}", run_dir.display());
        Failure::new(SURROUNDINGS, anyhow::Error::new(error).context(what))
            .hint("make the folder of the recordings writable, or name another with --run-dir")
    })?;
    let again = again(store, args.run_dir.as_deref());
    let mut outputs = Outputs::open(&args, &run_dir, &again)?;
    let options = options(store, settings, args, &run_dir)?;
    let summary = run(options, interrupt.receiver(), |event| outputs.on(&event)).await;
    outputs.finish()?;
    Ok(summary.map_err(failure)?.exit_code)
}

fn options(
    store: &Store,
    settings: Settings,
    args: ReplayArgs,
    run_dir: &Path,
) -> Result<ReplayOptions, Failure> {
    let replay = settings.replay;
    let tls = super::tls::settings(settings.tls, None)?;
    let sets = if args.sets.is_empty() {
        store.sets().map_err(store_failure)?
    } else {
        args.sets
    };
    if sets.is_empty() {
        return Err(Failure::usage(format!(
            "there is no recording in {}",
            store.root().display()
        ))
        .hint("record one first: retake record --help"));
    }
    let ready = match (args.ready_path, args.ready_log, replay.ready) {
        (Some(path), _, _) | (None, None, Some(retake_store::Ready::Path(path))) => {
            Ready::Path(path)
        }
        (None, Some(text), _) | (None, None, Some(retake_store::Ready::Log(text))) => {
            Ready::Log(text)
        }
        (None, None, Some(retake_store::Ready::Port(port))) => Ready::Port(Some(port)),
        (None, None, None) => Ready::Port(None),
    };
    let headers = filled_in("headers", &replay.headers)?;
    let secrets = filled_in("secrets", &replay.secrets)?;
    Ok(ReplayOptions {
        store: store.clone(),
        sets,
        run: run_dir
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        target: args.target.as_deref().map(target_address).transpose()?,
        live: args.live,
        chain: match args.upstream_proxy.or(settings.record.upstream_proxy) {
            Some(url) => chain(Some(&url))?,
            // What the environment says matters only where a dependency is live.
            None => chain(None).unwrap_or_default(),
        },
        jobs: args.jobs.or(replay.jobs).unwrap_or(1).max(1),
        timeout: args.timeout.or(replay.timeout).unwrap_or(TIMEOUT),
        ready,
        ready_timeout: args
            .ready_timeout
            .or(replay.ready_timeout)
            .unwrap_or(READY_TIMEOUT),
        headers,
        secrets,
        env: replay.env.into_iter().collect::<BTreeMap<_, _>>(),
        strict: args.strict || replay.strict.unwrap_or(false),
        freeze: !args.no_freeze,
        rules: settings.rules,
        capture: super::capture::ability(args.no_capture, &args.command, true)?,
        allow_egress: args.allow_egress,
        port: args.port,
        command: args.command,
        state: super::state_folder()?,
        tls,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// `http://host:port` or `host:port`, as `host:port`; `https://host:port` as it is.
fn target_address(url: &str) -> Result<String, Failure> {
    let bad = |what: &str| {
        Failure::usage(format!("--target {url}: {what}")).hint("write it as http://127.0.0.1:3000")
    };
    let (scheme, rest, port) = match url.split_once("://") {
        Some(("http", rest)) => ("", rest, 80),
        Some(("https", rest)) => ("https://", rest, 443),
        Some((scheme, _)) => {
            return Err(bad(&format!("the scheme {scheme} cannot be replayed to")));
        }
        None => ("", url, 80),
    };
    let authority = rest.trim_end_matches('/');
    if authority.contains('/') {
        return Err(bad("a path is part of each test, not of the target"));
    }
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port {
        format!("{scheme}{authority}")
    } else {
        format!("{scheme}{authority}:{port}")
    })
}

/// The pairs of `replay.<field>` with `${NAME}` in their values replaced from the environment.
fn filled_in(field: &str, pairs: &[(String, String)]) -> Result<Vec<(String, String)>, Failure> {
    let filled = pairs
        .iter()
        .map(|(name, value)| Ok((name.clone(), from_environment(field, value)?)));
    filled.collect()
}

fn from_environment(field: &str, value: &str) -> Result<String, Failure> {
    let mut filled = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or_else(|| {
            Failure::usage(format!("replay.{field}: `${{` without `}}` in `{value}`"))
        })?;
        filled.push_str(before);
        filled.push_str(&std::env::var(name).map_err(|_| {
            Failure::usage(format!(
                "replay.{field} needs the variable {name}, which is not set"
            ))
        })?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A name for a run that sorts by time.
fn new_run(store: &Store) -> Result<String, Failure> {
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    let taken = store.runs().map_err(store_failure)?;
    let names = std::iter::once(now.clone()).chain((2..).map(|n| format!("{now}-{n}")));
    Ok(names
        .into_iter()
        .find(|name| !taken.contains(name))
        .unwrap_or(now))
}

/// Everybody who wants to know of the run's events.
struct Outputs {
    reporters: Vec<Box<dyn Reporter>>,
    bar: ProgressBar,
    failed: Option<io::Error>,
}

impl Outputs {
    fn open(args: &ReplayArgs, run_dir: &Path, again: &Again) -> Result<Self, Failure> {
        let mut reporters = Vec::new();
        let open = |name, out| retake_report::open(name, out, again.clone());
        let events = run_dir.join(retake_report::EVENTS_FILE);
        reporters.push(open("events", create(&events)?));
        let mut to_stdout = "terminal";
        match args.json.as_deref() {
            Some(path) if path == Path::new("-") => to_stdout = "events",
            Some(path) => reporters.push(open("json", create(path)?)),
            None => {}
        }
        if let Some(path) = &args.junit {
            reporters.push(open("junit", create(path)?));
        }
        reporters.push(open(to_stdout, output::stdout()));
        let reporters = reporters.into_iter().flatten().collect();
        Ok(Outputs {
            reporters,
            bar: ProgressBar::hidden(),
            failed: None,
        })
    }

    fn on(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Started(started) => {
                if started.tests == 0 {
                    output::tell(without_tests(&started.sets, &started.target));
                }
                self.bar = bar(started.tests);
            }
            RunEvent::TestFinished(_) => self.bar.inc(1),
            RunEvent::Finished(_) => self.bar.finish_and_clear(),
            RunEvent::Service(_) | RunEvent::TestStarted(_) => {}
        }
        for reporter in &mut self.reporters {
            if let Err(error) = reporter.on(event) {
                self.failed.get_or_insert(error);
            }
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        for reporter in &mut self.reporters {
            if let Err(error) = reporter.end() {
                self.failed.get_or_insert(error);
            }
        }
        match self.failed {
            Some(error) => Err(Failure::new(
                SURROUNDINGS,
                anyhow::Error::new(error).context("failed to write a report"),
            )),
            None => Ok(()),
        }
    }
}

fn create(path: &Path) -> Result<Box<dyn Write + Send>, Failure> {
    let file = fs::File::create(path).map_err(|error| {
        let what = format!("failed to write {}", path.display());
        Failure::new(SURROUNDINGS, anyhow::Error::new(error).context(what))
    })?;
    Ok(Box::new(io::BufWriter::new(file)))
}

/// A service that listens never ends by itself, so it is said what is being waited for.
fn without_tests(sets: &[String], command: &str) -> String {
    format!(
        "there are no tests in {}: `{command}` runs on its recorded calls until it ends, or Ctrl-C",
        sets.join(", ")
    )
}

fn bar(tests: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(tests).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} tests, {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn failure(error: ReplayError) -> Failure {
    let (code, hint) = (error.exit_code(), error.hint());
    let failure = Failure::new(code, error.into());
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn store_failure(error: StoreError) -> Failure {
    Failure::new(USAGE, error.into())
}

/// The last run's folder, or the named one's.
///
/// # Errors
/// There is no such run.
pub fn find_run(store: &Store, name: Option<&str>) -> Result<PathBuf, Failure> {
    let runs = store.runs().map_err(store_failure)?;
    match name {
        Some(name) if Path::new(name).is_dir() => Ok(PathBuf::from(name)),
        Some(name) if runs.iter().any(|run| run == name) => Ok(store.run_dir(name)),
        Some(name) => {
            let hint = match runs.as_slice() {
                [] => no_run(store),
                runs => format!("known runs: {}", runs.join(", ")),
            };
            Err(Failure::usage(format!("run `{name}` not found")).hint(hint))
        }
        None => match runs.last() {
            Some(last) => Ok(store.run_dir(last)),
            None => Err(Failure::usage("there is no run yet").hint(no_run(store))),
        },
    }
}

fn no_run(store: &Store) -> String {
    format!(
        "{} has no runs: `retake replay` makes one, and --dir names another folder of recordings",
        store.root().display()
    )
}
