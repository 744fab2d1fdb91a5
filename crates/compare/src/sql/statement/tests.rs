use proptest::prelude::*;

use super::*;

fn same(a: &str, b: &str) {
    assert_eq!(Statement::read(a), Statement::read(b));
}

fn differ(a: &str, b: &str) {
    assert_ne!(
        Statement::read(a),
        Statement::read(b),
        "{a}\nand\n{b}\nare not the same"
    );
}

#[test]
fn comments_white_space_and_case_do_not_count() {
    same(
        "SELECT id,name  FROM items\n WHERE id = $1 -- by id",
        "select id, name from items where id = $1",
    );
    same("select 1;", "select 1");
}

#[test]
fn scenario_23_trace_comments_do_not_count() {
    same(
        "select * from t where a = 1 /*traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'*/",
        "/* app:web */ select * from t where a = 1",
    );
    differ("select /*! 1, */ 2", "select 2");
}

#[test]
fn scenario_32_literals_are_lifted_out() {
    let statement = Statement::read(
        "insert into t values ('it''s', 42, E'a\\nb', $tag$x 'y'$tag$, date '2026-03-01', -1.5e3, null)",
    );
    assert_eq!(
        statement.shape,
        "insert into t values ( ?s , ?n , ?e , ?d , date ?s , - ?n , null )"
    );
    let texts: Vec<&str> = statement.literals.iter().map(|l| l.text.as_str()).collect();
    assert_eq!(texts[0], "it''s");
    assert_eq!(texts[1], "42");
    assert_eq!(texts[3], "x 'y'");
    assert_eq!(texts[4], "2026-03-01");
    assert_eq!(texts[5], "1.5e3");
    assert!(statement.literals[1].number && !statement.literals[0].number);
}

#[test]
fn scenario_33_made_up_names_do_not_count() {
    same("SAVEPOINT sa_savepoint_3", "SAVEPOINT sa_savepoint_41");
    same(
        "RELEASE SAVEPOINT \"s140_x2\"",
        "RELEASE SAVEPOINT \"s9_x1\"",
    );
    same("ROLLBACK TO SAVEPOINT s1", "ROLLBACK TO SAVEPOINT s2");
    same(
        "DECLARE \"_django_curs_140_sync_1\" NO SCROLL CURSOR FOR select 1",
        "DECLARE \"_django_curs_77_sync_9\" NO SCROLL CURSOR FOR select 1",
    );
    same("FETCH FORWARD 100 FROM c_12", "FETCH FORWARD 100 FROM c_13");
    same("CLOSE c_12", "close c_13");
    same(
        "EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE sqlx_s_5(NULL)",
        "EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE sqlx_s_11(NULL)",
    );
    same(
        "PREPARE p1 (int) AS select 1",
        "PREPARE p2 (int) AS select 1",
    );
    same(
        "DEALLOCATE pdo_stmt_00000001",
        "DEALLOCATE pdo_stmt_0000000a",
    );
    same(
        "select anon_1.id from (select id from items) as anon_1 where anon_1.id > 3",
        "select anon_2.id from (select id from items) as anon_2 where anon_2.id > 3",
    );
    same(
        "select \"__local_0__\".\"id\" from \"public\".\"items\" as \"__local_0__\"",
        "select \"__local_7__\".\"id\" from \"public\".\"items\" as \"__local_7__\"",
    );
    same(
        "with x1 as (select 1 as a) select x1.a from x1",
        "with x2 as (select 1 as a) select x2.a from x2",
    );
}

#[test]
fn renaming_never_equates_two_statements() {
    // Another table, another column, other places of the same names.
    differ("select * from t1", "select * from t2");
    differ("select t1.a from t1", "select t2.a from t2");
    differ("select t1.a from t1 t1", "select t2.a from t2 t2");
    differ("select t1.a from t1 as t1", "select t2.a from t2 as t2");
    differ("select a as c1 from t", "select a as c2 from t");
    differ("select a, b from t", "select b, a from t");
    differ("update t set a1 = b2", "update t set b2 = a1");
    differ(
        "select n1.x, n2.x from a n1 join b n2 on n1.id = n2.id",
        "select n2.x, n1.x from a n1 join b n2 on n1.id = n2.id",
    );
    differ("select s1.f() from t", "select s2.f() from t");
    differ("select x from s1.items", "select x from s2.items");
    differ(
        "select s1.items.x from s1.items",
        "select s2.items.x from s2.items",
    );
    differ("SAVEPOINT before_charge", "SAVEPOINT after_charge");
    differ("FETCH FORWARD 100 FROM c_12", "FETCH FORWARD 10 FROM c_12");
    differ("ROLLBACK TO SAVEPOINT s1", "RELEASE SAVEPOINT s1");
    differ(
        "with x1 as (select 1 as a) select x1.a from x1",
        "with x1 as (select 1 as a) select x1.a from x2 as x1",
    );
    // Another literal, and another kind of literal.
    differ("select 1 limit 1", "select 1 limit 2");
    differ("select '5'", "select 5");
    differ("select 'a'", "select E'a'");
    differ("select '?n'", "select 1");
    differ("select a ? 'b'", "select a ?| 'b'");
    // Parted in another place.
    differ("select \"a\"\" \"\"b\"", "select \"a\" \"b\"");
    differ("select \"A\"", "select \"a\"");
    differ("select 'a' 'b'", "select 'ab'");
}

#[test]
fn scenario_34_the_length_of_a_list_counts_but_is_alike() {
    let two = "select * from t where id in (1, 2) and x = 'a'";
    let three = "select * from t where id in (1, 2, 3) and x = 'a'";
    differ(two, three);
    let folded = |sql| Statement::read(sql).folded;
    assert_eq!(folded(two), folded(three));
    assert_eq!(
        folded("insert into t (a) values ($1, $2), ($3, $4)"),
        folded("insert into t (a) values ($1, $2)")
    );
    assert_ne!(folded(two), folded("select * from u where id in (1)"));
}

#[test]
fn what_cannot_be_read_stands_for_itself() {
    let text = "select 'unterminated";
    assert_eq!(Statement::read(text).shape, format!("\u{0}{text}"));
    differ("select 'unterminated", "select  'unterminated");
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u32..1000).prop_map(|n| n.to_string()),
        "[a-z' ?$0-9]{0,8}".prop_map(|s| format!("'{}'", s.replace('\'', "''"))),
        "[a-z ]{0,8}".prop_map(|s| format!("$t${s}$t$")),
    ]
}

proptest! {
    #[test]
    fn a_literal_that_differs_is_never_lost(a in literal(), b in literal()) {
        prop_assume!(a != b);
        for (before, after) in [
            ("select * from t where a = ", ""),
            ("select * from t where a in (1, ", ", 'x')"),
            ("update t1 set a = ", " where t1.b = 2"),
        ] {
            let read = |literal: &str| Statement::read(&format!("{before}{literal}{after}"));
            prop_assert_ne!(read(&a), read(&b));
        }
    }

    #[test]
    fn normalising_a_shape_changes_nothing(sql in "(select|from|as|t1|t1\\.a|x|\\(|\\)|,|=| ){0,20}") {
        let shape = Statement::read(&sql).shape;
        if !shape.contains('<') && !shape.starts_with('\u{0}') {
            prop_assert_eq!(&Statement::read(&shape).shape, &shape);
        }
    }

    #[test]
    fn white_space_and_comments_never_count(words in proptest::collection::vec("[a-z]{1,5}|[0-9]{1,3}|'[a-z]*'|,|=|\\(", 0..12)) {
        let plain = words.join(" ");
        let commented = words.join(" /* it's */\n\t");
        prop_assert_eq!(Statement::read(&plain), Statement::read(&commented));
    }

    #[test]
    fn reading_never_panics(sql in "\\PC{0,60}") {
        let _ = Statement::read(&sql);
    }
}
