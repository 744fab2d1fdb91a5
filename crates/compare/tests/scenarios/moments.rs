//! How far the moments of a test are from its time, in its calls and in its response.

use retake_compare::clocks::{Clocks, Reading};
use retake_compare::diff::{Around, Compared, compare_calls, compare_response};
use retake_compare::rules::RuleSet;
use retake_model::{Difference, Timestamp, Value};

use crate::build::{RECORDED, REPLAYED, Run, call, http, ok, row, set, sql, test};

const SECOND: u64 = 1_000_000_000;

/// The differences of one test that sends this call and answers so, recorded and now; and how many
/// moments were compared by their distance.
fn differences(recorded: (Value, Value), now: (Value, Value), frozen: bool) -> (Vec<String>, u64) {
    let found = compared(recorded, now, frozen);
    let told = |value: &Option<Value>| match value {
        Some(Value::String(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    let line = |d: &Difference| {
        let (a, b) = (told(&d.baseline), told(&d.candidate));
        format!("{}: {a} -> {b}", d.place)
    };
    let lines = found.differences.iter().map(line).collect();
    (lines, found.by_distance)
}

fn compared(recorded: (Value, Value), now: (Value, Value), frozen: bool) -> Compared {
    answered(recorded, "1", now, frozen)
}

/// The same, where the call is answered so.
fn answered(recorded: (Value, Value), given: &str, now: (Value, Value), frozen: bool) -> Compared {
    let case = test(
        "t",
        http("POST", "/", None),
        recorded.1,
        vec![call(1, recorded.0, row(given))],
    );
    let set = set(vec![case], vec![]);
    let case = set.tests[0].clone();
    let mut clocks = Clocks::of(&set);
    let mut run = Run::of(set);
    let at = |passed: u64| Reading {
        shown: frozen.then_some(Timestamp(RECORDED + passed)),
        real: Timestamp(REPLAYED + passed),
    };
    run.begin("t");
    clocks.begin(0, at(0), at(0));
    run.ask(now.0).expect("the call is answered");
    run.end("t");
    clocks.end(0, at(SECOND));
    let rules = RuleSet::default();
    let around = Around::of(&case, clocks.times(0));
    let mut found = compare_response(&case.response, &now.1, around, &rules, run.mocks.values());
    let outcome = run.finish_one();
    let times = clocks.times(0);
    found.absorb(compare_calls(
        &case,
        &outcome,
        times,
        &rules,
        run.mocks.values(),
    ));
    found
}

#[test]
fn scenario_26_a_moment_in_a_call_is_as_far_from_the_request_as_it_was() {
    let days = "30 days after the request -> 300 days after the request";
    let param = |until: &str| sql("insert into t values ($1, $2)", &["x", until]);
    let literal = |until: &str| sql(&format!("insert into t values ('x', '{until}')"), &[]);
    let json = |until: &str| http("POST", "/hook", Some(Value::map([("until", until.into())])));
    let (recorded, same, other) = (
        "2026-03-31T09:20:30Z",
        ["2026-03-31T09:20:31Z", "2026-12-21T01:20:31Z"],
        ["2026-12-26T09:20:30Z", "2027-09-17T01:20:30Z"],
    );
    type Form<'f> = (&'f dyn Fn(&str) -> Value, &'f str);
    let forms: [Form<'_>; 3] = [
        (&param, "calls.db.params[1]"),
        (&literal, "calls.db.sql.literals[1]"),
        (&json, "calls.api.body.json.until"),
    ];
    for (form, place) in forms {
        for (frozen, same, other) in [(true, same[0], other[0]), (false, same[1], other[1])] {
            let of = |until: &str| {
                let now = (form(until), ok(Value::Null));
                differences((form(recorded), ok(Value::Null)), now, frozen)
            };
            assert_eq!(of(same), (vec![], 1), "{place}");
            assert_eq!(of(recorded), (vec![], 1), "{place}");
            assert_eq!(of(other), (vec![format!("{place}: {days}")], 0), "{place}");
        }
    }
}

#[test]
fn scenario_26_a_moment_in_a_response_is_as_far_from_the_request_as_it_was() {
    let body = |until: &str| {
        (
            sql("select 1", &[]),
            ok(Value::map([("until", until.into())])),
        )
    };
    let of = |now: &str| differences(body("2026-03-31T09:20:30.0005Z"), body(now), true);
    assert_eq!(of("2026-03-31T09:20:31.25Z"), (vec![], 1));
    let line = "response.body.json.until: 30 days after the request -> 31 days after the request";
    assert_eq!(of("2026-04-01T09:20:30.0005Z"), (vec![line.to_owned()], 0));
}

#[test]
fn a_moment_that_the_service_may_have_kept_is_no_difference_and_is_told() {
    let body = |at: &str| {
        let body = Value::map([("loaded", at.into())]);
        (sql("select 1", &[]), ok(body))
    };
    let found = compared(
        body("2026-03-01T09:20:30.0005Z"),
        body("2026-03-01T08:07:06.5Z"),
        true,
    );
    assert_eq!(found.differences, []);
    assert_eq!((found.by_kind, found.by_distance), (1, 0));
    assert_eq!(
        found.notes,
        [
            "response.body.json.loaded: the time of the request when it was recorded, 1 h 13 min \
             before the request now; no difference, because a moment that the service keeps from \
             before would explain it"
        ]
    );
}

#[test]
fn a_moment_that_the_service_was_given_is_kept_by_nobody() {
    let body = |at: &str| {
        let body = Value::map([("created", at.into())]);
        (sql("select created from t", &[]), ok(body))
    };
    let recorded = "2026-02-02T03:04:05Z";
    let check = |given: &str, now: &str, differs: bool| {
        let found = answered(body(recorded), given, body(now), true);
        assert_eq!(!found.differences.is_empty(), differs, "{given} {now}");
    };
    let (other, of_request) = ("2026-02-02 03:04:06+00", "2026-03-01T09:20:30Z");
    // In the database's own way to write it, and told to more digits.
    for given in ["2026-02-02 03:04:05+00", "2026-02-02 04:04:05.123456+01"] {
        check(given, recorded, false);
        check(given, of_request, true);
        check(given, "2026-02-01T09:20:30Z", true);
    }
    check(other, of_request, false);
}
