//! The order of calls of which some were made while several tests were open.
//!
//! Nothing told whose such a call is, so it is kept with one of them and may be another's. That
//! leaves two things known. A transaction is of one request, in the recording and on replay: where
//! several statements of one are found in one, they have their order. And what a test asks it asked
//! at one of the times at which that was asked while it was open: where all of these were before all of
//! another call's, the two have an order.

use std::collections::{BTreeMap, HashMap, HashSet};

use retake_model::{ConnId, TestCase, Value};

use super::crowd::Crowd;
use super::interleaved::Moved;
use super::key::Key;
use super::order::Span;
use super::outcome::Effect;
use super::placed::{Placed, Transactions, When};
use super::pool::{Entry, Origin, Pool};
use super::sorted::Sorted;
use super::transaction::Step;
use crate::made::ValueMap;

/// The recording of a test, and of those beside it.
pub(super) struct Recorded<'r> {
    pub(super) tests: &'r [TestCase],
    /// The number of the test.
    pub(super) number: usize,
    pub(super) crowd: &'r Crowd,
    /// What is the test's alone.
    pub(super) own: &'r Pool,
    pub(super) values: &'r ValueMap,
}

/// The calls that were moved within their transaction, without those that are known to have been
/// moved.
pub(super) fn within_transactions(
    made: &[Placed],
    recorded: &Recorded<'_>,
    known: &HashSet<usize>,
) -> Moved {
    let mut all = Moved::default();
    for ((_, test, _), mut group) in transactions(made, recorded.tests) {
        group.retain(|call| !known.contains(&call.place));
        let sorted = Sorted::new(recorded.tests, test, recorded.values);
        all.add(moved(&group, &sorted));
    }
    all
}

/// The calls that were moved on their connection, of the dependencies of whose calls some may be
/// another test's (`apart`), without those that are known to have been moved.
pub(super) fn on_connections(
    made: &[Placed],
    apart: &HashSet<&str>,
    recorded: &Recorded<'_>,
    known: &HashSet<usize>,
) -> Moved {
    let mut all = Moved::default();
    let sorted = Sorted::new(recorded.tests, recorded.number, recorded.values);
    for mut group in recorded.connections(made, apart).into_values() {
        group.retain(|call| !known.contains(&call.place));
        let mut found = moved(&group, &sorted);
        if !found.places.is_empty() {
            recorded.as_far_as_known(&mut group);
            found = moved(&group, &sorted);
        }
        all.add(found);
    }
    all
}

/// A call of a group that has an order.
pub(super) struct Ordered {
    /// Its place among the calls that were made.
    pub(super) place: usize,
    pub(super) span: Span,
    pub(super) origin: Origin,
    pub(super) reads: bool,
}

/// Those that were moved, but for reads that passed nothing but reads.
fn moved(group: &[Ordered], sorted: &Sorted<'_>) -> Moved {
    let spans: Vec<(usize, Span)> = group.iter().map(|call| (call.place, call.span)).collect();
    let passed = |own: &Ordered, other: &Ordered| match other.place < own.place {
        true => own.span.ended <= other.span.began,
        false => other.span.ended <= own.span.began && other.place != own.place,
    };
    let tells = |place: &usize| {
        let own = group.iter().find(|call| call.place == *place);
        own.is_some_and(|own| {
            let mut others = group.iter();
            !own.reads || others.any(|other| !other.reads && passed(own, other))
        })
    };
    let mut moved = Moved::of(&spans, sorted);
    moved.places.retain(tells);
    moved
}

/// The statements of each transaction, by the one in which they were recorded. A connection does one
/// after the other, so that each has its place, however long it was under way.
fn transactions(
    made: &[Placed],
    tests: &[TestCase],
) -> BTreeMap<(u64, usize, usize), Vec<Ordered>> {
    let mut groups: BTreeMap<_, Vec<Ordered>> = BTreeMap::new();
    let mut files = Transactions::of(tests);
    for (place, placed) in made.iter().enumerate() {
        let Origin { test, index, .. } = placed.origin;
        let case = test.and_then(|test| Some((test, tests.get(test)?)));
        let transaction = placed.call.call.transaction;
        let (Some((test, case)), Some(transaction)) = (case, transaction) else {
            continue;
        };
        if placed.step() != Step::Within {
            continue;
        }
        // Of several at once: what was asked once may be known again.
        let alone = || is_asked_once(case, index).then_some(usize::MAX);
        let recorded = files.recorded(placed.origin, &placed.call.call.to);
        let recorded = recorded.unwrap_or_else(alone);
        let ordered = recorded.and_then(|recorded| {
            let mut ordered = ordered(place, placed, case)?;
            ordered.span.ended = ordered.span.began;
            Some((recorded, ordered))
        });
        if let Some((recorded, ordered)) = ordered {
            let group = groups.entry((transaction, test, recorded)).or_default();
            group.push(ordered);
        }
    }
    groups
}

impl Recorded<'_> {
    /// What the test asked of such a dependency, by connection.
    fn connections(
        &self,
        made: &[Placed],
        apart: &HashSet<&str>,
    ) -> BTreeMap<(String, ConnId), Vec<Ordered>> {
        let mut groups: BTreeMap<_, Vec<Ordered>> = BTreeMap::new();
        for ordered in self.at_once(made) {
            let call = made.get(ordered.place).map(|placed| &placed.call.call);
            if let Some(call) = call.filter(|call| apart.contains(&*call.to)) {
                let key = (call.to.to_string(), call.conn);
                groups.entry(key).or_default().push(ordered);
            }
        }
        groups
    }

    /// What the test asked before its response, when it was recorded and on replay. Of what requests
    /// leave to be done no more is known than that it comes.
    pub(super) fn at_once(&self, made: &[Placed]) -> Vec<Ordered> {
        let Some(case) = self.case() else {
            return Vec::new();
        };
        let is_at_once = |placed: &Placed| {
            let own = placed.call.index.and_then(|index| case.calls.get(index));
            let is_own = own.is_some_and(|mock| mock.after <= case.took);
            let is_own = is_own && placed.when == When::During && !placed.call.call.shared;
            is_own && placed.step() == Step::Within
        };
        let made = made.iter().enumerate();
        let made = made.filter(|(_, placed)| is_at_once(placed));
        made.filter_map(|(place, placed)| ordered(place, placed, case))
            .collect()
    }

    /// Leaves out what is of a kind that comes after responses, and gives the others the time of all
    /// at which the same was asked while the test was open.
    pub(super) fn as_far_as_known(&self, group: &mut Vec<Ordered>) {
        let Some(case) = self.case() else { return };
        let entries = self.entries();
        let mut same: HashMap<Key, Vec<Origin>> = HashMap::new();
        for entry in self.own.entries() {
            let same = same.entry(entry.question()).or_default();
            same.push(entry.origin);
        }
        group.retain_mut(|call| {
            let entry = entries.get(&call.origin);
            let Some(entry) = entry.filter(|entry| !self.crowd.comes_late(entry)) else {
                return false;
            };
            let question = entry.question();
            let own = same.get(&question).into_iter().flatten().copied();
            for alike in own.chain(self.crowd.same_question(question, self.number)) {
                let (began, ended) = self.asked_at(alike).unwrap_or((u64::MAX, 0));
                call.span.began = call.span.began.min(began.saturating_sub(case.at.0));
                call.span.ended = call.span.ended.max(ended.saturating_sub(case.at.0));
            }
            true
        });
    }

    /// When a mock was asked for, and answered, in nanoseconds since 1970.
    fn asked_at(&self, origin: Origin) -> Option<(u64, u64)> {
        let test = self.tests.get(origin.test?)?;
        let mock = test.calls.get(origin.index)?;
        let began = test.at.0.saturating_add(mock.after);
        Some((began, began.saturating_add(mock.took)))
    }

    /// The calls of the test, in the pools in which they are.
    fn entries(&self) -> HashMap<Origin, &Entry> {
        let shared = self.crowd.kept_with(self.number);
        let entries = self.own.entries().chain(shared);
        entries.map(|entry| (entry.origin, entry)).collect()
    }

    /// The mocks of the time around the test that ask just what this one does.
    pub(super) fn same_as(&self, placed: &Placed) -> impl Iterator<Item = Origin> {
        let question = self.question(placed);
        let own = self.own.entries();
        let own = own.filter(move |entry| Some(entry.question()) == question);
        let own = own.map(|entry| entry.origin);
        let shared = question.map(|question| self.crowd.asking(question, self.number));
        own.chain(shared.unwrap_or_default().iter().copied())
    }

    /// Whether the like of a call was made after a response.
    pub(super) fn comes_late(&self, placed: &Placed) -> bool {
        let entry = self.entry(placed.origin);
        entry.is_none_or(|entry| self.crowd.comes_late(entry))
    }

    fn question(&self, placed: &Placed) -> Option<Key> {
        self.entry(placed.origin).map(Entry::question)
    }

    fn entry(&self, origin: Origin) -> Option<&Entry> {
        let shared = origin.test.map(|test| self.crowd.kept_with(test));
        let mut entries = self.own.entries().chain(shared.into_iter().flatten());
        entries.find(|entry| entry.origin == origin)
    }

    fn case(&self) -> Option<&TestCase> {
        self.tests.get(self.number)
    }
}

fn ordered(place: usize, placed: &Placed, case: &TestCase) -> Option<Ordered> {
    Some(Ordered {
        place,
        span: placed.span(case)?,
        origin: placed.origin,
        reads: placed.call.call.effect == Effect::Read,
    })
}

/// Whether no other call of a test to that dependency has the words of that one.
fn is_asked_once(case: &TestCase, index: usize) -> bool {
    let Some(own) = case.calls.get(index) else {
        return false;
    };
    let sql = |request: &Value| request.get("sql").cloned();
    let asked = sql(&own.request);
    let like = case.calls.iter().filter(|call| call.to == own.to);
    like.filter(|call| sql(&call.request) == asked).count() == 1
}
