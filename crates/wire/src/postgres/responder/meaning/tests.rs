use super::*;

#[test]
fn statements_are_known_by_their_first_words() {
    for (sql, expect) in [
        ("BEGIN", Kind::Begin),
        (
            "/* a; /* b */ */ begin isolation level serializable",
            Kind::Begin,
        ),
        ("start transaction", Kind::Begin),
        ("-- c\nCOMMIT", Kind::Commit),
        ("end", Kind::Commit),
        ("commit prepared 'x'", Kind::Other),
        ("rollback", Kind::Rollback),
        ("ROLLBACK WORK TO SAVEPOINT a", Kind::RollbackTo),
        ("rollback to a", Kind::RollbackTo),
        ("abort", Kind::Rollback),
        ("savepoint a", Kind::Savepoint),
        ("SET client_encoding TO 'utf8'", Kind::Setting),
        ("set session time zone 'UTC'", Kind::Setting),
        ("set local a = 1", Kind::Other),
        ("set search_path to x", Kind::Other),
        ("set app.tenant = '1'", Kind::Other),
        ("set role x", Kind::Other),
        ("set transaction read only", Kind::Other),
        ("reset all", Kind::Other),
        ("copy t (a, b) from stdin with (format csv)", Kind::CopyIn),
        ("copy t to stdout", Kind::Other),
        ("copy (select 'from stdin') to stdout", Kind::Other),
        ("select 1", Kind::Other),
        ("", Kind::Other),
    ] {
        assert_eq!(kind(sql), expect, "{sql}");
    }
}

#[test]
fn prepared_statements_are_known_by_their_names() {
    for (sql, expect) in [
        ("EXECUTE s_5(1, 2)", Some("s_5")),
        (
            "explain (verbose, format json) execute \"S 5\"(null)",
            Some("S 5"),
        ),
        ("explain analyze verbose execute S5", Some("s5")),
        ("explain select 1", None),
        ("executes x", None),
    ] {
        assert_eq!(executed(sql).as_deref(), expect, "{sql}");
    }
    for (sql, expect) in [
        ("prepare a as select 1", Some(("a", "select 1"))),
        (
            "PREPARE \"A b\"(int, numeric(10,2)) AS select $1",
            Some(("A b", "select $1")),
        ),
        ("prepare transaction 'x'", None),
    ] {
        let found = prepared(sql);
        assert_eq!(
            found.as_ref().map(|(n, s)| (n.as_str(), *s)),
            expect,
            "{sql}"
        );
    }
}

#[test]
fn strings_are_split_into_statements() {
    for (sql, expect) in [
        ("", vec![]),
        (" ; ;-- x", vec![]),
        ("select ';'; select 2", vec!["select ';'", " select 2"]),
        ("select $a$;$$;$a$;x", vec!["select $a$;$$;$a$", "x"]),
        ("select E'\\';' ;", vec!["select E'\\';' "]),
        ("select \"a;\"\"b\"", vec!["select \"a;\"\"b\""]),
        ("select '''; ' /* ; */", vec!["select '''; ' /* ; */"]),
        ("select 'open; ", vec!["select 'open; "]),
    ] {
        assert_eq!(statements(sql), expect, "{sql}");
    }
}

#[test]
fn parameters_are_counted_outside_of_quotes() {
    for (sql, expect) in [
        ("select 1", 0),
        ("select $1, $2", 2),
        ("select '$9', $1::text -- $7", 1),
        ("select $$ $3 $$, $2", 2),
        ("select a$5 from $1", 1),
        ("select $99999999999", 0),
    ] {
        assert_eq!(parameter_count(sql), expect, "{sql}");
    }
}

#[test]
fn declared_cursors_have_names() {
    for (sql, expect) in [
        ("DECLARE \"a\"\"B\" CURSOR FOR select 1", vec!["a\"B"]),
        (
            "begin; declare Walk no scroll cursor for select 1",
            vec!["walk"],
        ),
        ("declare \"open", vec![]),
        ("select 'declare a'", vec![]),
    ] {
        let names: Vec<String> = cursors(sql).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expect, "{sql}");
    }
}

#[test]
fn settings_and_names_are_read() {
    let check = |sql: &str, name: &str, value: &str| {
        let expect = Some((name.to_owned(), value.to_owned()));
        assert_eq!(setting_of(sql), expect, "{sql}");
    };
    check("SET TIME ZONE 'UTC'", "TimeZone", "UTC");
    check("set datestyle to ISO;", "datestyle", "ISO");
    check(
        "SET SESSION application_name='a''b'",
        "application_name",
        "a'b",
    );
    assert_eq!(deallocated("DEALLOCATE ALL"), Some(None));
    let named = |sql: &str| deallocated(sql).flatten();
    assert_eq!(named("deallocate prepare \"S_1\";").as_deref(), Some("S_1"));
    assert_eq!(named("DEALLOCATE Abc").as_deref(), Some("abc"));
}
