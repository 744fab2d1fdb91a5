//! Transactions of several connections at once: between these there is no order.

use std::collections::{BTreeMap, HashSet};

use retake_model::TestCase;

use super::order::{Span, moved};
use super::outcome::MatchedCall;
use super::sorted::Sorted;
use super::transaction::{Step, step};

/// A call that was made, and the number of the transaction that it was part of.
type Made = (Span, Option<u64>);

/// Calls that were moved.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    /// Their numbers, rising.
    pub(super) calls: Vec<usize>,
    /// How many more stand elsewhere because the service goes by the order of ids that it made.
    pub(super) sorted: usize,
}

/// The calls that were moved: each dependency has an order of its own. Where nothing told whose of
/// several tests some calls of a dependency are, alike ones may have been another test's, and their
/// order says nothing; of a test that was alone only these are what earlier ones left to be done.
pub(super) fn reordered<'m>(
    test: &TestCase,
    matched: impl Iterator<Item = &'m MatchedCall>,
    was_alone: bool,
    sorted: &Sorted<'_>,
) -> Moved {
    let mut by_dependency: BTreeMap<&str, Vec<Made>> = BTreeMap::new();
    let mut unordered: HashSet<&str> = HashSet::new();
    if !was_alone {
        let shared = test.calls.iter().filter(|call| call.by.is_shared());
        unordered.extend(shared.map(|call| &*call.to));
    }
    for made in matched {
        if made.call.shared {
            unordered.insert(&made.call.to);
        }
        let recorded = made.index.and_then(|i| test.calls.get(i).map(|m| (i, m)));
        if let Some((index, mock)) = recorded.filter(|(_, mock)| !mock.by.is_shared()) {
            let span = Span {
                index,
                began: mock.after,
                ended: mock.after.saturating_add(mock.took),
            };
            let made = (span, made.call.transaction);
            by_dependency.entry(&mock.to).or_default().push(made);
        }
    }
    by_dependency.retain(|to, _| !unordered.contains(to));
    let groups = by_dependency.into_iter();
    let groups = groups.flat_map(|(to, made)| ordered(test, to, made));
    let mut all = Moved::default();
    for made in groups {
        let calls = moved(&made);
        if calls.is_empty() {
            continue;
        }
        let rest = sorted.unexplained(&made);
        all.sorted += calls.len().saturating_sub(rest.len());
        all.calls.extend(rest);
    }
    all.calls.sort_unstable();
    all
}

/// The calls of one dependency in the groups within which their order counts: all of them, or
/// those of each transaction where transactions overlapped, in the recording or on replay.
fn ordered(test: &TestCase, to: &str, made: Vec<Made>) -> Vec<Vec<Span>> {
    // Beginnings and ends are alike: any may have been found for any.
    let is_within = |made: &Made| {
        let call = test.calls.get(made.0.index);
        call.is_some_and(|call| step(&call.request) == Step::Within)
    };
    if !overlapped(&made) && !overlapped_when_recorded(test, to) {
        let recorded = test.calls.iter().filter(|call| *call.to == *to);
        let frames = recorded.filter(|call| step(&call.request) != Step::Within);
        let lacks_some = made.iter().filter(|made| !is_within(made)).count() < frames.count();
        let counts = made
            .into_iter()
            .filter(|made| !lacks_some || is_within(made));
        return vec![counts.map(|(span, _)| span).collect()];
    }
    let mut groups: BTreeMap<Option<u64>, Vec<Span>> = BTreeMap::new();
    for (span, transaction) in made.into_iter().filter(is_within) {
        groups.entry(transaction).or_default().push(span);
    }
    groups.into_values().collect()
}

/// Whether a call stands between those of a transaction that it is no part of.
fn overlapped(made: &[Made]) -> bool {
    let mut last: BTreeMap<u64, usize> = BTreeMap::new();
    made.iter().enumerate().any(|(at, (_, transaction))| {
        let before = transaction.and_then(|number| last.insert(number, at));
        before.is_some_and(|before| before + 1 != at)
    })
}

/// Whether one transaction was begun while another one was open.
fn overlapped_when_recorded(test: &TestCase, to: &str) -> bool {
    let mut open = 0i64;
    let calls = test.calls.iter().filter(|call| *call.to == *to);
    calls.map(|call| step(&call.request)).any(|step| {
        open += match step {
            Step::Begins => 1,
            Step::Within => 0,
            Step::Ends => -1,
        };
        open > 1
    })
}
