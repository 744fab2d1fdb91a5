use retake_model::Value;

use super::*;
use crate::made::Near;
use crate::matching::request_key;
use crate::sql::Statements;
use crate::test_cases::PARAMETERS;

/// A request: its statement, and parameters with their types (`-` for none).
type Asked<'a> = (&'a str, &'a [(&'a str, &'a str)]);

fn request((sql, params): Asked<'_>) -> Value {
    let mut request = Value::map([("sql", Value::text(sql))]);
    if !params.is_empty() {
        let value = |text: &str| match text {
            "NULL" => Value::Null,
            text => text.into(),
        };
        let name = |name: &str| match name {
            "-" => Value::Null,
            name => name.into(),
        };
        let values = params.iter().map(|(text, _)| value(text)).collect();
        let types = params.iter().map(|(_, kind)| name(kind)).collect();
        request.push("params", Value::List(values));
        request.push("types", Value::List(types));
    }
    request
}

/// Whether the second is answered with what the first was.
fn answers(recorded: Asked<'_>, asked: Asked<'_>) -> bool {
    let (recorded, asked) = (request(recorded), request(asked));
    let mut statements = Statements::default();
    let mut read = |request: &Value| {
        crate::matching::canon_for_tests(request, &PARAMETERS, Near::default(), &mut statements)
    };
    let (a, b) = (read(&recorded), read(&asked));
    request_key(&recorded, &PARAMETERS) == request_key(&asked, &PARAMETERS) && same(&a, &b)
}

#[track_caller]
fn both(a: Asked<'_>, b: Asked<'_>) {
    assert!(answers(a, b), "{a:?}\nis not answered by\n{b:?}");
    assert!(answers(b, a), "{b:?}\nis not answered by\n{a:?}");
}

#[track_caller]
fn neither(a: Asked<'_>, b: Asked<'_>) {
    assert!(!answers(a, b), "{a:?}\nanswers\n{b:?}");
    assert!(!answers(b, a), "{b:?}\nanswers\n{a:?}");
}

#[track_caller]
fn one_way(recorded: Asked<'_>, asked: Asked<'_>) {
    assert!(answers(recorded, asked), "{recorded:?}\n{asked:?}");
    assert!(!answers(asked, recorded), "{asked:?}\n{recorded:?}");
}

#[test]
fn scenario_32_a_literal_is_the_parameter_of_another_driver() {
    for (literal, sql, value, kind) in [
        (
            "select a from t where id = 5",
            "select a from t where id = $1",
            "5",
            "int4",
        ),
        (
            "select a from t where id = 5",
            "select a from t where id = $1",
            "5",
            "int2",
        ),
        (
            "select a from t where id = -5",
            "select a from t where id = $1",
            "-5",
            "int8",
        ),
        (
            "select a from t where p > 5",
            "select a from t where p > $1",
            "5",
            "float8",
        ),
        (
            "select a from t where p = 1.50",
            "select a from t where p = $1",
            "1.50",
            "numeric",
        ),
        (
            "select a from t where n = 'it''s'",
            "select a from t where n = $1",
            "it's",
            "text",
        ),
        (
            "select a from t where n = 'x'",
            "select a from t where n = $1",
            "x",
            "-",
        ),
        (
            "select a from t where n = E'a\\\\b\\n'",
            "select a from t where n = $1",
            "a\\b\n",
            "-",
        ),
        (
            "select a from t where n like 'x%'",
            "select a from t where n like $1",
            "x%",
            "varchar",
        ),
        (
            "select a from t where ok = true",
            "select a from t where ok = $1",
            "t",
            "bool",
        ),
        (
            "select a from t where d > '2026-03-01'::date",
            "select a from t where d > $1",
            "2026-03-01",
            "date",
        ),
        (
            "select a from t where u = 'x'::uuid",
            "select a from t where u = $1::uuid",
            "x",
            "uuid",
        ),
        (
            "select a from t where u = 'x'::uuid",
            "select a from t where u = $1::uuid",
            "x",
            "-",
        ),
        (
            "select a from t limit 5",
            "select a from t limit $1",
            "5",
            "int8",
        ),
        ("select 1/0", "select 1/$1", "0", "int4"),
        (
            "update t set a = 5 where b = 'x'",
            "update t set a = $1 where b = 'x'",
            "5",
            "int4",
        ),
        (
            "insert into t (a) values (NULL)",
            "insert into t (a) values ($1)",
            "NULL",
            "-",
        ),
        ("select f(5)", "select f($1)", "5", "int4"),
        ("select '{}'::int[]", "select $1", "{}", "int4[]"),
        (
            "select a from t where b = '5'::int",
            "select a from t where b = $1",
            "5",
            "int4",
        ),
    ] {
        both((literal, &[]), (sql, &[(value, kind)]));
    }
    both(
        ("select a from t where id in (1, 'x') and b = 1", &[]),
        (
            "select a from t where id in ($1, $2) and b = $1",
            &[("1", "int4"), ("x", "text")],
        ),
    );
    both(
        ("insert into t values (1, 'a', NULL), (2, 'b', true)", &[]),
        (
            "insert into t values ($1, $2, $3), ($4, $5, $6)",
            &[
                ("1", "int4"),
                ("a", "text"),
                ("NULL", "-"),
                ("2", "int4"),
                ("b", "text"),
                ("t", "bool"),
            ],
        ),
    );
}

#[test]
fn a_text_without_a_type_takes_that_of_its_place_only_where_it_is_known_to_fit() {
    for (sql, asked) in [
        (
            "select a from t where id = 5",
            "select a from t where id = '5'",
        ),
        (
            "insert into t (a) values (5)",
            "insert into t (a) values ('5')",
        ),
        (
            "select a from t where id in (5)",
            "select a from t where id in ('5')",
        ),
    ] {
        // A text column takes the text, and not the number.
        one_way((sql, &[]), (asked, &[]));
    }
    one_way(
        ("select a from t where id = $1", &[("5", "int4")]),
        ("select a from t where id = '5'", &[]),
    );
    one_way(
        ("select a from t where id = 5", &[]),
        ("select a from t where id = $1", &[("5", "-")]),
    );
}

#[test]
fn what_is_not_certain_is_not_the_same() {
    for (a, sql, value, kind) in [
        // Another value.
        (
            "select a from t where id = 5",
            "select a from t where id = $1",
            "6",
            "int4",
        ),
        (
            "select a from t where n = 'a'",
            "select a from t where n = $1",
            "A",
            "text",
        ),
        // The place gives no type.
        ("select 5", "select $1", "5", "text"),
        ("select '5'", "select $1", "5", "int4"),
        ("select 5 / 2", "select $1 / 2", "5", "numeric"),
        ("select f('5')", "select f($1)", "5", "int4"),
        (
            "select a from t where b = 5 / 2",
            "select a from t where b = $1 / 2",
            "5",
            "float8",
        ),
        ("select '2026-03-01'", "select $1", "2026-03-01", "date"),
        // A position.
        (
            "select a, b from t order by 1",
            "select a, b from t order by $1",
            "1",
            "int4",
        ),
        (
            "select a, b from t group by a, 2",
            "select a, b from t group by a, $1",
            "2",
            "int4",
        ),
        (
            "select distinct on (1) a from t",
            "select distinct on ($1) a from t",
            "1",
            "int4",
        ),
        // A time of no zone.
        (
            "select a from t where d = '2026-03-01 10:00'",
            "select a from t where d = $1",
            "2026-03-01 10:00",
            "timestamptz",
        ),
        // Converted twice.
        ("select '5'::text", "select $1::text", "5", "int4"),
        // NULL is no text.
        (
            "select a from t where n = 'null'",
            "select a from t where n = $1",
            "NULL",
            "text",
        ),
        (
            "select a from t where n is null",
            "select a from t where n is $1",
            "NULL",
            "text",
        ),
        // A word, and an operator.
        ("select a - 5 from t", "select a $1 from t", "-5", "int4"),
    ] {
        neither((a, &[]), (sql, &[(value, kind)]));
    }
    for (a, b) in [
        ("select '5'", "select 5"),
        ("select 5", "select 5.0"),
        ("select '5'::int", "select '5'::text"),
        ("select x'5'", "select '5'"),
        (
            "select a from t where a = 5 - 3",
            "select a from t where a = 5 -3 + 0",
        ),
    ] {
        neither((a, &[]), (b, &[]));
    }
}

#[test]
fn parameters_that_do_not_stand_in_the_statement_count() {
    let sql = "select a from t where id = $1";
    neither(
        (sql, &[("5", "int4")]),
        (sql, &[("5", "int4"), ("6", "int4")]),
    );
    // Types of parameters do not.
    both((sql, &[("5", "int4")]), (sql, &[("5", "text")]));
}

#[test]
fn the_same_value_twice_is_one_parameter_or_two() {
    both(
        ("select a from t where b = $1 or c = $1", &[("5", "int4")]),
        (
            "select a from t where b = $1 or c = $2",
            &[("5", "int4"), ("5", "int4")],
        ),
    );
    neither(
        (
            "select a from t where b = $1 or c = $2",
            &[("5", "int4"), ("6", "int4")],
        ),
        (
            "select a from t where b = $2 or c = $1",
            &[("5", "int4"), ("6", "int4")],
        ),
    );
}

#[test]
fn lists_of_parameters_in_another_order_ask_the_same() {
    let sql = "select a from t where b in ($1, $2) and c = $3";
    let text = |a, b, c| [(a, "text"), (b, "text"), (c, "text")];
    both((sql, &text("x", "y", "z")), (sql, &text("y", "x", "z")));
    neither((sql, &text("x", "y", "z")), (sql, &text("x", "z", "y")));
    both(
        (sql, &text("x", "y", "z")),
        ("select a from t where b in ('y', 'x') and c = 'z'", &[]),
    );
}

#[test]
fn what_a_tool_notes_of_its_time_and_machine_does_not_count() {
    let flyway = r#"INSERT INTO "public"."flyway_schema_history" ("installed_rank", "version",
        "execution_time", "success") VALUES ($1, $2, $3, $4)"#;
    let took = |rank, took| {
        let params = vec![
            (rank, "int4"),
            ("1", "varchar"),
            (took, "int4"),
            ("TRUE", "bool"),
        ];
        params
    };
    both((flyway, &took("1", "29")), (flyway, &took("1", "44")));
    neither((flyway, &took("1", "29")), (flyway, &took("2", "29")));
    let liquibase = |by: &str| {
        format!(
            "UPDATE databasechangeloglock SET LOCKED = TRUE, LOCKEDBY = '{by}', LOCKGRANTED = NOW() WHERE ID = 1"
        )
    };
    both(
        (&liquibase("vm (10.0.0.1)"), &[]),
        (&liquibase("ci (10.7.0.2)"), &[]),
    );
}
