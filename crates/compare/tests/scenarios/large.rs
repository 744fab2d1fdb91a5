//! Large recordings.

use std::time::Instant;

use retake_model::Value;

use crate::build::{Run, call, http, ok, row, set, sql, test, told};

/// Mocks that are looked at for one question, on average, at most.
const LOOKS: u64 = 3;

#[test]
fn scenario_30_a_look_up_costs_the_same_with_a_million_mocks_as_with_ten() {
    let questions = 1_000u64;
    for tests in [1u64, 200] {
        // The last size is a million mocks in all.
        for calls in [10u64, 5_000] {
            if tests == 1 && calls == 10 {
                continue;
            }
            let build = |t: u64| {
                let calls = (0..calls).map(|n| {
                    let params = [format!("{t}"), format!("{n}")];
                    let params: Vec<&str> = params.iter().map(String::as_str).collect();
                    call(
                        n,
                        sql("select a from t where b = $1 and c = $2", &params),
                        row(""),
                    )
                });
                test(
                    &format!("t{t}"),
                    http("GET", "/", None),
                    ok(Value::Null),
                    calls.collect(),
                )
            };
            let recording = set((0..tests).map(build).collect(), vec![]);
            let began = Instant::now();
            let mut run = Run::of(recording);
            let loaded = began.elapsed();
            run.begin("t0");
            let opened = began.elapsed() - loaded;
            let before = run.mocks.looked_at();
            let asked = Instant::now();
            for n in 0..questions {
                let n = (n % calls).to_string();
                run.ask(sql("select a from t where b = $1 and c = $2", &["0", &n]))
                    .unwrap();
            }
            let looked_at = run.mocks.looked_at() - before;
            println!(
                "{} mocks: loaded in {loaded:?}, opened in {opened:?}, {:?} a question, {looked_at} mocks looked at for {questions}",
                tests * calls,
                asked.elapsed() / u32::try_from(questions).unwrap()
            );
            assert!(looked_at <= questions * LOOKS, "{looked_at}");
        }
    }
}

#[test]
fn scenario_30_many_mocks_of_one_key_are_served_one_after_the_other() {
    let id = |n: u64| format!("0b7ad2ee-2f3c-4d0e-9b1a-{n:012x}");
    let calls =
        (0..5_000u64).map(|n| call(n, sql("insert into t values ($1)", &[&id(n)]), row("")));
    let case = test(
        "t",
        http("GET", "/", None),
        ok(Value::Null),
        calls.collect(),
    );
    let mut run = Run::of(set(vec![case], vec![]));
    run.begin("t");
    for n in 0..5_000u64 {
        run.ask(sql("insert into t values ($1)", &[&id(n + 1_000_000)]))
            .unwrap();
    }
    assert!(
        run.mocks.looked_at() <= 5_000 * LOOKS,
        "{}",
        run.mocks.looked_at()
    );
    run.end("t");
    let outcome = run.finish_one();
    assert_eq!((outcome.matched.len(), outcome.missing.len()), (5_000, 0));
}

#[test]
fn scenario_30_what_is_held_of_a_test_is_bounded() {
    let case = test(
        "t",
        http("GET", "/", None),
        ok(Value::Null),
        vec![call(1, sql("select 1", &[]), row(""))],
    );
    let mut run = Run::of(set(vec![case], vec![]));
    run.begin("t");
    for _ in 0..25_000 {
        run.ask(sql("select 1", &[])).unwrap();
    }
    run.end("t");
    let outcome = run.finish_one();
    assert_eq!(outcome.extra.len() as u64 + outcome.overflow, 24_999);
    assert_eq!(outcome.overflow, 5_000);
    assert!(told(&outcome).starts_with("matched 0 "));
}
