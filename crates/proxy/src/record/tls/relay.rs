//! Bytes between two sides, each of which may be TLS.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use retake_model::{Chunk, Side};
use retake_wire::{Unbind, Untied, Untying};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::counters::Live;
use super::desk::Desk;
use super::serve::Conn;
use crate::tls::Stream;

/// One side.
struct End {
    stream: Stream,
    /// What it does not take yet, at most what one read gave: while there is any, the other side
    /// is not read.
    out: Vec<u8>,
    /// Something was written that its buffers may still hold.
    unflushed: bool,
    /// It sends no more.
    ended: bool,
    /// It ended without the word that TLS ends with.
    cut: bool,
    /// It was reset.
    broken: bool,
    /// It was told that no more will come.
    shut: bool,
}

impl End {
    fn new(stream: Stream) -> Self {
        End {
            stream,
            out: Vec::new(),
            unflushed: false,
            ended: false,
            cut: false,
            broken: false,
            shut: false,
        }
    }

    /// Whether nothing will come from it or go to it any more.
    fn is_over(&self) -> bool {
        self.ended && self.out.is_empty() && (self.shut || self.broken)
    }

    /// Writes what waits. Ready when the side takes more.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.out.is_empty() && !self.broken {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out)) {
                Ok(0) | Err(_) => self.fail(),
                Ok(written) => drop(self.out.drain(..written)),
            }
        }
        if self.out.is_empty() {
            // The memory is given back: most connections never need it again.
            self.out = Vec::new();
        }
        if self.unflushed && !self.broken {
            match ready!(Pin::new(&mut self.stream).poll_flush(cx)) {
                Ok(()) => self.unflushed = false,
                Err(_) => self.fail(),
            }
        }
        Poll::Ready(())
    }

    /// Writes as much as is taken at once, and keeps the rest.
    fn send(&mut self, mut bytes: &[u8], cx: &mut Context<'_>) {
        while !bytes.is_empty() && self.out.is_empty() && !self.broken {
            match Pin::new(&mut self.stream).poll_write(cx, bytes) {
                Poll::Pending => break,
                Poll::Ready(Ok(0) | Err(_)) => self.fail(),
                Poll::Ready(Ok(written)) => {
                    self.unflushed = true;
                    bytes = bytes.get(written..).unwrap_or_default();
                }
            }
        }
        if !self.broken {
            self.out.extend_from_slice(bytes);
            self.unflushed |= !bytes.is_empty();
        }
    }

    /// A write failed: the peer was reset. What it had sent before can still be read.
    fn fail(&mut self) {
        self.broken = true;
        self.out = Vec::new();
    }

    /// Tells the side that no more will come, in the way in which the other side ended.
    fn poll_shut(&mut self, cut: bool, cx: &mut Context<'_>) -> Poll<()> {
        if !self.shut && !self.broken {
            if cut {
                self.stream.cut();
            } else if ready!(Pin::new(&mut self.stream).poll_shutdown(cx)).is_err() {
                self.fail();
            }
            self.shut = true;
        }
        Poll::Ready(())
    }
}

/// How a relay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Both sides ended in order.
    Closed,
    /// One side was reset.
    Reset,
}

/// Passes on what both sides send, and shows it to the reader, until both have ended or the relay
/// stops. Gives how the conversation could be untied from the server's certificate.
pub(super) async fn relay(
    desk: &Desk,
    conn: &mut Conn,
    client: Stream,
    server: Stream,
    untie: bool,
) -> (Over, Untying) {
    let mut relay = Relay {
        client: End::new(client),
        server: End::new(server),
        unbind: None,
        outcome: Untying::Untouched,
        untie,
        desk,
        conn,
    };
    let over = loop {
        let turn = poll_fn(|cx| relay.poll(cx));
        tokio::select! {
            over = turn => break over,
            () = desk.tick() => if relay.may_close() {
                break Over::Closed;
            },
        }
    };
    if over == Over::Reset {
        relay.client.stream.reset_on_close();
        relay.server.stream.reset_on_close();
    }
    let outcome = match &relay.unbind {
        Some(unbind) => unbind.outcome(),
        None => relay.outcome,
    };
    (over, outcome)
}

struct Relay<'a> {
    client: End,
    server: End,
    /// What unties the conversation from the certificate, while there is something to untie.
    unbind: Option<Box<dyn Unbind>>,
    /// How it went.
    outcome: Untying,
    /// Whether it has still to be found whether there is something.
    untie: bool,
    desk: &'a Desk,
    conn: &'a mut Conn,
}

impl Relay<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        loop {
            let client = self.step(Side::Client, cx);
            let server = self.step(Side::Server, cx);
            let (a, b) = (&self.client, &self.server);
            // What a side sent before it was reset is still passed on.
            if a.broken && a.ended && (b.out.is_empty() || b.broken)
                || b.broken && b.ended && (a.out.is_empty() || a.broken)
            {
                return Poll::Ready(Over::Reset);
            }
            if a.is_over() && b.is_over() {
                return Poll::Ready(Over::Closed);
            }
            if client.is_pending() && server.is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn may_close(&self) -> bool {
        let is_opaque = self.conn.reader.is_opaque();
        let passed_on = self.client.out.is_empty() && self.server.out.is_empty();
        let is_quiet = !is_opaque && self.conn.reader.open_exchanges() == 0 && passed_on;
        let direction = self.conn.info.direction;
        self.desk.may_close(direction, is_quiet, is_opaque)
    }

    /// Moves what one side sent to the other. Ready where something moved.
    fn step(&mut self, from: Side, cx: &mut Context<'_>) -> Poll<()> {
        let desk = self.desk;
        let mut buffer = desk.buffer.borrow_mut();
        let (source, sink) = match from {
            Side::Client => (&mut self.client, &mut self.server),
            Side::Server => (&mut self.server, &mut self.client),
        };
        ready!(sink.poll_ready(cx));
        if source.ended {
            if sink.shut || sink.broken || source.broken {
                return Poll::Pending;
            }
            return sink.poll_shut(source.cut, cx);
        }
        let mut read = ReadBuf::new(&mut buffer);
        match ready!(Pin::new(&mut source.stream).poll_read(cx, &mut read)) {
            Ok(()) if read.filled().is_empty() => {
                source.ended = true;
                self.pass(from, &[], cx);
            }
            Ok(()) => self.pass(from, read.filled(), cx),
            Err(error) => {
                source.ended = true;
                source.cut = is_cut(&error);
                source.broken |= !source.cut;
                self.pass(from, &[], cx);
            }
        }
        Poll::Ready(())
    }

    /// Passes bytes on, then shows them to the reader.
    fn pass(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) {
        Live::add(&self.conn.counters.bytes, bytes.len() as u64);
        match side {
            Side::Client => self.conn.from_client += bytes.len() as u64,
            Side::Server => self.conn.from_server += bytes.len() as u64,
        }
        let at_end = bytes.is_empty();
        let untied = self.unbind.as_mut().map(|unbind| {
            let mut to = Untied::default();
            match side {
                Side::Client => unbind.client(bytes, &mut to),
                Side::Server => unbind.server(bytes, &mut to),
            }
            to
        });
        // What the other side gets is what is read; what is said in its place is read by nobody.
        let bytes = match (&untied, side) {
            (None, _) => bytes,
            (Some(to), Side::Client) => {
                self.client.send(&to.client, cx);
                &to.server
            }
            (Some(to), Side::Server) => {
                self.server.send(&to.server, cx);
                &to.client
            }
        };
        match side {
            Side::Client => self.server.send(bytes, cx),
            Side::Server => self.client.send(bytes, cx),
        }
        let Conn {
            reader,
            info,
            counters,
            ..
        } = &mut *self.conn;
        self.desk.find(counters, |at, findings| {
            if !bytes.is_empty() {
                reader.feed(&Chunk { at, side, bytes }, info, findings);
            }
            if at_end {
                let bytes = &[];
                reader.feed(&Chunk { at, side, bytes }, info, findings);
            }
        });
        if self.untie
            && let Some(protocol) = self.conn.reader.protocol()
        {
            self.untie = false;
            self.unbind = nonce().and_then(|nonce| protocol.unbind(nonce));
        }
        if let Some(unbind) = self.unbind.take_if(|unbind| unbind.is_done()) {
            self.outcome = unbind.outcome();
        }
    }
}

/// Printable, and never used again.
fn nonce() -> Option<String> {
    let mut bytes = [0; 18];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}

/// Whether a side ended in order below TLS, without the word that TLS ends with. Many servers do.
fn is_cut(error: &io::Error) -> bool {
    error.kind() == ErrorKind::UnexpectedEof
}
