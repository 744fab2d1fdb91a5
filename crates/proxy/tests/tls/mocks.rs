//! Mock servers that speak TLS, and the client that speaks it to the service.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use retake_intercept::Listen;
use retake_model::{Answer, Call, Direction, ProtocolId, Value};
use retake_proxy::Clock;
use retake_proxy::replay::{MockListen, MockServers, Oracle, ReplayClient};
use retake_proxy::tls::Tls;
use retake_wire::{PROTOCOLS, Reading};

use crate::support::*;

/// Answers everything alike.
struct Alike;

impl Oracle for Alike {
    fn ask(&self, _call: Call, _reading: Reading) -> Answer {
        let body = Value::map([("text", "hello".into())]);
        let headers = Value::List(vec![Value::map([("content-length", "5".into())])]);
        let tree = [
            ("status", 200_i64.into()),
            ("headers", headers),
            ("body", body),
        ];
        Answer::Serve(Arc::new(Value::map(tree)))
    }
}

fn start(tls: &Arc<Tls>, protocol: Option<&'static str>, agrees: bool) -> MockServers {
    let listen = MockListen {
        listen: Listen {
            addr: "127.0.0.1:0".parse().unwrap(),
            direction: Direction::Outbound,
            dependency: Some("dep".into()),
            protocol: protocol.map(ProtocolId),
            upstream: "api.example:443".to_owned(),
            upstream_tls: false,
            serves_tls: false,
        },
        live: false,
        agrees_to_tls: agrees,
    };
    let (oracle, tls) = (Arc::new(Alike), Some(tls.clone()));
    MockServers::start_with(vec![listen], oracle, Clock::new(), tls, PROTOCOLS).unwrap()
}

#[test]
fn a_mock_answers_within_tls_by_the_name_that_is_asked_for() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    for protocol in [Some("http"), None] {
        let servers = start(&tls, protocol, true);
        let address = servers.listens()[0].addr;
        for name in ["api.example", "localhost", "127.0.0.1", "any.example"] {
            let alpn = &["h2", "http/1.1"];
            let mut client = connect(address, name, roots_of(&tls), alpn).unwrap();
            assert_eq!(client.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
            client
                .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                .unwrap();
            client.flush().unwrap();
            let mut got = String::new();
            client.read_to_string(&mut got).unwrap();
            assert!(
                got.starts_with("HTTP/1.1 200") && got.ends_with("hello"),
                "{got}"
            );
        }
    }
}

#[test]
fn postgres_agrees_to_tls_where_the_recorded_server_did() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    for (agrees, answer) in [(true, b'S'), (false, b'N')] {
        let servers = start(&tls, Some("postgres"), agrees);
        let mut socket = bounded(TcpStream::connect(servers.listens()[0].addr).unwrap());
        let mut got = [0];
        for part in [&[0, 0, 0, 8][..], &[0x04, 0xd2, 0x16, 0x2f]] {
            socket.write_all(part).unwrap();
        }
        socket.read_exact(&mut got).unwrap();
        assert_eq!(got[0], answer);
        let startup = b"\0\0\0\x10\0\x03\0\0user\0a\0\0";
        if agrees {
            let mut client = shake_hands(socket, "localhost", roots_of(&tls), &[]).unwrap();
            client.write_all(startup).unwrap();
            client.flush().unwrap();
            client.read_exact(&mut got).unwrap();
        } else {
            socket.write_all(startup).unwrap();
            socket.read_exact(&mut got).unwrap();
        }
        assert_eq!(got[0], b'R');
    }
}

#[tokio::test]
async fn tests_are_sent_to_a_service_that_serves_tls() {
    let pki = Pki::new();
    let config = pki.server_config(Leaf::Own, &["h2", "http/1.1"], false);
    let address = serve_tls(config, answer_http);
    let client = ReplayClient::new(format!("https://{address}"));
    for path in ["/a", "/b"] {
        let request = Value::map([("method", "GET".into()), ("path", path.into())]);
        let observed = client.send(&request, &[], LIMIT).await.unwrap();
        let body = observed.response.get("body").unwrap();
        let expect = format!("GET {path} HTTP/1.1");
        assert!(format!("{body:?}").contains(&expect), "{body:?}");
    }
    // Without TLS there it is a failure that says so.
    let plain = serve(|mut socket| drop(answer_http(&mut socket)));
    let client = ReplayClient::new(format!("https://{plain}"));
    let request = Value::map([("method", "GET".into()), ("path", "/".into())]);
    let error = client.send(&request, &[], Duration::from_secs(2)).await;
    assert!(error.is_err());
}
