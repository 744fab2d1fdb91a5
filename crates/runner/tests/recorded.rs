//! What retake records has nothing wrong: whoever lints it is told nothing, and it is read back as
//! it was written.
#![allow(clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use retake_compare::made::{Known, find_made};
use retake_model::{
    Attribution, DependencyInfo, Exchange, Ledger, Mock, Scope, SetInfo, Side, TestCase, Timestamp,
    Value,
};
use retake_store::{Store, lint};
use retake_testkit::{Piece, Transcript, tap};
use retake_wire::http1::Http1;
use retake_wire::postgres::Postgres;
use retake_wire::{PROTOCOLS, Protocol};

/// When everything was recorded: a moment that looks like one of the values.
const AT: Timestamp = Timestamp(1_772_360_430_000_000_000);

/// The exchanges of a conversation that are kept.
fn exchanges(protocol: &dyn Protocol, transcript: &Transcript) -> Vec<Exchange> {
    let run = tap(protocol, transcript);
    let whole = run.exchanges().into_iter();
    let whole = whole.filter(|exchange| exchange.flaw.is_none());
    whole.cloned().collect()
}

fn mock(exchange: &Exchange) -> Option<Mock> {
    Some(Mock {
        to: exchange.protocol.0.into(),
        protocol: exchange.protocol,
        scope: exchange.scope.unwrap_or(Scope::Test),
        by: Attribution::Alone,
        after: 1,
        took: 1,
        request: exchange.request.tree()?.clone(),
        response: exchange.response.tree()?.clone(),
        merged: 0,
    })
}

fn test(exchange: &Exchange, calls: Vec<Mock>) -> Option<TestCase> {
    let mut test = TestCase {
        name: String::new(),
        protocol: exchange.protocol,
        at: AT,
        took: 2,
        trace: exchange.trace.clone(),
        merged: 0,
        port: None,
        request: exchange.request.tree()?.clone(),
        response: exchange.response.tree()?.clone(),
        calls,
        made: Vec::new(),
        rules: Vec::new(),
    };
    test.made = find_made(&test, &mut Known::new());
    Some(test)
}

/// Records, lints and reads.
fn check(tests: Vec<TestCase>, shared: &[Mock]) {
    let folder = tempfile::tempdir().expect("a folder");
    let store: Store = retake_runner::store(folder.path().join("retake"));
    let mut writer = store.writer("shop").expect("a writer");
    let mut written = Vec::new();
    for mut test in tests {
        test.name = writer.write_test(test.clone()).expect("written");
        written.push(test);
    }
    writer
        .write_shared(1, &shared.iter().collect())
        .expect("written");
    let dependencies = PROTOCOLS.iter().map(|protocol| DependencyInfo {
        name: protocol.id().0.into(),
        protocol: Some(protocol.id()),
        ..DependencyInfo::default()
    });
    let about = SetInfo {
        dependencies: dependencies.collect(),
        ledger: Some(Ledger::default()),
        ..SetInfo::default()
    };
    writer.finish(&about).expect("finished");
    let report = lint(&[], &store);
    assert!(report.diagnostics.is_empty(), "{}", report.to_text());
    let mut set = store.load("shop").expect("it is read");
    let by_name = |a: &TestCase, b: &TestCase| a.name.cmp(&b.name);
    set.tests.sort_by(by_name);
    written.sort_by(by_name);
    assert_eq!(set.tests, written);
    assert_eq!(set.shared, shared);
}

#[test]
fn what_real_clients_said_has_nothing_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    for protocol in [&Http1 as &dyn Protocol, &Postgres] {
        let name = match protocol.id().0 {
            "http" => "http1",
            other => other,
        };
        let files = std::fs::read_dir(folder.join(name)).expect("transcripts");
        let paths = files.map(|file| file.expect("a file").path());
        let mut tests = Vec::new();
        let mut calls = Vec::new();
        for path in paths.filter(|path| path.extension().is_some_and(|e| e == "txt")) {
            let transcript = Transcript::load(&path).expect("a transcript");
            let all = exchanges(protocol, &transcript);
            let mocks: Vec<Mock> = all.iter().filter_map(mock).collect();
            if protocol.id().0 == "http" {
                tests.extend(all.iter().filter_map(|e| test(e, mocks.clone())));
            }
            calls.extend(mocks);
        }
        assert!(calls.len() > 10, "{name}");
        check(tests, &calls);
    }
}

/// A message with these headers and this body, as it is sent.
fn message(first: &str, headers: &[(String, Vec<u8>)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{first}\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let name = "x-[a-zA-Z0-9.#_-]{1,8}";
    let value = prop::collection::vec(
        prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff, Just(b'\t')],
        0..20,
    );
    let kind = prop_oneof![
        Just("application/json"),
        Just("application/x-www-form-urlencoded"),
        Just("text/xml"),
        Just("image/png"),
    ];
    let kind = kind.prop_map(|kind| ("content-type".to_owned(), kind.into()));
    (prop::collection::vec((name, value), 0..4), kind).prop_map(|(mut all, kind)| {
        all.push(kind);
        all
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let id = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}";
    let leaf = prop_oneof![
        id.prop_map(|id| format!("\"{id}\"")),
        Just("1772360431".to_owned()),
        Just("\"2026-03-01T10:20:31Z\"".to_owned()),
        "-?[1-9][0-9]{0,20}(\\.[0-9]{1,4})?".prop_map(String::from),
        "\"[ -!#-\\[\\]-~é]{0,12}\"".prop_map(String::from),
        Just("null".to_owned()),
    ];
    let name = prop_oneof![
        "[a-z. ]{0,6}".prop_map(String::from),
        id.prop_map(String::from)
    ];
    let json = leaf.prop_recursive(4, 24, 4, move |inner| {
        let fields = prop::collection::vec((name.clone(), inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(","))),
            fields.prop_map(|all| {
                let all = all
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{value}"));
                format!("{{{}}}", all.collect::<Vec<_>>().join(","))
            }),
        ]
    });
    prop_oneof![
        json.prop_map(String::into_bytes),
        any::<Vec<u8>>(),
        "([a-z%20é+]{1,4}=[a-z%20]{0,4}&){0,3}a=b".prop_map(String::into_bytes),
        Just(Vec::new()),
    ]
}

#[test]
fn whatever_http_says_is_recorded_right() {
    let target = prop_oneof![
        "/[!-~é]{0,20}",
        Just("*".to_owned()),
        "http://[a-z]{1,5}/[!-~]{0,9}"
    ];
    let asked = ("[A-Z!#$%&'*+.^_`|~-]{1,8}", target, headers(), body());
    let answered = (200_u16..600, "[ -~é]{0,12}", headers(), body());
    let strategy = prop::collection::vec((asked, answered), 1..4);
    let config = Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&strategy, |all| {
            let mut transcript = Transcript::default();
            for ((method, target, head, body), (status, reason, headers, answer)) in &all {
                let pieces = [
                    (
                        Side::Client,
                        message(&format!("{method} {target} HTTP/1.1"), head, body),
                    ),
                    (
                        Side::Server,
                        message(&format!("HTTP/1.1 {status} {reason}"), headers, answer),
                    ),
                ];
                let pieces = pieces.map(|(side, bytes)| Piece { side, bytes });
                transcript.pieces.extend(pieces);
            }
            let all = exchanges(&Http1, &transcript);
            let calls: Vec<Mock> = all.iter().filter_map(mock).collect();
            let tests = all.iter().filter_map(|e| test(e, calls.clone()));
            check(tests.collect(), &[]);
            Ok(())
        })
        .expect("nothing is wrong");
}

/// A value deep in a body has a long place.
#[test]
fn values_that_stand_deep_have_a_place_that_can_be_read() {
    let id = Value::from("7f3c1a2b-0000-4000-8000-0123456789ab");
    let deep = (0..200).fold(id, |inner, _| Value::map([("in", inner)]));
    let transcript = Transcript {
        pieces: vec![
            Piece {
                side: Side::Client,
                bytes: message("GET / HTTP/1.1", &[], b""),
            },
            Piece {
                side: Side::Server,
                bytes: message("HTTP/1.1 200 OK", &[], b"x"),
            },
        ],
    };
    let exchanges = exchanges(&Http1, &transcript);
    let mut test = test(exchanges.first().expect("one"), Vec::new()).expect("a test");
    *test.response.get_mut("body").expect("a body") = Value::map([("json", deep)]);
    test.made = find_made(&test, &mut Known::new());
    assert_eq!(test.made.len(), 1);
    check(vec![test], &[]);
}
