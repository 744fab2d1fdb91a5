//! Credentials that were seen before in a recording, and stand later where no name tells them: a
//! session's token in a header of the service's own, or in a statement that looks for its session.

use std::collections::HashSet;

use retake_model::Value;

/// The shortest credential that is looked for, in bytes. Shorter ones, and those that may be a word,
/// would be found where something else is meant.
const SHORTEST: usize = 16;

/// How many credentials are known at most. Beyond it those that come are redacted only where they
/// are told by their names.
const MOST: usize = 100_000;

/// The longest credential that is looked for, in bytes.
const LONGEST: usize = 16 << 10;

/// The credentials of a recording, in memory alone.
#[derive(Default)]
pub struct KnownSecrets {
    secrets: HashSet<Box<str>>,
}

impl KnownSecrets {
    /// Remembers credentials.
    pub fn learn(&mut self, secrets: &[String]) {
        for secret in secrets {
            let fits = (SHORTEST..=LONGEST).contains(&secret.len()) && !may_be_a_word(secret);
            if fits && self.secrets.len() < MOST {
                self.secrets.insert(secret.as_str().into());
            }
        }
    }

    /// Appends to `found` each known credential that stands in a tree.
    pub fn find(&self, tree: &Value, found: &mut Vec<String>) {
        if self.secrets.is_empty() {
            return;
        }
        match tree {
            Value::String(text) => each_word(text, &mut |word| {
                if self.secrets.contains(word) {
                    found.push(word.to_owned());
                }
            }),
            Value::List(items) => items.iter().for_each(|item| self.find(item, found)),
            Value::Map(fields) => fields.iter().for_each(|(_, value)| self.find(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Bytes(_) => {}
        }
    }
}

impl std::fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KnownSecrets({})", self.secrets.len())
    }
}

fn may_be_a_word(secret: &str) -> bool {
    let digits = secret.bytes().any(|b| b.is_ascii_digit());
    let capitals = secret.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    !(digits || capitals)
}

/// Calls `each` for what may be a credential in a text: all of it, its words, what stands behind a
/// name in a word (`token=…`), and the segments of a path.
fn each_word(text: &str, each: &mut dyn FnMut(&str)) {
    let mut part = |part: &str| {
        if part.len() >= SHORTEST {
            each(part);
        }
    };
    part(text);
    for word in text.split(|c: char| c.is_whitespace() || "\"'`,;&?()<>[]{}".contains(c)) {
        if word.len() == text.len() && !word.contains(['=', '/']) {
            break;
        }
        part(word);
        if let Some((_, value)) = word.split_once('=') {
            part(value);
        }
        if word.contains('/') {
            word.split('/').for_each(&mut part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_credential_is_found_wherever_it_stands_by_itself() {
        let secret = "s3cr3t/Token+of/the-session=";
        let mut known = KnownSecrets::default();
        let word = "production-database";
        known.learn(&[secret.to_owned(), "short1".to_owned(), word.to_owned()]);
        for (text, expected) in [
            (secret.to_owned(), 1),
            (format!("Bearer {secret}"), 1),
            (
                format!("select * from sessions where token = '{secret}'"),
                1,
            ),
            (format!("/feed?key={secret}&page=2"), 1),
            (format!("<token>{secret}</token>"), 1),
            // Part of another word, another one, what is too short, and a word.
            (format!("x{secret}"), 0),
            ("s3cr3t/Token+of/the-session".to_owned(), 0),
            ("short1".to_owned(), 0),
            (word.to_owned(), 0),
        ] {
            let tree = Value::map([("params", Value::List(vec![Value::text(text.clone())]))]);
            let mut found = Vec::new();
            known.find(&tree, &mut found);
            found.dedup();
            assert_eq!(found.len(), expected, "{text}");
        }
    }

    #[test]
    fn a_segment_of_a_path_may_be_a_credential() {
        let mut known = KnownSecrets::default();
        known.learn(&["abcdefgh12345678".to_owned()]);
        let mut found = Vec::new();
        known.find(&Value::from("/invites/abcdefgh12345678/accept"), &mut found);
        assert_eq!(found, ["abcdefgh12345678"]);
    }
}
