//! The values in a request: what may tell which of several requests a call was made for.

use std::collections::HashSet;

use retake_model::{FieldKind, Rules, Value};

use crate::sql::{Slotted, Statement};

/// How many values of one request are looked at.
const VALUES: usize = 256;

/// The length in bytes of the longest value that is looked at.
const LONGEST: usize = 256;

/// The values in a request: literals and parameters of a statement, the segments of a path and the
/// values of its query, the leaves of a body. Truth values, NULL and empty texts tell nothing.
pub fn values_of(request: &Value, rules: &Rules) -> HashSet<String> {
    let mut values = HashSet::new();
    for field in rules.identity {
        match (field.kind, request.get(field.name)) {
            (FieldKind::Sql, Some(Value::String(sql))) => {
                let slots = Statement::read(sql).slots.unwrap_or_default();
                for slot in slots.slots {
                    if let Slotted::Literal(_, text) = slot.value {
                        add(&mut values, &text);
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

fn add(values: &mut HashSet<String>, text: &str) {
    let tells = !matches!(text, "" | "true" | "false" | "null" | "t" | "f");
    if tells && text.len() <= LONGEST && values.len() < VALUES {
        values.insert(text.to_owned());
    }
}

fn leaves(values: &mut HashSet<String>, value: &Value) {
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
