//! Requests that other tests of a run ask, word for word.

use std::collections::HashMap;
use std::sync::Arc;

use retake_model::{Rules, Scope, TestSet, Value};

use super::key::{Key, request_key_by};
use super::pool::Origin;
use super::running::RulesOf;
use crate::sql::Statements;

/// How many requests are held at most; of those beyond, misses are explained by what is near.
const LIMIT: usize = 200_000;

/// Where each request of the tests was recorded first.
#[derive(Debug)]
pub(super) struct Elsewhere(HashMap<(Arc<str>, Key), Origin>);

impl Elsewhere {
    /// Reads the calls of every test: once in a run, when the first request is missed.
    pub(super) fn read(
        sets: &[Arc<TestSet>],
        rules: &RulesOf,
        statements: &mut Statements,
    ) -> Self {
        let mut first = HashMap::new();
        for (set, tests) in sets.iter().enumerate() {
            for (test, case) in tests.tests.iter().enumerate() {
                for (index, mock) in case.calls.iter().enumerate() {
                    if mock.scope == Scope::Test && first.len() < LIMIT {
                        let key = request_key_by(&mock.request, rules.of(mock), statements);
                        first.entry((mock.to.clone(), key)).or_insert(Origin {
                            set,
                            test: Some(test),
                            index,
                        });
                    }
                }
            }
        }
        Elsewhere(first)
    }

    /// The call that asks the same.
    pub(super) fn find(
        &self,
        to: &Arc<str>,
        request: &Value,
        rules: &Rules,
        statements: &mut Statements,
    ) -> Option<Origin> {
        let key = (to.clone(), request_key_by(request, rules, statements));
        self.0.get(&key).copied()
    }
}
