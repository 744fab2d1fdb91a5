//! Mocks that belong to no single test.

use std::collections::HashSet;
use std::sync::Arc;

use retake_model::{Attribution, Mock, Scope, TestCase, TestSet, Timestamp};

use super::canon::{Canon, CanonToken};
use super::clock::Clock;
use super::crowd::Crowd;
use super::key::Key;
use super::mock_set::mock;
use super::polls::Polls;
use super::pool::{Asked, Hit, Origin, Pool, Role, Which};
use super::running::{Provenance, Reading, RulesOf, add_call};
use crate::made::{AllMade, Known, Near};
use crate::rules::RuleSet;
use crate::sql::Statements;

/// Mocks that belong to no single test.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) startup: Pool,
    pub(super) session: Pool,
    pub(super) background: Pool,
    pub(super) clock: Clock,
    /// For each set, what was asked while several tests were open and nothing told whose it was.
    pub(super) crowds: Vec<Crowd>,
}

impl Shared {
    /// Reads the mocks of the sets, each with the rules of its set.
    pub(super) fn read(
        sets: &[Arc<TestSet>],
        noise: &[RuleSet],
        made: &AllMade,
        rules: &RulesOf,
        statements: &mut Statements,
    ) -> Self {
        let mut shared = Shared::default();
        for ((number, set), noise) in sets.iter().enumerate().zip(noise) {
            let mut reading = Reading {
                rules,
                noise,
                statements: &mut *statements,
            };
            shared.clock.add_set(set);
            let (crowd, late) = shared.read_set(number, set, made, &mut reading);
            shared.crowds.push(Crowd::new(&set.tests, crowd, late));
        }
        shared
    }

    /// What tests of that set share with others.
    pub(super) fn crowd_of(&self, set: usize) -> Option<&Pool> {
        self.crowds.get(set).map(Crowd::pool)
    }

    /// Whether a mock of a crowd is one of several that answer the same question of the same time
    /// with different answers: which of them is whose nothing tells.
    pub(super) fn is_ambiguous(
        &self,
        sets: &[Arc<TestSet>],
        origin: Origin,
        canon: &Canon,
    ) -> bool {
        // Where something told whose it is, it is served to that test first.
        let untold = mock(sets, origin).is_none_or(|mock| mock.by == Attribution::Shared);
        let crowd = self.crowds.get(origin.set);
        untold && crowd.is_some_and(|crowd| crowd.is_ambiguous(sets, canon.coarse_key(), &origin))
    }

    fn read_set(
        &mut self,
        number: usize,
        set: &TestSet,
        made: &AllMade,
        reading: &mut Reading<'_>,
    ) -> (Pool, HashSet<Key>) {
        let mut crowd = Pool::default();
        let mut late = HashSet::new();
        let mut known = Known::new();
        let (by_clock, other): (Vec<_>, Vec<_>) =
            (set.shared.iter().enumerate()).partition(|(_, mock)| mock.scope == Scope::Background);
        let mut background = Vec::new();
        let shared = |index| Origin {
            set: number,
            test: None,
            index,
        };
        let near = Near::recorded(set.info.recorded).with(made.short);
        for (index, mock) in other {
            self.add(&mut crowd, shared(index), mock, near, &mut known, reading);
        }
        for (test, case) in set.tests.iter().enumerate() {
            let mut provenance = None;
            for (index, mock) in case.calls.iter().enumerate() {
                let origin = Origin {
                    set: number,
                    test: Some(test),
                    index,
                };
                if is_late(case, mock) {
                    let near = Near::recorded(case.at);
                    let canon = reading.canon(&mock.to, &mock.request, mock.protocol, near);
                    late.insert(canon.coarse_key());
                }
                if mock.scope == Scope::Background {
                    let at = Timestamp(case.at.0.saturating_add(mock.after));
                    background.push((Some(at), origin, mock));
                } else if mock.scope != Scope::Test {
                    let near = Near::recorded(case.at).with(made.short);
                    self.add(&mut crowd, origin, mock, near, &mut known, reading);
                } else if mock.by.is_shared() {
                    let provenance = provenance.get_or_insert_with(|| Provenance::of(case, made));
                    add_call(&mut crowd, origin, provenance, mock, reading);
                }
            }
            if let Some(provenance) = provenance {
                provenance.give(&mut crowd);
            }
        }
        for (index, mock) in by_clock {
            let at = (mock.after > 0).then_some(Timestamp(mock.after));
            background.push((at, shared(index), mock));
        }
        // Where the times are not known (a recording of before they were kept): what the clock
        // asked was found outside of tests once it was known for that, after it was found in tests.
        let is_timed = background.iter().all(|(at, ..)| at.is_some());
        if is_timed {
            background.sort_by_key(|(at, ..)| *at);
        }
        let mut polls = Polls::default();
        for (at, origin, mock) in background {
            let at = at.filter(|_| is_timed);
            let near = Near::recorded(at.unwrap_or(set.info.recorded)).with(made.short);
            if let Some(at) = at.filter(|_| mock.response.get("rows").is_some()) {
                let kind = reading.canon(&mock.to, &mock.request, mock.protocol, near);
                polls.add(kind.coarse_key(), at, self.background.len(), mock);
            }
            self.add(&mut crowd, origin, mock, near, &mut known, reading);
            self.clock.add(origin, at);
        }
        self.clock.add_news(number, polls.news());
        (crowd, late)
    }

    fn add(
        &mut self,
        crowd: &mut Pool,
        origin: Origin,
        mock: &Mock,
        near: Near,
        known: &mut Known,
        reading: &mut Reading<'_>,
    ) {
        let first = known.first_in(mock, near);
        // Two moments that fell together may fall apart.
        let made = |token: &CanonToken| token.kind.is_moment() && known.has_made(&token.text);
        let pool = match mock.scope {
            Scope::Startup | Scope::Connection => &mut self.startup,
            Scope::Session => &mut self.session,
            Scope::Background => &mut self.background,
            Scope::Test => crowd,
        };
        let canon = reading.canon(&mock.to, &mock.request, mock.protocol, near);
        pool.add(origin, &canon, |token| match first.contains(&token.text) {
            true => Role::First,
            false if made(token) => Role::Made,
            false => Role::Given,
        });
        // What the clock asks is answered with what is new as soon as may be.
        if mock.scope != Scope::Background {
            pool.repeat_last(mock.merged);
        }
    }

    /// How many mocks were looked at, ever.
    pub(super) fn looked_at(&self) -> u64 {
        let pools = [&self.startup, &self.session, &self.background];
        pools
            .into_iter()
            .chain(self.crowds.iter().map(Crowd::pool))
            .map(|pool| pool.looked_at)
            .sum()
    }
}

/// Whether a call was made after the response of its test. One that was written by hand may have no
/// times.
fn is_late(test: &TestCase, call: &Mock) -> bool {
    call.scope == Scope::Test && call.after > test.took && test.took > 0
}

/// Takes a mock that may be served any number of times: in recorded order, then the last again.
pub(super) fn take_any(pool: &mut Pool, asked: &Asked<'_>) -> Option<Hit> {
    pool.take(asked, Which::Waiting, |_| true)
        .or_else(|| pool.take(asked, Which::Again, |_| true))
}
