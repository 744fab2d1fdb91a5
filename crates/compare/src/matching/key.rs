//! Keys of requests.

use std::borrow::Cow;

use retake_model::{Rules, Value};

use super::canon::{Canon, Part};
use crate::made::Near;
use crate::sql::Statements;

/// What identifies a request, as 128 bits of BLAKE3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 16]);

impl Key {
    /// The key of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut writer = KeyWriter::default();
        writer.write(text.as_bytes());
        writer.finish()
    }
}

#[cfg(test)]
pub(crate) fn request_key(request: &Value, rules: &Rules) -> Key {
    request_key_by(request, rules, &mut Statements::default())
}

/// The key of a request under the rules of its protocol, with every value as it is. Equal for two
/// requests of one dependency where they ask the same.
pub(super) fn request_key_by(request: &Value, rules: &Rules, statements: &mut Statements) -> Key {
    Canon::read("", request, rules, Near::default(), statements)
        .key(|_, token| Part::Literal(&token.text))
}

/// The key of what a request is like: the same dependency and route, the same statement with other
/// values.
pub(super) fn alike_key(to: &str, request: &Value, rules: &Rules) -> Key {
    let mut statements = Statements::default();
    Canon::read(to, request, rules, Near::default(), &mut statements).coarse_key()
}

/// A request in one line of at most 160 characters: the fields that say it, without line breaks
/// and runs of spaces.
pub fn summary(request: &Value, rules: &Rules) -> String {
    let fields = rules.summary.iter().filter_map(|name| request.get(name));
    let mut line = String::new();
    let mut length = 0;
    for word in fields.flat_map(words) {
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        for c in word.chars() {
            if length >= SUMMARY {
                line.push('…');
                return line;
            }
            line.push(c);
            length += 1;
        }
    }
    line
}

/// The length in characters of the longest summary.
const SUMMARY: usize = 160;

fn words(value: &Value) -> impl Iterator<Item = Cow<'_, str>> {
    let (text, other) = match value {
        Value::String(text) => (text.as_str(), None),
        Value::Number(number) => (number.as_str(), None),
        other => ("", Some(format!("({})", other.type_name()))),
    };
    let words = text.split_whitespace().map(Cow::Borrowed);
    words.chain(other.map(Cow::Owned))
}

/// Collects what goes into a key.
#[derive(Default)]
pub(crate) struct KeyWriter(blake3::Hasher);

impl KeyWriter {
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Key {
        let hash = self.0.finalize();
        Key(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
