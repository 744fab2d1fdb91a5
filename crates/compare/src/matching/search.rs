//! Whose a call is, and where its answer is looked for.

use std::collections::VecDeque;
use std::sync::Arc;

use retake_model::{TestSet, TraceId};

use super::canon::Canon;
use super::crowd::Crowd;
use super::pool::{Asked, Hit, Which};
use super::running::Running;
use super::shared::{Shared, take_any};
use crate::made::{Near, ValueMap};

/// The running tests that a call may belong to.
#[derive(Debug, Clone)]
pub(super) struct Owners {
    /// Places among the running tests, the first one first.
    tests: Vec<usize>,
    /// Tests that ended a short while ago, the latest first.
    late: Vec<usize>,
}

impl Owners {
    /// The owners of a call with that trace id. A test that ended before the count `settles` may
    /// wait for what it shares with others, and has no late calls any more.
    pub(super) fn of(running: &[Running], trace: Option<&TraceId>, settles: u64) -> Self {
        let traced = |r: &Running| trace.is_some() && r.trace.as_ref() == trace;
        if let Some(at) = running.iter().position(traced) {
            return Owners {
                tests: vec![at],
                late: Vec::new(),
            };
        }
        let mut late: Vec<(u64, usize)> = Vec::new();
        let mut tests = Vec::new();
        for (at, running) in running.iter().enumerate() {
            match running.ended {
                Some(ended) if ended >= settles => late.push((ended, at)),
                Some(_) => {}
                None if running.began.is_some() => tests.push(at),
                None => {}
            }
        }
        late.sort_by(|a, b| b.cmp(a));
        let mut late: Vec<usize> = late.into_iter().map(|(_, at)| at).collect();
        if tests.is_empty() && !late.is_empty() {
            tests.push(late.remove(0));
        }
        Owners { tests, late }
    }

    /// Tests that did not begin yet.
    pub(super) fn next(tests: &[usize]) -> Self {
        Owners {
            tests: tests.to_vec(),
            late: Vec::new(),
        }
    }

    /// The first of them, whom a call is noted with.
    pub(super) fn first(&self) -> Option<usize> {
        self.tests.first().copied()
    }

    /// Whether nothing told whose of several tests the call is.
    pub(super) fn several(&self) -> bool {
        self.tests.len() > 1
    }

    /// These owners, with one of them (or a late one) put first.
    pub(super) fn only(&self, at: usize) -> Self {
        let others = self.tests.iter().copied().filter(|other| *other != at);
        Owners {
            tests: std::iter::once(at)
                .chain(others.filter(|_| self.tests.contains(&at)))
                .collect(),
            late: Vec::new(),
        }
    }

    /// All of them, the likely ones first.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.tests.iter().chain(&self.late).copied()
    }
}

/// Where an answer was found; tests by their place among the running ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Test(usize),
    /// Among what several tests share, for this one.
    Crowd(usize),
    Session,
    Background,
    Startup,
}

/// Where an answer is looked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// In the tests.
    Tests,
    /// Outside of them.
    Outside,
    /// In what the first of the tests has itself, and nowhere else.
    Kept,
    /// In what is of no test, and nowhere else.
    Session,
}

/// An answer, and where it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) hit: Hit,
    pub(super) source: Source,
}

/// What is asked, as the rules of each place read it.
pub(super) struct Asking<'a> {
    /// Less the noise of the set.
    pub(super) canon: Canon,
    /// By the place among the running tests: less the noise of a test with rules of its own.
    pub(super) own: Vec<(usize, Canon)>,
    pub(super) values: &'a ValueMap,
    pub(super) near: Near,
}

impl Asking<'_> {
    fn shared(&self) -> Asked<'_> {
        Asked {
            canon: &self.canon,
            values: self.values,
            near: self.near,
        }
    }

    fn of_test(&self, at: usize) -> Asked<'_> {
        let own = self.own.iter().find(|(own, _)| *own == at);
        Asked {
            canon: own.map_or(&self.canon, |(_, canon)| canon),
            ..self.shared()
        }
    }
}

/// Where answers are looked for.
pub(super) struct Places<'a> {
    pub(super) sets: &'a [Arc<TestSet>],
    pub(super) running: &'a mut [Running],
    pub(super) shared: &'a mut Shared,
    /// The tests that ended last, the latest at the end, whose calls may still come.
    pub(super) behind: &'a VecDeque<(usize, usize)>,
    /// Whether what is asked may change something.
    pub(super) writes: bool,
}

impl Places<'_> {
    /// Looks for the answer there.
    pub(super) fn look(
        &mut self,
        owners: &Owners,
        asking: &Asking<'_>,
        look: Look,
    ) -> Option<Found> {
        match look {
            Look::Tests => self.find(owners, asking),
            Look::Outside => self.find_outside(owners, asking),
            Look::Kept => self.find_kept(owners, asking),
            Look::Session => self.find_in_session(&asking.shared()),
        }
    }

    /// Looks for the answer, place by place.
    fn find(&mut self, owners: &Owners, asking: &Asking<'_>) -> Option<Found> {
        let asked = &asking.shared();
        let found = |hit, source| Some(Found { hit, source });
        if let Some(found) = self.of_tests(owners, asking, Which::Waiting) {
            return Some(found);
        }
        if owners.tests.is_empty()
            && let Some(hit) = take_any(&mut self.shared.startup, asked)
        {
            return found(hit, Source::Startup);
        }
        if let Some(found) = self.find_in_session(asked) {
            return Some(found);
        }
        // What the service reads by itself when it starts may take until tests run.
        if !self.writes
            && let Some(hit) = self.shared.startup.take(asked, Which::Waiting, |_| true)
        {
            return found(hit, Source::Startup);
        }
        self.of_tests(owners, asking, Which::Again).or_else(|| {
            take_any(&mut self.shared.startup, asked).map(|hit| Found {
                hit,
                source: Source::Startup,
            })
        })
    }

    /// What the first of these tests has itself, alone or kept among what it shares.
    fn find_kept(&mut self, owners: &Owners, asking: &Asking<'_>) -> Option<Found> {
        let first = owners.first()?;
        self.of_late(&[first], asking)
    }

    /// What tests have that did not begin yet.
    pub(super) fn find_in(&mut self, tests: &[usize], asking: &Asking<'_>) -> Option<Found> {
        self.of_one(tests, asking, Which::Waiting)
    }

    /// Looks outside of the tests before it looks in them.
    fn find_outside(&mut self, owners: &Owners, asking: &Asking<'_>) -> Option<Found> {
        let found = self.find_in_session(&asking.shared());
        found.or_else(|| self.find(owners, asking))
    }

    /// What is of the session, or background.
    fn find_in_session(&mut self, asked: &Asked<'_>) -> Option<Found> {
        let session = take_any(&mut self.shared.session, asked);
        let found = |hit, source| Found { hit, source };
        session.map(|hit| found(hit, Source::Session)).or_else(|| {
            let Shared {
                clock, background, ..
            } = &mut *self.shared;
            let hit = clock.take(background, asked, self.writes, self.sets, self.running)?;
            Some(found(hit, Source::Background))
        })
    }

    /// What the open tests have, or what those lack that ended a short while ago.
    fn of_tests(&mut self, owners: &Owners, asking: &Asking<'_>, which: Which) -> Option<Found> {
        let open = self.of_open(&owners.tests, asking, which);
        // What a test that ended still lacks may come late. What it has asked already is asked
        // again by whoever is open, and is no answer to that one.
        open.or_else(|| match which {
            Which::Waiting => self.of_late(&owners.late, asking),
            Which::Again => None,
        })
    }

    /// First what is a test's alone, then what it shares, last what others would have to pass on.
    fn of_open(&mut self, tests: &[usize], asking: &Asking<'_>, which: Which) -> Option<Found> {
        let asked = &asking.shared();
        let (sets, behind, writes) = (self.sets, self.behind, self.writes);
        let alone = self.of_one(tests, asking, which);
        let found = alone.or_else(|| {
            self.of_crowd(tests, |crowd, test, set| {
                let is_behind = |other: usize| behind.contains(&(set, other));
                crowd.take(asked, which, test, sets, writes, is_behind)
            })
        });
        found.or_else(|| match which {
            Which::Waiting => {
                self.of_crowd(tests, |crowd, test, _| crowd.passed_on(asked, test, sets))
            }
            Which::Again => None,
        })
    }

    /// Of what they share, only what is kept with them: the rest is of whoever is open.
    fn of_late(&mut self, tests: &[usize], asking: &Asking<'_>) -> Option<Found> {
        let asked = &asking.shared();
        let which = Which::Waiting;
        let alone = self.of_one(tests, asking, which);
        alone.or_else(|| self.of_crowd(tests, |crowd, test, _| crowd.take_kept(asked, which, test)))
    }

    /// What tests that ended shortly before share with others, for a call that is noted with the
    /// first of these owners. A read only of tests that were alone: whether it is answered as that
    /// of another test of several at once would say that it was moved.
    pub(super) fn find_behind(&mut self, owners: &Owners, asking: &Asking<'_>) -> Option<Found> {
        let (asked, sets, behind) = (&asking.shared(), self.sets, self.behind);
        let source = Source::Crowd(owners.first()?);
        let writes = self.writes;
        let crowds = &mut self.shared.crowds;
        let mut find = |find: &dyn Fn(&mut Crowd, usize) -> Option<Hit>| {
            let mut ended = behind.iter().rev();
            ended.find_map(|(set, test)| {
                let crowd = crowds.get_mut(*set)?;
                let may = writes || crowd.was_alone(*test);
                may.then(|| find(crowd, *test)).flatten()
            })
        };
        let which = Which::Waiting;
        let hit = find(&|crowd, test| crowd.take(asked, which, test, sets, false, |_| false))
            .or_else(|| find(&|crowd, test| crowd.passed_on(asked, test, sets)))?;
        Some(Found { hit, source })
    }

    /// What is one test's alone.
    fn of_one(&mut self, tests: &[usize], asking: &Asking<'_>, which: Which) -> Option<Found> {
        tests.iter().find_map(|at| {
            let pool = &mut self.running.get_mut(*at)?.pool;
            let hit = pool.take(&asking.of_test(*at), which, |_| true)?;
            let source = Source::Test(*at);
            Some(Found { hit, source })
        })
    }

    fn of_crowd(
        &mut self,
        tests: &[usize],
        take: impl Fn(&mut Crowd, usize, usize) -> Option<Hit>,
    ) -> Option<Found> {
        tests.iter().find_map(|at| {
            let running = self.running.get(*at)?;
            let crowd = self.shared.crowds.get_mut(running.set)?;
            let hit = take(crowd, running.number, running.set)?;
            let source = Source::Crowd(*at);
            Some(Found { hit, source })
        })
    }
}
