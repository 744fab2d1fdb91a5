//! What is the same in all requests of one kind: which values of a question never change, and which
//! questions a route asks.

use std::collections::{HashMap, HashSet};

use retake_compare::matching::Key;

use super::facts::{Facts, Mark, Question, Told, When};

/// How many kinds of questions, and of requests, are remembered.
const KINDS: usize = 10_000;

/// How many requests of a route must have been seen to say how often it asks something.
const SEEN: u32 = 3;

/// What was learned in this recording.
#[derive(Debug, Default)]
pub(super) struct Habits {
    constants: HashMap<Key, Places>,
    routes: HashMap<(Key, u16), Route>,
    /// The kinds of questions that were asked after a response, while no request was open.
    late: HashSet<Key>,
}

/// The places of the values of one kind of question.
#[derive(Debug, Default)]
struct Places {
    seen: u32,
    /// The first few values that stood at each place.
    values: Vec<Vec<Mark>>,
}

/// How many values a place has at most that are a choice of few: a status, the name of a counter.
const FEW: usize = 3;

/// Requests of one route.
#[derive(Debug, Default)]
struct Route {
    seen: u32,
    asked: HashMap<(Key, When), Asked>,
}

/// How often requests of one route asked one kind of question.
#[derive(Debug, Default, Clone, Copy)]
struct Asked {
    /// How many of them asked it so often, or more: once, twice, ….
    at_least: [u32; COUNTED],
}

/// Beyond how many times it is not counted how often a request asks the same.
const COUNTED: usize = 8;

impl Asked {
    fn count(&mut self, times: u32) {
        let times = usize::try_from(times).unwrap_or(COUNTED);
        for slot in self.at_least.iter_mut().take(times) {
            *slot = slot.saturating_add(1);
        }
    }

    /// How often one of so many requests asks it. Now and then a call is taken for another
    /// request's: what few of them did tells nothing.
    fn usual(&self, seen: u32) -> usize {
        let often = |by: &&u32| **by > 0 && by.saturating_mul(4) >= seen;
        self.at_least.iter().take_while(often).count()
    }
}

/// Whether a request is likely to ask something, by what others of its route did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likely {
    /// It has asked it as often as others did.
    No,
    /// Others did not.
    Hardly,
    Unknown,
    /// Most of them did.
    Yes,
}

impl Habits {
    /// A question was asked, by whomever.
    pub(super) fn saw(&mut self, question: &Question) {
        if self.constants.len() >= KINDS && !self.constants.contains_key(&question.kind) {
            return;
        }
        let places = self.constants.entry(question.kind).or_default();
        places.seen = places.seen.saturating_add(1);
        let before = places.values.len();
        if before < question.values.len() {
            // What is not there each time is no part of the statement.
            let other = if places.seen == 1 { 0 } else { FEW + 1 };
            let new = |told: &Told| vec![told.mark; other];
            let new = question.values.iter().skip(before).map(new);
            places.values.extend(new);
        }
        for (known, told) in places.values.iter_mut().zip(&question.values) {
            if known.len() <= FEW && !known.contains(&told.mark) {
                known.push(told.mark);
            }
        }
    }

    /// A question was asked after a response. Whether that is news.
    pub(super) fn saw_late(&mut self, question: &Question) -> bool {
        self.late.len() < KINDS && self.late.insert(question.kind)
    }

    /// Whether anything was asked so.
    pub(super) fn anything_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Whether such a question was asked so.
    pub(super) fn comes_late(&self, question: &Question) -> bool {
        self.late.contains(&question.kind)
    }

    /// The values of a question that were seen to change: what always stands there is a part of the
    /// statement, and says nothing of who asks.
    pub(super) fn telling<'q>(&self, question: &'q Question) -> impl Iterator<Item = &'q Told> {
        let fixed = self.places_with(question, |seen, values| seen > 1 && values == 1);
        let values = question.values.iter().zip(fixed);
        values.filter(|(_, fixed)| !fixed).map(|(told, _)| told)
    }

    /// Of the values of a question those that are one of a few, each of which is asked often.
    pub(super) fn choices(&self, question: &Question) -> HashSet<Mark> {
        let few = self.places_with(question, |seen, values| {
            values <= FEW && seen >= values.saturating_mul(4)
        });
        let values = question.values.iter().zip(few);
        values
            .filter(|(_, few)| *few)
            .map(|(told, _)| told.mark)
            .collect()
    }

    /// For each value of a question whether its place is such a one, by how often the question was
    /// seen, and with how many values there.
    fn places_with(
        &self,
        question: &Question,
        is_such: impl Fn(usize, usize) -> bool,
    ) -> Vec<bool> {
        let places = self.constants.get(&question.kind);
        let seen = places.map_or(0, |places| {
            usize::try_from(places.seen).unwrap_or(usize::MAX)
        });
        let known = places
            .map(|places| places.values.as_slice())
            .unwrap_or_default();
        let known = known.iter().map(Vec::len);
        let mut such: Vec<bool> = known.map(|values| is_such(seen, values)).collect();
        such.resize(question.values.len(), false);
        such
    }

    /// All calls of a request are known.
    pub(super) fn learn(&mut self, facts: &Facts) {
        let Some(route) = facts.route else { return };
        if self.routes.len() >= KINDS && !self.routes.contains_key(&route) {
            return;
        }
        let route = self.routes.entry(route).or_default();
        route.seen = route.seen.saturating_add(1);
        for (kind, count) in &facts.asked {
            if route.asked.len() < KINDS || route.asked.contains_key(kind) {
                route.asked.entry(*kind).or_default().count(*count);
            }
        }
    }

    /// Whether a request with these facts is likely to ask that kind of question now: before its
    /// response, or after it.
    pub(super) fn likely(&self, facts: &Facts, question: &Question, when: When) -> Likely {
        let kind = &question.kind;
        let Some(route) = facts.route.and_then(|route| self.routes.get(&route)) else {
            return Likely::Unknown;
        };
        let usual = |when| {
            let asked = route.asked.get(&(*kind, when));
            asked.map_or(0, |asked| asked.usual(route.seen))
        };
        let own = usize::try_from(facts.times(kind, When::Ever)).unwrap_or(COUNTED);
        let ever = usual(When::Ever);
        let known = route.seen >= SEEN && ever < COUNTED;
        if own < ever && (!self.comes_late(question) || usual(when) > 0) {
            Likely::Yes
        } else if !known {
            Likely::Unknown
        } else if own < ever || ever == 0 {
            Likely::Hardly
        } else {
            Likely::No
        }
    }
}
