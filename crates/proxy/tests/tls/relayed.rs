//! TLS that is ended, read and begun anew.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;

use retake_model::Direction;
use retake_proxy::tls::Identity;

use crate::support::*;

#[test]
fn requests_within_tls_are_read_and_counted() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let upstream = serve_tls(
        pki.server_config(Leaf::Good, &["http/1.1"], false),
        answer_http,
    );
    let rig = Rig::start(tls.clone(), upstream, |_| {});
    for (name, alpn) in [
        ("localhost", &["h2", "http/1.1"][..]),
        ("127.0.0.1", &["http/1.1"]),
        ("localhost", &[]),
    ] {
        let mut client = connect(rig.address, name, roots_of(&tls), alpn).unwrap();
        let chosen = client.conn.alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(chosen.is_some(), !alpn.is_empty());
        assert!(chosen.is_none_or(|chosen| chosen == b"http/1.1"));
        get(&mut client, "/a").unwrap();
        get(&mut client, "/b").unwrap();
    }
    let seen = rig.end();
    assert_eq!(seen.exchanges(), 6);
    assert_eq!((seen.counters.connections, seen.counters.open), (3, 0));
    assert_eq!((seen.notes(), seen.opaque()), (vec![], vec![]));
}

#[test]
fn a_client_without_tls_reaches_a_server_with_it() {
    let pki = Pki::new();
    let upstream = serve_tls(pki.server_config(Leaf::Good, &[], false), answer_http);
    let rig = Rig::start(pki.tls(|_| {}), upstream, |_| {});
    let mut client = bounded(std::net::TcpStream::connect(rig.address).unwrap());
    get(&mut client, "/").unwrap();
    drop(client);
    assert_eq!(rig.end().exchanges(), 1);
}

#[test]
fn large_bodies_pass_both_ways_at_once() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let upstream = serve_tls(pki.server_config(Leaf::Good, &[], false), |server| {
        let mut buffer = vec![0; 70_000];
        loop {
            let n = server.read(&mut buffer)?;
            if n == 0 {
                server.conn.send_close_notify();
                return server.flush();
            }
            server.write_all(&buffer[..n])?;
        }
    });
    let rig = Rig::start(tls.clone(), upstream, |listen| listen.protocol = None);
    let mut client = connect(rig.address, "localhost", roots_of(&tls), &[]).unwrap();
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let mut got = Vec::new();
    for piece in sent.chunks(100_000) {
        client.write_all(piece).unwrap();
        client.flush().unwrap();
        let mut back = vec![0; piece.len()];
        client.read_exact(&mut back).unwrap();
        got.extend_from_slice(&back);
    }
    assert!(got == sent);
    // The end of one direction is passed on, and the other one goes on until its own.
    client.conn.send_close_notify();
    client.flush().unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    let seen = rig.end();
    assert_eq!(seen.counters.bytes, 6_000_000);
}

#[test]
fn an_end_without_a_word_is_passed_on_as_such() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let upstream = serve_tls(pki.server_config(Leaf::Good, &[], false), |server| {
        server.read_exact(&mut [0; 4])?;
        server.write_all(b"cut")?;
        server.flush()?;
        server.sock.shutdown(Shutdown::Both)
    });
    let rig = Rig::start(tls.clone(), upstream, |listen| listen.protocol = None);
    let mut client = connect(rig.address, "localhost", roots_of(&tls), &[]).unwrap();
    client.write_all(b"ping").unwrap();
    client.flush().unwrap();
    let mut got = Vec::new();
    let error = client.read_to_end(&mut got).unwrap_err();
    assert_eq!(
        (got.as_slice(), error.kind()),
        (&b"cut"[..], ErrorKind::UnexpectedEof)
    );
}

#[test]
fn what_is_wrong_with_the_servers_certificate_the_client_is_shown() {
    let pki = Pki::new();
    for (leaf, told, refused) in [
        (Leaf::Expired, "it has expired", "expired"),
        (Leaf::Other, "it is not one for", "not valid for name"),
        (Leaf::Own, "nobody who is trusted", "UnknownIssuer"),
    ] {
        let tls = pki.tls(|_| {});
        let upstream = serve_tls(pki.server_config(leaf, &[], false), answer_http);
        let rig = Rig::start(tls.clone(), upstream, |_| {});
        let error = connect(rig.address, "localhost", roots_of(&tls), &[]).unwrap_err();
        assert!(error.to_string().contains(refused), "{leaf:?}: {error}");
        // The next client sees what it would see without us.
        let error = connect(rig.address, "localhost", pki.roots(), &[]).unwrap_err();
        assert!(error.to_string().contains(refused), "{leaf:?}: {error}");
        let seen = rig.end();
        assert_eq!(seen.exchanges(), 0);
        let notes = seen.notes();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].contains(told) && notes[0].contains("hint:"),
            "{notes:?}"
        );
        let why = "the server's certificate could not be verified";
        assert_eq!(seen.opaque(), [(why, 1)]);
    }
}

#[test]
fn a_service_is_recorded_behind_tls_of_ours_and_of_its_own() {
    let pki = Pki::new();
    let given = pki.client_identity().identity.unwrap();
    for own in [None, Some(given)] {
        let own: Option<Identity> = own;
        let tls = pki.tls(|settings| settings.inbound = own.clone());
        for (serves, upstream) in [
            (false, serve(|mut socket| drop(answer_http(&mut socket)))),
            // What it shows is nobody's concern: it is the service under test.
            (
                true,
                serve_tls(pki.server_config(Leaf::Own, &[], false), answer_http),
            ),
        ] {
            let rig = Rig::start(tls.clone(), upstream, |listen| {
                listen.direction = Direction::Inbound;
                listen.dependency = None;
                listen.upstream_tls = serves;
                listen.serves_tls = true;
            });
            let roots = match own {
                Some(_) => pki.roots(),
                None => roots_of(&tls),
            };
            let alpn = &["h2", "http/1.1"];
            let mut client = connect(rig.address, "localhost", roots, alpn).unwrap();
            get(&mut client, "/").unwrap();
            drop(client);
            let seen = rig.end();
            assert_eq!((seen.exchanges(), seen.notes()), (1, vec![]));
        }
    }
}

/// A client with Nagle's algorithm, as sockets are made, holds its request back until the end of its
/// handshake is acknowledged; the system puts that off for 40 ms.
#[cfg(target_os = "linux")]
#[test]
fn the_end_of_a_handshake_is_acknowledged_at_once() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let upstream = serve_tls(pki.server_config(Leaf::Good, &[], false), answer_http);
    let rig = Rig::start(tls.clone(), upstream, |_| {});
    // The machine may be busy, but not each time.
    let took = (0..20).map(|_| {
        let mut client = connect(rig.address, "localhost", roots_of(&tls), &[]).unwrap();
        let began = std::time::Instant::now();
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        assert!(client.read(&mut [0; 4096]).unwrap() > 0);
        began.elapsed()
    });
    let mut all: Vec<_> = took.collect();
    all.sort();
    let fast = all[4];
    assert!(fast.as_millis() < 30, "{all:?}");
}

#[test]
fn stopping_lets_an_open_exchange_end() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let upstream = serve_tls(pki.server_config(Leaf::Good, &[], false), answer_http);
    let rig = Rig::start(tls.clone(), upstream, |_| {});
    let mut idle = connect(rig.address, "localhost", roots_of(&tls), &[]).unwrap();
    get(&mut idle, "/").unwrap();
    let seen = rig.end();
    assert_eq!((seen.exchanges(), seen.counters.open), (1, 0));
    assert_eq!(idle.read(&mut [0]).unwrap_or_default(), 0);
}
