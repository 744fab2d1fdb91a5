//! What is the same in all requests of one kind: which values of a question never change, and which
//! questions a route asks.

use std::collections::HashMap;

use retake_compare::matching::Key;

use super::facts::{Facts, Mark, Question, Told};

/// How many kinds of questions, and of requests, are remembered.
const KINDS: usize = 10_000;

/// How many requests of a route must have been seen to say how often it asks something.
const SEEN: u32 = 3;

/// What was learned in this recording.
#[derive(Debug, Default)]
pub(super) struct Habits {
    constants: HashMap<Key, Places>,
    routes: HashMap<(Key, u16), Route>,
}

/// The places of the values of one kind of question.
#[derive(Debug, Default)]
struct Places {
    seen: u32,
    /// What stands at each place; none where that changes.
    values: Vec<Option<Mark>>,
}

/// Requests of one route.
#[derive(Debug, Default)]
struct Route {
    seen: u32,
    asked: HashMap<Key, Asked>,
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
        for (known, told) in places.values.iter_mut().zip(&question.values) {
            *known = known.filter(|known| *known == told.mark);
        }
        let first = places.seen == 1;
        let new = question.values.iter().skip(before);
        places
            .values
            .extend(new.map(|told| first.then_some(told.mark)));
    }

    /// The values of a question that were seen to change: what always stands there is a part of the
    /// statement, and says nothing of who asks.
    pub(super) fn telling<'q>(&self, question: &'q Question) -> impl Iterator<Item = &'q Told> {
        let places = self.constants.get(&question.kind);
        let fixed = places.filter(|places| places.seen > 1);
        let fixed: Vec<bool> = fixed.map_or_else(Vec::new, |places| {
            places.values.iter().map(Option::is_some).collect()
        });
        let values = question.values.iter().enumerate();
        values
            .filter(move |(at, _)| !fixed.get(*at).copied().unwrap_or(false))
            .map(|(_, told)| told)
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

    /// Whether a request with these facts is likely to ask that kind of question now.
    pub(super) fn likely(&self, facts: &Facts, kind: &Key) -> Likely {
        let Some(route) = facts.route.and_then(|route| self.routes.get(&route)) else {
            return Likely::Unknown;
        };
        let asked = route.asked.get(kind).copied().unwrap_or_default();
        let own = facts.asked.get(kind).copied().unwrap_or_default();
        let own = usize::try_from(own).unwrap_or(COUNTED);
        let usual = asked.usual(route.seen);
        if own < usual {
            Likely::Yes
        } else if route.seen < SEEN || usual == COUNTED {
            Likely::Unknown
        } else if usual == 0 {
            Likely::Hardly
        } else {
            Likely::No
        }
    }
}
