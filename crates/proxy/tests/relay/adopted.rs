//! Connections that were accepted and dialled elsewhere.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use retake_model::{ConnInfo, Direction};
use retake_proxy::record::{Arrived, Counters, RelayEvent};
use retake_proxy::tls::{Tls, TlsSettings};
use retake_proxy::{Namer, Said};

use crate::support::{LIMIT, Rig, bounded, expect, noise, passes};

/// Both ends of a connection of the loopback device.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (bounded(near), bounded(listener.accept().unwrap().0))
}

fn arrived(to: &str, first: &[u8]) -> (Arrived, TcpStream, TcpStream) {
    let (client, client_far) = pair();
    let (server_far, server) = pair();
    let arrived = Arrived {
        direction: Direction::Outbound,
        dependency: Some(to.into()),
        protocol: None,
        peer: None,
        process: None,
        target: format!("{to}:80"),
        client: client_far,
        server: server_far,
        first: first.to_vec(),
        namer: None,
    };
    (arrived, client, server)
}

#[test]
fn an_adopted_connection_is_relayed_read_and_counted_for_its_dependency() {
    let mut rig = Rig::start(None, |options| {
        options.workers = 2;
        options.protocols = retake_wire::PROTOCOLS;
    });
    let adopter = rig.proxy.adopter();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut open = Vec::new();
    for to in ["a.test", "b.test", "a.test"] {
        // The front has read a part of the request already.
        let (arrived, mut client, mut server) = arrived(to, &request[..9]);
        adopter.adopt(arrived);
        expect(&mut server, &request[..9]);
        passes(&mut client, &mut server, &request[9..]);
        passes(&mut server, &mut client, b"HTTP/1.1 204 No Content\r\n\r\n");
        open.push((client, server));
    }
    adopter.unreachable(&Some("c.test".into()));
    let counters = rig.proxy.stop(LIMIT);
    for (mut client, _server) in open {
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0, "closed in order");
    }
    let of = |name: &str| {
        let name = Some(Arc::from(name));
        counters.iter().find(|c| c.dependency == name).unwrap()
    };
    let told = |c: &Counters| (c.connections, c.exchanges, c.open, c.unreachable);
    assert_eq!(told(of("a.test")), (2, 2, 0, 0));
    assert_eq!(told(of("b.test")), (1, 1, 0, 0));
    assert_eq!(told(of("c.test")), (1, 0, 0, 1));
    assert_eq!(of("b.test").bytes, 27 + 27);
    let mut opened = Vec::new();
    while let Some(batch) = rig.events.recv(LIMIT) {
        for event in batch.events.into_iter().flatten() {
            if let RelayEvent::Opened(info) = event {
                opened.push((info.dependency.unwrap().to_string(), info.target.unwrap()));
            }
        }
    }
    opened.sort();
    let expected = [
        ("a.test", "a.test:80"),
        ("a.test", "a.test:80"),
        ("b.test", "b.test:80"),
    ];
    assert_eq!(opened, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

/// Names connections by the host that is asked for.
struct ByHost;

impl Namer for ByHost {
    fn named(&self, _: &ConnInfo, said: Said<'_>) -> Option<Arc<str>> {
        match said {
            Said::Host("a.test") => None,
            Said::Host(host) => Some(host.into()),
            Said::Tls(_) | Said::Nothing => None,
        }
    }
}

#[test]
fn a_connection_is_counted_by_the_name_that_its_client_says() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::open(folder.path(), TlsSettings::default()).unwrap();
    let mut rig = Rig::start(None, |options| {
        options.protocols = retake_wire::PROTOCOLS;
        options.tls = Some(Arc::new(tls));
    });
    let adopter = rig.proxy.adopter();
    let mut open = Vec::new();
    for host in ["a.test", "b.test", "b.test"] {
        let (mut arrived, mut client, mut server) = arrived("a.test", b"");
        arrived.namer = Some(Arc::new(ByHost));
        adopter.adopt(arrived);
        let request = format!("GET / HTTP/1.1\r\nHost: {host}:80\r\n\r\n");
        passes(&mut client, &mut server, request.as_bytes());
        passes(&mut server, &mut client, b"HTTP/1.1 204 No Content\r\n\r\n");
        open.push((client, server));
    }
    let counters = rig.proxy.stop(LIMIT);
    let of = |name: &str| {
        let name = Some(Arc::from(name));
        let of = counters.iter().find(|c| c.dependency == name).unwrap();
        (of.connections, of.exchanges, of.open, of.bytes)
    };
    let bytes = 35 + 27;
    assert_eq!(of("a.test"), (1, 1, 0, bytes));
    assert_eq!(of("b.test"), (2, 2, 0, 2 * bytes));
    let mut named = 0;
    while let Some(batch) = rig.events.recv(LIMIT) {
        for event in batch.events.into_iter().flatten() {
            if let RelayEvent::Named { dependency, .. } = event {
                assert_eq!(&*dependency, "b.test");
                named += 1;
            }
        }
    }
    assert_eq!(named, 2);
}

#[test]
fn a_connection_that_arrives_after_the_end_is_closed() {
    let rig = Rig::start(None, |_| {});
    let adopter = rig.proxy.adopter();
    rig.end();
    let (arrived, mut client, _server) = arrived("a.test", b"");
    adopter.adopt(arrived);
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn what_was_read_before_is_passed_on_first_however_much_it_is() {
    let rig = Rig::start(None, |_| {});
    let early = noise(7, 100_000);
    let (arrived, mut client, mut server) = arrived("a.test", &early);
    rig.proxy.adopter().adopt(arrived);
    let mut got = vec![0; early.len()];
    server.read_exact(&mut got).unwrap();
    assert!(got == early, "as it came");
    passes(&mut client, &mut server, b"and what follows");
    passes(&mut server, &mut client, b"and back");
}

#[test]
fn a_connection_that_says_nothing_is_counted_all_the_same() {
    let rig = Rig::start(None, |_| {});
    let adopter = rig.proxy.adopter();
    let (quiet, mut client, mut server) = arrived("a.test", b"");
    adopter.adopt(quiet);
    let counters = rig.proxy.stop(LIMIT);
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0, "closed in order");
    assert_eq!(server.read(&mut [0; 1]).unwrap(), 0, "closed in order");
    let name = Some(Arc::from("a.test"));
    let of = counters.iter().find(|c| c.dependency == name).unwrap();
    assert_eq!((of.connections, of.open, of.bytes), (1, 0, 0));
}

#[test]
fn what_wakes_the_relay_is_the_first_word_of_either_side_or_its_end() {
    let rig = Rig::start(None, |_| {});
    let adopter = rig.proxy.adopter();
    let (by_server, mut client, mut server) = arrived("a.test", b"");
    adopter.adopt(by_server);
    passes(&mut server, &mut client, b"220 ready\r\n");
    passes(&mut client, &mut server, b"EHLO\r\n");
    let (by_end, client, mut server) = arrived("b.test", b"");
    adopter.adopt(by_end);
    drop(client);
    assert_eq!(server.read(&mut [0; 1]).unwrap(), 0, "its end is passed on");
    // Sent before the relay has it.
    let (early, mut client, mut server) = arrived("c.test", b"");
    std::io::Write::write_all(&mut client, b"at once").unwrap();
    adopter.adopt(early);
    expect(&mut server, b"at once");
}
