//! When a test's outcome is final.

use retake_model::TestId;

use crate::matching::outcome::CallsOutcome;
use crate::matching::running::Running;
use crate::matching::shared::overlap;

use super::{MockSet, test_case};

impl MockSet {
    /// How many calls of an open or just ended test nobody made yet, of those that are its alone.
    pub fn unserved_calls(&self, test: &TestId) -> usize {
        let running = self.running.iter().find(|running| running.id == *test);
        running.map_or(0, |r| {
            r.pool.entries().filter(|entry| entry.served == 0).count()
        })
    }

    /// The outcomes that became final: of tests after whose end another one has begun and ended.
    /// A test that shares calls with others waits for those that it overlapped with.
    pub fn settled(&mut self) -> Vec<CallsOutcome> {
        let is_final = |running: &Running| {
            running.ended.is_some_and(|ended| ended < self.settles)
                && (self.unserved(running).is_empty() || self.neighbours_ended(running))
        };
        let finals: Vec<bool> = self.running.iter().map(is_final).collect();
        self.take_outcomes(&finals)
    }

    /// The outcomes of all tests that are left: the run is over, no call comes any more.
    pub fn finish(&mut self) -> Vec<CallsOutcome> {
        let finals = vec![true; self.running.len()];
        self.take_outcomes(&finals)
    }

    /// The calls of a test that it may share with others, and that nobody made.
    fn unserved(&self, running: &Running) -> Vec<usize> {
        let crowd = self.shared.crowds.get(running.set);
        let entries = crowd.into_iter().flat_map(|crowd| crowd.entries());
        let own = entries.filter(|e| e.served == 0 && e.origin.test == Some(running.number));
        own.map(|entry| entry.origin.index).collect()
    }

    fn neighbours_ended(&self, running: &Running) -> bool {
        let Some(set) = self.sets.get(running.set) else {
            return true;
        };
        let Some(own) = set.tests.get(running.number) else {
            return true;
        };
        let mut others = set.tests.iter().enumerate();
        others.all(|(number, other)| {
            number == running.number
                || self.ended.contains(&(running.set, number))
                || !overlap(own, other)
        })
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
            if let Some(case) = test_case(&self.sets, (running.set, running.number)) {
                outcomes.push(running.outcome(case, &unserved, &self.rules));
            }
        }
        outcomes
    }
}
