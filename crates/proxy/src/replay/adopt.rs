//! Connections that were accepted elsewhere, given to the servers.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use retake_model::{ConnId, ConnInfo, DependencyInfo, Direction};
use tokio::runtime::Handle;

use super::mock::House;
use super::session::{Manner, serve};
use crate::Namer;
use crate::record::{Adopter, Arrived};

/// Gives connections to running servers that were accepted elsewhere.
#[derive(Clone)]
pub struct MockAdopter {
    pub(super) handle: Handle,
    pub(super) house: Arc<House>,
    pub(super) live: Option<Adopter>,
}

impl MockAdopter {
    /// Serves a connection as one to a dependency. `target` is where the client wanted to go,
    /// `host:port`; `namer` tells whether it is another one, once the client has said whom it
    /// means. It is closed where the servers have ended.
    pub fn serve(
        &self,
        client: TcpStream,
        dependency: &DependencyInfo,
        target: String,
        namer: Option<Arc<dyn Namer>>,
    ) {
        let house = Arc::clone(&self.house);
        let agrees_to_tls = dependency.tls;
        let info = ConnInfo {
            id: ConnId(house.connections.fetch_add(1, Ordering::Relaxed)),
            direction: Direction::Outbound,
            dependency: Some(dependency.name.clone()),
            protocol: dependency.protocol,
            peer: client.peer_addr().ok(),
            target: Some(target),
            process: None,
            opened: house.clock.now(),
        };
        self.handle.spawn(async move {
            house.oracle.opened(&info);
            let stream = client
                .set_nonblocking(true)
                .and_then(|()| tokio::net::TcpStream::from_std(client));
            match stream {
                Ok(stream) => {
                    let manner = Manner {
                        agrees_to_tls,
                        namer,
                    };
                    serve(stream, info, manner, house).await;
                }
                Err(error) => tracing::error!(%error, "a captured connection cannot be served"),
            }
        });
    }

    /// Relays a connection to a live dependency, and tells what it saw. It is closed where no
    /// dependency is live.
    pub fn relay(&self, arrived: Arrived) {
        if let Some(live) = &self.live {
            live.adopt(arrived);
        }
    }
}

impl std::fmt::Debug for MockAdopter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MockAdopter")
    }
}
