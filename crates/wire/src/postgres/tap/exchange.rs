//! An exchange while it is being answered.

use retake_model::{ConnId, Exchange, Flaw, Message, RawMessage, Timestamp, TraceId, Value};

use super::MAX_EXCHANGE;
use super::asides::Asides;
use super::log::{self, Log};
use super::request::Asked;
use crate::postgres::ID;
use crate::postgres::meaning::Meaning;
use crate::postgres::message::{Format, Values};

/// An exchange while it is being answered: its messages as they came, and what the ends of
/// exchanges and their bounds depend on.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) index: u64,
    pub(super) began: Timestamp,
    pub(super) asked: Asked,
    /// What its statement means, where that is known without looking at it.
    pub(super) meaning: Option<Meaning>,
    pub(super) trace: Option<TraceId>,
    pub(super) flaw: Option<Flaw>,
    pub(super) kind: Kind,
    log: Log,
    /// How much it holds, in bytes.
    size: usize,
    /// How many columns the rows that follow have.
    columns: Option<usize>,
    /// Whether a result was begun.
    pub(super) answered: bool,
    /// Whether the next message begins another result.
    done: bool,
    has_error: bool,
    /// Whether the client was asked for data that are kept.
    copies: bool,
    /// Whether the text of the statement that it runs by its name was put in.
    pub(super) prepared: bool,
}

/// What the exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Startup,
    Simple,
    Execute,
    Function(Format),
    Describe,
    /// A notification on an idle connection.
    Heard,
}

impl Open {
    pub(super) fn new(index: u64, began: Timestamp, kind: Kind, asked: Asked) -> Self {
        Open {
            index,
            began,
            asked,
            meaning: None,
            trace: None,
            flaw: None,
            kind,
            log: Log::new(kind),
            size: 0,
            columns: None,
            answered: false,
            done: false,
            has_error: false,
            copies: false,
            prepared: false,
        }
    }

    /// A message of the server that needs no room to speak of, in the result that is being given.
    pub(super) fn say(&mut self, tag: u8, body: &[u8]) {
        self.result();
        self.log.push(tag, body);
    }

    /// The same, where it is the last one of its result.
    pub(super) fn done(&mut self, tag: u8, body: &[u8]) {
        self.say(tag, body);
        self.done = true;
    }

    /// The result that is being given is another one where the last one is complete.
    fn result(&mut self) {
        if !self.answered || self.done {
            self.answered = true;
            self.done = false;
            if self.kind == Kind::Simple {
                self.columns = None;
            }
        }
    }

    /// Something beside the answer of the server that has to be known to read it.
    pub(super) fn note(&mut self, tag: u8, payload: &[u8]) {
        self.log.push(tag, payload);
    }

    /// The result failed.
    pub(super) fn error(&mut self, body: &[u8]) {
        self.done(b'E', body);
        self.has_error = true;
    }

    /// What was answered already could not be brought to its end.
    pub(super) fn late_error(&mut self, body: &[u8]) {
        self.log.push(log::LATE_ERROR, body);
        self.has_error = true;
    }

    /// The columns of the rows that follow, as the tag says; a RowDescription.
    pub(super) fn columns(&mut self, tag: u8, body: &[u8]) {
        self.say(tag, body);
        let count = body.first_chunk().map(|count| u16::from_be_bytes(*count));
        self.columns = count.map(usize::from);
    }

    /// A row.
    pub(super) fn row(&mut self, values: Values<'_>, body: &[u8]) {
        let count = values.len();
        // The lengths of the values, and their count, are no part of what is held in the end.
        let length = body.len().saturating_sub(2 + 4 * count);
        // Whether the row is the first one of a result without columns is seen below.
        self.result();
        if !self.has_room(length + count * size_of::<Value>()) {
            return;
        }
        if self.columns == Some(count) {
            self.log.push(b'D', body);
        } else {
            self.undecodable("rows came whose columns were never described");
        }
    }

    /// The client is asked for data.
    pub(super) fn begin_copy(&mut self) {
        self.say(log::COPY_BEGINS, &[]);
        self.copies = true;
    }

    /// Data that the client sent.
    pub(super) fn copy_in(&mut self, data: &[u8]) {
        if self.has_room(data.len()) && self.copies {
            self.log.push(log::COPY_DATA, data);
        }
    }

    /// Data that the server sent.
    pub(super) fn copy_out(&mut self, data: &[u8]) {
        self.result();
        if self.has_room(data.len()) {
            self.log.push(b'd', data);
        }
    }

    /// Something that the server said beside the answer.
    pub(super) fn aside(&mut self, tag: u8, body: &[u8]) {
        if self.has_room(body.len() + 32) {
            self.log.push(tag, body);
        }
    }

    /// What the server said before.
    pub(super) fn asides(&mut self, asides: Asides) {
        for (tag, body) in asides.into_iter() {
            self.log.push(tag, &body);
        }
    }

    /// Says that it cannot be read, and why.
    pub(super) fn undecodable(&mut self, why: &str) {
        if self.flaw.is_none() {
            self.flaw = Some(Flaw::Undecodable(why.to_owned()));
        }
        self.forget();
    }

    /// Says that a part of it, of so many bytes, is too large to be held.
    pub(super) fn too_large(&mut self, length: usize) {
        self.has_room(length.max(MAX_EXCHANGE + 1));
    }

    /// Whether so much more may be held. Counts it in any case.
    fn has_room(&mut self, cost: usize) -> bool {
        self.size = self.size.saturating_add(cost);
        if self.size > MAX_EXCHANGE {
            if self.flaw.is_none() {
                self.forget();
            }
            self.flaw = Some(Flaw::TooLarge(self.size as u64));
        }
        self.flaw.is_none()
    }

    /// How much it holds, in bytes.
    pub(super) fn size(&self) -> usize {
        if self.flaw.is_some() { 0 } else { self.size }
    }

    /// Lets go of what will not be kept.
    fn forget(&mut self) {
        self.log.forget();
        self.copies = false;
    }

    /// Whether one of its results is an error.
    pub(super) fn has_error(&self) -> bool {
        self.has_error
    }

    /// The exchange, ended. It is raw: see [`describe`](super::describe::describe).
    pub(super) fn end(self, conn: ConnId, at: Timestamp, set_up: bool) -> Box<Exchange> {
        let response = RawMessage {
            body: self.log.end(self.meaning, set_up),
            ..RawMessage::default()
        };
        Box::new(Exchange {
            conn,
            index: self.index,
            protocol: ID,
            began: self.began,
            ended: at.max(self.began),
            request: self.asked.message(),
            response: Message::Raw(response),
            trace: self.trace,
            scope: None,
            flaw: self.flaw,
        })
    }
}
