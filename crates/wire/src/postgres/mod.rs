//! PostgreSQL, frontend/backend protocol 3.0 and 3.2.

mod check;
pub mod column;
pub mod encode;
pub mod frame;
pub mod meaning;
pub mod message;
mod preface;
pub mod report;
pub mod responder;
mod scram;
mod sql;
mod tap;
pub mod types;
mod unbind;

use retake_model::{ConnInfo, Exchange, Fault, Field, FieldKind, ProtocolId, Rules, Value};

use crate::{Detect, Preface, Protocol, Responder, Tap, Unbind};

/// PostgreSQL.
#[derive(Debug)]
pub struct Postgres;

/// The name in YAML.
pub const ID: ProtocolId = ProtocolId("postgres");

static RULES: Rules = Rules {
    protocol: ID,
    identity: &[
        Field {
            name: "sql",
            kind: FieldKind::Sql,
        },
        Field {
            name: "params",
            kind: FieldKind::Params,
        },
        Field {
            name: "copy",
            kind: FieldKind::Exact,
        },
        Field {
            name: "copy_failed",
            kind: FieldKind::Exact,
        },
        Field {
            name: "describe",
            kind: FieldKind::Sql,
        },
        Field {
            name: "function",
            kind: FieldKind::Exact,
        },
        Field {
            name: "aborted",
            kind: FieldKind::Exact,
        },
        Field {
            name: "listening",
            kind: FieldKind::Exact,
        },
        Field {
            name: "prepared",
            kind: FieldKind::Sql,
        },
    ],
    summary: &["sql", "describe", "function", "listening"],
};

impl Protocol for Postgres {
    fn id(&self) -> ProtocolId {
        ID
    }
    fn detect(&self, first: &[u8], _conn: &ConnInfo) -> Detect {
        preface::detect(first)
    }
    fn tap(&self, conn: &ConnInfo) -> Box<dyn Tap> {
        Box::new(tap::PostgresTap::new(conn))
    }
    fn responder(&self, conn: &ConnInfo) -> Box<dyn Responder> {
        Box::new(responder::Server::new(conn))
    }
    fn rules(&self) -> &'static Rules {
        &RULES
    }
    fn describe(&self, exchange: &mut Exchange) {
        tap::describe(exchange);
    }
    fn preface(&self, first: &[u8]) -> Preface {
        preface::preface(first)
    }
    fn unbind(&self, nonce: String) -> Option<Box<dyn Unbind>> {
        Some(Box::new(unbind::Unbound::new(nonce)))
    }
    fn check(&self, request: &mut Value, response: &mut Value) -> Vec<Fault> {
        check::check(request, response)
    }
}
