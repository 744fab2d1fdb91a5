use std::sync::Arc;

use retake_model::{Attribution, Path, ProtocolId, Scope, Timestamp};

use super::*;

const A: &str = "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";
const B: &str = "1c8be3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b";
const NOW: &str = "2026-03-01T09:20:30.5Z";

fn call(after: u64, took: u64, request: Value, response: Value) -> Mock {
    Mock {
        to: Arc::from("db"),
        protocol: ProtocolId("postgres"),
        scope: Scope::Test,
        by: Attribution::Alone,
        after,
        took,
        request,
        response,
        merged: 0,
    }
}

fn test(request: Value, calls: Vec<Mock>, response: Value) -> TestCase {
    TestCase {
        name: "t".to_owned(),
        protocol: ProtocolId("http"),
        at: Timestamp(1_772_356_830_000_000_000),
        took: 100,
        trace: None,
        merged: 0,
        port: None,
        request,
        response,
        calls,
        made: Vec::new(),
        rules: Vec::new(),
    }
}

fn places(made: &[Made]) -> Vec<(&str, Vec<String>)> {
    made.iter()
        .map(|m| {
            let places = m.places.iter().map(Path::to_string).collect();
            (m.value.as_str(), places)
        })
        .collect()
}

fn param(value: &str) -> Value {
    Value::map([("params", Value::List(vec![value.into()]))])
}

#[test]
fn what_first_stands_in_a_call_or_in_the_response_was_made() {
    let insert = call(10, 5, param(A), Value::Null);
    let response = Value::map([("id", Value::from(A)), ("at", Value::from(NOW))]);
    let test = test(
        Value::map([("path", Value::from("/orders"))]),
        vec![insert],
        response,
    );
    assert_eq!(
        places(&find_made(&test, &mut Known::new())),
        [
            (
                A,
                vec!["calls[0].params[0]".to_owned(), "response.id".to_owned()]
            ),
            (NOW, vec!["response.at".to_owned()]),
        ]
    );
}

#[test]
fn what_the_request_or_an_answer_gave_was_not_made() {
    let select = call(10, 5, param(A), Value::map([("rows", Value::from(B))]));
    let update = call(20, 5, param(B), Value::Null);
    let request = Value::map([("path", Value::from(format!("/orders/{A}")))]);
    let test = test(
        request,
        vec![select, update],
        Value::from(format!("{A} {B}")),
    );
    assert_eq!(find_made(&test, &mut Known::new()), []);
}

#[test]
fn times_tell_what_came_first() {
    // The second call was asked before the first was answered: it cannot have it from there.
    let slow = call(10, 50, Value::Null, Value::from(A));
    let early = call(20, 5, param(A), Value::Null);
    let test = test(Value::Null, vec![slow, early], Value::Null);
    assert_eq!(
        places(&find_made(&test, &mut Known::new())),
        [(
            A,
            vec!["calls[1].params[0]".to_owned(), "calls[0].gives".to_owned()]
        )]
    );
}

#[test]
fn scenario_27_a_value_of_an_earlier_test_is_not_made_again() {
    let mut known = Known::new();
    let login = test(Value::Null, vec![], Value::from(A));
    assert_eq!(find_made(&login, &mut known).len(), 1);
    let later = test(
        Value::from(A),
        vec![call(1, 1, param(A), Value::Null)],
        Value::Null,
    );
    assert_eq!(find_made(&later, &mut known), []);
    let remembered = test(
        Value::Null,
        vec![call(1, 1, param(A), Value::Null)],
        Value::Null,
    );
    assert_eq!(find_made(&remembered, &mut known), []);
}

#[test]
fn constants_and_date_headers_are_not_listed() {
    let headers = Value::List(vec![Value::map([(
        "Date",
        Value::from("Sun, 01 Mar 2026 09:20:30 GMT"),
    )])]);
    let body = Value::map([("born", Value::from("1990-05-01T00:00:00Z"))]);
    let response = Value::map([("headers", headers), ("body", body)]);
    assert_eq!(
        find_made(&test(Value::Null, vec![], response), &mut Known::new()),
        []
    );
}

#[test]
fn a_moment_of_the_second_of_an_earlier_test_is_made_again_unless_it_was_given() {
    let shown = |moment: &str| {
        test(
            Value::Null,
            vec![],
            Value::map([("expires", moment.into())]),
        )
    };
    let whole = "Sun, 01 Mar 2026 09:20:30 GMT";
    let check = |second: TestCase, made: &[&str]| {
        let mut known = Known::new();
        find_made(&shown(whole), &mut known);
        find_made(&shown(NOW), &mut known);
        let found = find_made(&second, &mut known);
        let found: Vec<&str> = found.iter().map(|m| m.value.as_str()).collect();
        assert_eq!(found, made);
    };
    check(shown(whole), &[whole]);
    check(shown(NOW), &[]);
    for (given, made) in [
        ("2026-03-01 09:20:30+00", &[][..]),
        ("2026-03-01 09:20:30.123456+00", &[whole]),
    ] {
        let select = call(10, 5, Value::Null, Value::map([("rows", given.into())]));
        check(
            test(
                Value::Null,
                vec![select],
                Value::map([("expires", whole.into())]),
            ),
            made,
        );
    }
}

#[test]
fn a_moment_of_the_time_of_its_test_is_made_again_though_one_beside_it_shows_the_same() {
    const SECOND: u64 = 1_000_000_000;
    let shows = |at: &str| Value::map([("at", Value::from(at))]);
    let check = |began: u64, took: u64, request: Value, expected: usize| {
        let mut known = Known::new();
        let first = test(Value::Null, Vec::new(), shows(NOW));
        assert_eq!(find_made(&first, &mut known).len(), 1);
        let mut second = test(request, Vec::new(), shows(NOW));
        (second.at.0, second.took) = (first.at.0 + began, took);
        let made = find_made(&second, &mut known);
        assert_eq!(made.len(), expected, "{began} {took}");
    };
    // The moment is half a second after the first request.
    check(SECOND / 4, SECOND, Value::Null, 1);
    check(SECOND / 2, 1, Value::Null, 1);
    // What is of another time is remembered.
    check(SECOND, SECOND, Value::Null, 0);
    check(0, SECOND / 4, Value::Null, 0);
    check(SECOND / 4, SECOND, shows(NOW), 0);
}

#[test]
fn a_text_as_long_as_a_digest_is_made_where_its_name_says_token() {
    let hex = "97255958899516531baa07fe62155633548b4333730c1d87de5804c27b126b44";
    let check = |response: Value, made: usize| {
        let found = find_made(&test(Value::Null, vec![], response), &mut Known::new());
        assert_eq!(found.len(), made, "{found:?}");
    };
    let json = |name: &str| Value::map([("body", Value::map([(name, Value::from(hex))]))]);
    check(json("csrf_token"), 1);
    check(json("sha256"), 0);
    let page = format!(r#"<meta name="csrf-token" content="{hex}">"#);
    check(Value::map([("body", Value::from(page))]), 1);
    check(
        Value::map([("body", Value::from(format!("sum: {hex}")))]),
        0,
    );
}

#[test]
fn what_a_call_beside_the_tests_said_was_given_to_what_came_after_it_and_not_before() {
    let test = |ms: u64| {
        let insert = call(10_000_000, 5, param(A), Value::Null);
        let mut test = test(Value::Null, vec![insert], Value::Null);
        test.at = Timestamp(test.at.0 + ms * 1_000_000);
        test.took = 20_000_000;
        test
    };
    // A job of the service is given the row that the test made; it is known before the test is.
    let polled = |at: u64| {
        let mut known = Known::new();
        let test = test(0);
        let job = call(0, 5, Value::Null, param(A));
        known.learn_beside(&job, Timestamp(test.at.0 + at), Near::recorded(test.at));
        known
    };
    let mut known = polled(15_000_000);
    assert_eq!(find_made(&test(0), &mut known).len(), 1);
    assert_eq!(find_made(&test(100), &mut known), []);
    assert_eq!(find_made(&test(0), &mut polled(5_000_000)), []);
    assert_eq!(find_made(&test(100), &mut polled(15_000_000)), []);
}
