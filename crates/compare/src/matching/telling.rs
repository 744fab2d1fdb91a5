//! The values of an exchange: what may tell which of several requests a call was made for.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use retake_model::{FieldKind, Rules, Value};

use super::canon::Canon;
use super::key::Key;
use crate::diff::WebToken;
use crate::made::Near;
use crate::sql::{Slotted, Statements};

/// How many values of one message are looked at.
const VALUES: usize = 256;

/// How many pieces of a page are looked at.
const PIECES: usize = 2_048;

/// The length in bytes of the longest value that is looked at.
const LONGEST: usize = 256;

/// The length in bytes of the longest text that is looked into: a web token, credentials.
const LONGEST_TOKEN: usize = 8_192;

/// The values in a request, in the order in which they stand: literals and parameters of a
/// statement, the segments of a path and the values of its query, the leaves of a body. Truth
/// values, NULL and empty texts tell nothing.
pub fn values_of(request: &Value, rules: &Rules, statements: &mut Statements) -> Vec<String> {
    let mut values = Vec::new();
    for field in rules.identity {
        match (field.kind, request.get(field.name)) {
            (FieldKind::Sql, Some(Value::String(sql))) => {
                let statement = statements.get(sql);
                let slots = statement.slots.iter().flat_map(|slots| &slots.slots);
                for slot in slots {
                    if let Slotted::Literal(_, text) = &slot.value {
                        add(&mut values, text);
                    }
                }
            }
            (FieldKind::Path, Some(Value::String(path))) => {
                for piece in path.split(['/', '?', '&', '=']) {
                    add(&mut values, &decoded(piece));
                }
            }
            (FieldKind::Params | FieldKind::Body, Some(value)) => leaves(&mut values, value),
            _ => {}
        }
    }
    values
}

/// The values in the headers of a request: tokens and ids that say who asks. What every client
/// sends for the connection's and the body's sake says nothing of that.
pub fn values_in_headers(request: &Value) -> Vec<String> {
    let mut values = Vec::new();
    let headers = request.get("headers").and_then(Value::as_list);
    for field in headers.unwrap_or_default() {
        let Value::Map(pairs) = field else { continue };
        for (name, value) in pairs {
            let said = value.as_str().filter(|_| !of_the_message(name));
            for piece in said
                .into_iter()
                .flat_map(|said| said.split([' ', ';', ',', '=']))
            {
                with_parts(&mut values, piece.trim_matches('"'));
            }
            if let Some(name) = said.and_then(basic_user) {
                add(&mut values, &name);
            }
        }
    }
    values
}

/// The values in an answer: the rows of a statement, the leaves of a body, what the client is to keep
/// and where it is sent.
pub fn values_in_answer(answer: &Value) -> Vec<String> {
    let mut values = Vec::new();
    let fields = match answer {
        Value::Map(fields) => fields.as_slice(),
        _ => &[],
    };
    for (name, value) in fields {
        match name.as_str() {
            "headers" => given_in_headers(&mut values, value),
            "columns" | "status" | "version" => {}
            "body" => match page_in(value) {
                Some(text) => pieces_of_page(&mut values, text),
                None => leaves(&mut values, value),
            },
            _ => leaves(&mut values, value),
        }
    }
    values
}

/// What is the same for requests of one kind: the method and the route, the statement with other
/// values.
pub fn kind_of(request: &Value, rules: &Rules, statements: &mut Statements) -> Key {
    Canon::read("", request, rules, Near::default(), statements).coarse_key()
}

/// Headers whose values are of the message and not of who sends it (RFC 9110).
fn of_the_message(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "expect",
        "host",
        "keep-alive",
        "te",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn add(values: &mut Vec<String>, text: &str) {
    if tells(text) && values.len() < VALUES {
        values.push(text.to_owned());
    }
}

fn tells(text: &str) -> bool {
    let is_none = matches!(text, "" | "true" | "false" | "null" | "t" | "f");
    !is_none && text.len() <= LONGEST
}

/// A value and the parts of one that was put together: `s:ID.SIGNATURE`, a web token.
fn with_parts(values: &mut Vec<String>, text: &str) {
    add(values, text);
    if is_web_token(text) {
        return claims(values, text);
    }
    if text.contains(['.', ':', '~', '|']) {
        for part in text.split(['.', ':', '~', '|']) {
            add(values, part);
        }
    }
}

fn is_web_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.len() <= LONGEST_TOKEN
}

/// What a web token says (RFC 7519): whose it is, and of which session.
fn claims(values: &mut Vec<String>, token: &str) {
    if let Some(token) = WebToken::read(token) {
        leaves(values, &token.claims);
    }
}

/// The user's name in the credentials of basic authentication (RFC 7617).
fn basic_user(header: &str) -> Option<String> {
    let (scheme, credentials) = header.split_once(' ')?;
    let is_basic = scheme.eq_ignore_ascii_case("basic") && credentials.len() <= LONGEST_TOKEN;
    let bytes = is_basic.then(|| STANDARD.decode(credentials.trim()).ok())??;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.split_once(':')?.0.to_owned())
}

/// The cookies that a response sets, and the path to which it sends the client.
fn given_in_headers(values: &mut Vec<String>, headers: &Value) {
    for field in headers.as_list().unwrap_or_default() {
        let Value::Map(pairs) = field else { continue };
        for (name, value) in pairs {
            let Some(text) = value.as_str() else { continue };
            if name.eq_ignore_ascii_case("set-cookie") {
                let first = text.split(';').next().unwrap_or_default();
                let (_, cookie) = first.split_once('=').unwrap_or_default();
                with_parts(values, cookie.trim_matches('"'));
            } else if name.eq_ignore_ascii_case("location") {
                for piece in text.split(['/', '?', '&', '=', '#']) {
                    with_parts(values, &decoded(piece));
                }
            }
        }
    }
}

fn page_in(body: &Value) -> Option<&str> {
    let text = body.get("text").or_else(|| body.get("xml"))?;
    text.as_str()
}

/// The pieces of a text that is no single value, as those of a page: what stands between tags and in
/// quotes, and the parts of addresses there.
fn pieces_of_page(values: &mut Vec<String>, text: &str) {
    let mut seen = HashSet::new();
    let mut known = |piece: &str| {
        if tells(piece) && seen.len() < PIECES && seen.insert(piece.to_owned()) {
            values.push(piece.to_owned());
        }
    };
    known(text);
    for piece in text.split(['<', '>', '"', '\'', '\n']) {
        let piece = piece.trim();
        known(piece);
        if piece.contains(['/', '?', '=', ' ']) {
            piece.split(['/', '?', '&', '=', ' ']).for_each(&mut known);
        }
    }
}

fn leaves(values: &mut Vec<String>, value: &Value) {
    match value {
        Value::String(text) if is_web_token(text) => {
            add(values, text);
            claims(values, text);
        }
        Value::String(text) => add(values, text),
        Value::Number(number) => add(values, number.as_str()),
        Value::List(items) => items.iter().for_each(|item| leaves(values, item)),
        Value::Map(fields) => fields.iter().for_each(|(_, item)| leaves(values, item)),
        Value::Null | Value::Bool(_) | Value::Bytes(_) => {}
    }
}
/// A piece of a path or a query without its percent signs (RFC 3986, section 2.1) and pluses.
fn decoded(piece: &str) -> String {
    let mut bytes = Vec::with_capacity(piece.len());
    let mut rest = piece.bytes();
    while let Some(byte) = rest.next() {
        let mut digits = rest.clone();
        let hex = |digit: Option<u8>| char::from(digit?).to_digit(16);
        match (byte, hex(digits.next()), hex(digits.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = digits;
            }
            (b'+', _, _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| piece.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Value {
        let field = |(name, value): &(&str, &str)| Value::map([(*name, Value::from(*value))]);
        Value::map([("headers", Value::List(fields.iter().map(field).collect()))])
    }

    #[track_caller]
    fn check(values: &[String], has: &[&str], lacks: &[&str]) {
        for value in has {
            assert!(
                values.iter().any(|own| own == value),
                "{value} in {values:?}"
            );
        }
        for value in lacks {
            assert!(
                !values.iter().any(|own| own == value),
                "{value} in {values:?}"
            );
        }
    }

    #[test]
    fn credentials_tell_whose_they_are() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1LTE3Iiwic2lkIjoiczkifQ.c2ln";
        for (value, has, lacks) in [
            ("Basic YW5uOnNlY3JldA==", &["ann"][..], &["secret"][..]),
            ("Bearer YW5uOnNlY3JldA==", &[], &["ann"]),
            (&format!("Bearer {token}"), &["u-17", "s9"], &[]),
            ("Token 0f3.k9", &["0f3.k9", "0f3", "k9"], &[]),
        ] {
            check(
                &values_in_headers(&headers(&[("Authorization", value)])),
                has,
                lacks,
            );
        }
        let cookie = headers(&[("Cookie", "a=b; sid=s:7CEK.SIGN; t=1")]);
        check(
            &values_in_headers(&cookie),
            &["7CEK", "SIGN", "1"],
            &["s:7CEK.SIGN; t"],
        );
    }

    #[test]
    fn an_answer_shows_what_it_gives_the_client_to_keep_and_where_it_sends_it() {
        let answer = headers(&[
            ("Set-Cookie", "sid=7CEK.SIGN; Path=/; Max-Age=30"),
            ("location", "/orders/17?note=a%20b"),
            ("X-Other", "zz"),
        ]);
        let values = values_in_answer(&answer);
        check(&values, &["7CEK", "SIGN", "17", "a b"], &["zz", "30"]);
    }

    #[test]
    fn a_page_shows_its_texts_and_the_parts_of_its_addresses() {
        let page = "<p class=\"x\">\n Renamed 2 </p><a href='/feed/17/entries?page=3'>by ann</a>";
        let answer = Value::map([("body", Value::map([("text", page.into())]))]);
        let values = values_in_answer(&answer);
        check(&values, &["Renamed 2", "17", "3", "ann"], &["", "p class"]);
        let long = "<i>w</i>".repeat(10)
            + &(0..9_000)
                .map(|n| format!("<i>{n}</i>"))
                .collect::<String>();
        let answer = Value::map([("body", Value::map([("text", Value::from(long))]))]);
        assert_eq!(values_in_answer(&answer).len(), PIECES);
    }
}
