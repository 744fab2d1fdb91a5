//! How far moments lie from the time of their test.
//!
//! The time of a test is known on both sides: when it was recorded, and what the clocks showed that
//! the service may have seen on replay (the recorded time, the real time). A moment that the service
//! made has a distance from it, and the new build's moment is to have the same, whatever time the
//! clocks show.

mod rounded;
mod times;
mod words;

use std::collections::HashMap;

use retake_model::{TestSet, Timestamp};

pub use times::Times;
pub(crate) use times::{Distance, Far};

/// A span of time in nanoseconds since 1970, with both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i128,
    pub(crate) to: i128,
}

impl Span {
    pub(crate) fn new(from: i128, to: i128) -> Self {
        let to = to.max(from);
        Span { from, to }
    }

    fn widen(&mut self, at: i128) {
        self.from = self.from.min(at);
        self.to = self.to.max(at);
    }
}

/// What the clocks show at one moment of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The time that the service is shown, where that is not the real one.
    pub shown: Option<Timestamp>,
    /// The real time.
    pub real: Timestamp,
}

impl Reading {
    fn clocks(self) -> [Option<i128>; CLOCKS] {
        [self.shown.map(nanos), Some(nanos(self.real))]
    }
}

/// The time that is shown, and the real one.
const CLOCKS: usize = 2;

type Spans = [Option<Span>; CLOCKS];

/// The times of one set: of its recording, and of its replay as far as that has come.
#[derive(Debug, Default)]
pub struct Clocks {
    recorded: Vec<Span>,
    /// From when until when the recorded service started; none where it ran before.
    started: Option<Span>,
    /// The same of the replayed one.
    restarted: Spans,
    replayed: HashMap<usize, Spans>,
    open: Vec<usize>,
}

impl Clocks {
    /// Those of a set that is not replayed yet. A service that was recorded without its command
    /// had been running for nobody knows how long.
    pub fn of(set: &TestSet) -> Self {
        let recorded: Vec<Span> = set
            .tests
            .iter()
            .map(|test| Span::new(nanos(test.at), nanos(test.at) + i128::from(test.took)))
            .collect();
        let first = recorded.iter().map(|span| span.from).min();
        let began = nanos(set.info.recorded);
        let started = first.filter(|_| !set.info.command.is_empty());
        Clocks {
            started: started.map(|first| Span::new(began.min(first), first)),
            recorded,
            ..Clocks::default()
        }
    }

    /// The service was started at the one moment, and was ready at the other.
    pub fn started(&mut self, from: Reading, to: Reading) {
        let both = from.clocks().into_iter().zip(to.clocks());
        for (span, (from, to)) in self.restarted.iter_mut().zip(both) {
            *span = from.zip(to).map(|(from, to)| Span::new(from, to));
        }
    }

    /// The test of that number begins: its clocks are set from the one to the other.
    pub fn begin(&mut self, number: usize, before: Reading, after: Reading) {
        for other in &self.open {
            if let Some(spans) = self.replayed.get_mut(other) {
                widen(spans, before);
                widen(spans, after);
            }
        }
        let spans = after.clocks().map(|at| at.map(|at| Span::new(at, at)));
        self.replayed.insert(number, spans);
        self.open.push(number);
    }

    /// The test ends: what it does from now on is late.
    pub fn end(&mut self, number: usize, now: Reading) {
        self.open.retain(|open| *open != number);
        if let Some(spans) = self.replayed.get_mut(&number) {
            widen(spans, now);
        }
    }

    /// What is known of the time of a test that was sent.
    pub fn times(&self, number: usize) -> Option<Times<'_>> {
        Times::of(self, number)
    }
}

fn widen(spans: &mut Spans, now: Reading) {
    for (span, at) in spans.iter_mut().zip(now.clocks()) {
        if let (Some(span), Some(at)) = (span, at) {
            span.widen(at);
        }
    }
}

fn nanos(at: Timestamp) -> i128 {
    i128::from(at.0)
}

#[cfg(test)]
mod tests;
