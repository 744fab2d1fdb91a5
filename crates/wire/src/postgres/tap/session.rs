//! Puts what the server says beside what the client asked.

use std::collections::VecDeque;
use std::sync::Arc;

use retake_model::{ConnId, Timestamp, Value};

use super::MAX_QUEUED;
use super::asides::Asides;
use super::exchange::{Kind, Open};
use super::names::Names;
use super::request::{self, Asked, Portal, Queued, STARTUP, Statement};
use crate::Tapped;
use crate::postgres::meaning::Meaning;
use crate::postgres::message::{Backend, MessageError, Startup, Transaction};

/// The state of one session.
#[derive(Debug)]
pub(super) struct Session {
    conn: ConnId,
    /// The number of the next exchange.
    next: u64,
    /// What the server has not answered yet, oldest first.
    pub(super) queue: VecDeque<Queued>,
    /// What the queue costs, in bytes.
    queued: usize,
    pub(super) statements: Names<Arc<Statement>>,
    pub(super) portals: Names<Portal>,
    /// Cursors that SQL declared, with the statements that did.
    pub(super) cursors: Names<Arc<Statement>>,
    /// What the front of the queue is being answered with.
    pub(super) current: Option<Open>,
    /// The last exchange, which is answered, but may still be found to have failed at the end of
    /// its group of messages, and when its answer was complete.
    pub(super) held: Option<(Open, Timestamp)>,
    /// After an error the server passes over everything until a Sync. The error (the body of an
    /// ErrorResponse), unless it is in its exchange already.
    pub(super) failed: Option<Option<Box<[u8]>>>,
    /// Whether the front of the queue is a COPY that still takes data.
    pub(super) copying: bool,
    /// Whether the front of the queue is a stream of replication.
    pub(super) streaming: bool,
    /// The statement that was prepared last in this group of messages, unless it was described
    /// since: its request begins with its Parse.
    pub(super) fresh: Option<Arc<Statement>>,
    /// What suspended portals hold, in bytes.
    pub(super) suspended: usize,
    /// Whether the client said that it would end the session.
    pub(super) terminated: bool,
    /// What was said while nothing was being answered.
    idle: Asides,
    /// Whether nothing but set-up was done yet.
    set_up: bool,
    /// Whether the session began before the recording, and answers of that time may still come.
    joined: bool,
    pub(super) out: VecDeque<Tapped>,
}

/// Why the two sides cannot be put beside each other.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutOfStep {
    #[error("{0}")]
    Message(#[from] MessageError),
    #[error("found a message of type {found:?}, expected an answer to {to}")]
    Unexpected { found: char, to: String },
    #[error("found a message of type {0:?} that is {1} bytes long")]
    TooLong(char, usize),
    #[error("more than {} MiB of requests wait for an answer", MAX_QUEUED >> 20)]
    TooMany,
}

impl Session {
    pub(super) fn new(conn: ConnId) -> Self {
        Session {
            conn,
            next: 0,
            queue: VecDeque::new(),
            queued: 0,
            statements: Names::new(),
            portals: Names::new(),
            cursors: Names::new(),
            current: None,
            held: None,
            failed: None,
            copying: false,
            streaming: false,
            fresh: None,
            suspended: 0,
            terminated: false,
            idle: Asides::default(),
            set_up: true,
            joined: false,
            out: VecDeque::new(),
        }
    }

    pub(super) fn poll(&mut self) -> Option<Tapped> {
        self.out.pop_front()
    }

    /// The session began before the recording.
    pub(super) fn join(&mut self) {
        self.joined = true;
        self.set_up = false;
    }

    /// The client sent its start-up message.
    pub(super) fn started(&mut self, message: &Startup<'_>, at: Timestamp) {
        let asked = Asked::Tree(request::startup(message));
        let mut open = self.open(Kind::Startup, at, asked);
        open.meaning = Some(Meaning::Session);
        self.current = Some(open);
        let body = Box::default();
        self.enqueue(STARTUP, body, at, None);
    }

    /// The client sent a message.
    pub(super) fn asked(
        &mut self,
        tag: u8,
        body: &[u8],
        at: Timestamp,
        too_long: Option<u64>,
    ) -> Result<(), OutOfStep> {
        match tag {
            b'd' | b'c' | b'f' if self.streaming || self.queue.is_empty() => return Ok(()),
            b'd' if self.copying && self.queue.len() == 1 => {
                self.copy_data(body, too_long);
                return Ok(());
            }
            b'Q' | b'P' | b'B' | b'D' | b'E' | b'C' | b'S' | b'F' | b'd' | b'c' | b'f' => {}
            b'X' => {
                self.terminated = true;
                return Ok(());
            }
            // Flush has no answer. Passwords and the like are not to be held;
            // what nobody knows is the server's to refuse.
            _ => return Ok(()),
        }
        self.enqueue(tag, body.into(), at, too_long);
        if self.copying {
            self.drain_copy();
        }
        if self.queued > MAX_QUEUED {
            return Err(OutOfStep::TooMany);
        }
        Ok(())
    }

    fn enqueue(&mut self, tag: u8, body: Box<[u8]>, at: Timestamp, too_long: Option<u64>) {
        let queued = Queued::new(tag, body, at, too_long);
        self.queued += queued.cost;
        self.queue.push_back(queued);
    }

    /// Takes the front off the queue, and data that belonged to a COPY that failed.
    pub(super) fn pop(&mut self) -> Option<Queued> {
        let front = self.queue.pop_front();
        self.copying = false;
        while let Some(b'd' | b'c' | b'f') = self.front() {
            self.drop_at(0);
        }
        if let Some(front) = &front {
            self.queued = self.queued.saturating_sub(front.cost);
        }
        front
    }

    pub(super) fn drop_at(&mut self, place: usize) -> Option<Queued> {
        let dropped = self.queue.remove(place)?;
        self.queued = self.queued.saturating_sub(dropped.cost);
        Some(dropped)
    }

    pub(super) fn front(&self) -> Option<u8> {
        self.queue.front().map(|queued| queued.tag)
    }

    /// The server sent a message.
    pub(super) fn answered(
        &mut self,
        tag: u8,
        body: &[u8],
        at: Timestamp,
    ) -> Result<(), OutOfStep> {
        let message = Backend::parse(tag, body)?;
        match message {
            Backend::NoticeResponse(_) | Backend::ParameterStatus { .. } => {
                self.aside(tag, body);
                return Ok(());
            }
            Backend::NotificationResponse { channel, .. } => {
                self.notified(channel, body, at);
                return Ok(());
            }
            Backend::ErrorResponse(_) => return self.error(body, at),
            Backend::ReadyForQuery(transaction) => return self.ready(transaction, at),
            // Never recorded, or not known.
            Backend::Authentication { .. }
            | Backend::BackendKeyData { .. }
            | Backend::NegotiateProtocolVersion { .. }
            | Backend::Unknown { .. } => return Ok(()),
            _ => {}
        }
        if self.failed.is_some() {
            return Err(self.unexpected(tag));
        }
        match self.front() {
            Some(b'Q' | b'E' | b'F') => self.answer_run(tag, message, body, at),
            Some(b'P' | b'B' | b'D' | b'C') => self.answer_step(tag, message, body, at),
            None if self.joined => Ok(()),
            _ => Err(self.unexpected(tag)),
        }
    }

    /// The server sent a message that is too long to be held.
    pub(super) fn answered_too_long(&mut self, tag: u8, length: usize) -> Result<(), OutOfStep> {
        match (tag, self.front()) {
            (b'D' | b'd', Some(b'Q' | b'E')) => {
                if let Some(open) = self.running() {
                    open.too_large(length);
                }
                Ok(())
            }
            _ => Err(OutOfStep::TooLong(char::from(tag), length)),
        }
    }

    /// A new exchange with the next number.
    pub(super) fn open(&mut self, kind: Kind, at: Timestamp, asked: Asked) -> Open {
        let index = self.next;
        self.next += 1;
        self.out.push_back(Tapped::Began { index, at });
        let mut open = Open::new(index, at, kind, asked);
        open.asides(std::mem::take(&mut self.idle));
        open
    }

    /// The server is ready for the next command.
    fn ready(&mut self, transaction: Transaction, at: Timestamp) -> Result<(), OutOfStep> {
        if self.failed.is_some() {
            self.pass_over(at);
        }
        self.streaming = false;
        match self.front() {
            Some(b'Q' | b'F') => {
                // A query that was answered with nothing at all: only an odd server does that.
                self.running();
                if let Some(open) = self.current.take() {
                    self.let_go();
                    self.give(open, at);
                }
                self.pop();
                self.statements.remove(b"");
                self.drop_portal(b"", at);
            }
            Some(STARTUP) => {
                self.pop();
                if let Some(open) = self.current.take() {
                    self.give(open, at);
                }
            }
            Some(b'S') => {
                self.pop();
                self.fresh = None;
                self.let_go();
            }
            None if self.joined => {}
            _ => return Err(self.unexpected(b'Z')),
        }
        self.joined = false;
        if transaction == Transaction::Idle {
            for portal in self.portals.clear() {
                self.end_portal(portal, at);
            }
        }
        Ok(())
    }

    /// Something failed.
    fn error(&mut self, body: &[u8], at: Timestamp) -> Result<(), OutOfStep> {
        match self.front() {
            Some(STARTUP) => {
                self.pop();
                if let Some(mut open) = self.current.take() {
                    open.error(body);
                    self.give(open, at);
                }
            }
            _ if self.failed.is_some() => {}
            Some(b'Q' | b'F') => {
                if let Some(open) = self.running() {
                    open.error(body);
                }
                self.copying = false;
            }
            Some(b'E') => {
                if let Some(open) = self.running() {
                    open.error(body);
                }
                self.copying = false;
                if let Some(open) = self.current.take() {
                    self.let_go();
                    self.held = Some((open, at));
                }
                self.failed = Some(None);
            }
            Some(b'S') => {
                // The statement was run; what it did could not be committed.
                if let Some((open, _)) = &mut self.held
                    && open.answered
                {
                    open.late_error(body);
                }
            }
            Some(_) => self.failed = Some(Some(body.into())),
            // The server ends an idle session: no answer to anything.
            None => {}
        }
        Ok(())
    }

    /// A notification: part of the answer that is being given, else an exchange of its own, for
    /// which the session did nothing but listen.
    fn notified(&mut self, channel: &[u8], body: &[u8], at: Timestamp) {
        if self.current.is_some() || self.held.is_some() || self.front().is_some() {
            self.aside(b'A', body);
            return;
        }
        let idle = std::mem::take(&mut self.idle);
        let request = Value::map([("listening", Value::text_or_bytes(channel))]);
        let mut open = self.open(Kind::Heard, at, Asked::Tree(request));
        open.meaning = Some(Meaning::Ordinary);
        self.idle = idle;
        open.aside(b'A', body);
        self.give(open, at);
    }

    /// Something that the server says beside an answer.
    fn aside(&mut self, tag: u8, body: &[u8]) {
        if let (None, Some(b'Q' | b'E' | b'F')) = (&self.current, self.front())
            && self.failed.is_none()
        {
            self.begin();
        }
        match (&mut self.current, &mut self.held) {
            (Some(open), _) | (None, Some((open, _))) => open.aside(tag, body),
            (None, None) => self.idle.push(tag, body),
        }
    }

    /// Lets the held exchange go: its group of messages has ended, or another one followed.
    pub(super) fn let_go(&mut self) {
        if let Some((open, at)) = self.held.take() {
            self.give(open, at);
        }
    }

    /// Gives an exchange that is answered.
    pub(super) fn give(&mut self, open: Open, at: Timestamp) {
        // What a statement means is looked at here as long as it decides something.
        let asked = !matches!(open.kind, Kind::Startup | Kind::Heard);
        if self.set_up && asked {
            let meaning = open.meaning.unwrap_or_else(|| open.asked.meaning());
            self.set_up = meaning != Meaning::Ordinary;
        }
        let exchange = open.end(self.conn, at, self.set_up);
        self.out.push_back(Tapped::Ended(exchange));
    }

    pub(super) fn unexpected(&self, found: u8) -> OutOfStep {
        let to = match (&self.failed, self.front()) {
            (Some(_), _) => "Sync, after an error".to_owned(),
            (None, Some(STARTUP)) => "StartupMessage".to_owned(),
            (None, Some(tag)) => format!("a message of type {:?}", char::from(tag)),
            (None, None) => "nothing".to_owned(),
        };
        let found = char::from(found);
        OutOfStep::Unexpected { found, to }
    }
}
