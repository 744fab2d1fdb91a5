//! What never got its own answer: what an error made the server pass over, and what was open
//! when the connection ended.

use std::sync::Arc;

use bytes::Bytes;
use retake_model::{Flaw, Timestamp};

use super::exchange::{Kind, Open};
use super::request::{Asked, Portal, Statement};
use super::session::Session;
use crate::postgres::message::{Bind, Frontend, Target};

impl Session {
    /// The server has passed over everything up to a Sync, because of an error. What failed
    /// before it was run is an exchange with that error.
    pub(super) fn pass_over(&mut self, at: Timestamp) {
        let error = self.failed.take().flatten();
        self.let_go();
        if let Some(error) = error
            && let Some(mut open) = self.blame()
        {
            open.error(&error);
            self.give(open, at);
        }
        while let Some(tag) = self.front() {
            if tag == b'S' {
                break;
            }
            self.drop_at(0);
        }
    }

    /// The exchange of what failed at the front of the queue, before it was run.
    fn blame(&mut self) -> Option<Open> {
        let queued = self.drop_at(0)?;
        let at = queued.at;
        if let Some(flaw) = queued.flaw() {
            let mut open = self.open(Kind::Execute, at, Asked::nothing());
            open.flaw = Some(flaw);
            return Some(open);
        }
        match Frontend::parse(queued.tag, &queued.body) {
            Ok(Frontend::Parse(parse)) => {
                let body = Bytes::copy_from_slice(&queued.body);
                let statement = Arc::new(Statement::new(&parse, body, at));
                let bind = self
                    .queue
                    .iter()
                    .take_while(|q| q.tag != b'S')
                    .filter(|q| q.tag == b'B')
                    .filter_map(|q| Bind::read(&q.body).ok())
                    .find(|bind| bind.statement == parse.name);
                let asked = match bind {
                    Some(bind) => Portal::new(&bind, Arc::clone(&statement), at).asked(),
                    None => Asked::describe(&statement),
                };
                Some(self.open_failed(&statement, asked, at))
            }
            Ok(Frontend::Bind(bind)) => {
                let statement = self.statement(bind.statement);
                let asked = Portal::new(&bind, Arc::clone(&statement), at).asked();
                Some(self.open_failed(&statement, asked, at))
            }
            Ok(Frontend::Describe(Target::Statement(name))) => {
                let statement = self.statement(name);
                let asked = Asked::describe(&statement);
                Some(self.open_failed(&statement, asked, at))
            }
            Ok(Frontend::Describe(Target::Portal(name))) => {
                let mut portal = self.portals.remove(name)?;
                let asked = portal.asked();
                Some(self.open_failed(&portal.statement, asked, portal.at))
            }
            _ => None,
        }
    }

    fn open_failed(&mut self, statement: &Statement, asked: Asked, at: Timestamp) -> Open {
        let mut open = self.open(Kind::Execute, at, asked);
        open.meaning = Some(statement.meaning());
        open.trace = statement.trace();
        open.flaw = statement.flaw.clone();
        open
    }

    /// The server's stream ended.
    pub(super) fn cut(&mut self, at: Timestamp) {
        self.abandon(at, &Flaw::Cut);
    }

    /// Nothing more can be read.
    pub(super) fn lost(&mut self, at: Timestamp) {
        let why = "its connection could not be read any further";
        self.abandon(at, &Flaw::Undecodable(why.to_owned()));
    }

    /// Ends everything that is open.
    fn abandon(&mut self, at: Timestamp, flaw: &Flaw) {
        // A client that says goodbye has all that it wanted.
        let over = self.terminated && *flaw == Flaw::Cut;
        let spoil = |open: &mut Open, spoilt: bool| {
            if spoilt && !open.has_error() {
                open.flaw.get_or_insert_with(|| flaw.clone());
            }
        };
        if let Some((open, _)) = &mut self.held {
            spoil(open, !over);
        }
        if self.failed.is_some() {
            self.pass_over(at);
        }
        self.let_go();
        if let Some(mut open) = self.current.take() {
            spoil(&mut open, true);
            self.give(open, at);
            self.pop();
        }
        while let Some(tag) = self.front() {
            if let b'Q' | b'F' | b'E' = tag {
                self.begin();
                if let Some(mut open) = self.current.take() {
                    spoil(&mut open, true);
                    self.give(open, at);
                }
            }
            if let Some(queued) = self.pop() {
                // What cannot be read leaves its name unknown, which says enough.
                let _ = match tag {
                    b'P' => self.parsed(queued),
                    b'B' => self.bound(queued, at),
                    _ => Ok(()),
                };
            }
        }
        for mut portal in self.portals.clear() {
            if let Some((open, _)) = &mut portal.open {
                spoil(open, !over);
            }
            self.end_portal(portal, at);
        }
    }
}
