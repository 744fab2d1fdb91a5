//! Where each test is sent: the ports of the recording, and those at which the service listens now.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use retake_model::{SetInfo, TestSet};
use retake_proxy::replay::ReplayClient;

/// A recorded address: its port, and whether clients spoke TLS there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recorded {
    pub(super) port: u16,
    pub(super) tls: bool,
}

/// An address in a set: `host:port`, or `https://host:port`.
pub(super) fn recorded(text: &str) -> Option<Recorded> {
    let plain = text.strip_prefix("https://");
    let (_, port) = plain.unwrap_or(text).rsplit_once(':')?;
    Some(Recorded {
        port: port.trim_end_matches('/').parse().ok()?,
        tls: plain.is_some(),
    })
}

/// The ports to which the tests of a set are to be sent beside that of its `upstream`.
pub(super) fn beside(set: &TestSet) -> BTreeSet<u16> {
    set.tests.iter().filter_map(|test| test.port).collect()
}

/// The recorded ports in the order in which the service began to listen, that of `upstream` first
/// where the set does not tell the order.
pub(super) fn in_order(info: &SetInfo) -> Vec<Recorded> {
    let named = match info.listens.is_empty() {
        true => info.upstream.as_slice(),
        false => info.listens.as_slice(),
    };
    named.iter().filter_map(|text| recorded(text)).collect()
}

/// Where recorded ports are now: at the same port where the service listens there; of the others
/// the first recorded one at the first new one, and so on. A service that listens at one new port
/// alone is asked there whatever the port was, unless others are `to_come`. A port without a place is
/// not in the map.
pub(super) fn places(
    recorded: &[u16],
    now: &[SocketAddr],
    to_come: bool,
) -> HashMap<u16, SocketAddr> {
    let mut ports = BTreeSet::new();
    let now: Vec<SocketAddr> = now
        .iter()
        .copied()
        .filter(|addr| ports.insert(addr.port()))
        .collect();
    if let [only] = now.as_slice()
        && !recorded.contains(&only.port())
        && !to_come
    {
        return recorded.iter().map(|port| (*port, *only)).collect();
    }
    let (same, new): (Vec<SocketAddr>, Vec<SocketAddr>) = now
        .into_iter()
        .partition(|addr| recorded.contains(&addr.port()));
    let mut places: HashMap<u16, SocketAddr> =
        same.into_iter().map(|addr| (addr.port(), addr)).collect();
    let moved: Vec<u16> = recorded
        .iter()
        .copied()
        .filter(|port| !places.contains_key(port))
        .collect();
    places.extend(moved.into_iter().zip(new));
    places
}

/// The clients that send tests to the service, one for each port.
#[derive(Debug)]
pub(super) struct Clients {
    main: ReplayClient,
    beside: HashMap<u16, ReplayClient>,
}

impl Clients {
    /// Clients of these targets.
    pub(super) fn new(main: String, beside: HashMap<u16, String>) -> Self {
        let beside = beside.into_iter();
        Clients {
            main: ReplayClient::new(main),
            beside: beside
                .map(|(port, target)| (port, ReplayClient::new(target)))
                .collect(),
        }
    }

    /// The client for tests that were recorded at that port.
    pub(super) fn of(&self, port: Option<u16>) -> &ReplayClient {
        port.and_then(|port| self.beside.get(&port))
            .unwrap_or(&self.main)
    }
}

/// The targets for these recorded ports: their places, else the same port at the host of the main
/// target.
pub(super) fn targets(
    ports: &BTreeSet<u16>,
    info: &SetInfo,
    main: &str,
    places: &HashMap<u16, SocketAddr>,
) -> HashMap<u16, String> {
    let known = in_order(info);
    let host = main.strip_prefix("https://").unwrap_or(main);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let target = |port: &u16| {
        let tls = known.iter().any(|own| own.port == *port && own.tls);
        let scheme = if tls { "https://" } else { "" };
        let address = places.get(port).copied().map(crate::capture::reachable);
        let address = address.unwrap_or_else(|| format!("{host}:{port}"));
        (*port, format!("{scheme}{address}"))
    };
    ports.iter().map(target).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_where_they_were_else_in_order() {
        let check = |recorded: &[u16], now: &[&str], expected: &[(u16, &str)]| {
            let addr = |text: &&str| text.parse().expect("an address");
            let now: Vec<SocketAddr> = now.iter().map(addr).collect();
            let expected = expected.iter().map(|(port, at)| (*port, addr(at)));
            assert_eq!(
                places(recorded, &now, false),
                expected.collect(),
                "{recorded:?} {now:?}"
            );
        };
        let (a, b, c) = ("127.0.0.1:3000", "127.0.0.1:9090", "127.0.0.1:4000");
        check(&[3000, 9090], &[a, b], &[(3000, a), (9090, b)]);
        check(&[3000, 9090], &[b, a], &[(3000, a), (9090, b)]);
        // Both moved; one moved; a third one is new.
        check(&[1, 2], &[c, b], &[(1, c), (2, b)]);
        check(&[1, 9090], &[b, c], &[(1, c), (9090, b)]);
        check(&[3000, 9090], &[c, a, b], &[(3000, a), (9090, b)]);
        // The same port of two families is one.
        check(&[1, 2], &[a, "[::1]:3000", b], &[(1, a), (2, b)]);
        // One is gone; both are one now.
        check(&[3000, 9090], &[a], &[(3000, a)]);
        check(&[1, 2], &[a], &[(1, a), (2, a)]);
        check(&[3000], &[], &[]);
        check(&[1, 2, 3], &[a, b], &[(1, a), (2, b)]);
    }

    #[test]
    fn the_first_port_of_several_is_no_place_for_those_that_come_after_it() {
        let first: SocketAddr = "127.0.0.1:41000".parse().expect("an address");
        let found = places(&[39_835, 3000], &[first], true);
        assert_eq!(found, HashMap::from([(39_835, first)]));
        let found = places(&[39_835, 3000], &[first], false);
        assert_eq!(found, HashMap::from([(39_835, first), (3000, first)]));
    }

    #[test]
    fn targets_have_the_scheme_of_their_port_and_the_host_of_the_main_one() {
        let info = SetInfo {
            upstream: Some("127.0.0.1:3000".to_owned()),
            listens: vec![
                "127.0.0.1:3000".to_owned(),
                "https://127.0.0.1:9443".to_owned(),
            ],
            ..SetInfo::default()
        };
        let ports = BTreeSet::from([9443, 9090]);
        let places = places(
            &[9090],
            &["127.0.0.1:41000".parse().expect("an address")],
            false,
        );
        let found = targets(&ports, &info, "shop.test:80", &places);
        assert_eq!(found[&9443], "https://shop.test:9443");
        assert_eq!(found[&9090], "127.0.0.1:41000");
    }
}
