//! Transactions of several connections at once: between these there is no order.

use std::collections::{BTreeMap, HashSet};

use retake_model::TestCase;

use super::order::{Span, moved};
use super::placed::{Placed, recorded_transactions};
use super::sorted::Sorted;
use super::transaction::{Step, step};

/// A call that was made: its place among them, when it was recorded, and the number of the
/// transaction that it was part of.
type Made = (usize, Span, Option<u64>);

/// Calls that were moved.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Their places among those that were made.
    pub(super) places: HashSet<usize>,
    /// The places of others that stand elsewhere because the service goes by the order of ids that it
    /// made.
    pub(super) sorted: HashSet<usize>,
}

impl Moved {
    /// Those of a group whose order counts.
    pub(super) fn of(made: &[(usize, Span)], sorted: &Sorted<'_>) -> Self {
        let spans: Vec<Span> = made.iter().map(|(_, span)| *span).collect();
        let all = moved(&spans);
        if all.is_empty() {
            return Moved::default();
        }
        let places = |calls: Vec<usize>| -> HashSet<usize> {
            let calls: HashSet<usize> = calls.into_iter().collect();
            let made = made.iter().filter(|(_, span)| calls.contains(&span.index));
            made.map(|(place, _)| *place).collect()
        };
        let mut sorted_too = places(all);
        let places = places(sorted.unexplained(&spans));
        sorted_too.retain(|place| !places.contains(place));
        Moved {
            places,
            sorted: sorted_too,
        }
    }

    pub(super) fn add(&mut self, other: Moved) {
        self.places.extend(other.places);
        self.sorted.extend(other.sorted);
    }
}

/// The calls that were moved, of those that are certainly the test's own: each dependency has an
/// order of its own. Dependencies of which that is not known of all calls (`apart`) have none here.
/// Those that are `known` to have been moved are left out.
pub(super) fn reordered<'p>(
    test: &TestCase,
    made: impl Iterator<Item = (usize, &'p Placed)>,
    apart: &HashSet<&str>,
    known: &HashSet<usize>,
    sorted: &Sorted<'_>,
) -> Moved {
    let mut by_dependency: BTreeMap<&str, Vec<Made>> = BTreeMap::new();
    for (place, placed) in made.filter(|(place, _)| !known.contains(place)) {
        let recorded = placed.call.index.and_then(|index| test.calls.get(index));
        let recorded = recorded.filter(|mock| !mock.by.is_shared() && !apart.contains(&*mock.to));
        if let Some((mock, span)) = recorded.zip(placed.span(test)) {
            let made = (place, span, placed.call.call.transaction);
            by_dependency.entry(&mock.to).or_default().push(made);
        }
    }
    let groups = by_dependency.into_iter();
    let groups = groups.flat_map(|(to, made)| ordered(test, to, made));
    let mut all = Moved::default();
    groups.for_each(|made| all.add(Moved::of(&made, sorted)));
    all
}

/// The calls of one dependency in the groups within which their order counts: all of them, or
/// those of each transaction where transactions overlapped, in the recording or on replay.
fn ordered(test: &TestCase, to: &str, made: Vec<Made>) -> Vec<Vec<(usize, Span)>> {
    // Beginnings and ends are alike: any may have been found for any.
    let is_within = |(_, span, _): &Made| {
        let call = test.calls.get(span.index);
        call.is_some_and(|call| step(&call.request) == Step::Within)
    };
    if !overlapped(&made) && !overlapped_when_recorded(test, to) {
        let recorded = test.calls.iter().filter(|call| *call.to == *to);
        let frames = recorded.filter(|call| step(&call.request) != Step::Within);
        let lacks_some = made.iter().filter(|made| !is_within(made)).count() < frames.count();
        let counts = made
            .into_iter()
            .filter(|made| !lacks_some || is_within(made));
        return vec![counts.map(|(place, span, _)| (place, span)).collect()];
    }
    let mut groups: BTreeMap<Option<u64>, Vec<(usize, Span)>> = BTreeMap::new();
    for (place, span, transaction) in made.into_iter().filter(is_within) {
        groups.entry(transaction).or_default().push((place, span));
    }
    groups.into_values().collect()
}

/// Whether a call stands between those of a transaction that it is no part of.
fn overlapped(made: &[Made]) -> bool {
    let mut last: BTreeMap<u64, usize> = BTreeMap::new();
    made.iter().enumerate().any(|(at, (.., transaction))| {
        let before = transaction.and_then(|number| last.insert(number, at));
        before.is_some_and(|before| before + 1 != at)
    })
}

/// Whether one transaction was begun while another one was open.
fn overlapped_when_recorded(test: &TestCase, to: &str) -> bool {
    recorded_transactions(test, to).is_none()
}
