//! What was recorded after the next request began, and comes before it on replay.

use retake_model::{Call, Scope, TestCase, TestId};

use super::{MockSet, NONE, test_case};
use crate::made::Near;
use crate::matching::LATE;
use crate::matching::running::{Provenance, Reading, Running};
use crate::matching::search::{Asking, Found, Owners, Places, Source};

/// How many of the next tests are looked at.
const TESTS: usize = 8;

impl MockSet {
    /// Reads the mocks of a test that comes next. Its beginning then need not: worth it where there
    /// is nothing else to do. Nothing else depends on it.
    pub fn read_ahead(&mut self, test: &TestId) {
        let Some((set, number)) = self.tests.get(test).copied() else {
            return;
        };
        let is_there = |running: &Running| (running.set, running.number) == (set, number);
        if self.running.iter().chain(&self.ready).any(is_there) {
            return;
        }
        self.ready = self.prepare(set, number);
    }

    /// The test that was read already, else one that is made ready now.
    pub(super) fn read_or_prepare(&mut self, (set, number): (usize, usize)) -> Option<Running> {
        let is_ready = |ready: &mut Running| (ready.set, ready.number) == (set, number);
        match self.ready.take_if(is_ready) {
            Some(ready) => Some(ready),
            None => self.prepare(set, number),
        }
    }

    /// What the next tests have of a call that no test has which is open or ended, and its owners.
    pub(super) fn find_ahead(
        &mut self,
        call: &Call,
        owners: &Owners,
        near: Near,
    ) -> Option<(Found, Owners)> {
        let next = self.prepare_next(call, owners);
        if next.is_empty() {
            return None;
        }
        let owners = Owners::next(&next);
        let (canon, own) = self.read(call, &owners, near);
        let asking = Asking {
            canon,
            own,
            values: &self.values,
            near,
        };
        let mut places = Places {
            sets: &self.sets,
            running: &mut self.running,
            shared: &mut self.shared,
            behind: &NONE,
            writes: false,
        };
        let found = places.find_in(&next, &asking)?;
        let owners = match found.source {
            Source::Test(at) => Owners::next(&[at]),
            _ => owners,
        };
        Some((found, owners))
    }

    /// Makes those of the next tests ready that have a call which may be of the test that is open
    /// or ended last: one that began a short while after its response. Their places among the
    /// running ones.
    fn prepare_next(&mut self, call: &Call, owners: &Owners) -> Vec<usize> {
        let Some(own) = owners.first().and_then(|at| self.running.get(at)) else {
            return Vec::new();
        };
        let (set, number) = (own.set, own.number);
        let Some(end) = test_case(&self.sets, (set, number)).map(ended) else {
            return Vec::new();
        };
        let mut next = Vec::new();
        for number in (number + 1..).take(TESTS) {
            let Some(case) = test_case(&self.sets, (set, number)) else {
                break;
            };
            if self.ended.contains(&(set, number)) || !has_late(case, call, end) {
                continue;
            }
            let running = |r: &&Running| (r.set, r.number) == (set, number);
            match self.running.iter().find(running) {
                Some(running) if running.began.is_some() => {}
                Some(_) => next.push((set, number)),
                None => {
                    let prepared = self.prepare(set, number);
                    self.running.extend(prepared);
                    next.push((set, number));
                }
            }
        }
        let place =
            |next: &(usize, usize)| self.running.iter().position(|r| (r.set, r.number) == *next);
        next.iter().filter_map(place).collect()
    }

    /// A test that did not begin yet.
    pub(super) fn prepare(&mut self, set: usize, number: usize) -> Option<Running> {
        let case = test_case(&self.sets, (set, number))?;
        let id = TestId {
            set: self.sets.get(set)?.name.clone(),
            name: case.name.as_str().into(),
        };
        let of_set = self.noise.get(set)?;
        // Every rule was checked when the sets were read.
        let noise = of_set.with(&case.rules).unwrap_or_else(|_| of_set.clone());
        let mut reading = Reading {
            rules: &self.rules,
            noise: &noise,
            statements: &mut self.statements,
        };
        let provenance = Provenance::of(case, &self.made);
        Some(Running::new((set, number), id, &provenance, &mut reading))
    }
}

/// When the response of a test had come, in nanoseconds since 1970.
fn ended(test: &TestCase) -> u64 {
    test.at.0.saturating_add(test.took)
}

/// Whether a test has a call to that dependency a short while after that time.
fn has_late(case: &TestCase, call: &Call, end: u64) -> bool {
    case.calls.iter().any(|mock| {
        mock.scope == Scope::Test
            && mock.to == call.to
            && case.at.0.saturating_add(mock.after).saturating_sub(end) <= LATE
    })
}
