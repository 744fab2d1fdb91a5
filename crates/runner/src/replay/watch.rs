//! What the clocks show while a set is replayed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retake_compare::clocks::{Clocks, Reading};
use retake_intercept::capture::Clock;
use retake_model::{TestSet, Timestamp};

use super::ReplayOptions;
use super::time::Time;

/// Sets the service's time, and notes what it and the real clock show.
#[derive(Debug)]
pub(super) struct Watch {
    time: Time,
    real: retake_proxy::Clock,
    clocks: Mutex<Clocks>,
}

impl Watch {
    /// That of a set which is not replayed yet.
    pub(super) fn of(set: &TestSet, options: &ReplayOptions) -> Self {
        Watch {
            time: Time::of(set, options),
            real: retake_proxy::Clock::new(),
            clocks: Mutex::new(Clocks::of(set)),
        }
    }

    /// The clock that the service is started with.
    pub(super) fn clock(&self) -> Option<&Arc<Clock>> {
        self.time.clock()
    }

    /// What the clocks show now.
    pub(super) fn reading(&self) -> Reading {
        let shown = self.clock().map(|clock| clock.now());
        Reading {
            shown: shown.map(|at| Timestamp(u64::try_from(at).unwrap_or(0))),
            real: self.real.now(),
        }
    }

    /// The service that was started then is ready now.
    pub(super) fn started(&self, then: Reading) {
        let now = self.reading();
        self.clocks().started(then, now);
    }

    /// The test of that number begins.
    pub(super) fn begin(&self, set: &TestSet, number: usize) {
        let before = self.reading();
        self.time.begin(set, number);
        let after = self.reading();
        self.clocks().begin(number, before, after);
    }

    /// The test of that number ends.
    pub(super) fn end(&self, number: usize) {
        let now = self.reading();
        self.clocks().end(number, now);
    }

    /// What the clocks showed until now, for as long as the guard is held.
    pub(super) fn clocks(&self) -> MutexGuard<'_, Clocks> {
        // A panic of another thread leaves at worst a span too short.
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is to say of it when the set is over.
    pub(super) fn note(&self) -> Option<String> {
        self.time.note()
    }
}
