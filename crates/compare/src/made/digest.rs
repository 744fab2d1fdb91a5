//! Digests of what the service was given: they look random, and are no values that it makes anew.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use md5::Md5;
use retake_model::{Made, TokenKind, Value};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// How many bytes of what a test was given are digested at most, with each algorithm.
const MOST: usize = 8 << 20;

/// Leaves out the values that are MD5, SHA-1, SHA-256 or SHA-512 of a leaf of these trees, or of a
/// part of a multipart body in them, in hex digits or base64.
pub(super) fn leave_out<'t>(made: &mut Vec<Made>, given: impl Iterator<Item = &'t Value>) {
    let mut wanted: HashSet<String> = made
        .iter()
        .filter(|made| made.kind == TokenKind::Random && made.value.len() >= 22)
        .map(|made| made.value.clone())
        .collect();
    if wanted.is_empty() {
        return;
    }
    let all = wanted.len();
    let mut left = MOST;
    for tree in given {
        each_leaf(tree, &mut |leaf| {
            for part in parts(leaf) {
                if let Some(rest) = left.checked_sub(part.len()) {
                    left = rest;
                    forget_digests(&mut wanted, part);
                }
            }
        });
    }
    if wanted.len() < all {
        made.retain(|made| {
            made.kind != TokenKind::Random || made.value.len() < 22 || wanted.contains(&made.value)
        });
    }
}

/// Whether a text has as many hex digits as an MD5, SHA-1, SHA-2 or SHA-3.
pub(super) fn is_as_long_as_one(text: &str) -> bool {
    let length = matches!(text.len(), 32 | 40 | 56 | 64 | 96 | 128);
    length && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn forget_digests(wanted: &mut HashSet<String>, part: &[u8]) {
    let digests = [
        Md5::digest(part).to_vec(),
        Sha1::digest(part).to_vec(),
        Sha256::digest(part).to_vec(),
        Sha512::digest(part).to_vec(),
    ];
    for digest in digests {
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        wanted.remove(&hex.to_uppercase());
        wanted.remove(&hex);
        wanted.remove(&STANDARD_NO_PAD.encode(&digest));
        wanted.remove(&URL_SAFE_NO_PAD.encode(&digest));
    }
}

fn each_leaf(tree: &Value, each: &mut impl FnMut(&[u8])) {
    match tree {
        Value::String(text) => each(text.as_bytes()),
        Value::Bytes(bytes) => each(bytes),
        Value::Number(number) => each(number.as_str().as_bytes()),
        Value::List(items) => items.iter().for_each(|item| each_leaf(item, each)),
        Value::Map(fields) => fields.iter().for_each(|(_, item)| each_leaf(item, each)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// The leaf, and where it is a multipart body (RFC 2046, section 5.1.1) the content of its parts.
fn parts(leaf: &[u8]) -> impl Iterator<Item = &[u8]> {
    let line = leaf.split(|b| *b == b'\r').next().unwrap_or_default();
    let boundary = (line.starts_with(b"--") && (10..=72).contains(&line.len())).then_some(line);
    let mut rest = leaf;
    let contents = std::iter::from_fn(move || {
        let boundary = boundary?;
        let head = find(rest, b"\r\n\r\n")?;
        rest = rest.get(head + 4..)?;
        let end = find(rest, boundary)?;
        let content = rest.get(..end)?;
        rest = rest.get(end..)?;
        Some(content.strip_suffix(b"\r\n").unwrap_or(content))
    });
    std::iter::once(leaf).chain(contents)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use retake_model::Path;

    use super::*;

    #[track_caller]
    fn check(value: &str, given: &str, stays: bool) {
        let mut made = vec![Made {
            value: value.to_owned(),
            kind: TokenKind::Random,
            places: vec![Path::root()],
        }];
        let tree = Value::map([("body", Value::List(vec![given.into()]))]);
        leave_out(&mut made, [&tree].into_iter());
        assert_eq!(made.len() == 1, stays, "{value} of {given:?}");
    }

    #[test]
    fn digests_of_what_was_given_are_not_made() {
        // Each by `printf hello | md5sum` and the like.
        check("5d41402abc4b2a76b9719d911017c592", "hello", false);
        check("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d", "hello", false);
        let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        check(sha256, "hello", false);
        check(&sha256.to_uppercase(), "hello", false);
        check(
            "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ",
            "hello",
            false,
        );
        check(sha256, "hellO", true);
        let form = "--boundary123\r\ncontent-disposition: form-data; name=\"f\"\r\n\r\nhello\r\n--boundary123--\r\n";
        check(sha256, form, false);
        check(sha256, "--boundary123\r\n\r\n\r\nhello", true);
    }
}
