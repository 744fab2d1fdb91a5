//! On replay: mock servers in place of the hosts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use retake_intercept::Naming;
use retake_model::{Answer, Call, ConnId, DependencyInfo, Direction, Value};
use retake_wire::Reading;
use retake_wire::http1::{self, forward::Authority};
use tokio::net::TcpStream;

use super::dial::dial;
use super::front::pair;
use super::recorded::{is_at, plain};
use super::{Beyond, Chain, Refusal};
use crate::Clock;
use crate::record::Arrived;
use crate::replay::{MockAdopter, Oracle};

/// The connection that a refused tunnel is told to belong to: it never becomes one.
const NO_CONNECTION: ConnId = ConnId(u64::MAX);

/// Leads clients to the mocks of the hosts that they name. A host that was not recorded is refused,
/// and counts as a call that the recording does not have.
pub struct Mocks {
    adopter: MockAdopter,
    oracle: Arc<dyn Oracle>,
    clock: Clock,
    dependencies: Vec<DependencyInfo>,
    live: Vec<String>,
    chain: Chain,
    /// Where retake itself stands in for a dependency.
    own: Vec<SocketAddr>,
    /// Names of hosts that were not recorded.
    naming: Mutex<Naming>,
}

impl Mocks {
    /// For these dependencies; those of the names in `live` are the real ones. `own` are the
    /// addresses of mock servers with an address.
    pub fn new(
        adopter: MockAdopter,
        oracle: Arc<dyn Oracle>,
        dependencies: Vec<DependencyInfo>,
        live: Vec<String>,
        chain: Chain,
        own: Vec<SocketAddr>,
    ) -> Self {
        let taken = dependencies.iter().map(|known| known.name.clone());
        let naming = Mutex::new(Naming::new(taken));
        Mocks {
            adopter,
            oracle,
            clock: Clock::new(),
            dependencies,
            live,
            chain,
            own,
            naming,
        }
    }

    fn recorded(&self, to: &Authority) -> Option<&DependencyInfo> {
        let wanted = to.to_string().to_ascii_lowercase();
        let by_host = |d: &&DependencyInfo| d.hosts.contains(&wanted);
        let by_address = |d: &&DependencyInfo| d.address.eq_ignore_ascii_case(&wanted);
        let all = || self.dependencies.iter();
        all().find(by_host).or_else(|| all().find(by_address))
    }

    /// What a host that was not recorded is called.
    fn stranger(&self, to: &Authority) -> DependencyInfo {
        let mut naming = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        DependencyInfo {
            name: naming.of(&to.host, to.port),
            protocol: Some(http1::ID),
            ..DependencyInfo::default()
        }
    }

    /// Tells of a tunnel to a host that was not recorded.
    fn missed(&self, to: &Authority) -> Refusal {
        let request = Value::map([
            ("method", Value::from("CONNECT")),
            ("path", Value::from(to.to_string().as_str())),
        ]);
        let call = Call {
            to: self.stranger(to).name,
            protocol: http1::ID,
            conn: NO_CONNECTION,
            at: self.clock.now(),
            trace: None,
            request,
        };
        let why = match self.oracle.ask(call, Reading::Call) {
            Answer::Miss(miss) => miss.explain(),
            Answer::Serve(_) => format!("{to} was not recorded"),
        };
        let mut refusal = Refusal::new(502, why.trim_start_matches("retake: "));
        refusal.headers = "x-retake-miss: 1\r\n".to_owned();
        refusal
    }
}

impl std::fmt::Debug for Mocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mocks")
            .field("dependencies", &self.dependencies)
            .finish_non_exhaustive()
    }
}

/// Whom a client is led to.
#[derive(Debug)]
pub enum Way {
    /// A mock server.
    Mock(Box<DependencyInfo>, String),
    /// The real dependency.
    Live(TcpStream, Box<DependencyInfo>, String),
    /// A mock server that has an address.
    Plain(TcpStream),
}

impl Beyond for Mocks {
    type Way = Way;

    async fn find(&self, to: &Authority, _: SocketAddr, tunnel: bool) -> Result<Way, Refusal> {
        if self.own.iter().any(|own| is_at(to, *own)) {
            return Ok(Way::Plain(dial(to, &Chain::default()).await?));
        }
        let target = to.to_string();
        let Some(dependency) = self.recorded(to) else {
            return match tunnel {
                true => Err(self.missed(to)),
                // Each request is a miss of its own, which the mock server explains.
                false => Ok(Way::Mock(Box::new(self.stranger(to)), target)),
            };
        };
        if let Some(fails) = &dependency.fails {
            let why = format!("cannot connect to {to}: {fails}, as when it was recorded");
            return Err(Refusal::new(502, why));
        }
        let is_live = self.live.iter().any(|name| **name == *dependency.name);
        let dependency = Box::new(dependency.clone());
        if is_live {
            return Ok(Way::Live(dial(to, &self.chain).await?, dependency, target));
        }
        Ok(Way::Mock(dependency, target))
    }

    fn join(&self, client: std::net::TcpStream, way: Way, first: Vec<u8>) {
        match way {
            Way::Mock(dependency, target) if first.is_empty() => {
                self.adopter.serve(client, &dependency, target, None);
            }
            // The mock server is to read what came before too.
            Way::Mock(dependency, target) => {
                if let Ok((near, far)) = pair() {
                    self.adopter.serve(far, &dependency, target, None);
                    if let Ok(near) = TcpStream::from_std(near) {
                        tokio::spawn(plain(client, near, first));
                    }
                }
            }
            Way::Plain(server) => {
                tokio::spawn(plain(client, server, first));
            }
            Way::Live(server, dependency, target) => {
                if let Ok(server) = server.into_std() {
                    self.adopter.relay(Arrived {
                        direction: Direction::Outbound,
                        dependency: Some(dependency.name),
                        protocol: dependency.protocol,
                        peer: None,
                        process: None,
                        target,
                        client,
                        server,
                        first,
                        namer: None,
                    });
                }
            }
        }
    }
}
