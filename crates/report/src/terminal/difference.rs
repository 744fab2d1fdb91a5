//! One difference.

use std::fmt::Write;

use retake_model::{Blame, DiffKind, Difference, Path, Place, Value};

use super::causes::blame;
use super::style::{DIM, HEAD, NEW, NUMBER, OLD};
use crate::printable::{safe, safe_cut, two, value};

/// Values of at most so many characters stand on one line with their place.
const SHORT: usize = 40;

/// Longer values are cut after so many characters.
const LONG: usize = 400;

/// A statement is cut after so many characters.
const SUMMARY: usize = 160;

/// The most lines of a detail.
const LINES: usize = 24;

/// Writes a difference, each line after `indent`, with the number of its cause.
pub(super) fn write(out: &mut String, d: &Difference, number: Option<usize>, indent: &str) {
    let number = match number {
        Some(number) => format!("{NUMBER}[{number}]{NUMBER:#} "),
        None => String::new(),
    };
    let _ = writeln!(out, "{indent}{number}{}{}", title(d), blame(d.blame));
    let inner = format!("{indent}    ");
    if let Place::Call { summary, .. } = &d.place {
        let _ = writeln!(out, "{inner}{}", one_line(summary));
    }
    if let (Some(a), Some(b)) = (&d.baseline, &d.candidate)
        && !fits_a_line(d)
        && !has_unified(d)
        && d.kind != DiffKind::Reordered
    {
        let (a, b) = two(a, b, LONG);
        let _ = writeln!(out, "{inner}{OLD}- {a}{OLD:#}");
        let _ = writeln!(out, "{inner}{NEW}+ {b}{NEW:#}");
    }
    if let Some(text) = &d.detail {
        detail(out, text, &inner);
    }
}

/// What happened where, in one line, values included where they are short.
pub(super) fn title(d: &Difference) -> String {
    let (at, field) = match &d.place {
        Place::Call {
            to, index, path, ..
        } => {
            let number = index.map_or(String::new(), |index| format!(", call {}", index + 1));
            (
                format!("{HEAD}{}{number}{HEAD:#}", safe(to)),
                (!path.0.is_empty()).then_some(path),
            )
        }
        place => (format!("{HEAD}{}{HEAD:#}", safe(&place.to_string())), None),
    };
    let (a, b) = (d.baseline.as_ref(), d.candidate.as_ref());
    let within = match field {
        Some(field) => format!("{at}: {}", safe(&field.to_string())),
        None => at.clone(),
    };
    match d.kind {
        DiffKind::Changed | DiffKind::TypeChanged => {
            let types = match (d.kind, a, b) {
                (DiffKind::TypeChanged, Some(a), Some(b)) => {
                    format!(" {DIM}({} became {}){DIM:#}", a.type_name(), b.type_name())
                }
                _ => String::new(),
            };
            match change(d) {
                Some(change) => format!("{within}: {change}{types}"),
                None => format!("{within}: changed{types}"),
            }
        }
        DiffKind::Added => format!("{within}: added {NEW}{}{NEW:#}", one(b)),
        DiffKind::Removed => format!("{within}: removed {OLD}{}{OLD:#}", one(a)),
        DiffKind::Reordered => format!("{within}: in another order"),
        DiffKind::CallMissing => format!("{at}: no longer called"),
        DiffKind::CallExtra => format!("{at}: called more often than recorded"),
        DiffKind::CallReordered => format!("{at}: called in another order"),
        DiffKind::CallUnknown => format!("{at}: {}", unknown(d, field)),
        DiffKind::Uncomparable => format!("{at}: cannot be compared"),
        DiffKind::NoResponse => "the service gave no response".to_owned(),
    }
}

/// What happened where, without styles, for a list of several: a value is shown only of a status.
pub(super) fn in_a_few_words(d: &Difference) -> String {
    let text = match &d.place {
        Place::Call { to, summary, .. } => {
            let what = match d.kind {
                DiffKind::CallMissing => "no longer called",
                DiffKind::CallExtra => "called more often",
                DiffKind::CallReordered => "in another order",
                DiffKind::CallUnknown => "no recorded answer",
                _ => "changed",
            };
            format!("{}: {} {what}", safe(to), safe_cut(summary, 40))
        }
        place => {
            let what = match d.kind {
                DiffKind::Added => " added".to_owned(),
                DiffKind::Removed => " removed".to_owned(),
                DiffKind::Changed => match change(d) {
                    Some(change) => format!(": {change}"),
                    None => " changed".to_owned(),
                },
                _ => " changed".to_owned(),
            };
            format!("{}{what}", safe(&place.to_string()))
        }
    };
    anstream::adapter::strip_str(&text).to_string()
}

fn unknown(d: &Difference, field: Option<&Path>) -> String {
    match (field, change(d)) {
        (Some(field), Some(change)) => {
            format!("no recorded answer; {}: {change}", safe(&field.to_string()))
        }
        (Some(field), None) => format!(
            "no recorded answer; {} is another one",
            safe(&field.to_string())
        ),
        (None, _) if d.blame == Blame::App => "a call that was not recorded".to_owned(),
        (None, _) => "no recorded answer".to_owned(),
    }
}

/// A request on one line.
pub(super) fn one_line(summary: &str) -> String {
    let words: Vec<&str> = summary.split_whitespace().collect();
    safe_cut(&words.join(" "), SUMMARY)
}

/// `old -> new`, where both are short.
fn change(d: &Difference) -> Option<String> {
    if !fits_a_line(d) {
        return None;
    }
    Some(format!(
        "{OLD}{}{OLD:#} -> {NEW}{}{NEW:#}",
        one(d.baseline.as_ref()),
        one(d.candidate.as_ref())
    ))
}

fn fits_a_line(d: &Difference) -> bool {
    let short = |v: Option<&Value>| one(v).chars().count() <= SHORT;
    short(d.baseline.as_ref()) && short(d.candidate.as_ref()) && !has_unified(d)
}

fn one(of: Option<&Value>) -> String {
    of.map_or_else(|| "nothing".to_owned(), |of| value(of, LONG))
}

fn has_unified(d: &Difference) -> bool {
    d.detail
        .as_deref()
        .is_some_and(|text| text.contains("@@ -"))
}

fn detail(out: &mut String, text: &str, indent: &str) {
    let all = text.lines().count();
    let mut unified = false;
    for line in text.lines().take(LINES) {
        unified |= line.starts_with("@@ -");
        let style = match line.chars().next() {
            Some('-') if unified => OLD,
            Some('+') if unified => NEW,
            _ => DIM,
        };
        let _ = writeln!(out, "{indent}{style}{}{style:#}", safe_cut(line, LONG));
    }
    if all > LINES {
        let more = crate::printable::count(all - LINES, "more line");
        let _ = writeln!(out, "{indent}{DIM}… {more}{DIM:#}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_a_call_that_was_added_or_removed_is_named() {
        let difference = |kind, baseline: Option<&str>, candidate: Option<&str>| Difference {
            cause: 1,
            place: Place::Call {
                to: "payments".into(),
                index: Some(1),
                summary: "POST /charge".into(),
                path: Path::parse("headers.idempotency-key").expect("a path"),
            },
            kind,
            baseline: baseline.map(Value::from),
            candidate: candidate.map(Value::from),
            detail: None,
            blame: Blame::App,
            follows: false,
        };
        for (kind, baseline, candidate, said) in [
            (DiffKind::Removed, Some("a"), None, "removed \"a\""),
            (DiffKind::Added, None, Some("b"), "added \"b\""),
            (DiffKind::Changed, Some("a"), Some("b"), "\"a\" -> \"b\""),
        ] {
            let title = title(&difference(kind, baseline, candidate));
            let plain = anstream::adapter::strip_str(&title).to_string();
            let expected = format!("payments, call 2: headers.idempotency-key: {said}");
            assert_eq!(plain, expected);
        }
    }
}
