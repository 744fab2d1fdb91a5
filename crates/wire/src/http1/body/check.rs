//! Bodies that somebody may have written by hand.

use retake_model::{Value, json};

use super::{coding, form};
use crate::check::{At, Faults, Known, fields, known, list, only_true, settle, shown};

/// What a body holds: exactly one of these.
const KINDS: &[&str] = &["json", "form", "xml", "text", "bytes"];

static BODY: &[Known] = &[
    known("json", is_json),
    known("form", pairs),
    known("xml", text),
    known("text", text),
    known("bytes", text),
    known("style", |_, _, _| {}),
    known("as", read_as),
    known("encoding", encoding),
    known("encoded", encoded),
];

static JSON_STYLE: &[Known] = &[
    known("spaced", only_true),
    known("indent", indent),
    known("crlf", only_true),
    known("colon", colon),
    known("end", end),
    known("ascii", only_true),
    known("upper", only_true),
    known("slash", only_true),
    known("escape", escape),
];

static FORM_STYLE: &[Known] = &[
    known("space", space),
    known("lower", only_true),
    known("raw", escape),
    known("escape", escape),
];

/// Checks the tree of a body.
pub(in crate::http1) fn check(body: &mut Value, at: At<'_>, faults: &mut Faults) {
    let what = "a map such as `{json: …}` or `{text: …}`";
    if !fields(body, at, &[BODY], what, faults) {
        return;
    }
    let all = body.as_map().unwrap_or_default();
    let kinds = || all.iter().filter(|(name, _)| KINDS.contains(&&**name));
    let mut each = kinds().map(|(name, _)| name.as_str());
    let kind = match (each.next(), each.next()) {
        (Some(kind), None) => kind.to_owned(),
        (Some(first), Some(second)) => {
            let found = format!("a body of two kinds, `{first}` and `{second}`");
            return faults.name(at.key(second), found, "one kind", "remove one of the two");
        }
        (None, _) => {
            let found = "this body does not say what it holds".to_owned();
            let expected = "one of `json`, `form`, `xml`, `text`, `bytes`";
            return faults.add(at, found, expected, "leave `body` out where there is none");
        }
    };
    beside(body, &kind, at, faults);
}

/// What stands beside the content goes with its kind.
fn beside(body: &mut Value, kind: &str, at: At<'_>, faults: &mut Faults) {
    if kind != "text" && body.get("as").is_some() {
        let found = format!("`as` stands beside `{kind}`");
        faults.name(at.key("as"), found, "`as` beside `text` alone", "remove it");
    }
    if body.get("encoded").is_some() && body.get("encoding").is_none() {
        let found = "`encoded` stands here without `encoding`".to_owned();
        let hint = "say how it is encoded, such as `encoding: gzip`";
        faults.name(at.key("encoded"), found, "both or none", hint);
    }
    let Some(style) = body.get_mut("style") else {
        return;
    };
    let here = at.key("style");
    let before = faults.count();
    let is_known = match kind {
        "json" => {
            fields(
                style,
                here,
                &[JSON_STYLE],
                "a map such as `{spaced: true}`",
                faults,
            ) && json::Style::from_value(style).is_some()
        }
        "form" => {
            fields(
                style,
                here,
                &[FORM_STYLE],
                "a map such as `{lower: true}`",
                faults,
            ) && form::Style::from_value(style).is_some()
        }
        _ => {
            let found = format!("`style` stands beside `{kind}`");
            let expected = "`style` beside `json` or `form` alone";
            return faults.name(here, found, expected, "remove it");
        }
    };
    if !is_known && faults.count() == before {
        faults.add(
            here,
            "this is no style".to_owned(),
            "a style of docs/format.md",
            "remove it for the usual one",
        );
    }
}

fn is_json(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    match value {
        Value::Bytes(_) => {
            let hint = "JSON has no bytes: write text, or keep the body as `bytes`";
            faults.wrong(at, value, "a value of JSON", hint);
        }
        Value::List(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                is_json(item, at.index(number), faults);
            }
        }
        Value::Map(members) => {
            for (name, member) in members {
                is_json(member, at.key(name), faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn pairs(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    const HINT: &str = "write each pair as `- [name, value]`";
    let what = "a list of pairs";
    list(value, at, what, HINT, faults, |pair, at, faults| {
        let Value::List(parts) = pair else {
            return faults.wrong(at, pair, "`[name, value]`", HINT);
        };
        if !matches!(parts.len(), 1 | 2) {
            let found = format!("a pair of {} stands here", parts.len());
            return faults.add(at, found, "`[name, value]`, or `[name]` without `=`", HINT);
        }
        for (number, part) in parts.iter_mut().enumerate() {
            text(part, at.index(number), faults);
        }
    });
}

fn text(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    settle(value);
    if !matches!(value, Value::String(_) | Value::Bytes(_)) {
        let hint = match value {
            Value::List(_) | Value::Map(_) => "a tree stands under `json`",
            _ => "write `\"\"` where it is empty",
        };
        faults.wrong(at, value, "text", hint);
    }
}

fn read_as(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if !matches!(value.as_str(), Some("json" | "form")) {
        faults.wrong(
            at,
            value,
            "`json` or `form`",
            "remove it where the text is neither",
        );
    }
}

fn encoding(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    match value.as_str() {
        Some(text) if coding::is_known(text) => {}
        Some(_) => faults.word(at, shown(value), "", vec!["gzip", "deflate", "br", "zstd"]),
        None => {
            let hint = "as the header `content-encoding` says it";
            faults.wrong(at, value, "one of `gzip`, `deflate`, `br`, `zstd`", hint);
        }
    }
}

fn encoded(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if !matches!(value, Value::String(_) | Value::Bytes(_)) {
        let hint = "leave it out: the body is then encoded anew";
        faults.wrong(at, value, "the encoded bytes", hint);
    }
}

fn indent(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let good = match value {
        Value::String(text) => text.bytes().all(|b| b == b'\t'),
        ref other => other.as_i64().is_some_and(|n| (0..=255).contains(&n)),
    };
    if !good {
        let hint = "such as `indent: 2` or `indent: \"\\t\"`";
        faults.wrong(at, value, "a number of spaces, or tabs as text", hint);
    }
}

fn colon(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if !matches!(value.as_str(), Some(":" | ": " | " : ")) {
        faults.wrong(
            at,
            value,
            "`\":\"`, `\": \"` or `\" : \"`",
            "remove it for the usual one",
        );
    }
}

fn end(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if !matches!(value.as_str(), Some("" | "\n" | "\r\n")) {
        faults.wrong(
            at,
            value,
            "`\"\\n\"` or `\"\\r\\n\"`",
            "remove it where nothing follows",
        );
    }
}

fn space(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if value.as_str() != Some("%20") {
        faults.wrong(
            at,
            value,
            "`\"%20\"`",
            "leave it out where a space is a `+`",
        );
    }
}

fn escape(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let good = |c: char| c.is_ascii() || matches!(c, '\u{2028}' | '\u{2029}');
    if !value.as_str().is_some_and(|text| text.chars().all(good)) {
        faults.wrong(
            at,
            value,
            "the characters as text",
            "such as `escape: \"<>&\"`",
        );
    }
}
