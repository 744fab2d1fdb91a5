//! The bounded queue between the workers and the recorder.
//!
//! A worker never waits here: what does not fit is replaced by a short notice and counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use retake_model::{Exchange, Message, Timestamp};

use super::{Batch, RelayEvent};
use crate::Clock;

/// How long the recorder lets events gather before it looks again. It keeps workers from waking
/// it for every request, which would cost them a system call each.
const NAP: Duration = Duration::from_millis(2);

/// Bytes that an event takes in the queue beside what it points to.
const EVENT_BYTES: usize = size_of::<RelayEvent>();

/// The part of the queue, beyond its limit, that is kept for short events: a quarter of it.
const RESERVE_SHARE: usize = 4;

/// The queue; each worker and the recorder hold it.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    limit: usize,
    clock: Clock,
    /// For each worker the moment since which it may have events that are not in the queue.
    since: Vec<AtomicU64>,
}

/// Events of one piece of the queue.
const PIECE: usize = 256;

/// The worker has nothing that is not in the queue.
const IDLE: u64 = u64::MAX;
/// The worker is about to say a moment.
const WAKING: u64 = 0;

#[derive(Debug, Default)]
struct State {
    /// In pieces: one list would be copied whenever it grows, while the workers wait for it.
    events: Vec<Vec<RelayEvent>>,
    bytes: usize,
    /// Bytes of the batch that the recorder works on.
    taken: usize,
    /// Workers that may still push.
    workers: usize,
    asleep: bool,
    gap: bool,
}

impl State {
    fn add(&mut self, event: RelayEvent) {
        match self.events.last_mut() {
            Some(piece) if piece.len() < PIECE => piece.push(event),
            _ => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(event);
                self.events.push(piece);
            }
        }
    }
}

impl Queue {
    pub(super) fn new(limit: usize, workers: usize, clock: Clock) -> Arc<Self> {
        Arc::new(Queue {
            state: Mutex::new(State {
                workers,
                ..State::default()
            }),
            filled: Condvar::new(),
            limit,
            clock,
            since: (0..workers).map(|_| AtomicU64::new(IDLE)).collect(),
        })
    }

    /// A worker begins to look at its sockets.
    pub(super) fn wake(&self, worker: usize) {
        if let Some(since) = self.since.get(worker) {
            // The recorder must not take this worker for idle once a moment of this turn may
            // have been read: so first the mark, then the clock.
            since.store(WAKING, Ordering::SeqCst);
            since.store(self.clock.now().0, Ordering::SeqCst);
        }
    }

    /// A worker handed over everything of its turn.
    pub(super) fn idle(&self, worker: usize) {
        if let Some(since) = self.since.get(worker) {
            since.store(IDLE, Ordering::SeqCst);
        }
    }

    /// Takes the events of a worker's turn, each with the number of its address. `lost` is called
    /// with that number for each exchange that did not fit.
    pub(super) fn push(&self, events: &mut Vec<(usize, RelayEvent)>, mut lost: impl FnMut(usize)) {
        let mut state = self.lock();
        for (door, event) in events.drain(..) {
            let weight = weight(&event);
            let room = self.limit.saturating_sub(state.bytes + state.taken);
            let event = match event {
                RelayEvent::Ended(exchange) if weight > room => {
                    lost(door);
                    RelayEvent::Lost {
                        conn: exchange.conn,
                        index: exchange.index,
                        began: exchange.began,
                        ended: exchange.ended,
                    }
                }
                event => event,
            };
            let weight = weight_after(&event, weight);
            if weight > room + self.limit / RESERVE_SHARE {
                state.gap = true;
                continue;
            }
            state.bytes += weight;
            state.add(event);
        }
        if state.asleep {
            state.asleep = false;
            self.filled.notify_one();
        }
    }

    /// A worker ended.
    pub(super) fn leave(&self, worker: usize) {
        self.idle(worker);
        let mut state = self.lock();
        state.workers = state.workers.saturating_sub(1);
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment before which everything is in the queue; none while a worker is waking.
    fn settled(&self) -> Option<Timestamp> {
        let now = self.clock.now().0;
        let earliest = self
            .since
            .iter()
            .map(|since| since.load(Ordering::SeqCst))
            .min()
            .unwrap_or(IDLE);
        (earliest != WAKING).then_some(Timestamp(earliest.min(now)))
    }
}

/// What the relay saw; for one reader, which never slows the relay down.
#[derive(Debug)]
pub struct Events {
    queue: Arc<Queue>,
    up_to: Timestamp,
    /// Whether events gather for a moment before they are taken.
    naps: bool,
}

impl Events {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Events {
            queue,
            up_to: Timestamp(0),
            naps: true,
        }
    }

    /// Events that are given as soon as they are there: for a reader whom somebody waits for. A
    /// worker then wakes the reader whenever it has nothing to do.
    pub fn at_once(mut self) -> Self {
        self.naps = false;
        self
    }

    /// The next events, waiting for them up to `wait`: an empty batch when there were none, none
    /// when the relay has stopped and everything was taken. What the last batch held counts
    /// towards the queue's bound until this is called again.
    pub fn recv(&mut self, wait: Duration) -> Option<Batch> {
        let until = Instant::now() + wait;
        let mut state = self.queue.lock();
        state.taken = 0;
        let mut slept = Duration::ZERO;
        while state.events.is_empty() && state.workers > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let gathers = self.naps && slept.is_zero();
            let nap = if gathers { NAP.min(left) } else { left };
            state.asleep = !gathers;
            slept += nap;
            state = self
                .queue
                .filled
                .wait_timeout(state, nap)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.asleep = false;
        if state.events.is_empty() && state.workers == 0 && !state.gap {
            return None;
        }
        drop(state);
        // Only events that are already queued may be older than this moment, so it is read
        // before they are taken.
        if let Some(settled) = self.queue.settled() {
            self.up_to = self.up_to.max(settled);
        }
        let mut state = self.queue.lock();
        state.taken = std::mem::take(&mut state.bytes);
        Some(Batch {
            events: std::mem::take(&mut state.events),
            up_to: self.up_to,
            gap: std::mem::take(&mut state.gap),
        })
    }
}

fn weight_after(event: &RelayEvent, before: usize) -> usize {
    match event {
        RelayEvent::Lost { .. } => EVENT_BYTES,
        _ => before,
    }
}

/// How many bytes an event holds, roughly.
fn weight(event: &RelayEvent) -> usize {
    EVENT_BYTES
        + match event {
            RelayEvent::Ended(exchange) => {
                size_of::<Exchange>()
                    + message_weight(&exchange.request)
                    + message_weight(&exchange.response)
            }
            RelayEvent::Opaque { reason, detail, .. } => reason.len() + detail.len(),
            RelayEvent::Note { text, .. } => text.len(),
            RelayEvent::Tls { name, .. } => name.as_ref().map_or(0, |name| name.len()),
            _ => 0,
        }
}

fn message_weight(message: &Message) -> usize {
    match message {
        Message::Raw(raw) => raw.head.len() + raw.body.len() + raw.trailers.len(),
        Message::Tree(tree) => tree.weight(),
    }
}
