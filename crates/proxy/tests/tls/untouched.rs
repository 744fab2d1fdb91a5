//! TLS that cannot be ended without breaking it goes through as it is.

use crate::support::*;

#[test]
fn a_client_that_wants_http_2_alone_meets_the_server_itself() {
    let pki = Pki::new();
    let upstream = serve_tls(pki.server_config(Leaf::Good, &["h2"], false), answer_http);
    let rig = Rig::start(pki.tls(|_| {}), upstream, |listen| {
        listen.upstream_tls = false
    });
    let mut client = connect(rig.address, "localhost", pki.roots(), &["h2"]).unwrap();
    assert_eq!(client.conn.alpn_protocol(), Some(&b"h2"[..]));
    get(&mut client, "/").unwrap();
    drop(client);
    let seen = rig.end();
    assert_eq!(seen.opaque(), [("HTTP/2 within TLS is not read yet", 1)]);
    assert!(seen.counters.bytes > 0);
}

#[test]
fn a_server_that_has_http_2_alone_is_reached_all_the_same() {
    let pki = Pki::new();
    let upstream = serve_tls(pki.server_config(Leaf::Good, &["h2"], false), answer_http);
    let rig = Rig::start(pki.tls(|_| {}), upstream, |_| {});
    let mut client = connect(rig.address, "localhost", pki.roots(), &["h2", "http/1.1"]).unwrap();
    assert_eq!(client.conn.alpn_protocol(), Some(&b"h2"[..]));
    get(&mut client, "/").unwrap();
    drop(client);
    let seen = rig.end();
    assert_eq!(seen.opaque(), [("no TLS in common with the server", 1)]);
    assert!(seen.notes()[0].contains("dep: 127.0.0.1: TLS with it failed"));
}

#[test]
fn a_pinned_client_is_left_alone_from_its_second_connection_on() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let upstream = serve_tls(pki.server_config(Leaf::Good, &[], false), answer_http);
    let rig = Rig::start(tls, upstream, |_| {});
    connect(rig.address, "localhost", pki.roots(), &[]).unwrap_err();
    for _ in 0..2 {
        let mut client = connect(rig.address, "localhost", pki.roots(), &[]).unwrap();
        get(&mut client, "/").unwrap();
    }
    let seen = rig.end();
    let why = "the client takes no certificate but the server's own";
    assert_eq!(seen.opaque(), [(why, 2)]);
    let notes = seen.notes();
    assert!(
        notes.len() == 1 && notes[0].contains("UnknownCA"),
        "{notes:?}"
    );
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_the_clients_or_the_one_that_was_named() {
    let pki = Pki::new();
    let config = pki.server_config(Leaf::Good, &[], true);
    let upstream = serve_tls(config, answer_http);
    // The client's own: nobody here can show it, so nobody comes between. (This one has none.)
    let rig = Rig::start(pki.tls(|_| {}), upstream, |_| {});
    let refused = connect(rig.address, "localhost", pki.roots(), &[])
        .and_then(|mut client| get(&mut client, "/"));
    assert!(refused.is_err());
    let seen = rig.end();
    let why = "the server asks for a certificate of the client";
    assert_eq!(seen.opaque(), [(why, 1)]);
    assert!(seen.notes()[0].contains("`tls: clients:`"));
    // The one of the settings.
    let tls = pki.tls(|settings| settings.clients = vec![pki.client_identity()]);
    let rig = Rig::start(tls.clone(), upstream, |_| {});
    let mut client = connect(rig.address, "localhost", roots_of(&tls), &[]).unwrap();
    get(&mut client, "/").unwrap();
    drop(client);
    let seen = rig.end();
    assert_eq!((seen.exchanges(), seen.opaque()), (1, vec![]));
}

#[test]
fn what_only_looks_like_tls_goes_through() {
    use std::io::{Read, Write};
    let upstream = serve(|mut socket| {
        let mut got = [0; 300];
        if socket.read_exact(&mut got).is_ok() {
            let _ = socket.write_all(&got);
        }
    });
    let pki = Pki::new();
    let rig = Rig::start(pki.tls(|_| {}), upstream, |listen| {
        listen.upstream_tls = false
    });
    let mut client = bounded(std::net::TcpStream::connect(rig.address).unwrap());
    let mut sent = vec![0x16, 3, 1, 0, 200];
    sent.resize(300, 0xee);
    client.write_all(&sent).unwrap();
    let mut got = vec![0; 300];
    client.read_exact(&mut got).unwrap();
    assert_eq!(got, sent);
    drop(client);
    assert_eq!(rig.end().opaque(), [("its TLS is not understood", 1)]);
}
