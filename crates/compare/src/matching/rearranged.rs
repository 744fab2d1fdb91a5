//! Which calls of a test were made in another order, or in another transaction.

use std::collections::HashSet;

use retake_model::TestCase;

use super::awaited::ahead_of_awaited;
use super::crowded::{Recorded, on_connections, within_transactions};
use super::foreign::foreign;
use super::interleaved::reordered;
use super::membership::Crossed;
use super::placed::{Placed, When};
use super::sorted::Sorted;

/// The places of such calls, rising.
#[derive(Debug, Default)]
pub(super) struct Rearranged {
    pub(super) reordered: Vec<usize>,
    pub(super) crossed: Crossed,
    /// How many stand elsewhere because the service goes by the order of ids that it made.
    pub(super) sorted: usize,
}

impl Rearranged {
    /// Those that came before the test have no order with its own, and neither have those that an
    /// earlier one went on to make; what is of their transactions goes with them.
    pub(super) fn of(made: &[Placed], recorded: &Recorded<'_>) -> Self {
        let Some(test) = recorded.tests.get(recorded.number) else {
            return Rearranged::default();
        };
        let apart = apart(made, test, recorded);
        let crossed = Crossed::of(made, recorded);
        let mut known: HashSet<usize> = crossed.all().collect();
        let mut all = within_transactions(made, recorded, &known);
        known.extend(&all.places);
        let sorted = Sorted::new(recorded.tests, recorded.number, recorded.values);
        let early = |made: &Placed| made.when == When::Before;
        let mut own = reordered(test, without(made, &early), &apart, &known, &sorted);
        if !own.places.is_empty() {
            let foreign = foreign(recorded.tests, recorded.number);
            let is_foreign = |index| foreign.contains(&index);
            let others = |made: &Placed| early(made) || made.call.index.is_some_and(is_foreign);
            own = reordered(test, without(made, &others), &apart, &known, &sorted);
        }
        known.extend(&own.places);
        all.add(own);
        all.add(on_connections(made, &apart, recorded, &known));
        known.extend(&all.places);
        all.places.extend(ahead_of_awaited(made, recorded, &known));
        let mut reordered: Vec<usize> = all.places.into_iter().collect();
        reordered.sort_unstable();
        Rearranged {
            reordered,
            crossed,
            sorted: all.sorted.len(),
        }
    }
}

/// The dependencies of whose calls some may be another test's: alike ones may be, too. Of a test
/// that was alone these are only what earlier ones left to be done.
fn apart<'t>(made: &'t [Placed], test: &'t TestCase, recorded: &Recorded<'_>) -> HashSet<&'t str> {
    let shared = made.iter().filter(|made| made.call.call.shared);
    let mut apart: HashSet<&str> = shared.map(|made| &*made.call.call.to).collect();
    if !recorded.crowd.was_alone(recorded.number) {
        let shared = test.calls.iter().filter(|call| call.by.is_shared());
        apart.extend(shared.map(|call| &*call.to));
    }
    apart
}

/// The calls that were made with their places, without some of them and without those of their
/// transactions.
fn without<'p>(
    made: &'p [Placed],
    which: &impl Fn(&Placed) -> bool,
) -> impl Iterator<Item = (usize, &'p Placed)> {
    let of = made.iter().filter(|made| which(made));
    let of: HashSet<u64> = of.filter_map(|made| made.call.call.transaction).collect();
    let made = made.iter().enumerate();
    made.filter(move |(_, made)| {
        let transaction = made.call.call.transaction.as_ref();
        !which(made) && !transaction.is_some_and(|t| of.contains(t))
    })
}
