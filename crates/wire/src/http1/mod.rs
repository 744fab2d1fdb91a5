//! HTTP/1.0 and 1.1 (RFC 9110, RFC 9112).
//!
//! The tap frames messages and keeps their exact bytes; [`Protocol::describe`] reads them into
//! the trees that `docs/format.md` describes. The responder is a server of the protocol. [`body`]
//! and [`message`] are for whoever makes or sends messages by other means, [`forward`] for a proxy.
//!
//! Deliberately absent: HTTP/2, and what a connection becomes once it was upgraded or is a tunnel.

mod answer;
pub mod body;
mod check;
mod describe;
mod detect;
pub mod forward;
mod framing;
mod head;
pub mod message;
mod reader;
mod reason;
mod responder;
mod tap;

use retake_model::{ConnInfo, Exchange, Fault, Field, FieldKind, ProtocolId, Rules, Value};

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

    fn check(&self, request: &mut Value, response: &mut Value) -> Vec<Fault> {
        check::check(request, response)
    }
}
