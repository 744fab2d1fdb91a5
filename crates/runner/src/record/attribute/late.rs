//! What a service still does after it answered, found while another request is open.
//!
//! A call that begins while one request is open is that one's, unless its like was seen after a
//! response while none was open: then the requests that were answered shortly before may own it as
//! well, and what is known of them decides (`doubt`). Where nothing of the kind was seen nothing is
//! in doubt.

use std::collections::HashSet;

use retake_compare::sql::Statements;
use retake_model::{Attribution, Timestamp};

use super::evidence::Request;
use super::facts::Question;
use super::placed::Unplaced;
use super::{Attributor, OutboundCall, PlacedCall, Step};

impl Attributor {
    /// A call was made while no request was open. If one was answered shortly before, what is like the
    /// call is in doubt from now on, and so is what of that was found to be of the one open request
    /// and can still be moved.
    pub(super) fn saw_late(&mut self, call: &mut Unplaced, at: Timestamp, process: Option<u32>) {
        if self.answered_before(at, process).next().is_none() {
            return;
        }
        self.transactions.doubt(call.transaction);
        if call.call.step != Step::Within {
            return;
        }
        let question = call.question.take();
        call.question =
            question.or_else(|| Question::of(&call.call.exchange, &mut self.statements));
        let Some(question) = &call.question else {
            return;
        };
        self.habits.saw(question);
        if self.habits.saw_late(question) {
            self.doubt_again();
        }
    }

    /// Whether a call of the one open request may be what an earlier one left to be done.
    pub(super) fn may_be_late(
        &mut self,
        call: &mut Unplaced,
        at: Timestamp,
        process: Option<u32>,
    ) -> bool {
        if !self.habits.anything_late() || self.answered_before(at, process).next().is_none() {
            return false;
        }
        let question = match call.call.step {
            Step::Begins => {
                let next = self.next_on(call.call.exchange.conn);
                next.and_then(|next| Question::of(&next.exchange, &mut Statements::default()))
            }
            Step::Within => {
                call.question = Question::of(&call.call.exchange, &mut self.statements);
                call.question.clone()
            }
            Step::Ends => None,
        };
        let is_late = self.transactions.is_in_doubt(call.transaction)
            || question.is_some_and(|question| self.habits.comes_late(&question));
        if is_late && call.call.step == Step::Begins {
            self.transactions.doubt(call.transaction);
        }
        is_late
    }

    /// Takes back what is like a call that was made after a response, with its whole transaction.
    fn doubt_again(&mut self) {
        let (mut doubtful, mut statements) = (HashSet::new(), Statements::default());
        let open = self
            .open
            .iter()
            .map(|(request, open)| (*request, &open.calls));
        let ended = self
            .ended
            .iter()
            .map(|waiting| (waiting.request(), &waiting.calls));
        for (owner, calls) in open.chain(ended) {
            let is_it = |placed: &&PlacedCall| {
                let mut question = || Question::of(&placed.call.exchange, &mut statements);
                self.may_be_of_another(placed, owner)
                    && question().is_some_and(|question| self.habits.comes_late(&question))
            };
            doubtful.extend(calls.iter().filter(is_it).map(whole));
        }
        if doubtful.is_empty() {
            return;
        }
        let mut taken = self.take_out(|placed| doubtful.contains(&whole(placed)));
        taken.sort_by_key(|placed| (placed.call.exchange.began, placed.call.exchange.conn));
        for placed in taken {
            self.transactions.doubt(placed.transaction);
            self.transactions.disown(placed.transaction);
            self.doubt(Unplaced {
                call: placed.call,
                transaction: placed.transaction,
                question: placed.question,
                joined: false,
            });
        }
    }

    /// Whether a call was found to be of the one request that was open, and another one had been
    /// answered shortly before.
    fn may_be_of_another(&self, placed: &PlacedCall, owner: Request) -> bool {
        let at = placed.call.exchange.began;
        let process = self.processes.narrows(&placed.call);
        let mut before = self.answered_before(at, process);
        placed.by == Attribution::Alone && before.any(|waiting| waiting.request() != owner)
    }
}

/// What is of one request: the transaction, or the single call.
fn whole(placed: &PlacedCall) -> Result<u64, Request> {
    let call: &OutboundCall = &placed.call;
    placed
        .transaction
        .ok_or((call.exchange.conn, call.exchange.index))
}
