//! How long a test waits for calls that the recording has after its response.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
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

/// How long all tests together wait for jobs at most.
const FOR_JOBS: Duration = Duration::from_secs(120);

/// How long tests wait for what jobs of the service were told before them: no longer at all where it was
/// in vain several times in a row, or took too long.
#[derive(Debug, Default)]
pub struct PatienceWithJobs {
    in_vain: AtomicU32,
    waited: AtomicU64,
}

impl PatienceWithJobs {
    /// How long a test waits at most; none where it does not.
    pub fn lasts(&self) -> Option<Duration> {
        let waited = Duration::from_millis(self.waited.load(Ordering::Relaxed));
        let left = FOR_JOBS.saturating_sub(waited);
        let patient = self.in_vain.load(Ordering::Relaxed) < OFTEN;
        (patient && !left.is_zero()).then_some(left)
    }

    /// Notes how a wait ended, and how long it took.
    pub fn waited(&self, how: Waited, took: Duration) {
        match how {
            Waited::NotAtAll => return,
            Waited::UntilAllCame => self.in_vain.store(0, Ordering::Relaxed),
            Waited::InVain => {
                self.in_vain.fetch_add(1, Ordering::Relaxed);
            }
        }
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.waited.fetch_add(took, Ordering::Relaxed);
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

    #[test]
    fn jobs_are_waited_for_until_it_was_in_vain_or_took_too_long() {
        let jobs = PatienceWithJobs::default();
        let second = Duration::from_secs(1);
        jobs.waited(Waited::InVain, second);
        jobs.waited(Waited::UntilAllCame, second);
        assert_eq!(jobs.lasts(), Some(FOR_JOBS - 2 * second));
        for _ in 0..OFTEN {
            assert!(jobs.lasts().is_some());
            jobs.waited(Waited::InVain, second);
        }
        assert_eq!(jobs.lasts(), None, "in vain");
        let jobs = PatienceWithJobs::default();
        jobs.waited(Waited::UntilAllCame, FOR_JOBS);
        assert_eq!(jobs.lasts(), None, "too long");
    }
}
