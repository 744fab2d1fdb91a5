use retake_model::{Field, FieldKind, ProtocolId};

use super::*;

static HTTP: Rules = Rules {
    protocol: ProtocolId("http"),
    identity: &[
        Field {
            name: "method",
            kind: FieldKind::Exact,
        },
        Field {
            name: "path",
            kind: FieldKind::Path,
        },
        Field {
            name: "body",
            kind: FieldKind::Body,
        },
    ],
    summary: &["method", "path"],
};

fn key(path: &str, body: Value) -> Key {
    let request = Value::map([
        ("method", Value::from("POST")),
        ("path", Value::from(path)),
        ("headers", Value::from(path.len())),
        ("body", body),
    ]);
    request_key(&request, &HTTP)
}

fn json(value: Value) -> Value {
    Value::map([("json", value)])
}

#[test]
fn the_order_of_query_keys_counts_only_for_one_name() {
    let same = |a, b| key(a, Value::Null) == key(b, Value::Null);
    assert!(same("/a?x=1&y=2", "/a?y=2&x=1"));
    assert!(same("/a?x=1&y=2&x=3", "/a?x=1&x=3&y=2"));
    assert!(!same("/a?x=1&x=3", "/a?x=3&x=1"));
    assert!(!same("/a?x=1", "/a?x=2"));
    assert!(!same("/a?x", "/a?x="));
    assert!(!same("/a?", "/a"));
    assert!(!same("/a?x=1&y=2", "/a?x=1y=2"));
    assert!(!same("/a", "/b"));
}

#[test]
fn the_order_of_json_members_does_not_count() {
    let body = |fields: Vec<(&str, Value)>| key("/", json(Value::map(fields)));
    let ab = body(vec![("a", 1.into()), ("b", 2.into())]);
    assert_eq!(ab, body(vec![("b", 2.into()), ("a", 1.into())]));
    assert_ne!(ab, body(vec![("a", 2.into()), ("b", 1.into())]));
    assert_ne!(ab, body(vec![("a", "1".into()), ("b", 2.into())]));
    assert_ne!(ab, body(vec![("a", 1.into())]));
    let list = |items: Vec<Value>| key("/", json(Value::List(items)));
    assert_ne!(
        list(vec![1.into(), 2.into()]),
        list(vec![2.into(), 1.into()])
    );
    assert_ne!(list(vec!["a".into(), "b".into()]), list(vec!["ab".into()]));
    assert_ne!(list(vec![Value::Null]), list(vec![Value::List(vec![])]));
}

#[test]
fn layout_and_encoding_do_not_count() {
    let plain = json(1.into());
    let mut laid_out = json(1.into());
    laid_out.push("style", Value::map([("indent", 2.into())]));
    laid_out.push("encoding", "gzip".into());
    assert_eq!(key("/", plain), key("/", laid_out));
}

#[test]
fn a_multipart_boundary_is_a_made_up_name() {
    let body = |boundary: &str, content: &str| {
        let text = format!("--{boundary}\r\nA: b\r\n\r\n{content}\r\n--{boundary}--\r\n");
        let bytes = Value::Bytes(text.clone().into_bytes().into());
        [
            key("/", Value::map([("text", Value::from(text))])),
            key("/", Value::map([("bytes", bytes)])),
        ]
    };
    assert_eq!(body("----x1234567890", "c"), body("----y0987654321", "c"));
    assert_ne!(
        body("----x1234567890", "c")[0],
        body("----x1234567890", "d")[0]
    );
    assert_ne!(
        body("----x1234567890", "c")[1],
        body("----x1234567890", "d")[1]
    );
}

#[test]
fn a_summary_is_one_short_line() {
    let request = Value::map([
        ("method", Value::from("GET")),
        ("path", Value::from(format!("/a\n\n  b{}", "ü".repeat(300)))),
    ]);
    let line = summary(&request, &HTTP);
    assert!(line.starts_with("GET /a bü"), "{line}");
    assert_eq!(line.chars().count(), 161);
    assert!(line.ends_with('…'));
}
