//! The mocks that belong to no single test.

use std::collections::HashMap;

use retake_model::Mock;

use super::fingerprint::Fingerprint;

/// How many mocks outside tests are kept.
const MAX_SHARED: usize = 50_000;

/// How many fingerprints of exact bytes are remembered: several of them may be of one mock, as
/// bytes tell things that a mock does not.
const MAX_RAW: usize = 4 * MAX_SHARED;

/// The mocks outside tests, without exact repeats.
#[derive(Debug, Default)]
pub(super) struct Shared {
    mocks: Vec<Mock>,
    index: HashMap<u128, usize>,
    /// Exact bytes that are known to mean a mock: its place.
    raw: HashMap<u128, usize>,
    changed: bool,
}

/// What became of a mock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is one more.
    New,
    /// It is a repeat of one that is there.
    Merged,
    /// There are too many already.
    Full,
}

impl Shared {
    /// What becomes of an exchange with these exact bytes, where that is known without reading
    /// them. `is_exact` says that other bytes mean another mock.
    pub(super) fn known(&mut self, raw: u128, is_exact: bool) -> Option<Kept> {
        match self.raw.get(&raw) {
            Some(&at) => {
                self.merge(at);
                Some(Kept::Merged)
            }
            None => (is_exact && self.mocks.len() >= MAX_SHARED).then_some(Kept::Full),
        }
    }

    /// Takes a mock in. `raw` is of the bytes that it was read from.
    pub(super) fn add(&mut self, mock: Mock, raw: Option<u128>) -> Kept {
        let print = Fingerprint::mock(&mock);
        let known = self.index.get(&print).copied();
        let (at, kept) = match known {
            Some(at) => {
                self.merge(at);
                (at, Kept::Merged)
            }
            None if self.mocks.len() >= MAX_SHARED => return Kept::Full,
            None => {
                self.index.insert(print, self.mocks.len());
                self.mocks.push(mock);
                self.changed = true;
                (self.mocks.len() - 1, Kept::New)
            }
        };
        if let Some(raw) = raw
            && self.raw.len() < MAX_RAW
        {
            self.raw.insert(raw, at);
        }
        kept
    }

    fn merge(&mut self, at: usize) {
        if let Some(known) = self.mocks.get_mut(at) {
            known.merged += 1;
            self.changed = true;
        }
    }

    /// The mock that was taken in last.
    pub(super) fn last(&self) -> Option<&Mock> {
        self.mocks.last()
    }

    /// The mocks, where there are new ones since the last time, or `always`.
    pub(super) fn take_changed(&mut self, always: bool) -> Option<&[Mock]> {
        let changed = std::mem::take(&mut self.changed);
        (changed || always).then_some(&self.mocks)
    }
}
