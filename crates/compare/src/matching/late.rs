//! What a service still did after it answered, recorded while another request was open.
//!
//! While a recording runs, a call of the one open request is in doubt once its like was seen after a
//! response. What had been written before was taken for certain; that it is not, only the whole
//! recording tells.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use retake_model::{Attribution, Mock, ProtocolId, Rules, Scope, TestCase, TestSet, Timestamp};

use super::LATE;
use super::canon::Canon;
use super::key::Key;
use super::transaction::{Step, step};
use crate::made::Near;
use crate::sql::Statements;

/// Marks calls of tests as shared with the tests of their moment that may as well be what an earlier
/// request left to be done: their like was made after a response, and one had been given shortly
/// before. With a call, the transaction around it.
pub fn doubt_late(set: &mut TestSet, rules: impl Fn(ProtocolId) -> &'static Rules) {
    let mut kinds = Kinds {
        rules: &rules,
        statements: Statements::default(),
        late: HashSet::new(),
    };
    for test in &set.tests {
        kinds.learn(test);
    }
    if kinds.late.is_empty() {
        return;
    }
    let mut ends: Vec<Timestamp> = set.tests.iter().map(ended).collect();
    ends.sort_unstable();
    let is_behind_another = |at: Timestamp| {
        let before = ends.partition_point(|end| *end < at).checked_sub(1);
        let last = before.and_then(|last| ends.get(last));
        last.is_some_and(|last| at.since(*last) <= LATE)
    };
    for test in &mut set.tests {
        for at in doubtful(test, &mut kinds, is_behind_another) {
            if let Some(call) = test.calls.get_mut(at) {
                call.by = Attribution::Shared;
            }
        }
    }
}

/// The kinds of calls that are made after responses.
struct Kinds<'r> {
    rules: &'r dyn Fn(ProtocolId) -> &'static Rules,
    statements: Statements,
    late: HashSet<Key>,
}

impl Kinds<'_> {
    /// Learns from what stands behind the response of a test. One that was written by hand may have
    /// no times.
    fn learn(&mut self, test: &TestCase) {
        let late = |call: &&Mock| {
            let told = matches!(
                call.by,
                Attribution::Trace | Attribution::Process | Attribution::Connection
            );
            call.scope == Scope::Test && !told && call.after > test.took && test.took > 0
        };
        for call in test.calls.iter().filter(late) {
            if step(&call.request) == Step::Within {
                let kind = self.of(call);
                self.late.insert(kind);
            }
        }
    }

    fn are_late(&mut self, call: &Mock) -> bool {
        let kind = self.of(call);
        self.late.contains(&kind)
    }

    fn of(&mut self, call: &Mock) -> Key {
        let rules = (self.rules)(call.protocol);
        let near = Near::default();
        Canon::read(&call.to, &call.request, rules, near, &mut self.statements).coarse_key()
    }
}

/// The numbers of the calls of a test that may be an earlier test's.
fn doubtful(
    test: &TestCase,
    kinds: &mut Kinds<'_>,
    is_behind_another: impl Fn(Timestamp) -> bool,
) -> Vec<usize> {
    let mut found = Vec::new();
    // The calls of the transaction that is open at each dependency, and whether one of them is.
    let mut open: HashMap<&Arc<str>, (Vec<usize>, bool)> = HashMap::new();
    for (at, call) in test.calls.iter().enumerate() {
        if call.scope != Scope::Test || call.by != Attribution::Alone || call.after > test.took {
            continue;
        }
        let doing = step(&call.request);
        let is_it = doing == Step::Within
            && is_behind_another(Timestamp(test.at.0.saturating_add(call.after)))
            && kinds.are_late(call);
        match (doing, open.get_mut(&call.to)) {
            (Step::Begins, _) => {
                open.insert(&call.to, (vec![at], false));
            }
            (_, Some((calls, doubt))) => {
                calls.push(at);
                *doubt |= is_it;
            }
            (_, None) if is_it => found.push(at),
            (_, None) => {}
        }
        if doing == Step::Ends
            && let Some((calls, true)) = open.remove(&call.to)
        {
            found.extend(calls);
        }
    }
    let unended = open.into_values().filter(|(_, doubt)| *doubt);
    found.extend(unended.flat_map(|(calls, _)| calls));
    found
}

/// When the response of a test had come.
fn ended(test: &TestCase) -> Timestamp {
    Timestamp(test.at.0.saturating_add(test.took))
}

#[cfg(test)]
mod tests;
