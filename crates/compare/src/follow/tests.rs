use std::sync::Arc;
use std::time::Duration;

use retake_model::{
    Attribution, Cause, Made, Path, ProtocolId, SetInfo, TestCase, TestId, TestResult, TestSet,
    Timestamp, TokenKind, Value, Verdict, json,
};

use crate::causes::{Totals, causes, summarise};
use crate::diff::compare_response;
use crate::judge::{Setting, judge};
use crate::made::ValueMap;
use crate::matching::{CallsOutcome, Effect, MissingCall};
use crate::rules::RuleSet;
use crate::test_cases::mock;

const TOKEN: &str = "redacted-92318f697e93bfd92907b3c3";
const ID: &str = "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";

/// A response.
type Response<'t> = (i64, &'t str);

/// What was asked, answered when it was recorded, and is answered now.
fn step(method: &str, path: &str, recorded: Response<'_>, now: Response<'_>) -> Step {
    Step {
        test: TestCase {
            name: format!("{}{}", method.to_lowercase(), path.replace('/', "-")),
            protocol: ProtocolId("http"),
            at: Timestamp(0),
            took: 0,
            port: None,
            trace: None,
            merged: 0,
            request: Value::map([("method", method.into()), ("path", path.into())]),
            response: response(recorded),
            calls: Vec::new(),
            made: Vec::new(),
            rules: Vec::new(),
        },
        now: response(now),
        missing: Vec::new(),
    }
}

struct Step {
    test: TestCase,
    now: Value,
    missing: Vec<MissingCall>,
}

impl Step {
    fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.test.name);
        self
    }

    fn sends(mut self, text: &str) -> Self {
        let header = Value::map([("authorization", format!("Bearer {text}").into())]);
        self.test.request.push("headers", Value::List(vec![header]));
        self
    }

    fn says(mut self, json: &str) -> Self {
        self.test.request.push("body", body(json));
        self
    }

    fn makes(mut self, id: &str, places: &[&str]) -> Self {
        self.test.made.push(Made {
            value: id.to_owned(),
            kind: TokenKind::Uuid,
            places: places.iter().map(|p| Path::parse(p).expect(p)).collect(),
        });
        self
    }

    /// A write that was recorded.
    fn calls(mut self, param: &str, still: bool) -> Self {
        let index = self.test.calls.len();
        let params = Value::List(vec![param.into()]);
        self.test.calls.push(mock(Value::map([
            ("sql", "insert into audit values ($1)".into()),
            ("params", params),
        ])));
        if !still {
            self.missing.push(MissingCall {
                index,
                to: "db".into(),
                summary: "insert into audit values ($1)".to_owned(),
                effect: Effect::Write,
                shared: false,
            });
        }
        self
    }
}

fn body(text: &str) -> Value {
    Value::map([("json", json::parse(text.as_bytes()).expect(text).0)])
}

fn response((status, text): Response<'_>) -> Value {
    Value::map([("status", status.into()), ("body", body(text))])
}

/// The results of a set whose responses are those, and their causes.
fn replayed(steps: Vec<Step>) -> (Vec<Arc<TestSet>>, Vec<TestResult>) {
    let mut values = ValueMap::new();
    let rules = RuleSet::new([]).expect("rules");
    let info = SetInfo::default();
    let setting = Setting {
        file: "a.yaml",
        took: Duration::ZERO,
        info: &info,
        live: &[],
        unread: &[],
        same_build: false,
    };
    let mut results = Vec::new();
    let mut tests = Vec::new();
    for step in steps {
        let test = step.test;
        let id = TestId {
            set: "shop".into(),
            name: test.name.as_str().into(),
        };
        let calls = CallsOutcome {
            test: id.clone(),
            recorded: test.calls.len(),
            matched: Vec::new(),
            extra: Vec::new(),
            unknown: Vec::new(),
            missing: step.missing,
            reordered: Vec::new(),
            sorted: 0,
            entered: Vec::new(),
            left: Vec::new(),
            overflow: 0,
            sharers: Vec::new(),
        };
        let compared = compare_response(&test.response, &step.now, &test.made, &rules, &mut values);
        results.push(judge(&test, &id, compared, &calls, &setting));
        tests.push(test);
    }
    let set = TestSet {
        name: "shop".into(),
        info,
        tests,
        shared: Vec::new(),
    };
    results.sort_by(|a, b| a.test.cmp(&b.test));
    (vec![Arc::new(set)], results)
}

fn of(steps: Vec<Step>) -> Vec<Cause> {
    let (sets, results) = replayed(steps);
    causes(&sets, &results)
}

/// What the causes are, each with the tests that show it and those that follow.
fn check(steps: Vec<Step>, expected: &[(&str, &[&str], &[&str])]) {
    let found = of(steps);
    let found: Vec<(&str, Vec<&str>, Vec<String>)> = found
        .iter()
        .map(|cause| {
            let tests = cause.tests.iter().map(|test| &*test.name).collect();
            let told = |c: &retake_model::Consequence| format!("{} {}", c.test.name, c.why);
            let following = cause.consequences.iter().map(told).collect();
            (cause.title.as_str(), tests, following)
        })
        .collect();
    let expected: Vec<(&str, Vec<&str>, Vec<String>)> = expected
        .iter()
        .map(|(title, tests, following)| {
            let following = following.iter().map(|text| (*text).to_owned()).collect();
            (*title, tests.to_vec(), following)
        })
        .collect();
    assert_eq!(found, expected);
}

const GIVEN: &str = r#"{"token": "redacted-92318f697e93bfd92907b3c3"}"#;
const REFUSED: Response<'_> = (401, r#"{"error": "not logged in"}"#);
const DONE: Response<'_> = (200, r#"{"orders": []}"#);

fn login(now: Response<'_>) -> Step {
    step("POST", "/login", (200, GIVEN), now)
}

#[test]
fn a_failed_login_is_the_cause_of_all_that_sends_its_token() {
    let mut steps = vec![login((500, r#"{"error": "no logins today"}"#))];
    for n in 10..60 {
        let name = format!("get-orders-{n}");
        steps.push(
            step("GET", "/orders", DONE, REFUSED)
                .sends(TOKEN)
                .named(&name),
        );
    }
    let causes = of(steps);
    assert_eq!(causes.len(), 1);
    assert_eq!(
        causes[0].title,
        "response.status: 200 -> 500, \"no logins today\""
    );
    assert_eq!(causes[0].tests.len(), 1);
    assert_eq!(causes[0].consequences.len(), 50);
    assert_eq!(
        causes[0].consequences[0].why,
        "sends `token`, which shop/post-login did not give out"
    );
}

#[test]
fn a_renamed_token_is_the_cause_of_all_that_sends_it() {
    check(
        vec![
            login((200, r#"{}"#)),
            step("GET", "/orders", DONE, REFUSED).sends(TOKEN),
        ],
        &[(
            r#"response.body.json.token: removed ("redacted-92318f697e93bfd92907b3c3")"#,
            &["post-login"],
            &["get-orders sends `token`, which shop/post-login did not give out"],
        )],
    );
}

#[test]
fn who_is_refused_with_a_token_that_was_given_out_is_a_cause() {
    check(
        vec![
            login((200, r#"{"token": "another-token-of-the-new-build"}"#)),
            step("GET", "/orders", DONE, REFUSED).sends(TOKEN),
        ],
        &[(
            r#"response.status: 200 -> 401, "not logged in""#,
            &["get-orders"],
            &[],
        )],
    );
    // Another login gave it out.
    check(
        vec![
            login((500, "{}")),
            login((200, GIVEN)).named("post-login-again"),
            step("GET", "/orders", DONE, REFUSED).sends(TOKEN),
        ],
        &[
            ("response.status: 200 -> 500", &["post-login"], &[]),
            (
                r#"response.status: 200 -> 401, "not logged in""#,
                &["get-orders"],
                &[],
            ),
        ],
    );
}

#[test]
fn who_is_served_without_the_token_has_a_change_of_its_own() {
    check(
        vec![
            login((200, "{}")),
            step(
                "GET",
                "/total",
                (200, r#"{"total": 1}"#),
                (200, r#"{"total": 2}"#),
            )
            .sends(TOKEN),
        ],
        &[
            (
                r#"response.body.json.token: removed ("redacted-92318f697e93bfd92907b3c3")"#,
                &["post-login"],
                &[],
            ),
            ("response.body.json.total: 1 -> 2", &["get-total"], &[]),
        ],
    );
}

#[test]
fn a_consequence_stays_red_and_keeps_its_differences() {
    let steps = vec![
        login((500, "{}")),
        step("GET", "/orders", DONE, REFUSED)
            .sends(TOKEN)
            .calls("x", false),
    ];
    let (sets, results) = replayed(steps);
    let orders = &results[0];
    assert_eq!(&*orders.test.name, "get-orders");
    assert_eq!(orders.verdict, Verdict::Changed);
    // The status, what it says in place of the orders, and the write.
    assert_eq!(orders.differences.len(), 4);
    let summary = summarise(&sets, &results, Totals::default());
    assert_eq!((summary.exit_code, summary.changed), (1, 2));
    assert_eq!(summary.causes.len(), 1);
}

#[test]
fn what_follows_from_a_consequence_follows_from_its_cause() {
    let second = r#"{"session": "redacted-000000000000000000000001"}"#;
    check(
        vec![
            login((500, "{}")),
            step("POST", "/session", (200, second), REFUSED).sends(TOKEN),
            step("GET", "/orders", DONE, REFUSED).sends("redacted-000000000000000000000001"),
        ],
        &[(
            "response.status: 200 -> 500",
            &["post-login"],
            &[
                "get-orders sends `session`, which shop/post-session did not give out",
                "post-session sends `token`, which shop/post-login did not give out",
            ],
        )],
    );
}

#[test]
fn an_id_that_was_told_to_a_dependency_is_not_lost_with_the_response() {
    let made = format!(r#"{{"id": "{ID}"}}"#);
    let made_in = ["calls[0].params[0]", "response.body.json.id"];
    let steps = |still: bool| {
        let path = format!("/items/{ID}");
        vec![
            step("POST", "/things", (200, &made), (200, "{}"))
                .makes(ID, &made_in)
                .calls(ID, still),
            step("GET", &path, DONE, (404, "{}")).named("get-item"),
        ]
    };
    // What the new build made is known, and was sent.
    assert!(
        of(steps(true))
            .iter()
            .all(|cause| cause.consequences.is_empty())
    );
    let follow = |causes: &[Cause]| causes.iter().any(|cause| !cause.consequences.is_empty());
    assert!(follow(&of(steps(false))));
}

#[test]
fn what_was_not_made_cannot_be_asked_for() {
    let make = |now| step("POST", "/orders", (201, r#"{"id": 17}"#), now);
    let ask = || {
        step(
            "GET",
            "/orders/17/lines",
            DONE,
            (404, r#"{"error": "no such order"}"#),
        )
    };
    check(
        vec![make((400, r#"{"error": "no tenant"}"#)), ask()],
        &[(
            r#"response.status: 201 -> 400, "no tenant""#,
            &["post-orders"],
            &["get-orders-17-lines asks for /orders/17, which shop/post-orders should have made"],
        )],
    );
    // It was made.
    let causes = of(vec![make((201, r#"{"id": 17}"#)), ask()]);
    assert!(causes.iter().all(|cause| cause.consequences.is_empty()));
    // It was made again.
    let again = make((201, r#"{"id": 17}"#)).named("post-orders-2");
    let causes = of(vec![make((400, "{}")), again, ask()]);
    assert!(causes.iter().all(|cause| cause.consequences.is_empty()));
    // An error of the service is no lack of a row.
    let broken = step("GET", "/orders/17", DONE, (500, r#"{"error": "null"}"#));
    let causes = of(vec![make((400, "{}")), broken]);
    assert!(causes.iter().all(|cause| cause.consequences.is_empty()));
}

#[test]
fn a_test_shows_what_should_have_been_changed() {
    let change = |now| {
        let recorded = (200, r#"{"name": "new", "at": 7}"#);
        step("PATCH", "/items/1", recorded, now).says(r#"{"name": "new"}"#)
    };
    let show = |now| {
        step(
            "GET",
            "/items/1",
            (200, r#"{"name": "new", "at": 7}"#),
            (200, now),
        )
    };
    let failed = (403, r#"{"error": "no"}"#);
    let follows = |steps| of(steps).iter().any(|cause| !cause.consequences.is_empty());
    assert!(follows(vec![
        change(failed),
        show(r#"{"name": "old", "at": 3}"#)
    ]));
    // Something else changed, too.
    assert!(!follows(vec![
        change(failed),
        show(r#"{"name": "old", "at": 7, "x": 1}"#)
    ]));
    // The write was done.
    let done = change((200, r#"{"name": "new", "at": 7}"#));
    assert!(!follows(vec![done, show(r#"{"name": "old", "at": 3}"#)]));
}

#[test]
fn a_test_lacks_what_a_failed_request_did_late() {
    let login = |now| login(now).says(r#"{"email": "ann@example.com"}"#);
    let list = |param: &str| step("GET", "/items", DONE, DONE).calls(param, false);
    let follows = |steps| of(steps).iter().any(|cause| !cause.consequences.is_empty());
    assert!(follows(vec![login((500, "{}")), list("ann@example.com")]));
    assert!(!follows(vec![login((500, "{}")), list("bob@example.com")]));
    assert!(!follows(vec![login((200, GIVEN)), list("ann@example.com")]));
}

#[test]
fn a_test_lacks_what_requests_like_a_failed_one_do_late() {
    const ORDER: &str = r#"{"sku": "S7", "qty": 5}"#;
    let post = |name: &str, now: Response<'_>| {
        let step = step("POST", "/orders", (201, r#"{"a": 1}"#), now);
        step.says(ORDER).named(name)
    };
    // What one did itself was kept with it; what the other did, with the test after it.
    let late = |step: Step, param: &str, still: bool| {
        let mut step = step.calls(param, still);
        if let Some(call) = step.test.calls.last_mut() {
            call.after = 9;
        }
        step
    };
    let good = (201, r#"{"a": 1}"#);
    let bad = (502, r#"{"error": "payment failed"}"#);
    let of = |param: &str| {
        let get = step("GET", "/stats", (200, "{}"), (200, "{}"));
        vec![
            late(post("a", good), "S7", true),
            post("b", bad),
            get.calls(param, false),
        ]
    };
    let causes = self::of(of("S7"));
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0].consequences.len(), 1);
    // It knows nothing of that.
    assert_eq!(self::of(of("S8")).len(), 2);
}

#[test]
fn a_test_lacks_the_end_of_a_transaction_that_a_failed_one_does_not_make() {
    let shared = |mut step: Step, sql: &str| {
        let mut step = step_of_shared(&mut step, sql);
        step.missing.last_mut().expect("a call").summary = sql.to_owned();
        step
    };
    let post = |now: Response<'_>| step("POST", "/orders", (201, r#"{"a": 1}"#), now);
    let get = step("GET", "/stats", (200, "{}"), (200, "{}"));
    let bad = (502, r#"{"error": "payment failed"}"#);
    let causes = self::of(vec![
        shared(post(bad), "insert into t values (1)"),
        shared(get, "COMMIT"),
    ]);
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0].consequences.len(), 1);
    // A test by itself has lost it.
    let get = step("GET", "/stats", (200, "{}"), (200, "{}"));
    assert_eq!(self::of(vec![post(bad), shared(get, "COMMIT")]).len(), 2);
}

/// The same step, with a call that it no longer makes and that may be another test's.
fn step_of_shared(step: &mut Step, sql: &str) -> Step {
    let blank = self::step("GET", "/", (200, "{}"), (200, "{}"));
    let mut step = std::mem::replace(step, blank).calls("x", false);
    if let Some(call) = step.test.calls.last_mut() {
        call.by = Attribution::Shared;
        call.request = Value::map([("sql", sql.into())]);
    }
    step
}

#[test]
fn a_change_that_others_show_by_themselves_stays_a_cause() {
    let failing = r#"{"errors": [{"message": "not logged in"}], "v": 2}"#;
    let served = (200, r#"{"v": 1}"#);
    let causes = of(vec![
        login((200, "{}")),
        step("POST", "/graphql", served, (200, failing)).sends(TOKEN),
        step("GET", "/version", served, (200, r#"{"v": 2}"#)),
    ]);
    let of_version = causes
        .iter()
        .find(|cause| cause.title == "response.body.json.v: 1 -> 2")
        .expect("a cause of its own");
    let tests: Vec<&str> = of_version.tests.iter().map(|test| &*test.name).collect();
    assert_eq!(tests, ["get-version", "post-graphql"]);
    assert!(causes.iter().any(|cause| cause.consequences.len() == 1));
}
