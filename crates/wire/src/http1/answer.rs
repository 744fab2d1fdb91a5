//! The bytes of responses.

use retake_model::{Miss, Nearest, Value, json};

use super::framing::Method;
use super::message::{Framing, HeaderField, ResponseParts, Version, has_token, usual_reason};

/// How large the explanation of a miss may be before what differs is left out of it.
const EXPLANATION_LIMIT: usize = 64 << 10;

/// What of a request decides how its response is framed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker {
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) keep_alive: bool,
}

/// The bytes of a recorded response, and whether the connection is to be closed after them.
///
/// Headers are written as they were recorded; those that frame the message say what is really
/// sent: a body whose values were replaced may have another length.
pub(super) fn response_bytes(parts: &ResponseParts, asker: Asker) -> (Vec<u8>, bool) {
    let bodiless = matches!(parts.status, 100..200 | 204 | 304) || asker.method == Method::Head;
    let coded = has_token(&parts.headers, "transfer-encoding", "chunked");
    // A client of 1.0 cannot read chunks (RFC 9112, section 6.1).
    let chunked = !bodiless
        && asker.version == Version::Http11
        && (coded || parts.framing == Framing::Chunked);
    let until_close = !bodiless && !chunked && parts.framing == Framing::Close;

    let mut out = Vec::with_capacity(512 + parts.body.len());
    if asker.version == Version::Http11 {
        for interim in &parts.interim {
            if matches!(interim.status, 102..200) {
                let reason = usual_reason(interim.status).as_bytes();
                status_line(&mut out, Version::Http11, interim.status, reason);
                fields(&mut out, &interim.headers);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    let usual = usual_reason(parts.status).as_bytes();
    let reason = parts.reason.as_deref().unwrap_or(usual);
    status_line(&mut out, parts.version, parts.status, reason);
    let length = parts.body.len().to_string();
    let mut has_length = false;
    for (name, value) in &parts.headers {
        if bodiless {
            field(&mut out, name, value);
        } else if name.eq_ignore_ascii_case("content-length") {
            if !chunked && !until_close {
                field(&mut out, name, length.as_bytes());
                has_length = true;
            }
        } else if chunked || !coded || !name.eq_ignore_ascii_case("transfer-encoding") {
            field(&mut out, name, value);
        }
    }
    if chunked && !coded {
        field(&mut out, "transfer-encoding", b"chunked");
    }
    if !bodiless && !chunked && !until_close && !has_length {
        field(&mut out, "content-length", length.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    if chunked {
        if !parts.body.is_empty() {
            out.extend_from_slice(format!("{:x}\r\n", parts.body.len()).as_bytes());
            out.extend_from_slice(&parts.body);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"0\r\n");
        fields(&mut out, &parts.trailers);
        out.extend_from_slice(b"\r\n");
    } else if !bodiless {
        out.extend_from_slice(&parts.body);
    }
    (out, until_close || !stays_open(parts, asker))
}

/// Whether the connection stays open after a response (RFC 9112, section 9.3).
fn stays_open(parts: &ResponseParts, asker: Asker) -> bool {
    let says = |token| has_token(&parts.headers, "connection", token);
    asker.keep_alive && !says("close") && (parts.version == Version::Http11 || says("keep-alive"))
}

/// The answer to a request that no mock answers: 502, and why.
pub(super) fn miss_bytes(miss: &Miss, asker: Asker) -> Vec<u8> {
    let explanation = |nearest: Option<Value>| {
        let mut map = Value::map([
            ("error", Value::from(miss.explain())),
            ("dependency", Value::from(&*miss.to)),
            ("request", Value::from(miss.summary.as_str())),
        ]);
        if let Some(nearest) = nearest {
            map.push("nearest", nearest);
        }
        let hint = match miss.nearest {
            Some(_) => {
                "if the new request is right, record this test again; if what differs is noise, \
                 add a rule for it"
            }
            None => "if the new request is right, record this test again",
        };
        map.push("hint", hint.into());
        json::write(&map, &json::Style::default()).filter(|text| text.len() <= EXPLANATION_LIMIT)
    };
    let body = explanation(miss.nearest.as_ref().map(nearest))
        .or_else(|| explanation(None))
        .unwrap_or_default();
    gateway_bytes("x-retake-miss", "1", &body, asker)
}

/// The answer where the recorded one cannot be sent.
pub(super) fn fault_bytes(what: &str, asker: Asker) -> Vec<u8> {
    let body = Value::map(
        [
            (
                "error",
                format!("retake: the recorded answer cannot be sent: {what}"),
            ),
            (
                "hint",
                "correct the recording (see `retake lint`), or record this test again".to_owned(),
            ),
        ]
        .map(|(name, text)| (name, Value::from(text))),
    );
    let body = json::write(&body, &json::Style::default()).unwrap_or_default();
    gateway_bytes("x-retake-fault", "recording", &body, asker)
}

/// The answer to what is no request that can be read. The connection is closed after it.
pub(super) fn refusal_bytes(reason: &str) -> Vec<u8> {
    let body = format!("retake: the request cannot be read: {reason}\n");
    let mut out = Vec::new();
    status_line(&mut out, Version::Http11, 400, b"Bad Request");
    field(&mut out, "content-type", b"text/plain");
    field(
        &mut out,
        "content-length",
        body.len().to_string().as_bytes(),
    );
    field(&mut out, "connection", b"close");
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.as_bytes());
    out
}

fn gateway_bytes(mark: &str, value: &str, body: &[u8], asker: Asker) -> Vec<u8> {
    let mut out = Vec::new();
    status_line(&mut out, Version::Http11, 502, b"Bad Gateway");
    field(&mut out, "content-type", b"application/json");
    field(&mut out, mark, value.as_bytes());
    field(
        &mut out,
        "content-length",
        body.len().to_string().as_bytes(),
    );
    if !asker.keep_alive {
        field(&mut out, "connection", b"close");
    } else if asker.version == Version::Http10 {
        field(&mut out, "connection", b"keep-alive");
    }
    out.extend_from_slice(b"\r\n");
    if asker.method != Method::Head {
        out.extend_from_slice(body);
    }
    out
}

fn nearest(nearest: &Nearest) -> Value {
    let mut map = Value::Null;
    if let Some(test) = &nearest.test {
        map.push("test", test.to_string().into());
    }
    map.push("request", nearest.summary.as_str().into());
    let differs = nearest.differs.iter().map(|(path, recorded, asked)| {
        let mut difference = Value::map([("at", Value::from(path.to_string()))]);
        for (name, value) in [("recorded", recorded), ("asked", asked)] {
            if let Some(value) = value {
                difference.push(name, value.clone());
            }
        }
        difference
    });
    map.push("differs", Value::List(differs.collect()));
    map
}

fn status_line(out: &mut Vec<u8>, version: Version, status: u16, reason: &[u8]) {
    out.extend_from_slice(match version {
        Version::Http10 => b"HTTP/1.0 ",
        Version::Http11 => b"HTTP/1.1 ",
    });
    out.extend_from_slice(status.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
}

fn fields(out: &mut Vec<u8>, fields: &[HeaderField]) {
    for (name, value) in fields {
        field(out, name, value);
    }
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
