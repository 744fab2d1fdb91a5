//! A recording from its first listening socket to its ledger.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use retake_intercept::{EnvDependency, Listen};
use retake_model::{DependencyInfo, Ledger, SetInfo, Timestamp};
use retake_proxy::Clock;
use retake_proxy::record::{Events, RecordProxy};
use retake_proxy::tls::Tls;
use retake_store::{SetWriter, StoreError, WriteMode};

use super::forward::{Forward, variables};
use super::recorder::{Keeping, Recorder};
use super::{Progress, RecordError, RecordOptions, Recorded, Redactor};
use crate::build::build_of;
use crate::capture::{self, Capture, Learned};
use crate::command::without_secrets;
use crate::installation;
use crate::service::Service;

/// How long open connections may go on when the recording ends.
const DRAIN: Duration = Duration::from_secs(1);

/// How long the recorder waits for events before it looks at its other duties.
const TICK: Duration = Duration::from_millis(50);

/// How often the mocks outside tests are written while the recording goes on, at the most.
const SHARED_EVERY: Duration = Duration::from_secs(2);

/// How much longer than the last writing of them took the next one waits: they are one file, and
/// writing a large one again and again would leave no time for the traffic.
const SHARED_PACE: u32 = 30;

/// By how much the recorder's thread is nicer than the process, and so than the relay.
const RECORDER_NICE: i32 = 5;

/// Records until `stop` resolves, the time is over or the command ends.
///
/// # Errors
/// [`RecordError`]; what was recorded until then stays readable.
pub async fn record(
    options: RecordOptions,
    stop: impl Future<Output = ()>,
    mut progress: impl FnMut(Progress) + Send + Clone + 'static,
) -> Result<Recorded, RecordError> {
    let key = installation::key(&options.state).map_err(|source| RecordError::Key {
        folder: options.state.clone(),
        source,
    })?;
    let tls = Tls::open(&options.state, options.tls.clone()).map_err(RecordError::Tls)?;
    let tls = Arc::new(tls);
    let redactor = Redactor::new(key, &options.redact);
    let clock = Clock::new();
    let began = clock.now();
    let writer = options.store.writer_with(&options.set, options.mode)?;
    let relay = retake_proxy::record::RecordOptions {
        workers: options.workers,
        clock,
        tls: Some(Arc::clone(&tls)),
        ends_service_tls: options.inbound_tls,
        ..Default::default()
    };
    let (proxy, events) = RecordProxy::start(listens(&options), relay)?;
    let listening = proxy.listens().to_vec();
    progress(Progress::Listening(listening.clone()));
    let before = capture::captured_before(&options);
    let forward = match &options.forward {
        Some(forward) => {
            let known = capture::known(&options, &before);
            Some(Forward::start(forward, &proxy, known)?)
        }
        None => None,
    };
    let front = forward.as_ref().map(Forward::addr);
    let (mut capture, director) = match capture::recording(&options, &before, &proxy, front) {
        Some((capture, director)) => (Some(capture), Some(director)),
        None => (None, None),
    };
    let mut info = set_info(&options, &listening, &redactor, began);
    if let Some(front) = front {
        // A port that was free by chance is free by chance again: the command is told which.
        let wanted = options.forward.as_ref().map(|forward| forward.listen);
        let by_chance = wanted.filter(|wanted| wanted.port() == 0 && !options.command.is_empty());
        info.proxy = Some(by_chance.unwrap_or(front).to_string());
        progress(Progress::Forwarding(front));
    }
    let captures = director.is_some();
    info.captured = captures;
    writer.write_info(&info)?;
    let led = forward.as_ref().map(Forward::recorded);
    let learned = Arc::new(Learned::new(
        director,
        led,
        before,
        capture::names_before(&options),
    ));

    let keeping = Keeping {
        repeats: options.keep_repeats,
        has_dependencies: captures
            || forward.is_some()
            || !(options.deps.is_empty() && options.env_deps.is_empty()),
        // A captured service can be asked once it listens.
        has_inbound: options.inbound.is_some(),
        exclude: options.exclude.clone(),
    };
    let ending = Arc::new(OnceLock::new());
    let recorder = Recorder::new(writer, keeping, redactor)
        .after(capture::served_before(&options))
        .until(Arc::clone(&ending));
    let mut report = progress.clone();
    let (so_far, described) = (Arc::clone(&learned), info.clone());
    let recorder = thread::Builder::new()
        .name("recorder".to_owned())
        .spawn(move || {
            // Where processors are scarce the traffic goes first: what is then not kept is
            // counted. On Linux this is the thread's own priority.
            let _ = rustix::process::nice(RECORDER_NICE);
            let report = move |kept| report(Progress::Kept(kept));
            run_recorder(recorder, events, &so_far, &described, report)
        })
        .map_err(|e| RecordError::Thread(e.to_string()))?;

    let mut env = rewritten(&options.env_deps, &listening);
    // A captured service needs no proxy.
    let proxied = front.filter(|_| !captures);
    env.extend(proxied.into_iter().flat_map(variables));
    // Its files are there for as long as the service runs.
    let trusted = match options.command.is_empty() {
        true => None,
        false => capture::trust(&tls, capture.as_mut(), &env),
    };
    env.extend(trusted.iter().flat_map(|t| t.variables.clone()));
    let ends = || {
        // What the service closes from then on, it closes because it ends.
        let _ = ending.set(clock.now());
    };
    let command_ended = run_service(&options, &env, capture, stop, &mut progress, ends).await;
    let stopped = tokio::task::spawn_blocking(move || {
        let counters = proxy.stop(DRAIN);
        let (recorder, failed) = recorder
            .join()
            .map_err(|_| RecordError::Thread("it panicked".to_owned()))?;
        let spoke_tls = recorder.spoke_tls().clone();
        let aliases = recorder.aliases().clone();
        let served = recorder.served().clone();
        let (writer, ledger, failed_at_last) = recorder.finish(&counters);
        let failed = failed.or(failed_at_last);
        Ok::<_, RecordError>((writer, ledger, failed, (spoke_tls, aliases, served)))
    });
    let (writer, mut ledger, mut failed, (spoke_tls, aliases, served)) = stopped
        .await
        .map_err(|e| RecordError::Thread(e.to_string()))??;
    ledger.took = clock.now().since(began);
    // It went on while the relay let open exchanges end.
    drop(forward);
    ledger.notes.extend(learned.notes());
    learned.complete(&mut info, ledger.inbound.kept > 0, &served);
    aliases.rename(&mut info.dependencies);
    for dependency in &mut info.dependencies {
        dependency.tls |= spoke_tls.contains(&dependency.name);
    }
    failed = failed.or(keep(writer, &mut ledger, info));
    Ok(Recorded {
        ledger,
        listening: learned.listening(),
        command_ended: command_ended?,
        failed: failed.map(|error| error.to_string()),
    })
}

/// Keeps what was recorded, with its description and its ledger; where that is nothing, what was
/// there before. Gives the error where the disk refuses.
fn keep(writer: SetWriter, ledger: &mut Ledger, mut info: SetInfo) -> Option<StoreError> {
    let kept = ledger.inbound.kept + ledger.outbound.values().map(|t| t.kept).sum::<u64>();
    let writer = match kept {
        // A misspelt command is no reason to lose what was recorded before.
        0 => writer.discard(),
        _ => Some(writer),
    };
    match writer {
        Some(writer) => {
            info.ledger = Some(ledger.clone());
            writer.finish(&info).err()
        }
        None => {
            let note = "nothing was recorded: the set stays as it was before";
            ledger.notes.push(note.to_owned());
            None
        }
    }
}

/// Starts the command, waits for the first reason to end, calls `ends` and ends the command. Gives how
/// it ended, where that was the reason.
async fn run_service(
    options: &RecordOptions,
    env: &[(String, String)],
    capture: Option<Capture>,
    stop: impl Future<Output = ()>,
    progress: &mut impl FnMut(Progress),
    ends: impl FnOnce(),
) -> Result<Option<String>, RecordError> {
    let mut service = if options.command.is_empty() {
        None
    } else {
        Some(Service::start(
            &options.command,
            env,
            options.output,
            capture,
        )?)
    };
    progress(Progress::Recording);
    let time_over = async {
        match options.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let ended = async {
        match &mut service {
            Some(service) => service.ended().await,
            None => std::future::pending().await,
        }
    };
    let command_ended = tokio::select! {
        () = stop => None,
        () = time_over => None,
        how = ended => Some(how),
    };
    ends();
    if let Some(service) = service {
        service.stop().await;
    }
    Ok(command_ended)
}

fn run_recorder(
    mut recorder: Recorder,
    mut events: Events,
    learned: &Learned,
    described: &SetInfo,
    mut report: impl FnMut(u64),
) -> (Recorder, Option<StoreError>) {
    let mut failed = None;
    let (mut written, mut reported) = (Instant::now(), 0);
    let mut pause = SHARED_EVERY;
    while let Some(batch) = events.recv(TICK) {
        if learned.serves() {
            recorder.is_served();
        }
        // A disk that refuses does not end the recording: the traffic goes on, and the ledger
        // counts what was not kept.
        if let Err(error) = recorder.take(batch) {
            tracing::error!("{error}");
            failed.get_or_insert(error);
        }
        if written.elapsed() >= pause {
            let began = Instant::now();
            // A recording that is killed can be replayed too.
            let news = learned.news(described, recorder.served());
            let told = news.map_or(Ok(()), |info| recorder.writer().write_info(&info));
            if let Err(error) = told.and(recorder.write_shared()) {
                failed.get_or_insert(error);
            }
            written = Instant::now();
            pause = SHARED_EVERY.max(SHARED_PACE * (written - began));
        }
        if recorder.kept() != reported {
            reported = recorder.kept();
            report(reported);
        }
    }
    (recorder, failed)
}

fn listens(options: &RecordOptions) -> Vec<Listen> {
    let inbound = options.inbound.iter().map(|(addr, upstream)| Listen {
        serves_tls: options.inbound_tls,
        ..Listen::inbound(*addr, upstream)
    });
    let deps = options.deps.iter().map(Listen::outbound);
    let env_deps = options
        .env_deps
        .iter()
        .map(|env| Listen::outbound(&env.dep));
    inbound.chain(deps).chain(env_deps).collect()
}

/// The variables that lead the service to the stand-ins.
pub(crate) fn rewritten(env_deps: &[EnvDependency], listening: &[Listen]) -> Vec<(String, String)> {
    let address = |env: &EnvDependency| {
        listening
            .iter()
            .find(|l| l.dependency.as_ref() == Some(&env.dep.name))
            .map(|l| l.addr)
    };
    env_deps
        .iter()
        .filter_map(|env| Some((env.variable.clone(), env.rewritten(address(env)?))))
        .collect()
}

/// The build that is recorded; none where the set has tests of another one.
fn build_of_set(options: &RecordOptions) -> BTreeMap<String, String> {
    let build = build_of(&options.command);
    let before = match options.mode {
        WriteMode::Append => options.store.load(&options.set).ok(),
        WriteMode::Replace => None,
    };
    match before {
        Some(set) if !set.tests.is_empty() && set.info.build != build => BTreeMap::new(),
        _ => build,
    }
}

fn set_info(
    options: &RecordOptions,
    listening: &[Listen],
    redactor: &Redactor,
    recorded: Timestamp,
) -> SetInfo {
    let fixed = options.deps.iter().map(|dep| (dep, None, None));
    let by_env = options.env_deps.iter().map(|env| {
        (
            &env.dep,
            Some(env.variable.clone()),
            Some(redactor.url(env.original())),
        )
    });
    let dependencies = fixed.chain(by_env).map(|(dep, env, url)| {
        let listen = listening
            .iter()
            .find(|l| l.dependency.as_ref() == Some(&dep.name));
        DependencyInfo {
            name: dep.name.clone(),
            protocol: dep.protocol,
            address: dep.upstream.to_string(),
            // The port behind a variable was free by chance, and is so again on replay.
            listen: listen.filter(|_| env.is_none()).map(|l| l.addr.to_string()),
            env,
            url,
            tls: dep.tls,
            ..DependencyInfo::default()
        }
    });
    SetInfo {
        recorded,
        recorder: options.version.clone(),
        command: without_secrets(&options.command),
        build: build_of_set(options),
        upstream: options
            .inbound
            .as_ref()
            .map(|(_, upstream)| upstream.clone()),
        names: Vec::new(),
        listens: Vec::new(),
        proxy: None,
        captured: false,
        dependencies: dependencies.collect(),
        ledger: None,
        rules: Vec::new(),
    }
}
