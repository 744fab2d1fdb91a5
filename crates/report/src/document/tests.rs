use bytes::Bytes;
use proptest::prelude::*;
use retake_model::{Number, Value};

use super::value::{from_json, to_json};

#[test]
fn values_are_json_where_json_has_them() {
    let check = |value: Value, expected: &str| {
        let raw = to_json(&value);
        assert_eq!(raw.get(), expected);
        assert_eq!(from_json(&raw).expect(expected), value);
    };
    check(Value::Null, "null");
    check(
        Value::Number(Number::parse("1.50e400").expect("a number")),
        "1.50e400",
    );
    check(
        Value::map([("a", 1.into()), ("a", Value::from(2))]),
        r#"{"a":1,"a":2}"#,
    );
    check(
        Value::Bytes(Bytes::from_static(b"\xff\x00")),
        r#"{"$bytes":"/wA="}"#,
    );
    check(
        Value::map([("$bytes", "/wA=".into())]),
        r#"{"$map":{"$bytes":"/wA="}}"#,
    );
    check(Value::from("\u{1b}\n"), r#""\u001b\n""#);
}

#[test]
fn what_is_nested_too_deep_is_said_so() {
    let deep = (0..200).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    assert_eq!(to_json(&deep).get(), "\"(nested too deep to be shown)\"");
}

fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(|b| Value::Bytes(Bytes::from(b))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec(("\\$bytes|\\$map|[a-c]", inner), 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn no_value_is_lost(value in trees()) {
        prop_assert_eq!(from_json(&to_json(&value)).expect("a value"), value);
    }
}
