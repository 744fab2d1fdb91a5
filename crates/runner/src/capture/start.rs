//! Plans of capture for a recording and for a replay.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use retake_intercept::HostPort;
use retake_intercept::capture::{
    Ability, Arrived, Clock, Director, Names, OnMiss, Pid, Plan, Resolver, Route, Source,
    Uncaptured, probe,
};
use retake_model::{DependencyInfo, SetInfo};
use retake_proxy::record::RecordProxy;
use retake_proxy::replay::{MockServers, Oracle};

use super::record::RecordDirector;
use super::{Capture, Known, ReplayDirector};
use crate::record::RecordOptions;
use crate::replay::ReplayOptions;

/// Captures for a recording; none where that is off, or not to be had. `front` is where a forward
/// proxy of ours listens.
pub(crate) fn recording(
    options: &RecordOptions,
    before: &[DependencyInfo],
    proxy: &RecordProxy,
    front: Option<SocketAddr>,
) -> Option<(Capture, Arc<RecordDirector>)> {
    let ability = options.capture.as_ref().filter(|a| a.captures())?;
    if options.command.is_empty() {
        return None;
    }
    let names = Arc::new(known_names());
    let own = proxy.listens().iter().map(|listen| listen.addr);
    let director = Arc::new(RecordDirector::new(
        proxy.adopter(),
        own.chain(front).collect(),
        recorded_before(before),
        rules(options),
        Arc::clone(&names),
    ));
    let told = Arc::downgrade(&director);
    let on_asked = move |name: &str| {
        if let Some(director) = told.upgrade() {
            director.looked_up(name);
        }
    };
    let capture = Capture {
        plan: Plan {
            inbound: options.inbound.is_none(),
            ..plan(ability, &names, Source::Real, Box::new(on_asked))
        },
        director: director.clone(),
    };
    Some((capture, director))
}

/// Captures for the replay of a set; none where that is off, or not to be had. `front` is where a
/// forward proxy of ours listens.
pub(crate) fn replaying(
    options: &ReplayOptions,
    info: &SetInfo,
    servers: &MockServers,
    oracle: Arc<dyn Oracle>,
    front: Option<SocketAddr>,
) -> Option<(Capture, Arc<ReplayDirector>)> {
    let ability = options.capture.as_ref().filter(|a| a.captures())?;
    if options.command.is_empty() || !info.captured {
        return None;
    }
    let names = Arc::new(known_names());
    let own = servers.listens().iter().map(|listen| listen.addr);
    let director = Arc::new(ReplayDirector::new(
        servers.adopter(),
        oracle,
        own.chain(front).collect(),
        info,
        options.live.clone(),
        Arc::clone(&names),
        options.allow_egress,
    ));
    let source = Source::Recorded {
        hosts: recorded_hosts(&info.dependencies),
        others_real: options.allow_egress,
    };
    let told = Arc::downgrade(&director);
    let on_miss = move |name: &str| {
        if let Some(director) = told.upgrade() {
            director.unknown_name(name);
        }
    };
    let capture = Capture {
        plan: plan(ability, &names, source, Box::new(on_miss)),
        director: director.clone(),
    };
    Some((capture, director))
}

/// The same capture with another time; one that leaves connections alone where there is none.
pub(crate) fn clocked(capture: Option<Capture>, clock: &Arc<Clock>) -> Capture {
    let mut capture = capture.unwrap_or_else(|| Capture {
        plan: Plan {
            ability: probe(),
            ..Plan::default()
        },
        director: Arc::new(Nobody),
    });
    capture.plan.clock = Some(Arc::clone(clock));
    capture
}

/// Leaves every connection alone.
struct Nobody;

impl Director for Nobody {
    fn connect(&self, _: SocketAddr, _: Pid) -> Route {
        Route::Leave
    }

    fn adopt(&self, _: Arrived) {}

    fn listens(&self, _: SocketAddr, _: Pid) {}

    fn passed(&self, _: Uncaptured) {}
}

/// The names that the service looked up when it was recorded, with the addresses that it then
/// connected to.
fn recorded_hosts(dependencies: &[DependencyInfo]) -> HashMap<String, Vec<IpAddr>> {
    let mut hosts: HashMap<String, Vec<IpAddr>> = HashMap::new();
    for dependency in dependencies {
        let addresses = dependency.addresses.iter();
        let addresses: Vec<IpAddr> = addresses
            .filter_map(|at| at.parse::<SocketAddr>().ok())
            .map(|at| at.ip())
            .collect();
        for host in &dependency.hosts {
            let Some((host, _)) = host.rsplit_once(':') else {
                continue;
            };
            let known = hosts.entry(host.to_ascii_lowercase()).or_default();
            known.extend(&addresses);
            known.sort();
            known.dedup();
        }
    }
    hosts
}

/// What is captured, and how.
pub(super) fn plan(ability: &Ability, names: &Arc<Names>, source: Source, on_miss: OnMiss) -> Plan {
    let resolver = Resolver::start(Arc::clone(names), source, on_miss);
    if let Err(error) = &resolver {
        tracing::warn!(%error, "names are not looked up by retake: dependencies are named by their addresses");
    }
    Plan {
        ability: ability.clone(),
        names: resolver.ok().map(Arc::new),
        ..Plan::default()
    }
}

/// The names that stand in this machine's `/etc/hosts`.
pub(super) fn known_names() -> Names {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    Names::from_hosts(&hosts)
}

/// The dependencies that have a name already: by a rule, by an option, by the recording that is
/// added to.
pub(crate) fn known(options: &RecordOptions, before: &[DependencyInfo]) -> Vec<Known> {
    // The last one counts.
    let mut all = recorded_before(before);
    all.extend(rules(options));
    all
}

/// Those that rules and options name.
fn rules(options: &RecordOptions) -> Vec<Known> {
    let named = |name: &Arc<str>, at: &HostPort| Known {
        name: name.clone(),
        host: at.host.clone(),
        port: Some(at.port),
    };
    let fixed = options.deps.iter();
    let deps = fixed.chain(options.env_deps.iter().map(|env| &env.dep));
    let deps = deps.map(|dep| named(&dep.name, &dep.upstream));
    deps.chain(options.names.iter().cloned()).collect()
}

/// Those that the recording has that is added to.
fn recorded_before(before: &[DependencyInfo]) -> Vec<Known> {
    let before = before.iter().flat_map(|dependency| {
        let all = dependency.hosts.iter().chain(&dependency.addresses);
        all.filter_map(|at| {
            let (host, port) = match at.starts_with('/') {
                // The path of a unix socket.
                true => (at.as_str(), None),
                false => {
                    let (host, port) = at.rsplit_once(':')?;
                    (host, Some(port.parse().ok()?))
                }
            };
            Some(Known {
                name: dependency.name.clone(),
                host: host.trim_matches(['[', ']']).to_owned(),
                port,
            })
        })
    });
    before.collect()
}

/// An address at which the service can be reached from here.
pub(crate) fn reachable(addr: SocketAddr) -> String {
    if !addr.ip().is_unspecified() {
        return addr.to_string();
    }
    // A service that listens on every address takes IPv4 too, but for where it was told not to.
    format!("127.0.0.1:{}", addr.port())
}
