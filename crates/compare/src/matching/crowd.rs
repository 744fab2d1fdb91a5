//! What was asked while several tests were open, and nothing told whose it was.
//!
//! Such a mock is kept with one test, and may be of any that was open at its time. Tests that ask
//! the same question share a queue of such mocks, and who came first may take what another one
//! needs: so a mock that was served to one test is passed on to another, where the first may have
//! had another mock with the very same answer instead ([`Crowd::passed_on`]).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use retake_model::{Attribution, Mock, TestCase, TestSet};

use super::LATE;
use super::fit::Fit;
use super::key::Key;
use super::mock_set::mock;
use super::pool::{Asked, Entry, Hit, Origin, Pool, Which};
use super::telling::values_in_answer;

/// How many mocks of one question are looked at to pass one on.
const LOOK: usize = 1_000;

/// How many mocks are passed on at once, at most.
const PASSES: usize = 64;

/// What was asked in one set while several tests were open.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    pool: Pool,
    /// When the tests were recorded.
    spans: Vec<During>,
    /// For each test the number of its group: tests that overlapped, one with the next.
    groups: Vec<usize>,
    /// How many tests of each group have not ended yet.
    left: Vec<usize>,
    /// The numbers in the pool of each test's own calls.
    own: HashMap<usize, Vec<usize>>,
    /// The mocks with one exact question, by it and the group.
    same: HashMap<(Key, usize), Vec<Origin>>,
    /// When each mock was asked for, in nanoseconds since 1970.
    asked: HashMap<Origin, u64>,
    /// Which test each mock was served to.
    takers: HashMap<Origin, usize>,
}

impl Crowd {
    /// The tests of a set, with the mocks that they share.
    pub(super) fn new(tests: &[TestCase], pool: Pool) -> Self {
        let spans: Vec<During> = tests.iter().map(During::of).collect();
        let groups = groups(&spans);
        let mut left = vec![0; groups.iter().max().map_or(0, |last| last + 1)];
        for group in &groups {
            if let Some(left) = left.get_mut(*group) {
                *left += 1;
            }
        }
        let mut own: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut same: HashMap<(Key, usize), Vec<Origin>> = HashMap::new();
        let mut asked = HashMap::new();
        for (number, entry) in pool.entries().enumerate() {
            if let Some(test) = entry.origin.test {
                own.entry(test).or_default().push(number);
                let case = tests.get(test);
                let call = case.and_then(|case| Some((case, case.calls.get(entry.origin.index)?)));
                if let Some((case, call)) = call {
                    asked.insert(entry.origin, case.at.0.saturating_add(call.after));
                }
                let group = groups.get(test).copied().unwrap_or_default();
                let origins = same.entry((entry.question(), group)).or_default();
                origins.push(entry.origin);
            }
        }
        Crowd {
            pool,
            spans,
            groups,
            left,
            own,
            same,
            asked,
            takers: HashMap::new(),
        }
    }

    /// The mocks.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Takes the mock that answers the test with that number: what is kept with it (it was more
    /// likely asked by it than by another one), else what is kept with a test of that moment, or
    /// with one that `is_behind`: it ended a short while ago and may still lack it. Of these the
    /// first one of the recording: what a later test has is left for that one. Where
    /// nothing told whose it is and several have other answers, the one that the recorded response
    /// of the test shows.
    pub(super) fn take(
        &mut self,
        asked: &Asked<'_>,
        which: Which,
        test: usize,
        sets: &[Arc<TestSet>],
        is_behind: impl Fn(usize) -> bool,
    ) -> Option<Hit> {
        let shown = match which {
            Which::Waiting => self.shown(asked, test, sets),
            Which::Again => None,
        };
        if let Some(shown) = shown
            && let Some(hit) = self.pool.take(asked, which, |origin| origin == shown)
        {
            return self.taken(hit, which, test);
        }
        if let Some(hit) = self.take_kept(asked, which, test) {
            return Some(hit);
        }
        let (spans, times) = (&self.spans, &self.asked);
        let hit = (self.pool).take(asked, which, |origin| {
            may_ask(spans, times, test, origin)
                || which == Which::Waiting && origin.test.is_some_and(&is_behind)
        })?;
        self.taken(hit, which, test)
    }

    /// Of the mocks with one question and several answers, the one that the response of the test
    /// shows more of than of the others; none where the test has one that something told is its
    /// own.
    fn shown(&self, asked: &Asked<'_>, test: usize, sets: &[Arc<TestSet>]) -> Option<Origin> {
        let group = self.groups.get(test).copied()?;
        let same = self.same.get(&(self.pool.question(asked), group))?;
        let mut waiting: Vec<Origin> = Vec::new();
        let mut own = 0;
        for origin in same.iter().copied().take(LOOK) {
            if self.takers.contains_key(&origin) {
                continue;
            }
            if origin.test == Some(test) {
                own += 1;
                if mock(sets, origin)?.by != Attribution::Shared {
                    return None;
                }
                waiting.insert(0, origin);
            } else if may_ask(&self.spans, &self.asked, test, origin) {
                waiting.push(origin);
            }
        }
        let answer = |origin: &Origin| mock(sets, *origin).map(|mock| &mock.response);
        let first = waiting.first().copied()?;
        // Several questions of one test have the recorded order.
        if own > 1 || waiting.iter().all(|other| answer(other) == answer(&first)) {
            return None;
        }
        let case = sets.get(first.set)?.tests.get(test)?;
        let response: HashSet<String> = values_in_answer(&case.response).into_iter().collect();
        let mut best: Option<(Fit, Origin)> = None;
        for origin in waiting {
            let fit = Fit::of(&values_in_answer(answer(&origin)?), &response);
            let is_own = |known: &Origin| known.test == Some(test);
            let fits_better = |(known, kept): &(Fit, Origin)| match is_own(kept) {
                true => fit.is_clearly_better_than(*known),
                false => fit > *known,
            };
            if best.as_ref().is_none_or(fits_better) {
                best = Some((fit, origin));
            }
        }
        best.map(|(_, origin)| origin)
    }

    /// Takes the mock that answers the test with that number, of those that are kept with it.
    pub(super) fn take_kept(
        &mut self,
        asked: &Asked<'_>,
        which: Which,
        test: usize,
    ) -> Option<Hit> {
        let kept = |origin: Origin| origin.test == Some(test);
        let hit = self.pool.take(asked, which, kept)?;
        self.taken(hit, which, test)
    }

    fn taken(&mut self, hit: Hit, which: Which, test: usize) -> Option<Hit> {
        if which == Which::Waiting {
            self.takers.insert(hit.origin, test);
        }
        Some(hit)
    }

    /// Takes a mock for a test that finds none of its own any more, where one that it may have
    /// was served to another test, and that one may have a waiting one with the same answer.
    pub(super) fn passed_on(
        &mut self,
        asked: &Asked<'_>,
        test: usize,
        sets: &[Arc<TestSet>],
    ) -> Option<Hit> {
        let question = self.pool.question(asked);
        let group = self.groups.get(test).copied()?;
        let same = self.same.get(&(question, group))?;
        let path = self.path(same.get(..LOOK).unwrap_or(same), test, sets)?;
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

    /// Mocks with one answer: the first may be the test's, each next one that of the test that has
    /// the one before, and the last waits.
    fn path(&self, same: &[Origin], test: usize, sets: &[Arc<TestSet>]) -> Option<Vec<Origin>> {
        let answer = |origin: Origin| mock(sets, origin).map(|mock| &mock.response);
        let may_have = |test: usize, origin: Origin| {
            origin.test.is_some() && may_ask(&self.spans, &self.asked, test, origin)
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

    /// The calls of a test that it may share with others, and that nobody made.
    pub(super) fn unserved(&self, test: usize) -> Vec<usize> {
        let numbers = self.own.get(&test).into_iter().flatten();
        let entries = numbers.filter_map(|number| self.pool.entry(*number));
        let unserved = entries.filter(|entry: &&Entry| entry.served == 0);
        unserved.map(|entry| entry.origin.index).collect()
    }

    /// The test with that number has ended, for the first time.
    pub(super) fn ended(&mut self, test: usize) {
        let group = self.groups.get(test);
        if let Some(left) = group.and_then(|group| self.left.get_mut(*group)) {
            *left = left.saturating_sub(1);
        }
    }

    /// Whether every test that may still ask for what is kept with that one has ended.
    pub(super) fn is_over(&self, test: usize) -> bool {
        let group = self.groups.get(test);
        group.and_then(|group| self.left.get(*group)) == Some(&0)
    }

    /// The tests that were recorded at the time of that one.
    pub(super) fn beside(&self, test: usize) -> Vec<usize> {
        let Some(own) = self.spans.get(test) else {
            return Vec::new();
        };
        let others = self.spans.iter().enumerate();
        others
            .filter(|(number, other)| *number != test && own.is_near(other))
            .map(|(number, _)| number)
            .collect()
    }

    /// Whether a mock is one of several that answer the same question of the same time with
    /// different answers: which of them is whose nothing tells.
    pub(super) fn is_ambiguous(&self, sets: &[Arc<TestSet>], alike: Key, own: &Origin) -> bool {
        let span = |origin: &Origin| origin.test.and_then(|number| self.spans.get(number));
        let answer = mock(sets, *own).map(|mock: &Mock| &mock.response);
        self.pool.rivals(alike, *own).any(|rival| {
            let together = match (span(own), span(&rival)) {
                (Some(a), Some(b)) => a.overlaps(b),
                _ => true,
            };
            together && mock(sets, rival).map(|mock| &mock.response) != answer
        })
    }
}

/// The way to a mock, from the first.
fn back(before: &HashMap<Origin, Origin>, last: Origin) -> Vec<Origin> {
    let mut path: Vec<Origin> =
        std::iter::successors(Some(last), |origin| before.get(origin).copied()).collect();
    path.reverse();
    path
}

/// The number of each test's group.
fn groups(spans: &[During]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|number| spans.get(*number).map(|span| span.began));
    let mut groups = vec![0; spans.len()];
    let (mut group, mut until) = (0, None);
    for number in order {
        let Some(span) = spans.get(number) else {
            continue;
        };
        if until.is_some_and(|until| span.began > until) {
            group += 1;
            until = None;
        }
        until = until.max(Some(span.late));
        if let Some(of) = groups.get_mut(number) {
            *of = group;
        }
    }
    groups
}

/// When a test was recorded, with what it did after its response, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct During {
    began: u64,
    ended: u64,
    /// Until when it may have gone on after its response.
    late: u64,
}

impl During {
    fn of(test: &TestCase) -> Self {
        let calls = test.calls.iter();
        let last = calls.map(|call| call.after.saturating_add(call.took)).max();
        let length = last.unwrap_or(0).max(test.took);
        let ended = test.at.0.saturating_add(length);
        let late = test.at.0.saturating_add(test.took).saturating_add(LATE);
        During {
            began: test.at.0,
            ended,
            late: late.max(ended),
        }
    }

    /// Whether the times of two tests overlapped.
    fn overlaps(&self, other: &During) -> bool {
        self.began <= other.ended && other.began <= self.ended
    }

    /// Whether one of two tests may have made what is kept with the other.
    fn is_near(&self, other: &During) -> bool {
        self.began <= other.late && other.began <= self.late
    }
}

/// Whether a test may have asked for a mock: it was open when that was asked for, or was answered
/// shortly before, or was open at the same time as the test that it is kept with.
fn may_ask(spans: &[During], times: &HashMap<Origin, u64>, test: usize, origin: Origin) -> bool {
    let Some(kept) = origin.test else { return true };
    let (Some(own), Some(other)) = (spans.get(test), spans.get(kept)) else {
        return false;
    };
    let at = times.get(&origin).copied().unwrap_or(other.began);
    own.overlaps(other) || (own.began <= at && at <= own.late)
}
