//! What the candidate's calls came to.

use std::sync::Arc;

use retake_model::{ConnId, Miss, ProtocolId, TestId, Timestamp, TokenKind, Value};

/// What one test's outbound calls came to. Final: late calls are in it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallsOutcome {
    /// The test.
    pub test: TestId,
    /// How many calls of the recording count for this test.
    pub recorded: usize,
    /// The recorded calls that were made, in the order in which the candidate made them.
    pub matched: Vec<MatchedCall>,
    /// Calls that the recording has, made more often than recorded; they were answered.
    pub extra: Vec<ExtraCall>,
    /// Calls that no mock answers, in the order in which they were made.
    pub unknown: Vec<UnknownCall>,
    /// The recorded calls that were not made, in recorded order.
    pub missing: Vec<MissingCall>,
    /// The fewest calls (their places in `matched`, rising) that would have to be moved to have the
    /// recorded order again. Calls whose times overlapped have no order.
    pub reordered: Vec<usize>,
    /// How many calls stand elsewhere only because the service makes them in the order of ids that
    /// it made.
    pub sorted: usize,
    /// Calls (their places in `matched`) that were made in a transaction, and were recorded outside of
    /// one.
    pub entered: Vec<usize>,
    /// Calls (their places in `matched`) that were recorded in a transaction, and made outside of it.
    pub left: Vec<usize>,
    /// Calls beyond the bound of what is held for one test: they were answered, and are in none
    /// of the lists.
    pub overflow: u64,
    /// The other tests that were open at the same time when calls were recorded of which nothing
    /// told whose they were. Empty where there are none, or one of them has not run.
    pub sharers: Vec<TestId>,
}

/// What a request does to the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// It reads, or sets up its session. Caches and retries leave such a call out or repeat it.
    Read,
    /// It begins or ends a transaction, or sets or drops a savepoint.
    Transaction,
    /// It changes nothing that is kept, and is asked for what it does: it takes a lock, sets what its
    /// transaction goes by (`SET LOCAL`), or calls a function that gives nothing. No cache has that.
    Acts,
    /// It may change something, as far as can be told.
    Write,
}

/// A call as the candidate made it.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedCall {
    /// The dependency.
    pub to: Arc<str>,
    /// The connection.
    pub conn: ConnId,
    /// The transaction that it was part of, by a number of the run; none outside of them.
    pub transaction: Option<u64>,
    /// When its last byte was read, by the real clock.
    pub at: Timestamp,
    /// The protocol.
    pub protocol: ProtocolId,
    /// The request in one line.
    pub summary: String,
    /// What it does.
    pub effect: Effect,
    /// Whether another test was open too and nothing told whose call it was.
    pub shared: bool,
    /// What was asked, with the candidate's values.
    pub request: Value,
}

/// A recorded call that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchedCall {
    /// Its number among the test's recorded calls; none where it is a call that another test of
    /// the same moment shares with this one.
    pub index: Option<usize>,
    /// How many values were matched by kind in it: the service made them.
    pub by_kind: u64,
    /// Those of these values that have more to compare: moments and JSON web tokens.
    pub pairs: Vec<Pair>,
    /// The call as it was made. Fields that do not identify a request may differ from the
    /// recording's.
    pub call: ObservedCall,
}

/// A value that the service made, and the candidate's in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What kind of value it is.
    pub kind: TokenKind,
    /// As recorded.
    pub recorded: String,
    /// As the candidate made it.
    pub candidate: String,
}

/// A call that was made more often than recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtraCall {
    /// The recorded call whose answer was given again.
    pub index: Option<usize>,
    /// The call as it was made.
    pub call: ObservedCall,
}

/// A call that no mock answers.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownCall {
    /// The call as it was made.
    pub call: ObservedCall,
    /// Why nothing answered it.
    pub miss: Miss,
    /// Whether the test was answered before with one of several answers to the same question that
    /// nothing tells apart: what it asks then may follow from another test's answer.
    pub ambiguous: bool,
}

/// A recorded call that was not made.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingCall {
    /// Its number among the test's recorded calls.
    pub index: usize,
    /// The dependency.
    pub to: Arc<str>,
    /// The request in one line.
    pub summary: String,
    /// What it does.
    pub effect: Effect,
    /// Whether it was recorded while several tests were open, so that it may be another's.
    pub shared: bool,
}
