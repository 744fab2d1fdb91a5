//! Keeping the servers' thread from sleeping while the next bytes are due at any moment.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long the thread looks for bytes before it sleeps. A service that asks at once asks within
/// this time; being woken from sleep takes as long, and more on a virtual machine.
const LOOK: Duration = Duration::from_micros(50);

/// Cores that a machine must have for one of them to look: the service and its tests need theirs.
const CORES: usize = 3;

/// Keeps the thread of the mock servers awake for a short while after each call and each request
/// that was sent from there, so that a run of one test at a time does not wait for its wakening at
/// every step. It is off until it is begun.
#[derive(Debug)]
pub struct Awake {
    on: AtomicBool,
    origin: Instant,
    /// Until when the thread looks, in nanoseconds since `origin`.
    until: AtomicU64,
    touched: Notify,
}

impl Awake {
    pub(super) fn new() -> Self {
        Awake {
            on: AtomicBool::new(false),
            origin: Instant::now(),
            until: AtomicU64::new(0),
            touched: Notify::new(),
        }
    }

    /// Begins, where the machine has a core to spare.
    pub fn begin(&self) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.on.store(cores >= CORES, Ordering::Relaxed);
    }

    /// Something was sent: what it leads to may come at once.
    pub fn touch(&self) {
        if self.on.load(Ordering::Relaxed) {
            let until = self.now().saturating_add(nanos(LOOK));
            self.until.store(until, Ordering::Relaxed);
            self.touched.notify_one();
        }
    }

    /// Looks, on the runtime's thread: each turn of it reads the sockets without waiting.
    pub(super) async fn look(&self) {
        loop {
            self.touched.notified().await;
            while self.now() < self.until.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
        }
    }

    fn now(&self) -> u64 {
        nanos(self.origin.elapsed())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
