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

use retake_model::{Attribution, ConnId};

use super::facts::{Facts, Question, When};
use super::habits::{Habits, Likely};
use super::numbered::ByRequest;
use super::placed::Unplaced;
use super::transactions::Transactions;
use super::weighed::Weighed;

/// A request, by its connection and its number on it.
pub(super) type Request = (ConnId, u64);

/// What a value counts that tells least: more than habits and times do.
pub(super) const VALUE: i64 = 4;

/// What it counts that the requests of a route ask such a thing, or do not.
const HABIT: i64 = 2;

/// What it counts that the response did not wait for the answer, or was given before.
const BEHIND: i64 = 1;

/// How much more must speak for the one request that was open than for those before it, so that the
/// call is certainly its own: its route asks such a thing, and theirs do not.
const CLEAR: i64 = HABIT + BEHIND;

/// How long after its response, in nanoseconds, a request is as likely to go on as at once.
const SOON_AFTER: u64 = 50_000_000;

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
    weighed: Option<Weighed>,
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
            !candidate.late || facts.is_some_and(|facts| weighed.known(facts) > 0)
        });
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

/// Whose each call is. `facts` has every candidate, and learns whose the calls are.
pub(super) fn decide(
    cases: &[Case],
    facts: &mut ByRequest<Facts>,
    habits: &Habits,
    transactions: &mut Transactions,
) -> Vec<Option<Decided>> {
    let mut units = units(cases);
    for unit in &mut units {
        let owner = transactions.owner(unit.transaction);
        let owner = owner.filter(|own| unit.candidates.iter().any(|c| c.request == *own));
        let best = owner.map(Best::only);
        unit.settle(best, cases, facts, habits);
    }
    loop {
        let mut decided = false;
        for unit in units.iter_mut().filter(|unit| unit.owner.is_none()) {
            let best = unit.best(cases, facts, habits);
            if best.is_some_and(|best| best.above > 0) {
                unit.settle(best, cases, facts, habits);
                decided = true;
            }
        }
        if !decided {
            break;
        }
    }
    for unit in units.iter_mut().filter(|unit| unit.owner.is_none()) {
        let best = unit.best(cases, facts, habits);
        unit.settle(best, cases, facts, habits);
    }
    let mut decided = vec![None; cases.len()];
    for unit in units {
        let Some(owner) = unit.owner else { continue };
        if unit.above > 0 {
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
    /// How much speaks for it.
    score: i64,
    /// By how much that is more than for any other.
    above: i64,
    /// Whether that is much, and its route asks such a thing at once.
    clearly: bool,
}

/// The request for which most speaks.
#[derive(Debug, Clone, Copy)]
struct Best {
    owner: Request,
    score: i64,
    /// By how much that is more than for any other.
    above: i64,
}

impl Best {
    fn only(owner: Request) -> Self {
        Best {
            owner,
            score: i64::MAX,
            above: i64::MAX,
        }
    }
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
                    score: 0,
                    above: 0,
                    clearly: false,
                });
            }
        }
    }
    units
}

impl Unit {
    /// The candidate with the highest score, and by how much that is above the next one's. The
    /// first of several that have it.
    fn best(&self, cases: &[Case], facts: &ByRequest<Facts>, habits: &Habits) -> Option<Best> {
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
        let (score, owner) = best?;
        let above = next.map_or(i64::MAX, |next| score - next);
        Some(Best {
            owner,
            score,
            above,
        })
    }

    /// None for a request that was answered before, and that knows nothing of what the call says, where
    /// the like of that is not made after responses.
    fn score(
        &self,
        candidate: &Candidate,
        cases: &[Case],
        facts: &ByRequest<Facts>,
        habits: &Habits,
    ) -> Option<i64> {
        let facts = facts.get(&candidate.request)?;
        let (mut said, mut shows, mut score) = (0, 0, 0);
        let mut comes_late = false;
        for case in self.cases.iter().filter_map(|at| cases.get(*at)) {
            if let (Some(question), Some(weighed)) = (&case.doubtful.question, &case.weighed) {
                said += weighed.known(facts);
                comes_late |= weighed.comes_late;
                if !candidate.late {
                    shows += weighed.shown(facts);
                    score += shown_again(question, facts);
                }
                let when = When::of(candidate.late);
                let likely = habits.likely(facts, question, when);
                score += match likely {
                    Likely::Yes => HABIT,
                    // Who has asked it already does so less likely than who has not.
                    Likely::Unknown => {
                        let most = if weighed.comes_late { HABIT } else { 1 };
                        -(i64::from(facts.times(&question.kind, When::Ever)).min(most))
                    }
                    Likely::Hardly => -1,
                    Likely::No => -HABIT,
                };
                // What is made after responses is rather that than what another route does at once.
                let is_at_once = !candidate.late && likely != Likely::Yes;
                if is_at_once && weighed.comes_late {
                    score -= 2 * BEHIND;
                }
            }
        }
        if candidate.late && said == 0 && !comes_late {
            return None;
        }
        let behind = match (candidate.late, candidate.waited) {
            (true, _) => BEHIND * (1 + doublings(candidate.after)),
            (false, false) => BEHIND,
            (false, true) => 0,
        };
        Some(said + shows + score - behind)
    }

    fn settle(
        &mut self,
        best: Option<Best>,
        cases: &[Case],
        facts: &mut ByRequest<Facts>,
        habits: &Habits,
    ) {
        let Some(Best {
            owner,
            score,
            above,
        }) = best
        else {
            return;
        };
        (self.owner, self.score, self.above) = (Some(owner), score, above);
        let mut candidates = self.candidates.iter();
        let after = candidates.any(|candidate| candidate.request == owner && candidate.late);
        let Some(facts) = facts.get_mut(&owner) else {
            return;
        };
        let cases = self.cases.iter().filter_map(|at| cases.get(*at));
        let questions = cases.filter_map(|case| case.doubtful.question.as_ref());
        let at_once = |question: &Question| {
            let likely = || habits.likely(facts, question, When::Before);
            !habits.comes_late(question) || likely() == Likely::Yes
        };
        let mut usual = questions.clone();
        self.clearly = above == i64::MAX || above >= CLEAR && usual.all(at_once);
        questions.for_each(|question| facts.learn(question, after));
    }

    /// What tells that a call of this unit is the owner's, or whose it may be as well.
    fn decided(
        &self,
        at: usize,
        owner: Request,
        cases: &[Case],
        facts: &ByRequest<Facts>,
        habits: &Habits,
    ) -> Decided {
        let weighed = cases.get(at).and_then(|case| case.weighed.as_ref());
        let of = |request: &Request| {
            let (facts, weighed) = (facts.get(request)?, weighed?);
            Some(weighed.known(facts) + weighed.shown(facts))
        };
        let own = of(&owner).unwrap_or(0);
        let less = |other: &Candidate| {
            // Of one client, the request that is open asks more likely than one before it.
            let than = of(&other.request).unwrap_or(0);
            own > 0 && (than < own || other.late && than == own)
        };
        let others = || self.candidates.iter().filter(|c| c.request != owner);
        let told = self.above > 0;
        let by = match () {
            () if told && own > 0 && others().all(less) => Attribution::Values,
            () if told && self.transaction.is_some() => Attribution::Transaction,
            () => Attribution::Shared,
        };
        // What their routes do may tell as clearly.
        let is_near = |other: &&Candidate| {
            let score = self.score(other, cases, facts, habits);
            score.is_some_and(|score| score > self.score.saturating_sub(CLEAR))
        };
        let rivals = match by {
            Attribution::Shared => others().filter(is_near).map(|c| c.request).collect(),
            _ => Vec::new(),
        };
        Decided {
            owner,
            by,
            rivals,
            clearly: self.clearly,
        }
    }
}

/// How often the time that a request is soon after its response doubled since.
fn doublings(after: u64) -> i64 {
    let times = (after / SOON_AFTER).checked_ilog2();
    times.map_or(0, |times| i64::from(times) + 1)
}

/// What it counts that it shows one of few values more than once: small numbers stand for this and
/// for that.
fn shown_again(question: &Question, facts: &Facts) -> i64 {
    match question.gives.as_slice() {
        [only] => (facts.shows(only.mark) - 1).clamp(0, HABIT),
        _ => 0,
    }
}
