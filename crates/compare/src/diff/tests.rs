//! What a comparison finds, by subject.

mod bodies;
mod claims;
mod http;
mod made;
mod properties;
mod rules;
mod sorted;
mod trees;

use bytes::Bytes;
use proptest::prelude::*;
use retake_model::{
    DiffKind, Difference, Made, Mock, NoiseRule, Path, PathPattern, RuleAction, TestCase,
    TokenKind, Value, json,
};

use super::{Compared, compare_response};
use crate::made::ValueMap;
use crate::rules::RuleSet;
use crate::test_cases::mock;

pub(super) fn tree(text: &str) -> Value {
    json::parse(text.as_bytes()).expect(text).0
}

fn body(text: &str) -> Value {
    Value::map([
        ("status", 200.into()),
        ("body", Value::map([("json", tree(text))])),
    ])
}

fn rule(at: &str, action: RuleAction) -> NoiseRule {
    NoiseRule {
        at: PathPattern::parse(at).expect(at),
        action,
        why: None,
        source: "retake.yaml:3".into(),
    }
}

fn made(kind: TokenKind, value: &str) -> Made {
    Made {
        value: value.into(),
        kind,
        places: vec![Path::parse("response.body.json.id").expect("a path")],
    }
}

fn compare(expected: &Value, observed: &Value) -> Compared {
    let rules = RuleSet::new([]).expect("built-in rules");
    compare_response(expected, observed, &[], &rules, &mut ValueMap::new())
}

/// A test without a request and without calls.
fn test_case(response: Value) -> TestCase {
    TestCase {
        name: "t".into(),
        response,
        ..crate::test_cases::test_case()
    }
}

/// A call that gave this.
fn call(response: Value) -> Mock {
    Mock {
        response,
        ..mock(Value::Null)
    }
}

fn show(value: Option<&Value>) -> String {
    value.map_or("nothing".into(), |value| match value {
        Value::Bytes(_) => "bytes".into(),
        value => String::from_utf8(json::write(value, &json::Style::default()).expect("json"))
            .expect("utf-8"),
    })
}

/// `Changed body.json.a: 1 -> 2`
fn lines(differences: &[Difference]) -> Vec<String> {
    differences
        .iter()
        .map(|d| {
            let place = d.place.to_string().replacen("response.", "", 1);
            let (a, b) = (show(d.baseline.as_ref()), show(d.candidate.as_ref()));
            match d.kind {
                DiffKind::Reordered => {
                    format!("Reordered {place}: {}", d.detail.as_deref().unwrap_or(""))
                }
                kind => format!("{kind:?} {place}: {a} -> {b}"),
            }
        })
        .collect()
}

/// The differences of two JSON bodies, places relative to the body.
fn json_lines(expected: &str, observed: &str) -> Vec<String> {
    lines(&compare(&body(expected), &body(observed)).differences)
        .iter()
        .map(|line| line.replacen("body.json", "$", 1))
        .collect()
}
