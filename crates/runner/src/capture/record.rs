//! Recording: captured connections are named and given to the relay.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retake_intercept::capture::{Arrived, Director, Names, Pid, Route, Uncaptured};
use retake_model::{DependencyInfo, Direction};
use retake_proxy::Namer;
use retake_proxy::record::{Adopter, Arrived as Pair};

use super::account::Account;
use super::book::{Book, Known};
use super::is_among;

/// Names captured connections and gives them to the relay.
pub(crate) struct RecordDirector {
    adopter: Adopter,
    /// Where we listen ourselves: the service was told to go there.
    own: Vec<SocketAddr>,
    book: Arc<Book>,
    /// Whether processes of the service may serve each other: a call of one may then be of a request
    /// that another accepted.
    calls_itself: AtomicBool,
    state: Mutex<State>,
}

/// How many names are kept that were looked up.
const MOST_NAMES: usize = 1_000;

#[derive(Default)]
struct State {
    account: Account,
    listens: Vec<SocketAddr>,
    /// The names that were looked up.
    asked: BTreeSet<String>,
    /// Connections of clients, by the port that they came to.
    clients: BTreeMap<u16, (SocketAddr, u64)>,
}

impl RecordDirector {
    pub(crate) fn new(
        adopter: Adopter,
        own: Vec<SocketAddr>,
        before: Vec<Known>,
        rules: Vec<Known>,
        names: Arc<Names>,
    ) -> Self {
        RecordDirector {
            adopter,
            own,
            book: Arc::new(Book::new(before, rules, names)),
            calls_itself: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// The dependencies that were seen, for `set.yaml`; but those of these names, which stand
    /// there already.
    pub(crate) fn dependencies(&self, but: &[DependencyInfo]) -> Vec<DependencyInfo> {
        self.book.dependencies(but)
    }

    /// A name was looked up.
    pub(super) fn looked_up(&self, name: &str) {
        let mut state = self.lock();
        if state.asked.len() < MOST_NAMES {
            state.asked.insert(name.to_ascii_lowercase());
        }
    }

    /// The names that were looked up beside these hosts, and beside those of the search list's
    /// domains behind them.
    pub(crate) fn names_beside(&self, hosts: &BTreeSet<String>) -> Vec<String> {
        let state = self.lock();
        let is_known = |name: &&String| {
            let searched = |(at, _): (usize, _)| name.get(..at).is_some_and(|h| hosts.contains(h));
            hosts.contains(*name) || name.match_indices('.').any(searched)
        };
        state
            .asked
            .iter()
            .filter(|name| !is_known(name))
            .cloned()
            .collect()
    }

    /// What went past, a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let state = self.lock();
        state.account.notes(&self.book.addresses(), &state.listens)
    }

    /// Where the service listens, in the order in which it began to.
    pub(crate) fn listening(&self) -> Vec<SocketAddr> {
        self.lock().listens.clone()
    }

    /// Where the service serves: where most of its clients connected to, else where it listened
    /// first.
    pub(crate) fn serves(&self) -> Option<SocketAddr> {
        let state = self.lock();
        let most = state.clients.values().max_by_key(|(_, count)| *count);
        most.map(|(addr, _)| *addr)
            .or_else(|| state.listens.first().copied())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Director for RecordDirector {
    fn connect(&self, wanted: SocketAddr, _: Pid) -> Route {
        if is_among(&self.own, wanted) {
            return Route::Leave;
        }
        Route::Relay
    }

    fn connect_unix(&self, _: &Path, _: Pid) -> Route {
        Route::Relay
    }

    fn adopt(&self, arrived: Arrived) {
        let Some(server) = arrived.upstream else {
            return;
        };
        let dependency = match arrived.direction {
            Direction::Inbound => {
                let mut state = self.lock();
                let port = arrived.wanted.port();
                let (_, count) = state.clients.entry(port).or_insert((arrived.wanted, 0));
                *count += 1;
                None
            }
            Direction::Outbound => {
                let port = arrived.wanted.port();
                Some(match &arrived.name {
                    Some(path) => self.book.connected_by_path(path, port),
                    None => self.book.connected(arrived.wanted),
                })
            }
        };
        let may_be_another = arrived.direction == Direction::Outbound && arrived.name.is_none();
        let namer: Arc<dyn Namer> = self.book.clone();
        self.adopter.adopt(Pair {
            direction: arrived.direction,
            dependency,
            protocol: None,
            peer: arrived.peer,
            process: arrived
                .process
                .filter(|_| !self.calls_itself.load(Ordering::Relaxed)),
            target: arrived
                .name
                .map_or_else(|| arrived.wanted.to_string(), |path| path.to_string()),
            client: arrived.client,
            server,
            first: Vec::new(),
            namer: may_be_another.then_some(namer),
        });
    }

    fn refused(&self, wanted: SocketAddr, errno: i32, _: Pid) {
        let name = self.book.refused(wanted, errno);
        self.adopter.unreachable(&Some(name));
    }

    fn calls_itself(&self) {
        self.calls_itself.store(true, Ordering::Relaxed);
    }

    fn listens(&self, addr: SocketAddr, _: Pid) {
        let mut state = self.lock();
        if !state.listens.contains(&addr) {
            state.listens.push(addr);
        }
    }

    fn records(&self, _: SocketAddr) -> bool {
        true
    }

    fn passed(&self, what: Uncaptured) {
        self.lock().account.add(what);
    }
}
