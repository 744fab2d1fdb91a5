//! Statements.

use super::*;

#[test]
fn changed_statements_are_red() {
    let q = |text: &str| statements(&[text]);
    let insert = |params: &[&str]| statement("insert into t (a, b) values ($1, $2)", params);
    let tx = |begin: &str, end: &str| statements(&[begin, "insert into t values (1)", end]);
    let typed = |kind: &str, value: &str| {
        let mut request = sql("select * from t where a = $1", &[value]);
        request.push("types", Value::List(vec![kind.into()]));
        asks(&[request])
    };
    let rows = vec![
        (
            "a column more",
            q("select a from t"),
            q("select a, b from t"),
        ),
        ("all columns", q("select a from t"), q("select * from t")),
        ("another table", q("select a from t"), q("select a from u")),
        (
            "another order",
            q("select a from t order by a"),
            q("select a from t order by a desc"),
        ),
        (
            "no order",
            q("select a from t order by a"),
            q("select a from t"),
        ),
        (
            "another limit",
            q("select a from t limit 10"),
            q("select a from t limit 100"),
        ),
        (
            "no limit",
            q("select a from t limit 10"),
            q("select a from t"),
        ),
        (
            "a condition lost",
            q("select a from t where b = 1 and c = 2"),
            q("select a from t where b = 1"),
        ),
        (
            "all conditions lost",
            q("delete from t where b = 1"),
            q("delete from t"),
        ),
        (
            "or for and",
            q("select a from t where b = 1 and c = 2"),
            q("select a from t where b = 1 or c = 2"),
        ),
        (
            "less for less or equal",
            q("select a from t where b < 1"),
            q("select a from t where b <= 1"),
        ),
        (
            "another join",
            q("select a from t join u using (x)"),
            q("select a from t left join u using (x)"),
        ),
        (
            "distinct lost",
            q("select distinct a from t"),
            q("select a from t"),
        ),
        (
            "a lock lost",
            q("select a from t where b = 1 for update"),
            q("select a from t where b = 1"),
        ),
        (
            "another answer of a conflict",
            q("insert into t values (1) on conflict do nothing"),
            q("insert into t values (1)"),
        ),
        (
            "nothing returned",
            q("insert into t values (1) returning id"),
            q("insert into t values (1)"),
        ),
        (
            "another aggregate",
            q("select sum(a) from t"),
            q("select avg(a) from t"),
        ),
        (
            "another case of a text",
            q("select a from t where b = 'x'"),
            q("select a from t where b = 'X'"),
        ),
        (
            "a list that is longer",
            q("select a from t where b in (1, 2)"),
            q("select a from t where b in (1, 2, 3)"),
        ),
        (
            "a column quoted in another case",
            q("select \"a\" from t"),
            q("select \"A\" from t"),
        ),
        (
            "values in other places",
            insert(&["1", "2"]),
            insert(&["2", "1"]),
        ),
        (
            "a value of other precision",
            insert(&["1.50", "x"]),
            insert(&["1.5", "x"]),
        ),
        (
            "a value that is empty",
            insert(&["a", "x"]),
            insert(&["", "x"]),
        ),
        (
            "a value that is cut",
            insert(&["a name", "x"]),
            insert(&["a nam", "x"]),
        ),
        (
            "an id that was given",
            insert(&[V4, "x"]),
            insert(&[GIVEN, "x"]),
        ),
        (
            "one id for two rows",
            asks(&[
                sql("insert into t values ($1)", &[V4]),
                sql("insert into t values ($1)", &[OTHER_V4]),
            ]),
            asks(&[
                sql("insert into t values ($1)", &[V4]),
                sql("insert into t values ($1)", &[V4]),
            ]),
        ),
        (
            "a UUID of another version",
            insert(&[V4, "x"]),
            insert(&[V7, "x"]),
        ),
        (
            "another cost of a hash",
            insert(&[
                "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
                "x",
            ]),
            insert(&[
                "$2b$04$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
                "x",
            ]),
        ),
        (
            "an expiry",
            insert(&["2026-03-01 10:20:30+00", "x"]),
            insert(&["2026-03-01 11:20:30+00", "x"]),
        ),
        (
            "local time",
            insert(&["2026-03-01 09:20:30", "x"]),
            insert(&["2026-03-01 11:20:30", "x"]),
        ),
        (
            "an insert twice",
            q("insert into t values (1)"),
            statements(&["insert into t values (1)", "insert into t values (1)"]),
        ),
        (
            "an insert lost",
            statements(&["select 1", "insert into t values (1)"]),
            q("select 1"),
        ),
        (
            "writes in another order",
            statements(&["insert into t values (1)", "delete from u"]),
            statements(&["delete from u", "insert into t values (1)"]),
        ),
        (
            "a rollback for a commit",
            tx("begin", "commit"),
            tx("begin", "rollback"),
        ),
        (
            "no commit",
            tx("begin", "commit"),
            statements(&["begin", "insert into t values (1)"]),
        ),
        (
            "no transaction",
            tx("begin", "commit"),
            q("insert into t values (1)"),
        ),
        (
            "another isolation",
            tx("begin isolation level serializable", "commit"),
            tx("begin", "commit"),
        ),
        (
            "a transaction that may write",
            tx("begin read only", "commit"),
            tx("begin", "commit"),
        ),
        (
            "a savepoint lost",
            statements(&[
                "savepoint a1",
                "insert into t values (1)",
                "release savepoint a1",
            ]),
            q("insert into t values (1)"),
        ),
        (
            "a value of another type",
            typed("int4", "1"),
            typed("numeric", "1.0"),
        ),
        (
            "rows of an insert",
            q("insert into t values (1), (2)"),
            q("insert into t values (1)"),
        ),
        (
            "the time of another zone",
            q("set time zone 'UTC'"),
            q("set time zone 'Europe/Berlin'"),
        ),
    ];
    assert_eq!(green(rows), [""; 0]);
}
