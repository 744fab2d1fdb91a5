//! Orders in which a service puts what has ids that it makes: the ids are others in each run, and so
//! is the order, while the service does the very same.
//!
//! An order explains another sequence where the recorded ids stand in it, and the candidate's do. What
//! the whole recording has at such a place is the evidence that it is no chance.

use std::cmp::Ordering;
use std::collections::HashSet;

use retake_model::{RuleUse, Timestamp, TokenKind};

use crate::made::{Near, whole_token};

/// An order in which a service puts texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// By their bytes, as databases and most languages sort them.
    Rising,
    /// The other way round.
    Falling,
    /// UUIDs as two signed numbers, as Java's `UUID.compareTo` has them.
    Signed,
}

/// Every order, the usual one first.
pub(crate) const ORDERS: [Order; 3] = [Order::Rising, Order::Falling, Order::Signed];

/// In how many ways the recorded texts must be able to stand, of which they stand in that one: as
/// three may. Two are in an order by chance half of the time, and in the next run again.
const ENOUGH: u64 = 6;

/// What is known of sequences that are said to be in one order.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// What stood in one of them. Where it stands again it says nothing new.
    seen: HashSet<String>,
    /// In how many ways all of them could stand.
    ways: u64,
    contradicted: bool,
}

impl Default for Evidence {
    fn default() -> Self {
        Evidence {
            seen: HashSet::new(),
            ways: 1,
            contradicted: false,
        }
    }
}

impl Order {
    /// Which of two texts stands first.
    pub(crate) fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Order::Rising => a.cmp(b),
            Order::Falling => b.cmp(a),
            Order::Signed => match (signed(a), signed(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.cmp(b),
            },
        }
    }

    /// Whether no text stands before one that comes first in this order.
    pub(crate) fn holds(self, texts: &[&str]) -> bool {
        let mut pairs = texts.windows(2);
        pairs.all(|pair| match pair {
            [a, b] => self.compare(a, b) != Ordering::Greater,
            _ => true,
        })
    }
}

impl Evidence {
    /// Takes in another sequence of the recording.
    pub(crate) fn add(&mut self, order: Order, texts: &[&str]) {
        self.contradicted |= !order.holds(texts) || texts.iter().any(|text| rises_with_time(text));
        let different: HashSet<&str> = texts.iter().copied().collect();
        let known = different.iter().filter(|text| self.seen.contains(**text));
        let mut count = u64::try_from(known.count()).unwrap_or(u64::MAX);
        for text in different {
            if self.seen.insert(text.to_owned()) {
                count = count.saturating_add(1);
                self.ways = self.ways.saturating_mul(count);
            }
        }
    }

    /// Whether it is enough to take the order for meant.
    pub(crate) fn is_enough(&self) -> bool {
        !self.contradicted && self.ways >= ENOUGH
    }
}

/// Whether what is made later is greater: then what was made one after the other is in order, whatever
/// it was made for, and the order is the same in each run of the same service.
fn rises_with_time(text: &str) -> bool {
    match whole_token(text, Near::recorded(Timestamp(0))) {
        Some(TokenKind::Ulid | TokenKind::ObjectId) => true,
        Some(TokenKind::Uuid) => {
            let mut digits = text.chars().filter(|c| *c != '-');
            matches!(digits.nth(12), Some('1' | '6' | '7'))
        }
        Some(kind) => kind.is_moment(),
        None => false,
    }
}

/// How often an order explained that something stands elsewhere, for what is told of what was hidden.
pub(crate) fn use_of(place: &str, hidden: u64) -> Option<RuleUse> {
    (hidden > 0).then(|| RuleUse {
        rule: format!("{place}.*.order"),
        source: "built in: in the order of ids that the service makes".to_owned(),
        hidden,
    })
}

/// A UUID as the two signed numbers that Java compares.
fn signed(text: &str) -> Option<(i64, i64)> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let half = |range| {
        let digits = digits.get(range)?;
        u64::from_str_radix(digits, 16).ok().map(u64::cast_signed)
    };
    (digits.len() == 32).then_some(())?;
    Some((half(0..16)?, half(16..32)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: &str = "1b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";
    const HIGH: &str = "f18be3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b";

    #[test]
    fn java_takes_the_halves_of_a_uuid_for_signed_numbers() {
        assert!(Order::Rising.holds(&[LOW, HIGH]));
        assert!(!Order::Signed.holds(&[LOW, HIGH]));
        assert!(Order::Signed.holds(&[HIGH, LOW]));
        assert!(Order::Falling.holds(&[HIGH, HIGH, LOW]));
        assert!(Order::Signed.holds(&["a", "b"]), "no UUIDs");
    }

    #[test]
    fn an_order_is_meant_where_at_least_three_texts_or_three_pairs_are_in_it_and_none_is_not() {
        let check = |order, all: &[&[&str]], expected: bool| {
            let mut evidence = Evidence::default();
            all.iter().for_each(|texts| evidence.add(order, texts));
            assert_eq!(evidence.is_enough(), expected, "{order:?} {all:?}");
        };
        check(Order::Rising, &[&["a", "b"]], false);
        check(Order::Rising, &[&["a", "b"], &["c", "d"]], false);
        check(
            Order::Rising,
            &[&["a", "b"], &["c", "d"], &["e", "f"]],
            true,
        );
        check(Order::Rising, &[&["a", "b", "c"]], true);
        check(Order::Rising, &[&["a", "b", "c"], &["e", "d"]], false);
        check(Order::Falling, &[&["b", "a"], &["d", "c"]], false);
        check(Order::Falling, &[&["c", "b", "a"]], true);
    }

    #[test]
    fn the_same_texts_once_more_are_no_more_evidence() {
        let mut evidence = Evidence::default();
        for _ in 0..9 {
            evidence.add(Order::Rising, &["a", "b"]);
            evidence.add(Order::Rising, &["a", "a"]);
        }
        assert!(!evidence.is_enough());
        evidence.add(Order::Rising, &["a", "b", "c"]);
        assert!(evidence.is_enough(), "as those three alone");
    }

    #[test]
    fn ids_that_rise_with_time_say_nothing_of_an_order() {
        let check = |ids: [&str; 3], expected: bool| {
            let mut evidence = Evidence::default();
            evidence.add(Order::Rising, &ids);
            assert_eq!(evidence.is_enough(), expected, "{ids:?}");
        };
        let uuid = |version| {
            ["a", "b", "c"].map(|last| format!("01936d5e-8f2a-{version}c3b-9d4e-5f6a7b8c9d0{last}"))
        };
        for (version, expected) in [("1", false), ("4", true), ("6", false), ("7", false)] {
            check(uuid(version).each_ref().map(String::as_str), expected);
        }
        let ulids = [
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FAW",
            "01ARZ3NDEKTSV4RRFFQ69G5FAX",
        ];
        check(ulids, false);
        let object_ids = [
            "65f1a2b3c4d5e6f7a8b9c0d1",
            "65f1a2b3c4d5e6f7a8b9c0d2",
            "65f1a2b3c4d5e6f7a8b9c0d3",
        ];
        check(object_ids, false);
        let moments = [
            "2026-03-01T10:20:30Z",
            "2026-03-01T10:20:31Z",
            "2026-03-01T10:20:32Z",
        ];
        check(moments, false);
    }
}
