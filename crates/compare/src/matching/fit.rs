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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hardly_stands_there_by_chance_fits_better() {
        let response = ["4", "ch_4", "16254", "37"].map(str::to_owned).into();
        let fit = |values: &[&str]| {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            Fit::of(&values, &response)
        };
        for (better, worse) in [
            (&["16254", "7"][..], &["23.22", "4"][..]),
            (&["23.22", "4"], &["23.22", "7"]),
            // A count that is shown.
            (&["37"], &["40"]),
            (&["37"], &["16254", "7"]),
        ] {
            assert!(fit(better) > fit(worse), "{better:?} {worse:?}");
        }
    }
}
