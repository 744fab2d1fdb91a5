//! The first bytes of a client: whether TLS begins, and what a protocol asks for before anything
//! else. They wait here until it is known what becomes of them.

use retake_model::{Chunk, Side, Timestamp};
use retake_wire::Preface;

use super::{Session, Turn};
use crate::record::RelayEvent;
use crate::record::tls::{Start, Way};
use crate::said::host_of;
use crate::tls::begins_tls;

/// Why the service's own TLS is not read, for the ledger.
pub(in crate::record) const UNOPENED: &str = "TLS that is not looked into";

/// The same for people.
const UNOPENED_NOTE: &str = "clients of the service speak TLS, which was not looked into, as they \
    know its certificate (hint: --cert FILE --key FILE, the service's own files, record it and \
    change nothing for its clients; --tls shows them a certificate of `retake ca`)";

impl Session {
    pub(super) fn preface(&mut self, at: Timestamp, turn: &mut Turn<'_>) {
        while !self.held.is_empty() && self.asked.is_none() {
            if self.fresh {
                match (self.way, begins_tls(&self.held)) {
                    (Way::Unopened, Some(true)) => return self.leave_unopened(at, turn),
                    (Way::Upstream, _) | (_, Some(true)) => {
                        self.leaves = Some(Start::Now);
                        return;
                    }
                    (_, None) => return,
                    (_, Some(false)) => self.fresh = false,
                }
            }
            match self
                .reader
                .preface(&self.held, &self.info, &mut turn.findings)
            {
                Preface::NeedMore => return,
                Preface::Decline {
                    bytes,
                    agreed: Some(agreed),
                    ..
                } if !matches!(self.way, Way::Off | Way::Unopened) && bytes > 0 => {
                    self.ask(bytes, agreed);
                }
                Preface::Decline { bytes, reply, .. } => {
                    self.held.drain(..bytes.min(self.held.len()));
                    self.client.send(reply);
                    if bytes == 0 {
                        return;
                    }
                }
                Preface::Pass => self.release(at, turn),
            }
        }
    }

    /// Passes on TLS that nobody said is to be looked into.
    fn leave_unopened(&mut self, at: Timestamp, turn: &mut Turn<'_>) {
        self.fresh = false;
        self.reader
            .give_up(at, UNOPENED, String::new(), &mut turn.findings);
        turn.findings.push(RelayEvent::Note {
            conn: self.info.id,
            at,
            text: UNOPENED_NOTE.to_owned(),
        });
        self.release(at, turn);
    }

    /// Asks the server what could have been declined.
    fn ask(&mut self, bytes: usize, agreed: &'static [u8]) {
        self.reader.asked_the_server();
        // The client may begin TLS behind its question.
        self.fresh = true;
        let rest = self.held.split_off(bytes.min(self.held.len()));
        let question = std::mem::replace(&mut self.held, rest);
        self.server.send(&question);
        if agreed.is_empty() {
            self.leaves = Some(Start::Agreed { question, agreed });
        } else {
            self.asked = Some((question, agreed));
        }
    }

    /// The server answered, with the first `n` bytes of the buffer.
    pub(super) fn answered(
        &mut self,
        (question, agreed): (Vec<u8>, &'static [u8]),
        n: usize,
        at: Timestamp,
        turn: &mut Turn<'_>,
    ) {
        let answer = turn.buffer.get(..n).unwrap_or_default();
        if answer == agreed {
            self.leaves = Some(Start::Agreed { question, agreed });
            return;
        }
        self.client.send(answer);
        self.preface(at, turn);
    }

    /// A client that ends before its first message is whole: what it sent is passed on.
    pub(super) fn pass_held(&mut self, from: Side, turn: &mut Turn<'_>) {
        if from == Side::Client && !self.held.is_empty() {
            self.release(turn.clock.now(), turn);
        }
    }

    fn release(&mut self, at: Timestamp, turn: &mut Turn<'_>) {
        self.has_spoken = self.renaming.is_some();
        if self.has_spoken {
            self.host = host_of(&self.held).map(str::to_owned);
        }
        let held = std::mem::take(&mut self.held);
        self.server.send(&held);
        let chunk = Chunk {
            at,
            side: Side::Client,
            bytes: &held,
        };
        self.reader.feed(&chunk, &self.info, &mut turn.findings);
    }
}
