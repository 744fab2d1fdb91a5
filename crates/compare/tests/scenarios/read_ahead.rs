//! Reading the mocks of a test before it begins.

use retake_model::{TestCase, Value};

use crate::build::{Run, call, http, id, ok, row, set, sql, test, told};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// A test that asks for itself, and for what each of the tests asks.
fn case(name: &str) -> TestCase {
    let own = call(0, sql("select v from t where k = $1", &[name]), row(name));
    let alike = call(1, sql("select now()", &[]), row(name));
    test(
        name,
        http("GET", "/", None),
        ok(Value::Null),
        vec![own, alike],
    )
}

/// What the tests are told, and how it ends, where these tests are read before each begins.
fn replayed(ahead: [&[&str]; 3]) -> (Vec<Value>, Vec<String>) {
    let mut run = Run::of(set(NAMES.map(case).to_vec(), vec![]));
    let mut answers = Vec::new();
    for (name, ahead) in NAMES.into_iter().zip(ahead) {
        for next in ahead {
            run.mocks.read_ahead(&id(next));
        }
        run.begin(name);
        for request in [
            sql("select v from t where k = $1", &[name]),
            sql("select now()", &[]),
        ] {
            answers.push(run.ask(request).unwrap());
        }
        run.end(name);
    }
    (answers, run.mocks.finish().iter().map(told).collect())
}

#[test]
fn a_test_that_was_read_ahead_is_served_as_one_that_was_not() {
    let plain = replayed([&[], &[], &[]]);
    assert_eq!(plain.0, ["a", "a", "b", "b", "c", "c"].map(row));
    let all = "matched 0,1 extra 0 unknown 0 missing  reordered ";
    assert_eq!(plain.1, [all; 3]);
    for ahead in [
        // The next one, as it is meant.
        [&["a"][..], &["b"], &["c"]],
        // One that comes later, and one that never comes.
        [&["c"], &[], &[]],
        [&["c"], &["nobody"], &["b"]],
        // Those that have ended, and the same one twice.
        [&["a", "a"], &["a"], &["a", "b"]],
    ] {
        assert_eq!(replayed(ahead), plain, "{ahead:?}");
    }
}

#[test]
fn a_test_that_was_read_ahead_and_does_not_begin_answers_nobody() {
    let mut run = Run::of(set(NAMES.map(case).to_vec(), vec![]));
    run.mocks.read_ahead(&id("b"));
    run.begin("a");
    let own = sql("select v from t where k = $1", &["b"]);
    assert!(run.ask(own).is_err(), "b's own call, in a");
    run.end("a");
    assert_eq!(run.mocks.finish().len(), 1);
}
