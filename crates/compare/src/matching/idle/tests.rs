use retake_model::{Field, FieldKind, SetInfo, TestCase, Timestamp};

use super::*;

static RULES: Rules = Rules {
    protocol: ProtocolId("postgres"),
    identity: &[Field {
        name: "sql",
        kind: FieldKind::Sql,
    }],
    summary: &["sql"],
};

const AT: Timestamp = Timestamp(1_772_356_830_000_000_000);

fn mock(sql: &str, scope: Scope, merged: u64) -> Mock {
    Mock {
        to: "db".into(),
        protocol: ProtocolId("postgres"),
        scope,
        by: Attribution::Alone,
        after: 0,
        took: 0,
        request: Value::map([("sql", Value::from(sql))]),
        response: Value::Null,
        merged,
    }
}

/// The scope of a test's only call beside a background call that was seen so often.
fn check(call: Mock, seen: &str, times: u64, expect: Scope) {
    let test = TestCase {
        name: "t".to_owned(),
        protocol: ProtocolId("http"),
        at: AT,
        took: 0,
        trace: None,
        merged: 0,
        port: None,
        request: Value::Null,
        response: Value::Null,
        calls: vec![call],
        made: Vec::new(),
        rules: Vec::new(),
    };
    let mut set = TestSet {
        name: "s".into(),
        info: SetInfo {
            recorded: AT,
            ..SetInfo::default()
        },
        tests: vec![test],
        shared: vec![mock(seen, Scope::Background, times - 1)],
    };
    settle_background(&mut set, |_| &RULES);
    let scopes: Vec<Scope> = set.tests[0].calls.iter().map(|c| c.scope).collect();
    assert_eq!(scopes, [expect], "{seen} seen {times} times");
}

#[test]
fn a_poll_that_a_test_has_as_its_own_is_background() {
    let poll = "select id from outbox where sent_at is null";
    check(mock(poll, Scope::Test, 0), poll, 1, Scope::Background);
    check(
        mock("select 2 from t", Scope::Test, 0),
        poll,
        9,
        Scope::Test,
    );
}

#[test]
fn what_a_trace_id_tells_stays_with_its_test() {
    let poll = "select id from outbox where sent_at is null";
    let mut traced = mock(poll, Scope::Test, 0);
    traced.by = Attribution::Trace;
    check(traced, poll, 9, Scope::Test);
}

#[test]
fn a_write_or_a_read_of_one_id_is_background_only_when_it_was_seen_twice() {
    let write = "insert into audit values ('x')";
    check(mock(write, Scope::Test, 0), write, 1, Scope::Test);
    check(mock(write, Scope::Test, 0), write, 2, Scope::Background);
    let read = "select * from t where id = '6786f9d7-8d6c-4a02-9049-d7806556b711'";
    let other = "select * from t where id = '102a1e4a-39b3-4752-89f7-f10feaad3994'";
    check(mock(read, Scope::Test, 0), other, 1, Scope::Test);
    check(mock(read, Scope::Test, 0), other, 2, Scope::Background);
}

#[test]
fn a_transaction_is_not_the_clocks_because_the_clock_has_one_too() {
    check(mock("COMMIT", Scope::Test, 0), "COMMIT", 9, Scope::Test);
}

#[test]
fn a_transaction_around_what_the_clock_asks_alone_is_the_clocks() {
    let poll = "select id from jobs where not done";
    let check = |calls: &[&str], expect: &[Scope]| {
        let mut test = TestCase {
            name: "t".to_owned(),
            protocol: ProtocolId("http"),
            at: AT,
            took: 0,
            trace: None,
            merged: 0,
            port: None,
            request: Value::Null,
            response: Value::Null,
            calls: Vec::new(),
            made: Vec::new(),
            rules: Vec::new(),
        };
        test.calls = calls.iter().map(|sql| mock(sql, Scope::Test, 0)).collect();
        let mut set = TestSet {
            name: "s".into(),
            info: SetInfo {
                recorded: AT,
                ..SetInfo::default()
            },
            tests: vec![test],
            shared: vec![mock(poll, Scope::Background, 3)],
        };
        settle_background(&mut set, |_| &RULES);
        let scopes: Vec<Scope> = set.tests[0].calls.iter().map(|c| c.scope).collect();
        assert_eq!(scopes, expect, "{calls:?}");
    };
    use Scope::{Background as Clock, Test};
    check(&["begin", poll, "rollback"], &[Clock, Clock, Clock]);
    check(
        &["begin", poll, "insert into t values (1)", "commit"],
        &[Test, Clock, Test, Test],
    );
    check(
        &["begin", "select 7", "begin", poll, "commit", "commit"],
        &[Test, Test, Clock, Clock, Clock, Test],
    );
}
