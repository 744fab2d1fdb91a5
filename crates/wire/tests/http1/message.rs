//! Trees as parts: what a hand may write in YAML, and what is refused.

use retake_model::Value;
use retake_wire::http1::message::{
    Framing, RequestParts, ResponseParts, Version, has_token, header, headers,
};

fn field(name: &str, value: impl Into<Value>) -> Value {
    Value::map([(name, value.into())])
}

#[test]
fn a_tree_written_by_hand_is_understood() {
    let tree = Value::map([
        ("status", 201.into()),
        ("version", Value::from("1.0")),
        (
            "headers",
            Value::List(vec![
                field("content-length", 5),
                field("x-flag", true),
                field("x-none", Value::Null),
                field("x-latin", Value::Bytes(vec![0xe9].into())),
            ]),
        ),
        ("body", field("json", Value::map([("a", Value::from(1))]))),
        ("framing", "close".into()),
    ]);
    let parts = ResponseParts::from_tree(&tree).expect("a response");
    assert_eq!(
        parts,
        ResponseParts {
            status: 201,
            reason: None,
            version: Version::Http10,
            headers: [
                ("content-length", &b"5"[..]),
                ("x-flag", b"true"),
                ("x-none", b""),
                ("x-latin", b"\xe9"),
            ]
            .map(|(n, v)| (n.to_owned(), v.to_vec()))
            .into(),
            body: b"{\"a\":1}".to_vec(),
            trailers: vec![],
            framing: Framing::Close,
            interim: vec![],
        }
    );
    let request = Value::map([("method", "GET"), ("path", "/")].map(|(k, v)| (k, v.into())));
    let parts = RequestParts::from_tree(&request).expect("a request");
    assert_eq!(parts.to_tree(), request);
}

#[test]
fn a_tree_of_another_form_is_refused_and_the_field_named() {
    let check = |name: &str, value: Value, expected: &str| {
        let mut tree = Value::map([("method", "GET".into()), ("path", Value::from("/"))]);
        match tree.get_mut(name) {
            Some(there) => *there = value,
            None => tree.push(name, value),
        }
        let error = RequestParts::from_tree(&tree).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
    };
    check("method", "".into(), "`method`");
    check("method", "GET /x".into(), "`method`");
    check("path", "/a b".into(), "`path`");
    check("path", "/\r\nX: y".into(), "`path`");
    check("path", Value::Null, "`path`");
    check("version", "2".into(), "`version`");
    check("framing", "length".into(), "`framing`");
    check("body", "text".into(), "its body cannot be written");
    for headers in [
        Value::from("a: b"),
        Value::List(vec!["a: b".into()]),
        Value::List(vec![Value::map([("a", Value::Null), ("b", Value::Null)])]),
        Value::List(vec![field("a b", "c")]),
        Value::List(vec![field("", "c")]),
        Value::List(vec![field("a", "b\nc: d")]),
        Value::List(vec![field("a", Value::List(vec![]))]),
    ] {
        check("headers", headers.clone(), "`headers`");
        check("trailers", headers, "`trailers`");
    }
    assert!(RequestParts::from_tree(&Value::Null).is_err());
    for status in [
        Value::from(99),
        Value::from(1000),
        "200".into(),
        Value::Null,
    ] {
        assert!(ResponseParts::from_tree(&field("status", status)).is_err());
    }
}

#[test]
fn the_reason_is_told_only_where_it_is_not_the_usual_one() {
    let check = |status: u16, reason: Option<&str>, told: Option<&str>| {
        let parts = ResponseParts {
            status,
            reason: reason.map(Into::into),
            ..ResponseParts::default()
        };
        let tree = parts.to_tree();
        assert_eq!(
            tree.get("reason").and_then(Value::as_str),
            told,
            "{status} {reason:?}"
        );
    };
    check(200, None, None);
    check(200, Some("OK"), None);
    check(200, Some("ok"), Some("ok"));
    check(200, Some(""), Some(""));
    check(299, Some(""), None);
    check(413, Some("Payload Too Large"), Some("Payload Too Large"));
}

#[test]
fn fields_are_found_in_any_case_and_tokens_in_any_list() {
    let fields: Vec<_> = [
        ("Connection", "keep-alive, Upgrade"),
        ("X", "1"),
        ("connection", "TE"),
    ]
    .map(|(n, v)| (n.to_owned(), v.as_bytes().to_vec()))
    .into();
    assert_eq!(header(&fields, "x"), Some(&b"1"[..]));
    assert_eq!(header(&fields, "y"), None);
    assert_eq!(headers(&fields, "CONNECTION").count(), 2);
    for (token, there) in [
        ("upgrade", true),
        ("te", true),
        ("close", false),
        ("keep", false),
    ] {
        assert_eq!(has_token(&fields, "connection", token), there, "{token}");
    }
}
