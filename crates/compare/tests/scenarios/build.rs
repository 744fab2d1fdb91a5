//! Recordings, written by hand.

use std::sync::Arc;

use retake_compare::made::{Known, Near, find_made};
use retake_compare::matching::{CallsOutcome, MockSet};
use retake_compare::rules::RuleSet;
use retake_model::{
    Answer, Attribution, Call, ConnId, Field, FieldKind, Miss, Mock, ProtocolId, Rules, Scope,
    SetInfo, TestCase, TestId, TestSet, Timestamp, TraceId, Value,
};

pub const POSTGRES: ProtocolId = ProtocolId("postgres");
pub const HTTP: ProtocolId = ProtocolId("http");

/// 2026-03-01T09:20:30Z.
pub const RECORDED: u64 = 1_772_356_830_000_000_000;

/// 2026-11-21T01:20:30Z.
pub const REPLAYED: u64 = 1_795_224_030_000_000_000;

macro_rules! fields {
    ($($name:literal $kind:ident),*) => {
        &[$(Field { name: $name, kind: FieldKind::$kind }),*]
    };
}

static POSTGRES_RULES: Rules = Rules {
    protocol: POSTGRES,
    identity: fields!["sql" Sql, "params" Params, "copy" Exact, "describe" Sql, "function" Exact],
    summary: &["sql", "describe", "function"],
};

static HTTP_RULES: Rules = Rules {
    protocol: HTTP,
    identity: fields!["method" Exact, "path" Path, "body" Body],
    summary: &["method", "path"],
};

pub fn rules(protocol: ProtocolId) -> &'static Rules {
    match protocol.0 {
        "postgres" => &POSTGRES_RULES,
        _ => &HTTP_RULES,
    }
}

/// A statement with parameters.
pub fn sql(text: &str, params: &[&str]) -> Value {
    let mut request = Value::map([("sql", Value::from(text))]);
    if !params.is_empty() {
        let params = params.iter().map(|p| Value::from(*p)).collect();
        request.push("params", Value::List(params));
    }
    request
}

/// An answer of one row of one value.
pub fn row(value: &str) -> Value {
    let rows = Value::List(vec![Value::List(vec![value.into()])]);
    Value::map([
        ("columns", Value::List(vec!["x text".into()])),
        ("rows", rows),
    ])
}

pub fn http(method: &str, path: &str, json: Option<Value>) -> Value {
    let mut request = Value::map([("method", Value::from(method)), ("path", Value::from(path))]);
    if let Some(json) = json {
        request.push("body", Value::map([("json", json)]));
    }
    request
}

pub fn ok(json: Value) -> Value {
    Value::map([
        ("status", Value::from(200)),
        ("body", Value::map([("json", json)])),
    ])
}

/// A call that took 1 µs, the number of its place in ten µs after the request.
pub fn call(place: u64, request: Value, response: Value) -> Mock {
    let is_http = request.get("method").is_some();
    Mock {
        to: Arc::from(if is_http { "api" } else { "db" }),
        protocol: if is_http { HTTP } else { POSTGRES },
        scope: Scope::Test,
        by: Attribution::Alone,
        after: place * 10_000,
        took: 1_000,
        request,
        response,
        merged: 0,
    }
}

pub fn scoped(scope: Scope, request: Value, response: Value) -> Mock {
    Mock {
        scope,
        by: Attribution::Unattributed,
        ..call(0, request, response)
    }
}

/// A test that took 1 ms.
pub fn test(name: &str, request: Value, response: Value, calls: Vec<Mock>) -> TestCase {
    TestCase {
        name: name.to_owned(),
        protocol: HTTP,
        at: Timestamp(RECORDED),
        took: 1_000_000,
        trace: None,
        merged: 0,
        port: None,
        request,
        response,
        calls,
        made: Vec::new(),
        rules: Vec::new(),
    }
}

/// A set of tests that were recorded one after the other, a second apart; what the service made
/// is traced.
pub fn set(mut tests: Vec<TestCase>, shared: Vec<Mock>) -> TestSet {
    let mut known = Known::new();
    for mock in &shared {
        known.learn(mock, Near::recorded(Timestamp(RECORDED)));
    }
    for (second, test) in (0u64..).zip(&mut tests) {
        if test.at.0 == RECORDED {
            test.at = Timestamp(RECORDED + second * 1_000_000_000);
        }
        test.made = find_made(test, &mut known);
    }
    TestSet {
        name: Arc::from("set"),
        info: SetInfo {
            recorded: Timestamp(RECORDED),
            ..SetInfo::default()
        },
        tests,
        shared,
    }
}

/// A run of a set.
pub struct Run {
    pub mocks: MockSet,
    /// Nanoseconds between two calls.
    pub pace: u64,
    at: u64,
}

impl Run {
    pub fn of(set: TestSet) -> Self {
        Run {
            mocks: MockSet::new(&[Arc::new(set)], rules, &RuleSet::default()).expect("rules"),
            pace: 1_000,
            at: REPLAYED,
        }
    }

    pub fn begin(&mut self, name: &str) -> Value {
        self.mocks.begin(&id(name), None).expect(name)
    }

    pub fn begin_traced(&mut self, name: &str) -> Value {
        self.mocks.begin(&id(name), Some(trace(name))).expect(name)
    }

    pub fn end(&mut self, name: &str) {
        self.mocks.end(&id(name));
    }

    pub fn call(&mut self, request: Value, trace: Option<TraceId>) -> Call {
        let like = call(0, request, Value::Null);
        self.at += self.pace;
        Call {
            to: like.to,
            protocol: like.protocol,
            conn: ConnId(0),
            at: Timestamp(self.at),
            trace,
            request: like.request,
        }
    }

    pub fn ask(&mut self, request: Value) -> Result<Value, Box<Miss>> {
        let call = self.call(request, None);
        served(self.mocks.ask(call, false))
    }

    pub fn ask_traced(&mut self, name: &str, request: Value) -> Result<Value, Box<Miss>> {
        let call = self.call(request, Some(trace(name)));
        served(self.mocks.ask(call, false))
    }

    pub fn probe(&mut self, request: Value) -> Result<Value, Box<Miss>> {
        let call = self.call(request, None);
        served(self.mocks.ask(call, true))
    }

    /// The outcome of the one test of the run.
    pub fn finish_one(&mut self) -> CallsOutcome {
        self.mocks.finish().pop().expect("one test")
    }
}

fn served(answer: Answer) -> Result<Value, Box<Miss>> {
    match answer {
        Answer::Serve(answer) => Ok(answer.as_ref().clone()),
        Answer::Miss(miss) => Err(miss),
    }
}

pub fn id(name: &str) -> TestId {
    TestId {
        set: Arc::from("set"),
        name: Arc::from(name),
    }
}

pub fn trace(name: &str) -> TraceId {
    TraceId(format!("trace-{name}"))
}

/// `matched extra unknown missing reordered`, by the numbers in the recording where there are.
pub fn told(outcome: &CallsOutcome) -> String {
    let numbers = |numbers: Vec<usize>| {
        let texts: Vec<String> = numbers.iter().map(usize::to_string).collect();
        texts.join(",")
    };
    format!(
        "matched {} extra {} unknown {} missing {} reordered {}",
        numbers(outcome.matched.iter().filter_map(|m| m.index).collect()),
        outcome.extra.len(),
        outcome.unknown.len(),
        numbers(outcome.missing.iter().map(|m| m.index).collect()),
        numbers(reordered(outcome)),
    )
}

/// The numbers in the recording of the calls that were moved.
fn reordered(outcome: &CallsOutcome) -> Vec<usize> {
    let moved = outcome.reordered.iter();
    let moved = moved.filter_map(|place| outcome.matched.get(*place)?.index);
    moved.collect()
}
