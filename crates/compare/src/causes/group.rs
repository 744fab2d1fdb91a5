//! Differences, across tests, with one fingerprint.

use retake_model::{Cause, CausePart, Difference, TestId};

use super::rewritten::{Rewritten, rewritten};
use super::title::{renamed, title};
use crate::follow::Link;

/// Differences with one fingerprint.
pub(super) struct Group<'r> {
    pub(super) tests: Vec<TestId>,
    /// The first difference; replaced by the first that is a cause and no consequence.
    pub(super) example: &'r Difference,
    /// Whether a difference with other values has the same cause.
    varied: bool,
    /// Whether a field with another name has the same cause.
    others: bool,
    /// How all of its values are written otherwise, where they are in one way.
    pub(super) rewritten: Option<Rewritten>,
    /// The tests that are red because these are.
    pub(super) consequences: Vec<&'r Link>,
}

impl<'r> Group<'r> {
    pub(super) fn new(test: &TestId, example: &'r Difference) -> Self {
        Group {
            tests: vec![test.clone()],
            ..Group::outside(example)
        }
    }

    /// One that no test shows.
    pub(super) fn outside(example: &'r Difference) -> Self {
        Group {
            tests: Vec::new(),
            example,
            varied: false,
            others: false,
            rewritten: rewritten(example),
            consequences: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, test: &TestId, difference: &'r Difference) {
        if self.tests.last() != Some(test) {
            self.tests.push(test.clone());
        }
        match (!self.example.follows, !difference.follows) {
            (false, true) => {
                self.example = difference;
                self.rewritten = rewritten(difference);
            }
            (true, true) => {
                self.others |= renamed(self.example) != renamed(difference);
                self.varied |= self.example.baseline != difference.baseline
                    || self.example.candidate != difference.candidate;
                if self.rewritten.is_some() && self.rewritten != rewritten(difference) {
                    self.rewritten = None;
                }
            }
            _ => {}
        }
    }

    /// Whether its values are other ones in other tests.
    pub(super) fn varies(&self) -> bool {
        self.varied
    }

    pub(super) fn title(&self) -> String {
        title(self.example, self.varied, self.others)
    }

    pub(super) fn into_cause(self) -> Cause {
        Cause {
            id: self.example.cause,
            title: self.title(),
            tests: self.tests,
            example: self.example.clone(),
            parts: Vec::new(),
            consequences: self.consequences.into_iter().map(Link::told).collect(),
        }
    }

    pub(super) fn into_part(self) -> CausePart {
        CausePart {
            id: self.example.cause,
            title: self.title(),
            tests: self.tests,
            example: self.example.clone(),
        }
    }
}
