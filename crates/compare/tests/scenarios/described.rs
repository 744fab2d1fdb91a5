//! What a statement is described by: its parameters and columns, where they were never asked for.

use retake_model::{Scope, Value};

use crate::build::{Run, call, http, ok, row, scoped, set, sql, test};
use crate::calls::one;

#[test]
fn scenario_18_a_statement_that_was_never_described_is_described_by_what_ran_it() {
    let mut request = sql("select a from t where b = $1", &["x"]);
    request.push("types", Value::List(vec!["text".into()]));
    let mut run = one(vec![call(1, request, row("1"))]);
    let describe = |text: &str| Value::map([("describe", Value::from(text))]);
    let described = run.probe(describe("SELECT a FROM t WHERE b = $1")).unwrap();
    assert_eq!(
        described.get("parameters"),
        Some(&Value::List(vec!["text".into()]))
    );
    assert_eq!(
        described.get("columns"),
        Some(&Value::List(vec!["x text".into()]))
    );
    assert!(run.probe(describe("select b from t")).is_err());
    assert_eq!(run.mocks.orphans().0, []);
}

#[test]
fn a_statement_that_only_failed_is_described_by_its_parameters() {
    let mut request = sql("select 1/$1", &["0"]);
    request.push("types", Value::List(vec!["int2".into()]));
    let error = Value::map([("error", Value::map([("code", "22012".into())]))]);
    let mut run = one(vec![call(1, request, error)]);
    let described = run
        .probe(Value::map([("describe", "select 1/$1".into())]))
        .unwrap();
    let types = Value::List(vec!["int2".into()]);
    assert_eq!(described, Value::map([("parameters", types)]));
}

#[test]
fn parameters_are_described_by_every_call_that_told_their_types() {
    let params = vec!["x".into(), Value::Bytes((&b"\0"[..]).into()), Value::Null];
    let request = Value::map([
        ("sql", "insert into t values ($1, $2, $3)".into()),
        ("params", Value::List(params)),
    ]);
    let describe = || Value::map([("describe", "insert into t values ($1, $2, $3)".into())]);
    let first = call(1, request.clone(), row("1"));
    let mut run = one(vec![first.clone()]);
    let described = run.probe(describe()).unwrap();
    assert_eq!(
        described.get("parameters"),
        Some(&Value::List(vec![Value::Null; 3]))
    );

    // Another call of the same statement told one of them.
    let mut told = request;
    let types = vec!["text".into(), Value::Null, "date".into()];
    told.push("types", Value::List(types.clone()));
    let mut run = one(vec![first, call(2, told, row("1"))]);
    let described = run.probe(describe()).unwrap();
    assert_eq!(described.get("parameters"), Some(&Value::List(types)));
}

#[test]
fn types_that_a_connection_asks_for_at_once_are_told_as_they_were_one_by_one() {
    let types = |list: &str| sql("select oid, name from types where oid = any($1)", &[list]);
    let told = |names: &[&str]| {
        let rows = names
            .iter()
            .map(|name| Value::List(vec![Value::from(*name)]));
        Value::map([("rows", Value::List(rows.collect()))])
    };
    let read = |list: &str, names: &[&str]| scoped(Scope::Session, types(list), told(names));
    let case = test("t", http("GET", "/", None), ok(Value::Null), vec![]);
    let shared = vec![
        read("{7}", &["text", "mood"]),
        read("{8}", &["text", "state"]),
        scoped(Scope::Startup, types("{9}"), told(&["row"])),
    ];
    let mut run = Run::of(set(vec![case], shared));
    run.begin("t");
    assert_eq!(
        run.ask(types("{8,7}")),
        Ok(told(&["text", "mood", "state"]))
    );
    for list in ["{7,9}", "{7,10}", "{10}", "{7,x}", "{}"] {
        assert!(run.ask(types(list)).is_err(), "{list}");
    }
    run.end("t");
}
