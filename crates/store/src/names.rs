//! Names of tests and sets: the same for the same traffic, and good on every file system.

use std::collections::{HashMap, HashSet, VecDeque};

use retake_model::{TestCase, Value};

use crate::StoreError;

/// The longest name that is made of a request, in bytes; a number may follow.
const LONGEST: usize = 80;

/// The longest name of a set, in bytes.
const LONGEST_SET: usize = 100;

/// Fails where `name` cannot be the name of a set: it is the name of a folder, on Windows too,
/// and never `runs`.
pub(crate) fn check_set_name(name: &str) -> Result<(), StoreError> {
    let good = name.len() <= LONGEST_SET
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !name.ends_with('.')
        && name != "runs"
        && !is_device(name);
    if good {
        Ok(())
    } else {
        Err(StoreError::BadSetName(name.to_owned()))
    }
}

/// Names that Windows keeps for devices, with any ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let numbered = |prefix| {
        stem.strip_prefix(prefix)
            .is_some_and(|n: &str| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(&*stem, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// The name of a test, without the number that tells it from others: method, route and outcome.
/// Ids in the route are replaced: `get-orders-id-200`.
pub(crate) fn base_name(test: &TestCase) -> String {
    let mut words: Vec<String> = Vec::new();
    let text = |name| test.request.get(name).and_then(Value::as_str);
    match (text("method"), text("path")) {
        (None, None) => {
            words.push(test.protocol.0.to_owned());
            let first = test.request.as_map().unwrap_or_default().iter();
            let first = first.filter_map(|(_, value)| value.as_str()).next();
            words.extend(
                first
                    .unwrap_or_default()
                    .split_whitespace()
                    .take(6)
                    .map(route_word),
            );
        }
        (method, path) => {
            words.extend(method.map(str::to_owned));
            let path = path.unwrap_or_default();
            let route = path.split(['?', '#']).next().unwrap_or_default();
            // The absolute form of a request target begins with scheme and host.
            let route = match route.split_once("://") {
                Some((_, rest)) => rest.split_once('/').map_or("", |(_, route)| route),
                None => route,
            };
            let parts = route.split('/').filter(|part| !part.is_empty());
            let before = words.len();
            words.extend(parts.map(route_word));
            if words.len() == before {
                words.push("root".to_owned());
            }
        }
    }
    let outcome = match test.response.get("status") {
        Some(Value::Number(status)) => status.to_string(),
        Some(Value::String(status)) => status.clone(),
        _ if test.response.get("error").is_some() => "error".to_owned(),
        _ => "ok".to_owned(),
    };
    let outcome = clean(&outcome, 16);
    let route = clean(&words.join("-"), LONGEST - outcome.len() - 1);
    let route = if route.is_empty() { "test" } else { &route };
    format!("{route}-{outcome}")
}

fn route_word(word: &str) -> String {
    if is_id(word) { "id" } else { word }.to_owned()
}

/// Whether a part of a path is one of many of its kind: a number, a date, a UUID, hex digits, a
/// long word with digits. The version of an interface (`/api/2.0/`) is none.
fn is_id(word: &str) -> bool {
    if is_version(word) {
        return false;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let hex = word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    digits > 0
        && (word
            .bytes()
            .all(|b| b.is_ascii_digit() || b"-:.,".contains(&b))
            || (hex && word.len() >= 8)
            || word.len() >= 20)
}

/// Whether it is two numbers of at most two digits, such as `2.0`.
fn is_version(word: &str) -> bool {
    let number =
        |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    word.split_once('.')
        .is_some_and(|(major, minor)| number(major) && number(minor))
}

/// Lower-case letters, digits, `_` and single `-`, at most `most` bytes.
fn clean(text: &str, most: usize) -> String {
    let mut name = String::with_capacity(text.len().min(most));
    for c in text.chars() {
        if name.len() >= most {
            break;
        }
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || c == '_' => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    name.truncate(name.trim_end_matches('-').len());
    name
}

/// Gives out the names of one recording. What it holds grows with the number of routes and of
/// tests that were there before, not with that of the tests that are written.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Names that are taken beside those of [`Names::next`].
    used: HashSet<String>,
    /// By base name: the number at which the search for a free one begins. Every name with a
    /// lower number is taken.
    next: HashMap<String, usize>,
    /// Names that an earlier recording gave to a request, by the request's hash, in order.
    earlier: HashMap<blake3::Hash, VecDeque<String>>,
}

impl Names {
    /// Keeps a name from being given out.
    pub(crate) fn take(&mut self, name: &str) {
        self.used.insert(name.to_owned());
    }

    /// Remembers what an earlier recording called a request.
    pub(crate) fn remember(&mut self, test: &TestCase) {
        let names = self.earlier.entry(request_hash(test)).or_default();
        names.push_back(test.name.clone());
    }

    /// The name for a test: what the same request was called before, else the first free one.
    pub(crate) fn give(&mut self, test: &TestCase) -> String {
        let base = base_name(test);
        while let Some(name) = self.earlier_name(test) {
            if has_base(&name, &base) && !self.is_used(&name) {
                self.used.insert(name.clone());
                return name;
            }
        }
        let mut number = self.next.get(&base).copied().unwrap_or(1);
        let name = loop {
            let name = match number {
                1 => base.clone(),
                n => format!("{base}-{n}"),
            };
            if !self.is_used(&name) {
                break name;
            }
            number += 1;
        };
        self.next.insert(base, number + 1);
        name
    }

    /// What the same request was called before, each name once.
    fn earlier_name(&mut self, test: &TestCase) -> Option<String> {
        if self.earlier.is_empty() {
            return None;
        }
        self.earlier.get_mut(&request_hash(test))?.pop_front()
    }

    fn is_used(&self, name: &str) -> bool {
        let below = |base: &str, number: usize| {
            let next = self.next.get(base);
            next.is_some_and(|next| number < *next)
        };
        // What ends like a number may be a base of its own, too.
        let numbered = name.rsplit_once('-').and_then(|(base, digits)| {
            let number = digits.parse().ok().filter(|number| *number > 1)?;
            (!digits.starts_with(['0', '+'])).then_some((base, number))
        });
        self.used.contains(name)
            || below(name, 1)
            || numbered.is_some_and(|(base, number)| below(base, number))
    }
}

/// Whether `name` is `base`, or `base` and a number.
fn has_base(name: &str, base: &str) -> bool {
    match name.strip_prefix(base) {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix('-')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())),
        None => false,
    }
}

/// A hash of what tells a request from others with the same route: everything but its headers,
/// which hold the time, trace ids and tokens.
fn request_hash(test: &TestCase) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    if let Some(fields) = test.request.as_map() {
        for (name, value) in fields {
            if !matches!(&**name, "headers" | "trailers") {
                hash_text(&mut hasher, name);
                hash_value(&mut hasher, value);
            }
        }
    }
    hasher.finalize()
}

fn hash_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

fn hash_value(hasher: &mut blake3::Hasher, value: &Value) {
    match value {
        Value::Null => {
            hasher.update(b"n");
        }
        Value::Bool(truth) => {
            hasher.update(if *truth { b"t" } else { b"f" });
        }
        Value::Number(number) => {
            hasher.update(b"#");
            hash_text(hasher, number.as_str());
        }
        Value::String(text) => {
            hasher.update(b"s");
            hash_text(hasher, text);
        }
        Value::Bytes(bytes) => {
            hasher.update(b"b");
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        Value::List(items) => {
            hasher.update(b"[");
            items.iter().for_each(|item| hash_value(hasher, item));
            hasher.update(b"]");
        }
        Value::Map(fields) => {
            hasher.update(b"{");
            for (name, value) in fields {
                hash_text(hasher, name);
                hash_value(hasher, value);
            }
            hasher.update(b"}");
        }
    }
}

#[cfg(test)]
mod tests;
