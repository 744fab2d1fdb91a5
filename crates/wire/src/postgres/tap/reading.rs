//! An exchange that is described: its messages, one after the other, become results.

use retake_model::Value;

use super::answer::{Answer, Aside, Asides, copied};
use super::exchange::Kind;
use super::log;
use super::rows::{RowFormats, Shape, value};
use crate::postgres::column::type_tree;
use crate::postgres::message::{Backend, Format, MessageError};
use crate::postgres::report;

/// An exchange while its bytes are read.
#[derive(Debug)]
pub(super) struct Reading {
    kind: Kind,
    /// The results of its statements, one by one.
    results: Vec<Answer>,
    /// What came between two results.
    between: Asides,
    /// What the client sent for COPY, once for each.
    copies: Vec<Vec<u8>>,
    shape: Option<Shape>,
    /// The formats that Bind asked for.
    asked_for: Option<RowFormats>,
    /// Whether those count, and not the columns' own.
    by_bind: bool,
    /// Fields of the request that the answers tell.
    prepared: Option<Value>,
    copy_failed: Option<Value>,
    limit: Option<i32>,
    was_suspended: bool,
}

impl Reading {
    pub(super) fn new(kind: Kind, asked_for: Option<RowFormats>) -> Self {
        Reading {
            kind,
            results: Vec::new(),
            between: Asides::default(),
            copies: Vec::new(),
            shape: None,
            asked_for,
            by_bind: false,
            prepared: None,
            copy_failed: None,
            limit: None,
            was_suspended: false,
        }
    }

    /// Takes the next entry of the log.
    pub(super) fn take(&mut self, tag: u8, payload: &[u8]) -> Result<(), MessageError> {
        match tag {
            log::COLUMNS => {
                self.columns(payload)?;
                self.by_bind = true;
            }
            log::COPY_BEGINS => {
                self.result();
                self.copies.push(Vec::new());
            }
            log::COPY_DATA => {
                if let Some(copy) = self.copies.last_mut() {
                    copy.extend_from_slice(payload);
                }
            }
            log::COPY_FAILED => self.copy_failed = Some(Value::text_or_bytes(payload)),
            log::RESUMED => {
                let result = self.result();
                result.batch = 0;
                result.suspended = false;
            }
            log::PREPARED => self.prepared = Some(Value::text_or_bytes(payload)),
            log::LIMIT => self.limit = payload.first_chunk().map(|n| i32::from_be_bytes(*n)),
            log::LATE_ERROR => {
                if let (Some(last), Backend::ErrorResponse(error)) =
                    (self.results.last_mut(), Backend::parse(b'E', payload)?)
                {
                    last.error.get_or_insert_with(|| report::tree(&error));
                }
            }
            b'T' => self.columns(payload)?,
            tag => self.message(tag, payload)?,
        }
        Ok(())
    }

    /// Takes a message of the server.
    fn message(&mut self, tag: u8, payload: &[u8]) -> Result<(), MessageError> {
        match Backend::parse(tag, payload)? {
            Backend::DataRow(values) => {
                let formats = self.asked_for.as_ref().filter(|_| self.by_bind);
                let row = self
                    .shape
                    .as_ref()
                    .and_then(|shape| shape.row(values, formats));
                let result = self.result();
                result.rows.extend(row);
                result.batch += 1;
            }
            Backend::CopyData(data) => {
                let copy = &mut self.result().copy;
                copy.get_or_insert_default().extend_from_slice(data);
            }
            Backend::CommandComplete(tag) => {
                let result = self.result();
                result.tag = Some(String::from_utf8_lossy(tag).into_owned());
                result.done = true;
            }
            Backend::EmptyQueryResponse => {
                let result = self.result();
                result.empty = true;
                result.done = true;
            }
            Backend::FunctionCallResponse(bytes) => {
                let format = match self.kind {
                    Kind::Function(format) => format,
                    _ => Format::Text,
                };
                let result = self.result();
                result.result = Some(value(bytes, 0, format));
                result.done = true;
            }
            Backend::PortalSuspended => {
                self.was_suspended = true;
                self.result().suspended = true;
            }
            Backend::ParameterDescription(types) => {
                let types = types.iter().map(type_tree).collect();
                self.result().parameters = Some(Value::List(types));
            }
            Backend::ErrorResponse(error) => {
                let result = self.result();
                result.error = Some(report::tree(&error));
                result.done = true;
            }
            Backend::NoticeResponse(notice) => self.aside(Aside::Notice(report::tree(&notice))),
            Backend::ParameterStatus { name, value } => {
                let name = String::from_utf8_lossy(name).into_owned();
                self.aside(Aside::Status(name, Value::text_or_bytes(value)));
            }
            Backend::NotificationResponse {
                pid,
                channel,
                payload,
            } => self.aside(Aside::Notify(Value::map([
                ("channel", Value::text_or_bytes(channel)),
                ("payload", Value::text_or_bytes(payload)),
                ("pid", pid.into()),
            ]))),
            // NoData stands for the answer to a description that gives no rows; the tap keeps
            // no others.
            _ => {
                self.result();
            }
        }
        Ok(())
    }

    /// The result that is being given: a new one where the last one is complete.
    fn result(&mut self) -> &mut Answer {
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

    /// The columns of the rows that follow: a RowDescription.
    fn columns(&mut self, body: &[u8]) -> Result<(), MessageError> {
        if let Backend::RowDescription(columns) = Backend::parse(b'T', body)? {
            let (shape, tree) = Shape::new(&columns);
            self.result().columns = Some(tree);
            self.shape = Some(shape);
            self.by_bind = false;
        }
        Ok(())
    }

    /// Something that the server said beside the answer.
    fn aside(&mut self, aside: Aside) {
        let notice = matches!(aside, Aside::Notice(_));
        match self.results.last_mut() {
            // A notice after a result belongs to the next statement, where there is one.
            Some(last) if !(notice && last.done) => last.asides.push(aside),
            _ => self.between.push(aside),
        }
    }

    /// Whether one of the results is an error.
    pub(super) fn has_error(&self) -> bool {
        self.results.iter().any(|result| result.error.is_some())
    }

    /// The trees of the request, of which `request` is what was asked at first, and of the
    /// response.
    pub(super) fn end(mut self, mut request: Value) -> (Value, Value) {
        if let Some(rows) = self.limit.filter(|_| self.was_suspended) {
            request.push("rows_limit", rows.into());
        }
        if let Some(text) = self.prepared.take() {
            request.push("prepared", text);
        }
        if let Some(why) = self.copy_failed.take() {
            request.push("copy_failed", why);
        }
        if !self.copies.is_empty() {
            let mut copies: Vec<Value> = self.copies.drain(..).map(copied).collect();
            let copy = match (copies.pop(), copies.is_empty()) {
                (Some(only), true) => only,
                (last, _) => {
                    copies.extend(last);
                    Value::List(copies)
                }
            };
            request.push("copy", copy);
        }
        if self.results.first().is_some_and(Answer::was_refused) {
            request.push("aborted", true.into());
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
        (request, response)
    }
}
