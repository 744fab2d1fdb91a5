//! What the service asks by its clock: which recorded answer is due.
//!
//! A job asks again and again whether there is something to do. What it was told in the recording
//! followed from the requests before, and must not come before these on replay. So a recorded
//! answer is due once the replay has come to its time: where no test is open, that of the next one;
//! where some are, that of the first recorded call which one of them has not made yet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use retake_model::{Mock, TestSet, Timestamp, Value};

use super::key::Key;
use super::mock_set::mock;
use super::pool::{Asked, Hit, Origin, Pool, Which};
use super::running::Running;

/// When what was recorded, and how far the replay has come.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// When background calls were made, where that is known.
    times: HashMap<Origin, Timestamp>,
    sets: Vec<Course>,
}

/// The tests of a set in time.
#[derive(Debug, Default)]
struct Course {
    /// When each test began, the first one first.
    begins: Vec<Timestamp>,
    /// The beginning of the latest test that began on replay.
    latest: Option<Timestamp>,
    /// What polls were told that they had not been told before, in the order of their times.
    news: Vec<News>,
    /// How many of these, from the first one on, were told again.
    told: usize,
}

/// What a poll was told that it had not been told before.
#[derive(Debug, Clone, Copy)]
pub(super) struct News {
    pub(super) at: Timestamp,
    /// The number of the mock among the background ones.
    pub(super) number: usize,
    /// How long the poll paused before, in nanoseconds.
    pub(super) pause: u64,
    /// What the poll is like.
    pub(super) kind: Key,
}

impl Clock {
    /// One more set.
    pub(super) fn add_set(&mut self, set: &TestSet) {
        let mut begins: Vec<Timestamp> = set.tests.iter().map(|test| test.at).collect();
        begins.sort();
        self.sets.push(Course {
            begins,
            ..Course::default()
        });
    }

    /// A background call was made at that time.
    pub(super) fn add(&mut self, origin: Origin, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.times.insert(origin, at);
        }
    }

    /// What polls of a set were told that they had not been told before.
    pub(super) fn add_news(&mut self, set: usize, news: Vec<News>) {
        if let Some(course) = self.sets.get_mut(set) {
            course.news = news;
        }
    }

    /// Whether any poll was told news.
    pub(super) fn has_news(&self) -> bool {
        self.sets.iter().any(|course| !course.news.is_empty())
    }

    /// How many polls were told news before that time and not yet on replay, and how long they pause
    /// at most; none where all were told.
    pub(super) fn awaits(
        &mut self,
        set: usize,
        at: Timestamp,
        pool: &Pool,
    ) -> Option<(usize, u64)> {
        let course = self.sets.get_mut(set)?;
        let waits = |news: &News| pool.entry(news.number).is_some_and(|e| e.served == 0);
        while course.news.get(course.told).is_some_and(|n| !waits(n)) {
            course.told += 1;
        }
        let rest = course.news.get(course.told..)?;
        let due = rest.partition_point(|news| news.at <= at);
        let due = rest.get(..due)?.iter().rev();
        // Who was told the latest needs no older news.
        let mut told: HashSet<Key> = HashSet::new();
        let mut all = None;
        for news in due {
            if !waits(news) {
                told.insert(news.kind);
            } else if !told.contains(&news.kind) {
                let (number, pause) = all.unwrap_or_default();
                all = Some((number + 1, news.pause.max(pause)));
            }
        }
        all
    }

    /// A test of that set, recorded at that time, begins.
    pub(super) fn begins(&mut self, set: usize, at: Timestamp) {
        if let Some(course) = self.sets.get_mut(set) {
            course.latest = course.latest.max(Some(at));
        }
    }

    /// The answer to what the clock asks: the next one that is due; else the last one again. What
    /// was taken out of a queue (a write that gives rows) is not taken out twice: it then gives
    /// nothing, if it ever did.
    pub(super) fn take(
        &self,
        pool: &mut Pool,
        asked: &Asked<'_>,
        writes: bool,
        sets: &[Arc<TestSet>],
        running: &[Running],
    ) -> Option<Hit> {
        if !pool.has_alike(asked) {
            return None;
        }
        let due = self.due(sets, running);
        if let Some(hit) = pool.take(asked, Which::Waiting, due) {
            return Some(hit);
        }
        let gives_nothing = |origin| mock(sets, origin).is_some_and(gives_nothing);
        let again = match writes {
            true => pool
                .take(asked, Which::Again, gives_nothing)
                .or_else(|| pool.take(asked, Which::Waiting, gives_nothing))
                .or_else(|| pool.take(asked, Which::Again, |_| true)),
            false => pool.take(asked, Which::Again, |_| true),
        };
        again.or_else(|| pool.take(asked, Which::Waiting, |_| true))
    }

    /// Whether all that answers what a poll asks was answered later, and nothing like it before: who
    /// asks for what came behind the last thing that he knows is not told it before it happens.
    pub(super) fn is_early(
        &self,
        pool: &mut Pool,
        asked: &Asked<'_>,
        sets: &[Arc<TestSet>],
        running: &[Running],
    ) -> bool {
        let kind = asked.canon.coarse_key();
        let is_polls = |course: &Course| course.news.iter().any(|news| news.kind == kind);
        self.sets.iter().any(is_polls)
            && pool.has(asked, Which::Waiting, |_| true)
            && !pool.has(asked, Which::Again, |_| true)
            && !pool.has(asked, Which::Waiting, self.due(sets, running))
    }

    /// Whether a recorded answer is due.
    fn due(&self, sets: &[Arc<TestSet>], running: &[Running]) -> impl Fn(Origin) -> bool {
        let reached: Vec<Timestamp> = (0..self.sets.len())
            .map(|set| self.reached(set, sets, running))
            .collect();
        move |origin: Origin| match (self.times.get(&origin), reached.get(origin.set)) {
            (Some(at), Some(reached)) => at <= reached,
            _ => true,
        }
    }

    /// How far the replay has come in a set.
    fn reached(&self, set: usize, sets: &[Arc<TestSet>], running: &[Running]) -> Timestamp {
        let is_open = |r: &&Running| r.set == set && r.began.is_some() && r.ended.is_none();
        let open = running.iter().filter(is_open);
        if let Some(reached) = open.filter_map(|running| reached(running, sets)).min() {
            return reached;
        }
        let Some(course) = self.sets.get(set) else {
            return Timestamp(u64::MAX);
        };
        let latest = course.latest;
        let next = (course.begins).partition_point(|begin| Some(*begin) <= latest);
        course
            .begins
            .get(next)
            .map_or(Timestamp(u64::MAX), |at| *at)
    }
}

/// How far an open test has come: to the first recorded call that it has not made, else to its
/// response.
fn reached(running: &Running, sets: &[Arc<TestSet>]) -> Option<Timestamp> {
    let test = sets.get(running.set)?.tests.get(running.number)?;
    let waiting = running.pool.entries().filter(|entry| entry.served == 0);
    let after = waiting
        .filter_map(|entry| Some(test.calls.get(entry.origin.index)?.after))
        .fold(test.took, u64::min);
    Some(Timestamp(test.at.0.saturating_add(after)))
}

/// Whether a statement was answered with no rows at all.
fn gives_nothing(mock: &Mock) -> bool {
    match mock.response.get("rows") {
        Some(Value::List(rows)) => rows.is_empty(),
        _ => (mock.response.get("tag").and_then(Value::as_str))
            .is_some_and(|tag| tag.ends_with(" 0")),
    }
}
