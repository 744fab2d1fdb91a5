//! The mocks that belong to no single test.
//!
//! They are written in parts. Only the part that is being filled is held, as the text that it
//! will be, and written again as it grows; of those before it fingerprints are left, by which
//! repeats are told.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use retake_model::Mock;
use retake_store::SharedPart;

use super::fingerprint::Fingerprint;

/// How many mocks outside tests are kept.
const MAX_SHARED: usize = 200_000;

/// How much their files may hold in all, in bytes.
const MAX_BYTES: usize = 1 << 30;

/// How many mocks a part has at most.
const PART: usize = 5_000;

/// How much the file of a part holds, in bytes, when it is complete.
const PART_BYTES: usize = 16 << 20;

/// How many parts' worth of mocks is held at most, where the disk refuses them.
const MAX_PARTS_HELD: usize = 4;

/// The mocks outside tests, without exact repeats.
#[derive(Debug)]
pub(super) struct Shared {
    /// Those of the part that is being filled.
    mocks: SharedPart,
    /// The number of that part, from 1.
    part: u32,
    /// How many mocks the parts before it have.
    released: usize,
    /// What those hold, in bytes.
    released_bytes: usize,
    /// The number of each mock by its fingerprint.
    index: PrintMap<u32>,
    /// The number of each mock by fingerprints of exact bytes that mean it. Several may: bytes
    /// tell things that a mock does not.
    raw: PrintMap<Repeat>,
    /// The number of the latest mock of each question.
    latest: PrintMap<u32>,
    changed: bool,
}

/// A mock by its number, and what was asked.
#[derive(Debug, Clone, Copy)]
struct Repeat {
    number: u32,
    asked: Print,
}

/// A fingerprint in two halves, which takes a quarter less in a map than a number of 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Print([u64; 2]);

/// By fingerprint. It is a hash, and is not hashed again.
type PrintMap<T> = HashMap<Print, T, BuildHasherDefault<Half>>;

/// One half of a fingerprint as the hash of it.
#[derive(Default)]
struct Half(u64);

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

impl Default for Shared {
    fn default() -> Self {
        Shared {
            mocks: SharedPart::default(),
            part: 1,
            released: 0,
            released_bytes: 0,
            index: PrintMap::default(),
            raw: PrintMap::default(),
            latest: PrintMap::default(),
            changed: false,
        }
    }
}

impl Shared {
    /// What becomes of an exchange with these exact bytes, where that is known without reading
    /// them. `is_exact` says that other bytes mean another mock.
    pub(super) fn known(&mut self, raw: u128, is_exact: bool) -> Option<Kept> {
        match self.raw.get(&Print::of(raw)).copied() {
            Some(Repeat { number, asked }) if self.is_latest(number, asked) => {
                self.merge(number);
                Some(Kept::Merged)
            }
            Some(_) if !self.is_full() => None,
            _ => (is_exact && self.is_full()).then_some(Kept::Full),
        }
    }

    /// Takes a mock in. `raw` is of the bytes that it was read from. A part that
    /// [is complete](Self::is_part_complete) is to be released first.
    pub(super) fn add(&mut self, mock: &Mock, raw: Option<u128>) -> Kept {
        let (asked, print) = Fingerprint::asked_and_mock(mock);
        let (asked, print) = (Print::of(asked), Print::of(print));
        let known = self.index.get(&print).copied();
        // One more after another answer is no repeat: answers are given in recorded order.
        let known = known.filter(|number| self.is_latest(*number, asked) || self.is_full());
        let number = self.released.saturating_add(self.mocks.len());
        let (number, kept) = match (known, u32::try_from(number)) {
            (Some(number), _) => {
                self.merge(number);
                (number, Kept::Merged)
            }
            (None, Ok(number)) if !self.is_full() => {
                self.index.insert(print, number);
                self.latest.insert(asked, number);
                self.mocks.push(mock);
                self.changed = true;
                (number, Kept::New)
            }
            (None, _) => return Kept::Full,
        };
        if let Some(raw) = raw
            && self.raw.len() < MAX_SHARED
        {
            self.raw.insert(Print::of(raw), Repeat { number, asked });
        }
        kept
    }

    /// Whether no other answer to that question was recorded since.
    fn is_latest(&self, number: u32, asked: Print) -> bool {
        self.latest
            .get(&asked)
            .is_none_or(|latest| *latest == number)
    }

    fn is_full(&self) -> bool {
        self.released + self.mocks.len() >= MAX_SHARED
            || self.released_bytes + self.mocks.bytes() >= MAX_BYTES
            || self.mocks.len() >= MAX_PARTS_HELD * PART
            || self.mocks.bytes() >= MAX_PARTS_HELD * PART_BYTES
    }

    /// Counts a repeat, where its mock is still held.
    fn merge(&mut self, number: u32) {
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(self.released));
        if place.is_some_and(|place| self.mocks.repeat(place)) {
            self.changed = true;
        }
    }

    /// Whether the part that is being filled is to be written for the last time, and released.
    pub(super) fn is_part_complete(&self) -> bool {
        self.mocks.len() >= PART || self.mocks.bytes() >= PART_BYTES
    }

    /// The part that is being filled, with its number, where there is something new in it since
    /// the last time, or `always`.
    pub(super) fn take_changed(&mut self, always: bool) -> Option<(u32, &SharedPart)> {
        let changed = std::mem::take(&mut self.changed);
        // What follows a part that was released is a file only once there is something in it.
        let always = always && (self.part == 1 || !self.mocks.is_empty());
        (changed || always).then_some((self.part, &self.mocks))
    }

    /// Lets go of the part that is being filled, which was written, and begins the next one.
    pub(super) fn release(&mut self) {
        self.released += self.mocks.len();
        self.released_bytes += self.mocks.bytes();
        self.mocks.clear();
        self.part += 1;
        self.changed = false;
    }
}

impl Print {
    fn of(print: u128) -> Self {
        let high = u64::try_from(print >> 64).unwrap_or_default();
        let low = u64::try_from(print & u128::from(u64::MAX)).unwrap_or_default();
        Print([low, high])
    }
}

impl Hash for Print {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, _] = self.0;
        state.write_u64(low);
    }
}

impl Hasher for Half {
    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Never asked for: a fingerprint gives a number.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use retake_model::{Attribution, ProtocolId, Scope, Value};

    use super::*;

    fn mock(n: usize) -> Mock {
        Mock {
            to: "db".into(),
            protocol: ProtocolId("postgres"),
            scope: Scope::Startup,
            by: Attribution::Unattributed,
            after: 0,
            took: 0,
            request: Value::map([("sql", Value::text(n.to_string()))]),
            response: Value::map([("tag", Value::text("DO"))]),
            merged: 0,
        }
    }

    #[test]
    fn repeats_are_told_from_bytes_and_from_meaning_even_when_the_part_was_released() {
        let mut shared = Shared::default();
        assert_eq!(shared.known(7, true), None);
        assert_eq!(shared.add(&mock(1), Some(7)), Kept::New);
        assert_eq!(shared.known(7, true), Some(Kept::Merged));
        assert_eq!(shared.add(&mock(1), Some(8)), Kept::Merged);
        assert_eq!(shared.known(8, true), Some(Kept::Merged));
        assert_eq!(shared.mocks.repeats(0), Some(3));
        let (part, mocks) = shared.take_changed(false).expect("changed");
        assert_eq!((part, mocks.len()), (1, 1));
        shared.release();
        assert_eq!(shared.add(&mock(1), None), Kept::Merged);
        assert_eq!(shared.known(7, true), Some(Kept::Merged));
        assert!(
            shared.take_changed(true).is_none(),
            "no file for an empty part"
        );
        assert_eq!(shared.add(&mock(2), None), Kept::New);
        assert_eq!(shared.mocks.repeats(0), Some(0));
        let (part, mocks) = shared.take_changed(false).expect("changed");
        assert_eq!((part, mocks.len()), (2, 1));
    }

    #[test]
    fn answers_that_come_in_turns_are_kept_in_their_order() {
        let answered = |answer: &str| Mock {
            response: Value::text(answer),
            ..mock(1)
        };
        let mut shared = Shared::default();
        for (answer, raw, kept) in [
            ("f", 1, Kept::New),
            ("f", 1, Kept::Merged),
            ("t", 2, Kept::New),
            ("f", 1, Kept::New),
            ("f", 1, Kept::Merged),
        ] {
            let known = shared.known(raw, true);
            let took = known.unwrap_or_else(|| shared.add(&answered(answer), Some(raw)));
            assert_eq!(took, kept, "{answer}");
        }
        let repeats = [0, 1, 2].map(|number| shared.mocks.repeats(number));
        assert_eq!(repeats, [Some(1), Some(0), Some(1)]);
    }

    #[test]
    fn what_is_too_much_is_told_before_it_is_read_where_bytes_say_it() {
        let mut shared = Shared::default();
        for n in 0..MAX_SHARED {
            assert_eq!(shared.add(&mock(n), None), Kept::New);
            if shared.is_part_complete() {
                shared.release();
            }
        }
        assert!(shared.mocks.is_empty());
        assert_eq!(shared.add(&mock(MAX_SHARED), None), Kept::Full);
        assert_eq!(shared.add(&mock(0), Some(1)), Kept::Merged);
        assert_eq!(shared.known(1, true), Some(Kept::Merged));
        assert_eq!(shared.known(2, true), Some(Kept::Full));
        assert_eq!(shared.known(2, false), None, "its meaning may be known");
    }

    #[test]
    fn a_part_is_complete_by_its_size_too() {
        let mut shared = Shared::default();
        let mut large = mock(1);
        large.response = Value::text("x".repeat(PART_BYTES));
        shared.add(&large, None);
        assert!(shared.is_part_complete());
    }
}
