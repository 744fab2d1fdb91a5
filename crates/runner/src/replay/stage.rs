//! The surroundings of one set's replay: mock servers, the variables that lead to them, the service.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use retake_intercept::capture::Clock;
use retake_intercept::{AddressError, EnvDependency, Listen, env_dependency, starts_with_tls};
use retake_model::{DependencyInfo, Direction, ServiceEvent, SetInfo};
use retake_proxy::forward::ForwardProxy;
use retake_proxy::replay::{MockListen, MockServers, Oracle};
use retake_proxy::tls::Tls;
use retake_wire::PROTOCOLS;

use super::{ReplayError, ReplayOptions};
use super::{forward, listeners};
use crate::capture::{self, Capture, ReplayDirector, Trusted};
use crate::ready::{self, NotReady};
use crate::record::{self, rewritten};
use crate::service::{OutputTo, Service};

/// The surroundings of one set's replay.
#[derive(Debug)]
pub struct Stage {
    /// It goes before the servers that it leads to.
    _proxy: Option<ForwardProxy>,
    servers: MockServers,
    variables: Vec<(String, String)>,
    tls: Arc<Tls>,
    trusted: Option<Trusted>,
    capture: Option<Capture>,
    director: Option<Arc<ReplayDirector>>,
    /// The recorded ports of the service.
    ports: Ports,
    /// Where those are now, as far as that is known.
    places: HashMap<u16, SocketAddr>,
    /// The service, where retake started it.
    pub service: Option<Service>,
}

/// The ports at which the service was asked when it was recorded.
#[derive(Debug)]
struct Ports {
    /// In the order in which it began to listen.
    order: Vec<u16>,
    /// Those that tests need beside that of the set's `upstream`.
    beside: BTreeSet<u16>,
}

impl Stage {
    /// Starts the mock servers of a set. `beside` are the ports of the service that tests need
    /// beside that of its `upstream`.
    ///
    /// # Errors
    /// An address is taken, or is none.
    pub fn set(
        set: &str,
        info: &SetInfo,
        options: &ReplayOptions,
        beside: BTreeSet<u16>,
        oracle: Arc<dyn Oracle>,
    ) -> Result<Self, ReplayError> {
        let mut listens = Vec::new();
        let mut env_deps = Vec::new();
        for dependency in &info.dependencies {
            let fail = |source| ReplayError::Address {
                set: set.to_owned(),
                dependency: dependency.name.to_string(),
                source,
            };
            let listen = match stand_in(dependency).map_err(fail)? {
                StandIn::Fixed(listen) => listen,
                StandIn::Variable(env) => {
                    let listen = Listen::outbound(&env.dep);
                    env_deps.push(env);
                    listen
                }
            };
            let is_live = options.live.iter().any(|name| **name == *dependency.name);
            // Where it is captured, it needs no address of ours.
            if is_captured(dependency) && !is_live {
                continue;
            }
            let live = options.live.iter().any(|name| **name == *dependency.name);
            listens.push(MockListen {
                listen,
                live,
                agrees_to_tls: dependency.tls,
            });
        }
        let tls = Tls::open(&options.state, options.tls.clone()).map_err(ReplayError::Tls)?;
        let tls = Arc::new(tls);
        let servers = MockServers::start_with(
            listens,
            Arc::clone(&oracle),
            retake_proxy::Clock::new(),
            Some(Arc::clone(&tls)),
            PROTOCOLS,
        )?;
        let mut variables: Vec<_> = options
            .env
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        variables.extend(rewritten(&env_deps, servers.listens()));
        let proxy = forward::address(info).map_err(|source| ReplayError::Address {
            set: set.to_owned(),
            dependency: "the forward proxy".to_owned(),
            source,
        })?;
        let proxy = match proxy {
            Some(proxy) => {
                let oracle = Arc::clone(&oracle);
                Some(forward::start(proxy, info, options, &servers, oracle)?)
            }
            None => None,
        };
        let own = proxy.as_ref().map(ForwardProxy::addr);
        let (capture, director) = capture::replaying(options, info, &servers, oracle, own).unzip();
        // A captured service needs no proxy.
        let led = own.filter(|_| director.is_none());
        variables.extend(led.into_iter().flat_map(record::variables));
        Ok(Stage {
            _proxy: proxy,
            servers,
            variables,
            tls,
            trusted: None,
            capture,
            director,
            ports: Ports {
                order: listeners::in_order(info).iter().map(|r| r.port).collect(),
                beside,
            },
            places: HashMap::new(),
            service: None,
        })
    }

    /// Starts the service and waits until it is ready; says what there is to say.
    pub async fn start_service(
        &mut self,
        address: Option<&str>,
        options: &ReplayOptions,
        clock: Option<&Arc<Clock>>,
    ) -> (ServiceEvent, Option<String>) {
        let began = Instant::now();
        if !options.command.is_empty() {
            let mut capture = self.capture.take();
            if let Some(clock) = clock {
                capture = Some(capture::clocked(capture, clock));
                // Certificates are to be good at the time that the service sees.
                let nanos = u64::try_from(clock.now()).unwrap_or(0);
                let shown = UNIX_EPOCH + Duration::from_nanos(nanos);
                self.tls.authority().also_at(shown);
            }
            self.trusted = capture::trust(&self.tls, capture.as_mut(), &self.variables);
            let mut variables = self.variables.clone();
            variables.extend(self.trusted.iter().flat_map(|t| t.variables.clone()));
            let started = Service::start(&options.command, &variables, OutputTo::Kept, capture);
            match started {
                Ok(service) => self.service = Some(service),
                Err(error) => {
                    let hint = error.hint();
                    let failed = ServiceEvent::Failed {
                        what: format!("{error}: {}", error.source),
                        hint,
                        output: String::new(),
                    };
                    return (failed, None);
                }
            }
        }
        let learned = match (&options.target, address) {
            (None, Some(recorded)) => {
                let learned = self.learned(recorded, options).await;
                // It speaks what it spoke when it was recorded.
                let scheme = match recorded.starts_with("https://") {
                    true => "https://",
                    false => "",
                };
                learned.map(|address| format!("{scheme}{address}"))
            }
            _ => None,
        };
        if let (Some(port), None, None) = (options.port, &options.target, &learned)
            && let Some(director) = &self.director
        {
            let all: Vec<String> = director
                .listening()
                .borrow()
                .iter()
                .map(ToString::to_string)
                .collect();
            let where_else = match all.is_empty() {
                true => "it listens nowhere".to_owned(),
                false => format!("it listens on {}", all.join(", ")),
            };
            let ended = self.service.as_mut().and_then(Service::has_ended);
            let error = ended.map_or(
                NotReady::TimedOut(options.ready_timeout, where_else),
                NotReady::Ended,
            );
            let wanted = format!("port {port}");
            return (self.not_ready(&error, &wanted).await, Some(wanted));
        }
        let Some(address) = learned.as_deref().or(address) else {
            let after = began.elapsed();
            return (ServiceEvent::Ready { after }, None);
        };
        let waited = ready::wait(
            address,
            &options.ready,
            options.ready_timeout,
            &mut self.service,
        )
        .await;
        let event = match waited {
            Ok(after) => ServiceEvent::Ready { after },
            Err(error) => self.not_ready(&error, address).await,
        };
        (event, Some(address.to_owned()))
    }

    /// The address at which the service really listens, where it is captured: that of the wanted
    /// port, that of the recorded one, or the other one. Learns the places of further ports, too.
    async fn learned(&mut self, recorded: &str, options: &ReplayOptions) -> Option<String> {
        let mut listening = self.director.as_ref()?.listening();
        let of_recorded = listeners::recorded(recorded)?.port;
        let main = options.port.unwrap_or(of_recorded);
        let mut order = self.ports.order.clone();
        if !order.contains(&of_recorded) {
            order.insert(0, of_recorded);
        }
        for port in order.iter_mut().filter(|port| **port == of_recorded) {
            *port = main;
        }
        let until = tokio::time::Instant::now() + options.ready_timeout;
        let (mut before, mut moved_at) = (0, None);
        loop {
            let all = listening.borrow_and_update().clone();
            let now = tokio::time::Instant::now();
            if all.len() > before {
                // Others may follow.
                (before, moved_at) = (all.len(), Some(now + OTHER_PORT));
            }
            let over = now >= until;
            let ended = self.service.as_mut().and_then(Service::has_ended).is_some();
            // Of a service that listened elsewhere first (a JVM on a port for itself), that port comes
            // first now, too.
            let to_come = order.first() != Some(&main) && !over && !ended;
            let mut places = listeners::places(&order, &all, to_come);
            let is_same = |port: &u16| all.iter().any(|addr| addr.port() == *port);
            if options.port.is_some() && !is_same(&main) {
                places.remove(&main);
            }
            let needed = || std::iter::once(&main).chain(&self.ports.beside);
            let settled = moved_at.is_some_and(|at| now >= at);
            if needed().all(is_same)
                || settled && needed().all(|port| places.contains_key(port))
                || over
                || ended
            {
                let main = places.get(&main).copied();
                self.places = places;
                return main.map(capture::reachable);
            }
            // Either it listens somewhere else, or the time is over, or it has ended.
            let next = moved_at.filter(|_| !settled).unwrap_or(until);
            let look = next.min(now + LOOK);
            let _ = tokio::time::timeout_at(look, listening.changed()).await;
        }
    }

    async fn not_ready(&self, error: &NotReady, address: &str) -> ServiceEvent {
        let hint = match (error, &self.service) {
            (NotReady::TimedOut(..), Some(_)) => format!(
                "it is expected on {address}: check the port, or name another with --target; \
                 --ready-timeout gives it more time"
            ),
            (NotReady::TimedOut(..), None) => format!(
                "start the service so that it listens on {address}, or put its command behind `--`"
            ),
            (NotReady::Ended(_), _) => {
                "its last output says why; try the command by itself".to_owned()
            }
        };
        // What it wrote just before its end may still be on its way.
        tokio::time::sleep(Duration::from_millis(50)).await;
        ServiceEvent::Failed {
            what: error.to_string(),
            hint,
            output: self.output(),
        }
    }

    /// Where the recorded ports of the service are now, as far as capture tells.
    pub fn places(&self) -> &HashMap<u16, SocketAddr> {
        &self.places
    }

    /// Whether the service is captured.
    pub fn is_captured(&self) -> bool {
        self.director.is_some()
    }

    /// What capture refused and what went past it: a sentence each.
    pub fn captured(&self) -> Vec<String> {
        let director = self.director.as_ref();
        director
            .map(|director| director.notes())
            .unwrap_or_default()
    }

    /// The mock servers.
    pub fn servers(&self) -> &MockServers {
        &self.servers
    }

    /// The service's last output.
    pub fn output(&self) -> String {
        self.service
            .as_ref()
            .map(|s| s.output().text())
            .unwrap_or_default()
    }

    /// How the service ended, where it has.
    pub fn service_ended(&mut self) -> Option<String> {
        self.service.as_mut().and_then(Service::has_ended)
    }

    /// Ends the service, then the mock servers.
    pub async fn clear(self) {
        if let Some(service) = self.service {
            service.stop().await;
        }
        let servers = self.servers;
        // It waits for threads.
        let _ = tokio::task::spawn_blocking(move || servers.stop()).await;
    }
}

/// How long a service that listens elsewhere than when it was recorded may take to listen there.
const OTHER_PORT: Duration = Duration::from_millis(500);

/// How often it is looked whether the service has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Whether a dependency was captured when it was recorded, so that nothing listens for it.
fn is_captured(dependency: &DependencyInfo) -> bool {
    let known = !(dependency.hosts.is_empty() && dependency.addresses.is_empty());
    known && dependency.listen.is_none() && dependency.env.is_none()
}

enum StandIn {
    Fixed(Listen),
    Variable(EnvDependency),
}

/// Where a dependency's mock server listens: where its stand-in did, or on a free port behind
/// the same variable.
fn stand_in(dependency: &DependencyInfo) -> Result<StandIn, AddressError> {
    if let Some(variable) = &dependency.env {
        let set = std::env::var(variable).ok();
        let value = set
            .or_else(|| dependency.url.clone())
            .unwrap_or_else(|| dependency.address.clone());
        let mut env = env_dependency(variable, &value)?;
        env.dep.name = dependency.name.clone();
        env.dep.protocol = dependency.protocol.or(env.dep.protocol);
        return Ok(StandIn::Variable(env));
    }
    let listen = dependency.listen.as_deref().unwrap_or("127.0.0.1:0");
    let addr = listen.parse().map_err(|_| AddressError {
        text: listen.to_owned(),
        what: "not an address such as 127.0.0.1:15432".to_owned(),
        hint: "correct `listen` in set.yaml".to_owned(),
    })?;
    Ok(StandIn::Fixed(Listen {
        addr,
        direction: Direction::Outbound,
        dependency: Some(dependency.name.clone()),
        protocol: dependency.protocol,
        upstream: dependency.address.clone(),
        upstream_tls: dependency.tls && starts_with_tls(dependency.protocol),
        serves_tls: false,
    }))
}
