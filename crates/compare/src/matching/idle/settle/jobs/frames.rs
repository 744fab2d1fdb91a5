//! The beginnings and ends of the transactions in which jobs do something.
//!
//! A test has no connections in it. Beginnings say the same, and so do ends of one kind: which of
//! several is taken makes no difference.

use super::seen::Place;
use super::*;

/// What is open at a dependency.
#[derive(Default)]
struct Open {
    /// Beginnings behind which nothing was done yet.
    fresh: Vec<Place>,
    /// Those of the jobs.
    jobs: Vec<Place>,
    /// How many are of the test.
    own: usize,
    /// Whether the last statement was a job's.
    last_is_a_jobs: bool,
}

/// The places, with the beginnings and ends of transactions around them, in their order. `begin`:
/// those that are the first of theirs. `loose`: of which it is not known whether they stand in one of the
/// test's.
pub(super) fn with_frames(
    set: &TestSet,
    found: &HashSet<Place>,
    begin: &HashSet<Place>,
    loose: &HashSet<Place>,
) -> Vec<Place> {
    let mut all: Vec<Place> = found.iter().copied().collect();
    let mut order: Vec<usize> = (0..set.tests.len()).collect();
    order.sort_by_key(|number| set.tests.get(*number).map(|test| test.at));
    let mut open: HashMap<&Arc<str>, Open> = HashMap::new();
    for number in order {
        for open in open.values_mut() {
            open.fresh.clear();
            open.own = 0;
        }
        let calls = set.tests.get(number).map(|test| test.calls.as_slice());
        for (at, call) in calls.unwrap_or_default().iter().enumerate() {
            if call.scope != Scope::Test {
                continue;
            }
            let place = (number, at);
            let open = open.entry(&call.to).or_default();
            match step(&call.request) {
                Step::Begins => open.fresh.push(place),
                Step::Within if loose.contains(&place) => {}
                Step::Within if found.contains(&place) => open.does_a_jobs(begin.contains(&place)),
                Step::Within => open.does_its_own(),
                Step::Ends => all.extend(open.ends(place)),
            }
        }
    }
    all.sort_unstable();
    all
}

impl Open {
    /// A statement of a job.
    fn does_a_jobs(&mut self, begins: bool) {
        self.last_is_a_jobs = true;
        if begins {
            self.jobs.extend(self.fresh.pop());
        }
    }

    /// A statement of the test.
    fn does_its_own(&mut self) {
        self.last_is_a_jobs = false;
        if !self.fresh.is_empty() {
            self.fresh.remove(0);
            self.own += 1;
        }
    }

    /// A transaction ends; gives what of it is a job's.
    fn ends(&mut self, place: Place) -> Vec<Place> {
        if !self.jobs.is_empty() && (self.last_is_a_jobs || self.own == 0) {
            let begin = self.jobs.remove(0);
            return vec![begin, place];
        }
        match self.own {
            // One with nothing in it.
            0 => drop(self.fresh.pop()),
            _ => self.own -= 1,
        }
        Vec::new()
    }
}
