//! The requests that were answered and wait for calls that may still come.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use retake_model::Timestamp;

use super::Waiting;
use super::evidence::Request;
use super::numbered::ByRequest;

/// The requests that wait, in the order of their ends. Whatever is asked of them by time or by
/// number looks at few of them: at full load thousands wait, and each call asks.
#[derive(Debug, Default)]
pub(super) struct Answered {
    list: VecDeque<Waiting>,
    /// When each of them ended.
    ends: ByRequest<Timestamp>,
    /// How many of them took how long, in nanoseconds.
    lengths: BTreeMap<u64, usize>,
}

impl Answered {
    pub(super) fn insert(&mut self, waiting: Waiting) {
        let ended = waiting.exchange.ended;
        self.ends.insert(waiting.request(), ended);
        *self.lengths.entry(length(&waiting)).or_default() += 1;
        let at = self.list.partition_point(|w| w.exchange.ended <= ended);
        self.list.insert(at, waiting);
    }

    /// Takes the one out that ended first.
    pub(super) fn pop_first(&mut self) -> Option<Waiting> {
        let waiting = self.list.pop_front()?;
        self.ends.remove(&waiting.request());
        let length = length(&waiting);
        if let Some(count) = self.lengths.get_mut(&length) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&length);
            }
        }
        Some(waiting)
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The one that ended first.
    pub(super) fn first(&self) -> Option<&Waiting> {
        self.list.front()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Waiting> {
        self.list.get(at)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Waiting> {
        self.list.get_mut(at)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Waiting> {
        self.list.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Waiting> {
        self.list.iter_mut()
    }

    /// The place of a request.
    pub(super) fn place_of(&self, request: Request) -> Option<usize> {
        let ended = *self.ends.get(&request)?;
        let first = self.first_from(ended);
        let alike = self
            .list
            .range(first..)
            .take_while(|w| w.exchange.ended == ended);
        let (at, _) = alike.enumerate().find(|(_, w)| w.request() == request)?;
        Some(first + at)
    }

    /// The places of those that were open at that time.
    pub(super) fn open_at(&self, at: Timestamp) -> impl Iterator<Item = usize> {
        let longest = self
            .lengths
            .last_key_value()
            .map_or(0, |(length, _)| *length);
        let last = Timestamp(at.0.saturating_add(longest));
        let first = self.first_from(at);
        let from = self.list.range(first..).enumerate();
        from.take_while(move |(_, w)| w.exchange.ended <= last)
            .filter(move |(_, w)| w.exchange.began <= at)
            .map(move |(n, _)| first + n)
    }

    /// The places of those that ended before that time, at most so long before.
    pub(super) fn ended_before(&self, at: Timestamp, within: u64) -> Range<usize> {
        let since = Timestamp(at.0.saturating_sub(within));
        let end = self.first_from(at);
        self.first_from(since).min(end)..end
    }

    /// The place of the first one that ended at that time or later.
    fn first_from(&self, at: Timestamp) -> usize {
        self.list.partition_point(|w| w.exchange.ended < at)
    }
}

fn length(waiting: &Waiting) -> u64 {
    waiting.exchange.ended.since(waiting.exchange.began)
}
