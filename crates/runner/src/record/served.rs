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
    /// The port that the set names: requests to others say theirs.
    main: Option<u16>,
    /// What the set that is added to says.
    before: Vec<(SocketAddr, bool)>,
    /// The connections whose requests came to another port, the latest ones.
    beside: BTreeMap<ConnId, u16>,
}

/// How many connections are known to have come to another port than the main one. Their requests
/// are asked about within seconds.
const BESIDE: usize = 65_536;

#[derive(Debug, Clone)]
struct Port {
    address: SocketAddr,
    tls: bool,
}

impl Served {
    /// With the addresses of the set that is added to, that of its `upstream` first: `host:port`,
    /// or `https://host:port`.
    pub(crate) fn after(before: impl IntoIterator<Item = String>) -> Self {
        let read = |text: String| {
            let plain = text.strip_prefix("https://");
            Some((plain.unwrap_or(&text).parse().ok()?, plain.is_some()))
        };
        Served {
            before: before.into_iter().filter_map(read).collect(),
            ..Served::default()
        }
    }

    /// Where the first request came to, and whether clients spoke TLS there. Of a set that is added
    /// to it stays what it was, where that one was asked at this port too.
    pub(crate) fn main(&self) -> Option<(SocketAddr, bool)> {
        let main = self.main?;
        let asked = self.ports.get(&main).map(|port| (port.address, port.tls));
        asked.or_else(|| self.before.first().copied())
    }

    /// Where the service listened when the set that is added to was recorded, where that was at
    /// several ports.
    pub(crate) fn listened_before(&self) -> &[(SocketAddr, bool)] {
        self.before.get(1..).unwrap_or_default()
    }

    /// Whether clients spoke TLS at that port.
    pub(crate) fn speaks_tls(&self, port: u16) -> bool {
        self.ports.get(&port).is_some_and(|port| port.tls)
    }

    /// The port to which the requests of a connection came, where it is not the main one.
    pub(super) fn beside(&self, conn: ConnId) -> Option<u16> {
        self.beside.get(&conn).copied()
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
        let Some(port) = self.port(conn) else { return };
        let port = port.address.port();
        let before = self.before.first().map(|(address, _)| address.port());
        let known = self.before.iter().any(|(own, _)| own.port() == port);
        let first = before.filter(|_| known).unwrap_or(port);
        if *self.main.get_or_insert(first) != port {
            self.beside.insert(conn, port);
            if self.beside.len() > BESIDE {
                self.beside.pop_first();
            }
        }
    }

    fn port(&mut self, conn: ConnId) -> Option<&mut Port> {
        let address = *self.open.get(&conn)?;
        Some(self.ports.entry(address.port()).or_insert(Port {
            address,
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
            process: None,
            opened: Timestamp(0),
        }
    }

    #[test]
    fn the_port_of_the_first_request_is_the_services_and_others_are_told() {
        let mut served = Served::default();
        assert_eq!(served.main(), None);
        served.opened(&client(1, "127.0.0.1:80"));
        assert_eq!(served.main(), None, "a connection is no request");
        for (id, target) in [(2, "127.0.0.1:443"), (3, "10.0.0.1:443")] {
            served.opened(&client(id, target));
            served.spoke_tls(ConnId(id));
            served.exchange(ConnId(id));
            served.closed(ConnId(id));
        }
        served.exchange(ConnId(1));
        let expected = "127.0.0.1:443".parse().expect("an address");
        assert_eq!(served.main(), Some((expected, true)));
        assert!(served.speaks_tls(443) && !served.speaks_tls(80));
        let beside = [1, 2, 3].map(|id| served.beside(ConnId(id)));
        assert_eq!(beside, [Some(80), None, None]);
        assert!(served.open.len() == 1, "what is closed is forgotten");
    }
    #[test]
    fn a_set_that_is_added_to_keeps_its_port_where_that_is_one_of_the_services() {
        let before = ["https://127.0.0.1:443", "127.0.0.1:80"].map(str::to_owned);
        for (target, main, beside) in [
            ("127.0.0.1:443", 443, None),
            ("127.0.0.1:80", 443, Some(80)),
            ("127.0.0.1:41234", 41234, None),
        ] {
            let mut served = Served::after(before.clone());
            served.opened(&client(1, target));
            served.exchange(ConnId(1));
            let found = served.main().map(|(address, _)| address.port());
            assert_eq!(
                (found, served.beside(ConnId(1))),
                (Some(main), beside),
                "{target}"
            );
        }
    }
}
