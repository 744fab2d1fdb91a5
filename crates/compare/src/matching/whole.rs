//! Transactions that were left out or repeated whole.

use std::collections::{HashMap, HashSet};

use retake_model::TestCase;

use super::outcome::{Effect, ExtraCall, MissingCall};
use super::placed::{Placed, recorded_transactions};

/// A cache, or a retry, leaves out or repeats a transaction that writes nothing with all that its
/// reads go by: a setting or a lock in it is of no use alone. Those are reads then.
pub(super) fn soften(
    test: &TestCase,
    made: &[Placed],
    missing: &mut [MissingCall],
    extra: &mut [ExtraCall],
) {
    if missing.iter().any(|call| call.effect == Effect::Acts) {
        left_out(test, made, missing);
    }
    let written = |call: &&ExtraCall| call.call.effect == Effect::Write;
    let of = |calls: &mut dyn Iterator<Item = Option<u64>>| -> HashSet<u64> {
        calls.flatten().collect()
    };
    let written = of(&mut extra
        .iter()
        .filter(written)
        .map(|call| call.call.transaction));
    let matched = of(&mut made.iter().map(|made| made.call.call.transaction));
    for call in extra
        .iter_mut()
        .filter(|call| call.call.effect == Effect::Acts)
    {
        let transaction = call.call.transaction;
        let is_whole = |t: u64| !written.contains(&t) && !matched.contains(&t);
        if transaction.is_some_and(is_whole) {
            call.call.effect = Effect::Read;
        }
    }
}

fn left_out(test: &TestCase, made: &[Placed], missing: &mut [MissingCall]) {
    let mut files = HashMap::new();
    for to in missing.iter().map(|call| call.to.clone()) {
        let file = || recorded_transactions(test, &to);
        files.entry(to.clone()).or_insert_with(file);
    }
    let of = |to: &str, index: usize| -> Option<usize> {
        files.get(to)?.as_ref()?.get(index).copied().flatten()
    };
    let asked = made
        .iter()
        .filter_map(|made| Some((&*made.call.call.to, made.call.index?)));
    let written = missing.iter().filter(|call| call.effect == Effect::Write);
    let written = written.map(|call| (&*call.to, call.index));
    let goes_on = asked.chain(written);
    let goes_on: HashSet<usize> = goes_on.filter_map(|(to, index)| of(to, index)).collect();
    for call in missing
        .iter_mut()
        .filter(|call| call.effect == Effect::Acts)
    {
        let transaction = of(&call.to, call.index);
        if transaction.is_some_and(|t| !goes_on.contains(&t)) {
            call.effect = Effect::Read;
        }
    }
}
