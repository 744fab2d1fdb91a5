//! Whose a call is that was made while several requests were open, or after the response of one.
//!
//! Nothing here is certain, so what it finds is served to every test of that moment all the same;
//! it decides with which of them the call is kept, and whom its own answers go to first.
//!
//! Each request that may be the owner has a score: the values in the call that it knows (from what
//! it said, was answered, and answered), the values in the call's answer that its response shows,
//! and whether requests of its route ask such a thing. The calls are decided in the order of their
//! times: what the first were answered tells whose the next are.

use std::collections::HashMap;

use retake_compare::matching::Step;
use retake_model::{Attribution, ConnId};

use super::OutboundCall;
use super::facts::{Facts, Question};
use super::habits::{Habits, Likely};

/// A request, by its connection and its number on it.
pub(super) type Request = (ConnId, u64);

/// How many transactions are remembered whose owner is known.
const TRANSACTIONS: usize = 20_000;

/// What a value counts that tells least: more than habits and times do.
const VALUE: i64 = 4;

/// What it counts that the requests of a route ask such a thing, or do not.
const HABIT: i64 = 2;

/// What it counts that the response did not wait for the answer, or was given before.
const BEHIND: i64 = 1;

/// How long after its response, in nanoseconds, a request is less likely to go on.
const LONG_AFTER: u64 = 50_000_000;

/// Which transaction each call is part of, and whose those are.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// For each connection, the number of its open transaction.
    open: HashMap<ConnId, u64>,
    owners: HashMap<u64, Request>,
    /// The numbers of connections that are of one request with all their calls.
    whole: HashMap<ConnId, u64>,
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
    /// What it asks; none where its protocol is not known.
    pub(super) question: Option<Question>,
    /// Whether the connection that it was made on was seen to end.
    pub(super) joined: bool,
}

/// A request that a call may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) request: Request,
    /// Whether it was answered before the call began.
    pub(super) late: bool,
    /// How long before, in nanoseconds.
    pub(super) after: u64,
    /// Whether the call had ended before it was answered.
    pub(super) waited: bool,
}

/// A call whose owner is to be found.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) doubtful: Doubtful,
    /// In the order in which they are taken where nothing tells.
    pub(super) candidates: Vec<Candidate>,
}

impl Case {
    /// Leaves out the requests that were answered before, and that know nothing of what it says.
    pub(super) fn leave_out_strangers(&mut self, facts: &HashMap<Request, Facts>, habits: &Habits) {
        let doubtful = &self.doubtful;
        if doubtful.transaction.is_some() {
            // What stands beside it tells.
            return;
        }
        self.candidates.retain(|candidate| {
            let facts = facts.get(&candidate.request);
            !candidate.late || facts.is_some_and(|facts| may_be_late(doubtful, facts, habits))
        });
    }
}

/// Whether a call may be made after its response by a request with these facts.
pub(super) fn may_be_late(doubtful: &Doubtful, facts: &Facts, habits: &Habits) -> bool {
    match &doubtful.question {
        // The end of a transaction is of the request that the transaction is of.
        None => true,
        Some(question) => knows(question, facts, habits) > 0,
    }
}

/// Whose a call is.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) owner: Request,
    /// What tells it.
    pub(super) by: Attribution,
    /// Whose it may be as well; none where something tells.
    pub(super) rivals: Vec<Request>,
}

/// Whose each call is. `facts` has every candidate, and learns whose the calls are.
pub(super) fn decide(
    cases: &[Case],
    facts: &mut HashMap<Request, Facts>,
    habits: &Habits,
    transactions: &mut Transactions,
) -> Vec<Option<Decided>> {
    let mut units = units(cases);
    for unit in &mut units {
        let owner = transactions.owner(unit.transaction);
        let owner = owner.filter(|own| unit.candidates.iter().any(|c| c.request == *own));
        unit.settle(owner, true, cases, facts);
    }
    loop {
        let mut decided = false;
        for unit in units.iter_mut().filter(|unit| unit.owner.is_none()) {
            let (best, above) = unit.best(cases, facts, habits);
            if above > 0 {
                unit.settle(best, true, cases, facts);
                decided = true;
            }
        }
        if !decided {
            break;
        }
    }
    for unit in units.iter_mut().filter(|unit| unit.owner.is_none()) {
        let (best, _) = unit.best(cases, facts, habits);
        unit.settle(best, false, cases, facts);
    }
    let mut decided = vec![None; cases.len()];
    for unit in units {
        let Some(owner) = unit.owner else { continue };
        if unit.told {
            transactions.owned(unit.transaction, owner);
        }
        for at in &unit.cases {
            if let Some(slot) = decided.get_mut(*at) {
                *slot = Some(unit.decided(*at, owner, cases, facts, habits));
            }
        }
    }
    decided
}

/// Calls that are of one request: a transaction, or a single one.
#[derive(Debug)]
struct Unit {
    transaction: Option<u64>,
    cases: Vec<usize>,
    candidates: Vec<Candidate>,
    owner: Option<Request>,
    /// Whether something told it.
    told: bool,
}

fn units(cases: &[Case]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut of: HashMap<u64, usize> = HashMap::new();
    for (at, case) in cases.iter().enumerate() {
        let transaction = case.doubtful.transaction;
        let known = transaction.and_then(|number| of.get(&number).copied());
        match known.and_then(|unit| units.get_mut(unit)) {
            Some(unit) => {
                unit.cases.push(at);
                let both = |own: &Candidate| {
                    let mut other = case.candidates.iter();
                    other.any(|other| other.request == own.request)
                };
                if unit.candidates.iter().any(both) {
                    unit.candidates.retain(both);
                }
            }
            None => {
                if let Some(number) = transaction {
                    of.insert(number, units.len());
                }
                units.push(Unit {
                    transaction,
                    cases: vec![at],
                    candidates: case.candidates.clone(),
                    owner: None,
                    told: false,
                });
            }
        }
    }
    units
}

impl Unit {
    /// The candidate with the highest score, and by how much that is above the next one's. The
    /// first of several that have it.
    fn best(
        &self,
        cases: &[Case],
        facts: &HashMap<Request, Facts>,
        habits: &Habits,
    ) -> (Option<Request>, i64) {
        let (mut best, mut next): (Option<(i64, Request)>, Option<i64>) = (None, None);
        for candidate in &self.candidates {
            let Some(score) = self.score(candidate, cases, facts, habits) else {
                continue;
            };
            match best {
                Some((known, _)) if score <= known => next = next.max(Some(score)),
                _ => {
                    next = best.map(|(known, _)| known);
                    best = Some((score, candidate.request));
                }
            }
        }
        let above = match (best, next) {
            (Some((best, _)), Some(next)) => best - next,
            (Some(_), None) => i64::MAX,
            (None, _) => 0,
        };
        (best.map(|(_, request)| request), above)
    }

    /// None for a request that was answered before, and that knows nothing of what the call says.
    fn score(
        &self,
        candidate: &Candidate,
        cases: &[Case],
        facts: &HashMap<Request, Facts>,
        habits: &Habits,
    ) -> Option<i64> {
        let facts = facts.get(&candidate.request)?;
        let (mut said, mut shows, mut score) = (0, 0, 0);
        for case in self.cases.iter().filter_map(|at| cases.get(*at)) {
            if let Some(question) = &case.doubtful.question {
                said += knows(question, facts, habits);
                if !candidate.late {
                    shows += shown(question, facts);
                    score += shown_again(question, facts);
                }
                score += match habits.likely(facts, &question.kind) {
                    Likely::Yes => HABIT,
                    // Who has asked it already does so less likely than who has not.
                    Likely::Unknown => -i64::from(facts.has_asked(&question.kind)),
                    Likely::Hardly => -1,
                    Likely::No => -HABIT,
                };
            }
        }
        if candidate.late && said == 0 {
            return None;
        }
        let behind = match (candidate.late, candidate.waited) {
            (true, _) if candidate.after > LONG_AFTER => 2 * BEHIND,
            (true, _) | (false, false) => BEHIND,
            (false, true) => 0,
        };
        Some(VALUE * (said + shows) + score - behind)
    }

    fn settle(
        &mut self,
        owner: Option<Request>,
        told: bool,
        cases: &[Case],
        facts: &mut HashMap<Request, Facts>,
    ) {
        let Some(owner) = owner else { return };
        self.owner = Some(owner);
        self.told = told;
        let Some(facts) = facts.get_mut(&owner) else {
            return;
        };
        for case in self.cases.iter().filter_map(|at| cases.get(*at)) {
            if let Some(question) = &case.doubtful.question {
                facts.learn(question);
            }
        }
    }

    /// What tells that a call of this unit is the owner's, or whose it may be as well.
    fn decided(
        &self,
        at: usize,
        owner: Request,
        cases: &[Case],
        facts: &HashMap<Request, Facts>,
        habits: &Habits,
    ) -> Decided {
        let question = cases.get(at);
        let question = question.and_then(|case| case.doubtful.question.as_ref());
        let of = |request: &Request| {
            let (facts, question) = (facts.get(request)?, question?);
            Some(knows(question, facts, habits) + shown(question, facts))
        };
        let own = of(&owner).unwrap_or(0);
        let less = |other: &Candidate| {
            // Of one client, the request that is open asks more likely than one before it.
            let than = of(&other.request).unwrap_or(0);
            own > 0 && (than < own || other.late && than == own)
        };
        let others = || self.candidates.iter().filter(|c| c.request != owner);
        let mut rivals: Vec<Request> = others().filter(|c| !less(c)).map(|c| c.request).collect();
        let by = match () {
            () if self.told && own > 0 && rivals.is_empty() => Attribution::Values,
            () if self.told && self.transaction.is_some() => Attribution::Transaction,
            () => Attribution::Shared,
        };
        if by != Attribution::Shared {
            rivals.clear();
        } else if rivals.is_empty() {
            rivals = others().map(|c| c.request).collect();
        }
        Decided { owner, by, rivals }
    }
}

/// What it counts that a request knows the values that the call says.
fn knows(question: &Question, facts: &Facts, habits: &Habits) -> i64 {
    let values = habits.telling(question);
    let known = values.map(|value| i64::from(value.weight) * facts.knows(value.mark));
    known.sum()
}

/// What it counts that a response shows the values that the call was answered.
fn shown(question: &Question, facts: &Facts) -> i64 {
    let values = question.gives.iter();
    let shown = values.filter(|value| facts.shows(value.mark) > 0);
    shown.map(|value| i64::from(value.weight)).sum()
}

/// What it counts that it shows one of few values more than once: small numbers stand for this and
/// for that.
fn shown_again(question: &Question, facts: &Facts) -> i64 {
    match question.gives.as_slice() {
        [only] => (facts.shows(only.mark) - 1).clamp(0, HABIT),
        _ => 0,
    }
}
