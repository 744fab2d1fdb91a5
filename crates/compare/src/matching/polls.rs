//! What polls were told that they had not been told before.

use std::collections::HashMap;

use retake_model::{Mock, Timestamp, Value};

use super::clock::News;
use super::idle::is_steady;
use super::key::Key;

/// The longest pause of a poll that is waited for, in nanoseconds.
const LONGEST_PAUSE: u64 = 5_000_000_000;

/// How often a poll must have been seen.
const OFTEN: usize = 4;

/// What each kind of background call was told, in the order of the times.
#[derive(Default)]
pub(super) struct Polls<'m>(HashMap<Key, Vec<(Timestamp, usize, &'m Mock)>>);

impl<'m> Polls<'m> {
    /// A background mock, with its number among these.
    pub(super) fn add(&mut self, kind: Key, at: Timestamp, number: usize, mock: &'m Mock) {
        self.0.entry(kind).or_default().push((at, number, mock));
    }

    /// When those that come in even pauses were told other rows than before, the first time first.
    pub(super) fn news(self) -> Vec<News> {
        let mut all = Vec::new();
        for (kind, told) in self.0 {
            let times: Vec<u64> = told.iter().map(|(at, ..)| at.0).collect();
            if told.len() < OFTEN || !is_steady(&times) {
                continue;
            }
            for ((before, _, known), (at, number, mock)) in told.iter().zip(told.iter().skip(1)) {
                let pause = at.since(*before);
                if has_rows(mock) && mock.response != known.response && pause <= LONGEST_PAUSE {
                    all.push(News {
                        at: *at,
                        number: *number,
                        pause,
                        kind,
                    });
                }
            }
        }
        all.sort_by_key(|news| (news.at, news.number));
        all
    }
}

fn has_rows(mock: &Mock) -> bool {
    matches!(mock.response.get("rows"), Some(Value::List(rows)) if !rows.is_empty())
}
