//! Takes from the tests of a set what the service does by its clock, whatever test was open then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use retake_model::{Attribution, Mock, ProtocolId, Rules, Scope, TestCase, TestSet, Value};

use super::super::effect::known_effect;
use super::super::key::{alike_key, request_key_by};
use super::super::transaction::{Step, step};
use super::super::{Effect, Key, values_of};
use super::{Idle, Recurring};
use crate::made::Near;
use crate::sql::Statements;

mod errands;
mod jobs;
mod kinds;
mod steady;

use errands::{Errands, Pass};
pub(in crate::matching) use steady::is_steady;

type RulesOf<'r> = &'r dyn Fn(ProtocolId) -> &'static Rules;

/// Gives the scope `background` to calls of tests that the set has among its background calls: a
/// test that was written before the first of them was seen has them as its own. What such a read
/// leads to goes with it: see [`errands`].
pub fn settle_background(set: &mut TestSet, rules: impl Fn(ProtocolId) -> &'static Rules) {
    let mut statements = Statements::default();
    let idle = idle_of(set, &rules, &mut statements);
    if idle.0.is_empty() {
        return;
    }
    let mut tests: Vec<(usize, Vec<Did>)> = (set.tests.iter().enumerate())
        .map(|(number, test)| (number, did(test, &idle, &rules, &mut statements)))
        .collect();
    tests.sort_by_key(|(number, _)| set.tests.get(*number).map(|test| test.at));
    let mut errands = Errands::of(set, &rules);
    errands.walk(set, &tests, Pass::Learn, &rules);
    errands.walk(set, &tests, Pass::Tell, &rules);
    put_outside(set, errands.found());
    let of_jobs = jobs::found(set, &rules);
    put_outside(set, of_jobs);
}

/// Takes calls from their tests.
fn put_outside(set: &mut TestSet, places: Vec<(usize, usize)>) {
    for (number, at) in places {
        let test = set.tests.get_mut(number);
        if let Some(call) = test.and_then(|test| test.calls.get_mut(at)) {
            call.scope = Scope::Background;
        }
    }
}

/// What is asked while no test is open, or in even pauses whatever test is.
fn idle_of(set: &TestSet, rules: RulesOf<'_>, statements: &mut Statements) -> Idle {
    let near = Near::recorded(set.info.recorded);
    let mut idle = Idle::default();
    for mock in set.shared.iter().filter(|mock| is_background(mock)) {
        let rules = rules(mock.protocol);
        let request = Recurring::of(mock.to.clone(), &mock.request, rules, near, statements);
        idle.saw(&request, mock.merged.saturating_add(1));
    }
    for mock in steady::polls(set, rules) {
        let rules = rules(mock.protocol);
        let request = Recurring::of(mock.to.clone(), &mock.request, rules, near, statements);
        idle.saw(&request, 2);
    }
    idle
}

fn is_background(mock: &Mock) -> bool {
    mock.scope == Scope::Background
}

/// What a call of a test does, as far as the clock is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    Begin,
    End,
    /// It asked what the clock asks.
    Asked,
    Wrote,
    /// It read, or is certainly of its test.
    Else,
}

fn did(test: &TestCase, idle: &Idle, rules: RulesOf<'_>, statements: &mut Statements) -> Vec<Did> {
    let near = Near::recorded(test.at);
    let one = |call: &Mock| {
        if call.scope != Scope::Test || call.by == Attribution::Trace {
            return Did::Else;
        }
        let rules = rules(call.protocol);
        match step(&call.request) {
            Step::Begins => Did::Begin,
            Step::Ends => Did::End,
            Step::Within => {
                let request =
                    Recurring::of(call.to.clone(), &call.request, rules, near, statements);
                match known_effect(&call.request, rules, statements) {
                    _ if idle.has(&request) => Did::Asked,
                    Effect::Write => Did::Wrote,
                    _ => Did::Else,
                }
            }
        }
    };
    test.calls.iter().map(one).collect()
}
