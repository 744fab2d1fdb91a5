//! Values as JSON that loses nothing.
//!
//! JSON is itself, digits and repeated members included. What JSON has not is a map of one member
//! whose name begins with `$`: bytes are `{"$bytes": "<base64>"}`; a map that would look like one
//! is `{"$map": <it>}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use retake_model::{Value, json};
use serde_json::value::RawValue;

use super::DocumentError;

const BYTES: &str = "$bytes";
const MAP: &str = "$map";

/// A value as JSON; what is nested too deep for JSON's readers becomes a text that says so.
pub(super) fn to_json(value: &Value) -> Box<RawValue> {
    let raw = json::write(&escape(value), &json::Style::default())
        .and_then(|text| String::from_utf8(text).ok())
        .and_then(|text| RawValue::from_string(text).ok());
    raw.unwrap_or_else(|| {
        RawValue::from_string("\"(nested too deep to be shown)\"".to_owned())
            .unwrap_or_else(|_| RawValue::NULL.to_owned())
    })
}

/// The value of JSON that [`to_json`] wrote.
pub(super) fn from_json(raw: &RawValue) -> Result<Value, DocumentError> {
    match json::parse(raw.get().as_bytes()) {
        Ok((tree, _)) => unescape(tree),
        Err(_) => Err(DocumentError::new("a value in JSON", raw.get())),
    }
}

fn escape(value: &Value) -> Value {
    match value {
        Value::Bytes(bytes) => Value::map([(BYTES, BASE64.encode(bytes).into())]),
        Value::List(items) => Value::List(items.iter().map(escape).collect()),
        Value::Map(fields) => {
            let escaped = fields
                .iter()
                .map(|(name, value)| (name.clone(), escape(value)))
                .collect();
            match fields.as_slice() {
                [(name, _)] if name.starts_with('$') => Value::map([(MAP, Value::Map(escaped))]),
                _ => Value::Map(escaped),
            }
        }
        leaf => leaf.clone(),
    }
}

fn unescape(tree: Value) -> Result<Value, DocumentError> {
    match tree {
        Value::List(items) => Ok(Value::List(
            items.into_iter().map(unescape).collect::<Result<_, _>>()?,
        )),
        Value::Map(fields) => match fields.as_slice() {
            [(name, Value::String(text))] if name == BYTES => match BASE64.decode(text) {
                Ok(bytes) => Ok(Value::Bytes(bytes.into())),
                Err(_) => Err(DocumentError::new("bytes in base64", text)),
            },
            [(name, Value::Map(inner))] if name == MAP => members(inner.clone()),
            _ => members(fields),
        },
        leaf => Ok(leaf),
    }
}

fn members(fields: Vec<(String, Value)>) -> Result<Value, DocumentError> {
    let fields: Result<_, _> = fields
        .into_iter()
        .map(|(name, value)| Ok((name, unescape(value)?)))
        .collect();
    Ok(Value::Map(fields?))
}
