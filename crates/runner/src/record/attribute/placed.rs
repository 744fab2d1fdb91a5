//! Exchanges on their way to their place, and there.

use std::sync::Arc;

use retake_compare::matching::Recurring;
use retake_model::{Attribution, Exchange, Scope};

use super::Step;
use super::facts::Question;

/// An outbound exchange on its way to its test.
#[derive(Debug)]
pub struct OutboundCall {
    /// The dependency.
    pub to: Arc<str>,
    /// The exchange, described.
    pub exchange: Exchange,
    /// What tells that it is asked again.
    pub recurring: Recurring,
    /// The process of the service that made it, where that is known.
    pub process: Option<u32>,
    /// What it does to the transaction of its connection.
    pub step: Step,
}

/// An outbound exchange of which it is not known whose it is.
#[derive(Debug)]
pub(super) struct Unplaced {
    pub(super) call: OutboundCall,
    /// The transaction that it is part of.
    pub(super) transaction: Option<u64>,
    /// What it asks, where that was read; none where its protocol is not known.
    pub(super) question: Option<Question>,
    /// Whether the connection that it was made on was seen to end.
    pub(super) joined: bool,
}

impl Unplaced {
    /// The same, known to be a test's.
    pub(super) fn of_test(self, by: Attribution) -> PlacedCall {
        PlacedCall {
            call: self.call,
            scope: Scope::Test,
            by,
            question: self.question,
            transaction: self.transaction,
        }
    }
}

/// An outbound exchange with its place.
#[derive(Debug)]
pub struct PlacedCall {
    /// The call.
    pub call: OutboundCall,
    /// When it may be served.
    pub scope: Scope,
    /// How it came there.
    pub by: Attribution,
    /// What it asks, where that was read.
    pub(super) question: Option<Question>,
    /// The transaction that it is part of.
    pub(super) transaction: Option<u64>,
}

/// An inbound exchange with the calls that belong to it.
#[derive(Debug)]
pub struct PlacedTest {
    /// The exchange.
    pub exchange: Box<Exchange>,
    /// Its calls, in the order in which they began.
    pub calls: Vec<PlacedCall>,
    /// Whether a call of it may stand with another test.
    pub in_doubt: bool,
}

/// What is ready to be written.
#[derive(Debug)]
pub enum Placed {
    /// An inbound exchange with the calls that belong to it.
    Test(PlacedTest),
    /// A call that belongs to no single test.
    Shared(Box<PlacedCall>),
}
