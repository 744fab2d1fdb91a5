//! Maps by numbers of our own and by hashes: nobody outside chooses them, so that a hash that a
//! stranger cannot foresee would be in vain.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::evidence::Request;
use super::facts::Mark;

/// A map by requests.
pub(super) type ByRequest<T> = HashMap<Request, T, BuildHasherDefault<Mixed>>;

/// A map by values.
pub(super) type ByMark<T> = HashMap<Mark, T, BuildHasherDefault<Mixed>>;

/// A hash of a few numbers.
#[derive(Debug, Default)]
pub(super) struct Mixed(u64);

/// Odd, with its bits in no order: 2^64 by the golden ratio.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(FACTOR);
    }

    fn finish(&self) -> u64 {
        // A map takes its places from the lower bits, which a product leaves the poorest.
        self.0.rotate_left(26)
    }
}

/// How much more often the one was seen than the other, in half bits: twice the binary logarithm of
/// their ratio, each of them a half more than it is.
pub(super) fn half_bits(yes: u64, no: u64) -> i64 {
    let square = |times: u64| {
        let times = 2 * u128::from(times.min(1 << 20)) + 1;
        times * times
    };
    let (yes, no) = (square(yes), square(no));
    let bits = |ratio: u128| i64::from(ratio.checked_ilog2().unwrap_or_default());
    match yes >= no {
        true => bits(yes / no),
        false => -bits(no / yes),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::Hash;

    use retake_model::ConnId;

    use super::*;

    #[test]
    fn requests_that_follow_each_other_are_spread() {
        let place = |request: Request| {
            let mut hash = Mixed::default();
            request.hash(&mut hash);
            hash.finish() % 1024
        };
        let all = (0..32).flat_map(|conn| (0..32).map(move |index| (ConnId(conn), index)));
        let places: HashSet<u64> = all.map(place).collect();
        // By chance 1,024 of them have 647 places.
        assert!(places.len() > 550, "{}", places.len());
    }
}
