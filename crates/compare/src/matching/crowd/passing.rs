//! Mocks that were served to one test, and that another one may have in its place.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use retake_model::TestSet;

use super::super::mock_set::mock;
use super::super::pool::{Asked, Hit, Origin, Which};
use super::Crowd;
use super::during::may_ask;

/// How many mocks are passed on at once, at most.
const PASSES: usize = 512;

impl Crowd {
    /// Takes a mock for a test that finds none of its own any more, where one that it may have
    /// was served to another test, and that one may have a waiting one with the same answer.
    pub(in super::super) fn passed_on(
        &mut self,
        asked: &Asked<'_>,
        test: usize,
        sets: &[Arc<TestSet>],
    ) -> Option<Hit> {
        let same = self.same_of(asked, test);
        let alike = self.path(same, test, Some(sets));
        // Of a test that was alone, what it is asked after its response may be answered as well.
        let path = match self.was_alone(test) && !self.has_asked(asked, test) {
            true => alike.or_else(|| self.path(same, test, None))?,
            false => alike?,
        };
        let waiting = *path.last()?;
        let wanted = |origin: Origin| origin == waiting;
        let hit = self.pool.take(asked, Which::Waiting, wanted)?;
        // Each passes what it has to the one before, and gets the next.
        let mut taker = test;
        for origin in path {
            match self.takers.insert(origin, taker) {
                Some(before) => taker = before,
                None => break,
            }
        }
        Some(hit)
    }

    /// Mocks: the first may be the test's, each next one that of the test that has the one before, and
    /// the last waits. With one answer, where the sets are given.
    fn path(
        &self,
        same: &[Origin],
        test: usize,
        sets: Option<&[Arc<TestSet>]>,
    ) -> Option<Vec<Origin>> {
        let answer = |origin: Origin| mock(sets?, origin).map(|mock| &mock.response);
        let may_have = |test: usize, origin: Origin| {
            origin.test.is_some()
                && (may_ask(&self.spans, &self.asked, test, origin)
                    || sets.is_none() && self.just_before(test, origin))
        };
        let mut seen: HashSet<Origin> = HashSet::new();
        let firsts = same.iter().copied().filter(|first| may_have(test, *first));
        for first in firsts {
            let mut before: HashMap<Origin, Origin> = HashMap::new();
            let mut next = VecDeque::from([first]);
            if !seen.insert(first) {
                continue;
            }
            while let Some(origin) = next.pop_front() {
                let Some(taker) = self.takers.get(&origin) else {
                    return Some(back(&before, origin));
                };
                if before.len() >= PASSES {
                    break;
                }
                for other in same.iter().copied() {
                    if may_have(*taker, other)
                        && answer(other) == answer(first)
                        && seen.insert(other)
                    {
                        before.insert(other, origin);
                        next.push_back(other);
                    }
                }
            }
        }
        None
    }
}

/// The way to a mock, from the first.
fn back(before: &HashMap<Origin, Origin>, last: Origin) -> Vec<Origin> {
    let mut path: Vec<Origin> =
        std::iter::successors(Some(last), |origin| before.get(origin).copied()).collect();
    path.reverse();
    path
}
