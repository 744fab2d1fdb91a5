//! Where the requests came to, and whether within TLS.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use retake_model::{ConnId, ConnInfo, Direction};

/// The addresses of the service that requests came to. Only captured clients connect to those; of
/// others the address is known.
#[derive(Debug, Clone, Default)]
pub struct Served {
    open: HashMap<ConnId, SocketAddr>,
    /// By the port, which several addresses of a service share.
    ports: BTreeMap<u16, Port>,
}

#[derive(Debug, Clone)]
struct Port {
    address: SocketAddr,
    exchanges: u64,
    tls: bool,
}

impl Served {
    /// Where most requests came to, and whether clients spoke TLS there.
    pub(crate) fn most(&self) -> Option<(SocketAddr, bool)> {
        let asked = self.ports.values().filter(|port| port.exchanges > 0);
        let most = asked.max_by_key(|port| port.exchanges)?;
        Some((most.address, most.tls))
    }

    pub(super) fn opened(&mut self, info: &ConnInfo) {
        let address = info
            .target
            .as_deref()
            .and_then(|target| target.parse().ok());
        if let (Direction::Inbound, Some(address)) = (info.direction, address) {
            self.open.insert(info.id, address);
        }
    }

    pub(super) fn closed(&mut self, conn: ConnId) {
        self.open.remove(&conn);
    }

    pub(super) fn spoke_tls(&mut self, conn: ConnId) {
        if let Some(port) = self.port(conn) {
            port.tls = true;
        }
    }

    pub(super) fn exchange(&mut self, conn: ConnId) {
        if let Some(port) = self.port(conn) {
            port.exchanges += 1;
        }
    }

    fn port(&mut self, conn: ConnId) -> Option<&mut Port> {
        let address = *self.open.get(&conn)?;
        Some(self.ports.entry(address.port()).or_insert(Port {
            address,
            exchanges: 0,
            tls: false,
        }))
    }
}

#[cfg(test)]
mod tests {
    use retake_model::Timestamp;

    use super::*;

    fn client(id: u64, target: &str) -> ConnInfo {
        ConnInfo {
            id: ConnId(id),
            direction: Direction::Inbound,
            dependency: None,
            protocol: None,
            peer: None,
            target: Some(target.to_owned()),
            opened: Timestamp(0),
        }
    }

    #[test]
    fn the_port_of_most_requests_is_the_services() {
        let mut served = Served::default();
        assert_eq!(served.most(), None);
        served.opened(&client(1, "127.0.0.1:80"));
        assert_eq!(served.most(), None, "a connection is no request");
        for (id, target) in [(2, "127.0.0.1:443"), (3, "10.0.0.1:443")] {
            served.opened(&client(id, target));
            served.spoke_tls(ConnId(id));
            served.exchange(ConnId(id));
            served.closed(ConnId(id));
        }
        served.exchange(ConnId(1));
        let expected = "127.0.0.1:443".parse().expect("an address");
        assert_eq!(served.most(), Some((expected, true)));
        assert!(served.open.len() == 1, "what is closed is forgotten");
    }
}
