//! HTTP/1.0 and 1.1 (RFC 9110, RFC 9112).
//!
//! The tap frames messages and keeps their exact bytes; [`Protocol::describe`] reads them into
//! the trees that `docs/format.md` describes. The responder is a server of the protocol. [`body`]
//! and [`message`] are for whoever makes or sends messages by other means.
//!
//! Deliberately absent: HTTP/2, and what a connection becomes once it was upgraded or is a tunnel.

mod answer;
pub mod body;
mod describe;
mod detect;
mod framing;
mod head;
pub mod message;
mod reader;
mod responder;
mod tap;

use retake_model::{ConnInfo, Exchange, Field, FieldKind, ProtocolId, Rules};

use crate::{Detect, Protocol, Responder, Tap};

/// HTTP/1.x.
#[derive(Debug)]
pub struct Http1;

/// The name in YAML.
pub const ID: ProtocolId = ProtocolId("http");

static RULES: Rules = Rules {
    protocol: ID,
    identity: &[
        Field {
            name: "method",
            kind: FieldKind::Exact,
        },
        Field {
            name: "path",
            kind: FieldKind::Path,
        },
        Field {
            name: "body",
            kind: FieldKind::Body,
        },
    ],
    summary: &["method", "path"],
};

impl Protocol for Http1 {
    fn id(&self) -> ProtocolId {
        ID
    }

    fn detect(&self, first: &[u8], _conn: &ConnInfo) -> Detect {
        detect::detect(first)
    }

    fn tap(&self, conn: &ConnInfo) -> Box<dyn Tap> {
        Box::new(tap::HttpTap::new(conn.id))
    }

    fn responder(&self, _conn: &ConnInfo) -> Box<dyn Responder> {
        Box::new(responder::HttpResponder::new())
    }

    fn rules(&self) -> &'static Rules {
        &RULES
    }

    fn describe(&self, exchange: &mut Exchange) {
        describe::describe(exchange);
    }

    fn default_noise(&self) -> &'static [(&'static str, &'static str)] {
        DEFAULT_NOISE
    }
}

/// Documented in `docs/format.md`.
static DEFAULT_NOISE: &[(&str, &str)] = &[
    ("response.headers.date", "the clock of the server"),
    ("response.headers.content-length", "follows from the body"),
    (
        "response.headers.connection",
        "concerns one connection only",
    ),
    (
        "response.headers.keep-alive",
        "concerns one connection only",
    ),
    (
        "response.headers.transfer-encoding",
        "how the body is framed",
    ),
    ("response.framing", "how the body is framed"),
    ("response.body.encoded", "the body is compared decoded"),
    ("request.headers.host", "where the dependency is"),
    ("request.headers.date", "the clock of the client"),
    ("request.headers.content-length", "follows from the body"),
    ("request.headers.connection", "concerns one connection only"),
    ("request.headers.keep-alive", "concerns one connection only"),
    (
        "request.headers.transfer-encoding",
        "how the body is framed",
    ),
    ("request.framing", "how the body is framed"),
    ("request.body.encoded", "the body is compared decoded"),
    (
        "request.headers.traceparent",
        "a trace id of its own for each request",
    ),
    (
        "request.headers.tracestate",
        "a trace id of its own for each request",
    ),
    (
        "request.headers.x-request-id",
        "a trace id of its own for each request",
    ),
    (
        "request.headers.b3",
        "a trace id of its own for each request",
    ),
    (
        "request.headers.x-b3-traceid",
        "a trace id of its own for each request",
    ),
    (
        "request.headers.x-b3-spanid",
        "a trace id of its own for each request",
    ),
    (
        "request.headers.x-b3-parentspanid",
        "a trace id of its own for each request",
    ),
];
