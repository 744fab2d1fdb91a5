//! What is run: queries, portals, function calls.

use std::sync::Arc;

use bytes::Bytes;
use retake_model::{Flaw, Timestamp};

use super::MAX_EXCHANGE;
use super::exchange::{Kind, Open};
use super::log;
use super::request::{Asked, Run, Statement, limit};
use super::session::{OutOfStep, Session};
use crate::postgres::meaning::Meaning;
use crate::postgres::message::{Backend, Frontend};
use crate::postgres::responder::meaning::{cursors, executed, prepared};

impl Session {
    /// An answer to something that is run.
    pub(super) fn answer_run(
        &mut self,
        tag: u8,
        message: Backend<'_>,
        body: &[u8],
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
                open.row(values, body);
                return Ok(());
            }
            Backend::RowDescription(_) => {
                open.columns(tag, body);
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
            Backend::CommandComplete(done) => {
                open.done(tag, body);
                match done {
                    b"DECLARE CURSOR" => self.declare(at),
                    b"PREPARE" => self.prepare(at),
                    _ => {}
                }
            }
            Backend::EmptyQueryResponse => {
                open.done(tag, body);
            }
            Backend::FunctionCallResponse(_) => {
                let Kind::Function(_) = open.kind else {
                    return Err(self.unexpected(tag));
                };
                open.done(tag, body);
                return Ok(());
            }
            Backend::PortalSuspended if extended => {
                self.suspend(at);
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
        let sql = self.current.as_ref().and_then(|open| open.asked.sql());
        for (name, declaration) in cursors(sql.unwrap_or_default()) {
            let statement = Arc::new(Statement::of_sql(declaration, at));
            self.cursors
                .set(name.as_bytes(), statement, declaration.len());
        }
    }

    /// A statement was prepared by SQL.
    fn prepare(&mut self, at: Timestamp) {
        let sql = self.current.as_ref().and_then(|open| open.asked.sql());
        if let Some((name, text)) = sql.and_then(prepared) {
            let statement = Arc::new(Statement::of_sql(text, at));
            let cost = text.len();
            self.statements.set(name.as_bytes(), statement, cost);
        }
    }

    /// Puts the text of the prepared statement that SQL runs by its name beside it.
    fn note_prepared(&self, open: &mut Open) {
        let name = open.asked.sql().and_then(executed);
        if let Some(name) = name
            && let Some(statement) = self.statements.get(name.as_bytes())
            && statement.flaw.is_none()
            && !open.prepared
        {
            open.note(log::PREPARED, statement.sql());
            open.prepared = true;
        }
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
        let Some(mut queued) = self.queue.pop_front() else {
            return;
        };
        let at = queued.at;
        let mut open = match Frontend::parse(queued.tag, &queued.body) {
            Ok(Frontend::Query(_)) if queued.too_long.is_none() => {
                let body = Bytes::from(std::mem::take(&mut queued.body));
                Some(self.open(Kind::Simple, at, Asked::Query(body)))
            }
            Ok(Frontend::FunctionCall(call)) => {
                let kind = Kind::Function(call.result);
                let body = Bytes::from(std::mem::take(&mut queued.body));
                let mut open = self.open(kind, at, Asked::Call(body));
                open.meaning = Some(Meaning::Ordinary);
                Some(open)
            }
            Ok(Frontend::Execute { portal, limit }) => self.open_portal(portal, limit, at),
            _ => {
                let mut open = self.open(Kind::Simple, at, Asked::nothing());
                open.meaning = Some(Meaning::Ordinary);
                open.flaw = queued
                    .flaw()
                    .or_else(|| Some(Flaw::Undecodable("the request is malformed".to_owned())));
                Some(open)
            }
        };
        self.queue.push_front(queued);
        if let Some(open) = &mut open {
            self.note_prepared(open);
            self.let_go();
        }
        self.current = open;
    }

    /// The exchange of a portal; none where it was run to its end before.
    fn open_portal(&mut self, name: &[u8], rows: i32, at: Timestamp) -> Option<Open> {
        let Some(portal) = self.portals.get_mut(name) else {
            let mut open = self.open(Kind::Execute, at, Asked::nothing());
            open.meaning = Some(Meaning::Ordinary);
            open.undecodable("its portal was made before the recording began, or long ago");
            return Some(open);
        };
        if portal.run == Run::Done {
            return None;
        }
        portal.run = Run::Begun;
        if let Some((mut open, _)) = portal.open.take() {
            self.suspended = self.suspended.saturating_sub(open.size());
            open.say(log::RESUMED, &[]);
            return Some(*open);
        }
        let asked = portal.asked();
        let statement = Arc::clone(&portal.statement);
        let (at, flaw) = (portal.at, portal.flaw.clone());
        let columns = match (&portal.columns, statement.columns.get()) {
            (Some(columns), _) => Some((b'T', columns.clone())),
            (None, Some(columns)) => Some((log::COLUMNS, columns.clone())),
            (None, None) => None,
        };
        let mut open = self.open(Kind::Execute, at, asked);
        open.meaning = statement.meaning;
        if let Asked::Tree(_) = open.asked {
            // Its statement does not go with it.
            open.meaning = Some(statement.meaning());
            open.trace = statement.trace();
        }
        open.flaw = flaw;
        limit(&mut open, rows);
        if let Some((tag, columns)) = columns {
            open.columns(tag, &columns);
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
    fn suspend(&mut self, at: Timestamp) {
        let (Some(queued), Some(mut open)) = (self.pop(), self.current.take()) else {
            return;
        };
        open.say(b's', &[]);
        if let Ok(Frontend::Execute { portal, .. }) = Frontend::parse(queued.tag, &queued.body)
            && let Some(portal) = self.portals.get_mut(portal)
        {
            if self.suspended.saturating_add(open.size()) > MAX_EXCHANGE {
                open.too_large(0);
            }
            self.suspended += open.size();
            portal.open = Some((Box::new(open), at));
        } else {
            self.give(open, at);
        }
    }
}
