//! The forward proxy of a recording.

use std::net::SocketAddr;
use std::sync::Arc;

use retake_intercept::{Listen, Naming};
use retake_model::{DependencyInfo, Direction};
use retake_proxy::forward::{Chain, ForwardProxy, Reached, Recorded};
use retake_proxy::record::{RecordProxy, StartError};

use crate::capture::Known;

/// How connections to a host fail that clients were never led to.
const REFUSED: &str = "ECONNREFUSED";

/// A forward proxy to record through.
#[derive(Debug, Clone)]
pub struct ForwardOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The company's own proxy behind it.
    pub chain: Chain,
}

/// The forward proxy while the recording goes on.
pub(super) struct Forward {
    front: ForwardProxy,
    recorded: Arc<Recorded>,
}

impl Forward {
    /// Starts it before a relay. `known` are the hosts that have a name already.
    pub(super) fn start(
        options: &ForwardOptions,
        relay: &RecordProxy,
        known: Vec<Known>,
    ) -> Result<Forward, StartError> {
        let bound = door(options.listen).bind()?;
        let mut naming = Naming::new(known.iter().map(|known| known.name.clone()));
        for known in known {
            naming.keep(&known.host, known.port, known.name);
        }
        let own = relay.listens().iter().map(|listen| listen.addr).collect();
        let recorded = Arc::new(Recorded::new(
            relay.adopter(),
            naming,
            options.chain.clone().but_for(bound.listen.addr),
            own,
            bound.listen.addr,
        ));
        let front = ForwardProxy::start(bound.socket, Arc::clone(&recorded));
        Ok(Forward {
            front: front.map_err(StartError::Worker)?,
            recorded,
        })
    }

    /// Where it listens.
    pub(super) fn addr(&self) -> SocketAddr {
        self.front.addr()
    }

    /// What clients were led to.
    pub(super) fn recorded(&self) -> Arc<Recorded> {
        Arc::clone(&self.recorded)
    }
}

/// Adds what clients were led to: new dependencies, and how known ones were reached.
pub(crate) fn add_led(led: &Recorded, dependencies: &mut Vec<DependencyInfo>) {
    for Reached {
        name,
        hosts,
        answered,
    } in led.reached()
    {
        match dependencies.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                known.hosts.extend(hosts);
                known.hosts.sort();
                known.hosts.dedup();
                known.fails = known.fails.take().filter(|_| !answered);
            }
            None => dependencies.push(DependencyInfo {
                name,
                address: hosts.first().cloned().unwrap_or_default(),
                hosts,
                // On replay it is refused as it was.
                fails: (!answered).then(|| REFUSED.to_owned()),
                ..DependencyInfo::default()
            }),
        }
    }
}

/// The address of a forward proxy, to be opened.
pub(crate) fn door(addr: SocketAddr) -> Listen {
    Listen {
        direction: Direction::Outbound,
        dependency: Some("the forward proxy".into()),
        ..Listen::inbound(addr, "")
    }
}

/// The variables that lead a service through a proxy.
pub(crate) fn variables(proxy: SocketAddr) -> Vec<(String, String)> {
    let mut reachable = proxy;
    if reachable.ip().is_unspecified() {
        reachable.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let url = format!("http://{reachable}");
    let mut variables = Vec::new();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        variables.push((name.to_owned(), url.clone()));
    }
    for name in ["NO_PROXY", "no_proxy"] {
        variables.push((name.to_owned(), String::new()));
    }
    // Without it Node (from 22.21 and 24.5 on) does not look at the others.
    variables.push(("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned()));
    variables
}
