//! What is told of the traffic, and that telling never harms it.

use std::io::{Read, Write};

use retake_proxy::record::{RecordOptions, RecordProxy, RelayEvent};

use crate::support::{LIMIT, ODD, Rig, bounded, dependency, exchanges, expect, noise, passes};

#[test]
fn exchanges_are_told_in_order_with_times_that_do_not_run_back() {
    let rig = Rig::start(Some("lines"), |_| {});
    let (mut client, mut server) = rig.connect();
    for n in 0..3 {
        passes(&mut client, &mut server, format!("ask {n}").as_bytes());
        passes(&mut server, &mut client, format!("answer {n}\n").as_bytes());
    }
    client.write_all(b"never answered").unwrap();
    expect(&mut server, b"never answered");
    drop((client, server));
    let (events, counters) = rig.end();
    let whole = |n: u32| (format!("ask {n}"), format!("answer {n}\n"), true);
    let cut = ("never answered".to_owned(), String::new(), false);
    assert_eq!(exchanges(&events), [whole(0), whole(1), whole(2), cut]);
    assert!(matches!(events.first(), Some(RelayEvent::Opened(_))));
    assert!(matches!(
        events.last(),
        Some(RelayEvent::Closed {
            from_client: 29,
            ..
        })
    ));
    let moments: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            RelayEvent::Began { at, .. } => Some(*at),
            RelayEvent::Ended(exchange) => Some(exchange.ended),
            RelayEvent::Closed { at, .. } => Some(*at),
            _ => None,
        })
        .collect();
    assert!(moments.is_sorted());
    assert_eq!(counters.exchanges, 4);
}

#[test]
fn scenario_11_a_reader_that_fails_or_panics_leaves_the_bytes_alone() {
    for (protocol, reason) in [
        (Some("panics"), "the reader panicked"),
        (Some("panics-at-once"), "the reader panicked"),
        (Some("fails"), "lines: an exclamation"),
        (Some("elsewhere"), "elsewhere is not read yet"),
        (None, "unknown protocol"),
    ] {
        let rig = Rig::start(protocol, |_| {});
        let (mut client, mut server) = rig.connect();
        passes(&mut client, &mut server, b"! garbage \0\xff");
        let block = noise(9, 100_000);
        let sent = block.clone();
        let mut clone = client.try_clone().unwrap();
        let writer = std::thread::spawn(move || clone.write_all(&sent).unwrap());
        let mut got = vec![0; block.len()];
        server.read_exact(&mut got).unwrap();
        writer.join().unwrap();
        assert!(got == block, "{protocol:?}");
        passes(&mut server, &mut client, b"\x00 answer\n");
        drop((client, server));
        let (events, counters) = rig.end();
        let told: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                RelayEvent::Opaque { reason, .. } => Some(reason.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(told, [reason], "{protocol:?}");
        assert_eq!(counters.opaque.get(reason), Some(&1));
    }
}

#[test]
fn a_protocol_that_was_not_named_is_told_by_its_first_bytes_in_pieces() {
    let rig = Rig::start(None, |_| {});
    let (mut client, mut server) = rig.connect();
    for piece in [&b"l"[..], b"i", b"n", b"e"] {
        passes(&mut client, &mut server, piece);
    }
    passes(&mut server, &mut client, b"answer\n");
    drop((client, server));
    let (events, counters) = rig.end();
    assert_eq!(
        exchanges(&events),
        [("line".to_owned(), "answer\n".to_owned(), true)]
    );
    assert!(counters.opaque.is_empty());
}

#[test]
fn a_server_that_speaks_first_is_relayed_unread() {
    let rig = Rig::start(None, |_| {});
    let (mut client, mut server) = rig.connect();
    passes(&mut server, &mut client, b"220 welcome\r\n");
    passes(&mut client, &mut server, b"line\n");
    drop((client, server));
    let (_, counters) = rig.end();
    assert_eq!(counters.opaque.get("the server spoke first"), Some(&1));
}

#[test]
fn encryption_is_declined_in_any_pieces_and_reading_goes_on() {
    for pieces in [
        &["TLS", "hello"][..],
        &["T", "L", "S", "h", "ello"],
        &["TLSTLShello"],
    ] {
        let rig = Rig::start(Some("declines"), |_| {});
        let (mut client, mut server) = rig.connect();
        let mut declined = 0;
        let mut sent = String::new();
        for piece in pieces {
            client.write_all(piece.as_bytes()).unwrap();
            sent.push_str(piece);
            while sent.matches("TLS").count() > declined {
                expect(&mut client, b"N");
                declined += 1;
            }
        }
        expect(&mut server, b"hello");
        passes(&mut server, &mut client, b"answer\n");
        drop((client, server));
        let (events, _) = rig.end();
        assert_eq!(
            exchanges(&events),
            [("hello".to_owned(), "answer\n".to_owned(), true)]
        );
        assert!(
            !events
                .iter()
                .any(|event| matches!(event, RelayEvent::Note { .. }))
        );
    }
}

#[test]
fn a_client_that_insists_on_encryption_leaves_a_note() {
    let rig = Rig::start(Some("declines"), |_| {});
    let (mut client, server) = rig.connect();
    client.write_all(b"TLS").unwrap();
    expect(&mut client, b"N");
    drop((client, server));
    let (events, _) = rig.end();
    let notes: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            RelayEvent::Note { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert!(
        matches!(notes.as_slice(), [note] if note.contains("asked for TLS")),
        "{notes:?}"
    );
}

#[test]
fn scenario_10_what_the_queue_does_not_hold_is_counted_and_forwarded() {
    let upstream = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = upstream.local_addr().unwrap().to_string();
    let options = RecordOptions {
        queue_bytes: 20_000,
        protocols: ODD,
        ..RecordOptions::default()
    };
    let listens = ["quiet", "busy"].map(|name| dependency(name, address.clone()));
    let (proxy, mut events) = RecordProxy::start(listens.to_vec(), options).unwrap();
    let connect = |n: usize| {
        let client = std::net::TcpStream::connect(proxy.listens()[n].addr).unwrap();
        (bounded(client), bounded(upstream.accept().unwrap().0))
    };
    for (n, size, rounds) in [(0, 10, 2), (1, 4_000, 10)] {
        let (mut client, mut server) = connect(n);
        for _ in 0..rounds {
            let ask = vec![b'a'; size];
            passes(&mut client, &mut server, &ask);
            passes(&mut server, &mut client, b"answer\n");
        }
    }
    let counters = proxy.stop(LIMIT);
    let told: Vec<_> = std::iter::from_fn(|| events.recv(LIMIT))
        .flat_map(|batch| batch.events.into_iter().flatten())
        .collect();
    let lost = told
        .iter()
        .filter(|event| matches!(event, RelayEvent::Lost { .. }))
        .count() as u64;
    assert_eq!((counters[0].exchanges, counters[0].lost), (2, 0));
    assert_eq!(counters[1].exchanges, 10);
    assert!(lost > 0 && lost == counters[1].lost, "{lost}");
    assert_eq!(exchanges(&told).len() as u64 + lost, 12);
}

#[test]
fn stopping_waits_for_an_open_exchange_and_closes_idle_connections_at_once() {
    let rig = Rig::start(Some("lines"), |_| {});
    let (mut idle, idle_server) = rig.connect();
    let (mut client, mut server) = rig.connect();
    passes(&mut client, &mut server, b"slow");
    let ending = std::thread::spawn(move || rig.end());
    assert_eq!(idle.read(&mut [0; 8]).unwrap(), 0);
    passes(&mut server, &mut client, b"answer\n");
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    let (events, counters) = ending.join().unwrap();
    assert_eq!(
        exchanges(&events),
        [("slow".to_owned(), "answer\n".to_owned(), true)]
    );
    assert_eq!(counters.open, 0);
    drop(idle_server);
}
