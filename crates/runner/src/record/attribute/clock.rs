//! What the service asks by its clock, and of whom the beginning and the end of a transaction is.

use std::collections::HashMap;
use std::sync::Arc;

use retake_compare::matching::{Idle, Key, LATE, Recurring};
use retake_model::{Attribution, ConnId, Scope, Timestamp};

use super::placed::Unplaced;
use super::{Attributor, OutboundCall, Step};

/// How many requests of the start, and how many open transactions, are remembered.
const MAX: usize = 10_000;

/// The shortest pause of a clock, in nanoseconds: what comes faster warms something up.
const SHORTEST_PAUSE: u64 = 100_000_000;

/// What is known of the clock.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// When each request of the start was made last, and the pause before it.
    start: HashMap<(Arc<str>, Key), (Timestamp, Option<u64>)>,
    /// The scope of the calls of a transaction that is no test's.
    transactions: HashMap<u64, Scope>,
}

impl Clock {
    /// A request before the first one of a client. The same read three times in even pauses is
    /// asked by the clock: what warms up is asked once, or many times at once.
    pub(super) fn at_start(&mut self, recurring: &Recurring, at: Timestamp, idle: &mut Idle) {
        if !recurring.plain || self.start.len() >= MAX {
            return;
        }
        let last = self.start.get(&recurring.key).copied();
        let pause = last.map(|(last, _)| at.since(last));
        if let (Some(pause), Some((_, Some(before)))) = (pause, last)
            && pause >= SHORTEST_PAUSE
            && pause.abs_diff(before) <= before / 4
        {
            idle.saw(recurring, 1);
        }
        self.start.insert(recurring.key.clone(), (at, pause));
    }

    fn mark(&mut self, transaction: Option<u64>, scope: Scope) -> Option<Scope> {
        if self.transactions.len() >= MAX {
            self.transactions.clear();
        }
        self.transactions.insert(transaction?, scope);
        Some(scope)
    }
}

impl Attributor {
    /// When a call was made: the beginning of a transaction with the first statement in it.
    pub(super) fn when(&self, call: &OutboundCall) -> Timestamp {
        let next = match call.step {
            Step::Begins => self.next_on(call.exchange.conn),
            Step::Within | Step::Ends => None,
        };
        next.map_or(call.exchange.began, |next| next.exchange.began)
    }

    /// Keeps a call with the request that its transaction is of: an end although another request may
    /// have begun, since frameworks end it once the response is on its way. Gives the call back where
    /// that is not known, or was long ago.
    pub(super) fn keep_with_owner(&mut self, call: Unplaced) -> Option<Unplaced> {
        let Some(owner) = self.transactions.owner(call.transaction) else {
            return Some(call);
        };
        let conn = call.call.exchange.conn;
        let as_before = |calls: &[super::PlacedCall]| {
            let before = calls
                .iter()
                .rfind(|placed| placed.call.exchange.conn == conn);
            match before.map(|placed| placed.by) {
                Some(by) if by.is_shared() => Attribution::Transaction,
                Some(by @ (Attribution::Process | Attribution::Connection)) => by,
                _ => Attribution::Alone,
            }
        };
        if let Some(by) = self.open.get(&owner).map(|open| as_before(&open.calls)) {
            self.attach_open(owner, call, by);
            return None;
        }
        let began = call.call.exchange.began;
        let just_ended = |at: &usize| {
            let waiting = self.ended.get(*at);
            waiting.is_some_and(|waiting| began.since(waiting.exchange.ended) <= LATE)
        };
        let Some(at) = self.ended.place_of(owner).filter(just_ended) else {
            return Some(call);
        };
        let by = self.ended.get(at).map(|waiting| as_before(&waiting.calls));
        self.attach(at, call, by.unwrap_or(Attribution::Alone));
        None
    }

    /// The next call on a connection that is not of the session.
    pub(super) fn next_on(&self, conn: ConnId) -> Option<&OutboundCall> {
        let in_session = |scope| matches!(scope, Some(Scope::Session | Scope::Connection));
        let mut calls = self.calls.iter();
        calls.find(|c| c.exchange.conn == conn && !in_session(c.exchange.scope))
    }

    /// The scope of a call that is no test's: what the clock asks, with the whole transaction that
    /// begins with it; and a transaction that has nothing in it, as pools make to see whether a
    /// connection is alive.
    pub(super) fn of_no_test(
        &mut self,
        call: &OutboundCall,
        transaction: Option<u64>,
    ) -> Option<Scope> {
        let marked = transaction.and_then(|t| self.clock.transactions.get(&t).copied());
        match call.step {
            Step::Begins => {
                let next = self.next_on(call.exchange.conn)?;
                match next.step {
                    Step::Ends => self.clock.mark(transaction, Scope::Session),
                    Step::Within if self.idle.has(&next.recurring) => {
                        self.clock.mark(transaction, Scope::Background)
                    }
                    _ => None,
                }
            }
            Step::Within => marked.or_else(|| {
                let by_clock = self.idle.has(&call.recurring);
                by_clock.then_some(Scope::Background)
            }),
            Step::Ends => {
                if let Some(transaction) = transaction {
                    self.clock.transactions.remove(&transaction);
                }
                marked
            }
        }
    }
}
