//! Differences, across tests, with one cause; and the totals of a run.

mod calls;
mod edit;
mod family;
mod fields;
mod group;
mod headers;
mod key;
mod rewritten;
mod title;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use retake_model::{
    Cause, DiffKind, Difference, RunSummary, TestId, TestResult, TestSet, Timestamp, Verdict,
};

use crate::follow::{Link, links};
use crate::judge::status_of;
use group::Group;
pub(crate) use title::{cut, short};

/// The differences of a run by their cause: those of which tests are red before those that only
/// moved calls; among them the one that explains the most tests first, then the one whose test was
/// recorded first. What is the same change at several places is one cause, and
/// lists its parts. Tests in the order of the results. Tests that are red because an earlier one of
/// their set is, as far as there is evidence, are listed under the cause of that one.
pub fn causes(sets: &[Arc<TestSet>], results: &[TestResult]) -> Vec<Cause> {
    let links = links(sets, results);
    let of: HashMap<&TestId, &Link> = links.iter().map(|link| (&link.test, link)).collect();
    // What tests show by themselves is a cause wherever it is shown.
    let independent: HashSet<u64> = results
        .iter()
        .filter(|result| !of.contains_key(&result.test))
        .flat_map(|result| result.differences.iter().map(|d| d.cause))
        .collect();
    let mut index: HashMap<u64, usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for result in results {
        let link = of.get(&result.test);
        for difference in &result.differences {
            let is_explained = link.is_some_and(|link| {
                is_explained(difference)
                    || difference.cause == link.cause
                    || !independent.contains(&difference.cause)
            });
            if is_explained {
                continue;
            }
            let at = *index.entry(difference.cause).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.add(&result.test, difference),
                None => groups.push(Group::new(&result.test, difference)),
            }
        }
    }
    for link in results.iter().filter_map(|result| of.get(&result.test)) {
        if let Some(group) = index.get(&link.cause).and_then(|at| groups.get_mut(*at)) {
            group.consequences.push(link);
        }
    }
    let order: HashMap<&TestId, usize> = results.iter().map(|r| &r.test).zip(0..).collect();
    let mut causes = family::causes(groups, sets, &order);
    let explains = |cause: &Cause| cause.tests.len() + cause.consequences.len();
    // Of those that explain as many, what was sent first may have led to the others.
    let began = began(sets);
    let first = |cause: &Cause| cause.tests.iter().filter_map(|test| began.get(test)).min();
    let shifted = results.iter().filter(|r| r.verdict == Verdict::Shifted);
    let shifted: HashSet<&TestId> = shifted.map(|result| &result.test).collect();
    let is_harmless = |cause: &Cause| {
        !cause.tests.is_empty() && cause.tests.iter().all(|test| shifted.contains(test))
    };
    causes.sort_by_cached_key(|cause| {
        let first = first(cause).copied();
        let explains = std::cmp::Reverse(explains(cause));
        (is_harmless(cause), explains, first, cause.id)
    });
    causes
}

/// When each test was recorded.
fn began(sets: &[Arc<TestSet>]) -> HashMap<TestId, Timestamp> {
    let tests = sets.iter().flat_map(|set| {
        let id = |name: &str| TestId {
            set: set.name.clone(),
            name: name.into(),
        };
        set.tests.iter().map(move |test| (id(&test.name), test.at))
    });
    tests.collect()
}

/// Whether that is what a test shows that did not get what it needs: it is refused, and makes no
/// calls.
fn is_explained(difference: &Difference) -> bool {
    let is_status = status_of(std::slice::from_ref(difference)).is_some();
    difference.follows || is_status || difference.kind == DiffKind::CallMissing
}

/// What a run knows beside the results of its tests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Mocks that nothing asked for.
    pub unused: Vec<(String, String, usize)>,
    /// Background calls that were answered.
    pub background: Vec<(String, String, usize)>,
    /// How long the run took.
    pub took: Duration,
    /// Whether calls that shifted make a run red.
    pub strict: bool,
    /// Whether the surroundings failed: the service did not start or ended early.
    pub failed: bool,
    /// Calls outside of tests that nothing answered.
    pub outside: Vec<Difference>,
    /// How many tests were not run because the service gave up at its start, after such a call.
    pub given_up: usize,
    /// Anything else worth a sentence.
    pub notes: Vec<String>,
}

/// The end of a run, from the results of its tests in their order.
pub fn summarise(sets: &[Arc<TestSet>], results: &[TestResult], totals: Totals) -> RunSummary {
    let count = |verdict| results.iter().filter(|r| r.verdict == verdict).count();
    let mut summary = RunSummary {
        passed: count(Verdict::Passed),
        shifted: count(Verdict::Shifted),
        not_run: count(Verdict::NotRun),
        gaps: count(Verdict::Gap),
        changed: count(Verdict::Changed),
        broken: count(Verdict::Broken),
        causes: causes(sets, results),
        unused: totals.unused.clone(),
        background: totals.background.clone(),
        took: totals.took,
        exit_code: 0,
        notes: totals.notes.clone(),
    };
    let gaps = summary.gaps + totals.outside.len();
    summary.exit_code = exit_code(&summary, gaps, &totals);
    for difference in &totals.outside {
        match summary.causes.iter().any(|c| c.id == difference.cause) {
            true => {}
            false => summary.causes.push(Group::outside(difference).into_cause()),
        }
    }
    summary
}

/// The exit code of a run (`docs/exit-codes.md`): what makes the rest unreliable comes first.
fn exit_code(summary: &RunSummary, gaps: usize, totals: &Totals) -> u8 {
    if totals.failed || summary.broken > 0 || summary.not_run > totals.given_up {
        4
    } else if summary.changed > 0 || totals.strict && summary.shifted > 0 {
        1
    } else if gaps > 0 {
        3
    } else {
        0
    }
}
