//! The PostgreSQL tap on what real clients and servers said (`testdata/postgres`).
//!
//! Beside each transcript stands what the tap is to make of it. `RETAKE_BLESS=1` writes those
//! files anew; read the difference before it is committed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking

use std::fmt::Write as _;
use std::path::PathBuf;

use retake_model::{Exchange, Message, Side, Value};
use retake_testkit::{TapEnd, TapRun, Transcript, conformance, tap};
use retake_wire::postgres::Postgres;

macro_rules! transcripts {
    ($($name:ident $file:literal;)*) => {
        $(#[test]
        fn $name() {
            check($file);
        })*

        #[test]
        fn every_transcript_is_tested() {
            let tested = [$($file),*];
            for entry in std::fs::read_dir(folder()).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|ending| ending == "txt") {
                    let name = path.file_stem().unwrap().to_str().unwrap();
                    assert!(tested.contains(&name), "{name} is not listed");
                }
            }
        }
    };
}

transcripts! {
    psql_with_copy_and_errors "psql";
    psycopg3_with_pipelines_and_binary_values "psycopg3";
    asyncpg_with_row_limits "asyncpg";
    node_pg_with_cursors "node-pg";
    postgres_js_with_pipelined_queries "node-postgres";
    pgbench_simple "pgbench-simple";
    pgbench_extended "pgbench-extended";
    pgbench_prepared "pgbench-prepared";
    protocol_3_2_ended_by_the_server "protocol32-1";
    protocol_3_2_cancel_request "protocol32-2";
    scram_accepted "scram-1";
    scram_refused "scram-2";
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/postgres")
}

fn load(name: &str) -> Transcript {
    Transcript::load(&folder().join(format!("{name}.txt"))).unwrap()
}

#[track_caller]
fn check(name: &str) {
    let transcript = load(name);
    let found = show(&tap(&Postgres, &transcript));
    let path = folder().join(format!("{name}.exchanges"));
    if std::env::var_os("RETAKE_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((expected, found)) = expected.lines().zip(found.lines()).find(|(a, b)| a != b) {
        panic!("{name}:\nexpected {expected}\nfound    {found}");
    }
    assert_eq!(expected.lines().count(), found.lines().count(), "{name}");
    conformance::tap_stands(&Postgres, &transcript);
}

/// A run as it is read by eye: one paragraph for each exchange.
fn show(run: &TapRun) -> String {
    let mut text = String::new();
    for exchange in run.exchanges() {
        let Exchange {
            index,
            began,
            ended,
            ..
        } = exchange;
        write!(text, "{index} [{}..{}]", began.0, ended.0).unwrap();
        if let Some(scope) = exchange.scope {
            write!(text, " {scope:?}").unwrap();
        }
        if let Some(trace) = &exchange.trace {
            write!(text, " trace {}", trace.0).unwrap();
        }
        if let Some(flaw) = &exchange.flaw {
            write!(text, " {flaw:?}").unwrap();
        }
        text.push('\n');
        for (mark, message) in [("  ?", &exchange.request), ("  =", &exchange.response)] {
            let Message::Tree(Value::Map(fields)) = message else {
                panic!("no map");
            };
            for (name, value) in fields {
                writeln!(text, "{mark} {name}: {}", brief(value)).unwrap();
            }
        }
    }
    if run.end != TapEnd::Read {
        writeln!(text, "{:?}", run.end).unwrap();
    }
    text
}

fn brief(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(brief).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}: {}", brief(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

#[test]
fn no_secret_is_held_by_any_exchange() {
    for name in ["scram-1", "scram-2", "protocol32-1", "protocol32-2"] {
        let shown = show(&tap(&Postgres, &load(name)));
        for secret in ["SCRAM", "n,,n=", "r=", "p="] {
            assert!(!shown.contains(secret), "{name}: {secret}");
        }
    }
}

/// Scenario 4: recording begins while connections and prepared statements are open.
#[test]
fn scenario_04_what_was_prepared_before_is_undecodable_and_the_tap_stays_in_step() {
    let mut transcript = load("pgbench-prepared");
    // Everything before the first execution of a statement by its name alone.
    let second = transcript
        .pieces
        .iter()
        .enumerate()
        .filter(|(_, piece)| piece.side == Side::Client && piece.bytes.starts_with(b"B"))
        .map(|(number, _)| number)
        .nth(8)
        .unwrap();
    transcript.pieces.drain(..second);
    let run = tap(&Postgres, &transcript);
    conformance::in_order(&run);
    assert_eq!(run.end, TapEnd::Read);
    let exchanges = run.exchanges();
    assert!(!exchanges.is_empty());
    for exchange in exchanges {
        let flaw = format!("{:?}", exchange.flaw);
        assert!(flaw.contains("before the recording began"), "{flaw}");
    }
}
