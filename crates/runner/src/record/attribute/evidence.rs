//! Whose a call is that was made while several requests were open, or after the response of one.
//!
//! Nothing here is certain, so what it finds is served to every test of that moment all the same;
//! it decides with which of them the call is kept, and whom its own answers go to first.
//!
//! Each request that may be the owner has a score: the values in the call that it knows (from what
//! it said, was answered, and answered), the values in the call's answer that its response shows,
//! and whether requests of its route ask such a thing. The calls are decided in the order of their
//! times: what the first were answered tells whose the next are.

use std::collections::{HashMap, HashSet};

use retake_model::{Attribution, ConnId, Timestamp};

use super::facts::{Facts, Mark};
use super::habits::Habits;
use super::improve::{ROUNDS, improve};
use super::known::Known;
use super::numbered::ByRequest;
use super::placed::Unplaced;
use super::transactions::Transactions;
use super::unit::{Best, Unit, units};
use super::weighed::Weighed;

/// A request, by its connection and its number on it.
pub(super) type Request = (ConnId, u64);

/// What a value counts that tells least: more than habits and times do.
pub(super) const VALUE: i64 = 4;

/// How many requests that calls may be of are looked at again, in all rounds together.
const TRIED: usize = 150_000;

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
    pub(super) doubtful: Unplaced,
    /// In the order in which they are taken where nothing tells.
    pub(super) candidates: Vec<Candidate>,
    /// What its values count; none where its protocol is not known.
    pub(super) weighed: Option<Weighed>,
}

impl Case {
    pub(super) fn new(doubtful: Unplaced, candidates: Vec<Candidate>, habits: &Habits) -> Self {
        let question = doubtful.question.as_ref();
        let weighed = question.map(|question| Weighed::of(question, habits));
        Case {
            doubtful,
            candidates,
            weighed,
        }
    }

    /// Leaves out the requests that were answered before, and that know nothing of what it says.
    pub(super) fn leave_out_strangers(&mut self, facts: &ByRequest<Facts>) {
        let doubtful = &self.doubtful;
        if doubtful.transaction.is_some() {
            // What stands beside it tells.
            return;
        }
        let Some(weighed) = self.weighed.as_ref().filter(|w| !w.comes_late) else {
            return;
        };
        self.candidates.retain(|candidate| {
            let facts = facts.get(&candidate.request);
            !candidate.late || facts.is_some_and(|facts| weighed.known(facts, &[]) > 0)
        });
    }
}

/// Leaves out of each call of a transaction what those before it in there tell: whoever makes it knows
/// that by then.
pub(super) fn leave_out_explained(cases: &mut [Case]) {
    let mut known: HashMap<u64, HashSet<Mark>> = HashMap::new();
    for case in cases {
        let (Some(number), Some(question)) = (case.doubtful.transaction, &case.doubtful.question)
        else {
            continue;
        };
        let known = known.entry(number).or_default();
        if let Some(weighed) = &mut case.weighed {
            weighed.leave_out(known);
        }
        let values = question.values.iter().chain(&question.gives);
        known.extend(values.map(|told| told.mark));
    }
}

/// Whose a call is.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) owner: Request,
    /// What tells it.
    pub(super) by: Attribution,
    /// Whose it may be as well; none where something tells, be it only what their routes do.
    pub(super) rivals: Vec<Request>,
    /// Whether much more speaks for the owner than for any other.
    pub(super) clearly: bool,
}

/// What was decided for a call.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    Owner(Decided),
    Nobody,
    /// What comes after it may tell.
    Later,
}

/// Whose each call is; of those that begin after `last`, which are looked at beside the others, it is
/// decided later. They are looked at `again` where there is time. `facts` has every candidate, and learns whose the calls are, as do the habits.
pub(super) fn decide(
    cases: &[Case],
    (last, again): (Timestamp, bool),
    facts: &mut ByRequest<Facts>,
    habits: &mut Habits,
    transactions: &mut Transactions,
) -> Vec<Verdict> {
    let mut units = units(cases);
    let mut known = Known::before(habits, cases, facts, &units, transactions);
    for unit in &mut units {
        let owner = transactions.owner(unit.transaction);
        let owner = owner.filter(|own| unit.candidates.iter().any(|c| c.request == *own));
        unit.fixed = owner.is_some();
        unit.settle(owner.map(Best::only), &mut known);
    }
    loop {
        let mut decided = false;
        for unit in units.iter_mut().filter(|unit| unit.owner.is_none()) {
            let best = unit.best(&known);
            if best.is_some_and(|best| best.above > 0) {
                unit.settle(best, &mut known);
                decided = true;
            }
        }
        if !decided {
            break;
        }
    }
    for unit in units.iter_mut().filter(|unit| unit.owner.is_none()) {
        let best = unit.best(&known);
        unit.settle(best, &mut known);
    }
    let tried: usize = units.iter().map(|unit| unit.candidates.len()).sum();
    let rounds = match again {
        true => ROUNDS.min(TRIED / tried.max(1)),
        false => 0,
    };
    for _ in 0..rounds {
        known.learn(&units);
        if !improve(&mut units, &mut known) {
            break;
        }
    }
    let is_later = |unit: &Unit| unit.began(cases).is_some_and(|began| began > last);
    let mut verdicts = vec![Verdict::Nobody; cases.len()];
    let mut links = Vec::new();
    for unit in &units {
        let verdict = |at: usize| match unit.owner {
            _ if is_later(unit) => Verdict::Later,
            Some(owner) => Verdict::Owner(unit.decided(at, owner, &known)),
            None => Verdict::Nobody,
        };
        for at in &unit.cases {
            if let Some(slot) = verdicts.get_mut(*at) {
                *slot = verdict(*at);
            }
        }
    }
    let (later, now): (Vec<Unit>, Vec<Unit>) = units.into_iter().partition(is_later);
    let held = known.pairs(&now);
    for unit in &now {
        let Some(owner) = unit.owner else { continue };
        if let Some(conn) = unit.conn(cases) {
            transactions.had(conn, owner);
        }
        if unit.above > 0 {
            transactions.owned(unit.transaction, owner);
        }
        links.extend(unit.questions(cases).map(|question| (owner, question)));
    }
    later.iter().for_each(|unit| unit.release(&mut known));
    drop(known);
    for (owner, question) in links {
        if let Some(facts) = facts.get(&owner) {
            habits.lore.links.learn(facts, question);
        }
    }
    habits.lore.held = habits.lore.held.and(held);
    verdicts
}
