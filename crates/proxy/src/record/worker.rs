//! One thread of the relay: it waits for its sockets, and moves bytes.
//!
//! A loop of its own over the system's readiness, with one buffer for all connections of the
//! thread: an idle connection holds no buffer, and one with work costs two reads and two writes
//! per exchange.

mod adopted;
mod opening;
mod waiting;

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::{Interest, Poll, Token};
use retake_model::{Chunk, Direction};

use super::RelayEvent;
use super::adopt::Inbox;
use super::counters::Live;
use super::door::{Door, Shared};
use super::look::Look;
use super::reader::Findings;
use super::session::{Arrivals, Progress, Session, Turn};

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;
/// Connections that are accepted before the others of the worker have their turn.
const ACCEPTS_PER_TURN: usize = 64;
/// Events of the system that are taken at once.
const EVENTS_PER_TURN: usize = 1024;
/// Events that are gathered before they are handed over, at most.
const BATCH: usize = 512;
/// How long to wait before accepting again after the system refused.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// How often a stopping worker looks whether it may close the rest.
const STOP_PAUSE: Duration = Duration::from_millis(2);

/// The token of the wake-up call.
pub(super) const WAKE: Token = Token(usize::MAX);

pub(super) struct Worker {
    index: usize,
    poll: Poll,
    /// The addresses, and behind them one without a socket for each dependency of adopted
    /// connections.
    doors: Vec<Door>,
    /// The places of the latter.
    later: HashMap<Option<Arc<str>>, usize>,
    inbox: Arc<Inbox>,
    /// Doors at which more may be waiting.
    waiting: Vec<bool>,
    refused: bool,
    sessions: Vec<Option<Box<Session>>>,
    free: Vec<usize>,
    again: Vec<usize>,
    arrivals: Arrivals,
    buffer: Box<[u8]>,
    events: Vec<(usize, RelayEvent)>,
    look: Look,
    shared: Arc<Shared>,
}

impl Worker {
    pub(super) fn new(
        index: usize,
        poll: Poll,
        mut doors: Vec<Door>,
        inbox: Arc<Inbox>,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        for (at, door) in doors.iter_mut().enumerate() {
            if let Some(socket) = &mut door.socket {
                poll.registry()
                    .register(socket, Token(at), Interest::READABLE)?;
            }
        }
        Ok(Worker {
            index,
            poll,
            waiting: vec![true; doors.len()],
            doors,
            later: HashMap::new(),
            inbox,
            refused: false,
            sessions: Vec::new(),
            free: Vec::new(),
            again: Vec::new(),
            arrivals: Arrivals::default(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            events: Vec::new(),
            look: Look::default(),
            shared,
        })
    }

    /// Relays until it is told to stop and everything has ended.
    pub(super) fn run(mut self) {
        let mut ready = mio::Events::with_capacity(EVENTS_PER_TURN);
        let mut deadline = None;
        loop {
            self.shared.queue.idle(self.index);
            match self.wait(&mut ready, deadline.is_some()) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!(%error, "a relay thread cannot wait for its sockets");
                    break;
                }
            }
            self.shared.queue.wake(self.index);
            for event in &ready {
                self.on_ready(event);
            }
            // After what is ready on those that are there: a service that takes the next connection
            // has answered the one before, and is to be seen so.
            if ready.iter().any(|event| event.token() == WAKE) {
                self.adopt_all();
            }
            for slot in std::mem::take(&mut self.again) {
                self.pump(slot);
            }
            for door in 0..self.doors.len() {
                self.accept(door);
            }
            self.pass_on();
            if self.shared.stopping.load(Ordering::Acquire) {
                let until = *deadline.get_or_insert_with(|| self.begin_stop());
                self.close_quiet(Instant::now() >= until);
                if self.sessions.iter().all(Option::is_none) {
                    break;
                }
            }
            self.hand_over();
        }
        self.inbox.close();
        self.close_quiet(true);
        self.hand_over();
        self.shared.queue.leave(self.index);
        self.shared.relaying.fetch_sub(1, Ordering::AcqRel);
    }

    fn on_ready(&mut self, event: &mio::event::Event) {
        let token = event.token();
        if token == WAKE {
            return;
        }
        if let Some(waiting) = self.waiting.get_mut(token.0) {
            *waiting = true;
            return;
        }
        let slot = (token.0 - self.waiting.len()) / 2;
        let is_client = (token.0 - self.waiting.len()).is_multiple_of(2);
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        self.look.saw(slot);
        if !is_client && !session.connected {
            return self.dialled(slot);
        }
        let end = if is_client {
            &mut session.client
        } else {
            &mut session.server
        };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            end.readable = true;
        }
        if event.is_read_closed() || event.is_error() {
            end.hung_up = true;
        }
        self.pump(slot);
    }

    fn pump(&mut self, slot: usize) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let Some(door) = self.doors.get(session.door) else {
            return;
        };
        let progress = session.pump(&mut Turn {
            slot,
            arrivals: &mut self.arrivals,
            buffer: &mut self.buffer,
            clock: self.shared.clock,
            findings: Findings {
                events: &mut self.events,
                door: session.door,
                protocols: self.shared.protocols,
                counters: &door.counters,
            },
        });
        self.rename(slot);
        match progress {
            Progress::Waits => {}
            Progress::Again => self.again.push(slot),
            Progress::Over => self.close(slot, false),
            Progress::Reset => self.close(slot, true),
            Progress::Leaves => self.leave(slot),
        }
        if self.events.len() >= BATCH {
            self.hand_over();
        }
    }

    /// Lets a session go on where TLS is ended.
    fn leave(&mut self, slot: usize) {
        let Some(mut session) = self.sessions.get_mut(slot).and_then(Option::take) else {
            return;
        };
        self.free.push(slot);
        for socket in [&mut session.client.socket, &mut session.server.socket] {
            // A socket that cannot be let go is closed by its new owner all the same.
            let _ = self.poll.registry().deregister(socket);
        }
        // What was said of the connection so far comes before what is said there.
        self.hand_over();
        let counters = self
            .doors
            .get(session.door)
            .map(|d| Arc::clone(&d.counters));
        if let (Some(floor), Some(counters)) = (&self.shared.floor, counters)
            && let Some(handover) = session.leave(counters)
        {
            floor.take(handover);
        }
    }

    /// Passes on what was read in this turn, then shows it to the readers. Written in one go it
    /// wakes a peer once, where writing between reads would wake it for each.
    fn pass_on(&mut self) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        for arrival in &arrivals.list {
            if let (Some(Some(session)), Some(bytes)) = (
                self.sessions.get_mut(arrival.slot),
                arrivals.bytes.get(arrival.range.clone()),
            ) {
                session.send_on(arrival.side, bytes);
            }
        }
        for arrival in arrivals.list.drain(..) {
            let (Some(Some(session)), Some(bytes)) = (
                self.sessions.get_mut(arrival.slot),
                arrivals.bytes.get(arrival.range),
            ) else {
                continue;
            };
            let Some(door) = self.doors.get(session.door) else {
                continue;
            };
            let chunk = Chunk {
                at: arrival.at,
                side: arrival.side,
                bytes,
            };
            let mut findings = Findings {
                events: &mut self.events,
                door: session.door,
                protocols: self.shared.protocols,
                counters: &door.counters,
            };
            if session.feed(&chunk, &mut findings) {
                self.again.push(arrival.slot);
            }
        }
        arrivals.bytes.clear();
        self.arrivals = arrivals;
    }

    fn close(&mut self, slot: usize, reset: bool) {
        let Some(session) = self.sessions.get_mut(slot).and_then(Option::take) else {
            return;
        };
        self.free.push(slot);
        if session.info.direction == Direction::Inbound {
            self.shared.inbound.fetch_sub(1, Ordering::AcqRel);
        }
        if let Some(door) = self.doors.get(session.door) {
            let mut findings = Findings {
                events: &mut self.events,
                door: session.door,
                protocols: self.shared.protocols,
                counters: &door.counters,
            };
            session.close(reset, self.shared.clock.now(), &mut findings);
        }
    }

    /// Accepts no more; gives the end of the grace time.
    fn begin_stop(&mut self) -> Instant {
        for (door, waiting) in self.doors.iter_mut().zip(&mut self.waiting) {
            *waiting = false;
            door.socket = None;
        }
        Instant::now() + Duration::from_millis(self.shared.grace.load(Ordering::Acquire))
    }

    /// Closes what is done while stopping: inbound connections once they are quiet, outbound ones
    /// once no inbound one may need them.
    fn close_quiet(&mut self, all: bool) {
        let no_inbound = self.shared.inbound.load(Ordering::Acquire) == 0;
        for slot in 0..self.sessions.len() {
            let Some(Some(session)) = self.sessions.get(slot) else {
                continue;
            };
            let done = match session.info.direction {
                Direction::Inbound => session.is_quiet(),
                Direction::Outbound => {
                    let has_inbound = self.shared.has_inbound.load(Ordering::Relaxed);
                    let unneeded = session.is_opaque() && has_inbound;
                    no_inbound && (session.is_quiet() || unneeded)
                }
            };
            if all || done {
                self.close(slot, false);
            }
        }
    }

    fn hand_over(&mut self) {
        if self.events.is_empty() {
            return;
        }
        let doors = &self.doors;
        self.shared.queue.push(&mut self.events, |door| {
            if let Some(door) = doors.get(door) {
                Live::add(&door.counters.lost, 1);
            }
        });
    }
}
