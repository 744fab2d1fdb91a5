//! How HTTP/1.x is recognised, and which trace a request belongs to.

use retake_model::{ConnId, ConnInfo, Direction, Timestamp};
use retake_testkit::{Transcript, tap};
use retake_wire::http1::Http1;
use retake_wire::{Detect, Protocol};

#[test]
fn requests_are_recognised_by_their_first_line() {
    let conn = ConnInfo {
        id: ConnId(1),
        direction: Direction::Inbound,
        dependency: None,
        protocol: None,
        peer: None,
        target: None,
        process: None,
        opened: Timestamp(0),
    };
    let check = |first: &[u8], expected: Detect| {
        let shown = String::from_utf8_lossy(first);
        assert_eq!(Http1.detect(first, &conn), expected, "{shown}");
    };
    for yes in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET /",
        "\r\n\r\nPOST /a",
        "VERSION-CONTROL /",
        "OPTIONS * HTTP/1.1\r\n",
        "CONNECT db:5432 HTTP/1.1\r\n",
        "GET http://x",
        "X-MY_METHOD /",
    ] {
        check(yes.as_bytes(), Detect::Yes);
    }
    for more in [
        "",
        "\r",
        "G",
        "GET",
        "GET ",
        "GET htt",
        "OPTIONS *",
        "CONNECT db:54",
    ] {
        check(more.as_bytes(), Detect::NeedMore);
    }
    for no in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"GET key\r\n",
        b"get / HTTP/1.1\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"PING\r\n",
        b"EHLO example\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        b" GET / HTTP/1.1\r\n",
        b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        b"GET \0\0",
    ] {
        check(no, Detect::No);
    }
}

#[test]
fn the_trace_is_read_from_the_best_header() {
    let check = |headers: &str, expected: Option<&str>| {
        let conversation =
            format!("> GET / HTTP/1.1\\r\\n{headers}\\r\\n\n< HTTP/1.1 204 No Content\\r\\n\\r\\n");
        let Ok(transcript) = Transcript::parse(&conversation) else {
            panic!("{conversation}");
        };
        let run = tap(&Http1, &transcript);
        let trace = run.exchanges()[0].trace.clone().map(|t| t.0);
        assert_eq!(trace.as_deref(), expected, "{headers}");
    };
    let w3c = r"traceparent: 00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let id = Some("0af7651916cd43dd8448eb211c80319c");
    check("", None);
    check(w3c, id);
    check(
        &format!(r"X-Request-Id: a\r\nb3: 80f198ee56343ba8\r\n{w3c}"),
        id,
    );
    check(r"X-Request-ID: Req-1\r\n", Some("req-1"));
    check(
        r"X-Request-ID: \r\nX-B3-TraceId: 80f198ee56343ba8\r\n",
        Some("80f198ee56343ba8"),
    );
    check(
        r"b3: 80f198ee56343ba8-e457b5a2e4d86bd1-1\r\n",
        Some("80f198ee56343ba8"),
    );
    check(r"b3: 0\r\n", None);
    for bad in [
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319x-b7ad6b7169203331-01",
        "nonsense",
    ] {
        check(&format!(r"traceparent: {bad}\r\n"), None);
    }
}
