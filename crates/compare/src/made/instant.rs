//! Moments of any form as a count of nanoseconds.

use retake_model::TokenKind;

use super::moment::{self, DAY, SECOND};

/// A moment, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) at: i128,
    /// How many nanoseconds its last digit stands for: a day for a date.
    pub(crate) step: i128,
}

impl Instant {
    /// Whether it is no mere date.
    pub(crate) fn is_within_a_day(&self) -> bool {
        self.step < DAY * SECOND
    }

    /// Whether another one is the same, as far as this one is told.
    pub(crate) fn holds(&self, other: Instant) -> bool {
        (self.at..self.at + self.step).contains(&other.at) && other.step <= self.step
    }

    /// Reads a moment of that kind.
    pub(crate) fn read(kind: TokenKind, text: &str) -> Option<Self> {
        let unit = match kind {
            TokenKind::Timestamp => {
                let (at, step) = moment::instant_of(text)?;
                return Some(Instant { at, step });
            }
            TokenKind::EpochSeconds => SECOND,
            TokenKind::EpochMillis => SECOND / 1_000,
            TokenKind::EpochMicros => SECOND / 1_000_000,
            _ => return None,
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let (parts, step) = moment::fraction_of(fraction.as_bytes());
        let whole = whole.parse::<i64>().ok()?;
        Some(Instant {
            at: i128::from(whole) * unit + parts * unit / SECOND,
            step: (step * unit / SECOND).max(1),
        })
    }
}
