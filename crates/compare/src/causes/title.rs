//! A cause in words.

use retake_model::{Blame, DiffKind, Difference, Place, Value};

use crate::diff::general_place;
use crate::judge::{REFUSED, RENAMED, SAYS, UNWRAPPED, WRAPPED, said_of_moved, status_of};

/// The change in one line. `varied` says that others have other values, `others` that they have
/// other names.
pub(super) fn title(example: &Difference, varied: bool, others: bool) -> String {
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
    if let Some(how) = wrapped(example) {
        return format!("response bodies: {how}");
    }
    match example.kind {
        DiffKind::Changed if status_of(std::slice::from_ref(example)).is_some() => {
            let others = if varied { " (and others)" } else { "" };
            let says = example.detail.as_deref();
            let says = says.and_then(|text| text.strip_prefix(SAYS));
            let says = says.map_or(String::new(), |said| format!(", {}", cut(said, 80)));
            format!("{at}: {}{others} -> {}{says}", short(a), short(b))
        }
        DiffKind::Changed if varied => {
            format!("{at}: {} differ ({change}, …)", plural(a))
        }
        DiffKind::Changed => format!("{at}: {change}"),
        DiffKind::TypeChanged => {
            let of = |value: Option<&Value>| value.map_or("nothing", Value::type_name);
            format!("{at}: {} became {} ({change})", of(a), of(b))
        }
        DiffKind::Added => format!("{at}: added ({})", short(b)),
        DiffKind::Removed => match renamed(example) {
            Some(name) if others => format!("{at}: {RENAMED}{name}, and others likewise"),
            Some(name) => format!("{at}: {RENAMED}{name}"),
            None => format!("{at}: removed ({})", short(a)),
        },
        DiffKind::Reordered => format!("{at}: in another order"),
        DiffKind::CallMissing => format!("{at}: no longer called"),
        DiffKind::CallExtra => format!("{at}: called more often"),
        DiffKind::CallReordered => {
            let said = said_of_moved(example).unwrap_or("called in another order");
            format!("{at}: {said}")
        }
        DiffKind::CallUnknown if a.is_some() || b.is_some() => {
            format!("{at}: {change}, which no recorded answer fits")
        }
        DiffKind::CallUnknown if example.blame == Blame::App => {
            let detail = example
                .detail
                .as_deref()
                .and_then(|text| text.lines().next());
            let refused = detail.and_then(|line| line.strip_prefix(REFUSED));
            let of = refused.map_or(String::new(), |status| {
                format!(", of a request that was refused ({status})")
            });
            format!("{at}: a call that was not recorded{of}")
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

/// In which field a document stands now, or stood.
pub(super) fn wrapped(difference: &Difference) -> Option<String> {
    let detail = difference.detail.as_deref()?;
    let of = |how: &str| {
        Some(format!(
            "what was the whole {how}`{}` now",
            detail.strip_prefix(how)?
        ))
    };
    let was = || {
        Some(format!(
            "what stood in `{}` is the whole now",
            detail.strip_prefix(UNWRAPPED)?
        ))
    };
    of(WRAPPED).or_else(was)
}

/// The new name of a field.
pub(super) fn renamed(difference: &Difference) -> Option<&str> {
    difference.detail.as_deref()?.strip_prefix(RENAMED)
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

pub(crate) fn cut(text: &str, most: usize) -> String {
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
