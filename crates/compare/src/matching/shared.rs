//! Mocks that belong to no single test.

use std::sync::Arc;

use retake_model::{Attribution, Mock, Scope, TestCase, TestSet};

use super::canon::Canon;
use super::pool::{Asked, Hit, Origin, Pool, Role, Which};
use super::running::{RulesOf, add_call};
use crate::made::{Known, Near};
use crate::sql::Statements;

/// Mocks that belong to no single test.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) startup: Pool,
    pub(super) session: Pool,
    pub(super) background: Pool,
    /// For each set, what was asked while several tests were open and nothing told whose it was.
    pub(super) crowds: Vec<Pool>,
}

impl Shared {
    pub(super) fn read(
        sets: &[Arc<TestSet>],
        rules: &RulesOf,
        statements: &mut Statements,
    ) -> Self {
        let mut shared = Shared::default();
        for (number, set) in sets.iter().enumerate() {
            shared.crowds.push(Pool::default());
            let near = Near::recorded(set.info.recorded);
            let mut known = Known::new();
            for (index, mock) in set.shared.iter().enumerate() {
                let origin = Origin {
                    set: number,
                    test: None,
                    index,
                };
                shared.add(origin, mock, near, &mut known, rules, statements);
            }
            for (test, case) in set.tests.iter().enumerate() {
                for (index, mock) in case.calls.iter().enumerate() {
                    let origin = Origin {
                        set: number,
                        test: Some(test),
                        index,
                    };
                    if mock.scope != Scope::Test {
                        let near = Near::recorded(case.at);
                        shared.add(origin, mock, near, &mut known, rules, statements);
                    } else if mock.by == Attribution::Shared
                        && let Some(crowd) = shared.crowds.get_mut(number)
                    {
                        add_call(crowd, origin, case, mock, rules.of(mock), statements);
                    }
                }
            }
        }
        shared
    }

    fn add(
        &mut self,
        origin: Origin,
        mock: &Mock,
        near: Near,
        known: &mut Known,
        rules: &RulesOf,
        statements: &mut Statements,
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
        let canon = Canon::read(&mock.to, &mock.request, rules.of(mock), near, statements);
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

/// Takes a mock that may be served any number of times: in recorded order, then the last again.
pub(super) fn take_any(pool: &mut Pool, asked: &Asked<'_>) -> Option<Hit> {
    pool.take(asked, Which::Waiting, |_| true)
        .or_else(|| pool.take(asked, Which::Again, |_| true))
}

/// Whether the times of two tests overlapped when they were recorded, with what they did after
/// their responses.
pub(super) fn overlap(a: &TestCase, b: &TestCase) -> bool {
    let span = |test: &TestCase| {
        let calls = test.calls.iter();
        let last = calls.map(|call| call.after.saturating_add(call.took)).max();
        let length = last.unwrap_or(0).max(test.took);
        (test.at.0, test.at.0.saturating_add(length))
    };
    let ((a_began, a_ended), (b_began, b_ended)) = (span(a), span(b));
    a_began <= b_ended && b_began <= a_ended
}
