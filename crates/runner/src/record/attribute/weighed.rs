//! What the values of a call count, once for all requests that may be its owner.

use super::evidence::VALUE;
use super::facts::{Facts, Mark, Question, Told};
use super::habits::Habits;

/// A question with what each of its values counts.
#[derive(Debug)]
pub(super) struct Weighed {
    /// Whether such a thing is asked after responses.
    pub(super) comes_late: bool,
    values: Vec<Weight>,
    gives: Vec<(Mark, i64)>,
}

/// What a value counts in a call.
#[derive(Debug)]
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
        let values = habits.telling(question).map(|told| Weight {
            mark: told.mark,
            said: whole(told),
            otherwise: match &choices {
                Some(choices) if choices.contains(&told.mark) => 0,
                _ => by_chance(told),
            },
        });
        let gives = question.gives.iter();
        Weighed {
            comes_late,
            values: values.collect(),
            gives: gives.map(|told| (told.mark, by_chance(told))).collect(),
        }
    }

    /// What it counts that a request knows the values that the call says.
    pub(super) fn known(&self, facts: &Facts) -> i64 {
        let counts = self.values.iter().map(|value| {
            let counts = match facts.says(value.mark) {
                true => value.said,
                false => value.otherwise,
            };
            counts * facts.knows(value.mark)
        });
        counts.sum()
    }

    /// What it counts that a response shows the values that the call was answered.
    pub(super) fn shown(&self, facts: &Facts) -> i64 {
        let shown = self.gives.iter().filter(|(mark, _)| facts.shows(*mark) > 0);
        shown.map(|(_, counts)| counts).sum()
    }
}
