//! One request and its response on one connection.

use bytes::Bytes;

use crate::{ConnId, ProtocolId, Scope, Timestamp, Value};

/// One request and its response on one connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The connection that carried it.
    pub conn: ConnId,
    /// Its number on the connection, from 0.
    pub index: u64,
    /// The protocol that it was read by.
    pub protocol: ProtocolId,
    /// When the first byte of the request was read.
    pub began: Timestamp,
    /// When the last byte of the response was read.
    pub ended: Timestamp,
    /// What was asked.
    pub request: Message,
    /// What was answered.
    pub response: Message,
    /// The trace that the request says it belongs to.
    pub trace: Option<TraceId>,
    /// The scope that the request has by its meaning (session set-up, catalogue reads).
    pub scope: Option<Scope>,
    /// What is wrong with it, where it is not whole.
    pub flaw: Option<Flaw>,
}

/// One side of an exchange.
///
/// A tap on a hot path hands over the bytes as they came; `Protocol::describe` turns them into a
/// tree where somebody is going to read them.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Exact bytes, not read yet.
    Raw(RawMessage),
    /// The tree that the protocol documents.
    Tree(Value),
}

impl Message {
    /// The tree, where it was described.
    pub fn tree(&self) -> Option<&Value> {
        match self {
            Message::Tree(tree) => Some(tree),
            Message::Raw(_) => None,
        }
    }
}

/// The exact bytes of one message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RawMessage {
    /// The head, first line to blank line.
    pub head: Bytes,
    /// The body, without the framing of the transfer (chunk sizes).
    pub body: Bytes,
    /// The trailer section, as it came.
    pub trailers: Bytes,
}

/// The id of a distributed trace, in lower-case text (32 hex digits for W3C trace context).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(pub String);

/// Why an exchange is not whole. What has a flaw never becomes a test case or a mock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// The connection ended before the response did.
    Cut,
    /// A part is larger than may be held in memory. Bytes seen, at least.
    TooLarge(u64),
    /// The protocol allowed it, but it cannot be read: the reason, for the ledger.
    Undecodable(String),
}
