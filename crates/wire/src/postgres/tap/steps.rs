//! The steps on the way to running something: Parse, Bind, Describe, Close.

use std::sync::Arc;

use bytes::Bytes;
use retake_model::{Flaw, Timestamp};

use super::exchange::Kind;
use super::request::{Asked, Portal, Queued, Run, Statement};
use super::session::{OutOfStep, Session};
use crate::postgres::meaning::Meaning;
use crate::postgres::message::{Backend, Bind, Frontend, Parse, Target};

impl Session {
    /// An answer to a step on the way to running something.
    pub(super) fn answer_step(
        &mut self,
        tag: u8,
        message: Backend<'_>,
        body: &[u8],
        at: Timestamp,
    ) -> Result<(), OutOfStep> {
        match (self.front(), message) {
            (Some(b'P'), Backend::ParseComplete) => {
                if let Some(queued) = self.pop() {
                    self.parsed(queued)?;
                }
                Ok(())
            }
            (Some(b'B'), Backend::BindComplete) => {
                if let Some(queued) = self.pop() {
                    self.bound(queued, at)?;
                }
                Ok(())
            }
            (Some(b'C'), Backend::CloseComplete) => {
                if let Some(queued) = self.pop() {
                    self.closed(&queued, at)?;
                }
                Ok(())
            }
            (Some(b'D'), Backend::ParameterDescription(_)) => {
                if let Some(statement) = self.described_statement()? {
                    // Told again: the same.
                    statement.told.get_or_init(|| Bytes::copy_from_slice(body));
                }
                Ok(())
            }
            (Some(b'D'), Backend::RowDescription(_)) => self.described(Some(body), at),
            (Some(b'D'), Backend::NoData) => self.described(None, at),
            _ => Err(self.unexpected(tag)),
        }
    }

    /// The statement that the Describe at the front speaks of.
    fn described_statement(&self) -> Result<Option<&Arc<Statement>>, OutOfStep> {
        let Some(queued) = self.queue.front() else {
            return Ok(None);
        };
        match Frontend::parse(queued.tag, &queued.body)? {
            Frontend::Describe(Target::Statement(name)) => Ok(self.statements.get(name)),
            _ => Ok(None),
        }
    }

    /// What a statement or portal gives was told: the body of a RowDescription, or nothing.
    fn described(&mut self, columns: Option<&[u8]>, at: Timestamp) -> Result<(), OutOfStep> {
        let Some(queued) = self.pop() else {
            return Ok(());
        };
        match Frontend::parse(queued.tag, &queued.body)? {
            Frontend::Describe(Target::Statement(name)) => {
                let statement = self.statement(name);
                if let Some(columns) = columns {
                    // Told again: the same.
                    statement
                        .columns
                        .get_or_init(|| Bytes::copy_from_slice(columns));
                }
                let began = self.began(&statement, queued.at);
                self.fresh = None;
                self.describe(&statement, columns, began, at);
            }
            Frontend::Describe(Target::Portal(name)) => {
                let Some(columns) = columns else {
                    return Ok(());
                };
                if let Some(portal) = self.portals.get_mut(name) {
                    let known = portal.statement.columns.get();
                    let told = match known.filter(|known| **known == columns) {
                        Some(known) => known.clone(),
                        None => Bytes::copy_from_slice(columns),
                    };
                    portal.statement.columns.get_or_init(|| told.clone());
                    portal.columns = Some(told);
                } else if let Some(declaration) = self.cursors.get(name).cloned() {
                    self.describe(&declaration, Some(columns), queued.at, at);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The exchange of a statement that was described.
    fn describe(
        &mut self,
        statement: &Arc<Statement>,
        columns: Option<&[u8]>,
        began: Timestamp,
        at: Timestamp,
    ) {
        let mut open = self.open(Kind::Describe, began, Asked::describe(statement));
        open.meaning = Some(Meaning::Session);
        open.trace = statement.trace();
        open.flaw = statement.flaw.clone();
        if let Some(types) = statement.told.get() {
            open.say(b't', types);
        }
        match columns {
            Some(columns) => open.columns(b'T', columns),
            None => open.say(b'n', &[]),
        }
        self.give(open, at);
    }

    /// A statement was prepared.
    pub(super) fn parsed(&mut self, queued: Queued) -> Result<(), OutOfStep> {
        let cost = queued.cost;
        let (name, statement) = match queued.flaw() {
            None => {
                let body = Bytes::from(queued.body);
                let parse = Parse::read(&body)?;
                let statement = Statement::new(&parse, body.clone(), queued.at);
                (Bytes::copy_from_slice(parse.name), statement)
            }
            // The name of one whose text is too long to be held is not known either.
            Some(flaw) => (Bytes::new(), Statement::unknown(flaw)),
        };
        let statement = Arc::new(statement);
        self.fresh = Some(Arc::clone(&statement));
        self.statements.set(&name, statement, cost);
        Ok(())
    }

    /// A portal was made.
    pub(super) fn bound(&mut self, queued: Queued, at: Timestamp) -> Result<(), OutOfStep> {
        let cost = queued.cost;
        let gone = match queued.flaw() {
            None => {
                let bind = Bind::read(&queued.body)?;
                let statement = self.statement(bind.statement);
                let began = self.began(&statement, queued.at);
                let portal = Portal::new(&bind, statement, began);
                self.portals.set(bind.portal, portal, cost)
            }
            // The name is not known either; it is nearly always this.
            Some(flaw) => {
                let statement = Arc::new(Statement::unknown(flaw));
                let portal = Portal::unknown(statement, queued.at);
                self.portals.set(b"", portal, cost)
            }
        };
        for gone in gone {
            self.end_portal(gone, at);
        }
        Ok(())
    }

    /// A statement or portal was closed.
    fn closed(&mut self, queued: &Queued, at: Timestamp) -> Result<(), OutOfStep> {
        match Frontend::parse(queued.tag, &queued.body)? {
            Frontend::Close(Target::Statement(name)) => {
                self.statements.remove(name);
            }
            Frontend::Close(Target::Portal(name)) => self.drop_portal(name, at),
            _ => {}
        }
        Ok(())
    }

    /// The statement of that name; one that cannot be read where it is not known.
    pub(super) fn statement(&self, name: &[u8]) -> Arc<Statement> {
        match self.statements.get(name) {
            Some(statement) => Arc::clone(statement),
            None => Arc::new(Statement::unknown(Flaw::Undecodable(
                "its statement was prepared before the recording began, or long ago".to_owned(),
            ))),
        }
    }

    /// When a request began: with its Parse, where that came in the same group of messages.
    fn began(&self, statement: &Arc<Statement>, at: Timestamp) -> Timestamp {
        match &self.fresh {
            Some(fresh) if Arc::ptr_eq(fresh, statement) => statement.at.min(at),
            _ => at,
        }
    }

    /// Forgets the portal of that name.
    pub(super) fn drop_portal(&mut self, name: &[u8], at: Timestamp) {
        if let Some(portal) = self.portals.remove(name) {
            self.end_portal(portal, at);
        }
    }

    /// A portal is gone. What it gave, if it was never read to its end, is an exchange now; if it
    /// was described and never run, that is one.
    pub(super) fn end_portal(&mut self, portal: Portal, at: Timestamp) {
        if let Some((open, answered)) = portal.open {
            self.suspended = self.suspended.saturating_sub(open.size());
            self.give(*open, answered);
        } else if let (Run::Not, Some(columns)) = (portal.run, portal.columns) {
            self.describe(&portal.statement, Some(&columns), portal.at, at);
        }
    }
}
