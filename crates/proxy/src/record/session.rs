//! One relayed connection: two sockets, and what is on its way between them.

mod preface;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mio::net::TcpStream;
use retake_model::{Chunk, ConnInfo, Side, Timestamp};

pub(super) use preface::UNOPENED;

use super::RelayEvent;
use super::counters::Live;
use super::end::{Arrived, End};
use super::reader::{Findings, Reader};
use super::renaming::Renaming;
use super::tls::{Handover, Start, Way};
use crate::{Clock, Said};

/// Reads of one direction before the other connections of the worker have their turn.
const READS_PER_TURN: u32 = 16;

/// Reads of at most this many bytes wait for the end of the turn; larger ones are passed on at
/// once.
const SMALL: usize = 4096;

/// A connection and its counterpart to the upstream.
pub(super) struct Session {
    pub(super) info: ConnInfo,
    /// The number of the address that accepted it.
    pub(super) door: usize,
    /// Whether the upstream has accepted.
    pub(super) connected: bool,
    /// How many of the upstream's addresses were tried before this one.
    pub(super) tried: usize,
    pub(super) client: End,
    pub(super) server: End,
    reader: Reader,
    /// First bytes of the client that are neither forwarded nor answered yet.
    held: Vec<u8>,
    /// What becomes of TLS.
    way: Way,
    /// Nothing of the client was looked at for TLS that it may begin with.
    fresh: bool,
    /// What the server was asked for, and its answer that TLS begins with.
    asked: Option<(Vec<u8>, &'static [u8])>,
    /// How it goes on where TLS is ended.
    leaves: Option<Start>,
    /// How it gets another name, until its client has said whom it means.
    pub(super) renaming: Option<Renaming>,
    /// Whether the client has said what tells whom it means, and that is no TLS.
    pub(super) has_spoken: bool,
    /// The host that it said.
    host: Option<String>,
}

/// Bytes that were read in a turn and are passed on at its end.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    pub(super) bytes: Vec<u8>,
    pub(super) list: Vec<Arrival>,
}

/// Some bytes of one side of one session.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) slot: usize,
    pub(super) side: Side,
    pub(super) at: Timestamp,
    pub(super) range: Range<usize>,
}

/// What a session needs of its worker for a turn.
pub(super) struct Turn<'a> {
    pub(super) slot: usize,
    pub(super) arrivals: &'a mut Arrivals,
    pub(super) buffer: &'a mut [u8],
    pub(super) clock: Clock,
    pub(super) findings: Findings<'a>,
}

/// What became of a session in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It waits for its sockets.
    Waits,
    /// It has more to do now.
    Again,
    /// Both directions have ended and everything was passed on.
    Over,
    /// One side was reset; the other is to be reset too.
    Reset,
    /// TLS begins: it goes on where that is ended.
    Leaves,
}

impl Session {
    pub(super) fn new(
        info: ConnInfo,
        door: usize,
        client: TcpStream,
        server: TcpStream,
        way: Way,
        findings: &mut Findings<'_>,
    ) -> Self {
        findings.push(RelayEvent::Opened(Box::new(info.clone())));
        let reader = Reader::new(&info, findings);
        Session {
            info,
            door,
            connected: false,
            tried: 0,
            client: End::new(client),
            server: End::new(server),
            reader,
            held: Vec::new(),
            way,
            fresh: way != Way::Off,
            asked: None,
            leaves: None,
            renaming: None,
            has_spoken: false,
            host: None,
        }
    }

    /// A session whose upstream has accepted already.
    pub(super) fn joined(
        info: ConnInfo,
        door: usize,
        client: TcpStream,
        server: TcpStream,
        way: Way,
        findings: &mut Findings<'_>,
    ) -> Self {
        let mut session = Session::new(info, door, client, server, way, findings);
        session.connected = true;
        session.client.readable = true;
        session.server.readable = true;
        session
    }

    /// Passes on what the client had sent before the session began: the first `n` bytes of the
    /// turn's buffer.
    pub(super) fn begin_with(&mut self, n: usize, turn: &mut Turn<'_>) {
        self.client.received += n as u64;
        Live::add(&turn.findings.counters.bytes, n as u64);
        self.pass(Side::Client, n, turn);
    }

    /// Takes the name by which what the client said is known; the connection as it is then.
    pub(super) fn renamed(&mut self, counters: &mut Arc<Live>) -> Option<(RelayEvent, ConnInfo)> {
        let bytes = self.client.received + self.server.received;
        self.has_spoken = false;
        let renaming = self.renaming.take()?;
        let host = self.host.take();
        let said = host.as_deref().map_or(Said::Nothing, Said::Host);
        let event = renaming.apply(&mut self.info, counters, said, bytes)?;
        Some((event, self.info.clone()))
    }

    /// What goes on where TLS is ended.
    pub(super) fn leave(self, counters: Arc<Live>) -> Option<Handover> {
        // What is held is read, and counted, once more there; or it is of a handshake.
        let held = self.held.len() as u64;
        counters.bytes.fetch_sub(held, Ordering::Relaxed);
        Some(Handover {
            way: self.way,
            start: self.leaves?,
            info: self.info,
            counters,
            reader: self.reader,
            client: self.client.socket.into(),
            server: self.server.socket.into(),
            held: self.held,
            to_client: self.client.out,
            to_server: self.server.out,
            from_client: self.client.received.saturating_sub(held),
            from_server: self.server.received,
            renaming: self.renaming,
        })
    }

    /// Moves what can be moved, in both directions.
    pub(super) fn pump(&mut self, turn: &mut Turn<'_>) -> Progress {
        if !self.connected {
            return Progress::Waits;
        }
        let mut again = self.forward(Side::Client, turn);
        again |= self.forward(Side::Server, turn);
        // What the relay itself answers goes to the client while the client's bytes are read.
        if !self.client.out.is_empty() && !self.client.broken {
            self.client.flush();
        }
        self.progress(again)
    }

    /// Whether nothing is lost by closing now: all that was asked has been answered and passed on.
    pub(super) fn is_quiet(&self) -> bool {
        self.connected
            && !self.reader.is_opaque()
            && self.reader.open_exchanges() == 0
            && self.client.out.is_empty()
            && self.server.out.is_empty()
    }

    /// Whether the connection is relayed without being read.
    pub(super) fn is_opaque(&self) -> bool {
        self.reader.is_opaque()
    }

    /// Ends the session: the tap gives what it has, and the sockets are closed, by a reset where
    /// one side was reset.
    pub(super) fn close(mut self, reset: bool, at: Timestamp, findings: &mut Findings<'_>) {
        self.reader.end(at, findings);
        findings.push(RelayEvent::Closed {
            conn: self.info.id,
            at,
            from_client: self.client.received,
            from_server: self.server.received,
        });
        findings.counters.open.fetch_sub(1, Ordering::Relaxed);
        if reset {
            self.client.reset_on_close();
            self.server.reset_on_close();
        }
    }

    /// Moves what one side sent to the other. True when there may be more at once.
    fn forward(&mut self, from: Side, turn: &mut Turn<'_>) -> bool {
        let mut reads = 0;
        loop {
            let (source, sink) = match from {
                Side::Client => (&mut self.client, &mut self.server),
                Side::Server => (&mut self.server, &mut self.client),
            };
            if source.waits || self.leaves.is_some() {
                break;
            }
            if !sink.flush() || !source.readable || source.ended {
                break;
            }
            if reads == READS_PER_TURN {
                return true;
            }
            reads += 1;
            match source.read(turn.buffer) {
                Arrived::Nothing => break,
                Arrived::Broken => self.end_of(from, turn),
                Arrived::End => {
                    self.pass_held(from, turn);
                    self.end_of(from, turn);
                }
                Arrived::Bytes(n) => {
                    Live::add(&turn.findings.counters.bytes, n as u64);
                    self.pass(from, n, turn);
                }
            }
        }
        let (source, sink) = match from {
            Side::Client => (&self.client, &mut self.server),
            Side::Server => (&self.server, &mut self.client),
        };
        if source.ended && !source.broken && sink.out.is_empty() && self.leaves.is_none() {
            sink.shut();
        }
        false
    }

    /// Passes on the first `n` bytes of the buffer, then shows them to the reader.
    fn pass(&mut self, from: Side, n: usize, turn: &mut Turn<'_>) {
        let at = turn.clock.now();
        let Some(bytes) = turn.buffer.get(..n) else {
            return;
        };
        if from == Side::Client && (self.fresh || self.reader.wants_preface()) {
            self.held.extend_from_slice(bytes);
            self.preface(at, turn);
            return;
        }
        if from == Side::Server
            && let Some(asked) = self.asked.take()
        {
            return self.answered(asked, n, at, turn);
        }
        let side = from;
        if n <= SMALL {
            let start = turn.arrivals.bytes.len();
            turn.arrivals.bytes.extend_from_slice(bytes);
            turn.arrivals.list.push(Arrival {
                slot: turn.slot,
                side,
                at,
                range: start..start + n,
            });
            self.end_mut(from).waits = true;
            return;
        }
        self.send_on(from, bytes);
        self.reader
            .feed(&Chunk { at, side, bytes }, &self.info, &mut turn.findings);
    }

    /// Passes on what arrived from one side.
    pub(super) fn send_on(&mut self, from: Side, bytes: &[u8]) {
        match from {
            Side::Client => self.server.send(bytes),
            Side::Server => self.client.send(bytes),
        }
    }

    /// Shows the reader what was passed on; true when there is more to do.
    pub(super) fn feed(&mut self, chunk: &Chunk<'_>, findings: &mut Findings<'_>) -> bool {
        self.reader.feed(chunk, &self.info, findings);
        let end = self.end_mut(chunk.side);
        end.waits = false;
        end.readable || self.client.broken || self.server.broken
    }

    fn end_mut(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn end_of(&mut self, side: Side, turn: &mut Turn<'_>) {
        let chunk = Chunk {
            at: turn.clock.now(),
            side,
            bytes: &[],
        };
        self.reader.feed(&chunk, &self.info, &mut turn.findings);
    }

    fn progress(&self, again: bool) -> Progress {
        if self.client.waits || self.server.waits {
            return Progress::Waits;
        }
        if self.leaves.is_some() {
            return Progress::Leaves;
        }
        let (client, server) = (&self.client, &self.server);
        // What a side sent before it was reset is still passed on.
        if client.broken && client.ended && (server.out.is_empty() || server.broken)
            || server.broken && server.ended && (client.out.is_empty() || client.broken)
        {
            return Progress::Reset;
        }
        if client.ended && server.ended && client.out.is_empty() && server.out.is_empty() {
            return Progress::Over;
        }
        if again {
            Progress::Again
        } else {
            Progress::Waits
        }
    }
}
