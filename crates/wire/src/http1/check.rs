//! Messages that somebody may have written by hand: `docs/format.md`, "HTTP".

use retake_model::{Fault, Part, Value};

use super::body;
use super::head::{is_target, is_token_byte};
use crate::check::{At, Faults, Known, cut, fields, known, list, missing, settle, shown};

static REQUEST: &[Known] = &[
    known("method", method),
    known("path", path),
    known("version", version),
    known("headers", headers),
    known("body", body::check),
    known("trailers", headers),
    known("framing", chunked),
];

static RESPONSE: &[Known] = &[
    known("status", status),
    known("reason", reason),
    known("version", version),
    known("headers", headers),
    known("body", body::check),
    known("trailers", headers),
    known("framing", framing),
    known("interim", interims),
];

static INTERIM: &[Known] = &[known("status", interim_status), known("headers", headers)];

/// What is wrong in an exchange. What may be written in several ways is put into the form that the
/// tap gives it.
pub(super) fn check(request: &mut Value, response: &mut Value) -> Vec<Fault> {
    let mut faults = Faults::default();
    let at = At::root(Part::Request);
    let what = "a map with `method` and `path`";
    if fields(request, at, &[REQUEST], what, &mut faults) {
        if request.get("method").is_none() {
            missing(at, "method", "GET", &mut faults);
        }
        match request.get("path").and_then(Value::as_str) {
            Some(path) if !is_target(method_of(request), path) => {
                let path = at.key("path");
                let found = shown(request.get("path").unwrap_or(&Value::Null));
                let hint = "begin it with `/`; the host stands in the header `host`";
                faults.add(path, found, "a path such as /orders?page=2", hint);
            }
            Some(_) => {}
            None if request.get("path").is_none() => missing(at, "path", "/", &mut faults),
            None => {}
        }
    }
    let at = At::root(Part::Response);
    let what = "a map with `status`";
    if fields(response, at, &[RESPONSE], what, &mut faults) && response.get("status").is_none() {
        missing(at, "status", "200", &mut faults);
    }
    faults.found()
}

fn method_of(request: &Value) -> &str {
    let method = request.get("method").and_then(Value::as_str);
    method.unwrap_or_default()
}

/// RFC 9110, section 9.1: a method is a token.
fn method(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let good = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
    if !value.as_str().is_some_and(good) {
        let hint = "one word; the path and the version stand in fields of their own";
        faults.wrong(at, value, "a method such as GET or POST", hint);
    }
}

fn path(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let Some(text) = value.as_str() else {
        let hint = "path and query in one text, in quotes where YAML reads it otherwise";
        return faults.wrong(at, value, "a path such as /orders?page=2", hint);
    };
    if text.bytes().any(|b| b <= b' ' || b == 0x7f) {
        let hint = "write a space as `%20`, in a query also as `+`";
        faults.wrong(at, value, "a path without white space", hint);
    }
}

fn version(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    settle(value);
    if !matches!(value.as_str(), Some("1.0" | "1.1")) {
        faults.wrong(at, value, "`\"1.0\"` or `\"1.1\"`", "leave it out for 1.1");
    }
}

fn chunked(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if value.as_str() != Some("chunked") {
        let hint = "leave it out where the length says the end of the body";
        faults.wrong(at, value, "`chunked`", hint);
    }
}

fn framing(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if !matches!(value.as_str(), Some("chunked" | "close")) {
        let hint = "leave it out where the length says the end of the body";
        faults.wrong(at, value, "`chunked` or `close`", hint);
    }
}

/// RFC 9110, section 15. Others than those that it defines are sent by some servers.
fn status(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    const EXPECTED: &str = "a status from 200 to 599";
    match value.as_i64() {
        Some(200..=599) => {}
        Some(600..=999) => {
            faults.odd(
                at,
                shown(value),
                EXPECTED,
                "HTTP defines no such status; is it meant so?",
            );
        }
        Some(100..=199) => {
            let hint = "what comes before the response itself stands in `interim`";
            faults.wrong(at, value, EXPECTED, hint);
        }
        Some(_) => faults.wrong(
            at,
            value,
            EXPECTED,
            "write what the service answers, such as 200",
        ),
        None => faults.wrong(at, value, EXPECTED, "write it as a number, such as 200"),
    }
}

fn interim_status(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if !matches!(value.as_i64(), Some(100..=199)) {
        let hint = "the status of the response itself stands beside `interim`";
        faults.wrong(at, value, "a status from 100 to 199", hint);
    }
}

fn reason(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    settle(value);
    if !is_line(value) {
        faults.wrong(
            at,
            value,
            "text on one line",
            "leave it out where it is the usual one",
        );
    }
}

fn interims(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    let what = "a list of maps with `status` and `headers`";
    let hint = "write each as `- status: 103`";
    list(value, at, what, hint, faults, |item, at, faults| {
        if fields(
            item,
            at,
            &[INTERIM],
            "a map with `status` and `headers`",
            faults,
        ) && item.get("status").is_none()
        {
            missing(at, "status", "103", faults);
        }
    });
}

/// RFC 9110, sections 5.1 and 5.5: a name is a token, and a value has no line break.
fn headers(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    const HINT: &str = "write each as `- name: value`";
    let what = "a list of headers";
    list(value, at, what, HINT, faults, |item, at, faults| {
        let [(name, value)] = (match item {
            Value::Map(pair) => pair.as_mut_slice(),
            _ => return faults.wrong(at, item, "a header", HINT),
        }) else {
            let found = match item {
                Value::Map(pair) if pair.is_empty() => "no header stands here",
                _ => "several headers stand in one element",
            };
            return faults.add(at, found.to_owned(), "one header in each element", HINT);
        };
        let here = at.key(name);
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            let found = format!("`{}` is no name of a header", cut(name));
            let expected = "letters, digits and `-` (RFC 9110, section 5.6.2)";
            faults.name(here, found, expected, "correct the name");
        }
        settle(value);
        if *value == Value::Null {
            *value = Value::String(String::new());
        }
        if !is_line(value) {
            let hint = "repeat the header for each line, or join them by `, `";
            faults.wrong(here, value, "text on one line", hint);
        }
    });
}

/// Whether it is text, or bytes, without a line break.
fn is_line(value: &Value) -> bool {
    let line = |bytes: &[u8]| !bytes.iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
    match value {
        Value::String(text) => line(text.as_bytes()),
        Value::Bytes(bytes) => line(bytes),
        _ => false,
    }
}
