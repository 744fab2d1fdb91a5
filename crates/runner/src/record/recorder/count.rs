//! Counts and notes of the ledger.

use std::collections::BTreeMap;

use retake_model::{Flaw, Ledger, Tally};

use crate::record::shared::Kept;

/// How many notes are kept.
const MAX_NOTES: usize = 100;

pub(super) fn add(counts: &mut BTreeMap<String, u64>, reason: &str, count: u64) {
    if count > 0 {
        *counts.entry(reason.to_owned()).or_default() += count;
    }
}

pub(super) fn count_flaw(tally: &mut Tally, flaw: &Flaw) {
    match flaw {
        Flaw::Cut => add(&mut tally.dropped, "cut off before its end", 1),
        Flaw::TooLarge(_) => add(&mut tally.dropped, "too large to be held", 1),
        Flaw::Undecodable(why) => add(&mut tally.undecodable, why, 1),
    }
}

pub(super) fn count_shared(tally: &mut Tally, kept: Kept) {
    match kept {
        Kept::New => tally.kept += 1,
        Kept::Merged => tally.merged += 1,
        Kept::Full => add(&mut tally.dropped, "too many calls outside of tests", 1),
    }
}

pub(super) fn note(ledger: &mut Ledger, text: String) {
    if ledger.notes.len() < MAX_NOTES && !ledger.notes.contains(&text) {
        ledger.notes.push(text);
    }
}
