//! What a service does by its clock: jobs that poll, and what they find (scenario 35).

use retake_model::{Mock, Scope, Timestamp, Value};

use crate::build::{Run, call, http, ok, row, scoped, set, sql, test};

#[test]
fn scenario_35_moments_of_a_job_that_fell_together_may_fall_apart_each_time() {
    let sent = |id: &str, at: &str| sql("update outbox set sent_at = $1 where id = $2", &[at, id]);
    let job = |id, at| scoped(Scope::Background, sent(id, at), row("1"));
    let at = "2026-03-01 10:00:00.515328+00";
    let case = test("t", http("GET", "/", None), ok(Value::Null), vec![]);
    let mut run = Run::of(set(vec![case], vec![job("1", at), job("2", at)]));
    run.begin("t");
    for second in ["01", "02", "03"] {
        for (id, micro) in [("1", "1"), ("2", "2")] {
            let at = format!("2026-03-01 10:00:{second}.00000{micro}+00");
            assert!(run.ask(sent(id, &at)).is_ok(), "{id} at {at}");
        }
    }
}

#[test]
fn scenario_35_a_job_finds_what_a_test_made_once_that_test_made_it() {
    let select = || sql("select id from jobs where done = false", &[]);
    let take = || sql("update jobs set taken = true returning id", &[]);
    let nothing = || Value::map([("rows", Value::List(vec![])), ("tag", "UPDATE 0".into())]);
    let insert = |id: &str| {
        call(
            10,
            sql("insert into jobs (id) values ($1)", &[id]),
            row("x"),
        )
    };
    for (poll, takes) in [(select(), false), (take(), true)] {
        let case = |name: &str, id: &str| {
            test(
                name,
                http("POST", "/", None),
                ok(Value::Null),
                vec![insert(id)],
            )
        };
        let (mut a, mut b) = (case("a", "1"), case("b", "2"));
        let second = |n: u64| Timestamp(a.at.0 + n * 1_000_000_000);
        (a.took, b.took, b.at) = (20, 20, second(10));
        let told = |at: Timestamp, answer| Mock {
            after: at.0,
            ..scoped(Scope::Background, poll.clone(), answer)
        };
        let shared = vec![
            told(Timestamp(a.at.0 - 1), nothing()),
            told(second(1), row("1")),
            told(second(2), nothing()),
            told(second(11), row("2")),
            told(second(12), nothing()),
        ];
        let mut run = Run::of(set(vec![a, b], shared));
        let poll = |run: &mut Run| run.ask(poll.clone()).expect("an answer");
        assert_eq!([poll(&mut run), poll(&mut run)], [nothing(), nothing()]);
        run.begin("a");
        assert_eq!(poll(&mut run), nothing(), "nothing is made yet");
        run.ask(sql("insert into jobs (id) values ($1)", &["1"]))
            .expect("an answer");
        run.end("a");
        let later = [poll(&mut run), poll(&mut run), poll(&mut run)];
        assert_eq!(later, [row("1"), nothing(), nothing()], "{takes}");
        run.begin("b");
        assert_eq!(poll(&mut run), nothing());
        run.ask(sql("insert into jobs (id) values ($1)", &["2"]))
            .expect("an answer");
        run.end("b");
        let later = [poll(&mut run), poll(&mut run), poll(&mut run)];
        assert_eq!(later, [row("2"), nothing(), nothing()]);
    }
}

#[test]
fn scenario_35_what_is_taken_from_a_queue_is_taken_once() {
    let take = || sql("update jobs set taken = true returning id", &[]);
    let nothing = || Value::map([("rows", Value::List(vec![])), ("tag", "UPDATE 0".into())]);
    let a = test("a", http("POST", "/", None), ok(Value::Null), vec![]);
    let mut b = a.clone();
    b.name = "b".to_owned();
    b.at = Timestamp(a.at.0 + 10_000_000_000);
    let told = |at: u64, answer| Mock {
        after: a.at.0 + at,
        ..scoped(Scope::Background, take(), answer)
    };
    // The next poll of the recording came after b began.
    let shared = vec![
        told(1_000_000_000, row("1")),
        told(11_000_000_000, nothing()),
    ];
    let mut run = Run::of(set(vec![a.clone(), b], shared));
    run.begin("a");
    run.end("a");
    let given = [run.ask(take()), run.ask(take())].map(|given| given.expect("an answer"));
    assert_eq!(given, [row("1"), nothing()]);
}

#[test]
fn scenario_35_what_the_clock_was_told_within_tests_comes_before_what_it_was_told_later() {
    let poll = || sql("select id from outbox", &[]);
    let found = Mock {
        scope: Scope::Background,
        ..call(1, poll(), row("7"))
    };
    let case = test("t", http("GET", "/", None), ok(Value::Null), vec![found]);
    let idle = scoped(Scope::Background, poll(), row("none"));
    let mut run = Run::of(set(vec![case], vec![idle]));
    for answer in ["7", "none", "none"] {
        assert_eq!(run.ask(poll()).expect("an answer"), row(answer));
    }
}
