//! Which transaction each call is part of, and whose those are.

use std::collections::{HashMap, HashSet};

use retake_compare::matching::Step;
use retake_model::ConnId;

use super::OutboundCall;
use super::evidence::Request;

/// How many transactions are remembered whose owner is known.
const TRANSACTIONS: usize = 20_000;

/// Which transaction each call is part of, and whose those are.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// For each connection, the number of its open transaction.
    open: HashMap<ConnId, u64>,
    owners: HashMap<u64, Request>,
    /// The numbers of connections that are of one request with all their calls.
    whole: HashMap<ConnId, u64>,
    /// Whose the last call was that was decided on each connection.
    last: HashMap<ConnId, Request>,
    /// Those that began after a response, or of which the first call was in doubt.
    in_doubt: HashSet<u64>,
    count: u64,
}

impl Transactions {
    /// The transaction that a call is part of. Calls of one connection come in their order.
    pub(super) fn of(&mut self, call: &OutboundCall) -> Option<u64> {
        let conn = call.exchange.conn;
        match call.step {
            Step::Begins => {
                self.count += 1;
                self.open.insert(conn, self.count);
                Some(self.count)
            }
            Step::Within => self.open.get(&conn).copied(),
            Step::Ends => self.open.remove(&conn),
        }
    }

    /// The number for all calls of a connection that served one request.
    pub(super) fn on(&mut self, conn: ConnId) -> u64 {
        if self.whole.len() >= TRANSACTIONS {
            self.whole.clear();
        }
        let next = self.count + 1;
        let number = *self.whole.entry(conn).or_insert(next);
        self.count = self.count.max(number);
        number
    }

    /// One of its calls is that request's.
    pub(super) fn owned(&mut self, transaction: Option<u64>, by: Request) {
        if let Some(transaction) = transaction {
            if self.owners.len() >= TRANSACTIONS {
                self.owners.clear();
            }
            self.owners.insert(transaction, by);
        }
    }

    /// The last call on a connection, as far as it was decided, is that request's.
    pub(super) fn had(&mut self, conn: ConnId, by: Request) {
        if self.last.len() >= TRANSACTIONS {
            self.last.clear();
        }
        self.last.insert(conn, by);
    }

    /// Whose it is.
    pub(super) fn last_on(&self, conn: ConnId) -> Option<Request> {
        self.last.get(&conn).copied()
    }

    /// Its first call was made after a response, or is in doubt: so is all of it.
    pub(super) fn doubt(&mut self, transaction: Option<u64>) {
        let Some(transaction) = transaction else {
            return;
        };
        if self.in_doubt.len() >= TRANSACTIONS {
            self.in_doubt.clear();
        }
        self.in_doubt.insert(transaction);
    }

    /// Whose it was found to be does not hold.
    pub(super) fn disown(&mut self, transaction: Option<u64>) {
        if let Some(transaction) = transaction {
            self.owners.remove(&transaction);
        }
    }

    /// Whether it began in doubt.
    pub(super) fn is_in_doubt(&self, transaction: Option<u64>) -> bool {
        transaction.is_some_and(|number| self.in_doubt.contains(&number))
    }

    /// Whose a transaction is, where one of its calls told.
    pub(super) fn owner(&self, transaction: Option<u64>) -> Option<Request> {
        self.owners.get(&transaction?).copied()
    }
}
