//! Traces values to where they first appeared.

use std::collections::{HashMap, HashSet};

use retake_model::{Made, Mock, Path, Segment, TestCase, Timestamp, TokenKind, Value};

use super::digest;
use super::instant::Instant;
use super::moment;
use super::named;
use super::scan::{Near, each_leaf_token};
use crate::matching::Key;

mod beside;

use beside::Beside;

/// The generated-looking values that were seen before, in a recording or in a set: whoever has
/// seen a value did not make it again.
///
/// Holds 16 bytes for each value, and no more than [`Known::LIMIT`] of them; beyond it values are
/// counted as forgotten, and what a service remembers of them is taken for made again.
#[derive(Debug, Default)]
pub struct Known {
    seen: HashSet<Key>,
    /// Those of them that a call outside of tests was the first to have in its request.
    made: HashSet<Key>,
    /// What calls beside the tests said, which is known to the tests after them.
    beside: Beside,
    forgotten: u64,
}

impl Known {
    /// How many values are held at most.
    pub const LIMIT: usize = 8_000_000;

    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what a call before or beside the tests asked and was answered.
    pub fn learn(&mut self, mock: &Mock, near: Near) {
        for tree in [&mock.request, &mock.response] {
            self.learn_tree(tree, near);
        }
    }

    /// Takes in what a call said that was made beside the tests at that time, whatever of them were
    /// told already.
    pub fn learn_beside(&mut self, mock: &Mock, at: Timestamp, near: Near) {
        let mut values = HashSet::new();
        for tree in [&mock.request, &mock.response] {
            each_text(tree, &mut |text| {
                each_leaf_token(text, near, |token| {
                    values.insert(Key::of(token.text));
                });
            });
        }
        let said = Timestamp(at.0.saturating_add(mock.took));
        self.beside.add(said, values);
    }

    /// How many values were not held.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The values that this call's request is the first to have; then takes in the call.
    pub(crate) fn first_in(&mut self, mock: &Mock, near: Near) -> HashSet<Box<str>> {
        let mut first: HashSet<Box<str>> = HashSet::new();
        each_token(
            &mock.request,
            near,
            &mut Path::root(),
            &mut |_, kind, text| {
                if near.plausible(kind, text) && !self.has(text) {
                    first.insert(text.into());
                }
            },
        );
        self.learn(mock, near);
        if self.made.len() < Self::LIMIT {
            for text in &first {
                self.made.insert(Key::of(text));
            }
        }
        first
    }

    /// Whether the service made it, as far as [`first_in`](Self::first_in) was told.
    pub(crate) fn has_made(&self, text: &str) -> bool {
        self.made.contains(&Key::of(text))
    }

    fn learn_tree(&mut self, tree: &Value, near: Near) {
        each_text(tree, &mut |text| {
            each_leaf_token(text, near, |token| self.add(token.text));
        });
    }

    /// Takes in what was said beside the tests before that time.
    fn reach(&mut self, at: Timestamp) {
        for key in self.beside.take_before(at) {
            self.add_key(key);
        }
    }

    fn add(&mut self, text: &str) {
        self.add_key(Key::of(text));
    }

    fn add_key(&mut self, key: Key) {
        if self.seen.len() < Self::LIMIT {
            self.seen.insert(key);
        } else {
            self.forgotten += 1;
        }
    }

    fn has_by(&self, text: &str, at: Timestamp) -> bool {
        self.has(text) || self.beside.said(&Key::of(text), at)
    }

    fn has(&self, text: &str) -> bool {
        self.seen.contains(&Key::of(text))
    }
}

/// The values that the service made while it answered this test, with every place where they
/// stand; then takes the test's values into `known`.
///
/// A value was made where its first place in time is a call's request or the response, and no
/// earlier test or call has it. A moment that is told to the second, or is of the time at which the
/// request was open, was made again where nobody gave it to the service in this test: an earlier test
/// of the same second, or one beside it of the same millisecond, shows the same one. Moments far
/// from the time of the recording are constants, and the `date` header of a message is noise by its meaning: neither is listed. Nor is the digest of
/// what the service was given in this test, which is the same in each run, nor what may be a digest
/// of anything and is shown to the client alone, unless it is named as a token.
pub fn find_made(test: &TestCase, known: &mut Known) -> Vec<Made> {
    let near = Near::recorded(test.at);
    known.reach(test.at);
    let mut given: HashSet<String> = HashSet::new();
    let mut given_seconds: HashSet<i128> = HashSet::new();
    let mut made: Vec<Made> = Vec::new();
    let mut place_of: HashMap<String, usize> = HashMap::new();
    for part in parts(test) {
        let at = Timestamp(test.at.0.saturating_add(part.at));
        each_token(
            part.tree,
            near,
            &mut part.path.clone(),
            &mut |path, kind, text| {
                if is_date_header(path) || given.contains(text) {
                    return;
                }
                // Rows that were just written are of the same second, and are told finer.
                let second = (kind.is_moment() && moment::is_whole_second(text))
                    .then(|| moment::second_of(text))
                    .flatten();
                if !part.by_service {
                    given_seconds.extend(second);
                }
                let is_anew = |second: Option<i128>| match second {
                    Some(second) => !given_seconds.contains(&second),
                    None => is_of_the_time_of(test, kind, text),
                };
                if let Some(one) = place_of.get(text).and_then(|i| made.get_mut(*i)) {
                    one.places.push(path.clone());
                } else if part.by_service
                    && near.plausible(kind, text)
                    && is_made(kind)
                    && (!known.has_by(text, at) || is_anew(second))
                {
                    place_of.insert(text.to_owned(), made.len());
                    made.push(Made {
                        value: text.to_owned(),
                        kind,
                        places: vec![path.clone()],
                    });
                } else {
                    given.insert(text.to_owned());
                }
            },
        );
    }
    let answers = test.calls.iter().map(|call| &call.response);
    digest::leave_out(&mut made, std::iter::once(&test.request).chain(answers));
    made.retain(|made| !is_computed(made, &test.response));
    for part in parts(test) {
        known.learn_tree(part.tree, near);
    }
    made
}

/// Whether a moment is of the time at which the request of a test was open.
fn is_of_the_time_of(test: &TestCase, kind: TokenKind, text: &str) -> bool {
    let moment = Instant::read(kind, text).filter(Instant::is_within_a_day);
    let began = i128::from(test.at.0);
    let ended = began + i128::from(test.took);
    moment.is_some_and(|moment| moment.at <= ended && began < moment.at + moment.step)
}

/// Whether a value is as long as a digest and stands in the response alone, with no name beside it
/// that says that it is made anew. Whatever it is made of, the client sees it and nobody else does:
/// where it changes, that is for a reader to judge.
fn is_computed(made: &Made, response: &Value) -> bool {
    made.kind == TokenKind::Random
        && digest::is_as_long_as_one(&made.value)
        && made.places.iter().all(|place| {
            let [Segment::Key(first), rest @ ..] = place.0.as_slice() else {
                return false;
            };
            first == "response" && !is_token(&made.value, rest, response)
        })
}

/// Whether what stands beside a value in a response says that it is a token.
fn is_token(value: &str, place: &[Segment], response: &Value) -> bool {
    let named = place.iter().rev().find_map(|segment| match segment {
        Segment::Key(name) => Some(name),
        Segment::Index(_) => None,
    });
    let text = Path(place.to_vec())
        .find(response)
        .and_then(Value::as_str)
        .unwrap_or_default();
    named.is_some_and(|name| named::says_token(name)) || named::is_named_token(text, value)
}

/// A secret stands for one that somebody gave.
fn is_made(kind: TokenKind) -> bool {
    kind != TokenKind::Secret
}

pub(super) struct Part<'t> {
    at: u64,
    pub(super) path: Path,
    pub(super) tree: &'t Value,
    by_service: bool,
}

/// The messages of a test in the order of their times.
pub(super) fn parts(test: &TestCase) -> Vec<Part<'_>> {
    let mut parts = vec![Part {
        at: 0,
        path: Path::root().key("request"),
        tree: &test.request,
        by_service: false,
    }];
    for (i, call) in test.calls.iter().enumerate() {
        let path = Path::root().key("calls").index(i);
        parts.push(Part {
            at: call.after,
            path: path.clone(),
            tree: &call.request,
            by_service: true,
        });
        parts.push(Part {
            at: call.after.saturating_add(call.took),
            path: path.key("gives"),
            tree: &call.response,
            by_service: false,
        });
    }
    parts.push(Part {
        at: test.took,
        path: Path::root().key("response"),
        tree: &test.response,
        by_service: true,
    });
    // Stable: what happens at one moment stays in the order of the file.
    parts.sort_by_key(|part| part.at);
    parts
}

/// `response.headers[3].date` and the like.
fn is_date_header(path: &Path) -> bool {
    let is = |segment: Option<&Segment>, name: &str| matches!(segment, Some(Segment::Key(key)) if key.eq_ignore_ascii_case(name));
    let mut back = path.0.iter().rev();
    is(back.next(), "date") && {
        back.next();
        is(back.next(), "headers")
    }
}

/// Calls `each` for every token of a tree, with its place.
pub(crate) fn each_token(
    tree: &Value,
    near: Near,
    path: &mut Path,
    each: &mut dyn FnMut(&Path, TokenKind, &str),
) {
    match tree {
        Value::String(text) => each_leaf_token(text, near, |t| each(path, t.kind, t.text)),
        Value::Number(number) => {
            each_leaf_token(number.as_str(), near, |t| each(path, t.kind, t.text));
        }
        Value::List(items) => {
            for (i, item) in items.iter().enumerate() {
                path.0.push(retake_model::Segment::Index(i));
                each_token(item, near, path, each);
                path.0.pop();
            }
        }
        Value::Map(fields) => {
            for (name, value) in fields {
                path.0.push(retake_model::Segment::Key(name.clone()));
                each_leaf_token(name, near, |t| each(path, t.kind, t.text));
                each_token(value, near, path, each);
                path.0.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Bytes(_) => {}
    }
}

/// Calls `each` for every text of a tree, names of fields and digits of numbers too.
pub(crate) fn each_text<'t>(tree: &'t Value, each: &mut dyn FnMut(&'t str)) {
    match tree {
        Value::String(text) => each(text),
        Value::Number(number) => each(number.as_str()),
        Value::List(items) => items.iter().for_each(|item| each_text(item, each)),
        Value::Map(fields) => {
            for (name, value) in fields {
                each(name);
                each_text(value, each);
            }
        }
        Value::Null | Value::Bool(_) | Value::Bytes(_) => {}
    }
}

#[cfg(test)]
mod tests;
