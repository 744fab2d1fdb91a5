//! When a relay's thread looks at its sockets for a moment before it sleeps.
//!
//! Of a service that waits for each answer, as one with a single connection does, only one of
//! itself, the relay and its dependency runs at any moment. Every step then begins with waking a
//! thread, which takes whoever wakes it and the one that is woken as long as the relay's own work,
//! and more on a virtual machine. A thread that looks needs no waking.
//!
//! Looking takes a processor, so it is done only where it pays off: the last gaps between events
//! were all short (`STEADY`) and of few connections (`FEW`), few threads look at once
//! ([`Looking`]), and nobody else had this processor meanwhile (`TAKEN`). A thread without events
//! sleeps.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How long a thread looks at most, in nanoseconds, and up to which a gap is short. On a virtual
/// machine being woken takes tens of microseconds, and so does what a database does meanwhile.
const LOOK: u64 = 100_000;

/// How many gaps in a row were short before a thread looks. One look in vain comes at most once
/// in so many events.
const STEADY: u32 = 16;

/// The most connections that the events between those gaps may be of. Where there are more, the
/// others have work while one waits, and need the processor for it.
const FEW: usize = 3;

/// A single look that took longer than this, in nanoseconds, was interrupted: it takes less than
/// a thousand.
const TAKEN: u64 = 20_000;

/// How long a thread sleeps as ever after somebody else had its processor, in nanoseconds.
const PAUSE: u64 = 1_000_000;

/// The most that this grows to where it happens again and again, in nanoseconds.
const LONGEST_PAUSE: u64 = 1_000_000_000;

/// What a thread knows of its events. Moments are nanoseconds of any clock that does not run
/// backwards.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// How many gaps in a row were short, without an event of another connection.
    short: u32,
    /// The connections of the last events, the last one first.
    recent: [Option<usize>; FEW],
    /// Since when there is nothing to do.
    since: u64,
    /// When it was looked last.
    looked: u64,
    /// Until when the thread sleeps as ever.
    not_before: u64,
    /// How long it was told to.
    pause: u64,
}

impl Look {
    /// There is nothing more to do. True where the thread should look before it sleeps.
    pub(super) fn rest(&mut self, now: u64) -> bool {
        self.since = now;
        self.looked = now;
        self.short >= STEADY && now >= self.not_before
    }

    /// It was looked in vain. False where the thread should sleep now.
    pub(super) fn goes_on(&mut self, now: u64) -> bool {
        if now.saturating_sub(self.looked) > TAKEN {
            self.taken(now);
            return false;
        }
        self.looked = now;
        now.saturating_sub(self.since) < LOOK
    }

    /// There was an event of this connection.
    pub(super) fn saw(&mut self, connection: usize) {
        let place = self.recent.iter().position(|r| *r == Some(connection));
        if place.is_none() {
            self.short = 0;
        }
        // What was before it moves one place back; of too many the first one goes.
        if let Some(ahead) = self.recent.get_mut(..=place.unwrap_or(FEW - 1)) {
            ahead.rotate_right(1);
        }
        if let Some(first) = self.recent.first_mut() {
            *first = Some(connection);
        }
    }

    /// Something has come.
    pub(super) fn came(&mut self, now: u64) {
        self.short = match now.saturating_sub(self.since) {
            0..=LOOK => self.short.saturating_add(1),
            _ => 0,
        };
    }

    /// Processors are scarce: the thread sleeps as ever for a while, longer each time that it
    /// happens again soon.
    fn taken(&mut self, now: u64) {
        let soon = self.pause > 0 && now < self.not_before.saturating_add(self.pause);
        self.pause = match soon {
            true => self.pause.saturating_mul(2).min(LONGEST_PAUSE),
            false => PAUSE,
        };
        self.not_before = now.saturating_add(self.pause);
    }
}

/// How many threads look at present, and how many may.
#[derive(Debug)]
pub(super) struct Looking {
    may: usize,
    now: AtomicUsize,
}

impl Looking {
    /// For this machine.
    pub(super) fn here() -> Self {
        Looking::on(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// For a machine with so many processors: one in four, and none where there is only one, for
    /// the service and what it asks need theirs. Of these one waits for the other, so that one of
    /// two processors is enough for both.
    fn on(processors: usize) -> Self {
        Looking {
            may: match processors {
                0..=1 => 0,
                more => more.div_ceil(4),
            },
            now: AtomicUsize::new(0),
        }
    }

    /// One thread more. False where there are too many.
    pub(super) fn begin(&self) -> bool {
        let fits = self.now.fetch_add(1, Ordering::Relaxed) < self.may;
        if !fits {
            self.end();
        }
        fits
    }

    /// One thread less.
    pub(super) fn end(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1_000;
    const MS: u64 = 1_000_000;

    /// One gap of so many nanoseconds from `now` on. Gives whether it was to be looked.
    fn gap(look: &mut Look, now: &mut u64, length: u64) -> bool {
        let looks = look.rest(*now);
        let end = *now + length;
        while looks && *now + US < end {
            *now += US;
            if !look.goes_on(*now) {
                break;
            }
        }
        *now = end;
        look.came(end);
        looks
    }

    #[test]
    fn looks_once_events_come_closely_and_sleeps_once_they_do_not() {
        let (mut look, mut now) = (Look::default(), 0);
        for _ in 0..STEADY {
            assert!(!gap(&mut look, &mut now, 20 * US));
        }
        for _ in 0..1_000 {
            assert!(gap(&mut look, &mut now, 100 * US));
        }
        assert!(gap(&mut look, &mut now, 101 * US), "in vain, once");
        for _ in 0..STEADY {
            assert!(!gap(&mut look, &mut now, 20 * US));
        }
        assert!(gap(&mut look, &mut now, 20 * US));
    }

    #[test]
    fn never_looks_where_some_gaps_are_long() {
        let (mut look, mut now) = (Look::default(), 0);
        for n in 0..1_000 {
            let length = if n % 10 == 0 { MS } else { 10 * US };
            assert!(!gap(&mut look, &mut now, length));
        }
    }

    #[test]
    fn looks_only_while_few_connections_have_events() {
        let looks = |connections: usize| {
            let (mut look, mut now) = (Look::default(), 0);
            let mut looked = 0;
            for n in 0..1_000 {
                looked += u32::from(gap(&mut look, &mut now, 10 * US));
                look.saw(n % connections);
            }
            looked
        };
        assert_eq!([1, 2, 3].map(looks).map(|looked| looked > 900), [true; 3]);
        assert_eq!([4, 5, 16].map(looks), [0; 3]);
    }

    #[test]
    fn a_look_ends() {
        let mut look = Look::default();
        look.rest(0);
        let times = (US..).step_by(1_000);
        let looks = times.take_while(|now| look.goes_on(*now)).count();
        assert_eq!(looks, 99, "one after the other, a microsecond each");
    }

    #[test]
    fn where_somebody_else_had_the_processor_it_sleeps_for_a_while() {
        let (mut look, mut now) = (Look::default(), 0);
        for _ in 0..STEADY {
            gap(&mut look, &mut now, 20 * US);
        }
        assert!(look.rest(now));
        now += TAKEN + US;
        assert!(!look.goes_on(now));
        look.came(now);
        let until = now + PAUSE;
        while now + 20 * US < until {
            assert!(!gap(&mut look, &mut now, 20 * US));
        }
        now = until;
        assert!(gap(&mut look, &mut now, 20 * US));
    }

    #[test]
    fn it_sleeps_longer_each_time_that_this_happens_soon_again() {
        let mut look = Look::default();
        for pause in [1, 2, 4, 8] {
            look.taken(look.not_before + MS / 2);
            assert_eq!(look.pause, pause * MS);
        }
        for _ in 0..20 {
            look.taken(look.not_before);
        }
        assert_eq!(look.pause, LONGEST_PAUSE);
        look.taken(look.not_before + LONGEST_PAUSE);
        assert_eq!(look.pause, PAUSE, "long ago");
    }

    #[test]
    fn few_threads_look_at_once() {
        for (processors, may) in [(1, 0), (2, 1), (3, 1), (4, 1), (8, 2), (64, 16)] {
            assert_eq!(Looking::on(processors).may, may, "{processors}");
        }
        let looking = Looking::on(4);
        assert!(looking.begin());
        assert!(!looking.begin());
        looking.end();
        assert!(looking.begin());
    }
}
