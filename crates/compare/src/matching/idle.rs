//! What a service asks by itself, by the clock.

use std::collections::HashMap;
use std::sync::Arc;

use retake_model::{Rules, Value};

use super::canon::{Canon, Part};
use super::effect::known_effect;
use super::{Effect, Key};
use crate::made::Near;
use crate::sql::Statements;

mod settle;

pub(super) use settle::is_steady;
pub use settle::settle_background;

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
    pub fn of(
        to: Arc<str>,
        request: &Value,
        rules: &Rules,
        near: Near,
        statements: &mut Statements,
    ) -> Self {
        let effect = known_effect(request, rules, statements);
        let canon = Canon::read("", request, rules, near, statements);
        let mut has_values = false;
        let shape = canon.key(|number, _| {
            has_values = true;
            Part::Hole(number)
        });
        Recurring {
            key: (to, shape),
            plain: !has_values && effect == Effect::Read,
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

#[cfg(test)]
mod tests;
