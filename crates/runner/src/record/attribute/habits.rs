//! What is the same in all requests of one kind: which values of a question never change, and which
//! questions a route asks.

use std::collections::{HashMap, HashSet};

use retake_compare::matching::Key;

use super::facts::{Facts, Mark, Place, Question, Route, Told, When, short};
use super::links::Links;
use super::numbered::half_bits;

/// How many kinds of questions, and of requests, are remembered.
const KINDS: usize = 10_000;

/// How many requests of a route must have been seen to say how often it asks something.
const SEEN: u32 = 3;

/// How much it counts at most that a request is likely to ask something, or is not.
const MOST: i64 = 10;

/// What was learned in this recording.
#[derive(Debug, Default)]
pub(super) struct Habits {
    constants: HashMap<Key, Places>,
    /// The first few values that were answered at each place.
    given: HashMap<(Key, Place), (usize, Vec<Mark>)>,
    pub(super) lore: Lore,
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

/// What requests of each route ask, and where the values of that stand in them.
#[derive(Debug, Default)]
pub(super) struct Lore {
    routes: HashMap<Route, Asks>,
    pub(super) links: Links,
    pub(super) held: Held,
}

/// Whether requests hold a connection while they are worked on: what follows on it is theirs.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Held {
    yes: u64,
    no: u64,
}

impl Held {
    /// While a request was open that had asked on a connection, the next question on it came: from the
    /// same one or not.
    pub(super) fn saw(&mut self, same: bool) {
        let count = if same { &mut self.yes } else { &mut self.no };
        *count = count.saturating_add(1);
    }

    /// What was seen here and there.
    pub(super) fn and(self, other: Held) -> Held {
        Held {
            yes: self.yes.saturating_add(other.yes),
            no: self.no.saturating_add(other.no),
        }
    }

    /// What it counts for a request that it asked before on the connection.
    pub(super) fn counts(self) -> i64 {
        half_bits(self.yes, self.no).clamp(0, MOST)
    }
}

/// Requests of one route.
#[derive(Debug, Default)]
struct Asks {
    seen: u32,
    asked: HashMap<(Key, When), Asked>,
    /// How often they asked the one first, and then the other.
    order: HashMap<(Mark, Mark), u32>,
}

/// How many kinds of questions of a route are remembered in their order.
const ORDERED: usize = 64;

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
        for told in &question.gives {
            let key = (question.kind, told.place);
            if self.given.len() >= KINDS && !self.given.contains_key(&key) {
                continue;
            }
            let (seen, known) = self.given.entry(key).or_default();
            *seen = seen.saturating_add(1);
            if known.len() <= FEW && !known.contains(&told.mark) {
                known.push(told.mark);
            }
        }
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

    /// Whether what is answered at a place is one of a few values, each of which stands there often.
    pub(super) fn gives_choice(&self, question: &Question, place: Place) -> bool {
        let given = self.given.get(&(question.kind, place));
        given.is_some_and(|(seen, known)| {
            known.len() <= FEW && *seen >= known.len().saturating_mul(4)
        })
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

    /// Whether a request with these facts is likely to ask that kind of question now: before its
    /// response, or after it.
    pub(super) fn likely(&self, facts: &Facts, question: &Question, when: When) -> Likely {
        let kind = &question.kind;
        let Some(route) = facts.route.and_then(|route| self.lore.routes.get(&route)) else {
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

impl Lore {
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
        let asked = facts.in_order();
        for (at, first) in asked.iter().enumerate().take(ORDERED) {
            for second in asked.iter().take(ORDERED).skip(at + 1) {
                if route.order.len() < ORDERED * ORDERED
                    || route.order.contains_key(&(*first, *second))
                {
                    let times = route.order.entry((*first, *second)).or_default();
                    *times = times.saturating_add(1);
                }
            }
        }
    }

    /// How many requests of a route were seen, and how many of them asked that more often than so often.
    fn counts(&self, route: Route, asked: &(Key, When), times: usize) -> [u32; 2] {
        let Some(route) = self.routes.get(&route) else {
            return [0; 2];
        };
        let counts = route.asked.get(asked).copied().unwrap_or_default();
        let more = counts.at_least.get(times).copied().unwrap_or_default();
        [route.seen, more]
    }

    /// How much speaks for it that a request which asked that so often asks it once more, by how many
    /// others of its route did, here and there. What few of them did often, they did by mistake: calls
    /// of others were taken for theirs.
    pub(super) fn odds(
        both: [&Lore; 2],
        route: Route,
        asked: &(Key, When),
        times: u32,
    ) -> Option<i64> {
        let times = usize::try_from(times).ok().filter(|n| *n < COUNTED)?;
        let [[seen, more], [seen_there, more_there]] =
            both.map(|lore| lore.counts(route, asked, times));
        let seen = seen.saturating_add(seen_there);
        if seen < SEEN {
            return None;
        }
        let more = more.saturating_add(more_there).min(seen);
        let odds = half_bits(u64::from(more), u64::from(seen - more));
        Some(odds.clamp(-MOST, MOST))
    }

    /// What it counts that a request of a route asked something else before that, or after it.
    pub(super) fn orders(both: [&Lore; 2], route: Route, kind: Key) -> Vec<Order> {
        let [own, other] = both.map(|lore| lore.routes.get(&route));
        let kind = short(&kind);
        let all = own.into_iter().chain(other);
        let pairs = all.clone().flat_map(|asks| asks.order.keys());
        let mut others: Vec<Mark> = pairs
            .filter_map(|(first, second)| match (*first == kind, *second == kind) {
                (true, false) => Some(*second),
                (false, true) => Some(*first),
                _ => None,
            })
            .collect();
        others.sort_unstable();
        others.dedup();
        let times = |first: Mark, second: Mark| -> u64 {
            let times = all
                .clone()
                .filter_map(|asks| asks.order.get(&(first, second)));
            times.map(|times| u64::from(*times)).sum()
        };
        let order = |other: Mark| {
            let odds = half_bits(times(other, kind), times(kind, other)).clamp(-MOST, MOST);
            Order { other, odds }
        };
        others
            .into_iter()
            .map(order)
            .filter(|order| order.odds != 0)
            .collect()
    }
}

/// What it counts that something was asked before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// What.
    pub(super) other: Mark,
    /// Positive where it is asked before, negative where after.
    pub(super) odds: i64,
}
