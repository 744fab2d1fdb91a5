//! Requests that ask the same in other words, and those that do not.

use retake_compare::matching::Effect;
use retake_model::{Path, Value};

use crate::build::{call, row, sql, told};
use crate::calls::{one, query};

#[test]
fn scenario_23_trace_comments_do_not_break_matching() {
    let mut run = one(vec![query(
        1,
        "select a from t /*traceparent='00-1-1-01'*/",
        &[],
    )]);
    run.begin("t");
    assert!(
        run.ask(sql(
            "select a from t /*traceparent='00-2-2-01',x='y'*/",
            &[]
        ))
        .is_ok()
    );
}

#[test]
fn scenario_25_dependencies_are_told_apart() {
    let mut run = one(vec![query(1, "select a from t", &[])]);
    run.begin("t");
    let mut elsewhere = run.call(sql("select a from t", &[]), None);
    elsewhere.to = "other".into();
    assert!(matches!(
        run.mocks.ask(elsewhere, false),
        retake_model::Answer::Miss(_)
    ));
    assert!(run.ask(sql("select a from t", &[])).is_ok());
}

#[test]
fn scenario_32_values_in_the_text_are_parameters() {
    let mut run = one(vec![
        query(1, "select a from t where b = 'x' and c = 1", &[]),
        query(2, "select a from t where b = 'y' and c = 1", &[]),
    ]);
    run.begin("t");
    let mut ask = |text: &str| run.ask(sql(text, &[]));
    assert_eq!(
        ask("select a from t\nwhere b = 'y' and c = 1"),
        Ok(row("2"))
    );
    assert_eq!(ask("select a from t where b='x' and c=1"), Ok(row("1")));
    assert!(ask("select a from t where b = 'x' and c = 2").is_err());
}

#[test]
fn scenario_33_made_up_names_do_not_count() {
    let mut run = one(vec![
        query(1, "SAVEPOINT sa_savepoint_3", &[]),
        query(2, "select anon_3.a from (select a from t) as anon_3", &[]),
        query(3, "RELEASE SAVEPOINT sa_savepoint_3", &[]),
    ]);
    run.begin("t");
    for text in [
        "SAVEPOINT sa_savepoint_8",
        "select anon_1.a from (select a from t) as anon_1",
        "RELEASE SAVEPOINT sa_savepoint_8",
    ] {
        assert!(run.ask(sql(text, &[])).is_ok(), "{text}");
    }
    run.end("t");
    let outcome = run.finish_one();
    assert_eq!(
        told(&outcome),
        "matched 0,1,2 extra 0 unknown 0 missing  reordered "
    );
    let effects: Vec<Effect> = outcome.matched.iter().map(|m| m.call.effect).collect();
    assert_eq!(
        effects,
        [Effect::Transaction, Effect::Read, Effect::Transaction]
    );
}

/// SQLAlchemy lists the columns of a key of several columns in the order of a set.
/// A service that writes a set of values into its statements has another order in each process.
#[test]
fn lists_of_values_in_another_order_ask_the_same() {
    let check = |recorded: Value, asked: Value, found: bool| {
        let mut run = one(vec![call(1, recorded.clone(), row("1"))]);
        run.begin("t");
        assert_eq!(
            run.ask(asked.clone()).is_ok(),
            found,
            "{recorded:?} {asked:?}"
        );
    };
    let id = "9b2f6c1e-5d3a-4f7b-8c2d-1e0f9a8b7c6d";
    let other = "1c2f6c1e-5d3a-4f7b-8c2d-1e0f9a8b7c6e";
    for (a, b, found) in [
        (
            "select a from t where b in (1, 2, 3)",
            "select a from t where b in (3, 1, 2)",
            true,
        ),
        (
            "select a from t where b in (1, 2)",
            "select a from t where b in (1, 3)",
            false,
        ),
        (
            "select a from t where b in (1, 2)",
            "select a from t where b in (1, 2, 2)",
            false,
        ),
        (
            "with p as (values ('x', 'r'), ('y', 'w')) select * from p",
            "with p as (values ('y', 'w'), ('x', 'r')) select * from p",
            true,
        ),
        (
            "with p as (values ('x', 'r'), ('y', 'w')) select * from p",
            "with p as (values ('y', 'r'), ('x', 'w')) select * from p",
            false,
        ),
        (
            "insert into t values (1), (2)",
            "insert into t values (2), (1)",
            false,
        ),
        ("select coalesce(1, 2)", "select coalesce(2, 1)", false),
    ] {
        check(sql(a, &[]), sql(b, &[]), found);
    }
    // Rows with a value that the service makes are told apart by the rest of them.
    let rows = |id: &str, first: &str, second: &str| {
        let rows = format!("('/items/{id}', '{first}'), ('/items/{id}', '{second}')");
        sql(&format!("with p as (values {rows}) select * from p"), &[])
    };
    check(
        rows(id, "read", "write"),
        rows(other, "write", "read"),
        true,
    );
    check(
        rows(id, "read", "write"),
        rows(other, "read", "drop"),
        false,
    );
}

#[test]
fn scenario_38_columns_in_another_order_are_answered_in_that_order() {
    let list = |items: &[&str]| Value::List(items.iter().map(|item| Value::from(*item)).collect());
    let answer = |columns: &[&str], rows: &[&[&str]]| {
        let rows = rows.iter().map(|row| list(row)).collect();
        Value::map([("columns", list(columns)), ("rows", Value::List(rows))])
    };
    let recorded = "select t.k, q_1.b as q_1_b, q_1.a as q_1_a, 'l' as l from (select a, b from u where c = 'x') as q_1 join t on t.k = q_1.a";
    let asked = "select 'l' as l, q_2.a as q_1_a, t.k, q_2.b as q_1_b from (select b, a from u where c = 'x') as q_2 join t on t.k = q_2.a";
    let columns = ["k text", "q_1_b int4", "q_1_a text", "l text"];
    let rows: [&[&str]; 2] = [&["K", "1", "A", "l"], &["L", "2", "B", "l"]];
    let set = || vec![call(1, sql(recorded, &[]), answer(&columns, &rows))];
    let mut run = one(set());
    run.begin("t");
    let expected = answer(
        &["l text", "q_1_a text", "k text", "q_1_b int4"],
        &[&["l", "A", "K", "1"], &["l", "B", "L", "2"]],
    );
    assert_eq!(run.ask(sql(asked, &[])), Ok(expected.clone()));
    let describe = Value::map([("describe", Value::from(asked))]);
    let described = run.probe(describe).unwrap();
    assert_eq!(described.get("columns"), expected.get("columns"));
    run.end("t");
    let outcome = run.finish_one();
    assert_eq!(
        told(&outcome),
        "matched 0 extra 0 unknown 0 missing  reordered "
    );
    // Another value in an item that moved, other columns, and names that change places.
    for (from, to) in [
        ("'l'", "'m'"),
        ("t.k", "t.j"),
        ("q_2.a as q_1_a", "q_2.b as q_1_a"),
        ("'x'", "'y'"),
    ] {
        let mut run = one(set());
        run.begin("t");
        assert!(
            run.ask(sql(&asked.replacen(from, to, 1), &[])).is_err(),
            "{to}"
        );
    }
    let mut run = one(set());
    run.begin("t");
    assert_eq!(run.ask(sql(recorded, &[])), Ok(answer(&columns, &rows)));
}

#[test]
fn scenario_34_another_length_of_a_list_is_nearest_to_the_recorded_one() {
    let mut run = one(vec![
        query(1, "select * from u where id in ($1, $2)", &["1", "2"]),
        query(2, "select * from t where id in ($1, $2)", &["1", "2"]),
    ]);
    run.begin("t");
    let miss = run
        .ask(sql(
            "select * from t where id in ($1, $2, $3)",
            &["1", "2", "3"],
        ))
        .unwrap_err();
    let nearest = miss.nearest.unwrap();
    assert_eq!(nearest.summary, "select * from t where id in ($1, $2)");
    assert_eq!(
        nearest.differs.last().unwrap().0,
        Path::parse("params[2]").unwrap()
    );
}
