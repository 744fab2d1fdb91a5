//! Where the values of a call stand in the requests of a route: what a statement says at one place
//! its requests have from another, and what it is answered at one place their responses show at
//! another. A count that a page shows as its number of orders is no answer for the request whose
//! page shows it as the number of its pages: where the place is known, a value that stands
//! elsewhere stands there by chance.

use std::collections::HashMap;

use retake_compare::matching::Key;

use super::facts::{Facts, Mark, Place, Question, Route, Told};
use super::numbered::half_bits;

/// For how many questions of routes the places are remembered.
const QUESTIONS: usize = 20_000;

/// How many places a value may come from or go to.
const PLACES: usize = 32;

/// How many values of one place are looked at.
pub(super) const VALUES: usize = 16;

/// How often a question must have been seen to say where its values stand.
const SEEN: u32 = 3;

/// How much it counts at most that a value does not stand where it should.
const MOST: i64 = 12;

/// On which side of a call a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Asks,
    Gives,
}

/// Where the values of the questions of each route stand.
#[derive(Debug, Default)]
pub(super) struct Links {
    of: HashMap<(Route, Key), Vec<Slot>>,
}

/// A place of a call.
#[derive(Debug, Clone)]
struct Slot {
    side: Side,
    place: Place,
    /// How often it was seen, in parts of [`WHOLE`].
    seen: u32,
    at: Vec<At>,
}

/// How often the values of a place of a call stood at one of the request.
#[derive(Debug, Clone, Copy)]
struct At {
    place: Place,
    /// All of them.
    all: u32,
    /// Some of them.
    some: u32,
    /// All that stand there.
    whole: u32,
}

/// What one sighting counts whose value stands at one place only; where it stands at several, by chance
/// at all but one, it counts as much less.
const WHOLE: u32 = 12;

/// At how many places the values of one may stand.
const TARGETS: usize = 4;

/// Where the values of one place of a call stand in a request that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) side: Side,
    /// The place in the call.
    pub(super) from: Place,
    /// The places in the request, in the answers to its calls before, or in its response: each value
    /// stands at one of them.
    to: Vec<Place>,
    /// Whether all values stand at the same one.
    together: bool,
    /// Whether nothing else stands there.
    whole: bool,
    /// What it counts that it does not stand there.
    pub(super) miss: i64,
}

impl Link {
    /// Whether the response shows these values where it should, and, where that is so, nothing else.
    pub(super) fn is_shown(&self, facts: &Facts, values: &[Mark]) -> bool {
        let values = values.get(..VALUES).unwrap_or(values);
        let here = |place: &Place| {
            let here = |mark: &&Mark| facts.shown_at(**mark).any(|at| at == *place);
            values.iter().filter(here).count()
        };
        let is_whole = |place: &Place| {
            !self.whole || values.len() == VALUES || here(place) == facts.shown_there(*place)
        };
        match self.together {
            true => (self.to.iter()).any(|to| here(to) == values.len() && is_whole(to)),
            false => {
                let mut values = values.iter();
                values.all(|mark| self.is_at(facts.shown_at(*mark))) && self.to.iter().all(is_whole)
            }
        }
    }

    /// Whether a value that stands at these places stands where it should.
    pub(super) fn is_at(&self, mut places: impl Iterator<Item = Place>) -> bool {
        places.any(|place| self.to.contains(&place))
    }
}

impl Links {
    /// A request asks that, and these are the facts of it.
    pub(super) fn learn(&mut self, facts: &Facts, question: &Question) {
        let Some(route) = facts.route else { return };
        let key = (route, question.kind);
        if self.of.len() >= QUESTIONS && !self.of.contains_key(&key) {
            return;
        }
        let slots = self.of.entry(key).or_default();
        for (side, values) in [
            (Side::Asks, &question.values),
            (Side::Gives, &question.gives),
        ] {
            for (place, marks) in by_place(values) {
                let stand = places(facts, side, &marks, question);
                let is_it = |slot: &&mut Slot| (slot.side, slot.place) == (side, place);
                match slots.iter_mut().find(is_it) {
                    Some(slot) => slot.count(&stand),
                    None => {
                        let mut slot = Slot {
                            side,
                            place,
                            seen: 0,
                            at: Vec::new(),
                        };
                        slot.count(&stand);
                        slots.push(slot);
                    }
                }
            }
        }
    }

    /// What is known of a question of a route, here and there.
    pub(super) fn known(both: [&Links; 2], route: Route, kind: Key) -> Vec<Link> {
        let of = both.map(|links| links.of.get(&(route, kind)).map(Vec::as_slice));
        let [first, second] = of.map(Option::unwrap_or_default);
        let mut slots = first.to_vec();
        for slot in second {
            match slots.iter_mut().find(|known| known.is(slot)) {
                Some(known) => known.add(slot),
                None => slots.push(slot.clone()),
            }
        }
        slots.iter().filter_map(Slot::link).collect()
    }
}

impl Slot {
    fn is(&self, other: &Slot) -> bool {
        (self.side, self.place) == (other.side, other.place)
    }

    /// It was seen once more, with its values at these places.
    fn count(&mut self, stand: &[Stand]) {
        let among = stand.iter().filter(|stand| stand.all).count();
        let among = u32::try_from(among).unwrap_or(u32::MAX).clamp(1, WHOLE);
        let counts = WHOLE / among;
        self.seen = self.seen.saturating_add(counts);
        for stand in stand {
            self.at(At {
                place: stand.place,
                all: if stand.all { counts } else { 0 },
                some: counts,
                whole: if stand.whole { counts } else { 0 },
            });
        }
    }

    fn at(&mut self, at: At) {
        let is_full = self.at.len() >= PLACES;
        match self.at.iter_mut().find(|known| known.place == at.place) {
            Some(known) => {
                known.all = known.all.saturating_add(at.all);
                known.some = known.some.saturating_add(at.some);
                known.whole = known.whole.saturating_add(at.whole);
            }
            None if is_full => {}
            None => self.at.push(at),
        }
    }

    fn add(&mut self, other: &Slot) {
        self.seen = self.seen.saturating_add(other.seen);
        for at in &other.at {
            self.at(*at);
        }
    }

    /// Where its values stand: at one place, or one of a few that did as well until now; else each
    /// at one of several.
    fn link(&self) -> Option<Link> {
        if self.seen < SEEN * WHOLE {
            return None;
        }
        let most = |times: fn(&At) -> u32| self.at.iter().map(times).max().unwrap_or_default();
        let (all, some) = (most(|at| at.all), most(|at| at.some));
        let together = u64::from(all) * 10 >= u64::from(some) * 9;
        let (times, most): (fn(&At) -> u32, u32) = match together {
            true => (|at| at.all, all),
            false => (|at| at.some, some),
        };
        if u64::from(most) * 2 <= u64::from(self.seen) {
            return None;
        }
        let least = match together {
            true => u64::from(most) * 9 / 10,
            false => u64::from(self.seen) / 2 + 1,
        };
        let mut to: Vec<&At> = self.at.iter().collect();
        to.retain(|at| u64::from(times(at)) >= least);
        to.sort_by_key(|at| (std::cmp::Reverse(times(at)), at.place));
        let in_whole = |times: u32| u64::from(times / WHOLE);
        let miss = half_bits(in_whole(most), in_whole(self.seen.saturating_sub(most)));
        to.truncate(TARGETS);
        let is_whole = |at: &&At| u64::from(at.whole) * 10 >= u64::from(at.some) * 9;
        Some(Link {
            side: self.side,
            from: self.place,
            together,
            whole: self.side == Side::Gives && to.iter().all(is_whole),
            to: to.into_iter().map(|at| at.place).collect(),
            miss: miss.clamp(0, MOST),
        })
    }
}

/// The values of each place, in the order of the places.
pub(super) fn by_place(values: &[Told]) -> Vec<(Place, Vec<Mark>)> {
    let mut places: Vec<(Place, Vec<Mark>)> = Vec::new();
    for told in values {
        match places.iter_mut().find(|(place, _)| *place == told.place) {
            Some((_, marks)) if marks.len() < VALUES => marks.push(told.mark),
            Some(_) => {}
            None => places.push((told.place, vec![told.mark])),
        }
    }
    places
}

/// A place at which values stand.
struct Stand {
    place: Place,
    /// Whether all of them do.
    all: bool,
    /// Whether nothing else does.
    whole: bool,
}

/// The places at which some of these values stand.
fn places(facts: &Facts, side: Side, marks: &[Mark], question: &Question) -> Vec<Stand> {
    let stands = |mark: &Mark| -> Vec<Place> {
        match side {
            Side::Asks => facts.sources(*mark, question.began()).collect(),
            Side::Gives => facts.shown_at(*mark).collect(),
        }
    };
    let each: Vec<Vec<Place>> = marks.iter().map(stands).collect();
    let mut some = each.concat();
    some.sort_unstable();
    some.dedup();
    let stand = some.into_iter().map(|place| {
        let here = each.iter().filter(|places| places.contains(&place)).count();
        Stand {
            place,
            all: here == marks.len(),
            whole: here == facts.shown_there(place),
        }
    });
    stand.collect()
}
