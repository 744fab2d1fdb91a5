//! Transactions of several connections at once: between these there is no order.

use std::collections::BTreeMap;

use retake_model::TestCase;

use super::order::Span;
use super::transaction::{Step, step};

/// A call that was made, and the number of the transaction that it was part of.
pub(super) type Made = (Span, Option<u64>);

/// The calls of one dependency in the groups within which their order counts: all of them, or
/// those of each transaction where transactions overlapped, in the recording or on replay.
pub(super) fn ordered(test: &TestCase, to: &str, made: Vec<Made>) -> Vec<Vec<Span>> {
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
