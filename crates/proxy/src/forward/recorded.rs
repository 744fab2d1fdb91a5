//! While recording: the host itself, with the relay between.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retake_intercept::Naming;
use retake_model::Direction;
use retake_wire::http1::{self, forward::Authority};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use super::dial::dial;
use super::{Beyond, Chain, Refusal};
use crate::record::{Adopter, Arrived};

/// How many hosts and ports of one dependency are kept.
const MOST_HOSTS: usize = 64;

/// Leads clients to the hosts that they name, and has a relay read what is said.
#[derive(Debug)]
pub struct Recorded {
    adopter: Adopter,
    names: Mutex<Names>,
    chain: Chain,
    /// Where retake itself stands in for a dependency, which is recorded there.
    own: Vec<SocketAddr>,
    /// Where the proxy listens.
    at: SocketAddr,
}

#[derive(Debug)]
struct Names {
    naming: Naming,
    /// The hosts and ports of each name that clients asked for.
    reached: BTreeMap<Arc<str>, (BTreeSet<String>, bool)>,
}

impl Recorded {
    /// Through that relay. `own` are the addresses that the relay listens on, `at` is the proxy's.
    pub fn new(
        adopter: Adopter,
        naming: Naming,
        chain: Chain,
        own: Vec<SocketAddr>,
        at: SocketAddr,
    ) -> Self {
        Recorded {
            adopter,
            names: Mutex::new(Names {
                naming,
                reached: BTreeMap::new(),
            }),
            chain,
            own,
            at,
        }
    }

    /// The dependencies that clients asked for.
    pub fn reached(&self) -> Vec<Reached> {
        let names = self.lock();
        let each = names
            .reached
            .iter()
            .map(|(name, (hosts, answered))| Reached {
                name: name.clone(),
                hosts: hosts.iter().cloned().collect(),
                answered: *answered,
            });
        each.collect()
    }

    fn name(&self, to: &Authority) -> Arc<str> {
        let mut names = self.lock();
        let name = names.naming.of(&to.host, to.port);
        let (hosts, _) = names.reached.entry(name.clone()).or_default();
        if hosts.len() < MOST_HOSTS {
            hosts.insert(to.to_string().to_ascii_lowercase());
        }
        name
    }

    fn answered(&self, name: &Arc<str>) {
        if let Some((_, answered)) = self.lock().reached.get_mut(name) {
            *answered = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A dependency that clients asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Its name.
    pub name: Arc<str>,
    /// The hosts and ports that clients named, `host:port` each.
    pub hosts: Vec<String>,
    /// Whether it could ever be connected to.
    pub answered: bool,
}

/// Where a client is led.
#[derive(Debug)]
pub struct Way {
    server: TcpStream,
    /// None where it is not recorded.
    arrival: Option<Arrival>,
}

#[derive(Debug)]
struct Arrival {
    dependency: Arc<str>,
    target: String,
    peer: SocketAddr,
    is_http: bool,
}

impl Beyond for Recorded {
    type Way = Way;

    async fn find(&self, to: &Authority, peer: SocketAddr, tunnel: bool) -> Result<Way, Refusal> {
        if is_at(to, self.at) {
            return Err(Refusal::new(508, format!("{to} is this proxy itself")));
        }
        if self.own.iter().any(|own| is_at(to, *own)) {
            let server = dial(to, &Chain::default()).await?;
            return Ok(Way {
                server,
                arrival: None,
            });
        }
        let dependency = self.name(to);
        match dial(to, &self.chain).await {
            Ok(server) => {
                self.answered(&dependency);
                Ok(Way {
                    server,
                    arrival: Some(Arrival {
                        dependency,
                        target: to.to_string(),
                        peer,
                        is_http: !tunnel,
                    }),
                })
            }
            Err(refusal) => {
                self.adopter.unreachable(&Some(dependency));
                Err(refusal)
            }
        }
    }

    fn join(&self, client: std::net::TcpStream, way: Way, first: Vec<u8>) {
        let Way { server, arrival } = way;
        let Some(arrival) = arrival else {
            tokio::spawn(plain(client, server, first));
            return;
        };
        match server.into_std() {
            Ok(server) => self.adopter.adopt(Arrived {
                direction: Direction::Outbound,
                dependency: Some(arrival.dependency),
                protocol: arrival.is_http.then_some(http1::ID),
                peer: Some(arrival.peer),
                process: None,
                target: arrival.target,
                client,
                server,
                first,
                namer: None,
            }),
            Err(error) => tracing::error!(%error, "cannot hand a connection to the relay"),
        }
    }
}

/// Whether a host and port are an address of this machine's that we listen on.
pub(super) fn is_at(to: &Authority, own: SocketAddr) -> bool {
    let same = match to.host.parse::<IpAddr>() {
        Ok(ip) => ip == own.ip() || own.ip().is_unspecified() && ip.is_loopback(),
        Err(_) => {
            to.host.eq_ignore_ascii_case("localhost")
                && (own.ip().is_loopback() || own.ip().is_unspecified())
        }
    };
    same && to.port == own.port()
}

/// Copies both ways, unread.
pub(super) async fn plain(client: std::net::TcpStream, mut server: TcpStream, first: Vec<u8>) {
    use tokio::io::AsyncWriteExt;
    let Ok(mut client) = TcpStream::from_std(client) else {
        return;
    };
    if server.write_all(&first).await.is_ok() {
        // An error is a peer's going away, which is its right.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
