//! Transactions of the candidate: they are of whoever what stands in them is of.

use std::collections::HashMap;
use std::sync::Arc;

use retake_model::{Answer, Call, ConnId, TestSet, Value};

use super::{MockSet, mock};
use crate::matching::key::{Key, request_key_by};
use crate::matching::pool::Origin;
use crate::matching::running::RulesOf;
use crate::matching::search::{Look, Owners, Source};
use crate::matching::transaction::{Step, step};
use crate::sql::Statements;

/// The open transactions of the candidate.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    open: HashMap<ConnId, Open>,
    /// The number of the latest transaction of each connection.
    numbers: HashMap<ConnId, u64>,
    count: u64,
    /// How transactions were recorded to begin; read when the first one begins.
    begins: Option<HashMap<(Arc<str>, Key), Origin>>,
}

/// A transaction of the candidate.
#[derive(Debug)]
pub(super) enum Open {
    /// It has nothing in it yet: the call that began it was answered, and is noted nowhere.
    Begun(Box<Call>),
    /// What stands in it is of that test, by its set and its number; whether nothing answered some
    /// of it.
    Of((usize, usize), bool),
    /// It is of no test.
    Outside,
}

impl MockSet {
    /// Answers the beginning of a transaction, which is noted with whoever its first statement is
    /// of. None where no transaction was recorded to begin so.
    pub(super) fn begin_transaction(&mut self, call: &Call) -> Option<Answer> {
        let rules = (self.rules.0)(call.protocol);
        let begins = self
            .transactions
            .begins
            .get_or_insert_with(|| begins(&self.sets, &self.rules, &mut self.statements));
        let key = request_key_by(&call.request, rules, &mut self.statements);
        let recorded = mock(&self.sets, *begins.get(&(call.to.clone(), key))?)?;
        let answer = Answer::Serve(Arc::new(recorded.response.clone()));
        let begun = Open::Begun(Box::new(call.clone()));
        let transactions = &mut self.transactions;
        transactions.open.insert(call.conn, begun);
        transactions.count += 1;
        transactions.numbers.insert(call.conn, transactions.count);
        Some(answer)
    }

    /// The number of the transaction that a call is part of; none outside of them.
    pub(super) fn transaction_of(&self, call: &Call) -> Option<u64> {
        let Transactions { open, numbers, .. } = &self.transactions;
        let is_in = step(&call.request) != Step::Within || open.contains_key(&call.conn);
        is_in.then(|| numbers.get(&call.conn).copied()).flatten()
    }

    /// The transaction that ends on this connection.
    pub(super) fn end_transaction(&mut self, conn: ConnId) -> Option<Open> {
        self.transactions.open.remove(&conn)
    }

    /// Of whom the end of a transaction is.
    pub(super) fn owners_of(&self, open: &Open, owners: &Owners) -> Option<Owners> {
        let Open::Of(test, _) = open else {
            return None;
        };
        let is_it = |r: &crate::matching::running::Running| (r.set, r.number) == *test;
        Some(owners.only(self.running.iter().position(is_it)?))
    }

    /// A statement was found there: the transaction around it is of the same test.
    pub(super) fn in_transaction(&mut self, call: &Call, owners: &Owners, source: Option<Source>) {
        let Some(open) = self.transactions.open.get(&call.conn) else {
            return;
        };
        let missed = source.is_none() || matches!(open, Open::Of(_, true));
        let at = match source {
            // What looks whether the connection is alive says nothing.
            Some(Source::Session) => return,
            // Jobs ask that, too.
            Some(Source::Background | Source::Startup) if matches!(open, Open::Of(..)) => return,
            Some(Source::Background | Source::Startup) => None,
            Some(Source::Test(at) | Source::Crowd(at)) => Some(at),
            None => owners.first(),
        };
        let running = at.and_then(|at| self.running.get(at));
        let whose = running.map_or(Open::Outside, |r| Open::Of((r.set, r.number), missed));
        if let Some(Open::Begun(begun)) = self.transactions.open.insert(call.conn, whose) {
            let rules = (self.rules.0)(begun.protocol);
            let look = match (at, source) {
                // Nothing answers what stands in it: it takes nothing of another test.
                (Some(_), None) => Look::Kept,
                (Some(_), Some(_)) => Look::Tests,
                (None, _) => Look::Outside,
            };
            let owners = at.map_or_else(|| owners.clone(), |at| owners.only(at));
            self.answer(*begun, rules, false, &owners, look);
        }
    }
}

/// Where each beginning of a transaction was recorded first.
fn begins(
    sets: &[Arc<TestSet>],
    rules: &RulesOf,
    statements: &mut Statements,
) -> HashMap<(Arc<str>, Key), Origin> {
    let mut first = HashMap::new();
    for (set, tests) in sets.iter().enumerate() {
        let of_tests = tests.tests.iter().enumerate().flat_map(|(test, case)| {
            let calls = case.calls.iter().enumerate();
            calls.map(move |(index, mock)| (Some(test), index, mock))
        });
        let shared = tests.shared.iter().enumerate();
        let shared = shared.map(|(index, mock)| (None, index, mock));
        for (test, index, mock) in of_tests.chain(shared) {
            let worked = mock.response.get("error").is_none();
            if worked && is_begin(&mock.request) {
                let key = request_key_by(&mock.request, rules.of(mock), statements);
                let origin = Origin { set, test, index };
                first.entry((mock.to.clone(), key)).or_insert(origin);
            }
        }
    }
    first
}

fn is_begin(request: &Value) -> bool {
    step(request) == Step::Begins
}
