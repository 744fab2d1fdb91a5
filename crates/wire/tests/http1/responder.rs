//! The server of HTTP/1.x: requests asked in order, recorded answers sent by exact bytes.

use std::sync::Arc;

use proptest::prelude::*;
use retake_model::{
    Answer, Blame, Chunk, ConnId, ConnInfo, Direction, Message, Miss, Nearest, Path, Side,
    Timestamp, Value,
};
use retake_testkit::{Piece, Served, Transcript, serve, tap};
use retake_wire::http1::Http1;
use retake_wire::http1::message::{Framing, Interim, ResponseParts, Version};
use retake_wire::{Protocol, Reading, Step};

/// A response that says which request it answers.
fn echo(request: &Value) -> Answer {
    let path = request.get("path").and_then(Value::as_str).unwrap_or("?");
    response(&ResponseParts {
        status: 200,
        headers: vec![("Content-Length".to_owned(), b"999".to_vec())],
        body: path.as_bytes().to_vec(),
        ..ResponseParts::default()
    })
}

fn response(parts: &ResponseParts) -> Answer {
    Answer::Serve(Arc::new(parts.to_tree()))
}

fn run(client: &str, answer: impl Fn(&Value) -> Answer) -> Served {
    serve(&Http1, [client.as_bytes()].into_iter(), |request, _| {
        answer(request)
    })
}

fn text(served: &Served) -> String {
    String::from_utf8_lossy(&served.sent).into_owned()
}

/// What is sent for a request when it is answered so.
fn check(client: &str, parts: &ResponseParts, expected: &str, closes: bool) {
    let served = run(client, |_| response(parts));
    assert_eq!(text(&served), expected, "{client} {parts:?}");
    assert_eq!(served.over, closes, "{client} {parts:?}");
}

const GET: &str = "GET / HTTP/1.1\r\n\r\n";

fn parts(status: u16, headers: &[(&str, &str)], body: &str) -> ResponseParts {
    let headers = headers.iter();
    ResponseParts {
        status,
        headers: headers
            .map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()))
            .collect(),
        body: body.as_bytes().to_vec(),
        ..ResponseParts::default()
    }
}

#[test]
fn headers_are_sent_as_recorded_and_the_length_as_it_is() {
    check(
        GET,
        &parts(
            201,
            &[
                ("X-b", "1"),
                ("date", "then"),
                ("Content-LENGTH", "99"),
                ("x-B", ""),
            ],
            "hello",
        ),
        "HTTP/1.1 201 Created\r\nX-b: 1\r\ndate: then\r\nContent-LENGTH: 5\r\nx-B: \r\n\r\nhello",
        false,
    );
    // A mock written by hand needs no length.
    check(
        GET,
        &parts(200, &[], "hello"),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        false,
    );
    check(
        GET,
        &parts(404, &[], ""),
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        false,
    );
    let mut fine = parts(299, &[], "");
    check(
        GET,
        &fine,
        "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n",
        false,
    );
    fine.reason = Some(b"Fine".to_vec());
    check(
        GET,
        &fine,
        "HTTP/1.1 299 Fine\r\ncontent-length: 0\r\n\r\n",
        false,
    );
}

#[test]
fn chunked_stays_chunked_with_its_trailers() {
    let mut chunked = parts(200, &[("Transfer-Encoding", "chunked")], "hello, chunked");
    chunked.framing = Framing::Chunked;
    chunked.trailers = vec![("X-Sum".to_owned(), b"7".to_vec())];
    check(
        GET,
        &chunked,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\nhello, chunked\r\n0\r\nX-Sum: 7\r\n\r\n",
        false,
    );
    // A client of 1.0 cannot read chunks.
    check(
        "GET / HTTP/1.0\r\n\r\n",
        &chunked,
        "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\nhello, chunked",
        true,
    );
    check(
        "HEAD / HTTP/1.1\r\n\r\n",
        &chunked,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        false,
    );
    chunked.body.clear();
    chunked.trailers.clear();
    check(
        GET,
        &chunked,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        false,
    );
}

#[test]
fn responses_without_a_body_keep_their_headers() {
    let length = [("content-length", "5")];
    check(
        "HEAD / HTTP/1.1\r\n\r\n",
        &parts(200, &length, ""),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
        false,
    );
    check(
        GET,
        &parts(304, &length, ""),
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
        false,
    );
    check(
        GET,
        &parts(204, &[], ""),
        "HTTP/1.1 204 No Content\r\n\r\n",
        false,
    );
}

#[test]
fn the_connection_closes_where_either_side_says_so() {
    let ok = parts(200, &[("content-length", "0")], "");
    let plain = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    check(
        "GET / HTTP/1.1\r\nConnection: Close\r\n\r\n",
        &ok,
        plain,
        true,
    );
    check(
        "GET / HTTP/1.1\r\nConnection: x, close\r\n\r\n",
        &ok,
        plain,
        true,
    );
    check("GET / HTTP/1.0\r\n\r\n", &ok, plain, true);
    check(
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        &ok,
        plain,
        false,
    );
    let close = parts(200, &[("connection", "close"), ("content-length", "0")], "");
    let sent = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    check(GET, &close, sent, true);
    let mut until = parts(200, &[], "all of it");
    until.framing = Framing::Close;
    check(GET, &until, "HTTP/1.1 200 OK\r\n\r\nall of it", true);
    let mut old = ok;
    old.version = Version::Http10;
    check(
        GET,
        &old,
        "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        true,
    );
}

#[test]
fn interim_responses_are_sent_to_who_knows_them() {
    let mut hints = parts(204, &[], "");
    hints.interim = vec![Interim {
        status: 103,
        headers: vec![("Link".to_owned(), b"</a>".to_vec())],
    }];
    check(
        GET,
        &hints,
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        false,
    );
    check(
        "GET / HTTP/1.0\r\n\r\n",
        &hints,
        "HTTP/1.1 204 No Content\r\n\r\n",
        true,
    );
}

#[test]
fn pipelined_requests_are_asked_and_answered_in_order_at_every_split() {
    let client = "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\ncontent-length: 3\r\nTraceparent: \
                  00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\nabc\r\n\
                  POST /3 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n";
    let answer = |n: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/{n}");
    let expected = answer(1) + &answer(2) + &answer(3);
    let whole = run(client, echo);
    assert_eq!(text(&whole), expected);
    let trace = whole.asked[1].1.as_ref().map(|t| t.0.as_str());
    assert_eq!(trace, Some("0af7651916cd43dd8448eb211c80319c"));
    assert!(
        whole
            .asked
            .iter()
            .all(|(_, _, reading)| *reading == Reading::Call)
    );
    for at in 0..client.len() {
        let (a, b) = client.as_bytes().split_at(at);
        let chunks = [a, b].into_iter().filter(|c| !c.is_empty());
        let split = serve(&Http1, chunks, |request, _| echo(request));
        assert_eq!(split, whole, "split at byte {at}");
    }
    let bytes = client.as_bytes().chunks(1);
    assert_eq!(serve(&Http1, bytes, |request, _| echo(request)), whole);
}

#[test]
fn a_request_is_asked_in_the_form_in_which_a_tap_records_it() {
    let client = "POST /a?b=1 HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\": 10}";
    let served = run(client, echo);
    let transcript = Transcript {
        pieces: vec![
            Piece {
                side: Side::Client,
                bytes: client.into(),
            },
            Piece {
                side: Side::Server,
                bytes: served.sent.clone(),
            },
            Piece {
                side: Side::Client,
                bytes: vec![],
            },
            Piece {
                side: Side::Server,
                bytes: vec![],
            },
        ],
    };
    let run = tap(&Http1, &transcript);
    assert_eq!(
        run.exchanges()[0].request,
        Message::Tree(served.asked[0].0.clone())
    );
}

#[test]
fn a_client_that_expects_100_continue_gets_it_once_it_is_its_turn() {
    let head = b"PUT / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n/";
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let sent = |chunks: &[&[u8]]| {
        text(&serve(&Http1, chunks.iter().copied(), |request, _| {
            echo(request)
        }))
    };
    assert_eq!(sent(&[head]), go_on);
    assert_eq!(sent(&[head, b"a", b"b"]), format!("{go_on}{ok}"));
    // It did not wait.
    assert_eq!(sent(&[&[&head[..], b"a"].concat(), b"b"]), ok);
    // An earlier request is answered first.
    assert_eq!(
        sent(&[&[GET.as_bytes(), head].concat(), b"ab"]),
        format!("{ok}{go_on}{ok}")
    );
    // A client of 1.0 does not know it.
    let old = String::from_utf8_lossy(head).replace("1.1", "1.0");
    assert_eq!(sent(&[old.as_bytes()]), "");
}

#[test]
fn a_miss_is_explained_and_the_connection_goes_on() {
    let miss = Miss {
        test: None,
        to: "payments".into(),
        summary: "GET /charge?amount=2".to_owned(),
        nearest: Some(Nearest {
            test: None,
            summary: "GET /charge?amount=1".to_owned(),
            differs: vec![(
                Path::root().key("path").key("amount"),
                Some("1".into()),
                Some("2".into()),
            )],
        }),
    };
    let answer = |request: &Value| match request.get("path").and_then(Value::as_str) {
        Some("/miss") => Answer::Miss(Box::new(miss.clone())),
        _ => echo(request),
    };
    let served = run(
        "GET /miss HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n\r\n",
        answer,
    );
    let sent = text(&served);
    let (head, rest) = sent.split_once("\r\n\r\n").expect("a head");
    assert!(
        head.starts_with(
            "HTTP/1.1 502 Bad Gateway\r\ncontent-type: application/json\r\nx-retake-miss: 1\r\n"
        ),
        "{head}"
    );
    assert!(
        rest.starts_with(
            "{\"error\":\"retake: no recorded answer of payments for GET /charge?amount=2; \
             the nearest recorded request is GET /charge?amount=1, which differs at path.amount: \
             recorded \\\"1\\\", asked \\\"2\\\"\",\"dependency\":\"payments\",\
             \"request\":\"GET /charge?amount=2\",\"nearest\":{\"request\":\"GET /charge?amount=1\",\
             \"differs\":[{\"at\":\"path.amount\",\"recorded\":\"1\",\"asked\":\"2\"}]},\"hint\":\""
        ),
        "{rest}"
    );
    assert!(
        rest.ends_with("}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n/next"),
        "{rest}"
    );
    assert!(!served.over);
    let head = text(&run("HEAD /miss HTTP/1.1\r\n\r\n", answer));
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn an_answer_of_another_form_is_the_recordings_fault_and_the_connection_goes_on() {
    for tree in [
        Value::Null,
        Value::map([("status", Value::from(20))]),
        Value::map([("status", 200.into()), ("body", Value::from("x"))]),
        Value::map([
            ("status", 200.into()),
            (
                "headers",
                Value::List(vec![Value::map([("a", Value::from("b\r\nc: d"))])]),
            ),
        ]),
        Value::map([
            ("status", 200.into()),
            ("reason", Value::from("OK\r\nx: y")),
        ]),
    ] {
        let mut responder = Http1.responder(&connection());
        feed(&mut *responder, GET.as_bytes()).expect("a request");
        assert!(matches!(responder.poll(), Some(Step::Ask { .. })));
        let error = responder
            .answer(&Answer::Serve(Arc::new(tree)))
            .expect_err("no response");
        assert_eq!(error.blame, Blame::Recording);
        let Some(Step::Send(sent)) = responder.poll() else {
            panic!("nothing sent");
        };
        let sent = String::from_utf8_lossy(&sent).into_owned();
        assert!(sent.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{sent}");
        assert!(
            sent.contains("the recorded answer cannot be sent: not an HTTP message"),
            "{sent}"
        );
        feed(&mut *responder, GET.as_bytes()).expect("a request");
        assert!(matches!(responder.poll(), Some(Step::Ask { .. })));
    }
}

#[test]
fn what_is_no_request_is_refused_after_what_came_before_it() {
    let mut responder = Http1.responder(&connection());
    let error = feed(&mut *responder, b"GET /1 HTTP/1.1\r\n\r\nnonsense\r\n\r\n").expect_err("bad");
    assert_eq!(error.blame, Blame::App);
    let Some(Step::Ask { request, .. }) = responder.poll() else {
        panic!("not asked");
    };
    assert_eq!(responder.poll(), None);
    responder.answer(&echo(&request)).expect("a response");
    assert!(matches!(responder.poll(), Some(Step::Send(sent)) if sent.ends_with(b"/1")));
    let Some(Step::Send(sent)) = responder.poll() else {
        panic!("nothing sent");
    };
    assert!(sent.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    assert_eq!(responder.poll(), Some(Step::Close));
    assert_eq!(responder.poll(), None);
}

#[test]
fn the_connection_closes_after_the_client_did() {
    let mut responder = Http1.responder(&connection());
    feed(&mut *responder, GET.as_bytes()).expect("a request");
    feed(&mut *responder, b"").expect("the end");
    let Some(Step::Ask { request, .. }) = responder.poll() else {
        panic!("not asked");
    };
    responder.answer(&echo(&request)).expect("a response");
    assert!(matches!(responder.poll(), Some(Step::Send(_))));
    assert_eq!(responder.poll(), Some(Step::Close));
}

fn feed(
    responder: &mut dyn retake_wire::Responder,
    bytes: &[u8],
) -> Result<(), retake_wire::WireError> {
    responder.feed(&Chunk {
        at: Timestamp(0),
        side: Side::Client,
        bytes,
    })
}

fn connection() -> ConnInfo {
    ConnInfo {
        id: ConnId(1),
        direction: Direction::Outbound,
        dependency: Some("payments".into()),
        protocol: None,
        peer: None,
        target: None,
        process: None,
        opened: Timestamp(0),
    }
}

fn recorded() -> impl Strategy<Value = ResponseParts> {
    let name = "[A-Za-z][a-z-]{0,8}".prop_filter("headers of framing are made", |name| {
        !["connection", "trailer"].contains(&name.as_str())
    });
    let fields = proptest::collection::vec(
        (
            name,
            "([!-~é]([ -~]{0,8}[!-~])?)?".prop_map(String::into_bytes),
        ),
        0..4,
    );
    (
        prop_oneof![Just(200u16), Just(201), Just(404), Just(500), Just(299)],
        proptest::option::of("[a-zA-Z ]{0,10}"),
        fields.clone(),
        proptest::collection::vec(any::<u8>(), 0..40),
        0..3,
        fields,
        any::<bool>(),
    )
        .prop_map(
            |(status, reason, mut headers, body, framing, trailers, early)| {
                let framing = match framing {
                    0 => Framing::Usual,
                    1 => Framing::Chunked,
                    _ => Framing::Close,
                };
                let frame = match framing {
                    Framing::Usual => Some(("Content-Length", body.len().to_string())),
                    Framing::Chunked => Some(("Transfer-Encoding", "chunked".to_owned())),
                    Framing::Close => None,
                };
                if let Some((name, value)) = frame {
                    let at = headers.len() / 2;
                    headers.insert(at, (name.to_owned(), value.into_bytes()));
                }
                let interim = early.then(|| Interim {
                    status: 103,
                    headers: headers.clone(),
                });
                ResponseParts {
                    status,
                    reason: reason.map(String::into_bytes),
                    version: Version::Http11,
                    headers,
                    body,
                    trailers: if framing == Framing::Chunked {
                        trailers
                    } else {
                        vec![]
                    },
                    framing,
                    interim: interim.into_iter().collect(),
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_served_is_what_was_recorded(parts in recorded()) {
        let tree = parts.to_tree();
        let served = run(GET, |_| Answer::Serve(Arc::new(tree.clone())));
        let transcript = Transcript {
            pieces: vec![
                Piece { side: Side::Client, bytes: GET.into() },
                Piece { side: Side::Server, bytes: served.sent },
                Piece { side: Side::Server, bytes: vec![] },
                Piece { side: Side::Client, bytes: vec![] },
            ],
        };
        let run = tap(&Http1, &transcript);
        let exchanges = run.exchanges();
        prop_assert_eq!(exchanges.len(), 1);
        prop_assert_eq!(&exchanges[0].flaw, &None);
        prop_assert_eq!(&exchanges[0].response, &Message::Tree(tree));
    }

    #[test]
    fn garbage_does_not_panic(
        client in "(GET|PUT|HEAD| |/|HTTP/1\\.[01]|\r\n|\n|[a-zA-Z-]{1,5}:|content-length: ?[0-9]{1,3}|transfer-encoding: chunked|[0-9a-f]{1,2}|;|.){0,40}",
        size in 1usize..20,
    ) {
        serve(&Http1, client.as_bytes().chunks(size), |request, _| echo(request));
    }
}
