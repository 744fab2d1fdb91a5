//! Recorded calls that were made at another place in the order.

use retake_model::{DiffKind, Difference};

use super::calls::{Found, Weight, place, plain};
use crate::matching::{CallsOutcome, Effect};

/// Said first of a call that was recorded outside of a transaction.
const ENTERED: &str = "in a transaction now";

/// Said first of a call that was recorded in a transaction.
const LEFT: &str = "no longer in a transaction";

/// What is said of a call at another place, where it is more than that its order is another one.
pub(crate) fn said_of_moved(difference: &Difference) -> Option<&'static str> {
    let detail = difference.detail.as_deref()?;
    [ENTERED, LEFT]
        .into_iter()
        .find(|said| detail.lines().any(|line| line == *said))
}

/// The calls at another place in the order, with their numbers in the recording. Where a test writes
/// nothing there the dependency cannot tell: transactions of several connections at once begin and end
/// in any order.
pub(super) fn moved(calls: &CallsOutcome, found: &mut Found) -> Vec<(usize, Difference)> {
    let reordered = calls.reordered.iter();
    let reordered = reordered.filter(|made| !is_read_among_reads(**made, calls));
    let reordered = reordered.map(|made| (*made, None));
    let entered = calls.entered.iter().map(|made| (*made, Some(ENTERED)));
    let left = calls.left.iter().map(|made| (*made, Some(LEFT)));
    let all = reordered.chain(entered).chain(left);
    let all = all.filter(|(made, _)| writes_there(*made, calls));
    let all = all.filter_map(|(made, said)| of_moved(made, said, calls, found));
    all.collect()
}

/// Whether the test writes to the dependency of a call.
fn writes_there(made: usize, calls: &CallsOutcome) -> bool {
    let own = calls.matched.get(made);
    own.is_some_and(|own| {
        let mut there = calls.matched.iter().filter(|m| m.call.to == own.call.to);
        there.any(|m| m.call.effect == Effect::Write)
    })
}

/// Whether a call at another place in the order is a read that passed nothing but reads. No
/// dependency can tell in which order it was read between two writes, and services that load by
/// sets do it in another order in every run: like the order of JSON members it does not count.
/// `made`: its place among the calls that were made.
fn is_read_among_reads(made: usize, calls: &CallsOutcome) -> bool {
    let own = calls.matched.get(made);
    // Of a call that was recorded for another test the place among those of this one is not known.
    let Some((own, index)) = own.and_then(|own| Some((own, own.index?))) else {
        return false;
    };
    own.call.effect == Effect::Read
        && !calls.matched.iter().enumerate().any(|(at, other)| {
            other.call.to == own.call.to
                && other.call.effect != Effect::Read
                && other
                    .index
                    .is_some_and(|i| (i < index) != (at < made) && i != index)
        })
}

/// A call at another place in the order.
fn of_moved(
    made: usize,
    said: Option<&str>,
    calls: &CallsOutcome,
    found: &mut Found,
) -> Option<(usize, Difference)> {
    let matched = calls.matched.get(made)?;
    let place = place(&matched.call.to, matched.index, &matched.call.summary);
    let mut difference = plain(place, DiffKind::CallReordered);
    let recorded = matched.index.map_or_else(
        || "recorded in another order".to_owned(),
        |index| format!("recorded as call {} of {}", index + 1, calls.recorded),
    );
    let (nth, count) = (made + 1, calls.matched.len());
    let order = format!("{recorded}, made as call {nth} of {count}");
    let said = said.map_or_else(String::new, |said| format!("{said}\n"));
    difference.detail = Some(said + &order);
    let index = matched.index.unwrap_or(usize::MAX);
    let first = found.first_unknown.clone();
    let after = first.as_ref().filter(|first| first.is_before(index));
    Some((index, found.add(difference, Weight::Changed, after)))
}
