//! What is run: queries, portals, function calls.

use std::sync::Arc;

use retake_model::{Flaw, Timestamp, Value};

use super::MAX_EXCHANGE;
use super::exchange::{Kind, Open};
use super::request::{self, Run, Shape, Statement};
use super::session::{OutOfStep, Session};
use crate::postgres::meaning;
use crate::postgres::message::{Backend, Frontend, FunctionCall, Oids, Parse};
use crate::postgres::responder::meaning::{cursors, executed, prepared};

impl Session {
    /// An answer to something that is run.
    pub(super) fn answer_run(
        &mut self,
        tag: u8,
        message: Backend<'_>,
        at: Timestamp,
    ) -> Result<(), OutOfStep> {
        let extended = self.front() == Some(b'E');
        let Some(open) = self.running() else {
            // A portal that was run to its end is run again: there is nothing more to say.
            if let Backend::CommandComplete(_) | Backend::EmptyQueryResponse = message {
                self.pop();
            }
            return Ok(());
        };
        match message {
            Backend::DataRow(values) => {
                let cost = values.iter().flatten().map(<[u8]>::len).sum();
                open.row(values, cost);
                return Ok(());
            }
            Backend::RowDescription(columns) => {
                open.columns(Arc::new(Shape::new(&columns)));
                return Ok(());
            }
            Backend::CopyData(data) => {
                open.copy_out(data);
                return Ok(());
            }
            Backend::CopyDone => return Ok(()),
            Backend::CopyOutResponse(_) => {
                open.copy_out(&[]);
                return Ok(());
            }
            Backend::CopyInResponse(_) => {
                open.result();
                open.begin_copy();
                self.copying = true;
                self.drain_copy();
                return Ok(());
            }
            Backend::CopyBothResponse(_) => {
                open.undecodable("a stream of replication is not recorded");
                self.streaming = true;
                return Ok(());
            }
            Backend::CommandComplete(tag) => {
                let result = open.result();
                result.tag = Some(String::from_utf8_lossy(tag).into_owned());
                result.done = true;
                match tag {
                    b"DECLARE CURSOR" => self.declare(at),
                    b"PREPARE" => self.prepare(at),
                    _ => {}
                }
            }
            Backend::EmptyQueryResponse => {
                let result = open.result();
                result.empty = true;
                result.done = true;
            }
            Backend::FunctionCallResponse(value) => {
                let Kind::Function(format) = open.kind else {
                    return Err(self.unexpected(tag));
                };
                let result = open.result();
                result.result = Some(request::value(value, 0, format));
                result.done = true;
                return Ok(());
            }
            Backend::PortalSuspended if extended => {
                self.suspend();
                return Ok(());
            }
            _ => return Err(self.unexpected(tag)),
        }
        self.copying = false;
        if extended {
            self.complete(at);
        }
        Ok(())
    }

    /// Cursors were declared: what describes them is asked for by their names.
    fn declare(&mut self, at: Timestamp) {
        let request = self.current.as_ref().map(|open| &open.request);
        let sql = request.and_then(|request| request.get("sql")?.as_str());
        for (name, declaration) in cursors(sql.unwrap_or_default()) {
            let parse = Parse {
                name: b"",
                sql: declaration.as_bytes(),
                types: Oids::default(),
            };
            let statement = Arc::new(Statement::new(&parse, at));
            self.cursors
                .set(name.as_bytes(), statement, declaration.len());
        }
    }

    /// A statement was prepared by SQL.
    fn prepare(&mut self, at: Timestamp) {
        let request = self.current.as_ref().map(|open| &open.request);
        let sql = request.and_then(|request| request.get("sql")?.as_str());
        if let Some((name, text)) = sql.and_then(prepared) {
            let parse = Parse {
                name: b"",
                sql: text.as_bytes(),
                types: Oids::default(),
            };
            let statement = Arc::new(Statement::new(&parse, at));
            let cost = text.len();
            self.statements.set(name.as_bytes(), statement, cost);
        }
    }

    /// The text of the prepared statement that SQL runs by its name.
    fn executed(&self, request: &Value) -> Option<Value> {
        let name = executed(request.get("sql")?.as_str()?)?;
        let statement = self.statements.get(name.as_bytes())?;
        statement.flaw.is_none().then(|| statement.sql.clone())
    }

    /// The exchange of the front of the queue, which is run. None where its portal was run to
    /// its end before.
    pub(super) fn running(&mut self) -> Option<&mut Open> {
        if self.current.is_none() {
            self.begin();
        }
        self.current.as_mut()
    }

    /// Begins the exchange of the front of the queue, or goes on with that of a portal.
    pub(super) fn begin(&mut self) {
        let Some(queued) = self.queue.pop_front() else {
            return;
        };
        let open = match Frontend::parse(queued.tag, &queued.body) {
            Ok(Frontend::Query(sql)) if queued.too_long.is_none() => {
                let text = std::str::from_utf8(sql).unwrap_or_default();
                let request = vec![
                    ("sql".to_owned(), Value::text_or_bytes(sql)),
                    ("simple".to_owned(), true.into()),
                ];
                let mut open = self.open(Kind::Simple, queued.at, Value::Map(request));
                open.meaning = meaning::meaning(text);
                open.trace = meaning::trace(text);
                Some(open)
            }
            Ok(Frontend::FunctionCall(call)) => Some(self.open_call(&call, queued.at)),
            Ok(Frontend::Execute { portal, limit }) => self.open_portal(portal, limit, queued.at),
            _ => {
                let mut open = self.open(Kind::Simple, queued.at, Value::Map(Vec::new()));
                open.flaw = queued
                    .flaw()
                    .or_else(|| Some(Flaw::Undecodable("the request is malformed".to_owned())));
                Some(open)
            }
        };
        self.queue.push_front(queued);
        let mut open = open;
        if let Some(open) = &mut open
            && let Some(text) = self.executed(&open.request)
            && open.request.get("prepared").is_none()
        {
            open.request.push("prepared", text);
        }
        if open.is_some() {
            self.let_go();
        }
        self.current = open;
    }

    fn open_call(&mut self, call: &FunctionCall<'_>, at: Timestamp) -> Open {
        let request = Value::map([
            ("function", call.oid.into()),
            ("params", request::arguments(call.args, call.formats)),
        ]);
        self.open(Kind::Function(call.result), at, request)
    }

    /// The exchange of a portal; none where it was run to its end before.
    fn open_portal(&mut self, name: &[u8], limit: i32, at: Timestamp) -> Option<Open> {
        let Some(portal) = self.portals.get_mut(name) else {
            let mut open = self.open(Kind::Execute, at, Value::Map(Vec::new()));
            open.undecodable("its portal was made before the recording began, or long ago");
            return Some(open);
        };
        if portal.run == Run::Done {
            return None;
        }
        portal.run = Run::Begun;
        if let Some(mut open) = portal.open.take() {
            self.suspended = self.suspended.saturating_sub(open.size());
            let result = open.result();
            result.batch = 0;
            result.suspended = false;
            return Some(*open);
        }
        let statement = Arc::clone(&portal.statement);
        let mut request = std::mem::take(&mut portal.request);
        if limit > 0 {
            // Taken out again where the portal is never suspended.
            request.push("rows_limit", limit.into());
        }
        let (at, flaw) = (portal.at, portal.flaw.clone());
        let (shape, formats) = match (&portal.shape, statement.shape.get()) {
            (Some(shape), _) => (Some(Arc::clone(shape)), None),
            (None, Some(shape)) => (Some(Arc::clone(shape)), Some(portal.formats.clone())),
            (None, None) => (None, None),
        };
        let mut open = self.open(Kind::Execute, at, request);
        open.meaning = statement.meaning;
        open.trace = statement.trace.clone();
        open.flaw = flaw;
        open.formats = formats;
        if let Some(shape) = shape {
            open.columns(shape);
        }
        Some(open)
    }

    /// The current exchange is answered. It is held until the end of its group of messages.
    pub(super) fn complete(&mut self, at: Timestamp) {
        let queued = self.pop();
        if let Some(queued) = queued
            && let Ok(Frontend::Execute { portal, .. }) = Frontend::parse(queued.tag, &queued.body)
            && let Some(portal) = self.portals.get_mut(portal)
        {
            portal.run = Run::Done;
        }
        if let Some(open) = self.current.take() {
            self.let_go();
            self.held = Some((open, at));
        }
    }

    /// The portal at the front gave as many rows as it was asked for.
    fn suspend(&mut self) {
        let (Some(queued), Some(mut open)) = (self.pop(), self.current.take()) else {
            return;
        };
        let result = open.result();
        result.suspended = true;
        result.was_suspended = true;
        if let Ok(Frontend::Execute { portal, .. }) = Frontend::parse(queued.tag, &queued.body)
            && let Some(portal) = self.portals.get_mut(portal)
        {
            if self.suspended.saturating_add(open.size()) > MAX_EXCHANGE {
                open.too_large(0);
            }
            self.suspended += open.size();
            portal.open = Some(Box::new(open));
        } else {
            self.give(open, queued.at);
        }
    }
}
