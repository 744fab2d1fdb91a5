//! Replay: captured connections are answered by mocks, and nothing leaves the machine.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retake_intercept::capture::{Arrived, Director, Names, Pid, Route, Uncaptured};
use retake_model::{ConnInfo, DependencyInfo, Direction, SetInfo};
use retake_proxy::record::Arrived as Pair;
use retake_proxy::replay::{MockAdopter, Oracle};
use retake_proxy::{Namer, Said};
use rustix::io::Errno;
use tokio::sync::watch;

use super::account::Account;
use super::own_name::is_this_machine;
use super::strangers::Strangers;
use super::{errors, is_among};

/// Leads captured connections to the mock servers.
pub(crate) struct ReplayDirector {
    adopter: MockAdopter,
    /// Where we listen ourselves: the service was told to go there.
    own: Vec<SocketAddr>,
    dependencies: Arc<Recorded>,
    /// Names that were looked up and not connected to.
    looked_up: Vec<String>,
    live: Vec<String>,
    names: Arc<Names>,
    /// Whether what was not recorded may leave the machine.
    allow_egress: bool,
    strangers: Strangers,
    account: Mutex<Account>,
    listens: watch::Sender<Vec<SocketAddr>>,
}

impl ReplayDirector {
    pub(crate) fn new(
        adopter: MockAdopter,
        oracle: Arc<dyn Oracle>,
        own: Vec<SocketAddr>,
        info: &SetInfo,
        live: Vec<String>,
        names: Arc<Names>,
        allow_egress: bool,
    ) -> Self {
        ReplayDirector {
            adopter,
            own,
            dependencies: Arc::new(Recorded(info.dependencies.clone())),
            looked_up: info.names.clone(),
            live,
            names,
            allow_egress,
            strangers: Strangers::new(oracle),
            account: Mutex::default(),
            listens: watch::Sender::new(Vec::new()),
        }
    }

    /// Where the service listens, as that becomes known.
    pub(crate) fn listening(&self) -> watch::Receiver<Vec<SocketAddr>> {
        self.listens.subscribe()
    }

    /// The service looked up a name that the recording does not have.
    pub(super) fn unknown_name(&self, name: &str) {
        // Looked up when it was recorded as well, and not connected to.
        let known = |own: &String| own.eq_ignore_ascii_case(name);
        if !self.looked_up.iter().any(known) && !is_this_machine(name) {
            self.strangers.name(name);
        }
    }

    /// What was refused and what went past, a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = self.strangers.notes();
        let listens = self.listens.borrow().clone();
        notes.extend(self.lock().notes(&self.addresses(), &listens));
        notes
    }

    fn addresses(&self) -> BTreeSet<String> {
        let all = self.dependencies.0.iter().flat_map(|d| &d.addresses);
        all.cloned().collect()
    }

    /// The recorded dependency that an address is: by the host that the service asked for, then
    /// by the address.
    fn dependency(&self, wanted: SocketAddr) -> Option<&DependencyInfo> {
        let address = wanted.to_string();
        let all = &self.dependencies;
        let host = self.names.of(wanted.ip());
        let by_host = host.and_then(|host| all.by_host(&host, wanted));
        by_host
            .or_else(|| all.0.iter().find(|d| d.addresses.contains(&address)))
            .or_else(|| all.0.iter().find(|d| d.address == address))
    }

    /// The recorded dependency that a database's unix socket is.
    fn by_path(&self, path: &str) -> Option<&DependencyInfo> {
        let mut all = self.dependencies.0.iter();
        all.find(|d| d.hosts.iter().any(|host| host == path))
    }

    fn route(&self, dependency: &DependencyInfo) -> Route {
        match &dependency.fails {
            _ if self.is_live(dependency) => Route::Relay,
            Some(error) => Route::Refuse(errors::number(error)),
            None => Route::Serve,
        }
    }

    fn is_live(&self, dependency: &DependencyInfo) -> bool {
        self.live.iter().any(|name| **name == *dependency.name)
    }

    fn refuse(&self, whom: String) -> Route {
        self.strangers.connection(whom);
        Route::Refuse(Errno::CONNREFUSED.raw_os_error())
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The dependencies of the recording.
struct Recorded(Vec<DependencyInfo>);

impl Recorded {
    /// Whether TLS was spoken with any that is behind an address.
    fn speak_tls(&self, address: &str) -> bool {
        let is_here = |d: &DependencyInfo| d.addresses.iter().any(|at| at == address);
        self.0.iter().any(|d| d.tls && is_here(d))
    }

    /// The one that was reached by a host at the port of an address; best at that address.
    fn by_host(&self, host: &str, wanted: SocketAddr) -> Option<&DependencyInfo> {
        let host = format!("{host}:{}", wanted.port());
        let is_so = |d: &&DependencyInfo| d.hosts.iter().any(|h| h.eq_ignore_ascii_case(&host));
        let address = wanted.to_string();
        let here = |d: &&DependencyInfo| d.addresses.contains(&address);
        let all = || self.0.iter().filter(is_so);
        all().find(here).or_else(|| all().next())
    }
}

impl Namer for Recorded {
    /// As when it was recorded, the host of HTTP counts only where it is known to lead there.
    fn named(&self, conn: &ConnInfo, said: Said<'_>) -> Option<Arc<str>> {
        let target = conn.target.as_ref()?;
        let found = match said {
            Said::Tls(host) => self.by_host(host, target.parse().ok()?)?,
            Said::Host(host) => {
                let found = self.by_host(host, target.parse().ok()?)?;
                Some(found).filter(|d| d.addresses.contains(target))?
            }
            Said::Nothing => return None,
        };
        Some(found.name.clone())
    }
}

impl std::fmt::Debug for ReplayDirector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReplayDirector")
    }
}

impl Director for ReplayDirector {
    fn connect(&self, wanted: SocketAddr, _: Pid) -> Route {
        if is_among(&self.own, wanted) {
            return Route::Leave;
        }
        match self.dependency(wanted) {
            Some(dependency) => self.route(dependency),
            None if self.allow_egress => Route::Leave,
            None => {
                let host = self.names.of(wanted.ip());
                let host = host.map(|host| format!("{host}:{}", wanted.port()));
                self.refuse(host.unwrap_or_else(|| wanted.to_string()))
            }
        }
    }

    fn connect_unix(&self, path: &Path, _: Pid) -> Route {
        let shown = path.to_string_lossy();
        match self.by_path(&shown) {
            Some(dependency) => self.route(dependency),
            None if self.allow_egress => Route::Leave,
            // Nobody is there, and the service is told so as it was when it was recorded: clients
            // that look for a socket first go on to connect otherwise.
            None if !path.exists() => Route::Leave,
            None => self.refuse(format!("the unix socket {shown}")),
        }
    }

    fn adopt(&self, arrived: Arrived) {
        let has_path = arrived.name.is_some();
        let by_path = arrived.name.as_deref().and_then(|path| self.by_path(path));
        let Some(dependency) = by_path.or_else(|| self.dependency(arrived.wanted)) else {
            return;
        };
        let target = match arrived.name {
            Some(path) => path.to_string(),
            None => arrived.wanted.to_string(),
        };
        let namer: Arc<dyn Namer> = self.dependencies.clone();
        let namer = (!has_path).then_some(namer);
        match arrived.upstream {
            None => {
                let mut dependency = dependency.clone();
                dependency.tls |= self.dependencies.speak_tls(&target);
                self.adopter
                    .serve(arrived.client, &dependency, target, namer);
            }
            Some(server) => self.adopter.relay(Pair {
                direction: Direction::Outbound,
                dependency: Some(dependency.name.clone()),
                protocol: dependency.protocol,
                peer: arrived.peer,
                process: arrived.process,
                target,
                client: arrived.client,
                server,
                first: Vec::new(),
                namer,
            }),
        }
    }

    fn listens(&self, addr: SocketAddr, _: Pid) {
        self.listens.send_if_modified(|all| {
            let new = !all.contains(&addr);
            if new {
                all.push(addr);
            }
            new
        });
    }

    fn passed(&self, what: Uncaptured) {
        self.lock().add(what);
    }
}
