use retake_model::{SetInfo, Value};

use super::*;
use crate::test_cases::{STATEMENTS, mock};

const MS: u64 = 1_000_000;
const AT: u64 = 1_772_356_830_000_000_000;

/// A test that began so many milliseconds after the first, took 10, and made these calls so long
/// after its beginning.
fn test(at: u64, calls: &[(u64, &str)]) -> TestCase {
    let call = |(after, sql): &(u64, &str)| Mock {
        after: after * MS,
        ..mock(Value::map([("sql", Value::from(*sql))]))
    };
    TestCase {
        name: format!("t{at}"),
        at: Timestamp(AT + at * MS),
        took: 10 * MS,
        calls: calls.iter().map(call).collect(),
        ..crate::test_cases::test_case()
    }
}

/// Which calls of which tests are in doubt, by the numbers of both.
fn doubted(tests: Vec<TestCase>) -> Vec<(usize, usize)> {
    let mut set = TestSet {
        name: "s".into(),
        info: SetInfo::default(),
        tests,
        shared: Vec::new(),
    };
    doubt_late(&mut set, |_| &STATEMENTS);
    let tests = set.tests.iter().enumerate();
    let calls = tests.flat_map(|(test, case)| {
        let calls = case.calls.iter().enumerate();
        let shared = calls.filter(|(_, call)| call.by == Attribution::Shared);
        shared.map(move |(at, _)| (test, at))
    });
    calls.collect()
}

const AUDIT: &str = "insert into audit values (1)";

#[test]
fn what_is_like_late_work_is_in_doubt_where_another_request_was_answered_just_before() {
    let tests = |second: u64| {
        vec![
            test(0, &[(1, "select 1 from a"), (30, AUDIT)]),
            test(second, &[(1, "select 1 from a"), (2, AUDIT)]),
        ]
    };
    assert_eq!(doubted(tests(50)), [(1, 1)]);
    assert_eq!(doubted(tests(2_000)), [], "nobody had just been answered");
    // Nothing of the kind came after a response.
    let serial = vec![test(0, &[(1, AUDIT)]), test(50, &[(1, AUDIT)])];
    assert_eq!(doubted(serial), []);
}

#[test]
fn a_transaction_is_in_doubt_as_a_whole() {
    let both = ["BEGIN", "select 1 from totals", AUDIT, "COMMIT"];
    let calls: Vec<(u64, &str)> = (1..).zip(both).collect();
    let tests = vec![test(0, &[(30, AUDIT)]), test(50, &calls)];
    assert_eq!(doubted(tests), [(1, 0), (1, 1), (1, 2), (1, 3)]);
}

#[test]
fn a_test_without_times_has_no_late_work() {
    let mut by_hand = test(0, &[(30, AUDIT)]);
    by_hand.took = 0;
    assert_eq!(doubted(vec![by_hand, test(50, &[(1, AUDIT)])]), []);
}
