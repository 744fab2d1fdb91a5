//! What was asked while several tests were open, and nothing told whose it was.
//!
//! Such a mock is kept with one test, and may be of any that was open at its time. Tests that ask
//! the same question share a queue of such mocks, and who came first may take what another one
//! needs: so a mock that was served to one test is passed on to another, where the first may have
//! had another mock with the very same answer instead ([`Crowd::passed_on`]).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use retake_model::{Mock, TestCase, TestSet};

use super::LATE;
use super::fit::Fit;
use super::key::Key;
use super::mock_set::mock;
use super::pool::{Asked, Entry, Hit, Origin, Pool, Which};
use super::telling::values_in_answer;

mod during;
mod passing;

use during::{During, alone, groups, is_at_once, may_ask};

/// How many mocks of one question are looked at to pass one on.
const LOOK: usize = 1_000;

/// What was asked in one set while several tests were open.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    pool: Pool,
    /// When the tests were recorded.
    spans: Vec<During>,
    /// Whether each of them was open while no other one was.
    alone: Vec<bool>,
    /// For each test the number of its group: tests that overlapped, one with the next.
    groups: Vec<usize>,
    /// How many tests of each group have not ended yet.
    left: Vec<usize>,
    /// The numbers in the pool of each test's own calls.
    own: HashMap<usize, Vec<usize>>,
    /// The mocks with one exact question, by it and the group, in the order in which they were asked
    /// for.
    same: HashMap<(Key, usize), Vec<Origin>>,
    /// When each mock was asked for, in nanoseconds since 1970.
    asked: HashMap<Origin, u64>,
    /// Which test each mock was served to.
    takers: HashMap<Origin, usize>,
    /// The kinds of calls that were made after a response.
    late: HashSet<Key>,
}

impl Crowd {
    /// The tests of a set, with the mocks that they share, and the kinds of calls that were made
    /// after a response.
    pub(super) fn new(tests: &[TestCase], pool: Pool, late: HashSet<Key>) -> Self {
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
        for origins in same.values_mut() {
            origins.sort_by_key(|origin| asked.get(origin).copied());
        }
        let alone = alone(&spans);
        Crowd {
            pool,
            spans,
            alone,
            groups,
            left,
            own,
            same,
            asked,
            takers: HashMap::new(),
            late,
        }
    }

    /// The mocks.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Whether no other test was open while that one was.
    pub(super) fn was_alone(&self, test: usize) -> bool {
        self.alone.get(test) == Some(&true)
    }

    /// The mocks that are kept with a test.
    pub(super) fn kept_with(&self, test: usize) -> impl Iterator<Item = &Entry> {
        let numbers = self.own.get(&test).into_iter().flatten();
        numbers.filter_map(|number| self.pool.entry(*number))
    }

    /// The mocks that ask just that, of the time around a test.
    pub(super) fn asking(&self, question: Key, test: usize) -> &[Origin] {
        let group = self.groups.get(test).copied().unwrap_or_default();
        let same = self.same.get(&(question, group));
        same.map(Vec::as_slice).unwrap_or_default()
    }

    /// The mocks that ask just that, of those that were asked for while a test was open.
    pub(super) fn same_question(&self, question: Key, test: usize) -> impl Iterator<Item = Origin> {
        let same = self.asking(question, test);
        let at = |origin: &Origin| self.asked.get(origin).copied();
        let span = self.spans.get(test);
        let began = span.map(|span| span.began);
        let before = same.partition_point(|origin| at(origin) < began);
        let same = same.get(before..).unwrap_or_default().iter();
        let same = same.copied();
        same.take_while(move |origin| at(origin) <= span.map(|span| span.answered))
    }

    /// Whether the like of a mock was asked for after a response.
    pub(super) fn comes_late(&self, entry: &Entry) -> bool {
        self.late.contains(&entry.kind)
    }

    /// Takes the mock that answers the test with that number: what is kept with it (it was more
    /// likely asked by it than by another one), else what is kept with a test of that moment, or
    /// with one that `is_behind`: it ended a short while ago and may still lack it. Of these the
    /// first one of the recording: what a later test has is left for that one. Where
    /// none is kept with the test and several have other answers, the one that its recorded response
    /// shows.
    ///
    /// Tests that were recorded one after the other ask in the order of the recording: what is kept
    /// with the test in its own time goes before what was asked for first.
    pub(super) fn take(
        &mut self,
        asked: &Asked<'_>,
        which: Which,
        test: usize,
        sets: &[Arc<TestSet>],
        writes: bool,
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
        if which == Which::Waiting && self.was_alone(test) {
            let (spans, times) = (&self.spans, &self.asked);
            let at_once =
                |origin: Origin| origin.test == Some(test) && is_at_once(spans, times, origin);
            if let Some(hit) = self.pool.take(asked, which, at_once) {
                return self.taken(hit, which, test);
            }
            if let Some(first) = self.first(asked, test, &is_behind)
                && let Some(hit) = self.pool.take(asked, which, |origin| origin == first)
            {
                return self.taken(hit, which, test);
            }
            if self.has_asked(asked, test) {
                return None;
            }
        }
        if let Some(hit) = self.take_kept(asked, which, test) {
            return Some(hit);
        }
        let (spans, times) = (&self.spans, &self.asked);
        let hit = (self.pool).take(asked, which, |origin| {
            may_ask(spans, times, test, origin)
                || writes && which == Which::Waiting && origin.test.is_some_and(&is_behind)
        })?;
        self.taken(hit, which, test)
    }

    /// Of the mocks with one question and several answers, the one that the response of the test
    /// shows more of than of the others; none where one is kept with the test, which was weighed against
    /// the others when it was recorded.
    fn shown(&self, asked: &Asked<'_>, test: usize, sets: &[Arc<TestSet>]) -> Option<Origin> {
        let same = self.same_of(asked, test);
        let span = self.spans.get(test)?;
        let mut waiting: Vec<Origin> = Vec::new();
        for origin in same.iter().copied() {
            // A response shows nothing that was asked for after it.
            let at = self.asked.get(&origin).copied().unwrap_or(span.began);
            if self.takers.contains_key(&origin) || !(span.began..=span.answered).contains(&at) {
                continue;
            }
            if origin.test == Some(test) {
                return None;
            }
            if may_ask(&self.spans, &self.asked, test, origin) {
                waiting.push(origin);
            }
        }
        let answer = |origin: &Origin| mock(sets, *origin).map(|mock| &mock.response);
        let first = waiting.first().copied()?;
        if self.was_alone(test) || waiting.iter().all(|other| answer(other) == answer(&first)) {
            return None;
        }
        let case = sets.get(first.set)?.tests.get(test)?;
        let response: HashSet<String> = values_in_answer(&case.response).into_iter().collect();
        let mut best: Option<(Fit, Origin)> = None;
        for origin in waiting {
            let fit = Fit::of(&values_in_answer(answer(&origin)?), &response);
            if best.as_ref().is_none_or(|(known, _)| fit > *known) {
                best = Some((fit, origin));
            }
        }
        best.map(|(_, origin)| origin)
    }

    /// The mocks with that question of the time around a test, in the order in which they were asked
    /// for.
    fn same_of(&self, asked: &Asked<'_>, test: usize) -> &[Origin] {
        let group = self.groups.get(test).copied().unwrap_or_default();
        let same = self.same.get(&(self.pool.question(asked), group));
        let same = same.map(Vec::as_slice).unwrap_or_default();
        let began = self.spans.get(test).map(|span| span.began);
        let before = same.partition_point(|origin| self.asked.get(origin).copied() < began);
        let from = before.saturating_sub(LOOK / 2);
        let until = same.len().min(from + LOOK);
        same.get(from..until).unwrap_or_default()
    }

    /// The mock that waits which was asked for first, of those that the test may have, or one that
    /// ended shortly before.
    fn first(
        &self,
        asked: &Asked<'_>,
        test: usize,
        is_behind: &impl Fn(usize) -> bool,
    ) -> Option<Origin> {
        let has_asked = self.has_asked(asked, test);
        let is_anothers =
            |origin: &Origin| has_asked && is_at_once(&self.spans, &self.asked, *origin);
        let same = self.same_of(asked, test).iter().copied();
        let mut waiting = same.filter(|origin| !self.takers.contains_key(origin));
        waiting.find(|origin| {
            if is_anothers(origin) {
                return false;
            }
            may_ask(&self.spans, &self.asked, test, *origin)
                || self.just_before(test, *origin)
                || origin.test.is_some_and(is_behind)
        })
    }

    /// Whether a test that was alone has asked that already before its response, as it did when it
    /// was recorded. Then it asks again, and what another test asked before its response is no answer
    /// to that.
    fn has_asked(&self, asked: &Asked<'_>, test: usize) -> bool {
        let own = self.same_of(asked, test).iter();
        let mut own = own.filter(|origin| origin.test == Some(test));
        self.was_alone(test)
            && own.any(|origin| {
                let is_at_once = is_at_once(&self.spans, &self.asked, *origin);
                is_at_once && self.takers.get(origin) == Some(&test)
            })
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

    /// Whether a mock was asked for shortly before a test began.
    fn just_before(&self, test: usize, origin: Origin) -> bool {
        let began = self.spans.get(test).map(|span| span.began);
        let at = self.asked.get(&origin);
        began
            .zip(at)
            .is_some_and(|(began, at)| *at <= began && began - at <= LATE)
    }

    /// The calls of a test that it may share with others, and that nobody made.
    pub(super) fn unserved(&self, test: usize) -> Vec<usize> {
        let unserved = self.kept_with(test).filter(|entry| entry.served == 0);
        unserved.map(|entry| entry.origin.index).collect()
    }

    /// How many calls nobody made that a test, or those that ended shortly before it, may still make.
    pub(super) fn outstanding(&self, test: usize) -> usize {
        let waiting = self.pool.entries().filter(|entry| entry.served == 0);
        let may_come = |entry: &&Entry| {
            let (times, origin) = (&self.asked, entry.origin);
            may_ask(&self.spans, times, test, origin) || self.just_before(test, origin)
        };
        waiting.filter(may_come).count()
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
        if own
            .test
            .is_some_and(|test| self.alone.get(test) == Some(&true))
        {
            // What it may share was left to be done by requests before it.
            return false;
        }
        self.pool.rivals(alike, *own).any(|rival| {
            let together = match (span(own), span(&rival)) {
                (Some(a), Some(b)) => a.overlaps(b),
                _ => true,
            };
            together && mock(sets, rival).map(|mock| &mock.response) != answer
        })
    }
}
