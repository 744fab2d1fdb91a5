//! Recorded calls that were made at another place in the order.

use retake_model::{DiffKind, Difference, TestCase};

use super::calls::{FirstUnknown, Found, Weight, place, plain};
use crate::matching::{CallsOutcome, Effect};

/// Whether a call at another place in the order is a read that passed nothing but reads. No
/// dependency can tell in which order it was read between two writes, and services that load by
/// sets do it in another order in every run: like the order of JSON members it does not count.
/// Nor do the transactions around reads where the test writes nothing there: those of several
/// connections at once begin and end in any order.
pub(super) fn is_read_among_reads(index: usize, test: &TestCase, calls: &CallsOutcome) -> bool {
    let own = calls.matched.iter().position(|m| m.index == Some(index));
    let (Some(recorded), Some(own)) = (test.calls.get(index), own) else {
        return false;
    };
    let there = || calls.matched.iter().filter(|m| m.call.to == recorded.to);
    if there().all(|m| m.call.effect != Effect::Write) {
        return true;
    }
    let is_read = calls
        .matched
        .get(own)
        .is_some_and(|m| m.call.effect == Effect::Read);
    is_read
        && !calls.matched.iter().enumerate().any(|(at, other)| {
            other.call.to == recorded.to
                && other.call.effect != Effect::Read
                && other
                    .index
                    .is_some_and(|i| (i < index) != (at < own) && i != index)
        })
}

/// A call at another place in the order.
pub(super) fn of_reordered(
    index: usize,
    test: &TestCase,
    calls: &CallsOutcome,
    first: Option<&FirstUnknown>,
    found: &mut Found,
) -> Option<(usize, Difference)> {
    let recorded = test.calls.get(index)?;
    let own = calls.matched.iter().position(|m| m.index == Some(index))?;
    let matched = calls.matched.get(own)?;
    let place = place(&recorded.to, Some(index), &matched.call.summary);
    let mut difference = plain(place, DiffKind::CallReordered);
    difference.detail = Some(format!(
        "recorded as call {} of {}, made as call {} of {}",
        index + 1,
        calls.recorded,
        own + 1,
        calls.matched.len()
    ));
    let after = first.filter(|first| first.is_before(index));
    Some((index, found.add(difference, Weight::Changed, after)))
}
