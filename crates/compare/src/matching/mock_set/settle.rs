//! When a test's outcome is final.

use std::time::Duration;

use retake_model::TestId;

use crate::matching::crowd::Crowd;
use crate::matching::describe::is_probe;
use crate::matching::outcome::CallsOutcome;
use crate::matching::running::Running;
use crate::matching::shared::Shared;

use super::{MockSet, mock, test_case};

impl MockSet {
    /// How many calls of an open or just ended test nobody made yet, of those whose absence would
    /// be said: those that are its alone, and those that came after its response, whose test
    /// nothing told for certain.
    pub fn unserved_calls(&self, test: &TestId) -> usize {
        let Some(running) = self.running.iter().find(|running| running.id == *test) else {
            return 0;
        };
        let own = running.pool.entries();
        let own = own
            .filter(|entry| entry.served == 0)
            .filter_map(|entry| mock(&self.sets, entry.origin))
            .filter(|mock| !is_probe(&mock.request))
            .count();
        let Some(case) = test_case(&self.sets, (running.set, running.number)) else {
            return own;
        };
        let set = self.sets.get(running.set);
        let crowd = self.shared.crowds.get(running.set);
        if set.is_some_and(|set| set.tests.len() == running.number + 1) {
            // Nobody comes after it.
            return own + crowd.map_or(0, |crowd| crowd.outstanding(running.number));
        }
        let shared = self.unserved(running);
        let late = shared.iter().filter_map(|index| case.calls.get(*index));
        own + late.filter(|call| call.after > case.took).count()
    }

    /// How many jobs were told something new before that test began when it was recorded, and were not
    /// yet in this run, and how long they pause at most; none where all were. What they do then comes
    /// before the test, or beside it.
    pub fn jobs_to_tell(&mut self, test: &TestId) -> Option<(usize, Duration)> {
        let (set, number) = self.tests.get(test).copied()?;
        let at = test_case(&self.sets, (set, number))?.at;
        let Shared {
            clock, background, ..
        } = &mut self.shared;
        let (number, pause) = clock.awaits(set, at, background)?;
        Some((number, Duration::from_nanos(pause)))
    }

    /// Whether an open or just ended test was given an answer with a value that the candidate made in
    /// place of the recorded one.
    pub fn gave_new_values(&self, test: &TestId) -> bool {
        let mut running = self.running.iter();
        running.any(|running| running.id == *test && running.has_new_values)
    }

    /// Whether the request of an open test may be sent again, although the service closed the
    /// connection: it asked for nothing that the test has, and a call shortly before got no answer.
    /// That was an earlier test's, after its response, and servers close the connection of whoever
    /// fails there.
    pub fn may_repeat(&self, test: &TestId) -> bool {
        let running = self.running.iter().find(|running| running.id == *test);
        running.is_some_and(|running| {
            let began = running.began.unwrap_or(u64::MAX);
            let before = self.missed.is_some_and(|missed| missed + 2 >= began);
            before && running.has_nothing()
        })
    }

    /// The outcomes that became final: of tests after whose end another one has begun and ended.
    /// A test that shares calls which nobody made yet waits for those that may still make them.
    pub fn settled(&mut self) -> Vec<CallsOutcome> {
        let is_final = |running: &Running| {
            running.ended.is_some_and(|ended| ended < self.settles)
                && (self.unserved(running).is_empty() || self.is_over(running))
        };
        let finals: Vec<bool> = self.running.iter().map(is_final).collect();
        self.take_outcomes(&finals)
    }

    /// The outcomes of all tests that are left: the run is over, no call comes any more.
    pub fn finish(&mut self) -> Vec<CallsOutcome> {
        self.running.retain(|running| running.began.is_some());
        let finals = vec![true; self.running.len()];
        self.take_outcomes(&finals)
    }

    fn unserved(&self, running: &Running) -> Vec<usize> {
        let crowd = self.shared.crowds.get(running.set);
        crowd.map_or_else(Vec::new, |crowd| crowd.unserved(running.number))
    }

    /// The tests that share calls with this one, where all of them have run.
    fn sharers(&self, running: &Running) -> Vec<TestId> {
        let crowd = self.shared.crowds.get(running.set);
        let (Some(crowd), Some(set)) = (crowd, self.sets.get(running.set)) else {
            return Vec::new();
        };
        let beside = crowd.beside(running.number);
        let ran = |number: &usize| self.ended.contains(&(running.set, *number));
        if !beside.iter().all(ran) {
            return Vec::new();
        }
        let cases = beside.iter().filter_map(|number| set.tests.get(*number));
        cases
            .map(|case| TestId {
                set: set.name.clone(),
                name: case.name.as_str().into(),
            })
            .collect()
    }

    /// Whether nobody is left who may ask for what this test shares.
    fn is_over(&self, running: &Running) -> bool {
        let crowd = self.shared.crowds.get(running.set);
        crowd.is_none_or(|crowd| crowd.is_over(running.number))
    }

    /// The outcomes of the tests that are marked, in the order of their ends.
    fn take_outcomes(&mut self, finals: &[bool]) -> Vec<CallsOutcome> {
        let mut taken = Vec::new();
        let mut left = Vec::new();
        for (running, is_final) in std::mem::take(&mut self.running).into_iter().zip(finals) {
            if *is_final {
                taken.push(running);
            } else {
                left.push(running);
            }
        }
        self.running = left;
        taken.sort_by_key(|running| running.ended.unwrap_or(u64::MAX));
        let mut outcomes = Vec::new();
        for running in taken {
            self.looked_at += running.pool.looked_at;
            let unserved = self.unserved(&running);
            // Asked of few: it looks at every test of the set.
            let sharers = match unserved.is_empty() {
                true => Vec::new(),
                false => self.sharers(&running),
            };
            let nobody = Crowd::default();
            let crowd = self.shared.crowds.get(running.set).unwrap_or(&nobody);
            let tests = self.sets.get(running.set).map(|set| set.tests.as_slice());
            let tests = tests.unwrap_or_default();
            if let Some(case) = tests.get(running.number) {
                let rearranged = running.rearranged(tests, crowd, &self.values);
                let rules = &self.rules;
                outcomes.push(running.outcome(case, &unserved, sharers, rearranged, rules));
            }
        }
        outcomes
    }
}
