//! Scripted peers, and protocols that misbehave on purpose.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use retake_intercept::Listen;
use retake_model::{
    Chunk, ConnInfo, Direction, Exchange, Fault, Message, ProtocolId, RawMessage, Rules, Side,
    Timestamp, Value,
};
use retake_proxy::record::{Counters, Events, RecordOptions, RecordProxy, RelayEvent};
use retake_wire::{Detect, Flow, Preface, Protocol, Responder, Tap, Tapped, WireError};

/// Longer than anything here takes; reaching it fails the test.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A relay in front of one scripted server.
pub struct Rig {
    pub proxy: RecordProxy,
    pub events: Events,
    pub server: TcpListener,
}

impl Rig {
    pub fn start(protocol: Option<&'static str>, change: impl FnOnce(&mut RecordOptions)) -> Rig {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut listen = Listen::inbound(
            "127.0.0.1:0".parse().unwrap(),
            server.local_addr().unwrap().to_string(),
        );
        listen.protocol = protocol.map(ProtocolId);
        let mut options = RecordOptions {
            protocols: ODD,
            ..RecordOptions::default()
        };
        change(&mut options);
        let (proxy, events) = RecordProxy::start(vec![listen], options).unwrap();
        Rig {
            proxy,
            events,
            server,
        }
    }

    /// A client and the connection that the server has for it.
    pub fn connect(&self) -> (TcpStream, TcpStream) {
        let client = bounded(TcpStream::connect(self.proxy.listens()[0].addr).unwrap());
        let server = bounded(self.server.accept().unwrap().0);
        (client, server)
    }

    /// Ends the relay: everything that it told, and its counts.
    pub fn end(mut self) -> (Vec<RelayEvent>, Counters) {
        let counters = self.proxy.stop(LIMIT);
        let mut told = Vec::new();
        while let Some(batch) = self.events.recv(LIMIT) {
            told.extend(batch.events.into_iter().flatten());
        }
        (told, counters.into_iter().next().unwrap())
    }
}

/// Reads and writes on it fail rather than hang.
pub fn bounded(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Reads exactly as many bytes as are expected, and compares.
pub fn expect(stream: &mut TcpStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&got),
        String::from_utf8_lossy(bytes)
    );
}

/// Writes from one end, and reads it at the other.
pub fn passes(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).unwrap();
    expect(to, bytes);
}

/// Bytes that look like nothing, the same every time.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state & 0xff) as u8
        })
        .collect()
}

/// Protocols of lines whose taps fail in the ways that the name says.
pub static ODD: &[&dyn Protocol] = &[
    &Odd("lines"),
    &Odd("panics"),
    &Odd("fails"),
    &Odd("panics-at-once"),
    &Odd("declines"),
];

/// Each line of the client and the line of the server that follows it are an exchange.
pub struct Odd(&'static str);

static RULES: Rules = Rules {
    protocol: ProtocolId("lines"),
    identity: &[],
    summary: &[],
};

impl Protocol for Odd {
    fn id(&self) -> ProtocolId {
        ProtocolId(self.0)
    }
    fn detect(&self, first: &[u8], _conn: &ConnInfo) -> Detect {
        match first {
            b"l" | b"li" => Detect::NeedMore,
            [b'l', b'i', b'n', ..] if self.0 == "lines" => Detect::Yes,
            [b'!', ..] if self.0 == "panics" => panic!("detection panics on purpose"),
            _ => Detect::No,
        }
    }
    fn tap(&self, conn: &ConnInfo) -> Box<dyn Tap> {
        assert_ne!(self.0, "panics-at-once", "on purpose");
        Box::new(LineTap {
            kind: self.0,
            conn: conn.clone(),
            began: None,
            request: Vec::new(),
            response: Vec::new(),
            index: 0,
            out: Vec::new(),
        })
    }
    fn responder(&self, _conn: &ConnInfo) -> Box<dyn Responder> {
        panic!("not of use here")
    }
    fn rules(&self) -> &'static Rules {
        &RULES
    }
    fn describe(&self, _exchange: &mut Exchange) {}

    fn check(&self, _: &mut Value, _: &mut Value) -> Vec<Fault> {
        Vec::new()
    }
    fn preface(&self, first: &[u8]) -> Preface {
        match first {
            _ if self.0 != "declines" => Preface::Pass,
            [b'T', b'L', b'S', ..] => Preface::Decline {
                bytes: 3,
                reply: b"N",
                asked: "TLS",
                agreed: None,
            },
            [b'T'] | [b'T', b'L'] => Preface::NeedMore,
            _ => Preface::Pass,
        }
    }
}

struct LineTap {
    kind: &'static str,
    conn: ConnInfo,
    began: Option<Timestamp>,
    request: Vec<u8>,
    response: Vec<u8>,
    index: u64,
    out: Vec<Tapped>,
}

impl LineTap {
    fn end(&mut self, ended: Timestamp, flaw: Option<retake_model::Flaw>) {
        let raw = |bytes: &mut Vec<u8>| {
            Message::Raw(RawMessage {
                head: Bytes::from(std::mem::take(bytes)),
                ..RawMessage::default()
            })
        };
        if let Some(began) = self.began.take() {
            self.out.push(Tapped::Ended(Box::new(Exchange {
                conn: self.conn.id,
                index: self.index,
                protocol: ProtocolId("lines"),
                began,
                ended,
                request: raw(&mut self.request),
                response: raw(&mut self.response),
                trace: None,
                scope: None,
                flaw,
            })));
            self.index += 1;
        }
    }
}

impl Tap for LineTap {
    fn feed(&mut self, chunk: &Chunk<'_>) -> Result<Flow, WireError> {
        if chunk.bytes.is_empty() {
            self.end(chunk.at, Some(retake_model::Flaw::Cut));
        }
        for byte in chunk.bytes {
            assert!(self.kind != "panics" || *byte != b'!', "on purpose");
            if self.kind == "fails" && *byte == b'!' {
                return Err(WireError {
                    protocol: ProtocolId("lines"),
                    what: "an exclamation".to_owned(),
                    at: 0,
                    side: chunk.side,
                    blame: retake_model::Blame::App,
                });
            }
            match chunk.side {
                Side::Client => {
                    if self.began.is_none() {
                        self.began = Some(chunk.at);
                        self.out.push(Tapped::Began {
                            index: self.index,
                            at: chunk.at,
                        });
                    }
                    self.request.push(*byte);
                }
                Side::Server => {
                    self.response.push(*byte);
                    if *byte == b'\n' {
                        self.end(chunk.at, None);
                    }
                }
            }
        }
        Ok(Flow::Pass)
    }
    fn poll(&mut self) -> Option<Tapped> {
        (!self.out.is_empty()).then(|| self.out.remove(0))
    }
}

/// The exchanges among events: request, response, and whether they are whole.
pub fn exchanges(events: &[RelayEvent]) -> Vec<(String, String, bool)> {
    let text = |message: &Message| match message {
        Message::Raw(raw) => String::from_utf8_lossy(&raw.head).into_owned(),
        Message::Tree(tree) => format!("{tree:?}"),
    };
    events
        .iter()
        .filter_map(|event| match event {
            RelayEvent::Ended(e) => Some((text(&e.request), text(&e.response), e.flaw.is_none())),
            _ => None,
        })
        .collect()
}

/// An outbound listen of a name, for counts by dependency.
pub fn dependency(name: &str, upstream: String) -> Listen {
    Listen {
        addr: "127.0.0.1:0".parse().unwrap(),
        direction: Direction::Outbound,
        dependency: Some(name.into()),
        protocol: Some(ProtocolId("lines")),
        upstream,
        upstream_tls: false,
        serves_tls: false,
    }
}
