//! Values that a test gives out and later tests send: tokens, sessions, ids that the service
//! makes.

use std::collections::{HashMap, HashSet};

use retake_model::{DiffKind, Difference, Path, Place, Segment, TokenKind, Value};

use super::seen::{Seen, name_of, response_leaves};
use crate::leaves::leaves;
use crate::made::{Near, each_leaf_token};

/// A value that a test of the recording gave out.
#[derive(Debug)]
struct Gift<'r> {
    /// The number of the test.
    by: usize,
    /// The name of the field or header.
    name: String,
    /// The difference because of which it was not given out; none where it was.
    lost: Option<&'r Difference>,
}

/// What the tests of a set gave out, of all that refused tests send.
#[derive(Debug)]
pub(super) struct Gifts<'r>(HashMap<String, Vec<Gift<'r>>>);

impl<'r> Gifts<'r> {
    pub(super) fn of(tests: &[Option<Seen<'r>>]) -> Self {
        let mut wanted: HashSet<String> = HashSet::new();
        for seen in tests.iter().flatten().filter(|seen| seen.is_refused) {
            each_token(&seen.test.request, &mut |text, _| {
                wanted.insert(text.to_owned());
            });
        }
        let mut gifts: HashMap<String, Vec<Gift<'r>>> = HashMap::new();
        if wanted.is_empty() {
            return Gifts(gifts);
        }
        for (by, seen) in tests.iter().enumerate() {
            let Some(seen) = seen else {
                continue;
            };
            response_leaves(&seen.test.response, &mut |place, leaf| {
                each_token(leaf, &mut |text, kind| {
                    if !wanted.contains(text) {
                        return;
                    }
                    let of = gifts.entry(text.to_owned()).or_default();
                    if !may_be_lost(seen, text, kind) {
                        // It is known without this response.
                        return of.push(Gift {
                            by,
                            name: String::new(),
                            lost: None,
                        });
                    }
                    of.push(Gift {
                        by,
                        name: name_of(place).to_owned(),
                        lost: seen.lost(place, text).filter(|_| seen.is_red),
                    });
                });
            });
        }
        Gifts(gifts)
    }

    /// The first value that a test sends and that no test before it gave out, although one did
    /// when it was recorded: the number of that test, what it did not give out, and why.
    pub(super) fn lacking(
        &self,
        number: usize,
        test: &Seen<'r>,
    ) -> Option<(usize, &str, &'r Difference)> {
        let mut found = None;
        each_token(&test.test.request, &mut |text, _| {
            let before = self.0.get(text).into_iter().flatten();
            let mut before = before.filter(|gift| gift.by < number).peekable();
            let first = before.peek().copied();
            let all_lost = before.all(|gift| gift.lost.is_some());
            if let (None, true, Some(first)) = (found, all_lost, first) {
                found = first.lost.map(|lost| (first.by, first.name.as_str(), lost));
            }
        });
        found
    }
}

/// Whether a value of a recorded response is known from this response alone: a credential, or what
/// the service made and told nobody else in this run. What a dependency answers, a dependency
/// still knows.
fn may_be_lost(seen: &Seen<'_>, text: &str, kind: TokenKind) -> bool {
    if kind == TokenKind::Secret {
        return true;
    }
    let made = seen.test.made.iter().find(|made| made.value == text);
    let is_told = |place: &Path| match place.0.as_slice() {
        [Segment::Key(root), Segment::Index(call), ..] if root == "calls" => {
            let not_made = |d: &&Difference| {
                matches!(d.kind, DiffKind::CallMissing | DiffKind::CallUnknown)
                    && matches!(d.place, Place::Call { index: Some(own), .. } if own == *call)
            };
            !seen.result.differences.iter().any(|d| not_made(&d))
        }
        _ => false,
    };
    made.is_some_and(|made| !made.places.iter().any(is_told))
}

/// Calls `each` for every id and credential in a tree, moments left out.
fn each_token(tree: &Value, each: &mut dyn FnMut(&str, TokenKind)) {
    leaves(tree, &mut Path::root(), &mut |_, leaf| {
        if let Value::String(text) = leaf {
            each_leaf_token(text, Near::default(), |token| {
                if !token.kind.is_moment() {
                    each(token.text, token.kind);
                }
            });
        }
    });
}
