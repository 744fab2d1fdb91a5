//! The mocks that belong to no single test.

use std::collections::HashMap;

use retake_model::Mock;

use super::fingerprint::Fingerprint;

/// How many mocks outside tests are kept.
const MAX_SHARED: usize = 50_000;

/// The mocks outside tests, without exact repeats.
#[derive(Debug, Default)]
pub(super) struct Shared {
    mocks: Vec<Mock>,
    index: HashMap<u128, usize>,
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
    /// Takes a mock in.
    pub(super) fn add(&mut self, mock: Mock) -> Kept {
        let print = Fingerprint::mock(&mock);
        if let Some(known) = self
            .index
            .get(&print)
            .and_then(|&at| self.mocks.get_mut(at))
        {
            known.merged += 1;
            self.changed = true;
            return Kept::Merged;
        }
        if self.mocks.len() >= MAX_SHARED {
            return Kept::Full;
        }
        self.index.insert(print, self.mocks.len());
        self.mocks.push(mock);
        self.changed = true;
        Kept::New
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
