//! Calls that are of one request, and what speaks for each that may be it.

use std::collections::HashMap;

use retake_compare::matching::Key;
use retake_model::{Attribution, ConnId, Timestamp};

use super::evidence::{Candidate, Case, Decided, Request, VALUE};
use super::facts::{Facts, Question, When};
use super::habits::Likely;
use super::known::Known;

/// What it counts that the requests of a route ask such a thing, or do not.
const HABIT: i64 = 2;

/// What it counts that the response did not wait for the answer, or was given before.
const BEHIND: i64 = 1;

/// What it counts in addition where such a thing was not seen to be done after a response.
const UNUSUAL: i64 = VALUE;

/// What it counts that a request whose method changes nothing would write.
const WRITES: i64 = 2 * VALUE;

/// How much more must speak for the one request that was open than for those before it, so that the
/// call is certainly its own: its route asks such a thing, and theirs do not.
const CLEAR: i64 = HABIT + BEHIND;

/// How long after its response, in nanoseconds, a request is as likely to go on as at once.
const SOON_AFTER: u64 = 50_000_000;

/// Calls that are of one request: a transaction, or a single one.
#[derive(Debug)]
pub(super) struct Unit {
    /// Its number.
    pub(super) at: usize,
    pub(super) transaction: Option<u64>,
    pub(super) cases: Vec<usize>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) owner: Option<Request>,
    /// Whether its owner was known before.
    pub(super) fixed: bool,
    /// How much speaks for it.
    score: i64,
    /// By how much that is more than for any other.
    pub(super) above: i64,
    /// Whether that is much, and its route asks such a thing at once.
    clearly: bool,
}

/// The request for which most speaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Best {
    pub(super) owner: Request,
    pub(super) score: i64,
    /// By how much that is more than for any other.
    pub(super) above: i64,
}

impl Best {
    pub(super) fn only(owner: Request) -> Self {
        Best {
            owner,
            score: i64::MAX,
            above: i64::MAX,
        }
    }
}

/// The calls by what is of one request.
pub(super) fn units(cases: &[Case]) -> Vec<Unit> {
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
                    at: units.len(),
                    transaction,
                    cases: vec![at],
                    candidates: case.candidates.clone(),
                    owner: None,
                    fixed: false,
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
    /// Whether it may be found to be of another request.
    pub(super) fn may_move(&self) -> bool {
        self.owner.is_some() && !self.fixed && self.candidates.len() > 1
    }

    /// When it was asked.
    pub(super) fn began(&self, cases: &[Case]) -> Option<Timestamp> {
        let case = cases.get(*self.cases.first()?)?;
        Some(case.doubtful.call.exchange.began)
    }

    /// The connection on which it was asked.
    pub(super) fn conn(&self, cases: &[Case]) -> Option<ConnId> {
        let case = cases.get(*self.cases.first()?)?;
        Some(case.doubtful.call.exchange.conn)
    }

    /// What it asks; of a transaction one of its questions.
    pub(super) fn kind(&self, cases: &[Case]) -> Option<Key> {
        self.questions(cases).map(|question| question.kind).max()
    }

    pub(super) fn questions<'c>(
        &self,
        cases: &'c [Case],
    ) -> impl Iterator<Item = &'c Question> + use<'_, 'c> {
        let cases = self.cases.iter().filter_map(|at| cases.get(*at));
        cases.filter_map(|case| case.doubtful.question.as_ref())
    }

    /// Takes it from its owner.
    pub(super) fn release(&self, known: &mut Known<'_>) {
        let Some(owner) = self.owner else { return };
        let after = self.is_after(owner);
        known.own(self.at, None);
        if let Some(facts) = known.facts.get_mut(&owner) {
            self.questions(known.cases)
                .for_each(|question| facts.unlearn(question, after));
        }
    }

    fn is_after(&self, owner: Request) -> bool {
        self.candidate(owner)
            .is_some_and(|candidate| candidate.late)
    }

    /// One of those that may own it.
    pub(super) fn candidate(&self, request: Request) -> Option<&Candidate> {
        self.candidates.iter().find(|c| c.request == request)
    }

    /// What speaks for one of the candidates.
    pub(super) fn score_of(&self, request: Request, known: &Known<'_>) -> Option<i64> {
        self.score(self.candidate(request)?, known)
    }

    /// What its values alone say for a request, and who had its connection.
    pub(super) fn told(&self, request: Request, known: &Known<'_>) -> Option<i64> {
        let candidate = self.candidate(request)?;
        Some(self.values(request, known)? + known.beside(self.at, candidate))
    }

    /// Whether its values speak for a request.
    pub(super) fn is_told(&self, request: Request, known: &Known<'_>) -> bool {
        self.values(request, known).is_some_and(|values| values > 0)
    }

    fn values(&self, request: Request, known: &Known<'_>) -> Option<i64> {
        let facts = known.facts.get(&request)?;
        Some(self.cases.iter().map(|at| known.told(*at, facts)).sum())
    }

    /// Whether those of its route ask such a thing less often than its owner has it.
    pub(super) fn is_surplus(&self, owner: Request, known: &Known<'_>) -> bool {
        self.odds(owner, known, 1).is_some_and(|odds| odds < 0)
    }

    /// Whether those of its route ask such a thing once more than a request has it.
    pub(super) fn is_lacked(&self, by: Request, known: &Known<'_>) -> bool {
        self.odds(by, known, 0).is_some_and(|odds| odds > 0)
    }

    /// What speaks for it that a request asks what this does once more than it has it, but for so many
    /// of them.
    fn odds(&self, request: Request, known: &Known<'_>, but: u32) -> Option<i64> {
        let (facts, late) = (known.facts.get(&request)?, self.is_after(request));
        let question = self.questions(known.cases).max_by_key(|q| q.kind)?;
        known.odds(facts, question, When::of(late), but)
    }

    /// The candidate with the highest score, and by how much that is above the next one's. The
    /// first of several that have it.
    pub(super) fn best(&self, known: &Known<'_>) -> Option<Best> {
        let (mut best, mut next): (Option<(i64, Request)>, Option<i64>) = (None, None);
        for candidate in &self.candidates {
            let Some(score) = self.score(candidate, known) else {
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
    fn score(&self, candidate: &Candidate, known: &Known<'_>) -> Option<i64> {
        let facts = known.facts.get(&candidate.request)?;
        let (mut said, mut score) = (0, 0);
        let mut comes_late = false;
        for case in self.cases.iter().filter_map(|at| known.cases.get(*at)) {
            if let (Some(question), Some(weighed)) = (&case.doubtful.question, &case.weighed) {
                let links = known.links(facts, &question.kind);
                said += weighed.known(facts, links);
                comes_late |= weighed.comes_late;
                if !candidate.late {
                    score += weighed.shown(facts, links) + shown_again(question, facts);
                }
                let odds = known.odds(facts, question, When::of(candidate.late), 0);
                // Who has asked it already does so less likely than who has not.
                let asked = || -i64::from(facts.times(&question.kind, When::Ever)).min(VALUE);
                score += odds.unwrap_or_else(asked);
                if !candidate.late {
                    score += known.order(facts, question);
                }
                if question.writes && facts.only_reads {
                    score -= WRITES;
                }
                // What is made after responses is rather that than what another route does at once.
                let is_at_once = !candidate.late && odds.is_none_or(|odds| odds <= 0);
                if is_at_once && weighed.comes_late {
                    score -= 2 * BEHIND;
                }
            }
        }
        if candidate.late && said <= 0 && !comes_late {
            return None;
        }
        let behind = match (candidate.late, candidate.waited) {
            (true, _) => {
                let unusual = if comes_late { 0 } else { UNUSUAL };
                unusual + BEHIND * (1 + doublings(candidate.after))
            }
            (false, false) => BEHIND,
            (false, true) => 0,
        };
        Some(said + score + known.beside(self.at, candidate) - behind)
    }

    pub(super) fn settle(&mut self, best: Option<Best>, known: &mut Known<'_>) {
        let Some(Best {
            owner,
            score,
            above,
        }) = best
        else {
            return;
        };
        (self.owner, self.score, self.above) = (Some(owner), score, above);
        known.own(self.at, Some(owner));
        let after = self.is_after(owner);
        let (cases, habits) = (known.cases, known.habits);
        let Some(facts) = known.facts.get_mut(&owner) else {
            return;
        };
        let at_once = |question: &Question| {
            let likely = || habits.likely(facts, question, When::Before);
            !habits.comes_late(question) || likely() == Likely::Yes
        };
        let all_at_once = self.questions(cases).all(at_once);
        self.clearly = above == i64::MAX || above >= CLEAR && all_at_once;
        self.questions(cases)
            .for_each(|question| facts.learn(question, after));
    }

    /// What tells that a call of this unit is the owner's, or whose it may be as well.
    pub(super) fn decided(&self, at: usize, owner: Request, known: &Known<'_>) -> Decided {
        let of = |request: &Request| Some(known.told(at, known.facts.get(request)?));
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
            let score = self.score(other, known);
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
