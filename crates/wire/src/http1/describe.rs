//! Raw messages to trees.

use retake_model::{Exchange, Flaw, Message, RawMessage, TraceId};

use super::framing::{Length, Method, request_facts, response_facts};
use super::head::{Fields, end_of_head, is_target, request_line, status_line};
use super::message::{
    Framing, HeaderField, Interim, RequestParts, ResponseParts, header, usual_reason,
};

/// Turns the raw messages of an exchange into trees and finds the trace id. What cannot be read
/// stays raw, and is the exchange's flaw where it has none yet.
pub(super) fn describe(exchange: &mut Exchange) {
    let mut method = Method::Other;
    if let Message::Raw(raw) = &exchange.request {
        match request_parts(raw) {
            Ok(parts) => {
                method = Method::of(parts.method.as_bytes());
                exchange.trace = exchange.trace.take().or_else(|| trace(&parts.headers));
                exchange.request = Message::Tree(parts.to_tree());
            }
            Err(reason) => flawed(exchange, reason),
        }
    }
    if let Message::Raw(raw) = &exchange.response {
        match response_parts(raw, method) {
            Ok(parts) => exchange.response = Message::Tree(parts.to_tree()),
            Err(reason) => flawed(exchange, reason),
        }
    }
}

fn flawed(exchange: &mut Exchange, reason: &str) {
    exchange
        .flaw
        .get_or_insert_with(|| Flaw::Undecodable(reason.to_owned()));
}

/// The parts of a request as a tap keeps it.
///
/// # Errors
/// The reason why it cannot be read.
pub(super) fn request_parts(raw: &RawMessage) -> Result<RequestParts, &'static str> {
    let (line, fields) = request_line(&raw.head)?;
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned);
    let method = text(line.method).map_err(|_| "a method that is no text")?;
    let path = text(line.target).map_err(|_| "a request target that is not UTF-8")?;
    if !is_target(&method, &path) {
        return Err("a request target that is neither a path nor a URL");
    }
    Ok(RequestParts {
        method,
        path,
        version: line.version,
        headers: owned(fields)?,
        body: raw.body.to_vec(),
        trailers: owned(Fields::of(&raw.trailers))?,
        framing: framing(request_facts(&raw.head)?.length),
    })
}

/// The parts of a response as a tap keeps it: heads of interim responses stand before its own.
///
/// # Errors
/// The reason why it cannot be read.
fn response_parts(raw: &RawMessage, method: Method) -> Result<ResponseParts, &'static str> {
    let mut interim = Vec::new();
    let mut heads: &[u8] = &raw.head;
    loop {
        let end = end_of_head(heads, 0).map_err(|_| "a response without a whole head")?;
        let (head, rest) = heads.split_at_checked(end).unwrap_or((heads, &[]));
        let (line, fields) = status_line(head)?;
        if !rest.is_empty() {
            interim.push(Interim {
                status: line.status,
                headers: owned(fields)?,
            });
            heads = rest;
            continue;
        }
        let usual = line.reason == usual_reason(line.status).as_bytes();
        return Ok(ResponseParts {
            status: line.status,
            reason: (!usual).then(|| line.reason.to_vec()),
            version: line.version,
            headers: owned(fields)?,
            body: raw.body.to_vec(),
            trailers: owned(Fields::of(&raw.trailers))?,
            framing: framing(response_facts(head, method)?.length),
            interim,
        });
    }
}

fn framing(length: Length) -> Framing {
    match length {
        Length::None | Length::Exactly(_) => Framing::Usual,
        Length::Chunked => Framing::Chunked,
        Length::UntilClose => Framing::Close,
    }
}

fn owned(fields: Fields<'_>) -> Result<Vec<HeaderField>, &'static str> {
    let owned = fields.map(|field| {
        let field = field?;
        let name = std::str::from_utf8(field.name).map_err(|_| "a header name that is no text")?;
        Ok((name.to_owned(), field.unfolded()))
    });
    owned.collect()
}

/// The trace that a request says it belongs to: W3C trace context (section 3.2.2), else
/// `x-request-id`, else B3 (openzipkin/b3-propagation).
pub(super) fn trace(headers: &[HeaderField]) -> Option<TraceId> {
    let text = |name| {
        let text = std::str::from_utf8(header(headers, name)?).ok()?.trim();
        (!text.is_empty()).then(|| text.to_ascii_lowercase())
    };
    let w3c = || {
        let value = text("traceparent")?;
        let id = value.split('-').nth(1)?;
        let valid = id.len() == 32 && is_trace_id(id);
        valid.then(|| id.to_owned())
    };
    let b3 = || {
        let value = text("b3")?;
        let id = value.split('-').next()?;
        (matches!(id.len(), 16 | 32) && is_trace_id(id)).then(|| id.to_owned())
    };
    w3c()
        .or_else(|| text("x-request-id"))
        .or_else(|| text("x-b3-traceid"))
        .or_else(b3)
        .map(TraceId)
}

/// Hexadecimal digits, not all of them 0.
fn is_trace_id(id: &str) -> bool {
    id.bytes().all(|b| b.is_ascii_hexdigit()) && id.bytes().any(|b| b != b'0')
}
