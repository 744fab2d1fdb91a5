//! Orders in which a service puts what has ids that it makes: the ids are others in each run, and so
//! is the order, while the service does the very same.
//!
//! An order explains another sequence where the recorded ids stand in it, and the candidate's do. What
//! the whole recording has at such a place is the evidence that it is no chance.

use std::cmp::Ordering;

use retake_model::RuleUse;

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

/// Of how many sequences an order that is not the usual one must be the one that was recorded: those
/// of three elements.
const UNUSUAL: u64 = 6;

/// What is known of sequences that are said to be in one order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence {
    /// In how many ways all of them could stand.
    ways: u64,
    contradicted: bool,
}

impl Default for Evidence {
    fn default() -> Self {
        Evidence {
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
        self.contradicted |= !order.holds(texts);
        let mut different = texts.to_vec();
        different.sort_unstable();
        different.dedup();
        for (_, count) in different.iter().zip(1..) {
            self.ways = self.ways.saturating_mul(count);
        }
    }

    /// Whether it is enough to take the order for meant.
    pub(crate) fn is_enough(self, order: Order) -> bool {
        let least = match order {
            Order::Rising => 2,
            Order::Falling | Order::Signed => UNUSUAL,
        };
        !self.contradicted && self.ways >= least
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
    fn an_unusual_order_takes_more_than_two_texts_and_nothing_that_contradicts() {
        let check = |order, all: &[&[&str]], expected: bool| {
            let mut evidence = Evidence::default();
            all.iter().for_each(|texts| evidence.add(order, texts));
            assert_eq!(evidence.is_enough(order), expected, "{order:?} {all:?}");
        };
        check(Order::Rising, &[&["a", "b"]], true);
        check(Order::Rising, &[&["a", "a"]], false);
        check(Order::Rising, &[&["a", "b"], &["d", "c"]], false);
        check(Order::Falling, &[&["b", "a"]], false);
        check(Order::Falling, &[&["b", "a"], &["d", "c"]], false);
        check(
            Order::Falling,
            &[&["b", "a"], &["d", "c"], &["f", "e"]],
            true,
        );
        check(Order::Falling, &[&["c", "b", "a"]], true);
    }
}
