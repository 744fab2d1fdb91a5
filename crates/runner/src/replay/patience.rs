//! How long a test waits for calls that the recording has after its response.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long, beyond the recorded time: services and machines are slower at times.
const LATE: Duration = Duration::from_millis(300);

/// The same where it was in vain several times in a row. A build that leaves a call out leaves it
/// out in every test, and hundreds of those would wait for minutes. What comes later than that is
/// still known for what the test that ended lacks.
const OFTEN_IN_VAIN: Duration = Duration::from_millis(30);

/// How many times in a row that is.
const OFTEN: u32 = 3;

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// There was nothing to wait for.
    NotAtAll,
    /// What was waited for came.
    UntilAllCame,
    /// The time was over.
    InVain,
}

/// Gets shorter where waiting is in vain, and is long again once it was not.
#[derive(Debug, Default)]
pub struct Patience {
    in_vain: AtomicU32,
}

impl Patience {
    /// How long a test waits beyond the recorded time.
    pub fn lasts(&self) -> Duration {
        match self.in_vain.load(Ordering::Relaxed) {
            0..OFTEN => LATE,
            _ => OFTEN_IN_VAIN,
        }
    }

    /// Notes how a wait ended.
    pub fn waited(&self, how: Waited) {
        match how {
            Waited::NotAtAll => {}
            Waited::UntilAllCame => self.in_vain.store(0, Ordering::Relaxed),
            // So many waits take longer than any run.
            Waited::InVain => {
                self.in_vain.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_short_after_some_waits_in_vain_until_one_was_not() {
        let patience = Patience::default();
        for _ in 0..OFTEN {
            assert_eq!(patience.lasts(), LATE);
            patience.waited(Waited::InVain);
            patience.waited(Waited::NotAtAll);
        }
        assert_eq!(patience.lasts(), OFTEN_IN_VAIN);
        patience.waited(Waited::UntilAllCame);
        assert_eq!(patience.lasts(), LATE);
    }
}
