//! What real clients and servers said (`testdata/http1`).

use std::path::Path;
use std::sync::Arc;

use retake_model::{Answer, Exchange, Message, Side};
use retake_testkit::{Piece, TapEnd, TapRun, Transcript, conformance, serve, tap};
use retake_wire::http1::Http1;

use crate::show::line;

fn load(file: &str) -> Transcript {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/http1");
    Transcript::load(&folder.join(file)).expect("a transcript")
}

/// The exchanges of a file are these lines, whatever chunks its bytes come in; and when the
/// responder serves what the tap recorded to what the client sent, a tap records the same again.
fn check(file: &str, expected: &[&str]) {
    let transcript = load(file);
    conformance::tap_stands(&Http1, &transcript);
    let run = tap(&Http1, &transcript);
    assert_eq!(run.end, TapEnd::Read, "{file}");
    let exchanges = run.exchanges();
    let lines: Vec<String> = exchanges.iter().map(|e| line(e)).collect();
    assert_eq!(lines, expected, "{file}");

    let again = replay(&transcript, &exchanges);
    let again = again.exchanges();
    assert_eq!(again.len(), exchanges.len(), "{file}");
    for (recorded, replayed) in exchanges.iter().zip(again) {
        assert_eq!(replayed.request, recorded.request, "{file}");
        assert_eq!(replayed.response, recorded.response, "{file}");
    }
}

/// What a tap makes of a conversation between the recorded client and the responder.
fn replay(transcript: &Transcript, exchanges: &[&Exchange]) -> TapRun {
    let client = transcript.of(Side::Client);
    let mut answers = exchanges.iter().map(|e| match &e.response {
        Message::Tree(tree) => Answer::Serve(Arc::new(tree.clone())),
        Message::Raw(raw) => panic!("not described: {raw:?}"),
    });
    let served = serve(&Http1, [&client[..]].into_iter(), |_, _| {
        answers.next().expect("as many as were recorded")
    });
    let piece = |side, bytes| Piece { side, bytes };
    let pieces = vec![
        piece(Side::Client, client),
        piece(Side::Server, served.sent),
        piece(Side::Server, vec![]),
        piece(Side::Client, vec![]),
    ];
    tap(&Http1, &Transcript { pieces })
}

#[test]
fn python_requests_and_nginx() {
    check(
        "nginx-requests.txt",
        &[
            r#"GET /a.json 200 body={"json":{"hello":"world"},"style":{"spaced":true,"end":"\n"}}"#,
            r#"GET /big.txt 200 body={"text":"xxxxx<3000>","encoding":"gzip","encoded":"<49 bytes>"} framing=chunked"#,
            "GET /big.txt 304",
            r#"GET /big.txt 206 body={"text":"xxxxxxxxxx"}"#,
            r#"GET /old 301 body={"text":"<html<169>"}"#,
            "HEAD /big.txt 200",
            r#"POST /a.json body={"text":"chunk onechunk two"} framing=chunked 405 Not Allowed body={"text":"<html<157>"}"#,
        ],
    );
}

#[test]
fn python_requests_and_flask() {
    check(
        "flask-requests.txt",
        &[concat!(
            r#"POST /orders body={"json":{"sku":"A1","name":"é","qty":2,"price":1.5},"style":{"spaced":true,"ascii":true}} "#,
            r#"201 CREATED body={"json":{"got":{"name":"é","price":1.5,"qty":2,"sku":"A1"},"id":1,"name":"café"},"style":{"end":"\n","ascii":true}}"#,
        )],
    );
    check(
        "flask-requests-2.txt",
        &[concat!(
            r#"POST /form body={"form":[["a","1 2"],["b","x"],["b","y~*"],["é",""]],"style":{"raw":"~","escape":"*"}} "#,
            r#"200 body={"json":{"a":"1 2","b":"x","é":""},"style":{"end":"\n","ascii":true}}"#,
        )],
    );
    check(
        "flask-requests-3.txt",
        &[r#"GET /stream 200 body={"text":"one\ntwo\n"} framing=chunked"#],
    );
    check(
        "flask-requests-4.txt",
        &[r#"GET /missing 404 NOT FOUND body={"text":"<!doc<207>"}"#],
    );
}

#[test]
fn node_fetch_and_node() {
    check(
        "node-fetch.txt",
        &[
            r#"GET /cookies 200 body={"json":{"ok":true,"n":1.5},"style":{"indent":2}}"#,
            r#"GET /trailers 200 body={"text":"part one, part two"} trailers=[{"X-Sum":"18"}] framing=chunked"#,
            r#"PUT /f body={"form":[["a","1 2"],["b","é"]]} 200 body={"json":{"got":14,"method":"PUT"}} framing=chunked"#,
        ],
    );
    check(
        "node-fetch-2.txt",
        &[
            r#"POST /x body={"json":{"a":[1,2]}} 200 body={"json":{"got":11,"method":"POST"}} framing=chunked"#,
            "DELETE /none 204",
        ],
    );
}

#[test]
fn curl_and_node() {
    check(
        "node-curl.txt",
        &[
            r#"POST /expect body={"json":{"a":1},"style":{"spaced":true}} 200 body={"json":{"got":8,"method":"POST"}} framing=chunked"#,
            r#"GET /hints 200 body={"text":"hinted"} interim=[{"status":103,"headers":[{"Link":"</s.css>; rel=preload"}]}]"#,
            "HEAD /cookies 200",
            r#"GET /cookies 200 body={"json":{"ok":true,"n":1.5},"style":{"indent":2}}"#,
        ],
    );
}

#[test]
fn go_and_go() {
    check(
        "go-go.txt",
        &[
            r#"POST /json body={"json":{"a":1}} 201 body={"json":{"got":"{\"a\":1}","html":"<b>&"},"style":{"end":"\n","escape":"&<>"}}"#,
            r#"POST /json body={"text":"streamed"} framing=chunked 201 body={"json":{"got":"streamed","html":"<b>&"},"style":{"end":"\n","escape":"&<>"}}"#,
            r#"GET /flush 200 body={"text":"data: 0\n\ndata: 1\n\ndata: 2\n\n"} trailers=[{"X-End":"yes"}] framing=chunked"#,
            "HEAD /json 201",
        ],
    );
}

#[test]
fn curl_and_python() {
    check(
        "python-curl.txt",
        &[
            r#"GET /a.json 200 version=1.0 body={"json":{"hello":"world"},"style":{"spaced":true,"end":"\n"}}"#,
        ],
    );
}
