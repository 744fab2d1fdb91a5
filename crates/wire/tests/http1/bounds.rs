//! What is held is bounded, and what is not held is still read in step.

use proptest::prelude::*;
use retake_model::{Chunk, ConnId, ConnInfo, Direction, Exchange, Flaw, Message, Side, Timestamp};
use retake_testkit::{Piece, Transcript, tap};
use retake_wire::http1::Http1;
use retake_wire::{Flow, Protocol, Tap, Tapped};

const MIB: usize = 1 << 20;

struct Fed(Box<dyn Tap>);

impl Fed {
    fn new() -> Self {
        Fed(Http1.tap(&ConnInfo {
            id: ConnId(1),
            direction: Direction::Inbound,
            dependency: None,
            protocol: None,
            peer: None,
            target: None,
            process: None,
            opened: Timestamp(0),
        }))
    }

    fn feed(&mut self, side: Side, bytes: &[u8]) -> Flow {
        let at = Timestamp(0);
        self.0.feed(&Chunk { at, side, bytes }).expect("no failure")
    }

    fn ended(&mut self) -> Vec<Exchange> {
        let tapped = std::iter::from_fn(|| self.0.poll());
        tapped
            .filter_map(|tapped| match tapped {
                Tapped::Ended(exchange) => Some(*exchange),
                Tapped::Began { .. } => None,
            })
            .collect()
    }
}

fn body(message: &Message) -> usize {
    match message {
        Message::Raw(raw) => raw.body.len(),
        Message::Tree(tree) => panic!("described: {tree:?}"),
    }
}

#[test]
fn a_body_that_is_too_large_is_counted_and_read_past() {
    for (framing, end) in [
        (format!("Content-Length: {}", 65 * MIB), &b""[..]),
        ("Transfer-Encoding: chunked".to_owned(), b"0\r\n\r\n"),
    ] {
        let mut tap = Fed::new();
        tap.feed(Side::Client, b"GET /large HTTP/1.1\r\n\r\n");
        tap.feed(
            Side::Server,
            format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes(),
        );
        let part = vec![b'x'; MIB];
        for _ in 0..65 {
            if !end.is_empty() {
                tap.feed(Side::Server, b"100000\r\n");
            }
            tap.feed(Side::Server, &part);
            if !end.is_empty() {
                tap.feed(Side::Server, b"\r\n");
            }
        }
        tap.feed(Side::Server, &[end, b"\r\n"].concat());
        tap.feed(Side::Client, b"GET /next HTTP/1.1\r\n\r\n");
        tap.feed(
            Side::Server,
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        );
        let ended = tap.ended();
        let flaws: Vec<_> = ended.iter().map(|e| e.flaw.clone()).collect();
        assert_eq!(flaws, [Some(Flaw::TooLarge(65 << 20)), None], "{framing}");
        let bodies: Vec<_> = ended.iter().map(|e| body(&e.response)).collect();
        assert_eq!(bodies, [0, 2], "{framing}");
    }
}

#[test]
fn a_connection_holds_no_more_than_its_bound_and_holds_again_once_it_let_go() {
    let mut tap = Fed::new();
    let post = |size: usize| format!("POST / HTTP/1.1\r\nContent-Length: {size}\r\n\r\n");
    let part = vec![b'x'; 50 * MIB];
    // Three requests in the pipeline: the third would be beyond 128 MiB.
    for _ in 0..3 {
        tap.feed(Side::Client, post(part.len()).as_bytes());
        tap.feed(Side::Client, &part);
    }
    for _ in 0..3 {
        tap.feed(Side::Server, b"HTTP/1.1 204 No Content\r\n\r\n");
    }
    tap.feed(Side::Client, post(part.len()).as_bytes());
    tap.feed(Side::Client, &part);
    tap.feed(Side::Server, b"HTTP/1.1 204 No Content\r\n\r\n");
    let bodies: Vec<_> = tap.ended().iter().map(|e| body(&e.request) / MIB).collect();
    assert_eq!(bodies, [50, 50, 0, 50]);
}

#[test]
fn what_never_ends_makes_the_connection_opaque() {
    let check = |side: Side, first: &[u8], again: &[u8], reason: &'static str| {
        let mut tap = Fed::new();
        tap.feed(Side::Client, b"GET / HTTP/1.1\r\n\r\n");
        let mut flow = tap.feed(side, first);
        for _ in 0..50_000 {
            if flow != Flow::Pass {
                break;
            }
            flow = tap.feed(side, again);
        }
        assert_eq!(flow, Flow::Opaque(reason));
        // Whatever began has ended, and what follows is not read.
        assert!(!tap.ended().is_empty());
        assert_eq!(
            tap.feed(side, b"GET / HTTP/1.1\r\n\r\n"),
            Flow::Opaque(reason)
        );
        assert!(tap.ended().is_empty());
    };
    let large = "a head larger than 256 KiB";
    check(Side::Client, b"GET / HTTP/1.1\r\n", b"a: b\r\n", large);
    check(Side::Server, b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", large);
    check(
        Side::Server,
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n",
        "interim responses larger than 256 KiB",
    );
    check(
        Side::Client,
        b"\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        "more requests waiting for a response than are kept",
    );
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(
        Side::Server,
        &[chunked, &b"1;"[..]].concat(),
        b"extension",
        "a chunk extension larger than 16 KiB",
    );
    check(
        Side::Server,
        &[chunked, &b"0\r\n"[..]].concat(),
        b"a: b\r\n",
        "trailers larger than 64 KiB",
    );
}

/// A message as its sender means it, and as it goes over the wire.
#[derive(Debug, Clone)]
struct Sent {
    body: Vec<u8>,
    wire: Vec<u8>,
}

/// Messages framed in every way that does not end the connection.
fn sent(first_line: &'static str) -> impl Strategy<Value = Sent> {
    let chunk = (
        proptest::collection::vec(any::<u8>(), 1..20),
        "(;[a-z]{1,3}(=[a-z0-9]{1,3})?)?",
        0usize..3,
    );
    let chunked = (
        proptest::collection::vec(chunk, 0..4),
        "([A-Z]: [a-z]{0,5}\r\n){0,2}",
    )
        .prop_map(move |(chunks, trailers)| {
            let mut wire =
                format!("{first_line}\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
            let mut body = Vec::new();
            for (bytes, extension, zeros) in chunks {
                let zeros = "0".repeat(zeros);
                wire.extend(format!("{zeros}{:X}{extension}\r\n", bytes.len()).as_bytes());
                wire.extend(&bytes);
                wire.extend(b"\r\n");
                body.extend(bytes);
            }
            wire.extend(format!("0\r\n{trailers}\r\n").as_bytes());
            Sent { body, wire }
        });
    let length = proptest::collection::vec(any::<u8>(), 0..40).prop_map(move |body| {
        let head = format!("{first_line}\r\nContent-Length: {}\r\n\r\n", body.len());
        let wire = [head.as_bytes(), &body].concat();
        Sent { body, wire }
    });
    prop_oneof![chunked, length]
}

proptest! {
    #[test]
    fn a_pipeline_of_any_messages_is_framed_as_it_was_meant(
        exchanges in proptest::collection::vec(
            (sent("POST / HTTP/1.1"), sent("HTTP/1.1 200 OK")), 1..6),
        sizes in proptest::collection::vec(1usize..50, 1..20),
    ) {
        let wire = |of: fn(&(Sent, Sent)) -> &Sent| -> Vec<u8> {
            exchanges.iter().flat_map(|e| of(e).wire.clone()).collect()
        };
        let mut pieces = Vec::new();
        for (side, bytes) in [(Side::Client, wire(|e| &e.0)), (Side::Server, wire(|e| &e.1))] {
            let mut rest = &bytes[..];
            for size in sizes.iter().cycle() {
                let (part, after) = rest.split_at((*size).min(rest.len()));
                pieces.push(Piece { side, bytes: part.to_vec() });
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
        }
        for side in [Side::Client, Side::Server] {
            pieces.push(Piece { side, bytes: vec![] });
        }
        let run = tap(&Http1, &Transcript { pieces });
        let found: Vec<_> = run.exchanges().iter().map(|e| {
            prop_assert_eq!(&e.flaw, &None);
            let body = |message: &Message| {
                let tree = message.tree().and_then(|tree| tree.get("body"));
                tree.map(|tree| retake_wire::http1::body::to_bytes(tree).expect("a body"))
            };
            Ok((body(&e.request).unwrap_or_default(), body(&e.response).unwrap_or_default()))
        }).collect::<Result<_, TestCaseError>>()?;
        let meant: Vec<_> = exchanges.iter().map(|e| (e.0.body.clone(), e.1.body.clone())).collect();
        prop_assert_eq!(found, meant);
    }
}
