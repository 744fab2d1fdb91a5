//! The run as a whole.

use std::sync::Arc;
use std::time::Instant;

use retake_compare::matching::settle_background;
use retake_compare::rules::RuleSet;
use retake_compare::{Totals, summarise};
use retake_model::{RunEvent, RunStarted, RunSummary, TestResult, TestSet};
use retake_proxy::Clock;
use tokio::sync::watch;

use super::set::{replay_set, rules_of};
use super::{ReplayError, ReplayOptions};

/// What ends a run with exit code 3 although no test says so: the service asked, outside of
/// tests, what the recording does not have.
const GAP: u8 = 3;

/// Replays, and tells what happens. `stop` ends the run early: what was not run is said so.
///
/// # Errors
/// The run could not begin: a recording cannot be read, a rule or an address cannot be used. A
/// service that does not start is no error of this kind, but an outcome.
pub async fn replay(
    options: ReplayOptions,
    stop: watch::Receiver<bool>,
    mut emit: impl FnMut(RunEvent),
) -> Result<RunSummary, ReplayError> {
    let began = Instant::now();
    let sets = load(&options)?;
    check_live(&sets, &options)?;
    let mut rules = Vec::new();
    for set in &sets {
        rules.push(RuleSet::new(options.rules.iter().chain(&set.info.rules))?);
    }
    emit(RunEvent::Started(RunStarted {
        run: options.run.clone(),
        sets: options.sets.clone(),
        tests: sets.iter().map(|set| set.tests.len()).sum(),
        at: Clock::new().now(),
        version: options.version.clone(),
        target: options
            .target
            .clone()
            .unwrap_or_else(|| options.command.join(" ")),
    }));
    let mut results: Vec<TestResult> = Vec::new();
    let mut totals = Totals {
        strict: options.strict,
        ..Totals::default()
    };
    let mut asked_in_vain = 0;
    for (set, rules) in sets.iter().zip(rules) {
        let mut keep = |event: RunEvent| {
            if let RunEvent::TestFinished(result) = &event {
                results.push(TestResult::clone(result));
            }
            emit(event);
        };
        let outcome = replay_set(set, rules, &options, &stop, &mut keep).await?;
        totals.unused.extend(outcome.unused);
        totals.background.extend(outcome.background);
        totals.notes.extend(outcome.notes);
        totals.failed |= outcome.failed;
        asked_in_vain += outcome.asked_in_vain;
    }
    results.sort_by(|a, b| a.test.cmp(&b.test));
    totals.took = began.elapsed();
    let mut summary = summarise(&results, totals);
    if summary.exit_code == 0 && asked_in_vain > 0 {
        summary.exit_code = GAP;
    }
    emit(RunEvent::Finished(Box::new(summary.clone())));
    Ok(summary)
}

fn load(options: &ReplayOptions) -> Result<Vec<Arc<TestSet>>, ReplayError> {
    options
        .sets
        .iter()
        .map(|name| {
            let mut set = options.store.load(name)?;
            settle_background(&mut set, rules_of);
            Ok(Arc::new(set))
        })
        .collect()
}

/// A misspelt `--live` would mock what is meant to be real.
fn check_live(sets: &[Arc<TestSet>], options: &ReplayOptions) -> Result<(), ReplayError> {
    let known: Vec<&str> = sets
        .iter()
        .flat_map(|set| &set.info.dependencies)
        .map(|d| &*d.name)
        .collect();
    match options
        .live
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        Some(name) => Err(ReplayError::NoSuchDependency {
            name: name.clone(),
            known: known.join(", "),
        }),
        None => Ok(()),
    }
}
