//! Whose call it is.

use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::prop_assert;
use retake_model::{Attribution, Mock, Scope, TestCase, Timestamp, Value};

use crate::build::{RECORDED, Run, call, http, ok, row, scoped, set, sql, test, told};

type Step = Box<dyn Fn(&mut Run)>;

fn case(name: &str, statements: &[&str]) -> TestCase {
    let calls = (0u64..)
        .zip(statements)
        .map(|(n, text)| call(n, sql(text, &[]), row(name)))
        .collect();
    test(name, http("GET", name, None), ok(Value::Null), calls)
}

#[test]
fn scenario_21_a_call_after_the_response_belongs_to_its_test() {
    let mut run = Run::of(set(
        vec![case("a", &["select 1", "update t set late = 1"])],
        vec![],
    ));
    run.begin("a");
    run.ask(sql("select 1", &[])).unwrap();
    run.end("a");
    assert_eq!(run.mocks.settled(), [], "a late call may still come");
    run.ask(sql("update t set late = 1", &[])).unwrap();
    assert_eq!(
        told(&run.finish_one()),
        "matched 0,1 extra 0 unknown 0 missing  reordered "
    );
}

#[test]
fn scenario_36_on_which_side_of_the_next_request_a_call_falls_does_not_matter() {
    let late = "update t set late = 1";
    let tests = || {
        set(
            vec![case("a", &["select 1", late]), case("b", &["select 2"])],
            vec![],
        )
    };
    let told_all = |run: &mut Run| {
        let outcomes = run.mocks.finish();
        outcomes.iter().map(told).collect::<Vec<_>>()
    };
    let mut expected = None;
    for late_at in 0..4 {
        let mut run = Run::of(tests());
        let mut steps: Vec<Step> = vec![
            Box::new(|run| run.end("a")),
            Box::new(|run| {
                run.begin("b");
            }),
            Box::new(|run| {
                run.ask(sql("select 2", &[])).unwrap();
            }),
            Box::new(|run| run.end("b")),
        ];
        steps.insert(
            late_at,
            Box::new(move |run| {
                run.ask(sql(late, &[])).unwrap();
            }),
        );
        run.begin("a");
        run.ask(sql("select 1", &[])).unwrap();
        for step in steps {
            step(&mut run);
        }
        let told = told_all(&mut run);
        assert_eq!(
            expected.get_or_insert_with(|| told.clone()),
            &told,
            "{late_at}"
        );
    }
    assert_eq!(
        expected.unwrap(),
        [
            "matched 0,1 extra 0 unknown 0 missing  reordered ",
            "matched 0 extra 0 unknown 0 missing  reordered ",
        ]
    );
}

#[test]
fn a_test_is_settled_when_a_later_one_has_ended() {
    let mut run = Run::of(set(
        vec![case("a", &[]), case("b", &[]), case("c", &[])],
        vec![],
    ));
    let settled = |run: &mut Run| -> Vec<String> {
        let outcomes = run.mocks.settled();
        outcomes.iter().map(|o| o.test.name.to_string()).collect()
    };
    for (name, expected) in [("a", vec![]), ("b", vec!["a"]), ("c", vec!["b"])] {
        run.begin(name);
        assert_eq!(settled(&mut run), Vec::<String>::new());
        run.end(name);
        assert_eq!(settled(&mut run), expected);
    }
    assert_eq!(run.mocks.finish().len(), 1);
}

#[test]
fn a_trace_tells_the_test_among_several_that_are_open() {
    let tests = || vec![case("a", &["select 1"]), case("b", &["select 1"])];
    let mut run = Run::of(set(tests(), vec![]));
    run.begin_traced("a");
    run.begin_traced("b");
    assert_eq!(run.ask_traced("b", sql("select 1", &[])), Ok(row("b")));
    assert_eq!(run.ask_traced("a", sql("select 1", &[])), Ok(row("a")));
    run.end("b");
    run.end("a");
    let outcomes = run.mocks.finish();
    for outcome in &outcomes {
        assert_eq!(
            told(outcome),
            "matched 0 extra 0 unknown 0 missing  reordered "
        );
        assert!(!outcome.matched[0].call.shared);
    }
    // A call that says whose it is gets nobody else's answer.
    let mut run = Run::of(set(vec![case("a", &["select 1"]), case("b", &[])], vec![]));
    run.begin_traced("a");
    run.begin_traced("b");
    assert!(run.ask_traced("b", sql("select 1", &[])).is_err());
}

#[test]
fn scenario_22_a_call_without_a_trace_goes_to_the_pool_of_the_open_tests_and_is_marked() {
    let mut run = Run::of(set(
        vec![case("a", &["select 1"]), case("b", &["select 2"])],
        vec![],
    ));
    run.begin("b");
    run.begin("a");
    assert_eq!(run.ask(sql("select 2", &[])), Ok(row("b")));
    assert_eq!(run.ask(sql("select 1", &[])), Ok(row("a")));
    run.end("b");
    run.end("a");
    for outcome in run.mocks.finish() {
        assert_eq!(
            told(&outcome),
            "matched 0 extra 0 unknown 0 missing  reordered "
        );
        assert!(outcome.matched[0].call.shared);
    }
}

fn shared_call(text: &str, response: Value) -> Mock {
    Mock {
        by: Attribution::Shared,
        ..call(1, sql(text, &[]), response)
    }
}

/// Two tests that were recorded at one time, with a call of the second in the file of the first.
fn crossed() -> Vec<TestCase> {
    let mut a = case("a", &["select 1"]);
    a.calls.push(shared_call("select 2", row("b")));
    let mut b = case("b", &[]);
    a.at = Timestamp(RECORDED + 1);
    b.at = Timestamp(RECORDED + 500_000);
    let mut c = case("c", &[]);
    c.at = Timestamp(RECORDED + 10_000_000_000);
    vec![a, b, c]
}

#[test]
fn scenario_22_a_shared_call_is_found_by_whichever_test_makes_it() {
    for asked_by in ["a", "b"] {
        let mut run = Run::of(set(crossed(), vec![]));
        for name in ["a", "b", "c"] {
            run.begin(name);
            if name == "a" {
                run.ask(sql("select 1", &[])).unwrap();
            }
            if name == asked_by {
                assert_eq!(run.ask(sql("select 2", &[])), Ok(row("b")));
            }
            run.end(name);
        }
        for outcome in run.mocks.finish() {
            assert_eq!(outcome.missing, [], "{asked_by} {}", outcome.test);
            assert_eq!(outcome.unknown, [], "{asked_by} {}", outcome.test);
            assert_eq!(outcome.extra, [], "{asked_by} {}", outcome.test);
        }
    }
}

#[test]
fn scenario_22_a_shared_call_is_not_for_a_test_of_another_time() {
    let mut run = Run::of(set(crossed(), vec![]));
    run.begin("c");
    assert!(run.ask(sql("select 2", &[])).is_err());
    run.end("c");
    run.begin("a");
    run.ask(sql("select 1", &[])).unwrap();
    run.end("a");
    run.begin("c");
    run.end("c");
    assert!(
        run.mocks
            .settled()
            .iter()
            .all(|o| o.test.name.as_ref() != "a"),
        "b may still ask"
    );
    let a = run
        .mocks
        .finish()
        .into_iter()
        .find(|o| o.test.name.as_ref() == "a")
        .unwrap();
    assert_eq!(told(&a), "matched 0 extra 0 unknown 0 missing 1 reordered ");
    assert!(a.missing[0].shared);
}

/// Three tests of which the first and the last overlapped with the second, not with each other;
/// the second and the last asked the same, and each of these calls is kept with the test before.
fn in_a_chain(answers: [&str; 2]) -> Vec<TestCase> {
    let [kept_with_a, kept_with_b] = answers;
    let mut a = case("a", &["select 1"]);
    a.calls.push(shared_call("select 4", row(kept_with_a)));
    let mut b = case("b", &[]);
    b.calls.push(shared_call("select 4", row(kept_with_b)));
    let mut c = case("c", &[]);
    for (test, after) in [(&mut a, 1), (&mut b, 900_000), (&mut c, 1_800_000)] {
        test.at = Timestamp(RECORDED + after);
    }
    vec![a, b, c]
}

#[test]
fn scenario_22_a_shared_call_that_another_test_took_is_passed_on_where_the_answers_are_alike() {
    let told_all = |answers: [&str; 2]| {
        let mut run = Run::of(set(in_a_chain(answers), vec![]));
        let (mut answered, mut outcomes) = (Vec::new(), Vec::new());
        for (name, asked) in [("a", "select 1"), ("b", "select 4"), ("c", "select 4")] {
            run.begin(name);
            answered.push(run.ask(sql(asked, &[])).is_ok());
            run.end(name);
            outcomes.extend(run.mocks.settled());
        }
        outcomes.extend(run.mocks.finish());
        let told: Vec<String> = outcomes.iter().map(told).collect();
        (answered, told)
    };
    // The second takes what is kept with it, which was the last one's: it could as well have had
    // the first one's.
    let (answered, told) = told_all(["same", "same"]);
    assert_eq!(answered, [true, true, true]);
    assert!(
        told.iter().all(|one| one.ends_with("missing  reordered ")),
        "{told:?}"
    );
    // With another answer it could not: what nobody asked for is missing, and what was asked before
    // is answered again.
    let (answered, told) = told_all(["one", "other"]);
    assert_eq!(answered, [true, true, true]);
    assert_eq!(
        told,
        [
            "matched 0 extra 0 unknown 0 missing 1 reordered ",
            "matched 0 extra 0 unknown 0 missing  reordered ",
            "matched  extra 1 unknown 0 missing  reordered ",
        ]
    );
}

proptest! {
    /// However the requests overlapped, and whoever was taken for the owner of their calls: the
    /// same build finds every answer.
    #[test]
    fn scenario_22_what_was_asked_at_one_time_is_found_by_those_who_asked_it(
        spans in vec((0u64..40, 1u64..20, 0u64..20, any::<bool>()), 1..12),
    ) {
        let mut spans = spans;
        spans.sort_unstable();
        let at = |moment: u64| Timestamp(RECORDED + 1 + moment * 1_000_000);
        let mut tests: Vec<TestCase> = Vec::new();
        for (number, (began, length, ..)) in spans.iter().enumerate() {
            let mut one = case(&format!("t{number}"), &[]);
            (one.at, one.took) = (at(*began), length * 1_000_000);
            tests.push(one);
        }
        for (began, length, place, asks) in &spans {
            // Kept with the first of the tests that were open.
            let moment = began + place % (length + 1);
            let open = |other: &(u64, u64, u64, bool)| other.0 <= moment && moment <= other.0 + other.1;
            let keeper = spans.iter().position(open).unwrap();
            let mut mock = shared_call("select 4", row("same"));
            mock.after = (moment - spans[keeper].0) * 1_000_000;
            mock.took = 0;
            if *asks {
                tests[keeper].calls.push(mock);
            }
        }
        let mut run = Run::of(set(tests, vec![]));
        let mut outcomes = Vec::new();
        for (number, (.., asks)) in spans.iter().enumerate() {
            let name = format!("t{number}");
            run.begin(&name);
            prop_assert!(!asks || run.ask(sql("select 4", &[])).is_ok(), "{name}");
            run.end(&name);
            outcomes.extend(run.mocks.settled());
        }
        outcomes.extend(run.mocks.finish());
        for outcome in outcomes {
            prop_assert!(told(&outcome).ends_with("extra 0 unknown 0 missing  reordered "), "{}", told(&outcome));
        }
    }
}

#[test]
fn scenario_35_background_is_answered_at_any_time_and_is_never_a_verdict() {
    let poll = sql(
        "select max(rev) from t where at > $1",
        &["2026-03-01T09:20:35Z"],
    );
    let shared = vec![scoped(Scope::Background, poll, row("1"))];
    let mut run = Run::of(set(vec![case("a", &["select 1"])], shared));
    let poll = |run: &mut Run, second: u32| {
        let at = format!("2026-11-21T01:20:{second:02}Z");
        run.ask(sql("select max(rev) from t where at > $1", &[&at]))
    };
    assert_eq!(poll(&mut run, 1), Ok(row("1")));
    run.begin("a");
    assert_eq!(poll(&mut run, 2), Ok(row("1")));
    run.ask(sql("select 1", &[])).unwrap();
    run.end("a");
    assert_eq!(poll(&mut run, 3), Ok(row("1")));
    assert_eq!(
        told(&run.finish_one()),
        "matched 0 extra 0 unknown 0 missing  reordered "
    );
    assert_eq!(
        run.mocks.background(),
        [(
            "db".to_owned(),
            "select max(rev) from t where at > $1".to_owned(),
            3
        )]
    );
}

#[test]
fn scenario_22_the_outcomes_are_the_same_however_traced_calls_are_interleaved() {
    let tests = || {
        set(
            vec![
                case("a", &["select 1", "select 1", "update t set a = 1"]),
                case("b", &["select 1", "select 2"]),
            ],
            vec![],
        )
    };
    let asked: &[(&str, &str)] = &[
        ("a", "select 1"),
        ("a", "update t set a = 1"),
        ("a", "select 9"),
        ("b", "select 2"),
        ("b", "select 1"),
        ("b", "select 1"),
    ];
    let mut expected = None;
    // Every way to merge the two orders of three calls.
    for bits in (0u32..64).filter(|bits| bits.count_ones() == 3) {
        let mut run = Run::of(tests());
        run.pace = 0;
        run.begin_traced("a");
        run.begin_traced("b");
        let (mut a, mut b) = (asked[..3].iter(), asked[3..].iter());
        for place in 0..6 {
            let next = if bits >> place & 1 == 0 {
                a.next()
            } else {
                b.next()
            };
            let (test, text) = next.unwrap();
            let _ = run.ask_traced(test, sql(text, &[]));
        }
        run.end("a");
        run.end("b");
        let outcomes = run.mocks.finish();
        assert_eq!(expected.get_or_insert_with(|| outcomes.clone()), &outcomes);
    }
    let told: Vec<String> = expected.unwrap().iter().map(told).collect();
    assert_eq!(
        told,
        [
            "matched 0,2 extra 0 unknown 1 missing 1 reordered ",
            "matched 1,0 extra 1 unknown 0 missing  reordered 1",
        ]
    );
}

#[test]
fn a_description_that_nobody_asks_for_is_not_waited_for() {
    let describe = Value::map([("describe", Value::from("select 1"))]);
    let calls = vec![
        call(1, describe, row("1")),
        call(2, sql("select 1", &[]), row("1")),
    ];
    let case = test("a", http("GET", "/", None), ok(Value::Null), calls);
    let mut run = Run::of(set(vec![case], vec![]));
    run.begin("a");
    assert_eq!(run.mocks.unserved_calls(&crate::build::id("a")), 1);
    run.ask(sql("select 1", &[])).unwrap();
    assert_eq!(run.mocks.unserved_calls(&crate::build::id("a")), 0);
    run.end("a");
    assert_eq!(
        told(&run.finish_one()),
        "matched 1 extra 0 unknown 0 missing  reordered "
    );
}

/// A test at a second of the recording that took 10 ms, with calls so many milliseconds after it
/// began.
fn at(second: u64, name: &str, calls: &[(u64, Value)]) -> TestCase {
    let calls = calls.iter().map(|(ms, request)| Mock {
        after: ms * 1_000_000,
        ..call(1, request.clone(), Value::Null)
    });
    let mut case = test(
        name,
        http("POST", "/", None),
        ok(Value::Null),
        calls.collect(),
    );
    case.at = Timestamp(RECORDED + second * 1_000_000_000 / 10);
    case.took = 10_000_000;
    case
}

#[test]
fn scenario_36_a_late_call_that_was_recorded_within_the_next_request_may_come_before_it() {
    let audit = |who: &str| sql("insert into audit (who) values ($1)", &[who]);
    let recorded = || {
        set(
            vec![
                at(0, "a", &[]),
                at(
                    1,
                    "b",
                    &[
                        (1, sql("begin", &[])),
                        (2, audit("a")),
                        (3, sql("commit", &[])),
                    ],
                ),
                at(90, "c", &[(1, audit("c"))]),
            ],
            vec![],
        )
    };
    let none = "matched  extra 0 unknown 0 missing  reordered ";
    let all = "matched 0,1,2 extra 0 unknown 0 missing  reordered ";
    let mut run = Run::of(recorded());
    run.begin("a");
    run.end("a");
    for request in [sql("begin", &[]), audit("a"), sql("commit", &[])] {
        run.ask(request).unwrap();
    }
    run.begin("b");
    run.end("b");
    let outcomes: Vec<String> = run.mocks.finish().iter().map(told).collect();
    assert_eq!(outcomes, [none, all]);

    let mut run = Run::of(recorded());
    run.begin("a");
    assert!(run.ask(audit("c")).is_err(), "nine seconds later");
    run.end("a");
    let told: Vec<String> = run.mocks.finish().iter().map(told).collect();
    assert_eq!(told, ["matched  extra 0 unknown 1 missing  reordered "]);
}

#[test]
fn scenario_36_a_late_call_that_comes_before_the_next_request_has_no_order_with_its_calls() {
    let audit = || sql("insert into audit (who) values ($1)", &["a"]);
    let own = || sql("select 1 from users", &[]);
    let recorded = || {
        let b = [(1, own()), (2, audit()), (3, sql("select 2", &[]))];
        set(
            vec![at(0, "a", &[]), at(1, "b", &b), at(90, "c", &[])],
            vec![],
        )
    };
    let b = |early: bool| {
        let mut run = Run::of(recorded());
        run.begin("a");
        run.end("a");
        if early {
            run.ask(audit()).unwrap();
        }
        run.begin("b");
        if !early {
            run.ask(audit()).unwrap();
        }
        run.ask(own()).unwrap();
        run.ask(sql("select 2", &[])).unwrap();
        run.end("b");
        told(&run.mocks.finish()[1])
    };
    assert!(b(true).ends_with("missing  reordered "), "{}", b(true));
    // What came after the request may be of it: then it passed a read.
    assert!(b(false).ends_with("missing  reordered 1"), "{}", b(false));
}
