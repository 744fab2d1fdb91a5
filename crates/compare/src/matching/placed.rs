//! A recorded call that was made, with what is known of its place in the order.

use std::collections::HashMap;

use retake_model::TestCase;

use super::order::Span;
use super::outcome::MatchedCall;
use super::pool::Origin;
use super::transaction::{Step, step};

/// A recorded call that was made.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) call: MatchedCall,
    /// Where its answer was recorded.
    pub(super) origin: Origin,
    pub(super) when: When,
}

/// When a call was made that is noted with a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Before the test began.
    Before,
    /// While it was open.
    During,
    /// After its response.
    After,
}

impl Placed {
    /// What it does to the transaction of its connection.
    pub(super) fn step(&self) -> Step {
        step(&self.call.call.request)
    }

    /// When its answer was recorded, of the test that it was recorded with.
    pub(super) fn span(&self, test: &TestCase) -> Option<Span> {
        let index = self.origin.index;
        let mock = test.calls.get(index)?;
        Some(Span {
            index,
            began: mock.after,
            ended: mock.after.saturating_add(mock.took),
        })
    }
}

/// The transactions in which calls were recorded, of each test and dependency that was asked for.
#[derive(Debug)]
pub(super) struct Transactions<'t> {
    tests: &'t [TestCase],
    files: HashMap<(usize, String), Option<Vec<Option<usize>>>>,
}

impl<'t> Transactions<'t> {
    pub(super) fn of(tests: &'t [TestCase]) -> Self {
        let files = HashMap::new();
        Transactions { tests, files }
    }

    /// The number of the transaction of its test in which a call was recorded, if it was in one.
    /// Nothing where some of these overlapped: then the file does not tell.
    pub(super) fn recorded(&mut self, origin: Origin, to: &str) -> Option<Option<usize>> {
        let test = origin.test?;
        let case = self.tests.get(test)?;
        let file = self.files.entry((test, to.to_owned()));
        let file = file.or_insert_with(|| recorded_transactions(case, to));
        file.as_ref()?.get(origin.index).copied()
    }
}

/// For each call of a test to a dependency the number of the recorded transaction that it stands in;
/// none for calls outside of transactions, and for beginnings and ends. Nothing where two of them
/// overlapped.
pub(super) fn recorded_transactions(test: &TestCase, to: &str) -> Option<Vec<Option<usize>>> {
    let mut of = vec![None; test.calls.len()];
    let mut open: Option<Vec<usize>> = None;
    for (index, call) in test.calls.iter().enumerate() {
        if *call.to != *to {
            continue;
        }
        match (step(&call.request), &mut open) {
            (Step::Begins, Some(_)) => return None,
            (Step::Begins, None) => open = Some(Vec::new()),
            (Step::Within, Some(open)) => open.push(index),
            (Step::Within, None) => {}
            // One that did not end is of nobody knows what.
            (Step::Ends, _) => {
                for within in open.take().unwrap_or_default() {
                    if let Some(of) = of.get_mut(within) {
                        *of = Some(index);
                    }
                }
            }
        }
    }
    Some(of)
}
