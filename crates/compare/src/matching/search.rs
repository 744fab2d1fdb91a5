//! Whose a call is, and where its answer is looked for.

use retake_model::TraceId;

use super::canon::Canon;
use super::pool::{Asked, Hit, Origin, Which};
use super::running::Running;
use super::shared::{Shared, take_any};
use crate::made::{Near, ValueMap};

/// The running tests that a call may belong to.
#[derive(Debug)]
pub(super) struct Owners {
    /// Places among the running tests, the first one first.
    tests: Vec<usize>,
    /// Tests that ended a short while ago, the latest first.
    late: Vec<usize>,
}

impl Owners {
    /// The owners of a call with that trace id.
    pub(super) fn of(running: &[Running], trace: Option<&TraceId>) -> Self {
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
                Some(ended) => late.push((ended, at)),
                None => tests.push(at),
            }
        }
        late.sort_by(|a, b| b.cmp(a));
        let mut late: Vec<usize> = late.into_iter().map(|(_, at)| at).collect();
        if tests.is_empty() && !late.is_empty() {
            tests.push(late.remove(0));
        }
        Owners { tests, late }
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

/// Looks for the answer, place by place.
pub(super) fn find(
    running: &mut [Running],
    shared: &mut Shared,
    owners: &Owners,
    asking: &Asking<'_>,
) -> Option<Found> {
    let asked = &asking.shared();
    let found = |hit, source| Some(Found { hit, source });
    let mut of_tests = |which: Which, shared: &mut Shared| {
        // What a test that ended still lacks may come late. What it has asked already is asked
        // again by whoever is open, and is no answer to that one.
        let late: &[usize] = match which {
            Which::Waiting => &owners.late,
            Which::Again => &[],
        };
        for tests in [owners.tests.as_slice(), late] {
            for at in tests {
                let own = running.get_mut(*at);
                if let Some(hit) =
                    own.and_then(|r| r.pool.take(&asking.of_test(*at), which, |_| true))
                {
                    return found(hit, Source::Test(*at));
                }
            }
            for at in tests {
                let own = running.get(*at);
                if let Some(hit) = own.and_then(|r| of_crowd(shared, r, asked, which)) {
                    return found(hit, Source::Crowd(*at));
                }
            }
        }
        None
    };
    if let Some(found) = of_tests(Which::Waiting, shared) {
        return Some(found);
    }
    if owners.tests.is_empty()
        && let Some(hit) = take_any(&mut shared.startup, asked)
    {
        return found(hit, Source::Startup);
    }
    if let Some(hit) = take_any(&mut shared.session, asked) {
        return found(hit, Source::Session);
    }
    if let Some(hit) = take_any(&mut shared.background, asked) {
        return found(hit, Source::Background);
    }
    of_tests(Which::Again, shared).or_else(|| {
        take_any(&mut shared.startup, asked).map(|hit| Found {
            hit,
            source: Source::Startup,
        })
    })
}

/// A mock that tests of one time share, for one of them.
fn of_crowd(
    shared: &mut Shared,
    running: &Running,
    asked: &Asked<'_>,
    which: Which,
) -> Option<Hit> {
    let spans = shared.spans.get(running.set)?;
    let own = spans.get(running.number)?;
    let crowd = shared.crowds.get_mut(running.set)?;
    // What is kept with a test was more likely asked by it than by another one.
    let kept = |origin: Origin| origin.test == Some(running.number);
    if let Some(hit) = crowd.take(asked, which, kept) {
        return Some(hit);
    }
    crowd.take(asked, which, |origin: Origin| match origin.test {
        Some(number) => spans.get(number).is_some_and(|other| own.overlaps(other)),
        None => true,
    })
}
