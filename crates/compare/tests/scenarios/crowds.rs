//! Requests that were recorded at one time: who is given what on replay, one at a time.

use retake_model::{Attribution, Mock, TestCase, Timestamp, Value};

use crate::build::{RECORDED, Run, call, http, id, ok, row, set, sql, test, told};

const MS: u64 = 1_000_000;

fn case(name: &str, at: u64, took: u64, shows: &str) -> TestCase {
    let response = ok(Value::map([("total", shows.into())]));
    let mut case = test(name, http("GET", name, None), response, vec![]);
    (case.at, case.took) = (Timestamp(RECORDED + at * MS), took * MS);
    case
}

fn shared(text: &str, after: u64, response: Value) -> Mock {
    let mut mock = call(1, sql(text, &[]), response);
    (mock.by, mock.after, mock.took) = (Attribution::Shared, after * MS, 0);
    mock
}

const TOTAL: &str = "select count(*) from items";
const AUDIT: &str = "insert into audit values ('put', 4711)";

#[test]
fn scenario_22_of_several_answers_a_test_is_given_its_own_or_the_one_that_its_response_shows() {
    // In the order of their times, the first is of `b`. What is kept with a test was weighed against
    // the others; where none is, the response tells.
    for (kept_with, expected) in [
        ([0, 1], ["20", "19"]),
        ([1, 0], ["19", "20"]),
        ([2, 2], ["19", "20"]),
        ([2, 1], ["19", "20"]),
    ] {
        let mut tests = vec![case("a", 1, 50, "19"), case("b", 2, 50, "20")];
        tests.push(case("c", 3, 50, ""));
        for (which, (total, after)) in kept_with.into_iter().zip([("20", 10), ("19", 20)]) {
            tests[which].calls.push(shared(TOTAL, after, row(total)));
        }
        let mut run = Run::of(set(tests, vec![]));
        for (name, total) in ["a", "b"].into_iter().zip(expected) {
            run.begin(name);
            let given = run.ask(sql(TOTAL, &[]));
            run.end(name);
            assert_eq!(given, Ok(row(total)), "{kept_with:?} {name}");
        }
        run.begin("c");
        run.end("c");
        for outcome in run.mocks.finish() {
            assert!(
                told(&outcome).ends_with("extra 0 unknown 0 missing  reordered "),
                "{kept_with:?} {}",
                told(&outcome)
            );
        }
    }
}

/// A write that `a` made after its response, kept with one that was open then.
fn kept_with_another() -> Vec<TestCase> {
    let mut tests = vec![case("a", 1, 20, ""), case("b", 30, 60, "")];
    tests[1].calls.push(shared(AUDIT, 10, row("")));
    for number in 0..300 {
        tests.push(case(&format!("c{number}"), 2_000 + 10 * number, 5, ""));
    }
    tests
}

#[test]
fn scenario_36_a_late_write_is_found_with_whoever_was_open_when_it_came() {
    // While it is open, while the next one is, and some tests later.
    for later in [0, 1, 3, 9] {
        let mut run = Run::of(set(kept_with_another(), vec![]));
        let names = ["a", "b"].map(str::to_owned).into_iter();
        for (n, name) in names.chain((0..12).map(|n| format!("c{n}"))).enumerate() {
            run.begin(&name);
            if n == later {
                assert!(run.ask(sql(AUDIT, &[])).is_ok(), "{later}");
            }
            run.end(&name);
        }
        for outcome in run.mocks.finish() {
            assert_eq!((outcome.missing.len(), outcome.unknown.len()), (0, 0));
        }
    }
}

#[test]
fn scenario_36_a_late_write_of_long_ago_is_a_new_one() {
    let mut run = Run::of(set(kept_with_another(), vec![]));
    let names = ["a", "b"].map(str::to_owned).into_iter();
    for name in names.chain((0..299).map(|n| format!("c{n}"))) {
        run.begin(&name);
        run.end(&name);
    }
    run.begin("c299");
    assert!(run.ask(sql(AUDIT, &[])).is_err());
    run.end("c299");
    let outcomes = run.mocks.finish();
    assert!(outcomes.iter().any(|outcome| outcome.unknown.len() == 1));
}

#[test]
fn scenario_36_a_late_write_takes_its_own_mock_before_that_of_a_later_test() {
    let mut own = shared(AUDIT, 25, row(""));
    own.by = Attribution::Values;
    // Each writes the same after its response; the tests between them began after the first wrote.
    let mut tests = vec![case("a", 1, 20, "")];
    for number in 0..40 {
        tests.push(case(&format!("c{number}"), 30 + 5 * number, 5, ""));
    }
    tests.push(case("d", 240, 20, ""));
    for number in 40..80 {
        tests.push(case(&format!("c{number}"), 270 + 5 * (number - 40), 5, ""));
    }
    for test in [0, 41] {
        tests[test].calls.push(own.clone());
    }
    let names: Vec<String> = tests.iter().map(|test| test.name.to_string()).collect();
    // On replay each write comes while one of the next tests is open.
    for later in [1, 2, 20, 39] {
        let mut run = Run::of(set(tests.clone(), vec![]));
        for (number, name) in names.iter().enumerate() {
            run.begin(name);
            if [later, 41 + later].contains(&number) {
                assert_eq!(run.ask(sql(AUDIT, &[])), Ok(row("")), "{name}");
            }
            run.end(name);
        }
        for outcome in run.mocks.finish() {
            assert_eq!(
                (outcome.missing.len(), outcome.unknown.len()),
                (0, 0),
                "{}",
                told(&outcome)
            );
        }
    }
}

#[test]
fn another_write_than_the_one_of_that_moment_is_none() {
    let mut run = Run::of(set(kept_with_another(), vec![]));
    run.begin("a");
    let other = "insert into audit values ('put', 4712)";
    assert!(run.ask(sql(other, &[])).is_err());
    run.end("a");
}

#[test]
fn a_request_is_sent_again_only_behind_a_call_without_an_answer() {
    let mut run = Run::of(set(
        vec![case("a", 1, 5, ""), case("b", 2_000, 5, "")],
        vec![],
    ));
    run.begin("a");
    let a = id("a");
    assert!(!run.mocks.may_repeat(&a));
    run.end("a");
    run.begin("b");
    let b = id("b");
    assert!(!run.mocks.may_repeat(&b));
    assert!(run.ask(sql("insert into audit values (1)", &[])).is_err());
    assert!(run.mocks.may_repeat(&b));
    run.end("b");
}
