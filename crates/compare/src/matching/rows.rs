//! The values of a statement in the order in which they identify it.

use std::borrow::Cow;

use super::params::Params;
use crate::made::{self, Near};
use crate::sql::{Rows, Slot, Slots, Slotted};

/// The most rows of a list that are put into an order; longer ones keep theirs.
const LONGEST: usize = 10_000;

/// The places of a statement's values: as they stand, but for lists whose order says nothing, the
/// rows of which go by their values. A value that looks generated is another one in the next run:
/// rows that differ in such values alone keep their order.
pub(super) fn in_order<'s>(slots: &'s Slots, params: &Params<'_>, near: Near) -> Vec<&'s Slot> {
    let mut all: Vec<&Slot> = slots.slots.iter().collect();
    for list in &slots.lists {
        let Rows {
            first,
            width,
            count,
        } = *list;
        let end = first + width * count;
        let Some(places) = slots.slots.get(first..end).filter(|_| count <= LONGEST) else {
            continue;
        };
        let mut rows: Vec<(Vec<Cow<'_, str>>, &[Slot])> = places
            .chunks(width.max(1))
            .map(|row| {
                let values = row.iter().map(|slot| masked(text(slot, params), near));
                (values.collect(), row)
            })
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let sorted = rows.into_iter().flat_map(|(_, row)| row);
        for (place, slot) in all.iter_mut().skip(first).zip(sorted) {
            *place = slot;
        }
    }
    all
}

/// What stands in a place.
fn text<'s>(slot: &'s Slot, params: &Params<'s>) -> Cow<'s, str> {
    match &slot.value {
        Slotted::Literal(_, text) => Cow::Borrowed(text),
        Slotted::Param(number) => match params.get(*number) {
            Some((retake_model::Value::String(text), _)) => Cow::Borrowed(text),
            Some((value, _)) => Cow::Owned(format!("{value:?}")),
            None => Cow::Owned(format!("${number}")),
        },
    }
}

/// A text with a mark in the place of each generated value.
fn masked(text: Cow<'_, str>, near: Near) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut copied = 0;
    made::each_leaf_token(&text, near, |token| {
        masked.push_str(text.get(copied..token.start).unwrap_or_default());
        masked.push('\u{0}');
        copied = token.end();
    });
    if copied == 0 {
        return text;
    }
    masked.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(masked)
}
