//! The run as a whole.

use crate::command::without_secrets;
use std::sync::Arc;
use std::time::Instant;

use retake_compare::made::find_short;
use retake_compare::matching::{doubt_late, settle_background};
use retake_compare::rules::RuleSet;
use retake_compare::{Totals, summarise};
use retake_model::{RunEvent, RunStarted, RunSummary, TestResult, TestSet};
use retake_proxy::Clock;
use tokio::sync::watch;

use super::set::{check_protocols, replay_set, rules_of};
use super::{ReplayError, ReplayOptions};

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
    if options.command.is_empty() && sets.iter().all(|set| set.tests.is_empty()) {
        return Err(ReplayError::NothingToRun(options.sets.join(", ")));
    }
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
            .unwrap_or_else(|| without_secrets(&options.command).join(" ")),
    }));
    let mut results: Vec<TestResult> = Vec::new();
    let mut totals = Totals {
        strict: options.strict,
        ..Totals::default()
    };
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
        totals.outside.extend(outcome.outside);
        totals.given_up += outcome.given_up;
    }
    results.sort_by(|a, b| a.test.cmp(&b.test));
    totals.took = began.elapsed();
    let summary = summarise(&sets, &results, totals);
    emit(RunEvent::Finished(Box::new(summary.clone())));
    // Nobody waits until a large recording is taken apart.
    let _ = std::thread::Builder::new().spawn(move || drop((sets, results)));
    Ok(summary)
}

fn load(options: &ReplayOptions) -> Result<Vec<Arc<TestSet>>, ReplayError> {
    options
        .sets
        .iter()
        .map(|name| {
            let mut set = options.store.load(name)?;
            check_protocols(&set)?;
            find_short(&mut set);
            settle_background(&mut set, rules_of);
            doubt_late(&mut set, rules_of);
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

#[cfg(test)]
mod tests {
    use retake_proxy::tls::TlsSettings;
    use std::collections::BTreeMap;
    use std::fs;
    use std::time::Duration;

    use retake_store::Store;

    use super::*;
    use crate::ready::Ready;

    /// What a replay of a set with these shared calls says, and its hint, without a service.
    async fn check(shared: &str, error: &str, hint: &str) {
        let dir = tempfile::tempdir().expect("a folder");
        let set = dir.path().join("shop");
        fs::create_dir(&set).expect("a folder");
        fs::write(
            set.join("set.yaml"),
            "retake: v1\nrecorded: 2026-03-01T10:20:30Z\nrecorder: test\n",
        )
        .expect("written");
        fs::write(set.join("startup.yaml"), shared).expect("written");
        let options = ReplayOptions {
            store: Store::new(dir.path()),
            sets: vec!["shop".to_owned()],
            run: "now".to_owned(),
            // Nobody listens there: whatever waits for it takes long.
            target: Some("127.0.0.1:1".to_owned()),
            live: Vec::new(),
            chain: Default::default(),
            jobs: 1,
            timeout: Duration::from_secs(3600),
            ready: Ready::Port(None),
            ready_timeout: Duration::from_secs(3600),
            headers: Vec::new(),
            secrets: Vec::new(),
            env: BTreeMap::new(),
            strict: false,
            freeze: false,
            rules: Vec::new(),
            capture: None,
            allow_egress: false,
            port: None,
            command: Vec::new(),
            state: dir.path().to_owned(),
            tls: TlsSettings::default(),
            version: "test".to_owned(),
        };
        let (_sender, stop) = watch::channel(false);
        let failed = replay(options, stop, |_| {}).await.expect_err("refused");
        assert!(failed.to_string().starts_with(error), "{failed}");
        assert!(failed.hint().is_some_and(|h| h.contains(hint)), "{failed}");
        assert_eq!(failed.exit_code(), 2);
    }

    #[tokio::test]
    async fn no_test_and_no_command_is_said_at_once() {
        check(
            "retake: v1\ncalls: []\n",
            "nothing to run: there are no tests in shop, and there is no command",
            "retake record --listen",
        )
        .await;
    }

    #[tokio::test]
    async fn a_protocol_that_this_build_does_not_have_is_refused() {
        check(
            "retake: v1\ncalls:\n  - to: legacy\n    oracle: {sql: select 1}\n    gives: {rows: []}\n",
            "recording `shop`: `legacy` speaks `oracle`, which this build does not \
             (known protocols: ",
            "the recording is of another build",
        )
        .await;
    }
}
