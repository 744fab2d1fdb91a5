//! What is known while calls are decided: of the requests that may own them, and of their routes, from
//! requests that were handed on and from what was decided for those beside them.

use std::collections::{HashMap, HashSet};

use retake_compare::matching::Key;
use retake_model::{ConnId, Timestamp};

use super::evidence::{Candidate, Case, Request};
use super::facts::{Facts, Question, Route, When};
use super::habits::{Habits, Held, Lore, Order};
use super::links::{Link, Links};
use super::numbered::ByRequest;
use super::transactions::Transactions;
use super::unit::Unit;

/// What it counts at most that a request would ask in another order than others of its route.
const OUT_OF_ORDER: i64 = 12;

/// What is known while calls are decided.
pub(super) struct Known<'c> {
    pub(super) cases: &'c [Case],
    pub(super) habits: &'c Habits,
    pub(super) facts: &'c mut ByRequest<Facts>,
    /// What was decided here says of routes.
    lore: Lore,
    links: HashMap<(Route, Key), Vec<Link>>,
    orders: HashMap<(Route, Key), Vec<Order>>,
    /// For each unit whose it is, and which ones stand before and behind it on its connection.
    owners: Vec<Option<Request>>,
    around: Vec<[Option<usize>; 2]>,
    /// Whose the last call was that had been decided on the connection of each before.
    earlier: Vec<Option<Request>>,
    /// What it counts that the request has its connection before or behind.
    held: i64,
}

impl<'c> Known<'c> {
    /// What is known before one of these units is decided.
    pub(super) fn before(
        habits: &'c Habits,
        cases: &'c [Case],
        facts: &'c mut ByRequest<Facts>,
        units: &[Unit],
        transactions: &Transactions,
    ) -> Self {
        let mut earlier = vec![None; units.len()];
        let mut last: HashMap<ConnId, usize> = HashMap::new();
        let mut around = vec![[None; 2]; units.len()];
        for (at, unit) in units.iter().enumerate() {
            let Some(conn) = unit.conn(cases) else {
                continue;
            };
            let before = last.insert(conn, at);
            if let (None, Some(slot)) = (before, earlier.get_mut(at)) {
                *slot = transactions.last_on(conn);
            }
            if let Some(before) = before {
                if let Some([_, next]) = around.get_mut(before) {
                    *next = Some(at);
                }
                if let Some([previous, _]) = around.get_mut(at) {
                    *previous = Some(before);
                }
            }
        }
        let mut known = Known {
            cases,
            habits,
            facts,
            lore: Lore::default(),
            links: HashMap::new(),
            orders: HashMap::new(),
            owners: vec![None; units.len()],
            around,
            earlier,
            held: habits.lore.held.counts(),
        };
        known.read_links();
        known
    }

    /// Learns from what was decided for all of these.
    pub(super) fn learn(&mut self, units: &[Unit]) {
        let mut lore = Lore::default();
        let began = self
            .cases
            .iter()
            .map(|case| case.doubtful.call.exchange.began);
        let last: Timestamp = began.max().unwrap_or_default();
        // Of those that were answered later not all calls are known.
        let whole = self.facts.values().filter(|facts| facts.ended <= last);
        whole.for_each(|facts| lore.learn(facts));
        for unit in units {
            let facts = unit.owner.and_then(|owner| self.facts.get(&owner));
            for (facts, question) in facts.into_iter().flat_map(|facts| {
                let questions = unit.questions(self.cases);
                questions.map(move |question| (facts, question))
            }) {
                lore.links.learn(facts, question);
            }
        }
        lore.held = self.pairs(units);
        self.held = self.habits.lore.held.and(lore.held).counts();
        self.lore = lore;
        self.read_links();
    }

    /// How often, of two units that follow each other on a connection while the request is open that has
    /// the first, it has the second, too. Units whose values say nothing tell nothing of that.
    pub(super) fn pairs(&self, units: &[Unit]) -> Held {
        let mut held = Held::default();
        for unit in units {
            let at = unit.at;
            let owner = |at: usize| self.owners.get(at).copied().flatten();
            let before = match self.around.get(at) {
                Some([Some(before), _]) => owner(*before),
                _ => self.earlier.get(at).copied().flatten(),
            };
            let (Some(before), Some(own)) = (before, owner(at)) else {
                continue;
            };
            if !unit.is_told(own, self) {
                continue;
            }
            if unit
                .candidate(before)
                .is_some_and(|candidate| !candidate.late)
            {
                held.saw(before == own);
            }
        }
        held
    }

    fn read_links(&mut self) {
        let routes = self.facts.values().filter_map(|facts| facts.route);
        let routes: HashSet<Route> = routes.collect();
        let questions = self
            .cases
            .iter()
            .filter_map(|case| case.doubtful.question.as_ref());
        let kinds: HashSet<Key> = questions.map(|question| question.kind).collect();
        self.links.clear();
        self.orders.clear();
        for route in routes {
            for kind in &kinds {
                let both = [&self.habits.lore.links, &self.lore.links];
                let known = Links::known(both, route, *kind);
                if !known.is_empty() {
                    self.links.insert((route, *kind), known);
                }
                let orders = Lore::orders([&self.habits.lore, &self.lore], route, *kind);
                if !orders.is_empty() {
                    self.orders.insert((route, *kind), orders);
                }
            }
        }
    }

    /// Notes whose a unit is.
    pub(super) fn own(&mut self, unit: usize, owner: Option<Request>) {
        if let Some(slot) = self.owners.get_mut(unit) {
            *slot = owner;
        }
    }

    /// What it counts for a request that it has what stands before or behind a unit on its connection.
    pub(super) fn beside(&self, unit: usize, candidate: &Candidate) -> i64 {
        if candidate.late || self.held == 0 {
            return 0;
        }
        let around = self.around.get(unit).into_iter().flatten().flatten();
        let owners = around.filter_map(|at| self.owners.get(*at).copied().flatten());
        let earlier = self.earlier.get(unit).copied().flatten();
        let theirs = owners
            .chain(earlier)
            .filter(|owner| *owner == candidate.request);
        theirs.map(|_| self.held).sum()
    }

    /// Where the values of a question stand in such a request.
    pub(super) fn links(&self, facts: &Facts, kind: &Key) -> &[Link] {
        let links = facts
            .route
            .and_then(|route| self.links.get(&(route, *kind)));
        links.map(Vec::as_slice).unwrap_or_default()
    }

    /// How much speaks for it that a request asks something, once more than it did but for so many, by
    /// what others of its route did.
    pub(super) fn odds(
        &self,
        facts: &Facts,
        question: &Question,
        when: When,
        but: u32,
    ) -> Option<i64> {
        let when = match when {
            When::Before if !self.habits.comes_late(question) => When::Ever,
            when => when,
        };
        let own = facts.times(&question.kind, when).saturating_sub(but);
        let both = [&self.habits.lore, &self.lore];
        Lore::odds(both, facts.route?, &(question.kind, when), own)
    }

    /// What it counts where a request would ask that before what its route asks first, or behind what
    /// its route asks later.
    pub(super) fn order(&self, facts: &Facts, question: &Question) -> i64 {
        let Some(route) = facts.route else { return 0 };
        let orders = self
            .orders
            .get(&(route, question.kind))
            .into_iter()
            .flatten();
        let against = orders.filter_map(|order| {
            let first = facts.first(order.other)?;
            let counts = match first < question.began() {
                true => order.odds,
                false => -order.odds,
            };
            Some(counts.min(0))
        });
        against.sum::<i64>().max(-OUT_OF_ORDER)
    }

    /// What the values of a call say for a request.
    pub(super) fn told(&self, case: usize, facts: &Facts) -> i64 {
        let Some(case) = self.cases.get(case) else {
            return 0;
        };
        let (Some(weighed), Some(question)) = (&case.weighed, &case.doubtful.question) else {
            return 0;
        };
        let links = self.links(facts, &question.kind);
        weighed.known(facts, links) + weighed.shown(facts, links)
    }
}
