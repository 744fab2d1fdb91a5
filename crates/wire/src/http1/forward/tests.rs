use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(request: &str, to: &str, head: &str) {
    let (read, got) = super::request(request.as_bytes()).unwrap().unwrap();
    assert_eq!(read, request.len());
    assert_eq!(got.to.to_string(), to);
    assert_eq!(String::from_utf8_lossy(&got.head), head);
    assert_eq!(got.tunnel, head.is_empty());
    // The same at every split.
    for at in 0..request.len() {
        let begun = super::request(&request.as_bytes()[..at]).unwrap();
        assert!(begun.is_none(), "{at}");
    }
}

#[test]
fn an_absolute_request_becomes_one_in_origin_form() {
    check(
        "GET http://Api.example.com/a?b=1#c HTTP/1.1\r\nHost: Api.example.com\r\nProxy-Connection: keep-alive\r\nX-a:  1\r\n\r\n",
        "Api.example.com:80",
        "GET /a?b=1 HTTP/1.1\r\nHost: Api.example.com\r\nX-a:  1\r\n\r\n",
    );
    check(
        "\r\nPOST http://u:p@[::1]:8080?q HTTP/1.0\r\nhost: other\r\n folded\r\nProxy-Authorization: Basic eA==\r\nContent-Length: 3\r\n\r\n",
        "[::1]:8080",
        "POST /?q HTTP/1.0\r\nHost: [::1]:8080\r\nContent-Length: 3\r\n\r\n",
    );
    check(
        "OPTIONS http://a:8001 HTTP/1.1\n\n",
        "a:8001",
        "OPTIONS * HTTP/1.1\r\nHost: a:8001\r\n\n",
    );
}

#[test]
fn connect_asks_for_a_tunnel() {
    check(
        "CONNECT db.local:5432 HTTP/1.1\r\nHost: db.local:5432\r\nProxy-Authorization: x\r\n\r\n",
        "db.local:5432",
        "",
    );
    check("CONNECT [::1]:443 HTTP/1.1\r\n\r\n", "[::1]:443", "");
}

#[test]
fn what_cannot_be_forwarded_is_said() {
    for (request, expect) in [
        ("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "without a host"),
        ("GET https://a/ HTTP/1.1\r\n\r\n", "scheme https"),
        ("GET http:///x HTTP/1.1\r\n\r\n", "without a host"),
        ("GET http://a:99999/ HTTP/1.1\r\n\r\n", "without a host"),
        ("GET http://a b/ HTTP/1.1\r\n\r\n", "white space"),
        ("CONNECT a HTTP/1.1\r\n\r\n", "without a host and a port"),
        (
            "CONNECT a:b:1 HTTP/1.1\r\n\r\n",
            "without a host and a port",
        ),
        ("\x16\x03\x01 hello\r\n\r\n", "request line"),
        (
            "POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "content-length",
        ),
    ] {
        let error = super::request(request.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(expect), "{request}: {error}");
    }
    let endless = vec![b'a'; HEAD_LIMIT + 1];
    assert!(super::request(&endless).is_err());
}

#[test]
fn bodies_are_stepped_over_up_to_their_end() {
    let chunked = "PUT http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (_, mut put) = super::request(chunked.as_bytes()).unwrap().unwrap();
    assert!(!put.repeatable);
    assert_eq!(put.body.pass(b"3\r\nabc"), Ok((6, false)));
    assert_eq!(put.body.pass(b"\r\n0\r\n\r\nGET http"), Ok((7, true)));
    let (_, mut get) = super::request(b"GET http://a/ HTTP/1.1\r\n\r\n")
        .unwrap()
        .unwrap();
    assert!(get.repeatable && get.keep_alive);
    assert_eq!(get.body.pass(b"GET "), Ok((0, true)));
}

#[test]
fn responses_are_framed_by_their_requests() {
    let follows = |method: &str, response: &str| {
        let request = format!("{method} http://a/ HTTP/1.1\r\n\r\n");
        let (_, request) = super::request(request.as_bytes()).unwrap().unwrap();
        let (head, following) = request.answers.head(response.as_bytes()).unwrap().unwrap();
        let rest = &response.as_bytes()[head..];
        match following {
            Following::Response => "interim".to_owned(),
            Following::Anything => "anything".to_owned(),
            Following::Body { mut body, closes } => {
                let (passed, whole) = body.pass(rest).unwrap();
                format!("{passed} {whole} {} {closes}", body.may_end())
            }
        }
    };
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP";
    assert_eq!(follows("GET", ok), "2 true true false");
    assert_eq!(follows("HEAD", ok), "0 true true false");
    let open = "HTTP/1.1 200 OK\r\n\r\nab";
    assert_eq!(follows("GET", open), "2 false true true");
    let close = "HTTP/1.1 204 No Content\r\nConnection: x, Close\r\n\r\n";
    assert_eq!(follows("GET", close), "0 true true true");
    assert_eq!(follows("GET", "HTTP/1.1 100 Continue\r\n\r\n"), "interim");
    let upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(follows("GET", upgraded), "anything");
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in "(CONNECT|GET|POST) (http://|HTTP://u@)?[a-z:\\[\\]0-9/?#@]{0,20} HTTP/1.[01]\r\n(([a-zA-Z-]{1,12}: ?[a-z0-9 ,]{0,8}|Host: x|hOST:y|Proxy-Connection: z| folded|odd)\r?\n){0,4}\r\n.{0,20}", noise: Vec<u8>) {
        for bytes in [bytes.as_bytes(), &noise] {
            if let Ok(Some((read, mut request))) = super::request(bytes) {
                prop_assert!(read <= bytes.len());
                let rest = bytes.get(read..).unwrap_or_default();
                if let Ok((passed, _)) = request.body.pass(rest) {
                    prop_assert!(passed <= rest.len());
                }
                // What is sent on is a request in origin-form, to a host.
                if !request.tunnel {
                    let head = String::from_utf8_lossy(&request.head).into_owned();
                    let target = head.split(' ').nth(1).unwrap_or_default();
                    prop_assert!(target.starts_with('/') || target == "*", "{}", head);
                    let hosts = head.lines().filter(|l| l.to_ascii_lowercase().starts_with("host:"));
                    prop_assert_eq!(hosts.count(), 1, "{}", head);
                }
            }
            let get = super::request(b"GET http://a/ HTTP/1.1\r\n\r\n").unwrap().unwrap().1;
            if let Ok(Some((read, _))) = get.answers.head(bytes) {
                prop_assert!(read <= bytes.len());
            }
        }
    }
}
