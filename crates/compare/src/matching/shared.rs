//! Mocks that belong to no single test.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use retake_model::{Attribution, Mock, Scope, TestCase, TestSet};

use super::canon::Canon;
use super::key::Key;
use super::mock_set::mock;
use super::pool::{Asked, Hit, Origin, Pool, Role, Which};
use super::running::{Provenance, Reading, RulesOf, add_call};
use crate::made::{Known, Near};
use crate::rules::RuleSet;
use crate::sql::Statements;

/// Mocks that belong to no single test.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) startup: Pool,
    pub(super) session: Pool,
    pub(super) background: Pool,
    /// For each set, what was asked while several tests were open and nothing told whose it was.
    pub(super) crowds: Vec<Pool>,
    /// For each set, the numbers in its crowd of each test's own calls.
    pub(super) crowded: Vec<HashMap<usize, Vec<usize>>>,
    /// For each set, when its tests were recorded.
    pub(super) spans: Vec<Vec<During>>,
}

impl Shared {
    /// Reads the mocks of the sets, each with the rules of its set.
    pub(super) fn read(
        sets: &[Arc<TestSet>],
        noise: &[RuleSet],
        made: &HashSet<Key>,
        rules: &RulesOf,
        statements: &mut Statements,
    ) -> Self {
        let mut shared = Shared::default();
        for ((number, set), noise) in sets.iter().enumerate().zip(noise) {
            shared.crowds.push(Pool::default());
            shared
                .spans
                .push(set.tests.iter().map(During::of).collect());
            let mut reading = Reading {
                rules,
                noise,
                statements: &mut *statements,
            };
            shared.read_set(number, set, made, &mut reading);
        }
        shared.crowded = shared.crowds.iter().map(by_test).collect();
        shared
    }

    /// The calls of a test that it may share with others, and that nobody made.
    pub(super) fn unserved(&self, set: usize, test: usize) -> Vec<usize> {
        let numbers = self.crowded.get(set).and_then(|crowd| crowd.get(&test));
        let crowd = self.crowds.get(set);
        let entries = numbers
            .into_iter()
            .flatten()
            .filter_map(|number| crowd?.entry(*number));
        entries
            .filter(|entry| entry.served == 0)
            .map(|entry| entry.origin.index)
            .collect()
    }

    /// Whether a mock of a crowd is one of several that answer the same question of the same time
    /// with different answers: which of them is whose nothing tells.
    pub(super) fn is_ambiguous(
        &self,
        sets: &[Arc<TestSet>],
        origin: Origin,
        canon: &Canon,
    ) -> bool {
        let (Some(crowd), Some(spans)) = (self.crowds.get(origin.set), self.spans.get(origin.set))
        else {
            return false;
        };
        let span = |origin: Origin| origin.test.and_then(|number| spans.get(number));
        let own = mock(sets, origin);
        // Something told whose it is, and it is served to that test first.
        if own.is_some_and(|mock| mock.by != Attribution::Shared) {
            return false;
        }
        let own = own.map(|mock| &mock.response);
        crowd.rivals(canon.coarse_key(), origin).any(|rival| {
            let together = match (span(origin), span(rival)) {
                (Some(a), Some(b)) => a.overlaps(b),
                _ => true,
            };
            together && mock(sets, rival).map(|mock| &mock.response) != own
        })
    }

    fn read_set(
        &mut self,
        number: usize,
        set: &TestSet,
        made: &HashSet<Key>,
        reading: &mut Reading<'_>,
    ) {
        let mut known = Known::new();
        for (index, mock) in set.shared.iter().enumerate() {
            let origin = Origin {
                set: number,
                test: None,
                index,
            };
            let near = Near::recorded(set.info.recorded);
            self.add(origin, mock, near, &mut known, reading);
        }
        for (test, case) in set.tests.iter().enumerate() {
            let mut provenance = None;
            for (index, mock) in case.calls.iter().enumerate() {
                let origin = Origin {
                    set: number,
                    test: Some(test),
                    index,
                };
                if mock.scope != Scope::Test {
                    self.add(origin, mock, Near::recorded(case.at), &mut known, reading);
                } else if mock.by.is_shared()
                    && let Some(crowd) = self.crowds.get_mut(number)
                {
                    let provenance = provenance.get_or_insert_with(|| Provenance::of(case, made));
                    add_call(crowd, origin, provenance, mock, reading);
                }
            }
        }
    }

    fn add(
        &mut self,
        origin: Origin,
        mock: &Mock,
        near: Near,
        known: &mut Known,
        reading: &mut Reading<'_>,
    ) {
        let first = known.first_in(mock, near);
        let pool = match mock.scope {
            Scope::Startup | Scope::Connection => &mut self.startup,
            Scope::Session => &mut self.session,
            Scope::Background => &mut self.background,
            Scope::Test => match self.crowds.get_mut(origin.set) {
                Some(crowd) => crowd,
                None => return,
            },
        };
        let canon = reading.canon(&mock.to, &mock.request, mock.protocol, near);
        pool.add(origin, &canon, |token| match first.contains(&token.text) {
            true => Role::First,
            false => Role::Given,
        });
    }

    /// How many mocks were looked at, ever.
    pub(super) fn looked_at(&self) -> u64 {
        let pools = [&self.startup, &self.session, &self.background];
        pools
            .into_iter()
            .chain(&self.crowds)
            .map(|pool| pool.looked_at)
            .sum()
    }
}

/// The numbers in a crowd of each test's own calls.
fn by_test(crowd: &Pool) -> HashMap<usize, Vec<usize>> {
    let mut tests: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, entry) in crowd.entries().enumerate() {
        if let Some(test) = entry.origin.test {
            tests.entry(test).or_default().push(number);
        }
    }
    tests
}

/// Takes a mock that may be served any number of times: in recorded order, then the last again.
pub(super) fn take_any(pool: &mut Pool, asked: &Asked<'_>) -> Option<Hit> {
    pool.take(asked, Which::Waiting, |_| true)
        .or_else(|| pool.take(asked, Which::Again, |_| true))
}

/// When a test was recorded, with what it did after its response, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct During {
    began: u64,
    ended: u64,
}

impl During {
    fn of(test: &TestCase) -> Self {
        let calls = test.calls.iter();
        let last = calls.map(|call| call.after.saturating_add(call.took)).max();
        let length = last.unwrap_or(0).max(test.took);
        During {
            began: test.at.0,
            ended: test.at.0.saturating_add(length),
        }
    }

    /// Whether the times of two tests overlapped.
    pub(super) fn overlaps(&self, other: &During) -> bool {
        self.began <= other.ended && other.began <= self.ended
    }
}
