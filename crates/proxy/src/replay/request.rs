//! The exact bytes of a recorded request.

use std::net::IpAddr;

use retake_model::Value;
use retake_wire::http1::message::{Framing, HeaderField, RequestParts, Version, has_token, header};

use super::SendError;

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    /// The head and the body, as they are sent.
    pub(super) bytes: Vec<u8>,
    /// Bytes of the head; the body may have to wait for `100 Continue`.
    pub(super) head: usize,
    /// Whether the head asks for `100 Continue` (RFC 9110, section 10.1.1).
    pub(super) expects_continue: bool,
    /// Whether it asks for the end of the connection.
    pub(super) closes: bool,
    /// The host that it asks for, where that is a name: servers of several names ask for it within
    /// TLS too (RFC 6066, section 3).
    pub(super) host: Option<String>,
    /// Whether it may be sent again without harm (RFC 9110, section 9.2.2).
    pub(super) idempotent: bool,
}

/// Writes a request's tree. `extra` headers replace recorded ones of the same name, else they
/// are added; `content-length` is that of the body that is really sent.
pub(super) fn outgoing(request: &Value, extra: &[(String, String)]) -> Result<Outgoing, SendError> {
    let mut parts = RequestParts::from_tree(request).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        SendError::Request {
            what: format!("{error}{}", cause.unwrap_or_default()),
        }
    })?;
    for (name, value) in extra {
        put(&mut parts.headers, name, value.as_bytes());
    }
    let chunked = parts.framing == Framing::Chunked;
    if !chunked && (!parts.body.is_empty() || header(&parts.headers, "content-length").is_some()) {
        let length = parts.body.len().to_string();
        put(&mut parts.headers, "content-length", length.as_bytes());
    }
    let version = match parts.version {
        Version::Http10 => "1.0",
        Version::Http11 => "1.1",
    };
    let mut bytes = Vec::with_capacity(512 + parts.body.len());
    bytes.extend_from_slice(
        format!("{} {} HTTP/{version}\r\n", parts.method, parts.path).as_bytes(),
    );
    write_fields(&mut bytes, &parts.headers);
    let head = bytes.len();
    if chunked {
        if !parts.body.is_empty() {
            bytes.extend_from_slice(format!("{:x}\r\n", parts.body.len()).as_bytes());
            bytes.extend_from_slice(&parts.body);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n");
        write_fields(&mut bytes, &parts.trailers);
    } else {
        bytes.extend_from_slice(&parts.body);
    }
    let keeps = has_token(&parts.headers, "connection", "keep-alive");
    Ok(Outgoing {
        host: header(&parts.headers, "host").and_then(host_name),
        expects_continue: bytes.len() > head && has_token(&parts.headers, "expect", "100-continue"),
        closes: has_token(&parts.headers, "connection", "close")
            || (parts.version == Version::Http10 && !keeps),
        idempotent: ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]
            .contains(&parts.method.as_str()),
        bytes,
        head,
    })
}

/// The name of a `Host` field's value, without its port; none where it is an address.
fn host_name(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let name = text.rsplit_once(':').map_or(text, |(name, _)| name);
    let is_name = !name.is_empty() && !name.starts_with('[') && name.parse::<IpAddr>().is_err();
    is_name.then(|| name.to_ascii_lowercase())
}

/// Puts a value in place of the first field of that name, and removes the others; adds it where
/// there is none.
fn put(headers: &mut Vec<HeaderField>, name: &str, value: &[u8]) {
    let mut placed = false;
    headers.retain_mut(|(known, old)| {
        if !known.eq_ignore_ascii_case(name) {
            return true;
        }
        let first = !placed;
        if first {
            *old = value.to_vec();
            placed = true;
        }
        first
    });
    if !placed {
        headers.push((name.to_owned(), value.to_vec()));
    }
}

fn write_fields(bytes: &mut Vec<u8>, fields: &[HeaderField]) {
    for (name, value) in fields {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Value {
        let entry = |(name, value): &(&str, &str)| Value::map([(*name, Value::from(*value))]);
        Value::List(fields.iter().map(entry).collect())
    }

    #[track_caller]
    fn check(request: Value, extra: &[(&str, &str)], expect: &str) -> Outgoing {
        let extra: Vec<_> = extra
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let outgoing = outgoing(&request, &extra).unwrap();
        assert_eq!(String::from_utf8_lossy(&outgoing.bytes), expect);
        outgoing
    }

    #[test]
    fn the_head_goes_out_as_it_was_recorded() {
        let request = Value::map([
            ("method", "GET".into()),
            ("path", "/a?b=1&b=2".into()),
            (
                "headers",
                headers(&[("hOST", "x"), ("X-A", "1"), ("x-b", ""), ("X-a", "2")]),
            ),
        ]);
        let sent = check(
            request,
            &[("traceparent", "00-1")],
            "GET /a?b=1&b=2 HTTP/1.1\r\nhOST: x\r\nX-A: 1\r\nx-b: \r\nX-a: 2\r\ntraceparent: 00-1\r\n\r\n",
        );
        assert!(sent.idempotent && !sent.closes && !sent.expects_continue);
    }

    #[test]
    fn extra_headers_replace_and_the_length_is_that_of_the_body() {
        let request = Value::map([
            ("method", "POST".into()),
            ("path", "/".into()),
            ("version", "1.0".into()),
            (
                "headers",
                headers(&[
                    ("Content-Length", "99"),
                    ("TraceParent", "old"),
                    ("Expect", "100-Continue"),
                    ("traceparent", "older"),
                ]),
            ),
            ("body", Value::map([("text", "four".into())])),
        ]);
        let sent = check(
            request,
            &[("traceparent", "new")],
            "POST / HTTP/1.0\r\nContent-Length: 4\r\nTraceParent: new\r\nExpect: 100-Continue\r\n\r\nfour",
        );
        assert!(!sent.idempotent && sent.closes && sent.expects_continue);
        assert_eq!(sent.head, sent.bytes.len() - 4);
    }

    #[test]
    fn a_chunked_request_is_sent_chunked_with_its_trailers() {
        let request = Value::map([
            ("method", "PUT".into()),
            ("path", "/".into()),
            ("headers", headers(&[("transfer-encoding", "chunked")])),
            ("body", Value::map([("text", "0123456789abcdef".into())])),
            ("trailers", headers(&[("X-Sum", "1")])),
            ("framing", "chunked".into()),
        ]);
        check(
            request,
            &[],
            "PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 1\r\n\r\n",
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let error = outgoing(
            &Value::map([("method", "GET")].map(|(k, v)| (k, v.into()))),
            &[],
        );
        assert!(error.unwrap_err().to_string().contains("`path`"));
    }

    #[test]
    fn a_host_that_is_a_name_is_asked_for_within_tls() {
        for (value, expected) in [
            ("shop.example", Some("shop.example")),
            ("Shop.Example:8443", Some("shop.example")),
            ("127.0.0.1:8443", None),
            ("127.0.0.1", None),
            ("[::1]:8443", None),
            ("", None),
        ] {
            assert_eq!(host_name(value.as_bytes()).as_deref(), expected, "{value}");
        }
        assert_eq!(host_name(&[0xff]), None);
    }
}
