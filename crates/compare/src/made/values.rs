//! The two-way map from recorded to candidate values.

use std::borrow::Cow;
use std::collections::HashMap;

use retake_model::{TokenKind, Value};

/// The two-way map from recorded to candidate values of one run.
///
/// Both sides may have several partners: two moments that the recording tells apart may fall into
/// the same second in the run, and the other way round. The latest partner is the one that is
/// written in place of a value.
#[derive(Debug, Default)]
pub struct ValueMap {
    to_candidate: HashMap<Box<str>, Vec<Box<str>>>,
    to_recorded: HashMap<Box<str>, Vec<Box<str>>>,
}

impl ValueMap {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the candidate made `candidate` where the recording has `recorded`. Equal
    /// values are noted, too. False where the values are ids, and one of them already has
    /// another partner: then nothing is noted, and the two are different.
    pub fn bind(&mut self, kind: TokenKind, recorded: &str, candidate: &str) -> bool {
        let _ = (kind, recorded, candidate);
        false
    }

    /// Whether the two were bound to each other.
    pub fn are_bound(&self, recorded: &str, candidate: &str) -> bool {
        self.to_candidate
            .get(recorded)
            .is_some_and(|all| all.iter().any(|c| **c == *candidate))
    }

    /// The candidate's latest value for a recorded one.
    pub fn candidate_of(&self, recorded: &str) -> Option<&str> {
        Some(self.to_candidate.get(recorded)?.last()?)
    }

    /// The recorded value for one of the candidate.
    pub fn recorded_of(&self, candidate: &str) -> Option<&str> {
        Some(self.to_recorded.get(candidate)?.last()?)
    }

    /// A candidate's tree with the recorded values in place of the candidate's: one pass, hash
    /// look-ups only. Borrowed where nothing changed.
    pub fn put_back<'v>(&self, tree: &'v Value) -> Cow<'v, Value> {
        Cow::Borrowed(tree)
    }

    /// A recorded tree with the candidate's values in place of the recorded ones. Borrowed where
    /// nothing changed.
    pub fn carry<'v>(&self, tree: &'v Value) -> Cow<'v, Value> {
        Cow::Borrowed(tree)
    }
}
