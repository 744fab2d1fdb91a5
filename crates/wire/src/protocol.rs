//! What every protocol does, and the list of all of them.

use retake_model::{
    Answer, Blame, Chunk, ConnInfo, Exchange, Fault, ProtocolId, Rules, Side, Timestamp, TraceId,
    Value,
};

/// Every protocol, in the order in which they are asked to recognise a connection.
pub static PROTOCOLS: &[&dyn Protocol] = &[&crate::postgres::Postgres, &crate::http1::Http1];

/// The protocol of that name.
pub fn protocol(name: &str) -> Option<&'static dyn Protocol> {
    PROTOCOLS.iter().copied().find(|p| p.id().0 == name)
}

/// One protocol: one static value, listed in [`PROTOCOLS`].
pub trait Protocol: Sync {
    /// Its name in YAML.
    fn id(&self) -> ProtocolId;

    /// Whether the first bytes that the client sent are of this protocol.
    fn detect(&self, first: &[u8], conn: &ConnInfo) -> Detect;

    /// A reader for a connection that is recorded.
    fn tap(&self, conn: &ConnInfo) -> Box<dyn Tap>;

    /// A server for a connection that is replayed.
    fn responder(&self, conn: &ConnInfo) -> Box<dyn Responder>;

    /// What identifies a request.
    fn rules(&self) -> &'static Rules;

    /// Turns raw messages into trees, and fills `trace` and `scope` where reading tells them.
    /// Does nothing to what is a tree already. What cannot be read gets a flaw.
    fn describe(&self, exchange: &mut Exchange);

    /// What is wrong in the trees of an exchange that somebody may have written by hand. What may
    /// be written in several ways (a number without quotes where text is meant) is put into the
    /// form that the tap gives it, so that it is matched and compared as if it were recorded.
    fn check(&self, request: &mut Value, response: &mut Value) -> Vec<Fault>;

    /// What the relay itself is to say to the first bytes of a client before it passes them on:
    /// an offer of encryption that would make the rest unreadable is declined in the protocol's
    /// own words. Asked again after every [`Preface::Decline`].
    fn preface(&self, _first: &[u8]) -> Preface {
        Preface::Pass
    }

    /// What is to be changed within TLS that is ended between client and server, where the
    /// protocol binds its authentication to the server's certificate. None for most. The nonce is
    /// printable and never used again.
    fn unbind(&self, _nonce: String) -> Option<Box<dyn Unbind>> {
        None
    }
}

/// Whether bytes are of a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detect {
    /// They are.
    Yes,
    /// They are not.
    No,
    /// There are too few to tell.
    NeedMore,
}

/// What the relay does with the first bytes of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preface {
    /// Passes them on, and everything after them.
    Pass,
    /// Keeps them until there are more.
    NeedMore,
    /// Answers them itself, and looks at what comes next.
    Decline {
        /// How many bytes are answered, from the first.
        bytes: usize,
        /// The answer.
        reply: &'static [u8],
        /// What was asked for, as it stands in a note: `TLS`.
        asked: &'static str,
        /// What a server says that agrees, upon which TLS begins on both sides; empty where it
        /// begins without an answer. A relay that can end TLS asks the real server in place of
        /// declining. None where agreeing would lead to nothing that can be read.
        agreed: Option<&'static [u8]>,
    },
}

/// Unties a conversation within TLS from the certificate that the server showed.
pub trait Unbind: Send {
    /// Takes bytes of the server. None are the end of its stream.
    fn server(&mut self, bytes: &[u8], to: &mut Untied);

    /// Takes bytes of the client. None are the end of its stream.
    fn client(&mut self, bytes: &[u8], to: &mut Untied);

    /// Whether everything after this goes through as it is.
    fn is_done(&self) -> bool;

    /// How it went, so far.
    fn outcome(&self) -> Untying;
}

/// What both sides are to get.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Untied {
    /// Bytes for the client.
    pub client: Vec<u8>,
    /// Bytes for the server.
    pub server: Vec<u8>,
}

/// How a conversation could be untied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untying {
    /// There was nothing to do, or nothing that anybody would notice.
    Untouched,
    /// Something was done that is worth a sentence, which is here, with a hint.
    Downgraded(&'static str),
    /// The client does not do without: why, with a hint.
    Refused(&'static str),
}

/// Reads a connection that is recorded. It has no way to write.
pub trait Tap: Send {
    /// Takes bytes of one side, in the order in which they were read from the sockets. An empty
    /// chunk is that side's end of stream.
    ///
    /// # Errors
    /// Once it fails, the connection is relayed without being read.
    fn feed(&mut self, chunk: &Chunk<'_>) -> Result<Flow, WireError>;

    /// What was recognised, oldest first; none when nothing more is ready.
    fn poll(&mut self) -> Option<Tapped>;
}

/// What the relay is to do after a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Pass,
    /// After this many more bytes of the chunk's side TLS begins.
    TlsAfter(usize),
    /// From here on the connection is another protocol, or nothing that can be read: relay it
    /// without reading. The reason is for the ledger.
    Opaque(&'static str),
}

/// What a tap recognised.
#[derive(Debug, Clone, PartialEq)]
pub enum Tapped {
    /// The first byte of the request with this number was read.
    Began {
        /// The exchange's number on its connection.
        index: u64,
        /// When.
        at: Timestamp,
    },
    /// An exchange ended, whole or with a flaw.
    Ended(Box<Exchange>),
}

/// A server of the protocol, for a connection that is replayed.
///
/// It does its own greeting, authentication, statements and cursors, and asks for what depends
/// on the recording.
pub trait Responder: Send {
    /// Takes bytes of the client. An empty chunk is the client's end of stream.
    ///
    /// # Errors
    /// The client broke the protocol; the connection is closed after what `poll` still has.
    fn feed(&mut self, chunk: &Chunk<'_>) -> Result<(), WireError>;

    /// What is to be done next; none when it waits for bytes. After [`Step::Ask`] it gives
    /// nothing more until it was answered.
    fn poll(&mut self) -> Option<Step>;

    /// Answers what was asked by the last [`Step::Ask`].
    ///
    /// # Errors
    /// The recorded answer does not have the form of the protocol: the recording is at fault.
    /// The responder has queued the protocol's own error and the connection stays usable.
    fn answer(&mut self, answer: &Answer) -> Result<(), WireError>;

    /// Whether the client may be told something that it does not ask for. Then
    /// [`wake`](Self::wake) is to be called now and then while the client is quiet.
    fn listens(&self) -> bool {
        false
    }

    /// The client is quiet: is there something to tell it? `poll` says what is to be done.
    fn wake(&mut self) {}
}

/// What a responder wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Write these bytes.
    Send(Vec<u8>),
    /// Find the answer to this request.
    Ask {
        /// The request's tree, as a tap would have recorded it.
        request: Value,
        /// The trace that it says it belongs to.
        trace: Option<TraceId>,
        /// How strictly it is to be counted.
        reading: Reading,
    },
    /// Both sides start TLS now.
    StartTls,
    /// When it was recorded the client gave up waiting here: what comes next is sent once it does
    /// so again, by closing the connection or by a [`GiveUp`](Step::GiveUp) with this number on
    /// another one, or has waited long enough.
    Wait(u32),
    /// The client gives up waiting on the connection that has this number.
    GiveUp(u32),
    /// Close the connection once everything is written.
    Close,
}

/// How a question of a responder counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The service asked: it uses up a mock, and is part of the verdict.
    Call,
    /// Session set-up or a catalogue read: a miss is answered by the responder's own means and
    /// is no part of the verdict.
    Probe,
}

/// Why bytes are not of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{protocol}: {what} (byte {at} of the {side:?} side)")]
pub struct WireError {
    /// The protocol.
    pub protocol: ProtocolId,
    /// What is wrong and what was expected, as a lowercase fragment.
    pub what: String,
    /// The byte of that side of the connection, from 0.
    pub at: u64,
    /// Who sent it.
    pub side: Side,
    /// Whose doing it is.
    pub blame: Blame,
}
