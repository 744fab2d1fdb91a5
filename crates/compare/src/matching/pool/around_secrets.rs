//! What stands around a redacted secret in a leaf: the candidate may have any secret there, and has
//! the rest as it was.

use retake_model::TokenKind;

use super::Pair;
use crate::made::is_nothing;
use crate::matching::canon::Canon;

/// The shortest secret of the candidate that is noted, in bytes: a shorter one stands elsewhere, too,
/// and means something else there.
const SHORTEST: usize = 8;

/// What is known of the leaves of a mock that hold a secret.
#[derive(Debug, Default)]
pub(super) struct AroundSecrets {
    parts: Vec<Box<[Box<[u8]>]>>,
    /// The leaves that are a secret and nothing else, by their place among the others.
    whole: Vec<(usize, Box<str>)>,
}

impl AroundSecrets {
    /// Those of the leaves with these numbers.
    pub(super) fn of(canon: &Canon, leaves: &[usize]) -> Self {
        let parts = leaves.iter().filter_map(|leaf| canon.leaf_parts(*leaf));
        let whole = leaves.iter().enumerate();
        let whole =
            whole.filter_map(|(at, leaf)| Some((at, canon.only_token(*leaf)?.text.clone())));
        AroundSecrets {
            parts: parts.collect(),
            whole: whole.collect(),
        }
    }

    /// The secrets that fill a leaf, with what stands in their places in what is asked: an answer may
    /// give them back.
    pub(super) fn pairs(&self, asked: &Canon, leaves: &[usize]) -> Vec<Pair> {
        let pairs = self.whole.iter().filter_map(|(at, recorded)| {
            let text = asked.leaf_text(*leaves.get(*at)?)?;
            let candidate = String::from_utf8(text).ok()?;
            (candidate.len() >= SHORTEST).then(|| Pair {
                kind: TokenKind::Secret,
                recorded: recorded.to_string(),
                candidate,
            })
        });
        pairs.collect()
    }

    /// Whether the leaves of what is asked have the same around some text.
    pub(super) fn are_in(&self, asked: &Canon, leaves: &[usize]) -> bool {
        self.parts.len() == leaves.len()
            && self.parts.iter().zip(leaves).all(|(parts, leaf)| {
                let text = asked.leaf_text(*leaf);
                text.is_some_and(|text| has_between(parts, &text))
            })
    }
}

/// Whether a text is made of these parts with something between them.
fn has_between(parts: &[Box<[u8]>], text: &[u8]) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.first().is_some_and(|only| **only == *text);
    };
    let Some(mut rest) = text.strip_prefix(&**first) else {
        return false;
    };
    for part in middle.iter().filter(|part| !part.is_empty()) {
        let mut places =
            (1..rest.len()).filter(|at| rest.get(*at..).is_some_and(|r| r.starts_with(part)));
        let Some(at) = places.next() else {
            return false;
        };
        if !is_something(rest.get(..at)) {
            return false;
        }
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    is_something(rest.strip_suffix(&**last))
}

fn is_something(text: Option<&[u8]>) -> bool {
    text.is_some_and(|text| !text.is_empty() && !std::str::from_utf8(text).is_ok_and(is_nothing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_may_be_any_text_and_the_rest_may_not() {
        let check = |parts: &[&str], text: &str, expected: bool| {
            let parts: Vec<Box<[u8]>> = parts.iter().map(|part| part.as_bytes().into()).collect();
            assert_eq!(
                has_between(&parts, text.as_bytes()),
                expected,
                "{parts:?} {text}"
            );
        };
        check(&["Bearer ", ""], "Bearer x y", true);
        check(&["Bearer ", ""], "Basic x", false);
        check(&["Bearer ", ""], "Bearer ", false);
        check(&["Bearer ", ""], "Bearer undefined", false);
        check(&["", ""], "x", true);
        check(&["", ""], "", false);
        check(&["<a k='", "' n='1'/>"], "<a k='x' n='1'/>", true);
        check(&["<a k='", "' n='1'/>"], "<a k='x' n='2'/>", false);
        check(&["", "&k=", "&"], "x&k=y&", true);
        check(&["", "&k=", "&"], "x&k=&", false);
        check(&["no secret"], "no secret", true);
    }
}
