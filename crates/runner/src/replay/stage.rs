//! The surroundings of one set's replay: mock servers, the variables that lead to them, the service.

use std::sync::Arc;
use std::time::{Duration, Instant};

use retake_intercept::{AddressError, EnvDependency, Listen, env_dependency, starts_with_tls};
use retake_model::{DependencyInfo, Direction, ServiceEvent, SetInfo};
use retake_proxy::Clock;
use retake_proxy::replay::{MockListen, MockServers, Oracle};
use retake_proxy::tls::Tls;
use retake_wire::PROTOCOLS;

use super::{ReplayError, ReplayOptions};
use crate::ready::{self, NotReady};
use crate::record::rewritten;
use crate::service::{OutputTo, Service};

/// The surroundings of one set's replay.
#[derive(Debug)]
pub struct Stage {
    servers: MockServers,
    variables: Vec<(String, String)>,
    /// The service, where retake started it.
    pub service: Option<Service>,
}

impl Stage {
    /// Starts the mock servers of a set.
    ///
    /// # Errors
    /// An address is taken, or is none.
    pub fn set(
        set: &str,
        info: &SetInfo,
        options: &ReplayOptions,
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
            let live = options.live.iter().any(|name| **name == *dependency.name);
            listens.push(MockListen {
                listen,
                live,
                agrees_to_tls: dependency.tls,
            });
        }
        let tls = Tls::open(&options.state, options.tls.clone()).map_err(ReplayError::Tls)?;
        let servers = MockServers::start_with(
            listens,
            oracle,
            Clock::new(),
            Some(Arc::new(tls)),
            PROTOCOLS,
        )?;
        let mut variables: Vec<_> = options
            .env
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        variables.extend(rewritten(&env_deps, servers.listens()));
        Ok(Stage {
            servers,
            variables,
            service: None,
        })
    }

    /// Starts the service and waits until it is ready; says what there is to say.
    pub async fn start_service(
        &mut self,
        address: Option<&str>,
        options: &ReplayOptions,
    ) -> ServiceEvent {
        let began = Instant::now();
        if !options.command.is_empty() {
            match Service::start(&options.command, &self.variables, OutputTo::Kept) {
                Ok(service) => self.service = Some(service),
                Err(error) => {
                    let hint = error.hint().to_owned();
                    return ServiceEvent::Failed {
                        what: format!("{error}: {}", error.source),
                        hint,
                        output: String::new(),
                    };
                }
            }
        }
        let Some(address) = address else {
            return ServiceEvent::Ready {
                after: began.elapsed(),
            };
        };
        let waited = ready::wait(
            address,
            &options.ready,
            options.ready_timeout,
            &mut self.service,
        )
        .await;
        match waited {
            Ok(after) => ServiceEvent::Ready { after },
            Err(error) => {
                let hint = match (&error, &self.service) {
                    (NotReady::TimedOut(..), Some(_)) => format!(
                        "it is expected on {address}: check the port, or name another with --target; \
                         --ready-timeout gives it more time"
                    ),
                    (NotReady::TimedOut(..), None) => {
                        format!(
                            "start the service so that it listens on {address}, or put its command behind `--`"
                        )
                    }
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
        }
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
