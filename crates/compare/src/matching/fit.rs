//! How much of an answer a test's recorded response shows.

use std::collections::HashSet;

/// The shortest value that stands in two places because it is the same one, and not by chance, in
/// bytes: numbers of one or two digits are everywhere.
const TELLING: usize = 3;

/// How much of an answer a response shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fit {
    /// All of it.
    whole: bool,
    /// How many values that hardly stand there by chance.
    telling: usize,
    /// How many others.
    others: usize,
}

impl Fit {
    /// Of an answer with these values, and a response with those.
    pub(super) fn of(answer: &[String], response: &HashSet<String>) -> Fit {
        let shown = answer.iter().filter(|value| response.contains(*value));
        let (telling, others): (Vec<_>, Vec<_>) = shown.partition(|value| value.len() >= TELLING);
        Fit {
            whole: !answer.is_empty() && telling.len() + others.len() == answer.len(),
            telling: telling.len(),
            others: others.len(),
        }
    }

    /// Whether that is no chance: more than what is kept with the test, which is more likely its own.
    pub(super) fn is_clearly_better_than(self, kept: Fit) -> bool {
        self.whole && !kept.whole || self.telling > kept.telling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_that_stands_there_by_chance_is_no_reason_to_take_another_answer() {
        let response = ["4", "ch_4", "16254", "37"].map(str::to_owned).into();
        let fit = |values: &[&str]| {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            Fit::of(&values, &response)
        };
        for (other, kept, expected) in [
            (&["23.22", "4"][..], &["23.22", "7"][..], false),
            (&["16254", "7"], &["23.22", "7"], true),
            // A count that is shown, in place of one that is not.
            (&["37"], &["40"], true),
            (&["37"], &["4"], false),
            (&["40"], &["37"], false),
            (&[], &["40"], false),
        ] {
            let found = fit(other).is_clearly_better_than(fit(kept));
            assert_eq!(found, expected, "{other:?} or {kept:?}");
        }
    }
}
