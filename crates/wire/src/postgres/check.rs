//! Statements and answers that somebody may have written by hand: `docs/format.md`, "PostgreSQL".

use retake_model::{Fault, Part, Value};

use super::column::{Column, ReadColumn, read_type};
use super::report;
use super::types;
use crate::check::{
    At, Faults, Known, cut, fields, known, list, missing, octets, only_true, settle, shown,
};

static REQUEST: &[Known] = &[
    known("sql", octets),
    known("params", params),
    known("types", types),
    known("copy", copies),
    known("copy_failed", octets),
    known("rows_limit", rows_limit),
    known("simple", only_true),
    known("aborted", only_true),
    known("describe", octets),
    known("prepared", octets),
    known("function", oid),
    known("listening", octets),
    known("startup", settings),
];

/// What a request is: exactly one of these.
const ASKED: &[&str] = &["sql", "describe", "function", "listening", "startup"];

/// What only an answer as a whole has.
static WHOLE: &[Known] = &[
    known("results", results),
    known("result", result),
    known("parameters", parameters),
];

/// What an answer has, and each of `results`.
static RESULT: &[Known] = &[
    known("columns", columns),
    known("rows", |_, _, _| {}),
    known("tag", word),
    known("suspended", only_true),
    known("error", error),
    known("notices", notices),
    known("status", settings),
    known("notify", notifications),
    known("copy", octets),
    known("empty", only_true),
];

static COLUMN: &[Known] = &[
    known("name", text),
    known("type", of_type),
    known("modifier", whole),
    known("size", whole),
];

static NOTIFICATION: &[Known] = &[
    known("channel", text),
    known("payload", text),
    known("pid", oid),
];

/// What says that a statement was carried out, or was not.
const OUTCOMES: &[&str] = &[
    "columns",
    "tag",
    "error",
    "empty",
    "suspended",
    "copy",
    "results",
];

/// Said of text that would end in its middle on the wire.
const ZERO: &str = "a zero byte stands here";

/// What is wrong in an exchange. What may be written in several ways is put into the form that the
/// tap gives it.
pub(super) fn check(request: &mut Value, response: &mut Value) -> Vec<Fault> {
    let mut faults = Faults::default();
    let at = At::root(Part::Request);
    let what = "a map such as `{sql: …}`";
    let is_map = fields(request, at, &[REQUEST], what, &mut faults);
    let asked = if is_map {
        asked(request, at, &mut faults)
    } else {
        None
    };
    let at = At::root(Part::Response);
    if fields(
        response,
        at,
        &[RESULT, WHOLE],
        "a map such as `{tag: …}`",
        &mut faults,
    ) {
        answer(response, at, asked, &mut faults);
    }
    faults.found()
}

/// What kind of request it is.
fn asked(request: &Value, at: At<'_>, faults: &mut Faults) -> Option<&'static str> {
    let mut kinds = ASKED.iter().filter(|name| request.get(name).is_some());
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => Some(kind),
        (Some(first), Some(second)) => {
            let found = format!("both `{first}` and `{second}` stand here");
            faults.name(at.key(second), found, "one of the two", "remove the other");
            None
        }
        (None, _) => {
            let found = "this does not say what was asked".to_owned();
            let expected = "`sql`, `describe`, `function`, `listening` or `startup`";
            faults.add(
                at,
                found,
                expected,
                "add the statement, such as `sql: select 1`",
            );
            None
        }
    }
}

/// What the fields of an answer say together.
fn answer(response: &mut Value, at: At<'_>, asked: Option<&str>, faults: &mut Faults) {
    if response.get("results").is_some() {
        let alone = |(name, _): &&(String, Value)| name != "results" && name != "notify";
        let beside = response.as_map().unwrap_or_default().iter().find(alone);
        if let Some((name, _)) = beside {
            let found = format!("`{name}` stands beside `results`");
            let hint = "move it into the result that it is of";
            faults.name(at.key(name), found, "`results` alone", hint);
        }
        return;
    }
    if !rows(response, at, faults) {
        return;
    }
    let has_outcome = || OUTCOMES.iter().any(|name| response.get(name).is_some());
    if asked == Some("sql") && !has_outcome() {
        let found = "this answer does not say how the statement ended".to_owned();
        let hint = "add its rows, or its tag, such as `tag: INSERT 0 1`";
        faults.add(at, found, "`columns` and `rows`, `tag` or `error`", hint);
    }
    if asked == Some("startup")
        && let Some(parameters) = response.get_mut("parameters")
    {
        settings(parameters, at.key("parameters"), faults);
    }
}

fn results(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let what = "a list of answers, one for each statement";
    let hint = "write each as `- {tag: …}`";
    list(value, at, what, hint, faults, |item, at, faults| {
        if fields(item, at, &[RESULT], "an answer such as `{tag: …}`", faults) {
            rows(item, at, faults);
        }
    });
}

/// Each row has one value for each column. False where nothing says what they are of.
fn rows(answer: &mut Value, at: At<'_>, faults: &mut Faults) -> bool {
    if answer.get("rows").is_some() && answer.get("columns").is_none() {
        let found = "`rows` stands here without `columns`".to_owned();
        let expected = "a column for each value of a row";
        let hint = "add them, such as `columns: [id int4, name text]`";
        faults.name(at.key("rows"), found, expected, hint);
        return false;
    }
    let columns: Option<Vec<(u32, bool)>> = match answer.get("columns") {
        None => Some(Vec::new()),
        Some(Value::List(columns)) => {
            let read = columns.iter().map(Column::read);
            // What is wrong with a column was told.
            read.map(|c| c.map(|c| (c.oid, says_itself(c.oid))))
                .collect()
        }
        Some(_) => None,
    };
    let (Some(columns), Some(rows)) = (columns, answer.get_mut("rows")) else {
        return true;
    };
    let hint = "write each row as `- [value, value]`";
    list(
        rows,
        at.key("rows"),
        "a list of rows",
        hint,
        faults,
        |row, at, faults| {
            let Value::List(cells) = row else {
                return faults.wrong(at, row, "a row: a list of values", hint);
            };
            if cells.len() != columns.len() {
                let found = format!("a row of {} stands here", values(cells.len()));
                let expected = format!("{}, one for each column", values(columns.len()));
                let hint = match cells.len() < columns.len() {
                    true => "write `null` where a value is missing",
                    false => "remove what is too much, or add its column",
                };
                return faults.add(at, found, &expected, hint);
            }
            for (number, (cell, column)) in cells.iter_mut().zip(&columns).enumerate() {
                self::cell(cell, *column, at.index(number), faults);
            }
        },
    );
    true
}

fn values(count: usize) -> String {
    match count {
        0 => "no values".to_owned(),
        1 => "1 value".to_owned(),
        n => format!("{n} values"),
    }
}

fn cell(cell: &mut Value, (oid, says_itself): (u32, bool), at: At<'_>, faults: &mut Faults) {
    match cell {
        Value::String(_) | Value::Null | Value::Bytes(_) => {}
        Value::Bool(truth) => *cell = Value::from(if *truth { "t" } else { "f" }),
        Value::Number(_) => settle(cell),
        Value::List(_) | Value::Map(_) => {
            let hint = "write an array as its text, such as \"{1,2}\", JSON as text in quotes";
            return faults.wrong(at, cell, "a value as text, or `null`", hint);
        }
    }
    // A secret stands everywhere as its token.
    if says_itself
        && let Some(text) = cell.as_str().filter(|text| !text.starts_with("redacted-"))
        && types::to_binary(oid, text).is_none()
    {
        let name = types::name(oid).unwrap_or("its column's type");
        let found = format!("the text `{}` stands here", cut(text));
        let expected = format!("a value of the type {name}");
        faults.add(
            at,
            found,
            &expected,
            "correct the value, or the type of its column",
        );
    }
}

/// Whether the text of a type's values is the same whatever the server and its settings: truth
/// values, whole numbers, UUIDs.
fn says_itself(oid: u32) -> bool {
    matches!(oid, 16 | 20 | 21 | 23 | 26 | 2950)
}

fn columns(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let hint = "write each as `name type`, such as `price numeric`";
    list(
        value,
        at,
        "a list of columns",
        hint,
        faults,
        |column, at, faults| {
            let text = match column {
                Value::Map(_) => {
                    let before = faults.count();
                    fields(column, at, &[COLUMN], hint, faults);
                    for name in ["name", "type"] {
                        if column.get(name).is_none() {
                            missing(at, name, "…", faults);
                        }
                    }
                    if Column::read(column).is_none() && faults.count() == before {
                        faults.wrong(at, column, "a column", hint);
                    }
                    return;
                }
                Value::String(text) => text,
                _ => return faults.wrong(at, column, "a column: `name type`", hint),
            };
            match Column::explain(text) {
                ReadColumn::Good => {
                    if text.contains('\0') {
                        faults.add(at, ZERO.to_owned(), "a name without one", "remove it");
                    }
                }
                ReadColumn::NoType => faults.wrong(at, column, "a column: `name type`", hint),
                ReadColumn::UnknownType(of) => unknown_type(of, at, faults),
                ReadColumn::WrongModifier(of) => {
                    let found = format!("`{}` is no type with its modifier", cut(of));
                    let expected = "a type such as `varchar(20)` or `numeric(10,2)`";
                    faults.add(
                        at,
                        found,
                        expected,
                        "leave the brackets out where there is none",
                    );
                }
            }
        },
    );
}

fn params(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let hint = "write them as `params: [a, b]`";
    list(
        value,
        at,
        "a list of parameters",
        hint,
        faults,
        |param, at, faults| {
            settle(param);
            if let Value::List(_) | Value::Map(_) = param {
                let hint = "write an array as its text, such as \"{1,2}\", JSON as text in quotes";
                faults.wrong(at, param, "a value as text, or `null`", hint);
            }
        },
    );
}

fn types(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let hint = "write them as `[int4, text]`";
    list(value, at, "a list of types", hint, faults, of_type);
}

fn of_type(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    // A column's may have its modifier in brackets.
    let known = match value {
        Value::String(text) => matches!(Column::explain(&["c ", text].concat()), ReadColumn::Good),
        ref other => read_type(other).is_some(),
    };
    match value {
        _ if known => {}
        Value::String(text) => unknown_type(text, at, faults),
        _ => {
            let hint = "such as `int4`, or 16390 where it is not built in";
            faults.wrong(at, value, "a type's name, its OID, or `null`", hint);
        }
    }
}

fn unknown_type(name: &str, at: At<'_>, faults: &mut Faults) {
    let found = format!("unknown type `{}`", cut(name));
    faults.word(
        at,
        found,
        "a built-in type of PostgreSQL, or an OID",
        types::names(),
    );
}

/// Of a description they are types, of a greeting settings.
fn parameters(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    match value {
        Value::Map(_) => settings(value, at, faults),
        _ => types(value, at, faults),
    }
}

fn settings(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let Value::Map(settings) = value else {
        let hint = "write each as `name: value`";
        return faults.wrong(
            at,
            value,
            "a map of settings, such as `{TimeZone: UTC}`",
            hint,
        );
    };
    for (name, setting) in settings {
        text(setting, at.key(name), faults);
    }
}

/// Text that ends at a zero byte on the wire.
fn text(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    octets(value, at, faults);
    let zero = match value {
        Value::String(text) => text.contains('\0'),
        Value::Bytes(bytes) => bytes.contains(&0),
        _ => false,
    };
    if zero {
        faults.add(at, ZERO.to_owned(), "text without one", "remove it");
    }
}

fn word(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    text(value, at, faults);
    if value.as_str() == Some("") {
        let hint = "write it as the server does, such as `INSERT 0 1`";
        faults.wrong(at, value, "a command tag", hint);
    }
}

fn error(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let Value::Map(fields) = value else {
        let expected = "a map with `severity`, `code` and `message`";
        let hint = "such as `{severity: ERROR, code: \"23505\", message: …}`";
        return faults.wrong(at, value, expected, hint);
    };
    for (name, field) in fields.iter_mut() {
        let here = at.key(name);
        if report::code(name).is_none() {
            let known = report::FIELDS.iter().map(|(_, name)| *name).collect();
            faults.unknown_name(here, name, known);
            continue;
        }
        text(field, here, faults);
        if name == "code" && !field.as_str().is_some_and(is_sqlstate) {
            let expected = "an SQLSTATE: 5 digits and upper-case letters";
            let hint = "such as \"23505\", in quotes; PostgreSQL's documentation has the list";
            faults.wrong(here, field, expected, hint);
        }
    }
}

/// PostgreSQL documentation, "PostgreSQL Error Codes": five characters.
fn is_sqlstate(code: &str) -> bool {
    let good = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    code.len() == 5 && code.bytes().all(good)
}

fn notices(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let hint = "write each as `- {severity: NOTICE, message: …}`";
    list(value, at, "a list of notices", hint, faults, error);
}

fn notifications(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let what = "a map with `channel`, `payload` and `pid`";
    let hint = "write each as `- {channel: …, payload: …}`";
    list(
        value,
        at,
        "a list of notifications",
        hint,
        faults,
        |note, at, faults| {
            if fields(note, at, &[NOTIFICATION], what, faults) && note.get("channel").is_none() {
                missing(at, "channel", "…", faults);
            }
        },
    );
}

/// Data of a COPY, or a list of them.
fn copies(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    match value {
        Value::List(_) => list(value, at, "", "", faults, octets),
        _ => octets(value, at, faults),
    }
}

fn result(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if *value != Value::Null {
        octets(value, at, faults);
    }
}

fn rows_limit(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if !matches!(value.as_i64(), Some(1..=0x7fff_ffff)) {
        faults.add(
            at,
            shown(value),
            "a number of rows, 1 or more",
            "leave it out for all rows",
        );
    }
}

fn oid(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if value.as_i64().and_then(|n| u32::try_from(n).ok()).is_none() {
        faults.wrong(
            at,
            value,
            "a whole number from 0 to 4294967295",
            "without quotes",
        );
    }
}

fn whole(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if value.as_i64().and_then(|n| i32::try_from(n).ok()).is_none() {
        faults.wrong(at, value, "a whole number", "without quotes; -1 for none");
    }
}
