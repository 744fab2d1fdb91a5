//! Which dependency a captured connection leads to, and what was seen of each.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retake_intercept::Naming;
use retake_intercept::capture::Names;
use retake_model::{ConnInfo, DependencyInfo};
use retake_proxy::{Namer, Said};

use super::errors;

/// How many addresses are known by what was said there first.
const MOST_NAMED: usize = 1000;

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

/// Names dependencies: by a rule, by the host that the service looked up, by the address; once a
/// client has said whom it means, by that.
pub(super) struct Book {
    names: Arc<Names>,
    any_port: Vec<Known>,
    /// The names that rules and options give.
    rules: BTreeSet<Arc<str>>,
    state: Mutex<State>,
}

struct State {
    naming: Naming,
    /// By the address, where that is nobody's name, what was said there first: whoever says nothing
    /// there means that.
    first: BTreeMap<SocketAddr, Arc<str>>,
    seen: BTreeMap<Arc<str>, Seen>,
}

/// What was seen of a dependency.
#[derive(Default)]
struct Seen {
    hosts: BTreeSet<String>,
    addresses: BTreeSet<String>,
    connections: u64,
    accepted: bool,
    fails: Option<i32>,
    /// It is called by its address, and a client went on without saying a name.
    is_settled: bool,
}

impl Book {
    /// With the names of the recording that is added to, and those of rules, which go first.
    pub(super) fn new(before: Vec<Known>, rules: Vec<Known>, names: Arc<Names>) -> Self {
        let rule_names: BTreeSet<_> = rules.iter().map(|known| known.name.clone()).collect();
        let all = before.iter().chain(&rules);
        let mut naming = Naming::new(all.map(|known| known.name.clone()));
        // The last one counts.
        let (by_port, any_port): (Vec<_>, Vec<_>) = before
            .into_iter()
            .chain(rules)
            .partition(|known| known.port.is_some());
        for known in by_port {
            if let Some(port) = known.port {
                naming.keep(&known.host, Some(port), known.name);
            }
        }
        Book {
            names,
            any_port,
            rules: rule_names,
            state: Mutex::new(State {
                naming,
                first: BTreeMap::new(),
                seen: BTreeMap::new(),
            }),
        }
    }

    /// The dependency that was connected to.
    pub(super) fn connected(&self, wanted: SocketAddr) -> Arc<str> {
        let mut state = self.lock();
        let name = self.dependency(&mut state, wanted);
        state.connected(&name);
        name
    }

    /// The dependency whose unix socket was connected to.
    pub(super) fn connected_by_path(&self, path: &str, port: u16) -> Arc<str> {
        let mut state = self.lock();
        let rule = self.any_port.iter().find(|known| known.host == path);
        let name = match rule {
            Some(known) => known.name.clone(),
            None => state.naming.of(kind(path), port),
        };
        insert(&mut state.seen(&name).hosts, path.to_owned());
        state.connected(&name);
        name
    }

    /// The dependency that could not be connected to.
    pub(super) fn refused(&self, wanted: SocketAddr, errno: i32) -> Arc<str> {
        let mut state = self.lock();
        let name = self.dependency(&mut state, wanted);
        state.seen(&name).fails = Some(errno);
        name
    }

    /// The dependencies that were seen, for `set.yaml`; but those of these names, which stand
    /// there already.
    pub(super) fn dependencies(&self, but: &[DependencyInfo]) -> Vec<DependencyInfo> {
        let state = self.lock();
        let new = state.seen.iter().filter(|(name, seen)| {
            // All connections to an address may have gone on under other names. A host that was
            // looked up is kept, for it is looked up on replay too.
            let is_used = seen.connections > 0 || seen.fails.is_some() || !seen.hosts.is_empty();
            is_used && !but.iter().any(|known| known.name == **name)
        });
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

    /// Where captured connections led.
    pub(super) fn addresses(&self) -> BTreeSet<String> {
        let state = self.lock();
        let all = state.seen.values();
        all.flat_map(|seen| seen.addresses.iter().cloned())
            .collect()
    }

    /// The dependency that an address is, by the host by which it was asked for, or by itself.
    fn dependency(&self, state: &mut State, wanted: SocketAddr) -> Arc<str> {
        let host = self.names.of(wanted.ip());
        let ip = wanted.ip().to_string();
        let known = [host.as_deref(), Some(&*ip)].into_iter().flatten();
        let known = known
            .filter_map(|host| self.known(state, host, wanted.port()))
            .next();
        let name = known.unwrap_or_else(|| {
            let host = host.as_deref().unwrap_or(&ip);
            state.naming.of(host, wanted.port())
        });
        let seen = state.seen(&name);
        if let Some(host) = host {
            insert(&mut seen.hosts, format!("{host}:{}", wanted.port()));
        }
        insert(&mut seen.addresses, wanted.to_string());
        name
    }

    fn known(&self, state: &State, host: &str, port: u16) -> Option<Arc<str>> {
        let of_any_port = || {
            let mut all = self.any_port.iter();
            let known = all.find(|known| known.host.eq_ignore_ascii_case(host))?;
            Some(known.name.clone())
        };
        state.naming.known(host, port).or_else(of_any_port)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Namer for Book {
    /// The server's name within TLS goes before the name that was looked up, as several may lead to
    /// one address. The host of HTTP does only where it is known to lead there: reverse proxies
    /// say there what their own client said. A rule goes before both where it names the address,
    /// or the only name that is known to lead there.
    fn named(&self, conn: &ConnInfo, said: Said<'_>) -> Option<Arc<str>> {
        let wanted: SocketAddr = conn.target.as_deref()?.parse().ok()?;
        let given = conn.dependency.as_ref()?;
        let leads = |name: &str| self.names.leads(name, wanted.ip());
        let (host, leads) = match said {
            Said::Tls(name) => (name, leads(name)),
            Said::Host(host) if leads(host) => (host, true),
            Said::Host(_) | Said::Nothing => return self.lock().unnamed(given, wanted),
        };
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if host.is_empty() || !host.bytes().all(good) {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let with_port = format!("{host}:{}", wanted.port());
        let mut state = self.lock();
        let is_address = given.parse() == Ok(wanted);
        let name = match self.known(&state, &host, wanted.port()) {
            Some(known) => known,
            None if self.rules.contains(given) => {
                let ip = wanted.ip().to_string();
                let of_address = self.known(&state, &ip, wanted.port());
                if !leads || of_address.as_ref() == Some(given) {
                    return None;
                }
                state.naming.of(&host, wanted.port())
            }
            // A recording of before called it so, by an address.
            None if **given == host || **given == with_port => given.clone(),
            // It is the one server there, and has a name.
            None if is_address && state.is_alone(given, wanted) => {
                state.naming.keep(&host, Some(wanted.port()), given.clone());
                given.clone()
            }
            None => state.naming.of(&host, wanted.port()),
        };
        if is_address {
            state.remember(wanted, &name);
        }
        let seen = state.seen(&name);
        insert(&mut seen.hosts, with_port);
        insert(&mut seen.addresses, wanted.to_string());
        state.moved(given, &name);
        Some(name)
    }
}

impl State {
    fn seen(&mut self, name: &Arc<str>) -> &mut Seen {
        self.seen.entry(name.clone()).or_default()
    }

    /// Whether clients that said no name are recorded under an address, and none that said one.
    fn is_alone(&mut self, given: &Arc<str>, wanted: SocketAddr) -> bool {
        self.seen(given).is_settled && !self.first.contains_key(&wanted)
    }

    fn remember(&mut self, wanted: SocketAddr, name: &Arc<str>) {
        if self.first.len() < MOST_NAMED {
            self.first.entry(wanted).or_insert_with(|| name.clone());
        }
    }

    /// A client goes on without having said a name.
    fn unnamed(&mut self, given: &Arc<str>, wanted: SocketAddr) -> Option<Arc<str>> {
        if given.parse() != Ok(wanted) {
            return None;
        }
        let Some(first) = self.first.get(&wanted).cloned() else {
            self.seen(given).is_settled = true;
            return None;
        };
        self.moved(given, &first);
        Some(first)
    }

    /// A connection goes on under another name.
    fn moved(&mut self, from: &Arc<str>, to: &Arc<str>) {
        if from != to {
            self.connected(to);
            let old = self.seen(from);
            old.connections = old.connections.saturating_sub(1);
        }
    }

    fn connected(&mut self, name: &Arc<str>) {
        let seen = self.seen(name);
        seen.connections += 1;
        seen.accepted = true;
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

#[cfg(test)]
mod tests;
