//! What a service asks by itself, by the clock.

use std::collections::HashMap;
use std::sync::Arc;

use retake_model::{Attribution, Mock, ProtocolId, Rules, Scope, TestSet, Value};

use super::{Effect, Key, effect, request_key, shape_key};
use crate::made::Near;

/// How many requests are remembered.
const MAX_KEYS: usize = 10_000;

/// A request as it is known again when the clock asks it once more: less its ids and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurring {
    /// The dependency, and the request less its ids and times.
    pub key: (Arc<str>, Key),
    /// Whether it is a read without ids and times. That cannot be a late call of some test which
    /// is alike but for its values, so that one sighting in idle time tells.
    pub plain: bool,
    /// Whether it begins or ends a transaction: then what stands in that tells whose it is.
    pub transaction: bool,
}

impl Recurring {
    /// How a request is known again.
    pub fn of(to: Arc<str>, request: &Value, rules: &Rules, near: Near) -> Self {
        let shape = shape_key(request, rules, near);
        let effect = effect(request, rules);
        Recurring {
            key: (to, shape),
            plain: shape == request_key(request, rules) && effect == Effect::Read,
            transaction: effect == Effect::Transaction,
        }
    }
}

/// The requests that were seen while no test was open: once where they are plain, else twice.
#[derive(Debug, Default)]
pub struct Idle(HashMap<(Arc<str>, Key), u64>);

impl Idle {
    /// It was seen so many times more while no test was open.
    pub fn saw(&mut self, request: &Recurring, times: u64) {
        if self.0.len() < MAX_KEYS || self.0.contains_key(&request.key) {
            *self.0.entry(request.key.clone()).or_default() += times;
        }
    }

    /// Whether the service asks it by itself, wherever it stands.
    pub fn has(&self, request: &Recurring) -> bool {
        let enough = if request.plain { 1 } else { 2 };
        !request.transaction && self.0.get(&request.key).is_some_and(|seen| *seen >= enough)
    }
}

/// Gives the scope `background` to calls of tests that the set has among its background calls: a
/// test that was written before the first of them was seen has them as its own.
pub fn settle_background(set: &mut TestSet, rules: impl Fn(ProtocolId) -> &'static Rules) {
    let near = Near::recorded(set.info.recorded);
    let mut idle = Idle::default();
    for mock in &set.shared {
        if mock.scope == Scope::Background {
            let rules = rules(mock.protocol);
            let request = Recurring::of(mock.to.clone(), &mock.request, rules, near);
            idle.saw(&request, mock.merged.saturating_add(1));
        }
    }
    if idle.0.is_empty() {
        return;
    }
    for test in &mut set.tests {
        let near = Near::recorded(test.at);
        let recurring: Vec<Recurring> = (test.calls.iter())
            .map(|call| Recurring::of(call.to.clone(), &call.request, rules(call.protocol), near))
            .collect();
        let mut by_clock = Vec::new();
        for (at, call) in test.calls.iter_mut().enumerate() {
            let own = call.scope == Scope::Test && call.by != Attribution::Trace;
            if own && recurring.get(at).is_some_and(|request| idle.has(request)) {
                call.scope = Scope::Background;
                by_clock.push(at);
            }
        }
        for at in by_clock {
            settle_transaction(&mut test.calls, &recurring, at);
        }
    }
}

/// Gives the scope `background` to the transaction that has just the call with that number in it:
/// what stands right before it and right after it at its dependency begins and ends one.
fn settle_transaction(calls: &mut [Mock], recurring: &[Recurring], at: usize) {
    let Some(to) = calls.get(at).map(|call| call.to.clone()) else {
        return;
    };
    let beside = |other: &usize| calls.get(*other).is_some_and(|call| call.to == to);
    let bounds = (
        (0..at).rev().find(beside),
        (at + 1..calls.len()).find(beside),
    );
    let is_bound = |at: usize| {
        let test = calls.get(at).is_some_and(|call| call.scope == Scope::Test);
        test && recurring.get(at).is_some_and(|request| request.transaction)
    };
    if let (Some(begins), Some(ends)) = bounds
        && is_bound(begins)
        && is_bound(ends)
    {
        for at in [begins, ends] {
            if let Some(call) = calls.get_mut(at) {
                call.scope = Scope::Background;
            }
        }
    }
}

#[cfg(test)]
mod tests;
