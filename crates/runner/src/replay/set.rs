//! The replay of one set.

use std::sync::Arc;

use retake_compare::matching::MockSet;
use retake_compare::rules::RuleSet;
use retake_compare::{gave_up, outside};
use retake_model::{Difference, ProtocolId, Rules, RunEvent, ServiceEvent, TestSet, TokenKind};
use retake_wire::{PROTOCOLS, protocol};
use tokio::sync::watch;

use super::desk::Desk;
use super::listeners::{self, Clients};
use super::stage::Stage;
use super::tests::Tests;
use super::watch::Watch;
use super::{ReplayError, ReplayOptions};
use crate::service::ENDED_WELL;

/// What the replay of a set knows beside its tests' results.
#[derive(Debug, Default)]
pub(super) struct SetOutcome {
    pub unused: Vec<(String, String, usize)>,
    pub background: Vec<(String, String, usize)>,
    pub notes: Vec<String>,
    /// Whether the surroundings failed.
    pub failed: bool,
    /// Calls outside of tests that no mock answered.
    pub outside: Vec<Difference>,
    /// How many tests were not run because the service gave up after such a call.
    pub given_up: usize,
}

/// Said of a replay that leads nobody to the mocks of captured dependencies.
const NOT_CAPTURED: &str = "this set was recorded by capture, and the service is not captured now: \
    it connects to the real dependencies, or to none";

/// Replays one set: starts its surroundings, runs its tests, clears up.
pub(super) async fn replay_set(
    set: &Arc<TestSet>,
    rules: RuleSet,
    options: &ReplayOptions,
    stop: &watch::Receiver<bool>,
    emit: &mut dyn FnMut(RunEvent),
) -> Result<SetOutcome, ReplayError> {
    let mut outcome = SetOutcome::default();
    if set.tests.is_empty() && options.command.is_empty() {
        let note = format!("set {} has no tests: nothing was run", set.name);
        outcome.notes.push(note);
        return Ok(outcome);
    }
    let mut mocks = MockSet::new(std::slice::from_ref(set), rules_of, &rules)?;
    for (token, value) in &options.secrets {
        mocks.values().bind(TokenKind::Secret, token, value);
    }
    let desk = Arc::new(Desk::new(mocks));
    let target = options.target.clone().or_else(|| set.info.upstream.clone());
    let beside = listeners::beside(set);
    let mut stage = Stage::set(&set.name, &set.info, options, beside.clone(), desk.clone())?;
    if set.info.captured && !stage.is_captured() {
        outcome.notes.push(NOT_CAPTURED.to_owned());
    }
    let watch = Arc::new(Watch::of(set, options));
    let mut tests = Tests::new(set, options, desk.clone(), emit);
    let starting = watch.reading();
    let started = tokio::select! {
        started = stage.start_service(target.as_deref(), options, watch.clock()) => Some(started),
        () = stopped(stop.clone()) => None,
    };
    let (started, target) = match started {
        Some((started, learned)) => {
            if !options.command.is_empty() {
                watch.started(starting);
            }
            (Some(started), learned.or(target))
        }
        None => (None, target),
    };
    match (started, target) {
        (Some(ServiceEvent::Failed { what, hint, output }), _) => {
            let why = given_up(&desk);
            outcome.failed = why.is_none();
            let hint = match &why {
                Some(_) => GAVE_UP.to_owned(),
                None => hint,
            };
            tests.emit(RunEvent::Service(ServiceEvent::Failed {
                what,
                hint,
                output,
            }));
            match why {
                Some(why) => {
                    outcome.given_up = set.tests.len();
                    outcome.outside.push(why);
                    tests.rest("the service did not start: a call got no answer");
                }
                None => tests.rest("the service did not start"),
            }
        }
        (None, _) => tests.rest("the run was interrupted"),
        (Some(ready), Some(target)) if !set.tests.is_empty() => {
            tests.emit(RunEvent::Service(ready));
            let others = listeners::targets(&beside, &set.info, &target, stage.places());
            let clients = Clients::new(target, others);
            outcome.failed = tests.run(rules, clients, &mut stage, &watch, stop).await;
        }
        (Some(_), None) if !set.tests.is_empty() => {
            return Err(ReplayError::NoTarget(set.name.to_string()));
        }
        // Only mocks were recorded: the command runs on them until it ends.
        (Some(ready), _) => {
            tests.emit(RunEvent::Service(ready));
            let ended = run_to_end(&mut stage, stop).await;
            if let Some(mut event) = ended {
                let why = given_up(&desk);
                outcome.failed = why.is_none();
                if let (ServiceEvent::Failed { hint, .. }, Some(_)) = (&mut event, &why) {
                    GAVE_UP.clone_into(hint);
                }
                outcome.outside.extend(why);
                tests.emit(RunEvent::Service(event));
            }
        }
    }
    let refused = stage.captured();
    outcome.notes.extend(watch.note());
    stage.clear().await;
    let mocks = desk.mocks();
    outcome.unused = mocks.unused();
    outcome.background = mocks.background();
    outcome.notes.extend(not_judged(&mocks));
    if outcome.outside.is_empty() {
        let (orphans, beyond) = mocks.orphans();
        outcome.outside = outside(orphans);
        if beyond > 0 {
            let note = format!("{beyond} more calls outside of tests got no answer");
            outcome.notes.push(note);
        }
    }
    outcome.notes.extend(refused);
    outcome.notes.extend(desk.notes());
    Ok(outcome)
}

/// How many calls of jobs were not judged.
fn not_judged(mocks: &MockSet) -> Vec<String> {
    let mut notes = Vec::new();
    let unanswered = mocks.unanswered_jobs();
    let calls: usize = unanswered.iter().map(|(_, _, calls)| calls).sum();
    if calls > 0 {
        let lines = unanswered.iter().take(SHOWN_JOBS);
        let lines: Vec<String> = lines
            .map(|(to, line, n)| format!("{n}× {to} {line}"))
            .collect();
        let more = match unanswered.len().saturating_sub(SHOWN_JOBS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        notes.push(format!(
            "{calls} calls of the service's own jobs have no recorded answer; no test is judged by them: \
             {}{more}",
            lines.join("; ")
        ));
    }
    let unmade = mocks.unmade_jobs();
    if unmade > 0 {
        notes.push(format!(
            "{unmade} recorded writes of the service's own jobs were not made; no test is judged by them"
        ));
    }
    notes
}

/// How many calls of jobs are told.
const SHOWN_JOBS: usize = 3;

/// Resolves when the run is to end.
pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody can ask any more.
        std::future::pending::<()>().await;
    }
}

/// Waits for the command's end; what is to be told where it failed.
async fn run_to_end(stage: &mut Stage, stop: &watch::Receiver<bool>) -> Option<ServiceEvent> {
    let service = stage.service.as_mut()?;
    let how = tokio::select! {
        how = service.ended() => how,
        () = stopped(stop.clone()) => return None,
    };
    (how != ENDED_WELL).then(|| ServiceEvent::Failed {
        what: format!("the command {how}"),
        hint: "its last output says why".to_owned(),
        output: stage.output(),
    })
}

/// The call without an answer after which a service gave up; none where all were answered.
fn given_up(desk: &Desk) -> Option<Difference> {
    let mocks = desk.mocks();
    let (orphans, _) = mocks.orphans();
    gave_up(orphans)
}

/// Said of a service that gave up after a call that nothing answered.
const GAVE_UP: &str = "it asked for what the recording does not have, see the cause; its last \
    output says what it made of that";

/// The rules of a protocol. Sets whose protocols this build does not have are refused before
/// ([`check_protocols`]).
#[expect(
    clippy::expect_used,
    reason = "other rules would give a call the answer of another"
)]
pub(super) fn rules_of(id: ProtocolId) -> &'static Rules {
    protocol(id.0)
        .expect("a set with an unknown protocol was refused when it was loaded")
        .rules()
}

/// Refuses a set with calls or tests of a protocol that this build does not have: nothing would
/// tell what identifies them.
pub(super) fn check_protocols(set: &TestSet) -> Result<(), ReplayError> {
    let shared = set.shared.iter().map(|mock| (&*mock.to, mock.protocol));
    let tests = set.tests.iter().flat_map(|test| {
        let calls = test.calls.iter().map(|mock| (&*mock.to, mock.protocol));
        std::iter::once((test.name.as_str(), test.protocol)).chain(calls)
    });
    match shared.chain(tests).find(|(_, id)| protocol(id.0).is_none()) {
        None => Ok(()),
        Some((of, id)) => Err(ReplayError::UnknownProtocol {
            set: set.name.to_string(),
            of: of.to_owned(),
            protocol: id,
            known: PROTOCOLS
                .iter()
                .map(|known| known.id().0)
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}
