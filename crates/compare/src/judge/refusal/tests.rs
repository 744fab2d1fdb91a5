use retake_model::Blame;

use super::*;
use crate::diff::compare_response;
use crate::made::ValueMap;
use crate::rules::RuleSet;

fn response(status: i64, body: &str) -> Value {
    let (json, _) = retake_model::json::parse(body.as_bytes()).expect(body);
    let body = Value::map([("json", json)]);
    Value::map([("status", status.into()), ("body", body)])
}

fn request(path: &str) -> Value {
    Value::map([("method", "GET".into()), ("path", path.into())])
}

/// The differences of a response, gathered.
fn gathered(path: &str, recorded: (i64, &str), came: (i64, &str)) -> Vec<Difference> {
    let rules = RuleSet::new([]).expect("rules");
    let (a, b) = (response(recorded.0, recorded.1), response(came.0, came.1));
    let mut found = compare_response(&a, &b, &[], &rules, &mut ValueMap::new()).differences;
    gather(&request(path), &mut found, &mut []);
    found
}

fn cause(path: &str, recorded: (i64, &str), came: (i64, &str)) -> u64 {
    gathered(path, recorded, came)[0].cause
}

#[test]
fn a_refusal_is_one_cause_and_the_rest_follows() {
    let check = |recorded: i64, came: i64, expected: bool| {
        let found = gathered(
            "/a",
            (recorded, r#"{"a": 1}"#),
            (came, r#"{"error": "no"}"#),
        );
        assert_eq!(found.len(), 3, "{recorded} {came}");
        assert!(found.iter().all(|d| d.blame == Blame::App));
        let follow = found
            .iter()
            .skip(1)
            .all(|d| d.follows && d.cause == found[0].cause);
        let apart = found.iter().all(|d| !d.follows);
        assert!(if expected { follow } else { apart }, "{recorded} {came}");
    };
    check(200, 500, true);
    check(201, 401, true);
    check(404, 200, true);
    check(409, 401, true);
    // The same document, by what its status says.
    check(200, 202, false);
    check(201, 200, false);
}

#[test]
fn refusals_are_told_apart_by_what_they_say() {
    let given = (200, r#"{"a": 1}"#);
    let division = (500, r#"{"error": "division by zero"}"#);
    let none = (500, r#"{"error": "no attribute `x` of None"}"#);
    assert_eq!(
        cause("/a", given, division),
        cause("/b", (201, "[]"), division)
    );
    assert_ne!(cause("/a", given, division), cause("/a", given, none));
    assert_ne!(
        cause("/a", given, division),
        cause("/a", given, (503, r#"{"error": "division by zero"}"#))
    );
    // An error that repeats what was asked is the same for everybody.
    let unknown = |name: &str| format!(r#"{{"error": "no order {name}"}}"#);
    assert_eq!(
        cause("/orders/A-17", given, (404, &unknown("A-17"))),
        cause("/orders/B-4", given, (404, &unknown("B-4")))
    );
}

#[test]
fn calls_that_a_refused_request_no_longer_makes_follow() {
    let missing = |kind| Difference {
        place: Place::Call {
            to: "db".into(),
            index: Some(0),
            summary: "insert".into(),
            path: Path::root(),
        },
        kind,
        baseline: None,
        candidate: None,
        detail: None,
        blame: Blame::App,
        follows: false,
        cause: 1,
    };
    let check = |from: i64, to: i64, kind, expected: bool| {
        let rules = RuleSet::new([]).expect("rules");
        let (a, b) = (response(from, "{}"), response(to, "{}"));
        let mut found = compare_response(&a, &b, &[], &rules, &mut ValueMap::new()).differences;
        let mut calls = [missing(kind)];
        gather(&request("/"), &mut found, &mut calls);
        assert_eq!(calls[0].follows, expected, "{from} {to} {kind:?}");
    };
    check(200, 400, DiffKind::CallMissing, true);
    check(200, 400, DiffKind::CallExtra, false);
    check(400, 200, DiffKind::CallMissing, false);
    check(200, 204, DiffKind::CallMissing, false);
}

#[test]
fn of_a_page_its_title_is_what_a_refusal_says() {
    for (page, says) in [
        (
            "\n<!doctype html>\n<html><head>\n <title>Server Error (500)</title></head><p>x</p>",
            "Server Error (500)",
        ),
        (
            "<!DOCTYPE HTML><title></title><p>x",
            "<!DOCTYPE HTML><title></title><p>x",
        ),
        ("no <title>page</title>", "no <title>page</title>"),
    ] {
        let came = Value::map([
            ("status", 500.into()),
            ("body", Value::map([("text", page.into())])),
        ]);
        let rules = RuleSet::new([]).expect("rules");
        let given = response(200, r#"{"a": 1}"#);
        let mut found =
            compare_response(&given, &came, &[], &rules, &mut ValueMap::new()).differences;
        gather(&request("/a"), &mut found, &mut []);
        let status = found.iter().find(|d| d.detail.is_some()).expect("a status");
        assert_eq!(status.detail, Some(format!("{SAYS}{says:?}")));
    }
}
