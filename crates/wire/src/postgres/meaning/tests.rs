use super::*;

#[track_caller]
fn check(expect: Meaning, statements: &[&str]) {
    for sql in statements {
        assert_eq!(meaning(sql), expect, "{sql}");
    }
}

#[test]
fn set_up_and_pings_are_the_sessions() {
    check(
        Meaning::Session,
        &[
            "",
            ";",
            "-- ping",
            "SELECT 1",
            "select 1;",
            "/* ping */ SELECT 1 AS ok",
            "SELECT NULL",
            "SET client_encoding TO 'UTF8'",
            "set session statement_timeout = 0; SET datestyle TO 'ISO'",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "SHOW TRANSACTION ISOLATION LEVEL",
            "RESET ALL",
            "DISCARD ALL",
            "DEALLOCATE ALL",
            "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;",
            "select pg_catalog.version()",
            "select current_schema()",
            "SELECT current_database(), current_user",
            "SELECT current_setting('server_version_num')::int AS v",
        ],
    );
}

#[test]
fn reads_of_the_catalogues_alone_are_the_sessions() {
    check(
        Meaning::Session,
        &[
            "SELECT oid, typname FROM pg_type WHERE typname = $1",
            "SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace",
            "select c.relname from pg_class c, pg_namespace n where n.oid = c.relnamespace order by 1, 2",
            "SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('a', 'b')",
            "SELECT count(*) FROM (SELECT a.attname FROM pg_attribute a) x",
            "WITH RECURSIVE tree(oid, depth) AS (SELECT oid, 0 FROM pg_type UNION ALL SELECT t.oid, depth + 1 FROM tree, pg_type t) SELECT * FROM tree",
            "with ns as materialized (select oid from pg_catalog.pg_namespace) select json_agg(ns) from ns",
            "SELECT x FROM pg_type, unnest(ARRAY[1]) x",
            "SELECT exists(select 1 from pg_extension where extname = 'x')",
        ],
    );
}

#[test]
fn what_decides_later_statements_is_set_up_only_at_first() {
    check(
        Meaning::SetUp,
        &[
            "SET ROLE app",
            "RESET ROLE",
            "LISTEN jobs",
            "SET SESSION AUTHORIZATION app",
            "SET search_path TO tenant_1",
            "SET app.user_id = '7'",
            "SELECT set_config('search_path', '', false)",
            "SET client_encoding TO 'UTF8'; SET ROLE app",
        ],
    );
}

#[test]
fn the_services_own_work_is_ordinary() {
    check(
        Meaning::Ordinary,
        &[
            "BEGIN",
            "COMMIT",
            "SET LOCAL role TO app",
            "SET TRANSACTION READ ONLY",
            "SELECT $1",
            "SELECT 1, 2",
            "SELECT 1 FROM orders",
            "SELECT * FROM orders",
            "select * from pg_type, orders",
            "SELECT * FROM pg_class JOIN orders ON true",
            "SELECT * FROM public.pg_type",
            "SELECT now()",
            "SELECT current_timestamp",
            "SELECT pg_notify('a', 'b')",
            "SELECT pg_advisory_lock(1)",
            "SELECT nextval('s') FROM pg_class",
            "SELECT my_function(), version()",
            "SELECT app.version()",
            "SELECT app.f(1) FROM pg_class",
            "SELECT * INTO x FROM pg_class",
            "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
            "SELECT * FROM pg_class WHERE oid IN (SELECT oid FROM orders)",
            "SELECT 1; DELETE FROM orders",
            "INSERT INTO pg_x VALUES (1)",
            "CLOSE c",
            "EXECUTE s(1)",
            "'",
            "$",
            "\"unfinished",
            "select /* unfinished",
        ],
    );
}

#[test]
fn a_trace_stands_in_a_comment() {
    let id = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{id}-b7ad6b7169203331-01");
    let check = |sql: String, expect: bool| {
        let expect = expect.then(|| TraceId(id.to_owned()));
        assert_eq!(trace(&sql), expect, "{sql}");
    };
    check(format!("SELECT 1 /*app='x',traceparent='{parent}'*/"), true);
    check(format!("/* traceparent: {parent} */ SELECT 1"), true);
    check(format!("SELECT 1 -- traceparent={parent}"), true);
    check(format!("SELECT 'traceparent={parent}'"), false);
    check(format!("SELECT '/*traceparent={parent}*/'"), false);
    check(
        format!("SELECT 'traceparent={parent}' /*traceparent='{parent}'*/"),
        true,
    );
    check("SELECT 1 /*traceparent='00-x'*/".to_owned(), false);
    let zero = parent.replace(id, &"0".repeat(32));
    check(format!("SELECT 1 /*traceparent='{zero}'*/"), false);
}
