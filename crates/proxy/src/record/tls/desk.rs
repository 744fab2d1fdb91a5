//! What the connections of one thread share.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use retake_model::{Direction, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::super::counters::Live;
use super::super::door::Shared;
use super::super::reader::Findings;
use crate::tls::Tls;

/// Bytes that are read at once, into one buffer for all connections of the thread.
const BUFFER: usize = 64 << 10;

/// How often a stopping thread looks whether it may close the rest.
const STOP_PAUSE: Duration = Duration::from_millis(2);

pub(super) struct Desk {
    pub(super) shared: Arc<Shared>,
    pub(super) tls: Arc<Tls>,
    pub(super) buffer: RefCell<Box<[u8]>>,
    index: usize,
    open: Cell<usize>,
    /// When the grace time ends, once the relay is to stop.
    until: Cell<Option<Instant>>,
    stopping: Notify,
}

impl Desk {
    pub(super) fn new(shared: Arc<Shared>, tls: Arc<Tls>, index: usize) -> Self {
        Desk {
            shared,
            tls,
            buffer: RefCell::new(vec![0; BUFFER].into_boxed_slice()),
            index,
            open: Cell::new(0),
            until: Cell::new(None),
            stopping: Notify::new(),
        }
    }

    pub(super) fn opened(&self) {
        self.open.set(self.open.get() + 1);
    }

    pub(super) fn closed(&self) {
        self.open.set(self.open.get().saturating_sub(1));
    }

    /// The relay is to stop.
    pub(super) fn stop(&self) {
        let grace = Duration::from_millis(self.shared.grace.load(Ordering::Acquire));
        self.until.set(Some(Instant::now() + grace));
        self.stopping.notify_waiters();
    }

    /// Resolves when the relay stops, everything has ended, and no worker can hand over more.
    pub(super) async fn is_over(&self) {
        loop {
            self.tick().await;
            if self.open.get() == 0 && self.shared.relaying.load(Ordering::Acquire) == 0 {
                return;
            }
        }
    }

    /// Resolves some moments later while the relay stops.
    pub(super) async fn tick(&self) {
        if self.until.get().is_none() {
            self.stopping.notified().await;
        }
        tokio::time::sleep(STOP_PAUSE).await;
    }

    /// Whether a connection is to be closed while the relay stops: inbound ones once they are
    /// quiet, outbound ones once no inbound one may need them.
    pub(super) fn may_close(&self, direction: Direction, is_quiet: bool, is_opaque: bool) -> bool {
        let Some(until) = self.until.get() else {
            return false;
        };
        let no_inbound = self.shared.inbound.load(Ordering::Acquire) == 0;
        let done = match direction {
            Direction::Inbound => is_quiet,
            Direction::Outbound => {
                no_inbound
                    && (is_quiet || is_opaque && self.shared.has_inbound.load(Ordering::Relaxed))
            }
        };
        done || Instant::now() >= until
    }

    /// Lets a reader say what it finds, at this moment; it is in the queue afterwards.
    pub(super) fn find<T>(
        &self,
        counters: &Live,
        look: impl FnOnce(Timestamp, &mut Findings<'_>) -> T,
    ) -> T {
        // Nothing else of this thread runs between the mark and its end.
        self.shared.queue.wake(self.index);
        let mut events = Vec::new();
        let found = look(
            self.shared.clock.now(),
            &mut Findings {
                events: &mut events,
                door: 0,
                protocols: self.shared.protocols,
                counters,
            },
        );
        if !events.is_empty() {
            let lost = |_| Live::add(&counters.lost, 1);
            self.shared.queue.push(&mut events, lost);
        }
        self.shared.queue.idle(self.index);
        found
    }
}
