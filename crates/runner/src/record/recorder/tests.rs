use super::trees::test_case;
use super::*;
use retake_model::{
    ConnInfo, Exchange, Flaw, Message, ProtocolId, Scope, TestSet, Timestamp, Value,
};
use retake_store::{RedactSettings, Store};

const MS: u64 = 1_000_000;

fn keeping() -> Keeping {
    Keeping {
        repeats: false,
        has_dependencies: true,
        has_inbound: true,
        exclude: Vec::new(),
    }
}

fn http(headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Value {
    let headers = headers
        .iter()
        .map(|(n, v)| Value::map([(*n, Value::text(*v))]))
        .collect();
    let mut tree = Value::map(fields.iter().map(|(n, v)| (*n, Value::text(*v))));
    tree.push("headers", Value::List(headers));
    tree
}

fn get(path: &str) -> Value {
    http(&[], &[("method", "GET"), ("path", path)])
}

fn ok() -> Value {
    Value::map([("status", Value::from(200))])
}

/// An exchange of 10 ms that began at `at` ms; connection 1 is inbound, 2 goes to `db`.
fn exchange(conn: u64, at: u64, request: Value, response: Value) -> Exchange {
    Exchange {
        conn: ConnId(conn),
        index: at,
        protocol: ProtocolId("http"),
        began: Timestamp(at * MS),
        ended: Timestamp((at + 10) * MS),
        request: Message::Tree(request),
        response: Message::Tree(response),
        trace: None,
        scope: None,
        flaw: None,
    }
}

/// Records these exchanges; gives what was written, and the ledger.
fn record(keeping: Keeping, exchanges: Vec<Exchange>) -> (TestSet, Ledger) {
    record_until(keeping, exchanges, None, None)
}

/// The same, where the connection to `db` closes at that time in the end, and the service is told to end
/// at that one.
fn record_until(
    keeping: Keeping,
    exchanges: Vec<Exchange>,
    closes: Option<u64>,
    ends: Option<u64>,
) -> (TestSet, Ledger) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(folder.path());
    let writer = store.writer("set").expect("a new set");
    let mut recorder = Recorder::new(
        writer,
        keeping,
        Redactor::new([1; 32], &RedactSettings::default()),
    )
    .until(Arc::new(ends.map_or_else(OnceLock::new, |at| {
        OnceLock::from(Timestamp(at * MS))
    })));
    let connections = [
        (1, Direction::Inbound, None),
        (2, Direction::Outbound, Some("db".into())),
    ];
    // Clients come once the service is ready: with the first request. It connects for its first call.
    let first = |conn| exchanges.iter().filter(move |e| e.conn == ConnId(conn));
    let first = [1, 2].map(|conn| first(conn).map(|e| e.began).min());
    let opens = first.map(|first| {
        let after = exchanges.iter().position(|e| Some(e.began) >= first);
        after.filter(|_| first.is_some())
    });
    let opened = connections.map(|(id, direction, dependency)| {
        RelayEvent::Opened(Box::new(ConnInfo {
            id: ConnId(id),
            direction,
            dependency,
            protocol: None,
            peer: None,
            target: None,
            process: None,
            opened: Timestamp(0),
        }))
    });
    let seen = |conn| exchanges.iter().filter(|e| e.conn == ConnId(conn)).count() as u64;
    let counters =
        [(None, seen(1)), (Some("db".into()), seen(2))].map(|(dependency, exchanges)| Counters {
            dependency,
            exchanges,
            ..Counters::default()
        });
    let mut events: Vec<_> = exchanges
        .into_iter()
        .map(|e| RelayEvent::Ended(Box::new(e)))
        .collect();
    let mut opened: Vec<_> = opens.into_iter().zip(opened).collect();
    opened.sort_by_key(|(at, _)| *at);
    for (at, event) in opened.into_iter().rev() {
        if let Some(at) = at {
            events.insert(at, event);
        }
    }
    events.extend(closes.map(|at| RelayEvent::Closed {
        conn: ConnId(2),
        at: Timestamp(at * MS),
        from_client: 0,
        from_server: 0,
    }));
    recorder
        .take(Batch {
            events: vec![events],
            up_to: Timestamp(0),
            gap: false,
        })
        .expect("written");
    let (writer, ledger, failed) = recorder.finish(&counters);
    assert!(failed.is_none(), "{failed:?}");
    assert!(ledger.is_complete(), "{ledger:?}");
    writer
        .finish(&retake_model::SetInfo::default())
        .expect("finished");
    (store.load("set").expect("readable"), ledger)
}

#[test]
fn a_test_is_written_with_its_calls_and_startup_apart() {
    let (set, ledger) = record(
        keeping(),
        vec![
            exchange(2, 1, get("/migrate"), ok()),
            exchange(2, 102, get("/price"), ok()),
            exchange(1, 100, get("/items"), ok()),
        ],
    );
    let calls: Vec<_> = set.tests.iter().map(|t| t.calls.len()).collect();
    assert_eq!(calls, [1]);
    let scopes: Vec<_> = set.shared.iter().map(|m| m.scope).collect();
    assert_eq!(scopes, [retake_model::Scope::Startup]);
    assert_eq!((ledger.inbound.kept, ledger.outbound["db"].kept), (1, 2));
}

#[test]
fn a_connection_that_closes_because_the_service_ends_says_nothing_of_what_it_was_for() {
    let calls_of_each = |closes, ends| {
        let exchanges = vec![
            exchange(2, 101, get("/one"), ok()),
            exchange(1, 100, get("/items/1"), ok()),
            exchange(2, 401, get("/two"), ok()),
            exchange(1, 400, get("/items/2"), ok()),
        ];
        let (set, _) = record_until(keeping(), exchanges, Some(closes), ends);
        let calls = set.tests.iter().map(|test| test.calls.len());
        calls.collect::<Vec<_>>()
    };
    assert_eq!(calls_of_each(600, Some(590)), [1, 1]);
    assert_eq!(
        calls_of_each(600, None),
        [2, 0],
        "opened and closed for one"
    );
}

#[test]
fn without_requests_every_call_is_startup_and_repeats_are_merged() {
    let alone = Keeping {
        has_inbound: false,
        ..keeping()
    };
    let calls = [1, 20, 40].map(|at| exchange(2, at, get("/price"), ok()));
    let (set, ledger) = record(alone, calls.to_vec());
    let scopes: Vec<_> = set.shared.iter().map(|m| (m.scope, m.merged)).collect();
    assert_eq!(scopes, [(Scope::Startup, 2)]);
    let db = &ledger.outbound["db"];
    assert_eq!((db.kept, db.merged), (1, 2));
}

#[test]
fn before_the_service_listens_every_call_is_startup_and_from_then_on_requests_own_theirs() {
    let listens_late = Keeping {
        has_inbound: false,
        ..keeping()
    };
    let (set, ledger) = record(
        listens_late,
        vec![
            exchange(2, 1, get("/price"), ok()),
            exchange(2, 20, get("/price"), ok()),
            exchange(2, 102, get("/price"), ok()),
            exchange(1, 100, get("/items"), ok()),
        ],
    );
    let scopes: Vec<_> = set.shared.iter().map(|m| (m.scope, m.merged)).collect();
    assert_eq!(scopes, [(Scope::Startup, 1)]);
    let calls: Vec<_> = set.tests.iter().map(|t| t.calls.len()).collect();
    assert_eq!(calls, [1]);
    let db = &ledger.outbound["db"];
    assert_eq!((db.kept, db.merged), (2, 1));
}

#[test]
fn a_service_that_calls_nobody_is_not_waited_for_until_it_does() {
    let mut exchanges: Vec<_> = (0..3_000)
        .map(|number| exchange(1, 100 + number * 5, get("/items"), ok()))
        .collect();
    let last = 100 + 3_000 * 5;
    exchanges.push(exchange(2, last + 101, get("/price"), ok()));
    exchanges.push(exchange(1, last + 100, get("/paid"), ok()));
    let (set, ledger) = record(keeping(), exchanges);
    assert_eq!((ledger.inbound.kept, ledger.inbound.merged), (2, 2_999));
    let called: Vec<_> = set.tests.iter().filter(|t| !t.calls.is_empty()).collect();
    let asked = called.iter().map(|t| t.request.get("path").cloned());
    assert_eq!(asked.collect::<Vec<_>>(), [Some(Value::text("/paid"))]);
}

#[test]
fn exact_repeats_are_merged_unless_they_are_to_be_kept() {
    let twice = || {
        vec![
            exchange(2, 102, get("/price"), ok()),
            exchange(1, 100, get("/items"), ok()),
            exchange(2, 5_002, get("/price"), ok()),
            exchange(1, 5_000, get("/items"), ok()),
        ]
    };
    let (set, ledger) = record(keeping(), twice());
    assert_eq!(
        (
            set.tests.len(),
            ledger.inbound.merged,
            ledger.outbound["db"].merged
        ),
        (1, 1, 1)
    );
    let (set, ledger) = record(
        Keeping {
            repeats: true,
            ..keeping()
        },
        twice(),
    );
    assert_eq!((set.tests.len(), ledger.inbound.merged), (2, 0));
}

#[test]
fn the_same_request_with_another_answer_of_a_dependency_is_no_repeat() {
    let no = Value::map([("status", Value::from(404))]);
    let (set, _) = record(
        keeping(),
        vec![
            exchange(2, 102, get("/price"), ok()),
            exchange(1, 100, get("/items"), ok()),
            exchange(2, 5_002, get("/price"), no),
            exchange(1, 5_000, get("/items"), ok()),
        ],
    );
    assert_eq!(set.tests.len(), 2);
}

#[test]
fn credentials_are_gone_wherever_they_stand() {
    let secret = "s3cr3t-t0ken";
    let headers = [("authorization", "Bearer s3cr3t-t0ken")];
    let request = http(&headers, &[("method", "GET"), ("path", "/me")]);
    let (set, ledger) = record(
        keeping(),
        vec![
            exchange(2, 102, get(&format!("/sessions/{secret}")), ok()),
            exchange(1, 100, request, ok()),
        ],
    );
    let written = format!("{set:?}");
    assert!(!written.contains(secret), "{written}");
    assert_eq!(written.matches("redacted-").count(), 2, "{written}");
    assert_eq!(ledger.notes, ["1 credential was redacted"]);
}

/// A login gives a token out under a name that tells; what comes later says it under others.
#[test]
fn a_credential_that_was_given_out_is_gone_from_later_tests() {
    let secret = "Qm9vdHN0cmFw.9f2c-81aa";
    let body = Value::map([("token", Value::from(secret))]);
    let login = Value::map([
        ("status", Value::from(200)),
        ("body", Value::map([("json", body)])),
    ]);
    let feed = http(
        &[("x-own", secret)],
        &[("method", "GET"), ("path", "/feed")],
    );
    let (set, _) = record(
        keeping(),
        vec![
            exchange(1, 100, get("/login"), login),
            exchange(2, 5_002, get(&format!("/sessions/{secret}")), ok()),
            exchange(1, 5_000, feed, ok()),
        ],
    );
    let written = format!("{set:?}");
    assert!(!written.contains(secret), "{written}");
    let token = Redactor::new([1; 32], &RedactSettings::default()).token(secret);
    assert_eq!(written.matches(&token).count(), 3, "{written}");
}

#[test]
fn scenario_12_what_is_excluded_is_counted_by_its_rule() {
    let rule = Exclude {
        dependency: Some("db".to_owned()),
        path: Some("/v1/*".to_owned()),
    };
    let (set, ledger) = record(
        Keeping {
            exclude: vec![rule],
            ..keeping()
        },
        vec![
            exchange(2, 102, get("/v1/traces"), ok()),
            exchange(2, 103, get("/v2/price"), ok()),
            exchange(1, 100, get("/v1/items"), ok()),
        ],
    );
    assert_eq!(set.tests[0].calls.len(), 1);
    let counted: Vec<_> = ledger.outbound["db"].sampled_out.iter().collect();
    assert_eq!(
        counted,
        [(&"excluded: dependency db, path /v1/*".to_owned(), &1)]
    );
}

#[test]
fn what_is_not_whole_is_counted_and_never_a_test() {
    let cut = Exchange {
        flaw: Some(Flaw::Cut),
        ..exchange(1, 100, get("/a"), Value::Null)
    };
    let odd = Flaw::Undecodable("no columns".to_owned());
    let odd = Exchange {
        flaw: Some(odd),
        ..exchange(2, 101, get("/b"), Value::Null)
    };
    let (set, ledger) = record(keeping(), vec![odd, cut]);
    assert!(set.tests.is_empty());
    assert_eq!(ledger.inbound.dropped["cut off before its end"], 1);
    assert_eq!(ledger.outbound["db"].undecodable["no columns"], 1);
}

#[test]
fn what_the_disk_refuses_is_counted_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(folder.path());
    let writer = store.writer("set").expect("a new set");
    let mut recorder = Recorder::new(
        writer,
        keeping(),
        Redactor::new([1; 32], &RedactSettings::default()),
    );
    let tests = folder.path().join("set/tests");
    std::fs::remove_dir(&tests).expect("an empty folder");
    for at in 0..40 {
        recorder.attributor.inbound(Box::new(exchange(
            1,
            1_000 * at,
            get(&format!("/{at}")),
            ok(),
        )));
    }
    let seen = Counters {
        exchanges: 40,
        ..Counters::default()
    };
    let (_, ledger, failed) = recorder.finish(&[seen]);
    assert!(failed.is_some());
    assert!(ledger.is_complete(), "{ledger:?}");
    assert_eq!(ledger.inbound.kept, 0);
    assert_eq!(ledger.inbound.dropped["could not be written"], 40);
}

#[test]
fn many_tests_are_all_written_and_leave_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(folder.path());
    let mut writer = store.writer("set").expect("a new set");
    let mut writers = Writers::start(&writer);
    let mut names = Vec::new();
    for at in 0..1_000 {
        let mut test =
            test_case(exchange(1, at, get("/items"), ok()), None, Vec::new()).expect("trees");
        writer.name_test(&mut test);
        names.push(test.name.clone());
        writers.write(test);
    }
    let done = writers.finish();
    assert_eq!((done.kept.tests, done.failed.tests), (1_000, 0));
    drop(writers);
    let info = retake_model::SetInfo::default();
    writer.finish(&info).expect("finished");
    let set = store.load("set").expect("readable");
    let read: Vec<_> = set.tests.iter().map(|test| test.name.clone()).collect();
    assert_eq!(read, names);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("set"))
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}
