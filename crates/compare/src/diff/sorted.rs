//! Lists that a service puts in the order of ids that it made: in each run they are in another one.

use std::collections::HashMap;

use retake_model::{Segment, TestCase, Value};

use super::align::Alignment;
use super::differ::Differ;
use crate::matching::kind;
use crate::ordering::{Evidence, ORDERS, Order};

/// How deep within an element the id may stand by which it is sorted.
const DEPTH: usize = 3;

/// How many other tests of the route are looked at.
const PEERS: usize = 50;

/// Where an id stands in an element.
type Field<'v> = Vec<&'v str>;

impl Differ<'_> {
    /// Which element is which, where an id that every element has explains another order: the
    /// recorded ones stand in the order of theirs, and the observed ones of their own, which are known
    /// to stand for these.
    pub(super) fn in_order_of_ids(
        &self,
        expected: &[Value],
        observed: &[Value],
    ) -> Option<Alignment> {
        if expected.len() != observed.len() || expected.len() < 2 {
            return None;
        }
        let mut fields = Vec::new();
        texts_in(expected.first()?, &mut Vec::new(), &mut fields);
        fields.iter().find_map(|field| {
            let both = self.pairs_by(field, expected, observed)?;
            let places: Vec<usize> = both.iter().map(|(_, j)| *j).collect();
            if places.is_sorted() {
                return None;
            }
            Some(Alignment::of(both, expected.len(), observed.len()))
        })
    }

    fn pairs_by(
        &self,
        field: &Field<'_>,
        expected: &[Value],
        observed: &[Value],
    ) -> Option<Vec<(usize, usize)>> {
        let recorded = texts_at(expected, field)?;
        let candidate = texts_at(observed, field)?;
        let places = candidate.iter().enumerate();
        let places: HashMap<&str, usize> = places.map(|(at, text)| (*text, at)).collect();
        let both = recorded.iter().enumerate().map(|(at, text)| {
            let own = self.values.candidate_of(text).unwrap_or(text);
            Some((at, *places.get(own)?))
        });
        let both: Vec<(usize, usize)> = both.collect::<Option<_>>()?;
        let orders = ORDERS.iter();
        let mut orders = orders.filter(|order| order.holds(&recorded) && order.holds(&candidate));
        let is_one_each = places.len() == candidate.len();
        let is_meant = is_one_each && orders.any(|order| self.is_meant(*order, &recorded, field));
        is_meant.then_some(both)
    }

    /// Whether the lists at this place of the recording's responses are in that order.
    fn is_meant(&self, order: Order, own: &[&str], field: &Field<'_>) -> bool {
        let mut evidence = Evidence::default();
        evidence.add(order, own);
        let mut add = |list: &[Value]| {
            if let Some(texts) = texts_at(list, field) {
                evidence.add(order, &texts);
            }
        };
        if let Some((test, tests)) = self.tokens.among() {
            let route = kind(test);
            let others = tests.iter().filter(|other| kind(other) == route);
            let others = others.filter(|other| !std::ptr::eq::<TestCase>(*other, test));
            for other in others.take(PEERS) {
                lists_at(&other.response, &self.path, &mut add);
            }
        }
        evidence.is_enough()
    }
}

/// The places of the texts in an element.
fn texts_in<'v>(element: &'v Value, path: &mut Field<'v>, found: &mut Vec<Field<'v>>) {
    match element {
        Value::String(_) => found.push(path.clone()),
        Value::Map(fields) if path.len() < DEPTH => {
            for (name, value) in fields {
                path.push(name);
                texts_in(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The text at that place of every element.
fn texts_at<'v>(list: &'v [Value], field: &Field<'_>) -> Option<Vec<&'v str>> {
    let text = |element: &'v Value| {
        let found = field
            .iter()
            .try_fold(element, |value, name| value.get(name));
        found?.as_str()
    };
    list.iter().map(text).collect()
}

/// Calls `each` for the lists at a place, whatever the numbers of the elements that it is in.
fn lists_at(tree: &Value, path: &[Segment], each: &mut dyn FnMut(&[Value])) {
    match (path, tree) {
        ([], Value::List(items)) => each(items),
        ([Segment::Key(name), rest @ ..], tree) => {
            if let Some(value) = tree.get(name) {
                lists_at(value, rest, each);
            }
        }
        ([Segment::Index(_), rest @ ..], Value::List(items)) => {
            items.iter().for_each(|item| lists_at(item, rest, each));
        }
        _ => {}
    }
}
