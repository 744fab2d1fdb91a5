//! HTTP/1.0 and 1.1 (RFC 9110, RFC 9112).

pub mod body;
mod head;
pub mod message;

use retake_model::{Chunk, ConnInfo, Exchange, Field, FieldKind, ProtocolId, Rules};

use crate::{Detect, Flow, Protocol, Responder, Step, Tap, Tapped, WireError};

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
    fn detect(&self, _first: &[u8], _conn: &ConnInfo) -> Detect {
        Detect::No
    }
    fn tap(&self, _conn: &ConnInfo) -> Box<dyn Tap> {
        Box::new(Nothing)
    }
    fn responder(&self, _conn: &ConnInfo) -> Box<dyn Responder> {
        Box::new(Nothing)
    }
    fn rules(&self) -> &'static Rules {
        &RULES
    }
    fn describe(&self, _exchange: &mut Exchange) {}
}

struct Nothing;

impl Tap for Nothing {
    fn feed(&mut self, _chunk: &Chunk<'_>) -> Result<Flow, WireError> {
        Ok(Flow::Opaque("not read yet"))
    }
    fn poll(&mut self) -> Option<Tapped> {
        None
    }
}

impl Responder for Nothing {
    fn feed(&mut self, _chunk: &Chunk<'_>) -> Result<(), WireError> {
        Ok(())
    }
    fn poll(&mut self) -> Option<Step> {
        Some(Step::Close)
    }
    fn answer(&mut self, _answer: &retake_model::Answer) -> Result<(), WireError> {
        Ok(())
    }
}
