//! Rules that say what is noise in a request.

use retake_model::{NoiseRule, PathPattern, RuleAction, TestCase, Value};

use crate::build::{Run, call, http, ok, row, set, sql, test, told};

fn rule(at: &str, action: RuleAction) -> NoiseRule {
    NoiseRule {
        at: PathPattern::parse(at).expect(at),
        action,
        why: None,
        source: "set.yaml:1".to_owned(),
    }
}

const INSERT: &str = "insert into sessions (key, user_id) values ($1, $2)";

fn login() -> TestCase {
    let calls = vec![
        call(1, sql(INSERT, &["k3jx8", "7"]), row("1")),
        call(
            2,
            http(
                "POST",
                "/audit",
                Some(Value::map([
                    ("nonce", Value::from("n1")),
                    ("user", 7.into()),
                ])),
            ),
            row("2"),
        ),
    ];
    test("t", http("POST", "/login", None), ok(Value::Null), calls)
}

fn audit(nonce: &str, user: u32) -> Value {
    http(
        "POST",
        "/audit",
        Some(Value::map([
            ("user", Value::from(user)),
            ("nonce", nonce.into()),
        ])),
    )
}

#[test]
fn what_a_rule_hides_does_not_identify_a_request() {
    let mut recording = set(vec![login()], vec![]);
    recording.info.rules = vec![
        rule("calls.db.params[0]", RuleAction::Ignore),
        rule(
            "calls.api.body.json.nonce",
            RuleAction::Pattern("^n[0-9]$".to_owned()),
        ),
    ];
    let mut run = Run::of(recording);
    run.begin("t");
    assert!(run.ask(sql(INSERT, &["another", "8"])).is_err());
    assert_eq!(run.ask(sql(INSERT, &["another", "7"])), Ok(row("1")));
    assert!(run.ask(audit("other", 7)).is_err());
    assert!(run.ask(audit("n2", 8)).is_err());
    assert_eq!(run.ask(audit("n2", 7)), Ok(row("2")));
}

#[test]
fn a_rule_of_one_test_holds_for_that_test_alone() {
    let mut with = login();
    with.rules = vec![rule("calls.db.params[0]", RuleAction::Ignore)];
    let mut without = login();
    without.name = "u".to_owned();
    let mut run = Run::of(set(vec![with, without], vec![]));
    run.begin("u");
    assert!(run.ask(sql(INSERT, &["another", "7"])).is_err());
    run.end("u");
    run.begin("t");
    assert_eq!(run.ask(sql(INSERT, &["another", "7"])), Ok(row("1")));
    run.end("t");
    let outcomes: Vec<String> = run.mocks.finish().iter().map(told).collect();
    assert_eq!(
        outcomes,
        [
            "matched  extra 0 unknown 1 missing 0,1 reordered ",
            "matched 0 extra 0 unknown 0 missing 1 reordered ",
        ]
    );
}

#[test]
fn a_rule_that_hides_a_whole_dependency_does_not_make_its_requests_equal() {
    let mut recording = set(vec![login()], vec![]);
    recording.info.rules = vec![rule("calls.db", RuleAction::Ignore)];
    let mut run = Run::of(recording);
    run.begin("t");
    assert!(run.ask(sql("select 1", &[])).is_err());
    assert!(run.ask(sql(INSERT, &["k3jx8", "7"])).is_ok());
}

#[test]
fn the_trace_that_only_the_replay_gave_is_not_told_on_in_a_body() {
    let hook = |headers: Vec<(&str, Value)>| {
        let json = Value::map([("n", 1.into()), ("headers", Value::map(headers))]);
        http("POST", "/hook", Some(json))
    };
    let accept = || ("accept", Value::from("*/*"));
    let told = |trace: &str| ("traceparent", Value::text(format!("00-{trace}-01")));
    let check = |client_sent_one: bool, headers: Vec<(&str, Value)>, found: bool| {
        let calls = vec![call(1, hook(vec![accept()]), ok(Value::Null))];
        let mut request = http("GET", "/", None);
        if client_sent_one {
            let header = Value::map([told("its-own")]);
            request.push("headers", Value::List(vec![header]));
        }
        let mut run = Run::of(set(
            vec![test("t", request, ok(Value::Null), calls)],
            vec![],
        ));
        run.begin_traced("t");
        let answer = run.ask(hook(headers.clone()));
        assert_eq!(answer.is_ok(), found, "{client_sent_one} {headers:?}");
    };
    check(false, vec![accept(), told("trace-t")], true);
    check(false, vec![accept(), told("another")], false);
    check(false, vec![accept(), ("x", "00-trace-t-01".into())], false);
    check(true, vec![accept(), told("trace-t")], false);
}
