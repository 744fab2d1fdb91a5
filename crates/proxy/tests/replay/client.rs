//! The client that sends recorded requests.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use retake_model::{Blame, Value};
use retake_proxy::replay::{Observed, ReplayClient, SendError};
use socket2::SockRef;

const LIMIT: Duration = Duration::from_secs(20);

/// What a scripted service does on one connection, in order.
enum Do {
    /// Reads up to and with this text; what was read goes to the test.
    Read(&'static str),
    Write(&'static str),
    /// Tells the test that it has come here.
    Tell,
    Reset,
    /// Waits until the client closes.
    Closed,
}
use Do::{Closed, Read as R, Reset, Tell, Write as W};

struct Service {
    address: String,
    told: mpsc::Receiver<String>,
    thread: JoinHandle<()>,
}

/// A service with one script for each connection, which is closed at its script's end.
fn service(scripts: Vec<Vec<Do>>) -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        for script in scripts {
            let stream = listener.accept().unwrap().0;
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            play(stream, script, &tell);
        }
    });
    Service {
        address,
        told,
        thread,
    }
}

fn play(mut stream: TcpStream, script: Vec<Do>, tell: &mpsc::Sender<String>) {
    for step in script {
        match step {
            R(end) => {
                let mut got = Vec::new();
                while !got.ends_with(end.as_bytes()) {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    got.push(byte[0]);
                }
                tell.send(String::from_utf8(got).unwrap()).unwrap();
            }
            W(text) => stream.write_all(text.as_bytes()).unwrap(),
            Tell => tell.send("here".to_owned()).unwrap(),
            Closed => assert_eq!(stream.read(&mut [0]).unwrap(), 0),
            Reset => SockRef::from(&stream)
                .set_linger(Some(Duration::ZERO))
                .unwrap(),
        }
    }
    drop(stream);
    // The test may have ended.
    let _ = tell.send("closed".to_owned());
}

impl Service {
    fn told(&self) -> String {
        self.told.recv_timeout(LIMIT).unwrap()
    }

    /// Waits for its end: whatever it told and nobody read.
    fn end(self) -> Vec<String> {
        self.thread.join().unwrap();
        self.told.try_iter().collect()
    }
}

fn request(method: &str, body: Option<&str>, headers: &[(&str, &str)]) -> Value {
    let entry = |(name, value): &(&str, &str)| Value::map([(*name, Value::from(*value))]);
    let mut request = Value::map([("method", Value::from(method)), ("path", "/p".into())]);
    request.push("headers", Value::List(headers.iter().map(entry).collect()));
    if let Some(body) = body {
        request.push("body", Value::map([("text", body.into())]));
    }
    request
}

async fn send(client: &ReplayClient, request: Value) -> Result<Observed, SendError> {
    client.send(&request, &[], LIMIT).await
}

fn status(observed: &Observed) -> i64 {
    observed.response.get("status").unwrap().as_i64().unwrap()
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn one_connection_is_kept_and_the_tree_is_that_of_a_tap() {
    let service = service(vec![vec![
        R("\r\n\r\n"),
        W(
            "HTTP/1.1 200 Fine\r\nX-a: 1\r\nx-B: 2\r\nX-A: 3\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
        ),
        R("\r\n\r\n"),
        W("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n"),
        R("\r\n\r\n"),
        W("HTTP/1.1 204 No Content\r\n\r\n"),
        R("\r\n\r\n"),
        W("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
        R("\r\n\r\n"),
        W(OK),
    ]]);
    let client = ReplayClient::new(&service.address);
    let first = send(&client, request("GET", None, &[("Host", "x")]))
        .await
        .unwrap();
    let entry = |name: &str, value: &str| Value::map([(name, Value::from(value))]);
    let expect = Value::map([
        ("status", 200.into()),
        ("reason", "Fine".into()),
        (
            "headers",
            Value::List(vec![
                entry("X-a", "1"),
                entry("x-B", "2"),
                entry("X-A", "3"),
                entry("Content-Type", "application/json"),
                entry("Content-Length", "7"),
            ]),
        ),
        (
            "body",
            Value::map([("json", Value::map([("a", Value::from(1))]))]),
        ),
    ]);
    assert_eq!(first.response, expect);
    let chunked = send(&client, request("GET", None, &[])).await.unwrap();
    assert_eq!(
        chunked.response.get("trailers"),
        Some(&Value::List(vec![entry("X-Sum", "9")]))
    );
    assert_eq!(
        chunked.response.get("framing").unwrap().as_str(),
        Some("chunked")
    );
    for (method, code) in [("DELETE", 204), ("HEAD", 200), ("GET", 200)] {
        let observed = send(&client, request(method, None, &[])).await.unwrap();
        assert_eq!(status(&observed), code);
    }
    assert_eq!(service.told(), "GET /p HTTP/1.1\r\nHost: x\r\n\r\n");
    service.end();
}

#[tokio::test]
async fn scenario_40_a_service_that_closes_after_an_error_is_connected_to_again() {
    let service = service(vec![
        vec![R("end"), W("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")],
        vec![R("end"), W(OK)],
    ]);
    let client = ReplayClient::new(&service.address);
    let first = send(&client, request("POST", Some("1 end"), &[]))
        .await
        .unwrap();
    assert_eq!(status(&first), 500);
    let second = send(&client, request("POST", Some("2 end"), &[]))
        .await
        .unwrap();
    assert_eq!(status(&second), 200);
    assert!(service.told().ends_with("1 end"));
    assert_eq!(service.told(), "closed");
    assert!(service.told().ends_with("2 end"));
    assert_eq!(service.end(), ["closed"]);
}

#[tokio::test]
async fn a_service_that_serves_one_connection_at_a_time_is_not_kept_waiting_after_an_error() {
    let refused = "HTTP/1.1 422 Oh\r\nContent-Length: 0\r\n\r\n";
    let service = service(vec![
        vec![R("end"), W(refused), Closed],
        vec![R("end"), W(OK)],
    ]);
    let client = ReplayClient::new(&service.address);
    for expected in [422, 200] {
        let sent = send(&client, request("POST", Some("end"), &[])).await;
        assert_eq!(status(&sent.unwrap()), expected);
    }
    service.end();
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_not_used_again() {
    let service = service(vec![
        vec![R("end"), W(OK)],
        vec![
            R("end"),
            W("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
        ],
        vec![R("end"), W("HTTP/1.0 200 OK\r\n\r\nuntil the end")],
        vec![R("end"), W(OK)],
    ]);
    let client = ReplayClient::new(&service.address);
    for n in 0..4 {
        let observed = send(&client, request("POST", Some("end"), &[]))
            .await
            .unwrap();
        assert_eq!(status(&observed), 200);
        assert!(service.told().ends_with("end"));
        // The next request goes out when the service has closed for certain.
        assert_eq!(service.told(), "closed", "{n}");
    }
    service.end();
}

#[tokio::test]
async fn only_an_idempotent_request_is_sent_again_when_a_kept_connection_dies_silently() {
    for (method, again) in [("GET", true), ("POST", false)] {
        let mut scripts = vec![vec![R("end"), W(OK), R("end"), Reset]];
        if again {
            scripts.push(vec![R("end"), W(OK)]);
        }
        let service = service(scripts);
        let client = ReplayClient::new(&service.address);
        send(&client, request(method, Some("end"), &[]))
            .await
            .unwrap();
        let second = send(&client, request(method, Some("end"), &[])).await;
        match second {
            Ok(observed) => assert!(again && status(&observed) == 200),
            Err(error) => {
                assert!(!again, "{error}");
                assert!(matches!(error, SendError::Closed { .. }), "{error}");
                assert_eq!(error.blame(), Blame::App);
            }
        }
        let times = if again { 3 } else { 2 };
        let seen = service.end();
        assert_eq!(seen.iter().filter(|s| s.ends_with("end")).count(), times);
    }
}

#[tokio::test]
async fn a_service_that_crashes_is_told_by_the_closed_connection() {
    // Nobody listens any more when the idempotent request is to be sent again.
    let service = service(vec![vec![R("end"), W(OK), R("end"), Reset]]);
    let client = ReplayClient::new(&service.address);
    send(&client, request("GET", Some("end"), &[]))
        .await
        .unwrap();
    let error = send(&client, request("GET", Some("end"), &[])).await;
    let error = error.expect_err("no response");
    assert!(matches!(error, SendError::Closed { .. }), "{error}");
    service.end();
}

#[tokio::test]
async fn a_response_that_stops_in_its_middle_is_an_error_and_not_a_second_try() {
    let service = service(vec![vec![
        R("\r\n\r\n"),
        W(OK),
        R("\r\n\r\n"),
        W("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal"),
    ]]);
    let client = ReplayClient::new(&service.address);
    send(&client, request("GET", None, &[])).await.unwrap();
    let error = send(&client, request("GET", None, &[])).await.unwrap_err();
    assert!(matches!(error, SendError::Closed { .. }), "{error}");
    assert!(
        error.to_string().contains("in the middle of the response"),
        "{error}"
    );
    service.end();
}

#[tokio::test]
async fn the_body_waits_for_continue_and_a_refusal_comes_before_it() {
    let service = service(vec![vec![
        R("\r\n\r\n"),
        Tell,
        W("HTTP/1.1 100 Continue\r\n\r\n"),
        R("end"),
        W(OK),
    ]]);
    let client = ReplayClient::new(&service.address);
    let expecting = request("POST", Some("the end"), &[("Expect", "100-continue")]);
    let observed = send(&client, expecting).await.unwrap();
    assert_eq!(status(&observed), 200);
    assert!(service.told().ends_with("\r\n\r\n"));
    assert_eq!(service.told(), "here");
    assert_eq!(service.told(), "the end");
    service.end();
}

#[tokio::test]
async fn a_refusal_before_the_whole_body_was_taken_is_the_response() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = ReplayClient::new(listener.local_addr().unwrap().to_string());
    let thread = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut some = [0; 1000];
        stream.read_exact(&mut some).unwrap();
        stream
            .write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
        stream
    });
    let large = "x".repeat(50_000_000);
    let observed = send(&client, request("POST", Some(&large), &[]))
        .await
        .unwrap();
    assert_eq!(status(&observed), 413);
    drop(thread.join().unwrap());
}

#[tokio::test]
async fn errors_say_what_happened_and_how_far_it_had_come() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = ReplayClient::new(unused.local_addr().unwrap().to_string());
    drop(unused);
    let error = send(&nobody, request("GET", None, &[])).await.unwrap_err();
    assert!(matches!(error, SendError::Connect { .. }), "{error}");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = ReplayClient::new(silent.local_addr().unwrap().to_string());
    let limit = Duration::from_millis(50);
    let error = client
        .send(&request("GET", None, &[]), &[], limit)
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Timeout { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("before the first byte of a response"),
        "{error}"
    );

    let garbage = service(vec![vec![R("\r\n\r\n"), W("220 smtp ready\r\n\r\n")]]);
    let client = ReplayClient::new(&garbage.address);
    let error = send(&client, request("GET", None, &[])).await.unwrap_err();
    assert!(matches!(error, SendError::Garbage { .. }), "{error}");
    garbage.end();

    let error = send(&client, Value::map([("method", Value::from("GET"))]))
        .await
        .unwrap_err();
    assert_eq!(error.blame(), Blame::Recording);
}

#[tokio::test]
async fn several_requests_at_a_time_have_a_connection_each() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = ReplayClient::new(listener.local_addr().unwrap().to_string());
    let thread = std::thread::spawn(move || {
        // None is answered before both are there.
        let mut both: Vec<_> = (0..2).map(|_| listener.accept().unwrap().0).collect();
        for stream in &mut both {
            stream.write_all(OK.as_bytes()).unwrap();
        }
        both
    });
    let (one, two) = tokio::join!(
        send(&client, request("GET", None, &[])),
        send(&client, request("GET", None, &[])),
    );
    assert_eq!((status(&one.unwrap()), status(&two.unwrap())), (200, 200));
    thread.join().unwrap();
}
