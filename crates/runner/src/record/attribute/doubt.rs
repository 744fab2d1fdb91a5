//! Calls of which several requests may be the owner: how long they wait, and how it is decided.

use std::collections::{HashMap, HashSet};

use retake_compare::matching::values_of;
use retake_model::{Attribution, Exchange, Scope};
use retake_wire::protocol;

use super::Attributor;
use super::evidence::{Doubtful, Request, decide};

/// How many calls may wait for the answers of the requests that they may be of. Beyond it the
/// oldest is decided early: requests that are never answered (a stream that stays open) would hold
/// all calls beside them until the recording ends.
pub(super) const MAX_DOUBTFUL: usize = 20_000;

impl Attributor {
    /// Keeps a call until the first of its requests is handed on.
    pub(super) fn doubt(&mut self, doubtful: Doubtful) {
        self.doubts += 1;
        let began = doubtful.call.exchange.began;
        self.doubtful.insert((began, self.doubts), doubtful);
        while self.doubtful.len() > MAX_DOUBTFUL {
            self.decide_oldest();
        }
    }

    /// Decides the oldest without waiting: it is kept with the first request of that moment that
    /// was answered by now, else it is of none.
    fn decide_oldest(&mut self) {
        let Some((_, Doubtful { call, .. })) = self.doubtful.pop_first() else {
            return;
        };
        self.hurried += 1;
        match self.candidates(call.exchange.began).first() {
            Some(at) => self.attach(*at, call, Attribution::Shared),
            None => self.share(call, Scope::Background, Attribution::Unattributed),
        }
    }

    /// Decides whose the doubtful calls are of which the oldest answered request may be the owner:
    /// it is handed on now.
    pub(super) fn settle_doubts(&mut self) {
        let Some(oldest) = self.ended.front() else {
            return;
        };
        let during = (oldest.exchange.began, 0)..=(oldest.exchange.ended, u64::MAX);
        let keys: Vec<_> = self.doubtful.range(during).map(|(key, _)| *key).collect();
        if keys.is_empty() {
            return;
        }
        let mut values = HashMap::new();
        let mut calls = Vec::new();
        for key in keys {
            let Some(doubtful) = self.doubtful.remove(&key) else {
                continue;
            };
            let candidates = self.candidates(key.0);
            for at in &candidates {
                if let Some(request) = self.request(*at)
                    && let Some(waiting) = self.ended.get(*at)
                {
                    values
                        .entry(request)
                        .or_insert_with(|| values_in(&waiting.exchange));
                }
            }
            let candidates: Vec<Request> = candidates
                .into_iter()
                .filter_map(|at| self.request(at))
                .collect();
            let own = values_in(&doubtful.call.exchange);
            calls.push((doubtful, own, candidates));
        }
        let decided = decide(&calls, &values, &mut self.transactions);
        for ((doubtful, _, candidates), decided) in calls.into_iter().zip(decided) {
            // A request that was not answered yet may have the same values: nothing is told.
            let began = doubtful.call.exchange.began;
            let all_known = self.open.values().all(|open| open.at > began);
            let first = candidates.first().copied();
            let (owner, by) = match decided.filter(|_| all_known).or(first.map(shared)) {
                Some(found) => found,
                None => {
                    self.place_idle(doubtful.call);
                    continue;
                }
            };
            match (0..self.ended.len()).find(|at| self.request(*at) == Some(owner)) {
                Some(at) => self.attach(at, doubtful.call, by),
                None => {
                    self.place_idle(doubtful.call);
                }
            }
        }
    }
}

fn shared(first: Request) -> (Request, Attribution) {
    (first, Attribution::Shared)
}

/// The values in a request.
fn values_in(exchange: &Exchange) -> HashSet<String> {
    match (exchange.request.tree(), protocol(exchange.protocol.0)) {
        (Some(request), Some(protocol)) => values_of(request, protocol.rules()),
        _ => HashSet::new(),
    }
}
