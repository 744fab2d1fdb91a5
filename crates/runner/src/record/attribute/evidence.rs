//! Whose a call is that was made while several requests were open.
//!
//! Nothing here is certain, so what it finds is served to every test of that moment all the same;
//! it decides with which of them the call is kept, and whom its own answers go to first.

use std::collections::{HashMap, HashSet};

use retake_compare::matching::Step;
use retake_model::{Attribution, ConnId};

use super::OutboundCall;

/// A request, by its connection and its number on it.
pub(super) type Request = (ConnId, u64);

/// How many transactions are remembered whose owner is known.
const TRANSACTIONS: usize = 20_000;

/// Which transaction each call is part of, and whose those are.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// For each connection, the number of its open transaction.
    open: HashMap<ConnId, u64>,
    owners: HashMap<u64, Request>,
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

    /// One of its calls is that request's.
    pub(super) fn owned(&mut self, transaction: Option<u64>, by: Request) {
        if let Some(transaction) = transaction {
            if self.owners.len() >= TRANSACTIONS {
                self.owners.clear();
            }
            self.owners.insert(transaction, by);
        }
    }

    /// Whose a transaction is, where one of its calls told.
    pub(super) fn owner(&self, transaction: Option<u64>) -> Option<Request> {
        self.owners.get(&transaction?).copied()
    }
}

/// A call that may be of several requests.
#[derive(Debug)]
pub(super) struct Doubtful {
    pub(super) call: OutboundCall,
    pub(super) transaction: Option<u64>,
}

/// Whose of its candidates each call is, with the values in it, and what tells it; `values` has
/// those of the requests. A value tells where it stands in one candidate alone; where two values disagree, nothing is
/// told. The calls of one transaction are of one request.
pub(super) fn decide(
    calls: &[(Doubtful, HashSet<String>, Vec<Request>)],
    values: &HashMap<Request, HashSet<String>>,
    transactions: &mut Transactions,
) -> Vec<Option<(Request, Attribution)>> {
    let by_values: Vec<Option<Request>> = calls
        .iter()
        .map(|(_, own, candidates)| one_of(own, candidates, values))
        .collect();
    let mut told: HashMap<u64, HashSet<Request>> = HashMap::new();
    for ((doubtful, _, _), found) in calls.iter().zip(&by_values) {
        if let (Some(transaction), Some(found)) = (doubtful.transaction, found) {
            told.entry(transaction).or_default().insert(*found);
        }
    }
    for (transaction, found) in &told {
        if let (1, Some(only)) = (found.len(), found.iter().next())
            && transactions.owner(Some(*transaction)).is_none()
        {
            transactions.owned(Some(*transaction), *only);
        }
    }
    let whose = calls.iter().zip(by_values);
    whose
        .map(|((doubtful, _, candidates), found)| {
            let disagree = doubtful
                .transaction
                .and_then(|transaction| told.get(&transaction))
                .is_some_and(|found| found.len() > 1);
            if disagree {
                return None;
            }
            let owner = transactions.owner(doubtful.transaction);
            match (owner.filter(|owner| candidates.contains(owner)), found) {
                (Some(owner), Some(found)) if owner == found => Some((found, Attribution::Values)),
                (Some(owner), None) => Some((owner, Attribution::Transaction)),
                (None, Some(found)) => Some((found, Attribution::Values)),
                _ => None,
            }
        })
        .collect()
}

/// The one candidate that the values speak for.
fn one_of(
    call: &HashSet<String>,
    candidates: &[Request],
    values: &HashMap<Request, HashSet<String>>,
) -> Option<Request> {
    let mut found = None;
    for value in call {
        let has = |request: &&Request| {
            let values = values.get(*request);
            values.is_some_and(|values| values.contains(value))
        };
        let mut having = candidates.iter().filter(has);
        if let (Some(only), None) = (having.next(), having.next()) {
            if found.is_some_and(|found| found != *only) {
                return None;
            }
            found = Some(*only);
        }
    }
    found
}
