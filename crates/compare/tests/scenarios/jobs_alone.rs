//! What jobs ask that no test asks, and when they are told what (scenario 35).

use retake_model::{Mock, Scope, TestCase, Timestamp, Value};

use crate::build::{Run, call, http, id, ok, row, scoped, set, sql, test, told};

const SECOND: u64 = 1_000_000_000;

fn insert(rows: &[&str]) -> Value {
    let row = |at: usize| format!("(${})", at + 1);
    let list: Vec<String> = (0..rows.len()).map(row).collect();
    sql(
        &format!("insert into events (id) values {}", list.join(", ")),
        rows,
    )
}

fn inserted(rows: usize) -> Value {
    Value::map([("tag", format!("INSERT 0 {rows}").into())])
}

/// A test that asks this, begun so many seconds after the first.
fn asks(name: &str, at: u64, calls: Vec<Mock>) -> TestCase {
    let mut case = test(name, http("GET", "/", None), ok(Value::Null), calls);
    case.at = Timestamp(case.at.0 + at * SECOND);
    case
}

/// What a poll was told, in seconds after the first test.
fn poll(first: &TestCase, at: u64, asked: Value, answer: Value) -> Mock {
    Mock {
        after: first.at.0 + at * SECOND,
        ..scoped(Scope::Background, asked, answer)
    }
}

#[test]
fn scenario_35_a_batch_of_another_size_is_no_tests_and_is_counted() {
    let other = call(
        1,
        sql("insert into orders (id) values ($1)", &["1"]),
        inserted(1),
    );
    let case = asks("a", 0, vec![other]);
    let job = scoped(Scope::Background, insert(&["7", "8"]), inserted(2));
    let mut run = Run::of(set(vec![case], vec![job]));
    run.begin("a");
    let order = sql("insert into orders (id) values ($1)", &["1"]);
    assert!(run.ask(order).is_ok());
    let batch = insert(&["7", "8", "9"]);
    assert_eq!(run.ask(batch), Ok(inserted(3)));
    let orders = sql("insert into orders (id) values ($1), ($2)", &["1", "2"]);
    assert!(run.ask(orders).is_err(), "what a test asks is the test's");
    run.end("a");
    assert_eq!(
        told(&run.finish_one()),
        "matched 0 extra 0 unknown 1 missing  reordered "
    );
    let counted: usize = run.mocks.unanswered_jobs().iter().map(|job| job.2).sum();
    assert_eq!(counted, 1);
}

#[test]
fn scenario_35_what_a_test_asks_with_its_trace_is_its_own() {
    let job = scoped(Scope::Background, insert(&["7"]), inserted(1));
    let mut run = Run::of(set(vec![asks("a", 0, vec![])], vec![job]));
    run.begin_traced("a");
    assert!(run.ask_traced("a", insert(&["7", "8"])).is_err());
}

#[test]
fn scenario_35_what_the_request_of_an_open_test_is_the_first_to_say_is_its_own() {
    let job = scoped(Scope::Background, insert(&["alpha"]), inserted(1));
    let says = |name: &str, word: &str| {
        test(
            name,
            http("GET", &format!("/things/{word}"), None),
            ok(Value::Null),
            vec![],
        )
    };
    let tests = vec![says("a", "bravo"), says("b", "bravo"), says("c", "charlie")];
    let mut run = Run::of(set(tests, vec![job]));
    run.begin("a");
    assert!(run.ask(insert(&["bravo"])).is_err());
    assert!(run.ask(insert(&["delta"])).is_ok());
    run.end("a");
    run.begin("b");
    assert!(run.ask(insert(&["bravo", "alpha"])).is_ok(), "said before");
    run.end("b");
    run.begin("c");
    assert!(run.ask(insert(&["bravo", "charlie"])).is_err());
    run.end("c");
    let counted: usize = run.mocks.unanswered_jobs().iter().map(|job| job.2).sum();
    assert_eq!(counted, 2);
}

/// A poll that each second was told the next number, and asks for what comes behind it.
fn behind(first: &TestCase) -> Vec<Mock> {
    let told = |n: u64| {
        let asked = sql(
            "select max(id) from events where id >= $1",
            &[&n.to_string()],
        );
        poll(first, n, asked, row(&(n + 1).to_string()))
    };
    (1..6).map(told).collect()
}

#[test]
fn scenario_35_a_test_waits_for_what_a_poll_was_told_before_it() {
    let (a, b) = (asks("a", 0, vec![]), asks("b", 3, vec![]));
    let shared = behind(&a);
    let mut run = Run::of(set(vec![a, b], shared));
    let due = |run: &mut Run, name: &str| {
        let waits = run.mocks.jobs_to_tell(&id(name));
        waits.map(|(number, pause)| (number, pause.as_secs()))
    };
    assert_eq!(due(&mut run, "a"), None);
    run.begin("a");
    run.end("a");
    // The first time is no news: nothing was told before.
    assert_eq!(due(&mut run, "b"), Some((2, 1)));
    let ask = |run: &mut Run, n: u64| {
        let asked = sql(
            "select max(id) from events where id >= $1",
            &[&n.to_string()],
        );
        run.ask(asked).expect("an answer")
    };
    assert_eq!(ask(&mut run, 1), row("2"));
    assert_eq!(ask(&mut run, 2), row("3"));
    assert_eq!(due(&mut run, "b"), Some((1, 1)));
    assert_eq!(ask(&mut run, 3), row("4"));
    assert_eq!(due(&mut run, "b"), None);
}

#[test]
fn scenario_35_what_comes_behind_the_last_news_is_not_told_before_it_happens() {
    let (a, b) = (asks("a", 0, vec![]), asks("b", 3, vec![]));
    let shared = behind(&a);
    let mut run = Run::of(set(vec![a, b], shared));
    run.begin("a");
    run.end("a");
    let early = |run: &mut Run, n: u64| {
        let asked = sql(
            "select max(id) from events where id >= $1",
            &[&n.to_string()],
        );
        let call = run.call(asked, None);
        run.mocks.is_early(&call).is_some()
    };
    assert!(!early(&mut run, 3));
    assert!(early(&mut run, 4));
    run.begin("b");
    run.end("b");
    assert!(!early(&mut run, 4), "no test is left");
}

#[test]
fn scenario_35_a_read_of_a_job_that_another_test_has_is_answered_and_said() {
    let count = || sql("select count(*) from users", &[]);
    let check = |shared: fn(&TestCase) -> Vec<Mock>, answers: bool| {
        let a = asks("a", 0, vec![call(1, count(), row("3"))]);
        let shared = shared(&a);
        let mut run = Run::of(set(vec![a, asks("b", 9, vec![])], shared));
        run.begin("a");
        assert!(run.ask(count()).is_ok());
        run.end("a");
        run.begin("b");
        assert_eq!(run.ask(count()).is_ok(), answers);
        run.end("b");
        let of_b = told(&run.finish_one());
        assert_eq!(of_b.contains("extra 1 unknown 0"), answers, "{of_b}");
    };
    check(behind, true);
    check(|_| Vec::new(), false);
}
