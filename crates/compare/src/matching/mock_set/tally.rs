//! What the run asked of mocks outside of tests.

use retake_model::Mock;

use crate::matching::crowd::Crowd;
use crate::matching::pool::Origin;
use crate::matching::running::Counts;
use crate::matching::summary;

use super::{MockSet, mock};

impl MockSet {
    /// Mocks outside of tests that nothing asked for: dependency, request in one line, how many.
    pub fn unused(&self) -> Vec<(String, String, usize)> {
        let mut counts = Counts::default();
        let shared = &self.shared;
        for pool in [&shared.startup, &shared.session]
            .into_iter()
            .chain(shared.crowds.iter().map(Crowd::pool))
        {
            let unused = pool.entries().filter(|entry| entry.served == 0);
            for entry in unused.filter(|entry| entry.origin.test.is_none()) {
                // How often a session starts is the matter of a pool, and worth no line.
                let start = |mock: &Mock| mock.request.get("startup").is_some();
                if !mock(&self.sets, entry.origin).is_some_and(start) {
                    self.count_mock(&mut counts, entry.origin, 1);
                }
            }
        }
        counts.sorted()
    }

    /// Background calls that were answered: dependency, request in one line, how many.
    pub fn background(&self) -> Vec<(String, String, usize)> {
        let mut counts = Counts::default();
        let entries = self.shared.background.entries();
        for entry in entries.filter(|entry| entry.served > 0) {
            let served = usize::try_from(entry.served).unwrap_or(usize::MAX);
            self.count_mock(&mut counts, entry.origin, served);
        }
        counts.sorted()
    }

    /// How many mocks were held against requests so far: the cost of all look-ups, in a unit that
    /// does not depend on the machine.
    pub fn looked_at(&self) -> u64 {
        let running: u64 = self.running.iter().map(|r| r.pool.looked_at).sum();
        self.looked_at + self.shared.looked_at() + running
    }

    fn count_mock(&self, counts: &mut Counts, origin: Origin, count: usize) {
        if let Some(mock) = mock(&self.sets, origin) {
            counts.add(&mock.to, summary(&mock.request, self.rules.of(mock)), count);
        }
    }
}
