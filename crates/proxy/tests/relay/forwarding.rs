//! Bytes, ends and resets go through as they came.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use retake_intercept::Listen;
use retake_proxy::record::{RecordOptions, RecordProxy, StartError};
use socket2::SockRef;

use crate::support::{LIMIT, Rig, bounded, expect, noise, passes};

#[test]
fn bytes_arrive_exactly_under_any_chunking_both_ways_at_once() {
    let rig = Rig::start(None, |_| {});
    let (client, server) = rig.connect();
    let (up, down) = (noise(1, 3_000_000), noise(2, 2_000_000));
    let send = |mut stream: TcpStream, bytes: Vec<u8>, step: usize| {
        std::thread::spawn(move || {
            let mut rest = bytes.as_slice();
            let mut size = 1;
            while !rest.is_empty() {
                let n = size.min(rest.len());
                stream.write_all(&rest[..n]).unwrap();
                rest = &rest[n..];
                size = (size * step) % 70_001 + 1;
            }
            stream.shutdown(Shutdown::Write).unwrap();
        })
    };
    let receive = |mut stream: TcpStream| {
        std::thread::spawn(move || {
            let mut got = Vec::new();
            stream.read_to_end(&mut got).unwrap();
            got
        })
    };
    send(client.try_clone().unwrap(), up.clone(), 7);
    send(server.try_clone().unwrap(), down.clone(), 13);
    let (at_client, at_server) = (receive(client), receive(server));
    assert!(at_server.join().unwrap() == up, "the client's bytes");
    assert!(at_client.join().unwrap() == down, "the server's bytes");
    let (_, counters) = rig.end();
    assert_eq!(counters.bytes, 5_000_000);
    assert_eq!(counters.open, 0);
}

#[test]
fn a_half_close_is_passed_on_and_the_other_half_goes_on() {
    let rig = Rig::start(Some("lines"), |_| {});
    let (mut client, mut server) = rig.connect();
    client.write_all(b"last words").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut got = String::new();
    server.read_to_string(&mut got).unwrap();
    assert_eq!(got, "last words");
    passes(&mut server, &mut client, b"answer after the end\n");
    drop(server);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn scenario_01_02_an_idle_connection_that_the_server_closes_is_closed_at_once() {
    let rig = Rig::start(Some("lines"), |_| {});
    let (mut client, mut server) = rig.connect();
    passes(&mut client, &mut server, b"ask\n");
    passes(&mut server, &mut client, b"answer\n");
    let before = Instant::now();
    drop(server);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    // The bound is generous for a busy machine; a timer of a proxy would be seconds.
    assert!(before.elapsed() < Duration::from_millis(500));
}

#[test]
fn a_reset_of_either_side_is_a_reset_of_the_other() {
    for client_resets in [true, false] {
        let rig = Rig::start(Some("lines"), |_| {});
        let (mut client, mut server) = rig.connect();
        passes(&mut client, &mut server, b"ask\n");
        let (gone, mut left) = if client_resets {
            (client, server)
        } else {
            (server, client)
        };
        SockRef::from(&gone)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(gone);
        let error = left.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{client_resets}");
    }
}

#[test]
fn what_a_server_said_before_it_refused_more_still_arrives() {
    let rig = Rig::start(None, |_| {});
    let (mut client, mut server) = rig.connect();
    passes(&mut client, &mut server, b"a request that is too");
    server.write_all(b"413").unwrap();
    drop(server);
    expect(&mut client, b"413");
    // The rest of the request meets a closed socket: sooner or later that is a reset.
    while client.write_all(b" long").is_ok() {}
}

#[test]
fn a_refused_upstream_resets_the_client() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = unused.local_addr().unwrap();
    drop(unused);
    let listen = Listen::inbound("127.0.0.1:0".parse().unwrap(), nobody.to_string());
    let (proxy, _events) = RecordProxy::start(vec![listen], RecordOptions::default()).unwrap();
    let mut client = bounded(TcpStream::connect(proxy.listens()[0].addr).unwrap());
    let error = client.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let counters = proxy.stop(LIMIT);
    assert_eq!((counters[0].connections, counters[0].unreachable), (1, 1));
    assert_eq!(counters[0].open, 0);
}

#[test]
fn a_slow_reader_slows_its_sender_and_nobody_else() {
    let rig = Rig::start(None, |_| {});
    let (slow_client, mut fast_server) = rig.connect();
    let (mut other_client, mut other_server) = rig.connect();
    let (stuck, is_stuck) = mpsc::channel();
    let sender = std::thread::spawn(move || {
        fast_server.set_nonblocking(true).unwrap();
        let block = noise(3, 1 << 16);
        let mut sent = 0usize;
        let mut since = Instant::now();
        while since.elapsed() < Duration::from_millis(300) {
            match fast_server.write(&block[sent % block.len()..]) {
                Ok(n) => {
                    sent += n;
                    since = Instant::now();
                }
                Err(_) => std::thread::yield_now(),
            }
        }
        stuck.send(sent).unwrap();
        sent
    });
    let sent = is_stuck.recv_timeout(LIMIT).unwrap();
    // Kernel buffers of two sockets and one buffer of the relay, not everything there is.
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    passes(&mut other_client, &mut other_server, b"others go on\n");
    assert_eq!(sender.join().unwrap(), sent);
    let mut slow_client = slow_client;
    let mut got = Vec::new();
    slow_client.read_to_end(&mut got).unwrap();
    assert_eq!(got.len(), sent);
    let block = noise(3, 1 << 16);
    assert!(got.iter().zip(block.iter().cycle()).all(|(a, b)| a == b));
}

#[test]
fn a_thousand_connections_are_open_at_once() {
    for workers in [1, 3] {
        let rig = Rig::start(Some("lines"), |options| options.workers = workers);
        let mut pairs: Vec<_> = (0..1000).map(|_| rig.connect()).collect();
        for (n, (client, server)) in pairs.iter_mut().enumerate() {
            passes(client, server, format!("ask {n}\n").as_bytes());
        }
        for (n, (client, server)) in pairs.iter_mut().enumerate() {
            passes(server, client, format!("answer {n}\n").as_bytes());
        }
        let counters = rig.proxy.counters();
        assert_eq!((counters[0].connections, counters[0].open), (1000, 1000));
        drop(pairs);
        let (_, counters) = rig.end();
        assert_eq!(
            (counters.exchanges, counters.lost, counters.open),
            (1000, 0, 0)
        );
    }
}

#[test]
fn a_taken_address_and_a_loop_are_refused_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let inbound = |addr, upstream: &str| Listen::inbound(addr, upstream);
    let first = RecordProxy::start(
        vec![inbound(taken, "127.0.0.1:9")],
        RecordOptions::default(),
    )
    .unwrap();
    let error = RecordProxy::start(
        vec![inbound(taken, "127.0.0.1:9")],
        RecordOptions::default(),
    )
    .unwrap_err();
    assert!(
        error.hint().contains("another program listens there"),
        "{error}"
    );
    drop(first);
    let error = RecordProxy::start(
        vec![inbound(taken, &taken.to_string())],
        RecordOptions::default(),
    )
    .unwrap_err();
    assert!(matches!(error, StartError::Loop { .. }), "{error}");
    let error = RecordProxy::start(
        vec![inbound(taken, "no.such.name.invalid:80")],
        RecordOptions::default(),
    )
    .unwrap_err();
    assert!(matches!(error, StartError::Resolve { .. }), "{error}");
}
