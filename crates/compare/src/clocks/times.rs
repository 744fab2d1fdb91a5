//! The times of one test, and what they explain.

use retake_model::{Timestamp, TokenKind, Value};

use super::rounded::{self, DAY, HOUR};
use super::words::words;
use super::{CLOCKS, Clocks, Span, Spans, nanos};
use crate::made::Instant;

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const QUARTER: i128 = 15 * MINUTE;

/// How far moments may lie from where their test's times have them: clocks of two machines, a time
/// that is kept for a second, rounding.
const SLACK: i128 = 5 * SECOND;

/// Clocks that are so far apart need not agree on how long a month, or a day, is.
const FAR: i128 = DAY / 2;

/// How long a service may have been running where nobody knows: after that moments are constants.
const UNKNOWN: i128 = 400 * DAY;

/// A distance that is a multiple of this, to the second, is no chance: the moment was made at its
/// test's time.
const ROUND: i128 = 300 * SECOND;

/// What is known of the time of one test.
#[derive(Debug, Clone, Copy)]
pub struct Times<'c> {
    clocks: &'c Clocks,
    recorded: Span,
    replayed: Spans,
    /// What the service itself said of the time, on both sides.
    said: Option<(Span, Span)>,
}

/// Two moments, and how far each is from the time of its test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Distance {
    /// The same, as far as can be told.
    Same,
    /// Another one; something that the service keeps from before may explain it.
    Kept(Far),
    /// Another one.
    Other(Far),
    /// One of them cannot be read.
    Unread,
}

/// Two distances in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Far {
    pub(crate) recorded: String,
    pub(crate) candidate: String,
}

impl<'c> Times<'c> {
    pub(super) fn of(clocks: &'c Clocks, number: usize) -> Option<Self> {
        Some(Times {
            clocks,
            recorded: *clocks.recorded.get(number)?,
            replayed: *clocks.replayed.get(&number)?,
            said: None,
        })
    }

    /// For what the two responses say: each tells the time by its `date`, by whatever clock the
    /// service has.
    pub(crate) fn of_responses(mut self, recorded: &Value, candidate: &Value) -> Self {
        self.said = date(recorded).zip(date(candidate));
        self
    }

    /// For a call that began so many nanoseconds after the request when it was recorded, and was
    /// made at that real time now.
    pub(crate) fn of_call(mut self, after: u64, made: Timestamp) -> Self {
        let made = nanos(made);
        self.recorded = Span::new(self.recorded.from, self.recorded.from + i128::from(after));
        let [shown, real] = &mut self.replayed;
        let Some(real) = real else { return self };
        if let Some(shown) = shown.as_mut().filter(|_| made > real.to) {
            // Late: what the service is shown is the time of a later test by now.
            let all = self
                .clocks
                .replayed
                .values()
                .filter_map(|[shown, _]| *shown);
            shown.to = all.map(|span| span.to).max().unwrap_or(shown.to);
        }
        real.to = made.max(real.from);
        self
    }

    /// Holds a moment that the service made when it was recorded against the candidate's.
    pub(crate) fn compare(&self, kind: TokenKind, recorded: &str, candidate: &str) -> Distance {
        let read = |text| Instant::read(kind, text);
        let (Some(a), Some(b)) = (read(recorded), read(candidate)) else {
            return Distance::Unread;
        };
        if a == b || self.is_same(a, b) {
            return Distance::Same;
        }
        let far = Far {
            recorded: words(a, self.recorded),
            candidate: words(b, self.service_time()),
        };
        match self.is_kept(a, b) {
            true => Distance::Kept(far),
            false => Distance::Other(far),
        }
    }

    /// The clock that the service most likely saw.
    fn service_time(&self) -> Span {
        let mut clocks = self.replayed.into_iter().flatten();
        clocks.next().unwrap_or(self.recorded)
    }

    /// Whether one clock explains both: that of this test, that of the start, that of an earlier
    /// test. What was made of a recorded moment (a dependency's answer) goes by the recorded time.
    fn is_same(&self, a: Instant, b: Instant) -> bool {
        let own = self.replayed.into_iter().flatten();
        let own = own.chain([self.recorded]).map(|now| (self.recorded, now));
        let starts = self.clocks.restarted.into_iter().flatten();
        let starts = self.clocks.started.into_iter().flat_map(|started| {
            let starts = starts.clone();
            starts.map(move |restarted| (started, restarted))
        });
        let mut near = own.chain(self.said).chain(starts);
        near.any(|times| fits(a, b, times)) || self.earlier().any(|times| fits(a, b, times))
    }

    /// The times of the tests that were recorded before this one ended and have run.
    fn earlier(&self) -> impl Iterator<Item = (Span, Span)> {
        self.clocks.replayed.iter().flat_map(|(number, spans)| {
            let recorded = self.clocks.recorded.get(*number).copied();
            let recorded = recorded.filter(|span| span.from <= self.recorded.to);
            let spans = spans.iter().flatten();
            recorded
                .into_iter()
                .flat_map(move |recorded| spans.clone().map(move |now| (recorded, *now)))
        })
    }

    /// Whether a moment that the service keeps explains the difference: it was made at any time of
    /// its life, or before that. Two moments that were made at the times of their tests it does not.
    fn is_kept(&self, a: Instant, b: Instant) -> bool {
        let clocks = self.replayed.into_iter().zip(self.clocks.restarted);
        let mut clocks = clocks.filter_map(|(now, restarted)| Some((now?, restarted)));
        let now = self.service_time();
        let (own, other) = (is_round(a, self.recorded), is_round(b, now));
        if own && other {
            return false;
        }
        let life = |now: Span, started: Option<Span>, own: bool| match started {
            _ if own => now,
            Some(started) => Span::new(started.from, now.to),
            // What begins a period is made for the present one.
            None if is_rounded(a, b, QUARTER) => now,
            None => Span::new(now.from - UNKNOWN, now.to),
        };
        let recorded = life(self.recorded, self.clocks.started, own);
        let runs_here = self.clocks.restarted != [None; CLOCKS];
        clocks.any(|(now, restarted)| {
            // What did not start with the others has its clock from the start.
            let restarted = restarted.or(runs_here.then_some(now));
            let replayed = life(now, restarted, other);
            fits(a, b, (recorded, replayed))
                || !own
                    && is_of_file(a, recorded)
                    && is_of_file(b, replayed)
                    && !is_rounded(a, b, MINUTE)
        })
    }
}

/// Whether a moment may be that of a file that was there when the service started.
fn is_of_file(moment: Instant, life: Span) -> bool {
    moment.step < DAY && moment.at < life.from
}

/// Whether both moments are multiples of a unit, as those that something keeps are by chance alone.
fn is_rounded(a: Instant, b: Instant, unit: i128) -> bool {
    a.at % unit == 0 && b.at % unit == 0
}

/// Whether two moments may lie equally far from two times.
fn fits(a: Instant, b: Instant, (recorded, replayed): (Span, Span)) -> bool {
    let apart = b.at - a.at;
    let replayed = Span::new(replayed.from - SLACK, replayed.to + SLACK);
    let (low, high) = (replayed.from - recorded.to, replayed.to - recorded.from);
    let is_far = low.abs().max(high.abs()) > FAR;
    let distance = (a.at - recorded.from).abs();
    let calendar = match is_far {
        true if distance >= 27 * DAY => 3 * DAY,
        true if distance >= 20 * HOUR => HOUR,
        _ => 0,
    };
    let step = a.step.max(b.step);
    // A date is rounded.
    let give = if step < DAY {
        step + calendar
    } else {
        calendar
    };
    (step < DAY || calendar > HOUR) && (low - give..=high + give).contains(&apart)
        || rounded::fit(a, b, (recorded, replayed), is_far)
}

/// Whether a moment lies a whole number of minutes from a request: it was made at its time.
fn is_round(moment: Instant, request: Span) -> bool {
    let low = moment.at - request.to;
    let high = moment.at + moment.step - request.from;
    let first = -(-low).div_euclid(ROUND) * ROUND;
    let rounded = moment.at % MINUTE == 0;
    !rounded && high - low < ROUND / 10 && first <= high
}

/// What a response says of the time.
fn date(response: &Value) -> Option<Span> {
    let headers = response.get("headers").and_then(Value::as_list)?;
    let fields = headers.iter().filter_map(Value::as_map).flatten();
    let mut dates = fields.filter(|(name, _)| name.eq_ignore_ascii_case("date"));
    let date = dates.next()?.1.as_str()?;
    let date = Instant::read(TokenKind::Timestamp, date)?;
    Some(Span::new(date.at, date.at + date.step))
}
