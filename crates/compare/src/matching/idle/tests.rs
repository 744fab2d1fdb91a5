use retake_model::{Attribution, Mock, ProtocolId, Scope, SetInfo, TestCase, TestSet, Timestamp};

use super::*;
use crate::test_cases::{self, STATEMENTS, test_case};

const AT: Timestamp = Timestamp(1_772_356_830_000_000_000);

fn mock(sql: &str, scope: Scope, merged: u64) -> Mock {
    Mock {
        scope,
        merged,
        ..test_cases::mock(Value::map([("sql", Value::from(sql))]))
    }
}

/// The scope of a test's only call beside a background call that was seen so often.
fn check(call: Mock, seen: &str, times: u64, expect: Scope) {
    let test = TestCase {
        at: AT,
        calls: vec![call],
        ..test_case()
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
    settle_background(&mut set, |_| &STATEMENTS);
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
        let test = TestCase {
            at: AT,
            calls: calls.iter().map(|sql| mock(sql, Scope::Test, 0)).collect(),
            ..test_case()
        };
        let mut set = TestSet {
            name: "s".into(),
            info: SetInfo {
                recorded: AT,
                ..SetInfo::default()
            },
            tests: vec![test],
            shared: vec![mock(poll, Scope::Background, 3)],
        };
        settle_background(&mut set, |_| &STATEMENTS);
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

/// The scopes of the calls of two tests, one after the other, beside these background calls.
fn scopes(tests: [&[(&str, &str)]; 2], background: &[(&str, &str)]) -> Vec<Scope> {
    let call = |(sql, rows): &(&str, &str), scope| {
        let mut mock = mock(sql, scope, 0);
        let row = rows.split_whitespace().map(Value::from).collect();
        mock.response = Value::map([("rows", Value::List(vec![Value::List(row)]))]);
        mock
    };
    // The requests have a number that is also one of those that the job finds.
    let test = |(number, calls): (u64, &[(&str, &str)])| TestCase {
        name: "t".to_owned(),
        protocol: ProtocolId("postgres"),
        at: Timestamp(AT.0 + number),
        took: 0,
        trace: None,
        merged: 0,
        port: None,
        request: Value::map([("sql", Value::from("select 88"))]),
        response: Value::Null,
        calls: calls.iter().map(|c| call(c, Scope::Test)).collect(),
        made: Vec::new(),
        rules: Vec::new(),
    };
    let info = SetInfo {
        recorded: AT,
        ..SetInfo::default()
    };
    let mut set = TestSet {
        name: "s".into(),
        info,
        tests: (0..).zip(tests).map(test).collect(),
        shared: (background.iter())
            .map(|c| call(c, Scope::Background))
            .collect(),
    };
    settle_background(&mut set, |_| &STATEMENTS);
    let calls = set.tests.iter().flat_map(|test| &test.calls);
    calls.map(|call| call.scope).collect()
}

const POLL: &str = "select * from outbox where sent_at is null";
const SENT_7: &str = "update outbox set sent_at = now() where id = 77";
const SENT_8: &str = "update outbox set sent_at = now() where id = 88";

#[test]
fn what_a_job_writes_for_the_rows_that_it_finds_is_the_clocks() {
    use Scope::{Background as Clock, Test};
    let order = ("insert into orders values (5)", "");
    let found = scopes(
        [
            // While a transaction of the request is open, too.
            &[
                ("begin", ""),
                ("begin", ""),
                (POLL, "77 88"),
                order,
                (SENT_7, ""),
                ("commit", ""),
                ("commit", ""),
            ],
            // What goes on while the next request is open.
            &[(POLL, "77"), ("begin", ""), (POLL, "88"), (SENT_8, "")],
        ],
        &[(POLL, "")],
    );
    let first = [Test, Clock, Clock, Test, Clock, Clock, Test];
    let second = [Clock, Test, Clock, Test];
    assert_eq!(found, [&first[..], &second[..]].concat(), "no end was seen");
}

#[test]
fn what_a_job_began_while_one_request_was_open_ends_while_the_next_one_is() {
    use Scope::Background as Clock;
    let first = [("begin", ""), (POLL, "77 88"), (SENT_7, "")];
    let second = [(SENT_8, ""), ("commit", "")];
    let found = scopes([&first, &second], &[(POLL, "")]);
    assert_eq!(found, [Clock; 5]);
}

#[test]
fn what_is_written_outside_of_transactions_is_the_clocks_where_its_like_was_seen_idle() {
    use Scope::{Background as Clock, Test};
    let calls = [(POLL, "77 88"), (SENT_7, ""), (SENT_8, "")];
    let found = scopes([&calls, &[]], &[(POLL, ""), (SENT_7, "")]);
    assert_eq!(found, [Clock; 3]);
    let found = scopes([&calls, &[]], &[(POLL, "")]);
    assert_eq!(found, [Clock, Test, Test], "never seen idle");
    let found = scopes([&calls, &[(SENT_7, "")]], &[(POLL, "")]);
    assert_eq!(found, [Clock; 4], "often");
}

#[test]
fn a_write_whose_like_is_made_at_another_time_is_its_tests() {
    use Scope::{Background as Clock, Test};
    let calls = [("begin", ""), (POLL, "77 88"), (SENT_7, ""), ("commit", "")];
    let elsewhere = [("update outbox set sent_at = now() where id = 1", "")];
    let found = scopes([&calls, &elsewhere], &[(POLL, "")]);
    assert_eq!(found, [Test, Clock, Test, Test, Test]);
    // Once is too seldom to say so, where it was not seen idle.
    let found = scopes([&calls, &[]], &[(POLL, "")]);
    assert_eq!(found, [Test, Clock, Test, Test]);
}
