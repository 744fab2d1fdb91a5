//! A run to report in tests: some of everything, hostile text included.

mod parts;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use retake_model::{
    Blame, Cause, Consequence, DiffKind, Difference, Number, Path, Place, RuleUse, RunEvent,
    RunStarted, RunSummary, ServiceEvent, TestId, TestResult, Timestamp, Value, Verdict,
};

use crate::{Again, open};
pub(crate) use parts::in_parts;

/// What a report of that name says of these events.
pub(crate) fn report(name: &str, events: &[RunEvent]) -> String {
    report_again(name, events, Again::default())
}

/// The same with other next commands.
pub(crate) fn report_again(name: &str, events: &[RunEvent], again: Again) -> String {
    let out = Shared::default();
    let mut reporter = open(name, Box::new(out.clone()), again).expect(name);
    for event in events {
        reporter.on(event).expect("memory takes everything");
    }
    reporter.end().expect("memory takes everything");
    out.text()
}

/// A buffer that can be read while it is written.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn id(name: &str) -> TestId {
    TestId {
        set: "shop".into(),
        name: name.into(),
    }
}

pub(crate) fn passed(name: &str) -> TestResult {
    TestResult {
        test: id(name),
        file: format!("retake/shop/tests/{name}.yaml"),
        title: "GET /items".into(),
        verdict: Verdict::Passed,
        differences: Vec::new(),
        hidden: vec![RuleUse {
            rule: "response.headers.date".into(),
            source: "built in: the time of the answer".into(),
            hidden: 1,
        }],
        by_kind: 2,
        by_distance: 1,
        calls_recorded: 2,
        calls_matched: 2,
        took: Duration::from_millis(12),
        notes: Vec::new(),
    }
}

pub(crate) fn difference(place: Place, kind: DiffKind, cause: u64) -> Difference {
    Difference {
        place,
        kind,
        baseline: None,
        candidate: None,
        detail: None,
        blame: Blame::App,
        follows: false,
        cause,
    }
}

pub(crate) fn response(path: &str) -> Place {
    Place::Response(Path::parse(path).expect(path))
}

fn call(index: Option<usize>, summary: &str, path: &str) -> Place {
    Place::Call {
        to: "db".into(),
        index,
        summary: summary.into(),
        path: Path::parse(path).expect(path),
    }
}

fn number(text: &str) -> Option<Value> {
    Some(Value::Number(Number::parse(text).expect(text)))
}

fn results() -> Vec<TestResult> {
    let total = |n: usize, a: &str, b: &str| Difference {
        baseline: number(a),
        candidate: number(b),
        ..difference(
            response(&format!("body.json.items[{n}].total")),
            DiffKind::Changed,
            1,
        )
    };
    let orders = TestResult {
        verdict: Verdict::Changed,
        differences: vec![
            total(0, "39.98", "40.98"),
            total(1, "10.00", "11.00"),
            Difference {
                baseline: Some(Value::Null),
                candidate: Some("evil \u{1b}[2J\u{202e} text".into()),
                ..difference(response("body.json[\"a b\"]"), DiffKind::TypeChanged, 2)
            },
            Difference {
                candidate: Some(Value::map([("sku", "A1".into()), ("qty", 2.into())])),
                ..difference(response("body.json.items[2]"), DiffKind::Added, 3)
            },
            Difference {
                baseline: Some(Value::Bytes(Bytes::from_static(b"\xff\xd8\x00"))),
                candidate: Some(Value::Bytes(Bytes::from_static(b"\xff\xd8\x01"))),
                ..difference(response("body.bytes"), DiffKind::Changed, 4)
            },
            Difference {
                baseline: Some("one\ntwo\nthree\n".into()),
                candidate: Some("one\n2\nthree\n".into()),
                detail: Some("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three".into()),
                ..difference(response("body.text"), DiffKind::Changed, 5)
            },
            Difference {
                baseline: Some(format!("{}old", "x".repeat(900)).into()),
                candidate: Some(format!("{}new", "x".repeat(900)).into()),
                detail: Some("first difference at character 901 of 903 (now 903)".into()),
                ..difference(response("body.json.token"), DiffKind::Changed, 6)
            },
        ],
        hidden: vec![RuleUse {
            rule: "response.body.json.items[*].seen_at".into(),
            source: "retake.yaml:12".into(),
            hidden: 3,
        }],
        title: "GET /orders".into(),
        ..passed("get-orders-200")
    };
    let again = TestResult {
        verdict: Verdict::Changed,
        differences: vec![total(0, "1.00", "2.00")],
        title: "GET /orders?page=2".into(),
        ..passed("get-orders-200-2")
    };
    let asked = TestResult {
        verdict: Verdict::Changed,
        differences: vec![
            Difference {
                follows: true,
                baseline: number("201"),
                candidate: number("500"),
                detail: Some("follows from the unanswered call to db".into()),
                ..difference(response("status"), DiffKind::Changed, 7)
            },
            Difference {
                baseline: Some("A1".into()),
                candidate: Some("a1".into()),
                detail: Some("it differs at params[1]: 2 -> 3".into()),
                ..difference(
                    call(
                        Some(0),
                        "select price\n  from items\n where sku = $1",
                        "params[0]",
                    ),
                    DiffKind::CallUnknown,
                    7,
                )
            },
            Difference {
                follows: true,
                detail: Some("follows from the unanswered call to db".into()),
                ..difference(
                    call(Some(1), "insert into orders values ($1, $2)", ""),
                    DiffKind::CallMissing,
                    7,
                )
            },
        ],
        title: "POST /orders".into(),
        calls_matched: 0,
        ..passed("post-orders-201")
    };
    let gap =
        TestResult {
            verdict: Verdict::Gap,
            differences: vec![Difference {
            detail: Some(
                "the recording has no call like it\nnot a change of the service: 3 exchanges with \
                 db were dropped when it was recorded (the queue was full) (hint: record again)"
                    .into(),
            ),
            blame: Blame::Recording,
            ..difference(call(None, "select 1 from flags", ""), DiffKind::CallUnknown, 8)
        }],
            notes: vec!["a list was compared by position".into()],
            ..passed("get-flags-200")
        };
    let shifted = TestResult {
        verdict: Verdict::Shifted,
        differences: vec![difference(
            call(Some(0), "select name from items", ""),
            DiffKind::CallMissing,
            9,
        )],
        ..passed("get-items-200")
    };
    let not_run = TestResult {
        verdict: Verdict::NotRun,
        notes: vec!["the run was stopped".into()],
        took: Duration::ZERO,
        ..passed("get-last-200")
    };
    vec![
        asked,
        passed("get-a-200"),
        gap,
        orders,
        again,
        shifted,
        not_run,
    ]
}

fn cause(id: u64, title: &str, tests: &[&str], results: &[TestResult]) -> Cause {
    let all = results.iter().flat_map(|result| &result.differences);
    let example = all.filter(|d| d.cause == id).last().expect("an example");
    Cause {
        id,
        title: title.into(),
        tests: tests.iter().map(|name| self::id(name)).collect(),
        example: example.clone(),
        parts: Vec::new(),
        consequences: Vec::new(),
    }
}

/// A run with some of everything.
pub(crate) fn mixed() -> Vec<RunEvent> {
    let results = results();
    let causes = vec![
        cause(
            1,
            "response.body.json.items[*].total: numbers differ (39.98 -> 40.98, …)",
            &["get-orders-200", "get-orders-200-2"],
            &results,
        ),
        cause(
            7,
            "db: select price from items where sku = $1: params[0]: \"A1\" -> \"a1\", which no \
             recorded answer fits",
            &["post-orders-201"],
            &results,
        ),
        cause(
            8,
            "db: select 1 from flags: no recorded answer fits",
            &["get-flags-200"],
            &results,
        ),
    ];
    let mut events = started(results.len());
    for result in results {
        events.push(RunEvent::TestStarted(result.test.clone()));
        events.push(RunEvent::TestFinished(Box::new(result)));
    }
    events.push(RunEvent::Finished(Box::new(RunSummary {
        passed: 1,
        shifted: 1,
        not_run: 1,
        gaps: 1,
        changed: 3,
        causes,
        unused: vec![
            (
                "db".into(),
                "select price from items where sku = $1".into(),
                1,
            ),
            ("payments".into(), "POST /charge".into(), 2),
        ],
        background: vec![("db".into(), "select version from revision".into(), 1_204)],
        took: Duration::from_millis(1_234),
        exit_code: 4,
        notes: vec!["clocks were not frozen".into()],
        ..summary()
    })));
    events
}

/// A run in which two tests are red because a login failed.
pub(crate) fn following() -> Vec<RunEvent> {
    let status = |from: &str, to: &str, cause| Difference {
        baseline: number(from),
        candidate: number(to),
        ..difference(response("status"), DiffKind::Changed, cause)
    };
    let red = |name: &str, title: &str, difference: Difference| TestResult {
        verdict: Verdict::Changed,
        title: title.into(),
        differences: vec![difference],
        ..passed(name)
    };
    let login = Difference {
        detail: Some("the response says \"no logins today\"".into()),
        ..status("200", "500", 1)
    };
    let results = vec![
        red("get-a-200", "GET /a", status("200", "401", 2)),
        red("get-b-200", "GET /b", status("200", "401", 2)),
        red("post-login-200", "POST /login", login),
    ];
    let tests = &["post-login-200"];
    let mut cause = cause(
        1,
        "response.status: 200 -> 500, \"no logins today\"",
        tests,
        &results,
    );
    for name in ["get-a-200", "get-b-200"] {
        cause.consequences.push(Consequence {
            test: id(name),
            of: id("post-login-200"),
            why: "sends `token`, which shop/post-login-200 did not give out".into(),
        });
    }
    let mut events = started(results.len());
    for result in results {
        events.push(RunEvent::TestFinished(Box::new(result)));
    }
    events.push(RunEvent::Finished(Box::new(RunSummary {
        changed: 3,
        causes: vec![cause],
        exit_code: 1,
        ..summary()
    })));
    events
}

/// A run in which all is well.
pub(crate) fn green() -> Vec<RunEvent> {
    let mut events = started(2);
    for name in ["get-b-200", "get-a-200"] {
        events.push(RunEvent::TestFinished(Box::new(passed(name))));
    }
    events.push(RunEvent::Finished(Box::new(RunSummary {
        passed: 2,
        ..summary()
    })));
    events
}

/// A run whose service did not start.
pub(crate) fn failed() -> Vec<RunEvent> {
    let mut events = started(2);
    events.push(RunEvent::Service(ServiceEvent::Failed {
        what: "it ended with exit code 1 before it was ready".into(),
        hint: "run the command by itself: ./server".into(),
        output: "starting\n\u{1b}[31mpanic: no such table\u{1b}[0m\n".into(),
    }));
    events.push(RunEvent::Finished(Box::new(RunSummary {
        not_run: 2,
        exit_code: 4,
        ..summary()
    })));
    events
}

/// A run whose service gave up at its start, because a call got no answer.
pub(crate) fn gave_up() -> Vec<RunEvent> {
    let asked = Difference {
        baseline: Some("0002".into()),
        candidate: Some("0003".into()),
        detail: Some("the nearest recorded call is insert into version values ('0002')".into()),
        blame: Blame::Recording,
        ..difference(
            call(
                None,
                "insert into version values ('0003')",
                "sql.literals[0]",
            ),
            DiffKind::CallUnknown,
            1,
        )
    };
    let output: String = (1..=30).map(|n| format!("frame {n}\n")).collect();
    let mut events = started(1);
    events.push(RunEvent::Service(ServiceEvent::Failed {
        what: "the service ended with exit code 1 before it was ready".into(),
        hint: "see the cause".into(),
        output,
    }));
    events.push(RunEvent::TestFinished(Box::new(TestResult {
        verdict: Verdict::NotRun,
        notes: vec!["the service did not start".into()],
        ..passed("get-a-200")
    })));
    events.push(RunEvent::Finished(Box::new(RunSummary {
        not_run: 1,
        exit_code: 3,
        unused: vec![("db".into(), "select 1".into(), 7)],
        causes: vec![Cause {
            id: 1,
            title: "db: insert into version values ('0003'): sql.literals[0]: \"0002\" -> \"0003\""
                .into(),
            tests: Vec::new(),
            example: asked,
            parts: Vec::new(),
            consequences: Vec::new(),
        }],
        ..summary()
    })));
    events
}

fn started(tests: usize) -> Vec<RunEvent> {
    vec![
        RunEvent::Started(RunStarted {
            run: "2026-03-01-102030".into(),
            sets: vec!["shop".into()],
            tests,
            at: Timestamp(1_772_360_430_123_456_789),
            version: "0.1.0".into(),
            target: "./server --port 3000".into(),
        }),
        RunEvent::Service(ServiceEvent::Ready {
            after: Duration::from_millis(40),
        }),
    ]
}

fn summary() -> RunSummary {
    RunSummary {
        passed: 0,
        shifted: 0,
        not_run: 0,
        gaps: 0,
        changed: 0,
        broken: 0,
        causes: Vec::new(),
        unused: Vec::new(),
        background: Vec::new(),
        took: Duration::from_millis(350),
        exit_code: 0,
        notes: Vec::new(),
    }
}
