//! Calls that a service makes in the order of ids that it made: of rows that it sorts by their ids
//! (against deadlocks, in batches), or takes from a table in that order.
//!
//! The ids are others in each run, and so is the order of the calls. It is explained where the recorded
//! calls of a statement stand in the order of their ids and the candidate's do, and every such run of
//! calls of the recording does where the same is done.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use retake_model::{Mock, Path, TestCase};

use super::foreign::{kind, shape};
use super::order::{Span, moved, passes};
use crate::made::{self, Near, Short, ValueMap};
use crate::ordering::{Evidence, ORDERS, Order};

/// A test of the recording, and the values of the run.
pub(super) struct Sorted<'s> {
    tests: &'s [TestCase],
    number: usize,
    values: &'s ValueMap,
    /// Read when they are first asked for.
    peers: OnceCell<Vec<(&'s TestCase, Vec<Shape<'s>>)>>,
}

/// How many other tests of the route are looked at.
const PEERS: usize = 50;

/// How many calls are held against each other one by one.
const LONGEST: usize = 300;

/// Where an id stands in a request: its place, and its number among those there.
type Spot = (Path, usize);

/// The ids of a recorded call.
type Ids = BTreeMap<Spot, String>;

/// What the calls of one statement are of.
type Shape<'s> = (&'s str, String);

/// A call that was made.
struct Own<'s> {
    span: Span,
    shape: Shape<'s>,
    ids: Ids,
}

/// By the place among the calls that were made: the id that a call goes by, and in which order.
type Keys = HashMap<usize, (String, Order)>;

impl<'s> Sorted<'s> {
    pub(super) fn new(tests: &'s [TestCase], number: usize, values: &'s ValueMap) -> Self {
        Sorted {
            tests,
            number,
            values,
            peers: OnceCell::new(),
        }
    }

    /// The calls that were moved, and no order of ids explains it.
    pub(super) fn unexplained(&self, made: &[Span]) -> Vec<usize> {
        let own: Vec<Own<'_>> = made.iter().filter_map(|span| self.read(*span)).collect();
        if own.len() != made.len() {
            return moved(made);
        }
        let mut by_shape: BTreeMap<&Shape<'_>, Vec<usize>> = BTreeMap::new();
        for (at, call) in own.iter().enumerate() {
            by_shape.entry(&call.shape).or_default().push(at);
        }
        let mut keys = Keys::new();
        let mut spans = made.to_vec();
        for group in by_shape.values().filter(|group| group.len() > 1) {
            if let Some((spot, order)) = self.explains(&own, group) {
                put_back(&own, group, &mut spans);
                let ids = group.iter().filter_map(|at| Some((*at, own.get(*at)?)));
                let ids = ids.filter_map(|(at, call)| Some((at, call.ids.get(&spot)?)));
                keys.extend(ids.map(|(at, id)| (at, (id.clone(), order))));
            }
        }
        if keys.is_empty() {
            return moved(made);
        }
        let rest = moved(&spans);
        self.add_those_between(&own, &mut keys);
        if rest.is_empty() || self.explains_each(made, &keys) {
            return Vec::new();
        }
        // The call that was made there, for the one whose place it was given.
        let of = |index: &usize| {
            let at = spans.iter().position(|span| span.index == *index)?;
            Some(made.get(at)?.index)
        };
        rest.iter().filter_map(of).collect()
    }

    /// The place by whose ids the calls of one statement are in order: the recorded ones by theirs,
    /// and the candidate's by its own.
    fn explains(&self, own: &[Own<'_>], group: &[usize]) -> Option<(Spot, Order)> {
        let made: Vec<&Own<'_>> = group.iter().filter_map(|at| own.get(*at)).collect();
        let mut recorded = made.clone();
        recorded.sort_by_key(|call| (call.span.began, call.span.index));
        let of = &made.first()?.shape;
        let mut spots = made.first()?.ids.keys();
        spots.find_map(|spot| {
            let ids = |calls: &[&'_ Own<'_>]| -> Option<Vec<String>> {
                let ids = calls.iter().map(|call| call.ids.get(spot).cloned());
                ids.collect()
            };
            let before = ids(&recorded)?;
            let before: Vec<&str> = before.iter().map(String::as_str).collect();
            let order = ORDERS.iter().copied().find(|order| {
                let mut sorted = recorded.clone();
                sorted.sort_by(|a, b| order.compare(self.own_id(a, spot), self.own_id(b, spot)));
                let numbers = |calls: &[&Own<'_>]| -> Vec<usize> {
                    calls.iter().map(|call| call.span.index).collect()
                };
                order.holds(&before)
                    && numbers(&sorted) == numbers(&made)
                    && self.is_meant(*order, of, spot)
            })?;
            Some((spot.clone(), order))
        })
    }

    /// The candidate's id at that place of a recorded call.
    fn own_id<'c>(&'c self, call: &'c Own<'_>, spot: &Spot) -> &'c str {
        let recorded = call.ids.get(spot).map(String::as_str).unwrap_or_default();
        self.values.candidate_of(recorded).unwrap_or(recorded)
    }

    /// Whether the tests of the recording that do the same have the calls of that statement in that
    /// order.
    fn is_meant(&self, order: Order, of: &Shape<'_>, spot: &Spot) -> bool {
        let mut evidence = Evidence::default();
        for (test, shapes) in self.peers() {
            let calls = test.calls.iter().zip(shapes);
            let calls = calls.filter(|(_, shape)| *shape == of);
            let mut calls: Vec<&Mock> = calls.map(|(call, _)| call).collect();
            calls.sort_by_key(|call| call.after);
            let ids = calls
                .iter()
                .map(|call| ids_of(call, test, self.values.short()));
            let ids: Vec<String> = ids.filter_map(|mut ids| ids.remove(spot)).collect();
            evidence.add(order, &ids.iter().map(String::as_str).collect::<Vec<_>>());
        }
        evidence.is_enough()
    }

    /// This test, and others of its route that were answered alike and ask the same statements; with
    /// what each of their calls asks.
    fn peers(&self) -> &[(&'s TestCase, Vec<Shape<'s>>)] {
        self.peers.get_or_init(|| {
            let Some(test) = self.tests.get(self.number) else {
                return Vec::new();
            };
            let shapes =
                |test: &'s TestCase| -> Vec<Shape<'s>> { test.calls.iter().map(shape).collect() };
            let set =
                |shapes: &[Shape<'s>]| -> HashSet<Shape<'s>> { shapes.iter().cloned().collect() };
            let own = shapes(test);
            let (route, asks) = (kind(test), set(&own));
            let others = self.tests.iter().enumerate();
            let others = others.filter(|(at, other)| *at != self.number && kind(other) == route);
            let others = others.map(|(_, other)| (other, shapes(other)));
            let others = others.filter(|(_, shapes)| set(shapes) == asks);
            std::iter::once((test, own))
                .chain(others.take(PEERS))
                .collect()
        })
    }

    /// Adds the calls of other statements that have one of those ids and no other of them: what is
    /// done for some of the rows only.
    fn add_those_between(&self, own: &[Own<'_>], keys: &mut Keys) {
        let known: HashMap<String, Order> = keys.values().cloned().collect();
        for (at, call) in own.iter().enumerate() {
            let ids: HashSet<&String> = call.ids.values().collect();
            let mut ids = ids.into_iter().filter_map(|id| known.get_key_value(id));
            if let (Some((id, order)), None) = (ids.next(), ids.next()) {
                keys.entry(at).or_insert_with(|| (id.clone(), *order));
            }
        }
    }

    /// Whether each two calls of which the candidate made first what was recorded later go by ids of
    /// which that is so, too.
    fn explains_each(&self, made: &[Span], keys: &Keys) -> bool {
        let goes_by = |at: usize| {
            let (recorded, order) = keys.get(&at)?;
            let own = self.values.candidate_of(recorded).unwrap_or(recorded);
            Some((recorded.as_str(), own, *order))
        };
        made.len() <= LONGEST
            && made.iter().enumerate().all(|(at, first)| {
                let later = made.iter().enumerate().skip(at + 1);
                let mut passed = later.filter(|(_, second)| passes(second, first));
                passed.all(|(other, _)| match (goes_by(at), goes_by(other)) {
                    (Some((a, own_a, order)), Some((b, own_b, other))) => {
                        order == other
                            && order.compare(b, a).is_lt()
                            && order.compare(own_a, own_b).is_lt()
                    }
                    _ => false,
                })
            })
    }

    fn read(&self, span: Span) -> Option<Own<'s>> {
        let test = self.tests.get(self.number)?;
        let call = test.calls.get(span.index)?;
        Some(Own {
            span,
            shape: shape(call),
            ids: ids_of(call, test, self.values.short()),
        })
    }
}

/// Gives the calls of one statement the places in time that the recorded ones have in their order.
fn put_back(own: &[Own<'_>], group: &[usize], spans: &mut [Span]) {
    let calls = group.iter().filter_map(|at| own.get(*at));
    let mut recorded: Vec<Span> = calls.map(|call| call.span).collect();
    recorded.sort_by_key(|span| (span.began, span.index));
    for (at, span) in group.iter().zip(recorded) {
        if let Some(place) = spans.get_mut(*at) {
            *place = span;
        }
    }
}

/// The ids in a request.
fn ids_of(call: &Mock, test: &TestCase, short: Short) -> Ids {
    let mut ids = Ids::new();
    let mut last: Option<Spot> = None;
    let near = Near::recorded(test.at).with(short);
    made::each_token(
        &call.request,
        near,
        &mut Path::root(),
        &mut |path, kind, text| {
            let number = match &last {
                Some((place, number)) if place == path => number + 1,
                _ => 0,
            };
            last = Some((path.clone(), number));
            if !kind.is_moment() {
                ids.insert((path.clone(), number), text.to_owned());
            }
        },
    );
    ids
}
