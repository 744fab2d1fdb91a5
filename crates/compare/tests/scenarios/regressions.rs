//! What a build may break, one thing in each row: a test that is green in spite of it is a bug, or
//! has its reason in `docs/noise.md` or `docs/exit-codes.md`, and says so here.

mod bodies;
mod calls;
mod headers;
mod statements;
mod values;

use std::time::Duration;

use retake_compare::clocks::{Clocks, Reading};
use retake_compare::diff::{Around, compare_calls, compare_response};
use retake_compare::rules::RuleSet;
use retake_compare::{Setting, judge};
use retake_model::{Ledger, SetInfo, Tally, Timestamp, Value, Verdict, json};

use crate::build::{RECORDED, REPLAYED, Run, call, http, id, ok, row, set, sql, test};

const SECOND: u64 = 1_000_000_000;

/// What one test asks of its dependencies, and what it answers.
struct Does {
    calls: Vec<Value>,
    response: Value,
}

/// The verdict on a test that did the one when it was recorded, and does the other now.
fn verdict(recorded: &Does, now: &Does) -> Verdict {
    let calls = (1..).zip(&recorded.calls);
    let calls = calls.map(|(place, request)| call(place, request.clone(), row("1")));
    let given = Value::map([("customer", "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a".into())]);
    let case = test(
        "t",
        http("POST", "/orders", Some(given)),
        recorded.response.clone(),
        calls.collect(),
    );
    let mut set = set(vec![case], vec![]);
    set.info.command = vec!["./shop".to_owned()];
    let case = set.tests[0].clone();
    let mut clocks = Clocks::of(&set);
    let mut run = Run::of(set);
    let at = |passed: u64| Reading {
        shown: Some(Timestamp(RECORDED + passed)),
        real: Timestamp(REPLAYED + passed),
    };
    clocks.started(at(0), at(0));
    run.begin("t");
    clocks.begin(0, at(0), at(0));
    for request in &now.calls {
        let _ = run.ask(request.clone());
    }
    run.end("t");
    clocks.end(0, at(SECOND / 10));
    let rules = RuleSet::new([]).expect("the built-in rules");
    let around = Around::of(&case, clocks.times(0));
    let values = run.mocks.values();
    let mut found = compare_response(&case.response, &now.response, around, &rules, values);
    let outcome = run.finish_one();
    let times = clocks.times(0);
    let values = run.mocks.values();
    found.absorb(compare_calls(&case, &outcome, times, &rules, values));
    let tally = ["db", "api"].map(|to| (to.to_owned(), Tally::default()));
    let info = SetInfo {
        ledger: Some(Ledger {
            outbound: tally.into_iter().collect(),
            ..Ledger::default()
        }),
        ..SetInfo::default()
    };
    let setting = Setting {
        file: "t.yaml",
        took: Duration::ZERO,
        info: &info,
        live: &[],
        unread: &[],
        same_build: false,
    };
    judge(&case, &id("t"), found, &outcome, &setting).verdict
}

/// The rows whose verdict is another one than that of a changed service.
fn green(rows: Vec<(&'static str, Does, Does)>) -> Vec<String> {
    let mut green = Vec::new();
    for (what, recorded, now) in &rows {
        let same = verdict(recorded, recorded);
        assert_eq!(same, Verdict::Passed, "the same build: {what}");
        let verdict = verdict(recorded, now);
        if verdict != Verdict::Changed {
            green.push(format!("{}: {what}", verdict.name()));
        }
    }
    green
}

fn answers(response: Value) -> Does {
    Does {
        calls: Vec::new(),
        response,
    }
}

/// A response with this JSON.
fn body(text: &str) -> Does {
    answers(ok(json::parse(text.as_bytes()).expect(text).0))
}

fn headers(headers: &[(&str, &str)]) -> Does {
    headers_and(headers, Value::map([("json", 1.into())]))
}

fn headers_and(headers: &[(&str, &str)], body: Value) -> Does {
    let field = |(name, value): &(&str, &str)| Value::map([(*name, Value::from(*value))]);
    answers(Value::map([
        ("status", 200.into()),
        ("headers", Value::List(headers.iter().map(field).collect())),
        ("body", body),
    ]))
}

fn of_kind(kind: &str, content: Value) -> Does {
    headers_and(&[], Value::map([(kind, content)]))
}

fn asks(calls: &[Value]) -> Does {
    Does {
        calls: calls.to_vec(),
        response: ok(1.into()),
    }
}

fn statements(texts: &[&str]) -> Does {
    let calls: Vec<Value> = texts.iter().map(|text| sql(text, &[])).collect();
    asks(&calls)
}

fn statement(text: &str, params: &[&str]) -> Does {
    asks(&[sql(text, params)])
}

fn sends(method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Value {
    let body = (!body.is_empty()).then(|| json::parse(body.as_bytes()).expect(body).0);
    let mut request = http(method, path, body);
    let field = |(name, value): &(&str, &str)| Value::map([(*name, Value::from(*value))]);
    let fields = fields.iter().map(field).collect();
    request.push("headers", Value::List(fields));
    request
}

const V4: &str = "7f3c2a10-1b2c-4d3e-8f90-a1b2c3d4e5f6";
const OTHER_V4: &str = "0d9e8f70-6a5b-4c3d-9e2f-112233445566";
const V7: &str = "019ca8e1-5f10-7c3d-9e2f-112233445566";
const GIVEN: &str = "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";
