//! The tap of HTTP/1.x: framing by RFC 9112, at every split of the input.

use retake_model::Value;
use retake_testkit::{TapEnd, TapRun, Transcript, conformance, tap};
use retake_wire::http1::Http1;

use crate::show::line;

/// The run of a conversation, written as `retake_testkit::Transcript` reads it, after it stood
/// every split, end and garbage.
fn run(conversation: &str) -> TapRun {
    let transcript = Transcript::parse(conversation).expect("a transcript");
    conformance::tap_stands(&Http1, &transcript);
    tap(&Http1, &transcript)
}

/// One line for each exchange, as [`line`] shows it.
fn check(conversation: &str, expected: &[&str]) {
    let run = run(conversation);
    assert_eq!(run.end, TapEnd::Read, "{conversation}");
    let lines: Vec<String> = run.exchanges().iter().map(|e| line(e)).collect();
    assert_eq!(lines, expected, "{conversation}");
}

/// The connection becomes opaque for that reason, after these exchanges.
fn check_opaque(conversation: &str, reason: &str, expected: &[&str]) {
    let run = run(conversation);
    let lines: Vec<String> = run.exchanges().iter().map(|e| line(e)).collect();
    assert_eq!(lines, expected, "{conversation}");
    match run.end {
        TapEnd::Opaque(found) => assert_eq!(found, reason, "{conversation}"),
        end => panic!("{end:?}: {conversation}"),
    }
}

#[test]
fn a_content_length_ends_a_body() {
    check(
        r"> POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc
< HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok
> GET /b HTTP/1.1\r\nHost: x\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        &[
            r#"POST /a body={"text":"abc"} 201 body={"text":"ok"}"#,
            "GET /b 200",
        ],
    );
    // A list of the same number (RFC 9110, section 8.6).
    check(
        r"> POST / HTTP/1.1\r\nContent-Length: 1, 1\r\nContent-Length: 1\r\n\r\na
< HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nb",
        &[r#"POST / body={"text":"a"} 200 body={"text":"b"}"#],
    );
}

#[test]
fn chunks_end_a_body_with_extensions_and_trailers() {
    check(
        r"> POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;a=b;c=\x22d\x22\r\n0123456789\r\n000\r\n\r\n
< HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\nTrailer: x\r\n\r\n1 \r\nz\r\n0;last\r\nX: 1\r\nx: 2\r\n\r\n
> GET /n HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[
            r#"POST / body={"text":"abc0123456789"} framing=chunked 200 body={"text":"z"} trailers=[{"X":"1"},{"x":"2"}] framing=chunked"#,
            "GET /n 200 framing=chunked",
        ],
    );
    // Transfer-Encoding overrides Content-Length (RFC 9112, section 6.3, rule 3).
    check(
        r"> POST / HTTP/1.1\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n
< HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 4\r\n\r\n1\r\nb\r\n0\r\n\r\n",
        &[r#"POST / body={"text":"a"} framing=chunked 200 body={"text":"b"} framing=chunked"#],
    );
}

#[test]
fn the_end_of_the_connection_ends_a_response() {
    check(
        r"> GET / HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhel
< lo",
        &[r#"GET / 200 body={"text":"hello"} framing=close"#],
    );
    check(
        r"> GET / HTTP/1.0\r\n\r\n
< HTTP/1.0 200 OK\r\n\r\nhello
<|",
        &[r#"GET / version=1.0 200 version=1.0 body={"text":"hello"} framing=close"#],
    );
    check(
        r"> GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n
< HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na
> GET /2 HTTP/1.0\r\n\r\n
< HTTP/1.0 200 OK\r\n\r\n",
        &[
            r#"GET / version=1.0 200 version=1.0 body={"text":"a"}"#,
            "GET /2 version=1.0 200 version=1.0 framing=close",
        ],
    );
    // A coding that does not end in chunked (RFC 9112, section 6.3, rule 4).
    check(
        r"> GET / HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        &[r#"GET / 200 body={"text":"hello"} framing=close"#],
    );
}

#[test]
fn some_responses_have_no_body_whatever_their_headers_say() {
    check(
        r"> HEAD /h HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n
> HEAD /c HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n
> HEAD /n HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\n\r\n
> GET /3 HTTP/1.1\r\n\r\n
< HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n
> DELETE /4 HTTP/1.1\r\n\r\n
< HTTP/1.1 204 No Content\r\n\r\n
> GET /5 HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        &[
            "HEAD /h 200",
            "HEAD /c 200",
            "HEAD /n 200",
            "GET /3 304",
            "DELETE /4 204",
            r#"GET /5 200 body={"text":"x"}"#,
        ],
    );
}

#[test]
fn interim_responses_belong_to_the_final_one() {
    check(
        r"> PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n
< HTTP/1.1 100 Continue\r\n\r\n
> ab
< HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n
> GET /2 HTTP/1.1\r\n\r\n
< HTTP/1.1 204 No Content\r\n\r\n",
        &[
            r#"PUT / body={"text":"ab"} 200 interim=[{"status":103,"headers":[{"Link":"</a>"}]}]"#,
            "GET /2 204",
        ],
    );
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    check(
        r"> GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\nPOST /3 HTTP/1.1\r\nContent-Length: 1\r\n\r\naGET /4 HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3
< HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        &[
            r#"GET /1 200 body={"text":"1"}"#,
            "HEAD /2 200",
            r#"POST /3 body={"text":"a"} 200 body={"text":"3"}"#,
            "GET /4 404",
        ],
    );
}

#[test]
fn a_response_may_come_before_its_request_has_ended() {
    check(
        r"> POST /1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nab
< HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno
> cdGET /2 HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        &[
            r#"POST /1 body={"text":"abcd"} 413 Payload Too Large body={"text":"no"}"#,
            "GET /2 200",
        ],
    );
    // To a head that is not whole, and the client gives up.
    check(
        r"> HEAD / HTTP/1.1\r\nX: y
< HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 2\r\n\r\n",
        &["HEAD / 431 Cut"],
    );
}

#[test]
fn a_response_that_nobody_asked_for_is_passed_over() {
    check(
        r"> GET /1 HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n
< HTTP/1.1 408 Request Time-out\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbye
<|
>|",
        &["GET /1 200"],
    );
    check("< HTTP/1.1 408 Request Timeout\\r\\n\\r\\n<html>", &[]);
    check(
        r"< HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nwh
> GET / HTTP/1.1\r\n\r\n
< at
< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        &["GET / 200"],
    );
}

#[test]
fn what_the_connection_cuts_is_said_to_be_cut() {
    check(
        r"> GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel
<|
>|",
        &[r#"GET /1 200 body={"text":"hel"} Cut"#, "GET /2 ? Cut"],
    );
    check(
        r"> GET /1 HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n",
        &[r#"GET /1 200 body={"text":"hel"} framing=chunked Cut"#],
    );
    check(
        "> GET /1 HTTP/1.1\\r\\n\\r\\n\n< HTTP/1.1 20",
        &["GET /1 ? Cut"],
    );
    check("> GET /1 HTTP/1.1\\r\\n\\r\\n", &["GET /1 ? Cut"]);
    check("> GET /1 HT", &["? ? Cut"]);
    check(
        r"> POST /1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel
>|
< HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        &[r#"POST /1 body={"text":"hel"} 400 Cut"#],
    );
    // A half-closed connection still gets its answer.
    check(
        r"> GET /1 HTTP/1.1\r\n\r\n
>|
< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n
<|",
        &["GET /1 200"],
    );
    // The server closes between two requests, the second is never answered.
    check(
        r"> GET /1 HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n
<|
> GET /2 HTTP/1.1\r\n\r\n
>|",
        &["GET /1 200", "GET /2 ? Cut"],
    );
}

#[test]
fn lenient_line_ends_and_empty_lines_are_read() {
    check(
        r"> \r\n\n\r\nGET /1 HTTP/1.1\nHost: x\n\nGET /2 HTTP/1.1\r\nA: b\n\r\n
< HTTP/1.1 200 OK\nContent-Length: 1\n\na
< \r\nHTTP/1.1 200\r\nTransfer-Encoding: chunked\n\n1\na\n0\nX: y\n\n",
        &[
            r#"GET /1 200 body={"text":"a"}"#,
            r#"GET /2 200  body={"text":"a"} trailers=[{"X":"y"}] framing=chunked"#,
        ],
    );
}

#[test]
fn headers_are_kept_in_order_with_case_and_repeats() {
    let run = run(
        r"> GET /caf\xc3\xa9?q=1&q= HTTP/1.1\r\nX-b:1\r\nx-A:   two words\t \r\nX-B:\r\nLong: a\r\n  b\r\n\tc\r\nL1: \xe9\r\n\r\n
< HTTP/1.1 200 Fine\r\nSet-Cookie: a\r\nDate : now\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n",
    );
    let [exchange] = run.exchanges()[..] else {
        panic!("{run:?}");
    };
    let field = |name: &str, value: Value| Value::map([(name, value)]);
    assert_eq!(
        exchange.request.tree(),
        Some(&Value::map([
            ("method", "GET".into()),
            ("path", "/café?q=1&q=".into()),
            (
                "headers",
                Value::List(vec![
                    field("X-b", "1".into()),
                    field("x-A", "two words".into()),
                    field("X-B", "".into()),
                    field("Long", "a b c".into()),
                    field("L1", Value::Bytes(vec![0xe9].into())),
                ])
            ),
        ]))
    );
    assert_eq!(
        exchange.response.tree(),
        Some(&Value::map([
            ("status", 200.into()),
            ("reason", "Fine".into()),
            (
                "headers",
                Value::List(vec![
                    field("Set-Cookie", "a".into()),
                    field("Date", "now".into()),
                    field("set-cookie", "b".into()),
                    field("Content-Length", "0".into()),
                ])
            ),
        ]))
    );
}

#[test]
fn upgrades_and_tunnels_are_not_read_on() {
    check_opaque(
        r"> GET /1 HTTP/1.1\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n
> GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n
< HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi
> \x81\x80",
        "upgraded to websocket",
        &["GET /1 200", "GET /ws 101 undecodable"],
    );
    check_opaque(
        r"> CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n
< HTTP/1.1 200 Connection established\r\n\r\n
> \x00\x01",
        "a tunnel made by CONNECT",
        &["CONNECT db:5432 200 Connection established undecodable"],
    );
    check(
        r"> CONNECT db:5432 HTTP/1.1\r\n\r\n
< HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        &[r#"CONNECT db:5432 403 body={"text":"no"}"#],
    );
    // An offer that the server does not take up.
    check(
        r"> GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n
< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        &["GET / 200"],
    );
}

#[test]
fn framing_that_servers_read_differently_is_not_guessed() {
    let request = |head: &str, reason: &str| {
        check_opaque(
            &format!("> {head}\\r\\n\\r\\nx"),
            reason,
            &["? ? undecodable"],
        );
    };
    request(
        r"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2",
        "several content-lengths that differ",
    );
    for length in ["+1", "1 1", "0x1", "", "-1", "1,", "18446744073709551616"] {
        request(
            &format!(r"POST / HTTP/1.1\r\nContent-Length: {length}"),
            "a content-length that is no number",
        );
    }
    request(
        r"POST / HTTP/1.1\r\nContent-Length:\r\n 1",
        "a folded content-length",
    );
    for coding in ["xchunked", "identity", "gzip", "chunked;q=1"] {
        request(
            &format!(r"POST / HTTP/1.1\r\nTransfer-Encoding: {coding}"),
            "a request with a transfer-encoding that does not end in chunked",
        );
    }
    request(
        r"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip",
        "a transfer-encoding that goes on after chunked",
    );
    request(
        r"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "a transfer-encoding that goes on after chunked",
    );
    request(
        r"POST / HTTP/1.0\r\nTransfer-Encoding: chunked",
        "transfer-encoding in HTTP/1.0",
    );
    request(
        r"POST / HTTP/1.1\r\nContent-Length : 1",
        "white space before the colon of a request's header",
    );
    request(
        r"GET / HTTP/1.1\r\nA: b\rC: d",
        "a bare CR or NUL in a header",
    );
    request(r"GET / HTTP/1.1\r\nA: b\0", "a bare CR or NUL in a header");
    request(
        r"GET / HTTP/1.1\r\nno colon",
        "a header line without a colon",
    );
    request(r"GET / HTTP/1.1\r\n: x", "a header name that is no token");
    request(r"GET /a b HTTP/1.1", "white space in a request target");
    for first in [
        "GET /",
        "GET / HTTP/2.0",
        "GET  HTTP/1.1",
        "G(T / HTTP/1.1",
        "\\x16\\x03\\x01",
    ] {
        request(first, "a request line that is not of HTTP/1.x");
    }
    let response = |head: &str, reason: &str| {
        check_opaque(
            &format!("> GET / HTTP/1.1\\r\\n\\r\\n\n< {head}\\r\\n\\r\\nx"),
            reason,
            &["GET / ? undecodable"],
        );
    };
    response(
        r"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2",
        "several content-lengths that differ",
    );
    response(
        r"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
        "transfer-encoding in HTTP/1.0",
    );
    for first in [
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 99 Hm",
        "HTTP/2 200",
        "+OK",
        "HTTP/1.1 2000 OK",
    ] {
        response(first, "a status line that is not of HTTP/1.x");
    }
}

#[test]
fn chunks_that_cannot_be_read_make_the_connection_opaque() {
    for (chunks, reason) in [
        (r"x\r\n", "a chunk without a size"),
        (r"1x\r\n", "a chunk size that is no number"),
        (r"\r\n", "a chunk without a size"),
        (r";a\r\n", "a chunk without a size"),
        (r"1\r\nab\r\n", "a chunk that does not end where it should"),
        (r"1\rx", "a bare CR in the line before a chunk"),
        (r"1;a\n", "a bare LF in a chunk extension"),
        (r"10000000000000000\r\n", "a chunk of 2^64 bytes or more"),
    ] {
        check_opaque(
            &format!("> POST / HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n{chunks}"),
            reason,
            &["POST / framing=chunked ? undecodable"],
        );
    }
}
