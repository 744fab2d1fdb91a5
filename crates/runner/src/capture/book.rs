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
mod tests {
    use retake_model::{ConnId, Direction, Timestamp};

    use super::*;

    const SHARED: &str = "10.0.0.1:443";

    /// The name of a connection to the shared address, whose client says this.
    #[track_caller]
    fn check(book: &Book, said: Said<'_>, expected: &str) {
        let given = book.connected(SHARED.parse().expect("an address"));
        let conn = ConnInfo {
            id: ConnId(1),
            direction: Direction::Outbound,
            dependency: Some(given.clone()),
            protocol: None,
            peer: None,
            target: Some(SHARED.to_owned()),
            opened: Timestamp(0),
        };
        let name = book.named(&conn, said).unwrap_or(given);
        assert_eq!(&*name, expected, "{said:?}");
    }

    fn book(looked_up: &[&str], rules: &[(&str, &str)]) -> Book {
        let names = Names::default();
        for name in looked_up {
            names.learn(name, [10, 0, 0, 1].into());
        }
        let rules = rules.iter().map(|(name, host)| Known {
            name: (*name).into(),
            host: (*host).to_owned(),
            port: None,
        });
        Book::new(Vec::new(), rules.collect(), Arc::new(names))
    }

    fn shown(book: &Book) -> Vec<String> {
        let all = book.dependencies(&[]);
        all.iter()
            .map(|d| format!("{} {:?} {:?}", d.name, d.hosts, d.addresses))
            .collect()
    }

    #[test]
    fn two_names_of_one_address_are_two_dependencies() {
        let book = book(&["a.test", "b.test"], &[]);
        check(&book, Said::Tls("a.test"), "a.test");
        check(&book, Said::Tls("B.test"), "b.test");
        check(&book, Said::Host("a.test"), "a.test");
        check(&book, Said::Host("elsewhere.test"), "b.test");
        assert_eq!(
            shown(&book),
            [
                r#"a.test ["a.test:443"] ["10.0.0.1:443"]"#,
                r#"b.test ["b.test:443"] ["10.0.0.1:443"]"#,
            ]
        );
    }

    #[test]
    fn names_that_nobody_looked_up_are_taken_from_tls_alone() {
        let book = book(&[], &[]);
        check(&book, Said::Tls("a.test"), "a.test");
        check(&book, Said::Tls("b.test"), "b.test");
        check(&book, Said::Tls("no name"), SHARED);
        let all = shown(&book);
        assert_eq!(all.len(), 3, "{all:?}");
    }

    #[test]
    fn who_says_nothing_means_what_was_said_before() {
        let book = book(&[], &[]);
        check(&book, Said::Tls("a.test"), "a.test");
        check(&book, Said::Nothing, "a.test");
        check(&book, Said::Host("elsewhere.test"), "a.test");
        assert_eq!(shown(&book), [r#"a.test ["a.test:443"] ["10.0.0.1:443"]"#]);
    }

    #[test]
    fn one_server_is_one_dependency_whoever_comes_first() {
        let book = book(&[], &[]);
        check(&book, Said::Nothing, SHARED);
        check(&book, Said::Tls("a.test"), SHARED);
        check(&book, Said::Tls("b.test"), "b.test");
        check(&book, Said::Tls("a.test"), SHARED);
        check(&book, Said::Nothing, SHARED);
        assert_eq!(
            shown(&book),
            [
                r#"10.0.0.1:443 ["a.test:443"] ["10.0.0.1:443"]"#,
                r#"b.test ["b.test:443"] ["10.0.0.1:443"]"#,
            ]
        );
    }

    #[test]
    fn an_address_whose_connections_all_have_names_is_no_dependency() {
        let book = book(&[], &[]);
        check(&book, Said::Tls("a.test"), "a.test");
        assert_eq!(shown(&book), [r#"a.test ["a.test:443"] ["10.0.0.1:443"]"#]);
    }

    #[test]
    fn a_host_that_was_looked_up_is_kept_for_the_replay() {
        let book = book(&["alias.test"], &[]);
        check(&book, Said::Tls("a.test"), "a.test");
        assert_eq!(
            shown(&book),
            [
                r#"a.test ["a.test:443"] ["10.0.0.1:443"]"#,
                r#"alias.test ["alias.test:443"] ["10.0.0.1:443"]"#,
            ]
        );
    }

    #[test]
    fn a_rule_goes_first() {
        let address = book(&["a.test", "b.test"], &[("gateway", "10.0.0.1")]);
        check(&address, Said::Tls("a.test"), "gateway");
        check(&address, Said::Tls("other.test"), "gateway");
        let both = book(&["b.test", "a.test"], &[("first", "a.test")]);
        check(&both, Said::Tls("a.test"), "first");
        check(&both, Said::Tls("b.test"), "b.test");
        check(&both, Said::Tls("unknown.test"), "first");
    }
}
