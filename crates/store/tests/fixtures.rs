//! Recordings of every version are read for ever. The files below `fixtures/` are frozen: a
//! change of the format adds a folder, and never touches one that is there.
#![allow(clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};

use retake_model::{
    Attribution, Ledger, Mock, NoiseRule, Path as Place, PathPattern, RuleAction, Scope, SetInfo,
    Tally, TestCase, TestSet, Timestamp, TraceId, Value,
};
use retake_store::{Store, lint};
use support::{HTTP, POSTGRES, get, headers, info, number, order};

fn fixtures(version: &str) -> Store {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    Store::new(root.join(version).join("retake")).with_protocols(&[HTTP, POSTGRES])
}

/// What `fixtures/v1` holds, but for where its rules stand.
fn shop() -> TestSet {
    let rule = |path: &str, action, why: Option<&str>| NoiseRule {
        at: PathPattern::parse(path).expect("a pattern"),
        action,
        why: why.map(str::to_owned),
        source: String::new(),
    };
    let mut odd = get("/odd/7?q=a%20b&q=", 1_772_360_431);
    odd.name = "get-odd-id-200".into();
    odd.took = 999;
    odd.trace = Some(TraceId("0af7651916cd43dd8448eb211c80319c".into()));
    odd.merged = 2;
    odd.request.push(
        "headers",
        headers(&[
            ("Accept", "*/*"),
            ("X-A", "1"),
            ("x-a", "2"),
            ("X-Empty", ""),
        ]),
    );
    odd.request.push(
        "text",
        "first line\n  second: line # no comment\n\nlast\n".into(),
    );
    odd.request.push(
        "words",
        Value::List(
            [
                "NO",
                "null",
                "1e3",
                "2026-03-01",
                " x",
                "a: b",
                "\u{1}\u{85}\u{202e}",
            ]
            .map(Value::from)
            .into(),
        ),
    );
    odd.response.push(
        "numbers",
        Value::List(
            [
                "0",
                "-1",
                "1.5",
                "1.50",
                "1e400",
                "-0",
                "123456789012345678901234567890",
            ]
            .map(number)
            .into(),
        ),
    );
    odd.response.push(
        "twice",
        Value::map([("a", Value::Null), ("a", true.into()), ("", false.into())]),
    );
    odd.response
        .push("bytes", Value::Bytes(vec![0, 1, 254, 255].into()));
    odd.response.push("none", Value::Bytes(Vec::new().into()));
    odd.response
        .push("large", Value::Bytes(vec![7; 5_000].into()));
    odd.response.push("long", "\u{1}".repeat(5_000).into());
    let deep = (0..70).fold(Value::text("end"), |below, n: u16| match n % 2 {
        0 => Value::List(vec![below, n.into()]),
        _ => Value::map([("below", below), ("n", n.into())]),
    });
    odd.response.push("deep", deep);
    odd.rules = vec![
        rule(
            "response.body.json.items[*].at",
            RuleAction::Ignore,
            Some("the clock: of the service"),
        ),
        rule(
            "calls.db.params[0]",
            RuleAction::Pattern("^[a-z]+$".into()),
            None,
        ),
        rule("response.**.x", RuleAction::Tolerance(0.01), None),
        rule("response.body", RuleAction::Type, None),
        rule("response.body.json[\"a.b\"]", RuleAction::Unordered, None),
    ];
    let mut order = order();
    order
        .made
        .first_mut()
        .expect("one")
        .places
        .push(Place::parse("calls[0].params[0]").expect("a path"));
    let mock = |scope, by, merged| Mock {
        scope,
        by,
        merged,
        ..order.calls.first().expect("one").clone()
    };
    let tally = Tally {
        connections: 2,
        bytes: 4096,
        seen: 9,
        kept: 3,
        merged: 1,
        opaque: [("unknown protocol".to_owned(), 1)].into(),
        sampled_out: [("path: /health".to_owned(), 2)].into(),
        dropped: [("queue full".to_owned(), 1)].into(),
        undecodable: [("cut".to_owned(), 2)].into(),
    };
    let mut about: SetInfo = info();
    if let Some(db) = about.dependencies.first_mut() {
        db.url = Some("postgres://127.0.0.1:5432/shop".into());
    }
    about.rules = vec![rule("response.headers.date", RuleAction::Ignore, None)];
    about.ledger = Some(Ledger {
        inbound: tally.clone(),
        outbound: [("db".to_owned(), tally)].into(),
        took: 61_500_000_000,
        notes: vec!["the service ended with 143".into()],
    });
    let mut by_hand: TestCase = get("/by/hand", 1_772_360_432);
    by_hand.name = "by-hand".into();
    by_hand.at = Timestamp(1_772_360_432_500_000_000);
    by_hand.took = 0;
    by_hand
        .request
        .push("headers", headers(&[("accept", "text/plain")]));
    by_hand.request.push(
        "body",
        Value::map([("text", "It's folded text.\n")].map(|(k, v)| (k, Value::from(v)))),
    );
    by_hand.calls = vec![Mock {
        took: 1_500_000_000,
        ..mock(Scope::Session, Attribution::Shared, 0)
    }];
    TestSet {
        name: "shop".into(),
        info: about,
        tests: vec![order.clone(), odd, by_hand],
        shared: vec![
            mock(Scope::Startup, Attribution::Unattributed, 0),
            mock(Scope::Background, Attribution::Unattributed, 41),
            mock(Scope::Connection, Attribution::Trace, 0),
        ],
    }
}

#[test]
fn scenario_31_version_1_is_read() {
    let mut set = fixtures("v1").load("shop").expect("it is read");
    let mut sources = Vec::new();
    let tests = set.tests.iter_mut().flat_map(|test| &mut test.rules);
    for rule in tests.chain(&mut set.info.rules) {
        sources.push(PathBuf::from(std::mem::take(&mut rule.source)));
    }
    assert!(
        sources
            .iter()
            .all(|source| source.starts_with(env!("CARGO_MANIFEST_DIR")))
    );
    assert_eq!(set, shop());
}

#[test]
fn version_1_has_nothing_wrong() {
    let report = lint(&[], &fixtures("v1"));
    // The value that is made does not stand in the second place, which is there to be read.
    assert_eq!(
        (report.files, report.errors()),
        (5, 0),
        "{}",
        report.to_text()
    );
}

#[test]
#[ignore = "writes the files that are frozen: only for a new version"]
fn write_the_files() {
    let root = std::env::var("RETAKE_FIXTURES").expect("the folder to write");
    let store = Store::new(root).with_protocols(&[HTTP, POSTGRES]);
    let set = shop();
    let mut writer = store.writer("shop").expect("a writer");
    for test in set.tests {
        writer.write_test(test).expect("written");
    }
    writer
        .write_shared(1, &set.shared.iter().collect())
        .expect("written");
    writer.finish(&set.info).expect("finished");
}
