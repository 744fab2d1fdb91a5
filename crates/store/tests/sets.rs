//! Sets are read as they were written, and a recording leaves whole files only.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;

use retake_model::{Ledger, NoiseRule, PathPattern, RuleAction, Scope, Tally, Value};
use retake_store::{StoreError, WriteMode};
use support::{get, info, order, store};

#[test]
fn a_test_case_reads_as_the_design_shows_it() {
    let (_folder, store) = store();
    let mut writer = store.writer("shop").expect("a writer");
    let name = writer.write_test(order()).expect("written");
    assert_eq!(name, "post-orders-201");
    writer.finish(&info()).expect("finished");
    let text = fs::read_to_string(store.test_file("shop", &name)).expect("the file");
    let expected = r#"retake: v1
test: post-orders-201
at: 2026-03-01T10:20:30.123456789Z
took: 12.3ms
request:
  method: POST
  path: /orders
  headers:
    - content-type: application/json
  body: {json: {sku: A1, qty: 2}}
response:
  status: 201
  headers:
    - content-type: application/json
  body: {json: {id: 7f3c1a2b-0000-4000-8000-0123456789ab, total: 39.98}}
calls:
  - to: db
    postgres: {sql: select price from items where sku = $1, params: [A1]}
    gives: {columns: [price numeric], rows: [["19.99"]]}
  - to: payments
    by: trace
    after: 3ms
    took: 1.25ms
    http: {method: POST, path: /charge, body: {json: {amount: 3998}}}
    gives: {status: 200, body: {json: {ok: true}}}
made:
  - value: 7f3c1a2b-0000-4000-8000-0123456789ab
    kind: uuid
    places: [response.body.json.id]
"#;
    assert_eq!(text, expected);
    let set = store.load("shop").expect("read back");
    assert_eq!(set.tests, [order()]);
    assert_eq!(set.info, info());
}

#[test]
fn everything_of_a_set_is_read_back_as_it_was_written() {
    let (_folder, store) = store();
    let mut test = order();
    test.trace = Some(retake_model::TraceId(
        "0af7651916cd43dd8448eb211c80319c".into(),
    ));
    test.merged = 3;
    test.request
        .push("odd", Value::map([("a", 1.into()), ("a", Value::Null)]));
    test.response
        .push("large", Value::Bytes(vec![0; 9000].into()));
    test.calls[0]
        .response
        .push("same", Value::Bytes(vec![0; 9000].into()));
    let rule = |path: &str, action, why: Option<&str>| NoiseRule {
        at: PathPattern::parse(path).expect("a pattern"),
        action,
        why: why.map(str::to_owned),
        source: String::new(),
    };
    test.rules = vec![
        rule(
            "response.body.json.items[*].at",
            RuleAction::Ignore,
            Some("the clock: of the service"),
        ),
        rule(
            "calls.db.params[0]",
            RuleAction::Pattern("^a: b$".into()),
            None,
        ),
        rule("response.**.x", RuleAction::Tolerance(0.000_000_1), None),
        rule("response.body", RuleAction::Type, None),
        rule("response.body.json[\"a.b\"]", RuleAction::Unordered, None),
    ];
    let mut shared = order().calls;
    shared[0].scope = Scope::Background;
    shared[1].scope = Scope::Startup;
    shared[1].by = retake_model::Attribution::Unattributed;
    shared[1].merged = 17;
    let mut about = info();
    about.build = [
        ("./shop".to_owned(), "af1349b9".repeat(8)),
        ("a: b.py".to_owned(), "01234567".repeat(8)),
    ]
    .into();
    about.proxy = Some("127.0.0.1:18080".into());
    about.dependencies[1].hosts = vec!["pay.example:80".into(), "pay.example:8080".into()];
    about.dependencies[1].addresses = vec!["192.0.2.1:80".into()];
    about.captured = true;
    about.dependencies[1].fails = Some("ECONNREFUSED".into());
    about.rules = vec![rule("response.headers.date", RuleAction::Ignore, None)];
    about.ledger = Some(Ledger {
        inbound: Tally {
            connections: 3,
            bytes: 100,
            seen: 10,
            kept: 6,
            merged: 1,
            dropped: [("disk: full".to_owned(), 3)].into(),
            ..Tally::default()
        },
        outbound: [
            ("db".to_owned(), Tally::default()),
            ("no".to_owned(), Tally::default()),
        ]
        .into(),
        took: 61_000_000_000,
        notes: vec!["a note: with a colon".into()],
    });

    let mut writer = store.writer("shop").expect("a writer");
    let name = writer.write_test(test.clone()).expect("written");
    writer
        .write_shared(1, &shared.iter().collect())
        .expect("written");
    writer.finish(&about).expect("finished");
    let mut set = store.load("shop").expect("read back");

    let lines = |rules: &mut [NoiseRule]| -> Vec<String> {
        let sources = rules
            .iter_mut()
            .map(|rule| std::mem::take(&mut rule.source));
        sources
            .map(|s| s.rsplit(':').next().unwrap_or_default().to_owned())
            .collect()
    };
    let text = fs::read_to_string(store.test_file("shop", &name)).expect("the file");
    let starts = text
        .lines()
        .enumerate()
        .filter(|(_, l)| l.starts_with("  - path: "));
    let starts: Vec<String> = starts.map(|(i, _)| (i + 1).to_string()).collect();
    assert_eq!(lines(&mut set.tests[0].rules), starts);
    lines(&mut set.info.rules);
    assert_eq!(set.tests, [test]);
    assert_eq!(set.shared, shared);
    assert_eq!(set.info, about);
    let blobs = fs::read_dir(store.root().join("shop/blobs"))
        .expect("blobs")
        .count();
    assert_eq!(blobs, 1, "the same content is kept once");
}

#[test]
fn recording_the_same_traffic_again_changes_no_name_and_keeps_rules() {
    let (_folder, store) = store();
    let record = |paths: &[&str], second: u64| {
        let mut writer = store.writer("shop").expect("a writer");
        let names: Vec<String> = paths
            .iter()
            .zip(second..)
            .map(|(path, at)| writer.write_test(get(path, at)).expect("written"))
            .collect();
        writer.finish(&info()).expect("finished");
        names
    };
    let first = record(&["/a/1", "/a/2", "/b", "/a/3"], 100);
    assert_eq!(
        first,
        [
            "get-a-id-200",
            "get-a-id-200-2",
            "get-b-200",
            "get-a-id-200-3"
        ]
    );
    // Somebody adds a rule by hand.
    let file = store.test_file("shop", "get-a-id-200-2");
    let mut text = fs::read_to_string(&file).expect("the file");
    text.push_str("rules: [{path: response.body, ignore: true}]\n");
    fs::write(&file, text).expect("edited");
    assert_eq!(record(&["/a/1", "/a/2", "/b", "/a/3"], 200), first);
    // Another order: the names stay with their requests.
    assert_eq!(
        record(&["/a/3", "/a/1", "/a/2"], 300),
        [first[3].clone(), first[0].clone(), first[1].clone()]
    );
    let set = store.load("shop").expect("read back");
    let names: Vec<&str> = set.tests.iter().map(|test| &*test.name).collect();
    assert_eq!(names, ["get-a-id-200-3", "get-a-id-200", "get-a-id-200-2"]);
    assert_eq!(set.tests[2].rules.len(), 1, "the rule is kept");
    assert!(
        !store.test_file("shop", "get-b-200").exists(),
        "what is not recorded any more is gone"
    );
}

#[test]
fn what_a_set_holds_stays_until_the_new_recording_is_finished() {
    let (_folder, store) = store();
    let mut writer = store.writer("shop").expect("a writer");
    writer.write_test(get("/old", 1)).expect("written");
    writer.finish(&info()).expect("finished");
    let mut writer = store.writer("shop").expect("a writer");
    writer.write_test(get("/new", 2)).expect("written");
    writer.write_info(&info()).expect("written");
    drop(writer);
    let names = |set: &retake_model::TestSet| -> Vec<String> {
        set.tests.iter().map(|test| test.name.clone()).collect()
    };
    assert_eq!(names(&store.load("shop").expect("read")), ["get-old-200"]);
    assert_eq!(store.sets().expect("sets"), ["shop"]);
    let mut writer = store
        .writer_with("shop", WriteMode::Append)
        .expect("a writer");
    writer.write_test(get("/old", 3)).expect("written");
    writer.finish(&info()).expect("finished");
    assert_eq!(
        names(&store.load("shop").expect("read")),
        ["get-old-200", "get-old-200-2"]
    );
}

#[test]
fn a_recording_that_kept_nothing_does_not_replace_what_was_there() {
    let (folder, store) = store();
    let first = store.writer("shop").expect("a writer");
    let mut first = first.discard().expect("there was nothing before");
    first.write_test(order()).expect("written");
    first.finish(&info()).expect("finished");
    let second = store.writer("shop").expect("a writer");
    second.write_info(&info()).expect("written");
    assert!(second.discard().is_none());
    assert_eq!(store.load("shop").expect("read back").tests, [order()]);
    let left = fs::read_dir(folder.path()).expect("the folder").flatten();
    let mut names = left.map(|entry| entry.file_name());
    assert!(!names.any(|name| name.to_string_lossy().ends_with(".new")));
}

#[test]
fn two_recorders_do_not_mix() {
    let (_folder, store) = store();
    let writer = store.writer("shop").expect("a writer");
    assert!(matches!(store.writer("shop"), Err(StoreError::Locked(_))));
    store.writer("other").expect("another set is free");
    drop(writer);
    store.writer("shop").expect("free again");
}

#[test]
fn a_set_that_is_not_there_is_said_with_those_that_are() {
    let (_folder, store) = store();
    assert_eq!(
        store.sets().expect("no folder, no sets"),
        Vec::<String>::new()
    );
    store
        .writer("shop")
        .expect("a writer")
        .finish(&info())
        .expect("finished");
    let error = store.load("shpo").expect_err("no such set").to_string();
    assert!(
        error.contains("`shpo`") && error.contains("known sets: shop"),
        "{error}"
    );
    assert!(matches!(
        store.load("../shop"),
        Err(StoreError::BadSetName(_))
    ));
}

#[test]
fn the_ports_of_a_service_are_read_back_and_stand_only_where_there_are_several() {
    let (_folder, store) = store();
    let mut writer = store.writer("shop").expect("a writer");
    let mut at = |second, port| {
        let mut test = get("/who", second);
        test.port = port;
        writer.write_test(test).expect("written")
    };
    let (main, other) = (at(1, None), at(2, Some(9090)));
    let mut described = info();
    described.listens = vec!["127.0.0.1:8080".into(), "https://127.0.0.1:9090".into()];
    described.names = vec!["statsd.internal".into()];
    writer.finish(&described).expect("finished");
    let text = |name| fs::read_to_string(store.test_file("shop", name)).expect("the file");
    assert!(!text(&main).contains("port:"));
    assert!(text(&other).contains("\nport: 9090\nrequest:\n"));
    let set = store.load("shop").expect("read back");
    let port = |name: &str| set.tests.iter().find(|t| t.name == name).expect("it").port;
    assert_eq!((port(&main), port(&other)), (None, Some(9090)));
    assert_eq!(set.info, described);
}
