//! Calls to several dependencies, or on several connections, one of which waited for the other.
//!
//! A service may do two things at once, and in another order in the next run. That it did one after
//! the other only the recording tells, and only of what it did often: where the second was never begun
//! before the first had ended, though the first often took longer than the second once needed to begin.

use std::collections::HashSet;

use retake_model::{Mock, TestCase};

use super::crowded::{Ordered, Recorded};
use super::foreign::{kind, shape};
use super::placed::Placed;

/// How many other tests of the route are looked at.
const PEERS: usize = 50;

/// In how many tests the first call must have taken longer than the second once needed to begin.
const ENOUGH: usize = 3;

/// How many calls of one test are held against each other.
const LONGEST: usize = 200;

/// The places of the calls, none of those that are known to have been moved, that were made before one
/// for which they waited when they were recorded.
pub(super) fn ahead_of_awaited(
    made: &[Placed],
    recorded: &Recorded<'_>,
    known: &HashSet<usize>,
) -> HashSet<usize> {
    let mut calls = recorded.at_once(made);
    calls.retain(|call| !known.contains(&call.place));
    calls.truncate(LONGEST);
    if passed(made, &calls).next().is_none() {
        return HashSet::new();
    }
    recorded.as_far_as_known(&mut calls);
    let peers = recorded.peers(PEERS);
    let passed = passed(made, &calls);
    let awaited = passed.filter(|(first, second)| waited(first, second, recorded, &peers));
    let written = |(first, second): (&Ordered, &Ordered)| match second.reads {
        true => first.place,
        false => second.place,
    };
    awaited.map(written).collect()
}

/// The pairs of calls of which the second was made before the first, on another connection, though
/// the first had ended when it was recorded. Two reads have no order, nor has a read with what is
/// written to another dependency.
fn passed<'c>(
    made: &'c [Placed],
    calls: &'c [Ordered],
) -> impl Iterator<Item = (&'c Ordered, &'c Ordered)> {
    let of = |call: &Ordered| Some(&made.get(call.place)?.call.call);
    let conn = move |call: &Ordered| of(call).map(|call| (&call.to, call.conn));
    let to = move |call: &Ordered| of(call).map(|call| &call.to);
    calls.iter().enumerate().flat_map(move |(at, second)| {
        let later = calls.iter().skip(at + 1);
        let passed = later.filter(move |first| {
            first.span.ended < second.span.began
                && conn(first) != conn(second)
                && !(first.reads && second.reads)
                && (to(first) == to(second) || !first.reads && !second.reads)
        });
        passed.map(move |first| (first, second))
    })
}

/// Whether the recording tells that the second of two calls waited for the first.
fn waited(first: &Ordered, second: &Ordered, recorded: &Recorded<'_>, peers: &[&TestCase]) -> bool {
    let own = |call: &Ordered| recorded.mock(call.origin).map(shape);
    let Some((first, second)) = own(first).zip(own(second)) else {
        return false;
    };
    let mut took = Vec::new();
    let mut soonest = u64::MAX;
    for peer in peers {
        let (Some(first), Some(second)) = (only(peer, &first), only(peer, &second)) else {
            continue;
        };
        if second.after < first.after.saturating_add(first.took) {
            return false;
        }
        took.push(first.took);
        soonest = soonest.min(second.after - first.after);
    }
    took.into_iter().filter(|took| *took > soonest).count() >= ENOUGH
}

/// The one call of a test that asks such a thing.
fn only<'t>(test: &'t TestCase, asked: &(&str, String)) -> Option<&'t Mock> {
    let mut calls = test.calls.iter().filter(|call| shape(call) == *asked);
    calls.next().filter(|_| calls.next().is_none())
}

impl Recorded<'_> {
    /// The test, and others of its route that were answered alike.
    fn peers(&self, most: usize) -> Vec<&TestCase> {
        let Some(own) = self.tests.get(self.number) else {
            return Vec::new();
        };
        let route = kind(own);
        let others = self.tests.iter().enumerate();
        let others = others.filter(|(at, other)| *at != self.number && kind(other) == route);
        let others = others.map(|(_, other)| other).take(most);
        std::iter::once(own).chain(others).collect()
    }

    fn mock(&self, origin: super::pool::Origin) -> Option<&Mock> {
        self.tests.get(origin.test?)?.calls.get(origin.index)
    }
}
