//! What was said beside the tests while they ran.

use std::collections::{HashSet, VecDeque};

use retake_model::Timestamp;

use crate::matching::Key;

/// The values of calls beside the tests, each call with its time: a test is told of a moment later
/// than such a call is, and what was said after it made a value gave it nothing.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// In the order in which they came, which is nearly that of their times.
    calls: VecDeque<(Timestamp, HashSet<Key>)>,
    values: usize,
}

/// How many values wait for their time at most (16 bytes each).
const MAX_VALUES: usize = 500_000;

impl Beside {
    /// These values were said at that time.
    pub(super) fn add(&mut self, at: Timestamp, values: HashSet<Key>) {
        if !values.is_empty() {
            self.values += values.len();
            self.calls.push_back((at, values));
        }
    }

    /// Takes out what was said before that time, or is more than may wait.
    pub(super) fn take_before(&mut self, at: Timestamp) -> Vec<Key> {
        let mut taken = Vec::new();
        while let Some((said, _)) = self.calls.front()
            && (*said < at || self.values > MAX_VALUES)
            && let Some((_, values)) = self.calls.pop_front()
        {
            self.values -= values.len();
            taken.extend(values);
        }
        taken
    }

    /// Whether a value was said before that time, by a call that still waits.
    pub(super) fn said(&self, value: &Key, before: Timestamp) -> bool {
        let waiting = self.calls.iter().filter(|(said, _)| *said < before);
        waiting
            .into_iter()
            .any(|(_, values)| values.contains(value))
    }
}
