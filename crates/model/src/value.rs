//! A lossless ordered tree: what protocols are translated into and what is compared and stored.

use bytes::Bytes;

/// A lossless ordered tree.
///
/// Maps keep the order and the repeats of their keys; numbers keep their digits; bytes that are
/// no UTF-8 stay bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Value {
    /// Nothing: JSON's `null`, SQL's `NULL`.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, digit for digit as it was written.
    Number(Number),
    /// Text.
    String(String),
    /// Bytes that are not text, or whose meaning is not known.
    Bytes(Bytes),
    /// An ordered list.
    List(Vec<Value>),
    /// An ordered list of named values. Names may repeat.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<String>) -> Self {
        Value::String(text.into())
    }

    /// A map of the given fields, in their order.
    pub fn map<K: Into<String>>(fields: impl IntoIterator<Item = (K, Value)>) -> Self {
        Value::Map(fields.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// How many bytes of memory it takes, roughly.
    pub fn weight(&self) -> usize {
        let held = match self {
            Value::Null | Value::Bool(_) => 0,
            Value::Number(number) => number.as_str().len(),
            Value::String(text) => text.capacity(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) => items.iter().map(Value::weight).sum(),
            Value::Map(fields) => {
                let field = |(name, value): &(String, Value)| {
                    size_of::<String>() + name.capacity() + value.weight()
                };
                fields.iter().map(field).sum()
            }
        };
        size_of::<Value>() + held
    }

    /// Text where the bytes are UTF-8, else the bytes.
    pub fn text_or_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Value::String(text.to_owned()),
            Err(_) => Value::Bytes(Bytes::copy_from_slice(bytes)),
        }
    }

    /// The first field of that name, where this is a map.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Map(fields) => fields.iter().find(|(k, _)| k == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The first field of that name to change, where this is a map.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        match self {
            Value::Map(fields) => fields.iter_mut().find(|(k, _)| k == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Appends a field, where this is a map; turns `Null` into a map first.
    pub fn push(&mut self, name: impl Into<String>, value: Value) {
        if let Value::Null = self {
            *self = Value::Map(Vec::new());
        }
        if let Value::Map(fields) = self {
            fields.push((name.into(), value));
        }
    }

    /// The text, where this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, where this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The fields, where this is a map.
    pub fn as_map(&self) -> Option<&[(String, Value)]> {
        match self {
            Value::Map(fields) => Some(fields),
            _ => None,
        }
    }

    /// The number as an `i64`, where this is a whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(number) => number.as_str().parse().ok(),
            _ => None,
        }
    }

    /// The word for this value's type, as reports say it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "map",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Bool(truth)
    }
}

macro_rules! whole_numbers {
    ($($t:ty),*) => {$(
        impl From<$t> for Value {
            fn from(number: $t) -> Self {
                Value::Number(Number::from(number))
            }
        }
        impl From<$t> for Number {
            fn from(number: $t) -> Self {
                Number(number.to_string().into_boxed_str())
            }
        }
    )*};
}
whole_numbers!(i16, i32, i64, u8, u16, u32, u64, usize);

/// A number as it was written, by the grammar of JSON (RFC 8259, section 6).
///
/// Equality is of the written form: `1.0` and `1` differ. Whoever compares by size parses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// The number of that text, where it follows JSON's grammar for numbers.
    pub fn parse(text: &str) -> Option<Self> {
        is_json_number(text.as_bytes()).then(|| Number(text.into()))
    }

    /// The number of a text that is known to follow JSON's grammar for numbers.
    pub(crate) fn of_checked(text: &str) -> Self {
        Number(text.into())
    }

    /// The digits as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 8259, section 6: `[-] int [frac] [exp]`.
fn is_json_number(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> Option<&[u8]> {
        let n = text.iter().take_while(|b| b.is_ascii_digit()).count();
        if n == 0 { None } else { text.get(n..) }
    }
    fn number(text: &[u8]) -> Option<&[u8]> {
        let text = text.strip_prefix(b"-").unwrap_or(text);
        let mut rest = match text.strip_prefix(b"0") {
            Some(rest) => rest,
            None => digits(text)?,
        };
        if let Some(fraction) = rest.strip_prefix(b".") {
            rest = digits(fraction)?;
        }
        if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
            let exponent = exponent
                .strip_prefix(b"+")
                .or_else(|| exponent.strip_prefix(b"-"))
                .unwrap_or(exponent);
            rest = digits(exponent)?;
        }
        Some(rest)
    }
    number(text).is_some_and(<[u8]>::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_grammar_of_json() {
        for good in [
            "0",
            "-0",
            "10",
            "1.50",
            "1e400",
            "-2.5E-7",
            "12345678901234567890123",
        ] {
            assert_eq!(
                Number::parse(good).map(|n| n.to_string()).as_deref(),
                Some(good)
            );
        }
        for bad in [
            "", "-", "01", "1.", ".5", "1e", "+1", "0x1", "NaN", " 1", "1 ",
        ] {
            assert_eq!(Number::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn maps_keep_order_and_repeats() {
        let map = Value::map([("b", 1.into()), ("a", 2.into()), ("b", Value::from(3))]);
        assert_eq!(map.get("b").and_then(Value::as_i64), Some(1));
        assert_eq!(map.as_map().map(<[_]>::len), Some(3));
    }
}
