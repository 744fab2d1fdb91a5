//! What the relay tells the recorder.

use std::sync::Arc;

use retake_model::{ConnId, ConnInfo, Exchange, Timestamp};

/// Something that happened on a relayed connection.
#[derive(Debug, Clone)]
pub enum RelayEvent {
    /// A connection was accepted.
    Opened(Box<ConnInfo>),
    /// The first byte of a request was read. Told of inbound connections alone: of others nobody
    /// asks which of their requests are open.
    Began {
        /// The connection.
        conn: ConnId,
        /// The exchange's number on it.
        index: u64,
        /// When.
        at: Timestamp,
    },
    /// An exchange ended, whole or with a flaw. Its messages may be raw
    /// (`Protocol::describe` turns them into trees).
    Ended(Box<Exchange>),
    /// An exchange ended, and could not be handed over because the queue was full. It is
    /// counted in [`Counters::lost`](super::Counters).
    Lost {
        /// The connection.
        conn: ConnId,
        /// The exchange's number on it.
        index: u64,
        /// When its request began.
        began: Timestamp,
        /// When it ended.
        ended: Timestamp,
    },
    /// From here on the connection is relayed without being read. Requests that began on it and
    /// did not end never will.
    Opaque {
        /// The connection.
        conn: ConnId,
        /// When.
        at: Timestamp,
        /// Why, short and always the same for the same reason: the ledger counts by it.
        reason: String,
        /// The whole story, for the log.
        detail: String,
    },
    /// The connection leads to another dependency than was thought when it was opened. Said before
    /// any of its exchanges.
    Named {
        /// The connection.
        conn: ConnId,
        /// The dependency.
        dependency: Arc<str>,
    },
    /// The connection speaks TLS. Said before anything within it is.
    Tls {
        /// The connection.
        conn: ConnId,
        /// The server's name, where the client said it.
        name: Option<Arc<str>>,
    },
    /// Something worth a sentence in the ledger's notes, such as TLS that was refused.
    Note {
        /// The connection.
        conn: ConnId,
        /// When.
        at: Timestamp,
        /// One sentence.
        text: String,
    },
    /// The connection is gone.
    Closed {
        /// The connection.
        conn: ConnId,
        /// When.
        at: Timestamp,
        /// Bytes that the client sent.
        from_client: u64,
        /// Bytes that the server sent.
        from_server: u64,
    },
}

/// Events in the order of each connection.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The events. Those of one connection are in their order; those of several are in the order
    /// in which the workers handed them over, which may differ from the order of time a little.
    /// They come in pieces, each of which can be let go once it was read.
    pub events: Vec<Vec<RelayEvent>>,
    /// Everything that was read from a socket before this moment has been handed over, so that
    /// what is sorted by time up to here stays sorted. (Requests whose protocol had to be guessed
    /// from several pieces may come later than their time.)
    pub up_to: Timestamp,
    /// Even the short notices did not all fit: what is open can no longer be told from these
    /// events, and the recording is not complete.
    pub gap: bool,
}
