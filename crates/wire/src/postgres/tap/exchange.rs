//! An exchange while it is being answered.

use std::sync::Arc;

use retake_model::{ConnId, Exchange, Flaw, Message, Scope, Timestamp, TraceId, Value};

use super::MAX_EXCHANGE;
use super::answer::{Answer, Aside, Asides, copied};
use super::request::{RowFormats, Shape, value};
use crate::postgres::ID;
use crate::postgres::meaning::Meaning;
use crate::postgres::message::{Format, Values};

/// An exchange while it is being answered.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) index: u64,
    pub(super) began: Timestamp,
    pub(super) request: Value,
    pub(super) meaning: Meaning,
    pub(super) trace: Option<TraceId>,
    pub(super) flaw: Option<Flaw>,
    /// The results of its statements, one by one.
    pub(super) results: Vec<Answer>,
    /// What came between two results.
    pub(super) between: Asides,
    /// What the client sent for COPY, once for each.
    copies: Vec<Vec<u8>>,
    pub(super) shape: Option<Arc<Shape>>,
    /// The formats of its rows, where the columns' own do not count.
    pub(super) formats: Option<RowFormats>,
    pub(super) kind: Kind,
    /// How much it holds, in bytes.
    size: usize,
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
    pub(super) fn new(index: u64, began: Timestamp, kind: Kind, request: Value) -> Self {
        Open {
            index,
            began,
            request,
            meaning: Meaning::Ordinary,
            trace: None,
            flaw: None,
            results: Vec::new(),
            between: Asides::default(),
            copies: Vec::new(),
            shape: None,
            formats: None,
            kind,
            size: 0,
        }
    }

    /// The result that is being given: a new one where the last one is complete.
    pub(super) fn result(&mut self) -> &mut Answer {
        if self.results.last().is_none_or(|last| last.done) {
            let asides = std::mem::take(&mut self.between);
            self.results.push(Answer {
                asides,
                ..Answer::default()
            });
            if self.kind == Kind::Simple {
                self.shape = None;
            }
        }
        let last = self.results.len().saturating_sub(1);
        // The list is not empty: a result was pushed above where it was.
        #[expect(clippy::indexing_slicing)]
        &mut self.results[last]
    }

    /// The columns of the rows that follow.
    pub(super) fn columns(&mut self, shape: Arc<Shape>) {
        self.result().columns = Some(shape.tree.clone());
        self.shape = Some(shape);
    }

    /// A row.
    pub(super) fn row(&mut self, values: Values<'_>, length: usize) {
        let cost = length + values.len() * size_of::<Value>();
        // Whether the row is the first one of a result without columns is seen below.
        self.result();
        if !self.has_room(cost) {
            return;
        }
        let Some(shape) = self.shape.clone().filter(|s| s.oids.len() == values.len()) else {
            self.undecodable("rows came whose columns were never described");
            return;
        };
        let formats = self.formats.take();
        let mut row = Vec::with_capacity(values.len());
        for (n, (bytes, oid)) in values.iter().zip(&shape.oids).enumerate() {
            let format = match &formats {
                Some(formats) => formats.of(n),
                None => shape.formats.get(n).copied().unwrap_or(Format::Text),
            };
            row.push(value(bytes, *oid, format));
        }
        self.formats = formats;
        let result = self.result();
        result.rows.push(Value::List(row));
        result.batch += 1;
    }

    /// The client is asked for data.
    pub(super) fn begin_copy(&mut self) {
        self.copies.push(Vec::new());
    }

    /// Data that the client sent.
    pub(super) fn copy_in(&mut self, data: &[u8]) {
        if self.has_room(data.len())
            && let Some(copy) = self.copies.last_mut()
        {
            copy.extend_from_slice(data);
        }
    }

    /// Data that the server sent.
    pub(super) fn copy_out(&mut self, data: &[u8]) {
        self.result();
        if self.has_room(data.len()) {
            let copy = &mut self.result().copy;
            copy.get_or_insert_default().extend_from_slice(data);
        }
    }

    /// Something that the server said beside the answer.
    pub(super) fn aside(&mut self, aside: Aside) {
        if !self.has_room(aside.size()) {
            return;
        }
        let notice = matches!(aside, Aside::Notice(_));
        match self.results.last_mut() {
            // A notice after a result belongs to the next statement, where there is one.
            Some(last) if !(notice && last.done) => last.asides.push(aside),
            _ => self.between.push(aside),
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
            self.flaw = Some(Flaw::TooLarge(self.size as u64));
            self.forget();
        }
        self.flaw.is_none()
    }

    /// How much it holds, in bytes.
    pub(super) fn size(&self) -> usize {
        if self.flaw.is_some() { 0 } else { self.size }
    }

    /// Lets go of what will not be kept.
    fn forget(&mut self) {
        for result in &mut self.results {
            result.rows = Vec::new();
            result.copy = None;
        }
        self.copies = Vec::new();
    }

    /// The last result's error.
    pub(super) fn has_error(&self) -> bool {
        self.results.iter().any(|result| result.error.is_some())
    }

    /// The exchange, ended.
    pub(super) fn end(mut self, conn: ConnId, at: Timestamp, set_up: bool) -> Box<Exchange> {
        let scope = match self.meaning {
            _ if self.has_error() => None,
            Meaning::Session => Some(Scope::Session),
            Meaning::SetUp if set_up => Some(Scope::Session),
            Meaning::SetUp | Meaning::Ordinary => None,
        };
        if !self.copies.is_empty() {
            let mut copies: Vec<Value> = self.copies.drain(..).map(copied).collect();
            let copy = match (copies.pop(), copies.is_empty()) {
                (Some(only), true) => only,
                (last, _) => {
                    copies.extend(last);
                    Value::List(copies)
                }
            };
            self.request.push("copy", copy);
        }
        if self.results.first().is_some_and(Answer::was_refused) {
            self.request.push("aborted", true.into());
        }
        let between = std::mem::take(&mut self.between);
        match self.results.last_mut() {
            Some(last) => last.asides.append(between),
            None => self.result().asides.append(between),
        }
        let mut results = self.results.into_iter().map(|r| r.tree(self.kind));
        let response = if results.len() == 1 {
            results.next().unwrap_or_default()
        } else {
            Value::map([("results", Value::List(results.collect()))])
        };
        Box::new(Exchange {
            conn,
            index: self.index,
            protocol: ID,
            began: self.began,
            ended: at.max(self.began),
            request: Message::Tree(self.request),
            response: Message::Tree(response),
            trace: self.trace,
            scope,
            flaw: self.flaw,
        })
    }
}
