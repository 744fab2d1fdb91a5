//! What the tap reads, the responder answers: a client that says the same again, to a server that
//! only knows the exchanges, is answered the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking

use std::path::PathBuf;
use std::sync::Arc;

use retake_model::{
    Answer, Chunk, ConnId, ConnInfo, Direction, Exchange, Miss, Side, Timestamp, Value,
};
use retake_testkit::{Piece, Transcript, tap};
use retake_wire::postgres::Postgres;
use retake_wire::{Protocol, Step};

/// The identifying fields of a request.
fn identity(request: &Value) -> Vec<Option<&Value>> {
    let names = Postgres.rules().identity.iter().map(|field| field.name);
    names.map(|name| request.get(name)).collect()
}

/// Recorded exchanges, each served once; the last one of its kind again and again.
struct Recording(Vec<(Exchange, bool)>);

impl Recording {
    /// What a recorded call tells of its statement, as the comparison gives it where nobody asked
    /// for the description itself.
    fn description(&self, sql: &Value) -> Option<Answer> {
        let calls = self.0.iter().map(|(exchange, _)| exchange);
        let call = calls
            .filter(|e| e.request.tree().is_some_and(|r| r.get("sql") == Some(sql)))
            .find(|e| e.flaw.is_none())?;
        let request = call.request.tree()?;
        let params = request.get("params").and_then(Value::as_list);
        let unknown = vec![Value::Null; params.map_or(0, <[Value]>::len)];
        let types = request.get("types").cloned();
        let mut answer = Value::map([("parameters", types.unwrap_or(Value::List(unknown)))]);
        if let Some(columns) = call.response.tree()?.get("columns") {
            answer.push("columns", columns.clone());
        }
        Some(Answer::Serve(Arc::new(answer)))
    }

    fn answer(&mut self, request: &Value) -> Answer {
        let wanted = identity(request);
        let like = |e: &Exchange| e.request.tree().is_some_and(|r| identity(r) == wanted);
        let fresh = self.0.iter().position(|(e, used)| !used && like(e));
        let found = fresh.or_else(|| self.0.iter().rposition(|(e, _)| like(e)));
        let described = request
            .get("describe")
            .and_then(|sql| self.description(sql));
        match found.and_then(|n| self.0.get_mut(n)) {
            Some((exchange, used)) => {
                *used = true;
                Answer::Serve(Arc::new(exchange.response.tree().unwrap().clone()))
            }
            None => described.unwrap_or_else(|| {
                Answer::Miss(Box::new(Miss {
                    test: None,
                    to: "db".into(),
                    summary: format!("{request:?}"),
                    nearest: None,
                }))
            }),
        }
    }
}

/// The answer as its client sees it. Where it failed, a server may have come as far as its columns
/// or its tag before; a client gives its caller the error.
fn told(exchange: &Exchange) -> Value {
    let mut tree = exchange.response.tree().unwrap().clone();
    let failed = tree.get("error").is_some();
    let rows = tree.get("rows").and_then(Value::as_list);
    if failed
        && rows.is_none_or(<[Value]>::is_empty)
        && let Value::Map(fields) = &mut tree
    {
        fields.retain(|(name, _)| !["columns", "rows", "tag"].contains(&name.as_str()));
    }
    tree
}

#[track_caller]
fn check(name: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/postgres");
    let transcript = Transcript::load(&folder.join(format!("{name}.txt"))).unwrap();
    let recorded = tap(&Postgres, &transcript);
    let exchanges: Vec<Exchange> = recorded.exchanges().into_iter().cloned().collect();
    let mut recording = Recording(exchanges.iter().map(|e| (e.clone(), false)).collect());

    let mut responder = Postgres.responder(&ConnInfo {
        id: ConnId(1),
        direction: Direction::Outbound,
        dependency: Some("db".into()),
        protocol: None,
        peer: None,
        target: None,
        process: None,
        opened: Timestamp(0),
    });
    let mut pieces = Vec::new();
    for Piece { side, bytes } in &transcript.pieces {
        if *side == Side::Server {
            continue;
        }
        pieces.push(Piece {
            side: Side::Client,
            bytes: bytes.clone(),
        });
        let at = Timestamp(0);
        let side = Side::Client;
        responder.feed(&Chunk { at, side, bytes }).unwrap();
        let mut sent = Vec::new();
        while let Some(step) = responder.poll() {
            match step {
                Step::Send(bytes) => sent.extend(bytes),
                Step::Ask { request, .. } => {
                    responder.answer(&recording.answer(&request)).unwrap();
                }
                Step::StartTls | Step::Close => break,
                Step::Wait(_) | Step::GiveUp(_) => {}
            }
        }
        if !sent.is_empty() {
            let side = Side::Server;
            pieces.push(Piece { side, bytes: sent });
        }
    }
    pieces.push(Piece {
        side: Side::Server,
        bytes: Vec::new(),
    });
    let again = tap(&Postgres, &Transcript { pieces });
    let again: Vec<&Exchange> = again.exchanges();
    for (was, is) in exchanges.iter().zip(&again) {
        // The greeting is the responder's own.
        if was.request.tree().unwrap().get("startup").is_some() {
            continue;
        }
        assert_eq!(
            was.request, is.request,
            "{name}: request {} answered {:?} {:?}",
            was.index, is.response, is.flaw
        );
        assert_eq!(
            told(was),
            told(is),
            "{name}: answer {} to {:?}",
            was.index,
            was.request.tree()
        );
        assert_eq!(was.flaw, is.flaw, "{name}: flaw {}", was.index);
    }
    assert_eq!(exchanges.len(), again.len(), "{name}");
}

macro_rules! rounds {
    ($($(#[$attribute:meta])* $name:ident $file:literal;)*) => {
        $($(#[$attribute])*
        #[test]
        fn $name() {
            check($file);
        })*
    };
}

rounds! {
    psql "psql";
    psycopg3 "psycopg3";
    asyncpg "asyncpg";
    node_pg "node-pg";
    postgres_js "node-postgres";
    pgbench_simple "pgbench-simple";
    pgbench_extended "pgbench-extended";
    pgbench_prepared "pgbench-prepared";
}
