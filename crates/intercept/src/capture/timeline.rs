//! The time that an app sees: the recorded time of a test, and what passed since.
//!
//! The time runs. A clock that stands still would be exact to the nanosecond, but code that waits
//! until a wall-clock deadline would wait for ever, and durations, token buckets and identifiers
//! that contain the time would all be wrong in their own way. So the time at a test begins with the
//! recorded one and passes as it did in the recording: as fast as the real one for as long as the
//! recorded test took and until the next one began ([`Slot::free`]), then sixteen times slower
//! ([`CRAWL`]): a replay that is slower than the recording does not run past the next test's time,
//! so the clock need not be set back, and a loop that waits for a deadline still ends.
//!
//! Pure: the monotonic time comes as an argument.

use std::time::Duration;

/// By how many powers of two the time passes slower after the free run.
pub const CRAWL: u32 = 4;

/// How far the clock may be ahead of a test's recorded time without being set back, so that a
/// test which began during another one does not turn the clock back.
pub const AHEAD: Duration = Duration::from_secs(1);

/// How long a wait may be where the recorded time is so near that it cannot be told by which clock
/// a deadline was meant.
pub const LIKELY: Duration = Duration::from_mins(10);

/// The size of the page that processes read, in bytes.
pub const PAGE: usize = 4096;

/// The size of one slot in the page, in bytes. The first slot's place holds the number of the one
/// in force.
pub const SLOT: usize = 32;

/// The bits that an offset of a slot can have.
pub const SLOT_MASK: u32 = 0xfe0;

const _: () = assert!(PAGE - SLOT == SLOT_MASK as usize);

/// A moment in nanoseconds since 1970, UTC.
pub type UnixNanos = i64;

/// A moment of the monotonic clock, in nanoseconds.
pub type MonotonicNanos = i64;

/// What leads from the monotonic clock to the time that the app sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When the time was set.
    pub since: MonotonicNanos,
    /// What it was set to.
    pub time: UnixNanos,
    /// For how long it runs as fast as the real one, in nanoseconds.
    pub free: i64,
}

/// One test's place in the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When its request was recorded.
    pub at: UnixNanos,
    /// How long it took.
    pub took: Duration,
    /// When the test that is replayed next was recorded, where there is one.
    pub next: Option<UnixNanos>,
}

impl Slot {
    /// A clock that begins at `time` and runs.
    pub fn running(time: UnixNanos, now: MonotonicNanos) -> Slot {
        Slot {
            since: now,
            time,
            free: i64::MAX,
        }
    }

    /// The time that the app sees.
    pub fn at(&self, now: MonotonicNanos) -> UnixNanos {
        let passed = now.saturating_sub(self.since);
        let over = passed.saturating_sub(self.free);
        let passed = if over > 0 {
            self.free.saturating_add(over >> CRAWL)
        } else {
            passed
        };
        self.time.saturating_add(passed)
    }

    /// A moment of the system's own clock that is as far away as `time` is on the app's: when a
    /// wait that the kernel measures by its own clock has to end. `None` where `time` is to be left
    /// as it is.
    ///
    /// Code that waits again passes the same deadline, or one that is a period later, and that is
    /// then one of the kernel's clock. So what is nearer to the kernel's clock than to the app's
    /// stays, as does what the kernel's clock has yet to reach; at worst a wait then ends too early.
    /// The wait lasts as long as the app's clock runs as fast as the real one; the [crawl](CRAWL)
    /// does not make it longer.
    pub fn deadline(
        &self,
        time: UnixNanos,
        now: MonotonicNanos,
        real: UnixNanos,
    ) -> Option<UnixNanos> {
        let shown = self.at(now);
        let left = time.saturating_sub(shown);
        let ours = if shown > real {
            left > 0
        } else {
            let between = real.saturating_sub(shown);
            time < real && left > 0 && left < (between / 2).max(nanos(LIKELY))
        };
        ours.then(|| real.saturating_add(left))
    }

    /// The clock for a test that begins now.
    pub fn for_test(&self, test: Moment, now: MonotonicNanos) -> Slot {
        let shown = self.at(now);
        let ahead = shown.saturating_sub(test.at);
        let time = if ahead > 0 && ahead < nanos(AHEAD) {
            shown
        } else {
            test.at
        };
        let until = test.at.saturating_add(nanos(test.took));
        let free = test
            .next
            .map_or(i64::MAX, |next| next.max(until).saturating_sub(time).max(0));
        Slot {
            since: now,
            time,
            free,
        }
    }

    /// Its bytes in the page.
    pub fn bytes(&self) -> [u64; 3] {
        [self.since, self.time, self.free].map(i64::cast_unsigned)
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;
    const MS: i64 = 1_000_000;

    fn moment(at: i64, took_ms: u64, next: Option<i64>) -> Moment {
        Moment {
            at,
            took: Duration::from_millis(took_ms),
            next,
        }
    }

    #[test]
    fn the_time_runs_from_where_it_was_set() {
        let slot = Slot::running(1000 * S, 50 * S);
        assert_eq!(slot.at(50 * S), 1000 * S);
        assert_eq!(slot.at(53 * S), 1003 * S);
        // A coarse clock may be a little behind.
        assert_eq!(slot.at(50 * S - 4 * MS), 1000 * S - 4 * MS);
    }

    #[test]
    fn a_test_that_takes_longer_than_recorded_does_not_run_past_the_next() {
        let start = Slot::running(0, 0);
        let slot = start.for_test(moment(1000 * S, 5, Some(1000 * S + 100 * MS)), 7 * S);
        assert_eq!(slot.at(7 * S), 1000 * S);
        assert_eq!(slot.at(7 * S + 100 * MS), 1000 * S + 100 * MS);
        // 160 ms more are 10 ms.
        assert_eq!(slot.at(7 * S + 260 * MS), 1000 * S + 110 * MS);
        // The recorded test took longer than until the next began: it may.
        let slot = start.for_test(moment(1000 * S, 5000, Some(1000 * S + 100 * MS)), 7 * S);
        assert_eq!(slot.at(12 * S), 1005 * S);
    }

    #[test]
    fn a_clock_that_is_a_little_ahead_is_not_set_back() {
        let shows = Slot::running(1000 * S, 0);
        let check = |at: i64, expect: i64| {
            assert_eq!(shows.for_test(moment(at, 0, None), S).at(S), expect, "{at}");
        };
        check(1005 * S, 1005 * S); // forward
        check(1001 * S, 1001 * S);
        check(1001 * S - 30 * MS, 1001 * S); // 30 ms ahead: stays
        check(1000 * S, 1000 * S); // a whole second: set back
        check(S, S);
    }

    #[test]
    fn a_deadline_is_as_far_away_on_the_kernel_s_clock() {
        let real = 5000 * S;
        let check = |shown: i64, deadline: i64, expect: Option<i64>| {
            let slot = Slot::running(shown, 7 * S);
            assert_eq!(slot.deadline(deadline, 7 * S, real), expect, "{deadline}");
        };
        check(1000 * S, 1003 * S, Some(5003 * S));
        check(1000 * S, 1000 * S, None); // due
        check(1000 * S, 900 * S, None);
        check(1000 * S, 5003 * S, None); // ours, waited for again
        check(1000 * S, 4999 * S, None); // the same, a moment later
        check(4900 * S, 4950 * S, Some(5050 * S)); // recorded just now
        check(1000 * S, i64::MAX, None); // for ever
        check(9000 * S, 9001 * S, Some(5001 * S)); // recorded by a clock that is ahead of ours
        check(9000 * S, 5001 * S, None);
    }

    #[test]
    fn extremes_do_not_overflow() {
        for time in [i64::MIN, -1, 0, i64::MAX] {
            for now in [i64::MIN, 0, i64::MAX] {
                let slot = Slot::running(time, now).for_test(moment(time, 1, Some(now)), now);
                let _ = (slot.at(i64::MIN), slot.at(i64::MAX));
                let _ = slot.deadline(time, now, time);
            }
        }
    }
}
