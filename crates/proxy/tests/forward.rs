//! The forward proxy over real sockets of the loopback device, with scripted peers.

// The peers are scripted: what is not as scripted ends the test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use retake_intercept::Naming;
use retake_proxy::forward::{Chain, ForwardProxy, Recorded};
use retake_proxy::record::{Counters, Events, RecordOptions, RecordProxy, RelayEvent};
use retake_wire::protocol;

/// Longer than anything here takes; reaching it fails the test.
const LIMIT: Duration = Duration::from_secs(20);

struct Rig {
    relay: RecordProxy,
    events: Events,
    front: ForwardProxy,
}

impl Rig {
    fn start(chain: Chain) -> Rig {
        let (relay, events) = RecordProxy::start(Vec::new(), RecordOptions::default()).unwrap();
        let socket = listener();
        socket.set_nonblocking(true).unwrap();
        let at = socket.local_addr().unwrap();
        let beyond = Recorded::new(relay.adopter(), Naming::default(), chain, Vec::new(), at);
        let front = ForwardProxy::start(socket, Arc::new(beyond)).unwrap();
        Rig {
            relay,
            events,
            front,
        }
    }

    fn connect(&self) -> TcpStream {
        bounded(TcpStream::connect(self.front.addr()).unwrap())
    }

    /// Ends it: the requests that were recorded, each as `dependency METHOD path`, and the counts.
    fn end(mut self) -> (Vec<String>, Vec<Counters>) {
        drop(self.front);
        let counters = self.relay.stop(LIMIT);
        let mut names = std::collections::HashMap::new();
        let mut recorded = Vec::new();
        while let Some(batch) = self.events.recv(LIMIT) {
            for event in batch.events.into_iter().flatten() {
                match event {
                    RelayEvent::Opened(info) => {
                        names.insert(info.id, info.dependency.unwrap());
                    }
                    // A request may have met a connection that was being closed.
                    RelayEvent::Ended(mut exchange) if exchange.flaw.is_none() => {
                        protocol(exchange.protocol.0)
                            .unwrap()
                            .describe(&mut exchange);
                        let tree = exchange.request.tree().unwrap();
                        let text = |name| tree.get(name).unwrap().as_str().unwrap();
                        recorded.push(format!(
                            "{} {} {}",
                            names[&exchange.conn],
                            text("method"),
                            text("path")
                        ));
                    }
                    _ => {}
                }
            }
        }
        (recorded, counters)
    }
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn bounded(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

fn expect(stream: &mut TcpStream, bytes: &str) {
    let mut got = vec![0; bytes.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(String::from_utf8_lossy(&got), bytes);
}

fn everything(mut stream: TcpStream) -> String {
    let mut got = String::new();
    stream.read_to_string(&mut got).unwrap();
    got
}

fn answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn one_client_connection_leads_to_several_hosts() {
    let rig = Rig::start(Chain::default());
    let (one, two) = (listener(), listener());
    let (a, b) = (one.local_addr().unwrap(), two.local_addr().unwrap());
    let mut client = rig.connect();
    let mut servers: Vec<TcpStream> = Vec::new();
    for (round, (to, listener)) in [(a, &one), (b, &two), (a, &one), (b, &two)]
        .iter()
        .enumerate()
    {
        let ask = format!(
            "POST http://{to}/{round} HTTP/1.1\r\nHost: {to}\r\nContent-Length: 3\r\n\r\nabc"
        );
        client.write_all(ask.as_bytes()).unwrap();
        // The second round goes over the connections that are open.
        if round < 2 {
            servers.push(bounded(listener.accept().unwrap().0));
        }
        let server = &mut servers[round % 2];
        expect(
            server,
            &format!("POST /{round} HTTP/1.1\r\nHost: {to}\r\nContent-Length: 3\r\n\r\nabc"),
        );
        server.write_all(answer("yes").as_bytes()).unwrap();
        expect(&mut client, &answer("yes"));
    }
    drop(client);
    let (mut recorded, counters) = rig.end();
    recorded.sort();
    let mut wanted = [(a, 0), (a, 2), (b, 1), (b, 3)].map(|(to, n)| format!("{to} POST /{n}"));
    wanted.sort();
    assert_eq!(recorded, wanted);
    let counted = |c: &Counters| (c.connections, c.exchanges, c.open);
    assert_eq!(
        counters.iter().map(counted).collect::<Vec<_>>(),
        [(1, 2, 0), (1, 2, 0)]
    );
}

#[test]
fn a_response_is_passed_on_as_it_comes() {
    let rig = Rig::start(Chain::default());
    let host = listener();
    let to = host.local_addr().unwrap();
    let mut client = rig.connect();
    let ask = format!("GET http://{to}/events HTTP/1.1\r\nHost: {to}\r\n\r\n");
    client.write_all(ask.as_bytes()).unwrap();
    let mut server = bounded(host.accept().unwrap().0);
    expect(
        &mut server,
        &format!("GET /events HTTP/1.1\r\nHost: {to}\r\n\r\n"),
    );
    let mut say = |text: &str| {
        server.write_all(text.as_bytes()).unwrap();
        expect(&mut client, text);
    };
    say("HTTP/1.1 103 Early Hints\r\n\r\n");
    say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    say("5\r\nfirst\r\n");
    say("6\r\nsecond\r\n0\r\n\r\n");
    // A server may close what it kept: the next request finds a new connection.
    drop(server);
    client.write_all(ask.as_bytes()).unwrap();
    let mut server = bounded(host.accept().unwrap().0);
    expect(&mut server, "GET /events");
    server
        .write_all(b"HTTP/1.1 200 OK\r\n\r\nup to the end")
        .unwrap();
    drop(server);
    assert_eq!(everything(client), "HTTP/1.1 200 OK\r\n\r\nup to the end");
    let (recorded, _) = rig.end();
    assert_eq!(recorded.len(), 2);
}

#[test]
fn a_tunnel_is_read_like_any_connection() {
    let rig = Rig::start(Chain::default());
    let host = listener();
    let to = SocketAddr::from(([127, 0, 0, 1], host.local_addr().unwrap().port()));
    let mut client = rig.connect();
    // The first bytes of the tunnel come with the request for it.
    let early = "GET /in HTTP/1.1\r\nHost: in\r\n\r\n";
    let ask = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n{early}");
    client.write_all(ask.as_bytes()).unwrap();
    expect(&mut client, "HTTP/1.1 200 Connection established\r\n\r\n");
    let mut server = bounded(host.accept().unwrap().0);
    expect(&mut server, early);
    server.write_all(answer("in").as_bytes()).unwrap();
    expect(&mut client, &answer("in"));
    drop(client);
    let (recorded, _) = rig.end();
    assert_eq!(recorded, [format!("{to} GET /in")]);
}

#[test]
fn what_cannot_be_reached_or_forwarded_is_said() {
    let rig = Rig::start(Chain::default());
    let nobody = listener().local_addr().unwrap();
    let front = rig.front.addr();
    for (ask, status, part) in [
        (
            format!("GET http://{nobody}/ HTTP/1.1\r\n\r\n"),
            "502 Bad Gateway",
            "cannot connect to",
        ),
        (
            format!("CONNECT {nobody} HTTP/1.1\r\n\r\n"),
            "502 Bad Gateway",
            "cannot connect to",
        ),
        (
            format!("GET http://{front}/ HTTP/1.1\r\n\r\n"),
            "508",
            "this proxy itself",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "400",
            "this is a proxy",
        ),
        (
            "GET https://a/ HTTP/1.1\r\n\r\n".to_owned(),
            "501",
            "CONNECT",
        ),
    ] {
        let mut client = rig.connect();
        client.write_all(ask.as_bytes()).unwrap();
        let got = everything(client);
        assert!(
            got.starts_with(&format!("HTTP/1.1 {status}")) && got.contains(part),
            "{got}"
        );
    }
    let (_, counters) = rig.end();
    let unreachable: u64 = counters.iter().map(|c| c.unreachable).sum();
    assert_eq!(unreachable, 2);
}

#[test]
fn scenario_15_the_inner_target_is_recorded_through_a_companys_proxy() {
    let company = listener();
    let url = format!("http://me:secret@{}", company.local_addr().unwrap());
    let rig = Rig::start(Chain::new(&url, "localhost").unwrap());
    // The name is the company's to look up.
    let to = "inner.corp.invalid";
    for (ask, inner) in [
        (
            format!("GET http://{to}/a HTTP/1.1\r\nHost: {to}\r\n\r\n"),
            "80",
        ),
        (
            format!("CONNECT {to}:443 HTTP/1.1\r\nHost: {to}:443\r\n\r\n"),
            "443",
        ),
    ] {
        let mut client = rig.connect();
        client.write_all(ask.as_bytes()).unwrap();
        let mut proxy = bounded(company.accept().unwrap().0);
        expect(
            &mut proxy,
            &format!(
                "CONNECT {to}:{inner} HTTP/1.1\r\nHost: {to}:{inner}\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"
            ),
        );
        proxy
            .write_all(b"HTTP/1.1 200 OK\r\nVia: corp\r\n\r\n")
            .unwrap();
        if inner == "443" {
            expect(&mut client, "HTTP/1.1 200 Connection established\r\n\r\n");
            client
                .write_all(format!("GET /a HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes())
                .unwrap();
        }
        expect(
            &mut proxy,
            &format!("GET /a HTTP/1.1\r\nHost: {to}\r\n\r\n"),
        );
        proxy.write_all(answer("a").as_bytes()).unwrap();
        expect(&mut client, &answer("a"));
    }
    // What it refuses is refused with its own status, and with what it asks for.
    let mut client = rig.connect();
    client
        .write_all(b"CONNECT other.invalid:1 HTTP/1.1\r\n\r\n")
        .unwrap();
    let mut proxy = bounded(company.accept().unwrap().0);
    proxy
        .write_all(b"HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n")
        .unwrap();
    let got = everything(client);
    assert!(
        got.starts_with("HTTP/1.1 407 ") && got.contains("Proxy-Authenticate: Basic realm"),
        "{got}"
    );
    let (mut recorded, _) = rig.end();
    recorded.sort();
    assert_eq!(
        recorded,
        [format!("{to} GET /a"), format!("{to}:443 GET /a")]
    );
}
