//! Differences, across tests, with one cause; and the totals of a run.

use std::collections::HashMap;
use std::time::Duration;

use retake_model::{
    Blame, Cause, DiffKind, Difference, Place, RunSummary, TestId, TestResult, Value, Verdict,
};

use crate::diff::{fingerprint, general_place};

/// The differences of a run by their cause: the one with the most tests first, then by
/// fingerprint. Tests in the order of the results.
pub fn causes(results: &[TestResult]) -> Vec<Cause> {
    let mut index: HashMap<u64, usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for result in results {
        for difference in &result.differences {
            let at = *index.entry(difference.cause).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.add(&result.test, difference),
                None => groups.push(Group::new(&result.test, difference)),
            }
        }
    }
    let mut causes: Vec<Cause> = groups.into_iter().map(Group::into_cause).collect();
    causes.sort_by_key(|cause| (std::cmp::Reverse(cause.tests.len()), cause.id));
    causes
}

/// What a run knows beside the results of its tests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Mocks that nothing asked for.
    pub unused: Vec<(String, String, usize)>,
    /// Background calls that were answered.
    pub background: Vec<(String, String, usize)>,
    /// How long the run took.
    pub took: Duration,
    /// Whether calls that shifted make a run red.
    pub strict: bool,
    /// Whether the surroundings failed: the service did not start or ended early.
    pub failed: bool,
    /// Anything else worth a sentence.
    pub notes: Vec<String>,
}

/// The end of a run, from the results of its tests in their order.
pub fn summarise(results: &[TestResult], totals: Totals) -> RunSummary {
    let count = |verdict| results.iter().filter(|r| r.verdict == verdict).count();
    let mut summary = RunSummary {
        passed: count(Verdict::Passed),
        shifted: count(Verdict::Shifted),
        not_run: count(Verdict::NotRun),
        gaps: count(Verdict::Gap),
        changed: count(Verdict::Changed),
        broken: count(Verdict::Broken),
        causes: causes(results),
        unused: totals.unused,
        background: totals.background,
        took: totals.took,
        exit_code: 0,
        notes: totals.notes,
    };
    summary.exit_code = exit_code(&summary, totals.strict, totals.failed);
    summary
}

/// The exit code of a run (`docs/exit-codes.md`): what makes the rest unreliable comes first.
fn exit_code(summary: &RunSummary, strict: bool, failed: bool) -> u8 {
    if failed || summary.broken > 0 || summary.not_run > 0 {
        4
    } else if summary.changed > 0 || strict && summary.shifted > 0 {
        1
    } else if summary.gaps > 0 {
        3
    } else {
        0
    }
}

struct Group<'r> {
    tests: Vec<TestId>,
    /// The first difference; replaced by the first that is a cause and no consequence.
    example: &'r Difference,
    /// Whether a difference with other values has the same cause.
    varied: bool,
}

impl<'r> Group<'r> {
    fn new(test: &TestId, example: &'r Difference) -> Self {
        Group {
            tests: vec![test.clone()],
            example,
            varied: false,
        }
    }

    fn add(&mut self, test: &TestId, difference: &'r Difference) {
        if self.tests.last() != Some(test) {
            self.tests.push(test.clone());
        }
        match (is_primary(self.example), is_primary(difference)) {
            (false, true) => self.example = difference,
            (true, true) => {
                self.varied |= self.example.baseline != difference.baseline
                    || self.example.candidate != difference.candidate;
            }
            _ => {}
        }
    }

    fn into_cause(self) -> Cause {
        Cause {
            id: self.example.cause,
            title: title(self.example, self.varied),
            tests: self.tests,
            example: self.example.clone(),
        }
    }
}

/// Whether a difference is its own cause, and not the consequence of another.
fn is_primary(d: &Difference) -> bool {
    fingerprint(&d.place, d.kind, d.baseline.as_ref(), d.candidate.as_ref()) == d.cause
}

/// The change in one line.
fn title(example: &Difference, varied: bool) -> String {
    let at = match (&example.place, varied) {
        (place @ Place::Response(_), false) => place.to_string(),
        (
            Place::Call {
                to, summary, path, ..
            },
            false,
        ) if path.0.is_empty() => {
            format!("{to}: {}", one_line(summary))
        }
        (
            Place::Call {
                to, summary, path, ..
            },
            false,
        ) => {
            format!("{to}: {}: {path}", one_line(summary))
        }
        (place, _) => one_line(&general_place(place)),
    };
    let (a, b) = (example.baseline.as_ref(), example.candidate.as_ref());
    let change = two(a, b);
    match example.kind {
        DiffKind::Changed if varied => {
            format!("{at}: {} differ ({change}, …)", plural(a))
        }
        DiffKind::Changed => format!("{at}: {change}"),
        DiffKind::TypeChanged => {
            let of = |value: Option<&Value>| value.map_or("nothing", Value::type_name);
            format!("{at}: {} became {} ({change})", of(a), of(b))
        }
        DiffKind::Added => format!("{at}: added ({})", short(b)),
        DiffKind::Removed => format!("{at}: removed ({})", short(a)),
        DiffKind::Reordered => format!("{at}: in another order"),
        DiffKind::CallMissing => format!("{at}: no longer called"),
        DiffKind::CallExtra => format!("{at}: called more often"),
        DiffKind::CallReordered => format!("{at}: called in another order"),
        DiffKind::CallUnknown if a.is_some() || b.is_some() => {
            format!("{at}: {change}, which no recorded answer fits")
        }
        DiffKind::CallUnknown if example.blame == Blame::App => {
            format!("{at}: a call that was not recorded")
        }
        DiffKind::CallUnknown => format!("{at}: no recorded answer fits"),
        DiffKind::Uncomparable => format!("{at}: cannot be compared"),
        DiffKind::NoResponse => {
            let what = example.detail.as_deref().unwrap_or_default();
            let what = what.lines().last().unwrap_or_default();
            format!("no response: {}", one_line(what))
        }
    }
}

fn plural(value: Option<&Value>) -> &'static str {
    match value {
        Some(Value::Number(_)) => "numbers",
        Some(Value::String(_)) => "texts",
        _ => "values",
    }
}

/// `old -> new`, each in at most some 40 characters. Long texts that begin alike are shown from a
/// word some 12 characters before they differ.
pub(crate) fn two(a: Option<&Value>, b: Option<&Value>) -> String {
    if let (Some(Value::String(x)), Some(Value::String(y))) = (a, b) {
        let longest = x.chars().count().max(y.chars().count());
        let same = x.chars().zip(y.chars()).take_while(|(x, y)| x == y).count();
        if longest > 38 && same > 12 {
            let from = word_before(x, same.saturating_sub(12));
            let tail = |text: &str| {
                let tail: String = text.chars().skip(from).collect();
                format!(
                    "\"…{}",
                    format!("{:?}", cut(&tail, 38)).trim_start_matches('"')
                )
            };
            return format!("{} -> {}", tail(x), tail(y));
        }
    }
    format!("{} -> {}", short(a), short(b))
}

/// The number of the character with which the word begins that the character stands in.
fn word_before(text: &str, at: usize) -> usize {
    let head = text.chars().take(at).collect::<Vec<char>>();
    let space = head.iter().rposition(|c| c.is_whitespace());
    space
        .filter(|space| at - space <= 12)
        .map_or(at, |space| space + 1)
}

/// A value, in at most 40 characters.
pub(crate) fn short(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Number(number)) => cut(number.as_str(), 40),
        Some(Value::String(text)) => format!("{:?}", cut(text, 38)),
        Some(Value::Bytes(bytes)) => format!("{} bytes", bytes.len()),
        Some(Value::List(items)) => format!("a list of {}", items.len()),
        Some(Value::Map(fields)) => {
            let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            format!("{{{}}}", cut(&names.join(", "), 36))
        }
    }
}

/// A text on one line, in at most 120 characters.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    cut(&words.join(" "), 120)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_are_shown_from_where_they_differ() {
        let check = |a: &str, b: &str, expected: &str| {
            assert_eq!(two(Some(&a.into()), Some(&b.into())), expected);
        };
        check("open", "shut", r#""open" -> "shut""#);
        check(
            "select id, total, created_at from orders order by id",
            "select id, total, created_at, note from orders order by id",
            r#""…total, created_at from orders order by…" -> "…total, created_at, note from orders or…""#,
        );
        check(
            "a text that goes on and on until it ends",
            "another text, quite unlike the other one",
            r#""a text that goes on and on until it en…" -> "another text, quite unlike the other o…""#,
        );
        let quote = "0123456789012345678901234567890123456789 \"";
        check(
            &format!("{quote}a"),
            &format!("{quote}b"),
            r#""…0123456789 \"a" -> "…0123456789 \"b""#,
        );
    }
}
