//! One relayed connection: two sockets, and what is on its way between them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::net::TcpStream;
use retake_model::{Chunk, ConnInfo, Side, Timestamp};
use retake_wire::Preface;
use socket2::SockRef;

use super::RelayEvent;
use super::counters::Live;
use super::reader::{Findings, Reader};
use crate::Clock;

/// Reads of one direction before the other connections of the worker have their turn.
const READS_PER_TURN: u32 = 16;

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
}

/// What a session needs of its worker for a turn.
pub(super) struct Turn<'a> {
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
}

impl Session {
    pub(super) fn new(
        info: ConnInfo,
        door: usize,
        client: TcpStream,
        server: TcpStream,
        findings: &mut Findings<'_>,
    ) -> Self {
        findings.push(RelayEvent::Opened(info.clone()));
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
        }
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
        if source.ended && !source.broken && sink.out.is_empty() {
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
        if from == Side::Client && self.reader.wants_preface() {
            self.held.extend_from_slice(bytes);
            self.preface(at, turn);
            return;
        }
        match from {
            Side::Client => self.server.send(bytes),
            Side::Server => self.client.send(bytes),
        }
        let side = from;
        self.reader
            .feed(&Chunk { at, side, bytes }, &self.info, &mut turn.findings);
    }

    fn preface(&mut self, at: Timestamp, turn: &mut Turn<'_>) {
        while !self.held.is_empty() {
            match self
                .reader
                .preface(&self.held, &self.info, &mut turn.findings)
            {
                Preface::NeedMore => return,
                Preface::Decline { bytes, reply, .. } => {
                    self.held.drain(..bytes.min(self.held.len()));
                    self.client.send(reply);
                    if bytes == 0 {
                        return;
                    }
                }
                Preface::Pass => self.release(at, turn),
            }
        }
    }

    /// A client that ends before its first message is whole: what it sent is passed on.
    fn pass_held(&mut self, from: Side, turn: &mut Turn<'_>) {
        if from == Side::Client && !self.held.is_empty() {
            self.release(turn.clock.now(), turn);
        }
    }

    fn release(&mut self, at: Timestamp, turn: &mut Turn<'_>) {
        let held = std::mem::take(&mut self.held);
        self.server.send(&held);
        let chunk = Chunk {
            at,
            side: Side::Client,
            bytes: &held,
        };
        self.reader.feed(&chunk, &self.info, &mut turn.findings);
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

/// One socket of a session.
pub(super) struct End {
    pub(super) socket: TcpStream,
    /// The system may have bytes for us. It says so once per arrival.
    pub(super) readable: bool,
    /// The system said that the peer sends no more: what is left is to be read up to its end.
    pub(super) hung_up: bool,
    /// The peer's end of stream, or a reset, was read.
    ended: bool,
    /// It was reset.
    broken: bool,
    /// It was told that no more will come.
    shut: bool,
    /// What it does not take yet, at most one buffer: while there is any, the other side is not
    /// read.
    out: Vec<u8>,
    received: u64,
}

enum Arrived {
    Bytes(usize),
    Nothing,
    End,
    Broken,
}

impl End {
    fn new(socket: TcpStream) -> Self {
        End {
            socket,
            readable: false,
            hung_up: false,
            ended: false,
            broken: false,
            shut: false,
            out: Vec::new(),
            received: 0,
        }
    }

    pub(super) fn reset_on_close(&mut self) {
        // Failing means that the socket is gone already.
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    fn read(&mut self, buffer: &mut [u8]) -> Arrived {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => {
                    self.ended = true;
                    // After a failed write the system reports a reset as an end.
                    return if self.broken {
                        Arrived::Broken
                    } else {
                        Arrived::End
                    };
                }
                Ok(n) => {
                    self.received += n as u64;
                    // A short read took everything; later bytes are announced again.
                    self.readable = n == buffer.len() || self.hung_up || self.broken;
                    return Arrived::Bytes(n);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Arrived::Nothing;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.ended = true;
                    self.broken = true;
                    return Arrived::Broken;
                }
            }
        }
    }

    /// Writes as much as the socket takes, and keeps the rest.
    fn send(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        if !self.out.is_empty() {
            self.out.extend_from_slice(bytes);
            return;
        }
        match write_some(&mut self.socket, bytes) {
            Ok(written) => {
                if let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
                    self.out.extend_from_slice(rest);
                }
            }
            Err(_) => self.fail(),
        }
    }

    /// Writes what was kept. True when the socket takes more.
    fn flush(&mut self) -> bool {
        if self.broken {
            return false;
        }
        if self.out.is_empty() {
            return true;
        }
        match write_some(&mut self.socket, &self.out) {
            Ok(written) if written == self.out.len() => {
                // The memory is given back: most connections never need it again.
                self.out = Vec::new();
                true
            }
            Ok(written) => {
                self.out.drain(..written);
                false
            }
            Err(_) => {
                self.fail();
                false
            }
        }
    }

    /// A write failed: the peer was reset. What it had sent before can still be read.
    fn fail(&mut self) {
        self.broken = true;
        self.readable = true;
        self.out = Vec::new();
    }

    fn shut(&mut self) {
        if !self.shut && !self.broken {
            self.shut = true;
            // Failing means that the peer is gone, which reading will tell.
            let _ = self.socket.shutdown(Shutdown::Write);
        }
    }
}

fn write_some(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match socket.write(rest) {
            Ok(0) => break,
            Ok(n) => written += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}
