//! What the values of a call count, once for all requests that may be its owner.

use std::collections::HashSet;

use retake_model::Timestamp;

use super::evidence::VALUE;
use super::facts::{Facts, Mark, Place, Question, Told};
use super::habits::Habits;
use super::links::{Link, Side, VALUES};

/// A question with what each of its values counts.
#[derive(Debug)]
pub(super) struct Weighed {
    /// Whether such a thing is asked after responses.
    pub(super) comes_late: bool,
    at: Timestamp,
    values: Vec<Slot>,
    gives: Vec<Slot>,
}

/// The values of one place.
#[derive(Debug)]
struct Slot {
    place: Place,
    values: Vec<Weight>,
}

/// What a value counts in a call.
#[derive(Debug, Clone, Copy)]
struct Weight {
    mark: Mark,
    /// Where the request says it itself.
    said: i64,
    /// Where it knows it otherwise.
    otherwise: i64,
}

impl Weighed {
    /// Of what comes late many requests may be the owner: a small number, or one of a few values,
    /// that it does not say itself it may know by chance.
    pub(super) fn of(question: &Question, habits: &Habits) -> Self {
        let comes_late = habits.comes_late(question);
        let whole = |told: &Told| VALUE * i64::from(told.weight);
        let by_chance = |told: &Told| match comes_late && told.weight == 1 {
            true => 1,
            false => whole(told),
        };
        let choices = comes_late.then(|| habits.choices(question));
        let values = habits.telling(question).map(|told| {
            let weight = Weight {
                mark: told.mark,
                said: whole(told),
                otherwise: match &choices {
                    Some(choices) if choices.contains(&told.mark) => 0,
                    _ => by_chance(told),
                },
            };
            (told.place, weight)
        });
        let gives = question.gives.iter().map(|told| {
            let counts = match habits.gives_choice(question, told.place) {
                true => 1,
                false => by_chance(told),
            };
            let weight = Weight {
                mark: told.mark,
                said: counts,
                otherwise: counts,
            };
            (told.place, weight)
        });
        Weighed {
            comes_late,
            at: question.began(),
            values: slots(values),
            gives: slots(gives),
        }
    }

    /// Leaves out values that tell nothing here.
    pub(super) fn leave_out(&mut self, marks: &HashSet<Mark>) {
        for slot in &mut self.values {
            slot.values.retain(|value| !marks.contains(&value.mark));
        }
        self.values.retain(|slot| !slot.values.is_empty());
    }

    /// What it counts that a request knows the values that the call says. Where it is known from where
    /// requests of its route have one, another one that knows it knows it by chance.
    pub(super) fn known(&self, facts: &Facts, links: &[Link]) -> i64 {
        let slots = self.values.iter().map(|slot| {
            let all = || {
                let counts = slot.values.iter().map(|value| {
                    let counts = match facts.says(value.mark) {
                        true => value.said,
                        false => value.otherwise,
                    };
                    counts * facts.knows(value.mark, self.at)
                });
                counts.sum()
            };
            match link(links, Side::Asks, slot.place) {
                None => all(),
                Some(link) => {
                    let mut values = slot.values.iter().take(VALUES);
                    let stands = |value: &Weight| link.is_at(facts.sources(value.mark, self.at));
                    match values.all(stands) {
                        true => all(),
                        false => -link.miss,
                    }
                }
            }
        });
        slots.sum()
    }

    /// What it counts that a response shows the values that the call was answered; likewise.
    pub(super) fn shown(&self, facts: &Facts, links: &[Link]) -> i64 {
        let slots = self.gives.iter().map(|slot| {
            let marks = || -> Vec<Mark> { slot.values.iter().map(|value| value.mark).collect() };
            match link(links, Side::Gives, slot.place) {
                Some(link) if !link.is_shown(facts, &marks()) => -link.miss,
                _ => {
                    let values = slot.values.iter();
                    let shown = values.filter(|value| facts.shows(value.mark) > 0);
                    shown.map(|value| value.otherwise).sum()
                }
            }
        });
        // What it was not answered the response does not show.
        let is_answered = |link: &&Link| self.gives.iter().any(|slot| slot.place == link.from);
        let others = links.iter().filter(|link| link.side == Side::Gives);
        let others = others.filter(|link| !is_answered(link) && !link.is_shown(facts, &[]));
        slots.sum::<i64>() - others.map(|link| link.miss).sum::<i64>()
    }
}

fn link(links: &[Link], side: Side, from: Place) -> Option<&Link> {
    let mut links = links.iter();
    links.find(|link| link.side == side && link.from == from)
}

fn slots(values: impl Iterator<Item = (Place, Weight)>) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    for (place, value) in values {
        match slots.iter_mut().find(|slot| slot.place == place) {
            Some(slot) => slot.values.push(value),
            None => slots.push(Slot {
                place,
                values: vec![value],
            }),
        }
    }
    slots
}
