//! Connections that were accepted and dialled elsewhere, given to the relay.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::net::TcpStream as Watched;
use mio::{Interest, Registry, Waker};
use retake_model::{ConnId, ConnInfo, Direction, ProtocolId};

use super::counters::{Counters, Live};
use super::door::Shared;
use super::renaming::Renaming;
use super::worker::WAKE;
use crate::Namer;

/// A connection and its counterpart, both established.
pub struct Arrived {
    /// Which way it goes.
    pub direction: Direction,
    /// The dependency; none for the service itself.
    pub dependency: Option<Arc<str>>,
    /// The protocol, where it is known.
    pub protocol: Option<ProtocolId>,
    /// Who connected.
    pub peer: Option<SocketAddr>,
    /// The process of the service that connected, or accepted; where that is known.
    pub process: Option<u32>,
    /// Where it wanted to go, `host:port`.
    pub target: String,
    /// The socket to who connected.
    pub client: TcpStream,
    /// The socket to where it wanted to go.
    pub server: TcpStream,
    /// What the client has sent already and the server has not got yet.
    pub first: Vec<u8>,
    /// Who names the dependency once the client has said whom it means, where that may be another.
    pub namer: Option<Arc<dyn Namer>>,
}

impl std::fmt::Debug for Arrived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrived")
            .field("direction", &self.direction)
            .field("dependency", &self.dependency)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// Gives connections to a running relay; what is given once the relay stops is closed.
#[derive(Clone)]
pub struct Adopter {
    pub(super) shared: Arc<Shared>,
    pub(super) inboxes: Vec<Arc<Inbox>>,
    pub(super) accounts: Arc<Accounts>,
}

impl Adopter {
    /// Has the relay go on with a connection. Its dependency is counted from now on, whether or
    /// not it was known when the relay was started.
    pub fn adopt(&self, arrived: Arrived) {
        let id = self.shared.connections.fetch_add(1, Ordering::Relaxed);
        let counters = self.accounts.of(&arrived.dependency);
        let info = ConnInfo {
            id: ConnId(id),
            direction: arrived.direction,
            dependency: arrived.dependency,
            protocol: arrived.protocol,
            peer: arrived.peer,
            target: Some(arrived.target),
            process: arrived.process,
            opened: self.shared.clock.now(),
        };
        let workers = u64::try_from(self.inboxes.len()).unwrap_or(1).max(1);
        let turn = usize::try_from(id % workers).unwrap_or_default();
        if let Some(inbox) = self.inboxes.get(turn) {
            inbox.put(Adopted {
                info,
                counters,
                client: Watched::from_std(arrived.client),
                server: Watched::from_std(arrived.server),
                first: arrived.first,
                renaming: arrived.namer.map(|namer| Renaming {
                    namer,
                    accounts: Arc::clone(&self.accounts),
                }),
            });
        }
    }

    /// Counts a connection whose counterpart could not be reached.
    pub fn unreachable(&self, dependency: &Option<Arc<str>>) {
        let counters = self.accounts.of(dependency);
        Live::add(&counters.connections, 1);
        Live::add(&counters.unreachable, 1);
    }
}

impl std::fmt::Debug for Adopter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Adopter")
    }
}

/// A connection on its way to a worker.
pub(super) struct Adopted {
    pub(super) info: ConnInfo,
    pub(super) counters: Arc<Live>,
    pub(super) client: Watched,
    pub(super) server: Watched,
    pub(super) first: Vec<u8>,
    pub(super) renaming: Option<Renaming>,
}

/// The connections that wait for one worker.
///
/// A worker is not woken for a connection, which would cost more than making it did: the first
/// bytes of either side, or its end, wake the worker by the token of the wake-up call, and only
/// then is there something to do.
pub(super) struct Inbox {
    /// None once the worker takes no more.
    waiting: Mutex<Option<Vec<Adopted>>>,
    waker: Arc<Waker>,
    registry: Registry,
}

impl Inbox {
    pub(super) fn new(waker: Arc<Waker>, registry: Registry) -> Self {
        Inbox {
            waiting: Mutex::new(Some(Vec::new())),
            waker,
            registry,
        }
    }

    fn put(&self, mut adopted: Adopted) {
        let mut inbox = self.lock();
        let Some(waiting) = inbox.as_mut() else {
            return;
        };
        // Under the lock: whoever is woken finds the connection here.
        // The client last, for it is the one that may have spoken already.
        let watched = [&mut adopted.server, &mut adopted.client]
            .map(|socket| self.registry.register(socket, WAKE, Interest::READABLE));
        let at_once = !adopted.first.is_empty() || watched.iter().any(Result::is_err);
        waiting.push(adopted);
        drop(inbox);
        if at_once && let Err(error) = self.waker.wake() {
            tracing::error!(%error, "cannot wake a relay thread");
        }
    }

    pub(super) fn take(&self) -> Vec<Adopted> {
        self.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes no more, and closes what is waiting.
    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Adopted>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counts of every dependency, also of those that appear while the relay runs.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    fixed: Vec<Arc<Live>>,
    /// Those that are not among the fixed ones.
    later: Mutex<BTreeMap<Option<Arc<str>>, Arc<Live>>>,
}

impl Accounts {
    pub(super) fn new(fixed: Vec<Arc<Live>>) -> Self {
        Accounts {
            fixed,
            later: Mutex::default(),
        }
    }

    /// The counts of the addresses that the relay was started with, in their order.
    pub(super) fn fixed(&self) -> &[Arc<Live>] {
        &self.fixed
    }

    pub(super) fn of(&self, dependency: &Option<Arc<str>>) -> Arc<Live> {
        if let Some(known) = self.fixed.iter().find(|l| l.dependency == *dependency) {
            return Arc::clone(known);
        }
        let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
        let live = later
            .entry(dependency.clone())
            .or_insert_with(|| Arc::new(Live::new(dependency.clone())));
        Arc::clone(live)
    }

    pub(super) fn snapshot(&self) -> Vec<Counters> {
        let later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
        // What was opened under one name and went on under another is counted there.
        let open = |live: &&Arc<Live>| live.connections.load(Ordering::Relaxed) > 0;
        self.fixed
            .iter()
            .chain(later.values().filter(open))
            .map(|live| live.snapshot())
            .collect()
    }
}
