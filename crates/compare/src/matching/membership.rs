//! Calls that were recorded in a transaction and are made outside of one now, and the reverse.
//!
//! What stands between a beginning and an end in the recording need not be in that transaction:
//! another connection may have asked it meanwhile. So a call has left one only where its connection
//! is that of the rest of it.

use std::collections::HashSet;

use retake_model::ConnId;

use super::crowded::Recorded;
use super::outcome::Effect;
use super::placed::{Placed, Transactions};
use super::transaction::Step;

/// The places of such calls.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Crossed {
    pub(super) entered: Vec<usize>,
    pub(super) left: Vec<usize>,
}

impl Crossed {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.entered.iter().chain(&self.left).copied()
    }

    pub(super) fn of(made: &[Placed], recorded: &Recorded<'_>) -> Self {
        let mut files = Transactions::of(recorded.tests);
        let mut crossed = Crossed::default();
        let whole = Whole::of(made, &mut files);
        for (place, placed) in made.iter().enumerate() {
            let to = &*placed.call.call.to;
            let may_cross = is_statement(placed) && !whole.now.is_empty();
            let Some(was) = may_cross
                .then(|| files.recorded(placed.origin, to))
                .flatten()
            else {
                continue;
            };
            match (was, placed.call.call.transaction) {
                (None, Some(now)) if whole.now.contains(&now) => {
                    let mut is_outside = |other| files.recorded(other, to) == Some(None);
                    if recorded.same_as(placed).all(&mut is_outside) {
                        crossed.entered.push(place);
                    }
                }
                (Some(was), None) if whole.goes_on(placed, was) => {
                    let mut is_inside = |other| files.recorded(other, to).flatten().is_some();
                    if !recorded.comes_late(placed) && recorded.same_as(placed).all(&mut is_inside)
                    {
                        crossed.left.push(place);
                    }
                }
                _ => {}
            }
        }
        crossed
    }
}

/// The transactions of the candidate that have statements of recorded ones.
struct Whole {
    now: HashSet<u64>,
    /// The recorded ones (by their test and number), and the connection.
    was: HashSet<(ConnId, Option<usize>, usize)>,
}

impl Whole {
    fn of(made: &[Placed], files: &mut Transactions<'_>) -> Self {
        let (mut now, mut was) = (HashSet::new(), HashSet::new());
        for placed in made.iter().filter(|placed| is_statement(placed)) {
            let call = &placed.call.call;
            let recorded = files.recorded(placed.origin, &call.to).flatten();
            if let (Some(recorded), Some(transaction)) = (recorded, call.transaction) {
                now.insert(transaction);
                was.insert((call.conn, placed.origin.test, recorded));
            }
        }
        Whole { now, was }
    }

    fn goes_on(&self, placed: &Placed, was: usize) -> bool {
        let key = (placed.call.call.conn, placed.origin.test, was);
        self.was.contains(&key)
    }
}

fn is_statement(placed: &Placed) -> bool {
    placed.step() == Step::Within && placed.call.call.effect != Effect::Transaction
}
