//! When tests were recorded: which of them overlapped, and which may have asked for a mock.

use std::collections::HashMap;

use retake_model::TestCase;

use super::super::LATE;
use super::super::pool::Origin;

/// Whether each test was open while no other one was.
pub(super) fn alone(spans: &[During]) -> Vec<bool> {
    let mut order: Vec<(usize, &During)> = spans.iter().enumerate().collect();
    order.sort_by_key(|(_, span)| span.began);
    let mut alone = vec![true; spans.len()];
    let mut last: Option<(usize, u64)> = None;
    for (number, span) in order {
        if let Some((other, until)) = last
            && span.began <= until
        {
            for number in [number, other] {
                if let Some(alone) = alone.get_mut(number) {
                    *alone = false;
                }
            }
        }
        if last.is_none_or(|(_, until)| until < span.answered) {
            last = Some((number, span.answered));
        }
    }
    alone
}

/// The number of each test's group.
pub(super) fn groups(spans: &[During]) -> Vec<usize> {
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
pub(super) struct During {
    pub(super) began: u64,
    pub(super) answered: u64,
    ended: u64,
    /// Until when it may have gone on after its response.
    late: u64,
}

impl During {
    pub(super) fn of(test: &TestCase) -> Self {
        let calls = test.calls.iter();
        let last = calls.map(|call| call.after.saturating_add(call.took)).max();
        let length = last.unwrap_or(0).max(test.took);
        let ended = test.at.0.saturating_add(length);
        let answered = test.at.0.saturating_add(test.took);
        During {
            began: test.at.0,
            answered,
            ended,
            late: answered.saturating_add(LATE).max(ended),
        }
    }

    /// Whether the times of two tests overlapped.
    pub(super) fn overlaps(&self, other: &During) -> bool {
        self.began <= other.ended && other.began <= self.ended
    }

    /// Whether one of two tests may have made what is kept with the other.
    pub(super) fn is_near(&self, other: &During) -> bool {
        self.began <= other.late && other.began <= self.late
    }
}

/// Whether a mock was asked for before the response of the test that it is kept with.
pub(super) fn is_at_once(spans: &[During], times: &HashMap<Origin, u64>, origin: Origin) -> bool {
    let kept = origin.test.and_then(|kept| spans.get(kept));
    let at = times.get(&origin);
    kept.zip(at).is_some_and(|(kept, at)| *at <= kept.answered)
}

/// Whether a test may have asked for a mock: it was open when that was asked for, or was answered
/// shortly before, or was open at the same time as the test that it is kept with.
pub(super) fn may_ask(
    spans: &[During],
    times: &HashMap<Origin, u64>,
    test: usize,
    origin: Origin,
) -> bool {
    let Some(kept) = origin.test else { return true };
    let (Some(own), Some(other)) = (spans.get(test), spans.get(kept)) else {
        return false;
    };
    let at = times.get(&origin).copied().unwrap_or(other.began);
    own.overlaps(other) || (own.began <= at && at <= own.late)
}
