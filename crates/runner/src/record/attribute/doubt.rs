//! Calls of which several requests may be the owner: how long they wait, and how it is decided.

use std::collections::HashSet;

use retake_compare::matching::LATE;
use retake_compare::sql::Statements;
use retake_model::{Attribution, Scope, Timestamp};

use super::evidence::{Candidate, Case, Decided, Request, Verdict, decide, leave_out_explained};
use super::facts::{Facts, Question};
use super::numbered::ByRequest;
use super::placed::Unplaced;
use super::process::may_be;
use super::{Attributor, SETTLE, Waiting};

/// How many calls may wait for the answers of the requests that they may be of. Beyond it the
/// oldest is decided early: requests that are never answered (a stream that stays open) would hold
/// all calls beside them until the recording ends.
pub(super) const MAX_DOUBTFUL: usize = 20_000;

/// How long after what has to be decided calls are decided with it, in nanoseconds, and how much longer
/// others are looked at beside them, which are decided later.
const AHEAD: u64 = 3 * SETTLE / 2;

/// How many calls may wait in that time. With more of them there is no time to look at any twice, and
/// each is decided when it has to be.
const BUSY: usize = 2_000;

/// How many requests that were answered shortly before are looked at for one call.
const LATE_CANDIDATES: usize = 256;

impl Attributor {
    /// Keeps a call until the first of its requests is handed on.
    pub(super) fn doubt(&mut self, mut call: Unplaced) {
        if call.question.is_none() {
            call.question = Question::of(&call.call.exchange, &mut self.statements);
        }
        if let Some(question) = &call.question {
            self.habits.saw(question);
        }
        self.lives.doubted(call.call.exchange.conn);
        self.doubts += 1;
        let key = (self.when(&call.call), self.doubts);
        self.doubtful.insert(key, call);
        while self.doubtful.len() > MAX_DOUBTFUL {
            self.decide_oldest();
        }
    }

    /// Whether one of several clients was answered shortly before that time: what comes then may
    /// still be its own.
    pub(super) fn is_behind_crowd(&self, at: Timestamp, process: Option<u32>) -> bool {
        self.answered_before(at, process)
            .any(|waiting| waiting.crowded)
    }

    /// Decides the oldest without waiting: it is kept with the first request of that moment that
    /// was answered by now, else it is of none.
    pub(super) fn decide_oldest(&mut self) {
        let Some((_, call)) = self.doubtful.pop_first() else {
            return;
        };
        self.hurried += 1;
        let process = self.processes.narrows(&call.call);
        let candidates = self.candidates(call.call.exchange.began, process);
        self.leave_places_in_doubt(&candidates);
        match candidates.first() {
            Some(at) => self.attach(*at, call, Attribution::Shared),
            None => self.share(call.call, Scope::Background, Attribution::Unattributed),
        }
    }

    /// Decides whose the doubtful calls are of which the oldest answered request may be the owner:
    /// it is handed on now. Those beside them are decided with them, in the order of their times:
    /// what a request was told before says which of the later calls are its own.
    pub(super) fn settle_doubts(&mut self) {
        self.join_connections();
        let Some(oldest) = self.ended.first().map(|waiting| &waiting.exchange) else {
            return;
        };
        let ended = oldest.ended;
        let until = Timestamp(ended.0.saturating_add(LATE));
        if self.doubtful.range(..=(until, u64::MAX)).next().is_none() {
            return;
        }
        // Who may be the owner of what comes after the first open request is not known yet.
        let known = self.open.values().map(|open| open.at).min();
        let (mut keys, mut cases) = (Vec::new(), Vec::new());
        let ahead = self.ahead(until);
        for key in self.decidable(ended, until, ahead, known) {
            if let Some(doubtful) = self.doubtful.remove(&key) {
                let candidates = self.who_may_own(key.0, &doubtful);
                cases.push(Case::new(doubtful, candidates, &self.habits));
                keys.push(key);
            }
        }
        if cases.is_empty() {
            return;
        }
        let mut facts = self.take_facts(&cases);
        for case in &mut cases {
            case.leave_out_strangers(&facts);
        }
        leave_out_explained(&mut cases);
        let last = Timestamp(until.0.saturating_add(ahead));
        let (habits, transactions) = (&mut self.habits, &mut self.transactions);
        let decided = decide(&cases, (last, ahead > 0), &mut facts, habits, transactions);
        for ((key, case), verdict) in keys.into_iter().zip(cases).zip(decided) {
            match verdict {
                Verdict::Later => {
                    self.doubtful.insert(key, case.doubtful);
                }
                Verdict::Nobody => self.commit(case, None),
                Verdict::Owner(decided) => self.commit(case, Some(decided)),
            }
        }
        self.give_back(facts);
    }

    /// How far ahead calls are decided.
    fn ahead(&self, until: Timestamp) -> u64 {
        let beside = Timestamp(until.0.saturating_add(2 * AHEAD));
        let all = self.doubtful.range(..=(beside, u64::MAX));
        match all.take(BUSY).count() < BUSY {
            true => AHEAD,
            false => 0,
        }
    }

    /// The doubtful calls that can be decided: all that began before the end of the oldest request,
    /// and of those that came later the ones whose requests were answered. A transaction is decided
    /// as a whole.
    fn decidable(
        &self,
        ended: Timestamp,
        until: Timestamp,
        ahead: u64,
        open: Option<Timestamp>,
    ) -> Vec<(Timestamp, u64)> {
        let beside = Timestamp(until.0.saturating_add(2 * ahead));
        let early = self.doubtful.range(..=(beside, u64::MAX));
        let later = self.doubtful.range((beside, u64::MAX)..);
        let unfinished: HashSet<u64> = later
            .filter_map(|(_, doubtful)| doubtful.transaction)
            .collect();
        let decidable = early.filter(|((at, _), doubtful)| {
            let whole = doubtful
                .transaction
                .is_none_or(|number| !unfinished.contains(&number));
            *at <= ended || whole && open.is_none_or(|open| *at < open)
        });
        decidable.map(|(key, _)| *key).collect()
    }

    /// The requests that a call may be of: those that were open when it began, in the order in
    /// which they began, and those that were answered shortly before, the last one first.
    fn who_may_own(&self, began: Timestamp, doubtful: &Unplaced) -> Vec<Candidate> {
        let call = &doubtful.call;
        let (ended, process) = (call.exchange.ended, self.processes.narrows(call));
        let open = self.candidates(began, process).into_iter();
        let open = open
            .filter_map(|at| self.ended.get(at))
            .map(|waiting| Candidate {
                request: waiting.request(),
                late: false,
                after: 0,
                waited: ended <= waiting.exchange.ended,
            });
        let late = self.answered_before(began, process).take(LATE_CANDIDATES);
        let late = late.map(|waiting| Candidate {
            request: waiting.request(),
            late: true,
            after: began.since(waiting.exchange.ended),
            waited: false,
        });
        let all: Vec<Candidate> = open.chain(late).collect();
        // What comes late may have a connection of its own within the next request.
        let question = doubtful.question.as_ref();
        let served = match question.is_some_and(|question| self.habits.comes_late(question)) {
            true => Vec::new(),
            false => self.served_by(call.exchange.conn, process),
        };
        let is_served = |candidate: &Candidate| served.contains(&candidate.request);
        match all.iter().any(is_served) {
            true => all.into_iter().filter(is_served).collect(),
            false => all,
        }
    }

    /// The requests that were answered shortly before that time, the last one first.
    pub(super) fn answered_before(
        &self,
        at: Timestamp,
        process: Option<u32>,
    ) -> impl Iterator<Item = &Waiting> {
        let latest = self.ended.ended_before(at, LATE).rev();
        latest
            .filter_map(|at| self.ended.get(at))
            .filter(move |waiting| may_be(process, waiting.process))
    }

    /// Whether a request was open at that time which may be of that process.
    pub(super) fn is_open_at(&self, at: Timestamp, process: Option<u32>) -> bool {
        let mut open = self.open.values();
        open.any(|open| open.at <= at && may_be(process, open.process))
    }

    /// Keeps a call with the request that it was decided for.
    fn commit(&mut self, case: Case, decided: Option<Decided>) {
        let call = case.doubtful;
        let began = call.call.exchange.began;
        let process = self.processes.narrows(&call.call);
        let all = || case.candidates.iter().map(|candidate| candidate.request);
        let Some(decided) = decided else {
            self.leave_in_doubt(all());
            self.place_idle(call);
            return;
        };
        let owner = decided.owner;
        let by = match decided.by {
            // A request that was not answered yet may know as much: nothing is told.
            _ if self.is_open_at(began, process) => {
                self.leave_in_doubt(all());
                Attribution::Shared
            }
            _ if self.is_certain(&case.candidates, &decided, began, process) => {
                self.transactions.owned(call.transaction, owner);
                self.alone(began, owner)
            }
            Attribution::Shared => {
                if !decided.rivals.is_empty() {
                    self.leave_in_doubt(decided.rivals.into_iter().chain([owner]));
                }
                Attribution::Shared
            }
            by => by,
        };
        match self.ended.place_of(owner) {
            Some(at) => self.attach(at, call, by),
            None => {
                self.place_idle(call);
            }
        }
    }

    /// Whether the owner was the only one of these that was open, and none of those before it may be
    /// meant.
    fn is_certain(
        &self,
        candidates: &[Candidate],
        decided: &Decided,
        began: Timestamp,
        process: Option<u32>,
    ) -> bool {
        let mut open = candidates.iter().filter(|candidate| !candidate.late);
        let only = open.next().filter(|_| open.next().is_none());
        let is_only = only.is_some_and(|only| only.request == decided.owner);
        is_only
            && match self.is_behind_crowd(began, process) {
                true => decided.by == Attribution::Shared,
                false => decided.clearly,
            }
    }

    /// What is known of the requests that the calls may be of, with the calls that they have.
    fn take_facts(&mut self, cases: &[Case]) -> ByRequest<Facts> {
        let needed: HashSet<Request> = cases
            .iter()
            .flat_map(|case| case.candidates.iter().map(|candidate| candidate.request))
            .collect();
        let (ended, statements) = (&mut self.ended, &mut self.statements);
        let facts_of = |request: Request| {
            let waiting = ended.get_mut(ended.place_of(request)?)?;
            Some((request, waiting.take_facts(statements)))
        };
        needed.into_iter().filter_map(facts_of).collect()
    }

    fn give_back(&mut self, facts: ByRequest<Facts>) {
        for (request, mut facts) in facts {
            let place = self.ended.place_of(request);
            if let Some(waiting) = place.and_then(|at| self.ended.get_mut(at)) {
                // Each of its calls was read, or decided with them.
                facts.read = waiting.calls.len();
                waiting.facts = Some(facts);
            }
        }
    }

    /// A request is handed on: what it asked is what requests of its route ask.
    pub(super) fn learn_habits(&mut self, waiting: &mut Waiting) {
        if waiting.crowded || self.habits.anything_late() {
            let facts = waiting.take_facts(&mut self.statements);
            // Of those that were in doubt it was learned when they were decided.
            let sure = waiting.calls.iter().filter(|call| !call.by.is_shared());
            for question in sure.filter_map(|call| call.question.as_ref()) {
                self.habits.lore.links.learn(&facts, question);
            }
            self.habits.lore.learn(&facts);
        }
    }
}

impl Waiting {
    pub(super) fn request(&self) -> Request {
        (self.exchange.conn, self.exchange.index)
    }

    /// What is known of it, with the calls that it has.
    fn take_facts(&mut self, statements: &mut Statements) -> Facts {
        let facts = self.facts.take();
        let mut facts = facts.unwrap_or_else(|| Facts::of(&self.exchange, statements));
        for placed in self.calls.iter_mut().skip(facts.read) {
            if placed.question.is_none() {
                placed.question = Question::of(&placed.call.exchange, statements);
            }
            if let Some(question) = &placed.question {
                facts.learn(question, placed.call.exchange.began > self.exchange.ended);
            }
        }
        facts.read = self.calls.len();
        facts
    }
}
