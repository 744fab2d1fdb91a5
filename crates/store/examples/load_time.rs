//! How long it takes to write and to load a set of 10,000 tests. Prints, and judges nothing:
//!
//! `cargo run --release -p retake-store --example load_time`
#![allow(clippy::expect_used)]

use std::time::Instant;

use retake_model::{Attribution, Mock, ProtocolId, Scope, SetInfo, TestCase, Timestamp, Value};
use retake_store::Store;

const TESTS: u64 = 10_000;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(folder.path().join("retake"));
    let mut writer = store.writer("large").expect("a writer");
    let begun = Instant::now();
    for n in 0..TESTS {
        writer.write_test(test(n)).expect("written");
    }
    let written = begun.elapsed();
    writer.finish(&SetInfo::default()).expect("finished");
    println!("written: {written:?}, finished: {:?}", begun.elapsed());

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 0..3 {
        let begun = Instant::now();
        let set = store.load("large").expect("read");
        println!(
            "{} tests loaded: {:?} ({cores} cores)",
            set.tests.len(),
            begun.elapsed()
        );
    }
    let begun = Instant::now();
    drop(store.writer("large").expect("a writer"));
    println!("read again to be replaced: {:?}", begun.elapsed());
}

/// A test of ordinary size: a JSON body of ten fields, three statements, one HTTP call; 3 KB.
fn test(n: u64) -> TestCase {
    let headers = [
        "host",
        "user-agent",
        "accept",
        "content-type",
        "x-request-id",
    ];
    let headers = headers.map(|name| Value::map([(name, Value::text(format!("{name} {n}")))]));
    let headers = Value::List(headers.into());
    let fields = (0..10).map(|i| {
        (
            format!("field{i}"),
            Value::text(format!("value {i} of {n}")),
        )
    });
    let json = Value::map([("json", Value::map(fields))]);
    let call = |request: Value, protocol| Mock {
        to: "db".into(),
        protocol: ProtocolId(protocol),
        scope: Scope::Test,
        by: Attribution::Alone,
        after: 1_000_000,
        took: 1_234_567,
        request,
        response: Value::map([
            (
                "columns",
                Value::List(vec!["id int8".into(), "name text".into()]),
            ),
            (
                "rows",
                Value::List(
                    (0..5_u64)
                        .map(|i| Value::List(vec![i.into(), "a name".into()]))
                        .collect(),
                ),
            ),
        ]),
        merged: 0,
    };
    let select = Value::map([
        (
            "sql",
            "select id, name from items where shop = $1 order by id".into(),
        ),
        ("params", Value::List(vec![n.into()])),
    ]);
    let post = Value::map([
        ("method", "POST".into()),
        ("path", "/charge".into()),
        ("body", json.clone()),
    ]);
    TestCase {
        name: String::new(),
        protocol: ProtocolId("http"),
        at: Timestamp(n),
        took: 12_345_678,
        trace: None,
        merged: 0,
        port: None,
        request: Value::map([
            ("method", "POST".into()),
            ("path", format!("/orders/{n}").into()),
            ("headers", headers.clone()),
            ("body", json.clone()),
        ]),
        response: Value::map([("status", 201.into()), ("headers", headers), ("body", json)]),
        calls: vec![
            call(select.clone(), "postgres"),
            call(select.clone(), "postgres"),
            call(select, "postgres"),
            call(post, "http"),
        ],
        made: Vec::new(),
        rules: Vec::new(),
    }
}
