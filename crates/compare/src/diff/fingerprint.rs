//! Fingerprints: which differences have one cause.
//!
//! Two differences have the same cause where the same happened at the same place: the numbers of
//! list elements do not count, nor do generated names. Words that a program writes (statuses,
//! flags, null) count as they are: `PENDING -> OPEN` and `PENDING -> DONE` are two causes. Values
//! that vary from test to test (numbers, texts) count by their type.

use retake_model::{DiffKind, Path, Place, Segment, Value};

use crate::made::scan;

/// The fingerprint of a difference.
pub(crate) fn fingerprint(
    place: &Place,
    kind: DiffKind,
    baseline: Option<&Value>,
    candidate: Option<&Value>,
) -> u64 {
    let at = general_place(place);
    let exact = at == "response.status";
    let word =
        |value: Option<&Value>| !matches!(value, Some(Value::String(text)) if !is_word(text));
    let words = word(baseline) && word(candidate);
    let shape = |value: Option<&Value>| shape(value, exact, words);
    hash(&format!(
        "{kind:?}\n{at}\n{}\n{}",
        shape(baseline),
        shape(candidate)
    ))
}

/// A fingerprint of text.
pub(crate) fn hash(text: &str) -> u64 {
    let bytes = *blake3::hash(text.as_bytes()).as_bytes();
    let [a, b, c, d, e, f, g, h, ..] = bytes;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// A place with what varies left out: `response.body.json.items[*].total`, and for calls the
/// statement without its numbers.
pub(crate) fn general_place(place: &Place) -> String {
    match place {
        Place::Response(path) => general_path("response", path),
        Place::Call {
            to, summary, path, ..
        } => {
            let at = general_path("", path);
            format!(
                "{to}: {}{}{at}",
                general_text(summary),
                if at.is_empty() { "" } else { ": " }
            )
        }
        Place::Service => "service".to_owned(),
    }
}

/// A path with `[*]` for numbers and `*` for generated names.
fn general_path(root: &str, path: &Path) -> String {
    let mut text = root.to_owned();
    for segment in &path.0 {
        match segment {
            Segment::Index(_) => text.push_str("[*]"),
            Segment::Key(name) if is_generated(name) => text.push_str(".*"),
            Segment::Key(name) => {
                let step = Path::root().key(name).to_string();
                if !text.is_empty() && !step.starts_with('[') {
                    text.push('.');
                }
                text.push_str(&step);
            }
        }
    }
    text
}

/// Whether a name is a generated value, or a number.
fn is_generated(name: &str) -> bool {
    let mut found = false;
    scan(name, |_| found = true);
    found || !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

/// A line with `0` for every number, `*` for generated values and `?` for quoted text.
pub(crate) fn general_text(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut end = 0;
    scan(line, |token| {
        plain.push_str(line.get(end..token.start).unwrap_or_default());
        plain.push('*');
        end = token.end();
    });
    plain.push_str(line.get(end..).unwrap_or_default());
    let mut text = String::with_capacity(plain.len());
    let mut rest = plain.chars().peekable();
    let made_up = has_made_up_name(line);
    let mut word = false;
    while let Some(c) = rest.next() {
        if c == '\'' {
            while rest.next_if(|c| *c != '\'').is_some() {}
            rest.next();
            text.push('?');
        } else if c.is_ascii_digit() && (made_up || !word) {
            while rest.next_if(|c| c.is_ascii_digit() || *c == '.').is_some() {}
            text.push('0');
        } else {
            text.push(c);
        }
        // `$1` and `col2` are names, `= 17` is a value.
        word = c.is_alphanumeric() || c == '_' || c == '$';
    }
    text
}

/// Whether a line is a statement on a savepoint, a cursor or a prepared statement, whose name the
/// library numbers.
fn has_made_up_name(line: &str) -> bool {
    const STATEMENTS: [&str; 10] = [
        "savepoint",
        "release",
        "rollback",
        "declare",
        "fetch",
        "move",
        "close",
        "prepare",
        "execute",
        "deallocate",
    ];
    let first = line.split_whitespace().next().unwrap_or_default();
    STATEMENTS
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word))
}

/// What counts of a value: all of it for words that a program writes (where both sides are such
/// words), else its type.
fn shape(value: Option<&Value>, exact: bool, words: bool) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Number(number)) if exact => number.to_string(),
        Some(Value::String(text)) if text.is_empty() => "empty text".to_owned(),
        Some(Value::String(text)) if words => format!("word {text}"),
        Some(value) => value.type_name().to_owned(),
    }
}

/// Whether a text looks like a word of a program rather than of a person: a constant in capitals,
/// a lower-case keyword, a media type.
pub(crate) fn is_word(text: &str) -> bool {
    let of = |allowed: fn(&u8) -> bool| {
        text.bytes()
            .all(|b| allowed(&b) || matches!(b, b'_' | b'-' | b'/' | b';' | b'=' | b' '))
    };
    text.len() <= 40 && (of(u8::is_ascii_uppercase) || of(u8::is_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_the_names_of_savepoints_and_cursors_do_not_count() {
        let check = |a: &str, b: &str, same: bool| {
            assert_eq!(general_text(a) == general_text(b), same, "{a} {b}");
        };
        check(
            r#"SAVEPOINT "s139677082318528_x5""#,
            r#"SAVEPOINT "s139677081269952_x16""#,
            true,
        );
        check("release savepoint sa_1", "release savepoint sa_12", true);
        check(
            r#"DECLARE "_django_curs_139962778384064_sync_1" CURSOR FOR SELECT 1"#,
            r#"DECLARE "_django_curs_139962778384064_sync_2" CURSOR FOR SELECT 1"#,
            true,
        );
        check("select a1 from t2", "select a2 from t2", false);
        check("SAVEPOINT a", "SAVEPOINT b", false);
    }

    fn of(path: &str, baseline: impl Into<Value>, candidate: impl Into<Value>) -> u64 {
        fingerprint(
            &Place::Response(Path::parse(path).expect(path)),
            DiffKind::Changed,
            Some(&baseline.into()),
            Some(&candidate.into()),
        )
    }

    #[test]
    fn values_that_vary_have_one_cause_and_words_have_their_own() {
        assert_eq!(of("items[0].total", 1, 2), of("items[7].total", 3, 4));
        assert_ne!(of("items[0].total", 1, 2), of("items[0].sum", 1, 2));
        assert_eq!(
            of("name", "Al Smith", "al smith"),
            of("name", "Bo Roe", "bo roe")
        );
        assert_ne!(
            of("state", "PENDING", "OPEN"),
            of("state", "PENDING", "DONE")
        );
        assert_ne!(of("status", 200, 500), of("status", 200, 404));
        assert_ne!(of("ok", true, false), of("ok", false, true));
    }

    #[test]
    fn statements_are_told_apart_by_their_text_and_not_by_their_values() {
        let check = |line: &str, expected: &str| assert_eq!(general_text(line), expected);
        check(
            "select a1 from t2 where x = 17 and y = 'it' and z = $1",
            "select a1 from t2 where x = 0 and y = ? and z = $1",
        );
        check("GET /items/7?page=2", "GET /items/0?page=0");
    }
}
