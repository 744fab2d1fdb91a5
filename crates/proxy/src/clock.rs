//! Moments that never run backwards.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use retake_model::Timestamp;

/// A monotonic clock that was set to wall time once. Copies of one clock agree.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    wall: u64,
}

impl Clock {
    /// A clock set to the wall time of this moment.
    pub fn new() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Clock {
            start: Instant::now(),
            wall: u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// This moment.
    pub fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Timestamp(self.wall.saturating_add(passed))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new()
    }
}
