//! Requests that other tests of a run ask, word for word.

use std::collections::HashMap;
use std::sync::Arc;

use retake_model::{Rules, Scope, TestSet, Value};

use super::canon::{Canon, Part};
use super::key::{Key, request_key_by};
use super::pool::Origin;
use super::running::RulesOf;
use crate::made::Near;
use crate::sql::Statements;

/// How many calls are held at most; of those beyond, misses are explained by what is near.
const LIMIT: usize = 200_000;

/// Where each request of the tests was recorded, in the order of the tests.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// The first of those that asked the same.
    first: HashMap<(Arc<str>, Key), Origin>,
    /// Those that asked the same but for the moments in it.
    all: HashMap<(Arc<str>, Key), Vec<Origin>>,
}

impl Elsewhere {
    /// Reads the calls of every test: once in a run, when the first request is missed.
    pub(super) fn read(
        sets: &[Arc<TestSet>],
        rules: &RulesOf,
        statements: &mut Statements,
    ) -> Self {
        let (mut elsewhere, mut number) = (Elsewhere::default(), 0);
        for (set, tests) in sets.iter().enumerate() {
            for (test, case) in tests.tests.iter().enumerate() {
                for (index, mock) in case.calls.iter().enumerate() {
                    if mock.scope == Scope::Test && number < LIMIT {
                        number += 1;
                        let origin = Origin {
                            set,
                            test: Some(test),
                            index,
                        };
                        let (rules, near) = (rules.of(mock), Near::recorded(case.at));
                        let key = request_key_by(&mock.request, rules, statements);
                        let first = elsewhere.first.entry((mock.to.clone(), key));
                        first.or_insert(origin);
                        let key = but_for_moments(&mock.request, rules, near, statements);
                        let all = elsewhere.all.entry((mock.to.clone(), key));
                        all.or_default().push(origin);
                    }
                }
            }
        }
        elsewhere
    }

    /// The call that asked the same first.
    pub(super) fn find(
        &self,
        to: &Arc<str>,
        request: &Value,
        rules: &Rules,
        statements: &mut Statements,
    ) -> Option<Origin> {
        let key = (to.clone(), request_key_by(request, rules, statements));
        self.first.get(&key).copied()
    }

    /// The calls that asked the same but for the moments in it, in the order of their tests.
    pub(super) fn but_for_moments(
        &self,
        to: &Arc<str>,
        request: &Value,
        rules: &Rules,
        near: Near,
        statements: &mut Statements,
    ) -> &[Origin] {
        let key = but_for_moments(request, rules, near, statements);
        let all = self.all.get(&(to.clone(), key));
        all.map_or(&[], Vec::as_slice)
    }
}

/// The key of a request with a place in the stead of each moment.
fn but_for_moments(request: &Value, rules: &Rules, near: Near, statements: &mut Statements) -> Key {
    Canon::read("", request, rules, near, statements).key(|_, token| match token.kind.is_moment() {
        true => Part::Hole(0),
        false => Part::Literal(&token.text),
    })
}
