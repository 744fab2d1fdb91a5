//! The values of an exchange: what may tell which of several requests a call was made for.

use retake_model::{FieldKind, Rules, Value};

use super::canon::Canon;
use super::key::Key;
use crate::made::Near;
use crate::sql::{Slotted, Statements};

/// How many values of one message are looked at.
const VALUES: usize = 256;

/// The length in bytes of the longest value that is looked at.
const LONGEST: usize = 256;

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
                add(&mut values, piece.trim_matches('"'));
            }
        }
    }
    values
}

/// The values in an answer: the rows of a statement, the leaves of a body.
pub fn values_in_answer(answer: &Value) -> Vec<String> {
    let mut values = Vec::new();
    let fields = match answer {
        Value::Map(fields) => fields.as_slice(),
        _ => &[],
    };
    for (name, value) in fields {
        if !matches!(name.as_str(), "headers" | "columns" | "status" | "version") {
            leaves(&mut values, value);
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
    let tells = !matches!(text, "" | "true" | "false" | "null" | "t" | "f");
    if tells && text.len() <= LONGEST && values.len() < VALUES {
        values.push(text.to_owned());
    }
}

fn leaves(values: &mut Vec<String>, value: &Value) {
    match value {
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
