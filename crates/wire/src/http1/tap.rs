//! Reads a connection that is recorded.

use std::collections::VecDeque;

use bytes::Bytes;
use retake_model::{Chunk, ConnId, Exchange, Flaw, Message, RawMessage, Side, Timestamp};

use super::ID;
use super::framing::{Length, Method, request_facts, response_facts};
use super::head::{HEAD_LIMIT, HeadReader, skip_empty_lines};
use super::reader::{BodyReader, ReadBody};
use crate::{Flow, Tap, Tapped, WireError};

/// How many requests may wait for their responses on one connection.
const PENDING_LIMIT: usize = 4096;

/// The tap of HTTP/1.x: frames the messages, keeps their bytes, and leaves reading them to
/// [`Protocol::describe`](crate::Protocol::describe).
///
/// What servers are known to frame differently is not guessed: the connection becomes opaque,
/// and the exchanges that were open end with the reason as their flaw.
#[derive(Debug)]
pub(super) struct HttpTap {
    conn: ConnId,
    /// The number of the next request.
    next: u64,
    client: Stage,
    server: Stage,
    /// Requests whose exchange has not ended, oldest first. Only the last may still be coming.
    pending: VecDeque<Pending>,
    /// The response that is coming answers the first of `pending`. A server may also send one
    /// that nobody asked for (408 on an idle connection), which belongs to no exchange.
    answers: bool,
    ready: VecDeque<Tapped>,
    /// Bytes of bodies in `pending` and of those that are coming.
    held: usize,
    opaque: Option<&'static str>,
}

/// What of a side's stream comes next.
#[derive(Debug)]
enum Stage {
    Head(HeadReader),
    Body(BodyReader),
    /// The side has closed.
    Closed,
}

/// A request whose exchange has not ended.
#[derive(Debug, Default)]
struct Pending {
    index: u64,
    began: Timestamp,
    method: Method,
    request: RawMessage,
    /// The request came whole, or will not come any further.
    asked: bool,
    response: RawMessage,
    /// Heads of interim responses, as they came.
    interim: Vec<u8>,
    /// When the response ended.
    answered: Option<Timestamp>,
    flaw: Option<Flaw>,
}

impl Tap for HttpTap {
    fn feed(&mut self, chunk: &Chunk<'_>) -> Result<Flow, WireError> {
        if self.opaque.is_none() {
            let read = match (chunk.side, chunk.bytes.is_empty()) {
                (Side::Client, false) => self.client_bytes(chunk.at, chunk.bytes),
                (Side::Server, false) => self.server_bytes(chunk.at, chunk.bytes),
                (Side::Client, true) => {
                    self.client_closed(chunk.at);
                    Ok(())
                }
                (Side::Server, true) => {
                    self.server_closed(chunk.at);
                    Ok(())
                }
            };
            if let Err(reason) = read {
                self.end_all(chunk.at, &Flaw::Undecodable(reason.to_owned()));
                self.opaque = Some(reason);
            }
        }
        Ok(self.opaque.map_or(Flow::Pass, Flow::Opaque))
    }

    fn poll(&mut self) -> Option<Tapped> {
        self.ready.pop_front()
    }
}

impl HttpTap {
    pub(super) fn new(conn: ConnId) -> Self {
        HttpTap {
            conn,
            next: 0,
            client: Stage::Head(HeadReader::default()),
            server: Stage::Head(HeadReader::default()),
            pending: VecDeque::new(),
            answers: false,
            ready: VecDeque::new(),
            held: 0,
            opaque: None,
        }
    }

    fn client_bytes(&mut self, at: Timestamp, mut bytes: &[u8]) -> Result<(), &'static str> {
        while !bytes.is_empty() {
            match &mut self.client {
                Stage::Head(head) => {
                    if head.is_idle() {
                        bytes = skip_empty_lines(bytes);
                        if bytes.is_empty() {
                            break;
                        }
                        self.begin(at)?;
                    }
                    self.request_head(&mut bytes)?;
                }
                Stage::Body(body) => {
                    if body.take(&mut bytes, &mut self.held)? {
                        self.request_body();
                    }
                }
                Stage::Closed => break,
            }
        }
        Ok(())
    }

    /// The first byte of a request was read.
    fn begin(&mut self, at: Timestamp) -> Result<(), &'static str> {
        if self.pending.len() >= PENDING_LIMIT {
            return Err("more requests waiting for a response than are kept");
        }
        let index = self.next;
        self.next += 1;
        self.pending.push_back(Pending {
            index,
            began: at,
            ..Pending::default()
        });
        self.ready.push_back(Tapped::Began { index, at });
        Ok(())
    }

    fn request_head(&mut self, bytes: &mut &[u8]) -> Result<(), &'static str> {
        let (Stage::Head(reader), Some(pending)) = (&mut self.client, self.pending.back_mut())
        else {
            return Ok(());
        };
        let Some(head) = reader.take(bytes)? else {
            // A server may answer before the head is whole; the method is known by then.
            if reader.partial().starts_with(b"HEAD ") {
                pending.method = Method::Head;
            }
            return Ok(());
        };
        pending.request.head = head;
        let facts = request_facts(&pending.request.head)?;
        pending.method = facts.method;
        match facts.length {
            Length::None => {
                pending.asked = true;
                self.settle();
            }
            length => {
                let mut body = BodyReader::new(length);
                let whole = body.take(bytes, &mut self.held)?;
                self.client = Stage::Body(body);
                if whole {
                    self.request_body();
                }
            }
        }
        Ok(())
    }

    /// The last byte of a request's body was read, or no more of it will come.
    fn request_body(&mut self) {
        let stage = std::mem::replace(&mut self.client, Stage::Head(HeadReader::default()));
        if let (Stage::Body(body), Some(pending)) = (stage, self.pending.back_mut()) {
            keep(&mut pending.request, &mut pending.flaw, body.finish());
            pending.asked = true;
            self.settle();
        }
    }

    fn client_closed(&mut self, at: Timestamp) {
        let stage = std::mem::replace(&mut self.client, Stage::Closed);
        if let Some(pending) = self.pending.back_mut()
            && !pending.asked
        {
            match stage {
                Stage::Head(head) => {
                    pending.request.head = Bytes::copy_from_slice(head.partial());
                }
                Stage::Body(body) => {
                    keep(&mut pending.request, &mut pending.flaw, body.finish());
                }
                Stage::Closed => {}
            }
            pending.flaw.get_or_insert(Flaw::Cut);
            pending.asked = true;
            self.settle();
        }
        if matches!(self.server, Stage::Closed) {
            self.end_all(at, &Flaw::Cut);
        }
    }

    fn server_bytes(&mut self, at: Timestamp, mut bytes: &[u8]) -> Result<(), &'static str> {
        while !bytes.is_empty() {
            match &mut self.server {
                Stage::Head(head) => {
                    if head.is_idle() {
                        bytes = skip_empty_lines(bytes);
                        let first = self.pending.front();
                        self.answers = first.is_some_and(|p| p.answered.is_none());
                    }
                    if !bytes.is_empty() {
                        self.response_head(at, &mut bytes)?;
                    }
                }
                Stage::Body(body) => {
                    if body.take(&mut bytes, &mut self.held)? {
                        self.response_body(at);
                    }
                }
                Stage::Closed => break,
            }
        }
        Ok(())
    }

    fn response_head(&mut self, at: Timestamp, bytes: &mut &[u8]) -> Result<(), &'static str> {
        let Stage::Head(reader) = &mut self.server else {
            return Ok(());
        };
        let Some(head) = reader.take(bytes)? else {
            return Ok(());
        };
        let mut nobody = Pending::default();
        let pending = match self.pending.front_mut() {
            Some(pending) if self.answers => pending,
            _ => &mut nobody,
        };
        let facts = response_facts(&head, pending.method)?;
        if matches!(facts.status, 100..200) && facts.switches.is_none() {
            if pending.interim.len() + head.len() > HEAD_LIMIT {
                return Err("interim responses larger than 256 KiB");
            }
            pending.interim.extend_from_slice(&head);
            return Ok(());
        }
        pending.response.head = if pending.interim.is_empty() {
            head
        } else {
            pending.interim.extend_from_slice(&head);
            Bytes::from(std::mem::take(&mut pending.interim))
        };
        if let Some(reason) = facts.switches {
            pending.answered = Some(at);
            return Err(reason);
        }
        let mut body = BodyReader::new(facts.length);
        let whole = body.take(bytes, &mut self.held)?;
        self.server = Stage::Body(body);
        if whole {
            self.response_body(at);
        }
        Ok(())
    }

    /// The last byte of a response was read, or no more of it will come.
    fn response_body(&mut self, at: Timestamp) {
        let stage = std::mem::replace(&mut self.server, Stage::Head(HeadReader::default()));
        let Stage::Body(body) = stage else {
            return;
        };
        let body = body.finish();
        match self.pending.front_mut() {
            Some(pending) if self.answers => {
                keep(&mut pending.response, &mut pending.flaw, body);
                pending.answered = Some(at);
                self.settle();
            }
            _ => self.held = self.held.saturating_sub(body.body.len()),
        }
    }

    fn server_closed(&mut self, at: Timestamp) {
        let stage = std::mem::replace(&mut self.server, Stage::Closed);
        if self.answers
            && let Some(pending) = self.pending.front_mut()
            && pending.answered.is_none()
        {
            match stage {
                Stage::Head(head) => {
                    pending.interim.extend_from_slice(head.partial());
                    pending.response.head = Bytes::from(std::mem::take(&mut pending.interim));
                }
                Stage::Body(body) => {
                    if !body.end() {
                        pending.flaw.get_or_insert(Flaw::Cut);
                    }
                    keep(&mut pending.response, &mut pending.flaw, body.finish());
                    pending.answered = Some(at);
                }
                Stage::Closed => {}
            }
            self.settle();
        }
        if matches!(self.client, Stage::Closed) {
            self.end_all(at, &Flaw::Cut);
        } else {
            // What is being asked may still come whole; what was asked gets no answer any more.
            while self.pending.front().is_some_and(|p| p.asked) {
                self.end_first(at, &Flaw::Cut);
            }
        }
    }

    /// Ends the exchanges of which both sides are whole.
    fn settle(&mut self) {
        while let Some(pending) = self.pending.front()
            && pending.asked
            && let Some(at) = pending.answered
        {
            self.emit(at);
        }
    }

    /// Ends every open exchange, with that flaw where it has none yet.
    fn end_all(&mut self, at: Timestamp, flaw: &Flaw) {
        while !self.pending.is_empty() {
            self.end_first(at, flaw);
        }
    }

    fn end_first(&mut self, at: Timestamp, flaw: &Flaw) {
        if let Some(pending) = self.pending.front_mut() {
            pending.flaw.get_or_insert_with(|| flaw.clone());
            self.emit(at);
        }
    }

    fn emit(&mut self, at: Timestamp) {
        let Some(pending) = self.pending.pop_front() else {
            return;
        };
        let bodies = pending.request.body.len() + pending.response.body.len();
        self.held = self.held.saturating_sub(bodies);
        self.ready.push_back(Tapped::Ended(Box::new(Exchange {
            conn: self.conn,
            index: pending.index,
            protocol: ID,
            began: pending.began,
            ended: pending.answered.unwrap_or(at),
            request: Message::Raw(pending.request),
            response: Message::Raw(pending.response),
            trace: None,
            scope: None,
            flaw: pending.flaw,
        })));
    }
}

/// Puts a body that was read to its message.
fn keep(message: &mut RawMessage, flaw: &mut Option<Flaw>, read: ReadBody) {
    message.body = read.body;
    message.trailers = read.trailers;
    if let Some(size) = read.too_large {
        *flaw = Some(Flaw::TooLarge(size));
    }
}
