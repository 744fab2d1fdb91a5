use std::borrow::Cow;

use proptest::prelude::*;
use retake_model::{Number, TokenKind, Value};

use super::*;

const A: &str = "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";
const B: &str = "1c8be3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b";
const C: &str = "2d9cf400-4b5e-4f20-9d3c-7b809fae1d2c";

fn map(pairs: &[(TokenKind, &str, &str)]) -> ValueMap {
    let mut values = ValueMap::new();
    for (kind, recorded, candidate) in pairs {
        assert!(values.bind(*kind, recorded, candidate));
    }
    values
}

#[test]
fn ids_have_one_partner() {
    let mut values = map(&[(TokenKind::Uuid, A, B)]);
    assert!(values.bind(TokenKind::Uuid, A, B), "again");
    assert!(!values.bind(TokenKind::Uuid, A, C), "two of the candidate");
    assert!(!values.bind(TokenKind::Uuid, C, B), "two of the recording");
    assert!(values.bind(TokenKind::Uuid, C, C), "one that stayed equal");
    assert_eq!(values.candidate_of(A), Some(B));
    assert_eq!(values.recorded_of(B), Some(A));
    assert_eq!(values.recorded_of(A), None);
}

#[test]
fn moments_may_coincide() {
    let mut values = ValueMap::new();
    let kind = TokenKind::Timestamp;
    assert!(values.bind(kind, "2026-03-01T10:20:30Z", "2026-11-21T01:00:00Z"));
    assert!(values.bind(kind, "2026-03-01T10:20:31Z", "2026-11-21T01:00:00Z"));
    assert!(values.are_bound("2026-03-01T10:20:30Z", "2026-11-21T01:00:00Z"));
    assert_eq!(
        values.recorded_of("2026-11-21T01:00:00Z"),
        Some("2026-03-01T10:20:31Z")
    );
}

#[test]
fn secrets_that_hold_a_second_may_coincide_and_the_latest_is_sent() {
    let (first, second) = (
        "redacted-796a3dee35c47f8bedaf98c7",
        "redacted-d9b9edb57c2127c48cd4a9f0",
    );
    let values = map(&[
        (TokenKind::Secret, first, "eyJ1aWQiOjJ9--1"),
        (TokenKind::Secret, second, "eyJ1aWQiOjJ9--1"),
        (TokenKind::Secret, first, "eyJ1aWQiOjJ9--2"),
    ]);
    let sent = |cookie: &str| values.carry(&Value::from(cookie)).into_owned();
    assert_eq!(sent(second), Value::from("eyJ1aWQiOjJ9--1"));
    assert_eq!(sent(first), Value::from("eyJ1aWQiOjJ9--2"));
}

#[test]
fn replaces_everywhere_in_a_tree() {
    let values = map(&[
        (TokenKind::Uuid, A, B),
        (TokenKind::EpochMillis, "1772356830123", "1795225830999"),
    ]);
    let recorded = Value::map([
        (
            "path",
            Value::from(format!("/orders/{A}?since=1772356830123")),
        ),
        ("at", Value::Number(Number::parse("1772356830123").unwrap())),
        (
            A,
            Value::List(vec![1.into(), Value::from(format!("<{A}>"))]),
        ),
    ]);
    let candidate = Value::map([
        (
            "path",
            Value::from(format!("/orders/{B}?since=1795225830999")),
        ),
        ("at", Value::Number(Number::parse("1795225830999").unwrap())),
        (
            B,
            Value::List(vec![1.into(), Value::from(format!("<{B}>"))]),
        ),
    ]);
    assert_eq!(values.carry(&recorded).as_ref(), &candidate);
    assert_eq!(values.put_back(&candidate).as_ref(), &recorded);
}

#[test]
fn a_tree_without_known_values_is_not_copied() {
    let values = map(&[(TokenKind::Uuid, A, B), (TokenKind::Uuid, C, C)]);
    let tree = Value::List(vec![Value::from("text"), Value::from(C), 1772356830.into()]);
    assert!(matches!(values.carry(&tree), Cow::Borrowed(_)));
    assert!(matches!(values.put_back(&tree), Cow::Borrowed(_)));
}

#[test]
fn padding_of_an_address_is_known_with_and_without_its_percent_signs() {
    // The candidate's value has another length, and so another padding.
    for (recorded, candidate) in [
        ("Xx1%3D", "Yy22%3D%3D"),
        ("Xx1", "Yy2%3D"),
        ("Xx1%3D", "Yy2"),
    ] {
        let mut values = ValueMap::new();
        assert!(values.bind(TokenKind::Random, recorded, candidate));
        assert!(values.bind(TokenKind::Random, recorded, candidate), "again");
        assert!(
            !values.bind(TokenKind::Random, recorded, "Zz3%3D"),
            "another one"
        );
        assert_eq!(values.candidate_of(recorded), Some(candidate));
        let plain = |text: &str| text.replace("%3D", "=");
        assert!(values.are_bound(&plain(recorded), &plain(candidate)));
        assert_eq!(
            values.recorded_of(&plain(candidate)),
            Some(plain(recorded).as_str())
        );
    }
}

fn uuid() -> impl Strategy<Value = String> {
    "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
}

fn tree(ids: Vec<String>) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        (proptest::sample::select(ids), "[ /a-z=]{0,5}")
            .prop_map(|(id, text)| Value::from(format!("{text} {id}/{text}"))),
    ];
    leaf.prop_recursive(3, 30, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            proptest::collection::vec(("[a-z]{1,5}", inner), 0..5).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn put_back_undoes_carry(
        (pairs, tree) in proptest::collection::hash_map(uuid(), uuid(), 1..8).prop_flat_map(|pairs| {
            let ids = pairs.keys().cloned().collect::<Vec<_>>();
            (Just(pairs), tree(ids))
        })
    ) {
        let mut values = ValueMap::new();
        for (recorded, candidate) in &pairs {
            prop_assert!(values.bind(TokenKind::Uuid, recorded, candidate));
        }
        let carried = values.carry(&tree).into_owned();
        let put_back = values.put_back(&carried);
        prop_assert_eq!(put_back.as_ref(), &tree);
    }
}
