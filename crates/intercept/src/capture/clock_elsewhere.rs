//! The recorded time is given on Linux for x86_64 alone.

use super::timeline::{Moment, UnixNanos};

/// The clock of all processes of the app. There is none here.
#[derive(Debug)]
pub enum Clock {}

/// Why the time cannot be the recorded one.
#[derive(Debug, thiserror::Error)]
#[error("the recorded time can be given on Linux for x86_64 alone")]
pub struct ClockError;

/// How many programs saw the real time all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfrozen {
    /// How many.
    pub programs: u64,
    /// Why the first of them did.
    pub reason: String,
}

impl Clock {
    /// There is none here.
    ///
    /// # Errors
    /// Always.
    pub fn new(_time: UnixNanos, _first: Option<UnixNanos>) -> Result<Self, ClockError> {
        Err(ClockError)
    }

    /// There is nothing to try.
    #[cfg(target_os = "linux")]
    pub(super) fn attempt(_pid: u32) -> Result<(), ClockError> {
        Err(ClockError)
    }

    /// The calls that are told to us for the clock's sake: none.
    #[cfg(target_os = "linux")]
    pub(super) fn tells(_killable: bool) -> Vec<super::sys::tell::Tell> {
        Vec::new()
    }

    /// Answers one of them.
    #[cfg(target_os = "linux")]
    pub(super) fn answer(&self, _call: super::call::Call) {
        match *self {}
    }

    /// A test begins.
    pub fn set(&self, _test: Moment) {
        match *self {}
    }

    /// What the app sees now.
    pub fn now(&self) -> UnixNanos {
        match *self {}
    }

    /// The programs that saw the real time.
    pub fn unfrozen(&self) -> Option<Unfrozen> {
        match *self {}
    }
}
