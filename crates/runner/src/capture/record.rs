//! Recording: captured connections are named and given to the relay.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retake_intercept::Naming;
use retake_intercept::capture::{Arrived, Director, Names, Pid, Route, Uncaptured};
use retake_model::{DependencyInfo, Direction};
use retake_proxy::record::{Adopter, Arrived as Pair};

use super::account::Account;
use super::{errors, is_among};

/// How many addresses of a dependency are kept. More are of a name that leads elsewhere each time.
const MOST_ADDRESSES: usize = 64;

/// A dependency that has a name before it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The name.
    pub name: Arc<str>,
    /// A host name or an address.
    pub host: String,
    /// Its port; none for every port.
    pub port: Option<u16>,
}

/// Names captured connections and gives them to the relay.
pub(crate) struct RecordDirector {
    adopter: Adopter,
    /// Where we listen ourselves: the service was told to go there.
    own: Vec<SocketAddr>,
    names: Arc<Names>,
    any_port: Vec<Known>,
    state: Mutex<State>,
}

struct State {
    naming: Naming,
    seen: BTreeMap<Arc<str>, Seen>,
    account: Account,
    listens: Vec<SocketAddr>,
    /// Connections of clients, by the port that they came to.
    clients: BTreeMap<u16, (SocketAddr, u64)>,
}

/// What was seen of a dependency.
#[derive(Default)]
struct Seen {
    hosts: BTreeSet<String>,
    addresses: BTreeSet<String>,
    accepted: bool,
    fails: Option<i32>,
}

impl RecordDirector {
    pub(crate) fn new(
        adopter: Adopter,
        own: Vec<SocketAddr>,
        known: Vec<Known>,
        names: Arc<Names>,
    ) -> Self {
        let mut naming = Naming::new(known.iter().map(|known| known.name.clone()));
        let (by_port, any_port): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|known| known.port.is_some());
        for known in by_port {
            if let Some(port) = known.port {
                naming.keep(&known.host, Some(port), known.name);
            }
        }
        RecordDirector {
            adopter,
            own,
            names,
            any_port,
            state: Mutex::new(State {
                naming,
                seen: BTreeMap::new(),
                account: Account::default(),
                listens: Vec::new(),
                clients: BTreeMap::new(),
            }),
        }
    }

    /// The dependencies that were seen, for `set.yaml`; but those of these names, which stand
    /// there already.
    pub(crate) fn dependencies(&self, but: &[DependencyInfo]) -> Vec<DependencyInfo> {
        let state = self.lock();
        let new = state
            .seen
            .iter()
            .filter(|(name, _)| !but.iter().any(|known| known.name == **name));
        new.map(|(name, seen)| {
            let first = seen.hosts.first().or(seen.addresses.first());
            DependencyInfo {
                name: name.clone(),
                address: first.cloned().unwrap_or_default(),
                hosts: seen.hosts.iter().cloned().collect(),
                addresses: seen.addresses.iter().cloned().collect(),
                fails: seen.fails.filter(|_| !seen.accepted).map(errors::name),
                ..DependencyInfo::default()
            }
        })
        .collect()
    }

    /// What went past, a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let state = self.lock();
        let captured = state
            .seen
            .values()
            .flat_map(|seen| seen.addresses.iter().cloned());
        let mut notes = state.account.notes(&captured.collect());
        if state.clients.len() > 1 {
            let ports: Vec<String> = state.clients.keys().map(u16::to_string).collect();
            notes.push(format!(
                "requests came to several ports ({}): on replay all tests go to one of them, that of \
                 most requests or that of --port",
                ports.join(", ")
            ));
        }
        notes
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

    /// The dependency that an address is, and the host by which it was asked for.
    fn dependency(&self, state: &mut State, wanted: SocketAddr) -> Arc<str> {
        let host = self.names.of(wanted.ip());
        let ip = wanted.ip().to_string();
        let known = [host.as_deref(), Some(&*ip)].into_iter().flatten();
        let known = known
            .filter_map(|host| {
                let any = self
                    .any_port
                    .iter()
                    .find(|k| k.host.eq_ignore_ascii_case(host));
                state
                    .naming
                    .known(host, wanted.port())
                    .or_else(|| any.map(|known| known.name.clone()))
            })
            .next();
        let name = known.unwrap_or_else(|| {
            state
                .naming
                .of(host.as_deref().unwrap_or(&ip), wanted.port())
        });
        let seen = state.seen.entry(name.clone()).or_default();
        if let Some(host) = host {
            insert(&mut seen.hosts, format!("{host}:{}", wanted.port()));
        }
        insert(&mut seen.addresses, wanted.to_string());
        name
    }

    /// The dependency that a database's unix socket is.
    fn by_path(&self, state: &mut State, path: &str, port: u16) -> Arc<str> {
        let rule = self.any_port.iter().find(|known| known.host == path);
        let name = match rule {
            Some(known) => known.name.clone(),
            None => state.naming.of(kind(path), port),
        };
        let seen = state.seen.entry(name.clone()).or_default();
        insert(&mut seen.hosts, path.to_owned());
        name
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a database's socket is called after.
fn kind(path: &str) -> &'static str {
    let file = path.rsplit('/').next().unwrap_or_default();
    match file {
        _ if file.starts_with(".s.PGSQL.") => "postgres",
        _ if file.starts_with("redis") => "redis",
        _ => "mysql",
    }
}

fn insert(set: &mut BTreeSet<String>, text: String) {
    if set.len() < MOST_ADDRESSES {
        set.insert(text);
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
                let mut state = self.lock();
                let name = match &arrived.name {
                    Some(path) => self.by_path(&mut state, path, arrived.wanted.port()),
                    None => self.dependency(&mut state, arrived.wanted),
                };
                if let Some(seen) = state.seen.get_mut(&name) {
                    seen.accepted = true;
                }
                Some(name)
            }
        };
        self.adopter.adopt(Pair {
            direction: arrived.direction,
            dependency,
            protocol: None,
            peer: arrived.client.peer_addr().ok(),
            target: arrived
                .name
                .map_or_else(|| arrived.wanted.to_string(), |path| path.to_string()),
            client: arrived.client,
            server,
            first: Vec::new(),
        });
    }

    fn refused(&self, wanted: SocketAddr, errno: i32, _: Pid) {
        let mut state = self.lock();
        let name = self.dependency(&mut state, wanted);
        if let Some(seen) = state.seen.get_mut(&name) {
            seen.fails = Some(errno);
        }
        drop(state);
        self.adopter.unreachable(&Some(name));
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
