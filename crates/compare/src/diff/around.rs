//! What is known of a test beside what is compared.

use std::borrow::Cow;

use retake_model::{Made, TestCase, TokenKind, Value};

use crate::clocks::Times;
use crate::made::{Instant, Short, ValueMap, each_text, scan_widely};

/// What is known of a test beside what is compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The values that the service made.
    pub(super) made: &'a [Made],
    /// The time of the test; where it is not known moments are compared by their format alone.
    pub(super) times: Option<Times<'a>>,
    /// Whose request and answers gave values to the service.
    test: Option<&'a TestCase>,
    /// Whether the service was given a value of the candidate's in place of a recorded one, by a call
    /// that may be kept with another test.
    new_values: bool,
    /// The tests of its set.
    tests: &'a [TestCase],
}

impl<'a> Around<'a> {
    /// What is known of this test.
    pub fn of(test: &'a TestCase, times: Option<Times<'a>>) -> Self {
        Around {
            made: &test.made,
            times,
            test: Some(test),
            new_values: false,
            tests: &[],
        }
    }

    /// The same, with the other tests of its set: what is the same in all of them says what is meant.
    pub fn among(self, tests: &'a [TestCase]) -> Self {
        Around { tests, ..self }
    }

    /// The test, and those of its set.
    pub(super) fn peers(&self) -> Option<(&'a TestCase, &'a [TestCase])> {
        Some((self.test?, self.tests))
    }

    /// The same, where the service was given such answers in the test
    /// ([`MockSet::gave_new_values`](crate::matching::MockSet::gave_new_values)) or was not.
    pub fn with_new_values(self, new_values: bool) -> Self {
        Around { new_values, ..self }
    }

    /// The request of the test.
    pub(super) fn request(&self) -> Option<&'a Value> {
        self.test.map(|test| &test.request)
    }

    /// Whether somebody gave this text to the service in this test.
    pub(super) fn was_given(&self, text: &str) -> bool {
        let mut found = false;
        self.each_given(&mut |tree| found = found || has(tree, text));
        found
    }

    /// Whether somebody gave this moment to the service in this test, however it was written; not one
    /// that the candidate makes itself. The service shows what it was given then, and keeps nothing.
    pub(super) fn gave_moment(&self, kind: TokenKind, recorded: &str, values: &ValueMap) -> bool {
        let Some(moment) = Instant::read(kind, recorded).filter(Instant::is_within_a_day) else {
            return false;
        };
        let (mut given, mut made) = (false, false);
        self.each_given(&mut |tree| {
            each_text(tree, &mut |text| {
                scan_widely(text, Short::default(), |token| {
                    let own = Instant::read(token.kind, token.text);
                    if own.is_some_and(|own| moment.holds(own)) {
                        given = true;
                        made |= values.candidate_of(token.text).is_some();
                    }
                });
            });
        });
        given && !made
    }

    /// Whether an answer was given in this test with another value than the recorded one, because
    /// the candidate made that value itself.
    pub(super) fn has_changed_answers(&self, values: &ValueMap) -> bool {
        let mut calls = self.test.iter().flat_map(|test| &test.calls);
        self.new_values || calls.any(|call| matches!(values.carry(&call.response), Cow::Owned(_)))
    }

    /// Calls `each` for what was given to the service in this test.
    pub(super) fn each_given(&self, each: &mut dyn FnMut(&'a Value)) {
        if let Some(test) = self.test {
            each(&test.request);
            test.calls.iter().for_each(|call| each(&call.response));
        }
    }
}

impl<'a> From<&'a [Made]> for Around<'a> {
    fn from(made: &'a [Made]) -> Self {
        Around {
            made,
            ..Around::default()
        }
    }
}

impl<'a> From<&'a Vec<Made>> for Around<'a> {
    fn from(made: &'a Vec<Made>) -> Self {
        made.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [Made; N]> for Around<'a> {
    fn from(made: &'a [Made; N]) -> Self {
        made.as_slice().into()
    }
}

/// Whether a text stands in a tree, alone or within another.
fn has(tree: &Value, text: &str) -> bool {
    match tree {
        Value::String(own) => own.contains(text),
        Value::Number(own) => own.as_str() == text,
        Value::List(items) => items.iter().any(|item| has(item, text)),
        Value::Map(fields) => {
            let mut fields = fields.iter();
            fields.any(|(name, item)| name.contains(text) || has(item, text))
        }
        Value::Null | Value::Bool(_) | Value::Bytes(_) => false,
    }
}
