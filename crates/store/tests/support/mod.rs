//! What the tests of the store share: a shop's test case, and folders that vanish.

#![allow(clippy::expect_used, dead_code)]

use std::sync::Arc;

use retake_model::{
    Attribution, DependencyInfo, Made, Mock, Path, ProtocolId, Scope, SetInfo, TestCase, Timestamp,
    TokenKind, Value,
};
use retake_store::Store;
use tempfile::TempDir;

pub const HTTP: ProtocolId = ProtocolId("http");
pub const POSTGRES: ProtocolId = ProtocolId("postgres");

/// A store in a new folder, which is removed when the folder's handle is dropped.
pub fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(folder.path().join("retake")).with_protocols(&[HTTP, POSTGRES]);
    (folder, store)
}

pub fn json(fields: Value) -> Value {
    Value::map([("json", fields)])
}

pub fn headers(fields: &[(&str, &str)]) -> Value {
    let fields = fields.iter();
    Value::List(
        fields
            .map(|(name, value)| Value::map([(*name, Value::from(*value))]))
            .collect(),
    )
}

pub fn number(digits: &str) -> Value {
    Value::Number(retake_model::Number::parse(digits).expect("digits"))
}

/// The test case of the design.
pub fn order() -> TestCase {
    let content = headers(&[("content-type", "application/json")]);
    let body = json(Value::map([("sku", "A1".into()), ("qty", 2.into())]));
    let id = "7f3c1a2b-0000-4000-8000-0123456789ab";
    TestCase {
        name: "post-orders-201".into(),
        protocol: HTTP,
        at: Timestamp(1_772_360_430_123_456_789),
        took: 12_300_000,
        trace: None,
        merged: 0,
        port: None,
        request: Value::map([
            ("method", "POST".into()),
            ("path", "/orders".into()),
            ("headers", content.clone()),
            ("body", body),
        ]),
        response: Value::map([
            ("status", 201.into()),
            ("headers", content),
            (
                "body",
                json(Value::map([("id", id.into()), ("total", number("39.98"))])),
            ),
        ]),
        calls: vec![
            Mock {
                to: Arc::from("db"),
                protocol: POSTGRES,
                scope: Scope::Test,
                by: Attribution::Alone,
                after: 0,
                took: 0,
                request: Value::map([
                    ("sql", "select price from items where sku = $1".into()),
                    ("params", Value::List(vec!["A1".into()])),
                ]),
                response: Value::map([
                    ("columns", Value::List(vec!["price numeric".into()])),
                    ("rows", Value::List(vec![Value::List(vec!["19.99".into()])])),
                ]),
                merged: 0,
            },
            Mock {
                to: Arc::from("payments"),
                protocol: HTTP,
                scope: Scope::Test,
                by: Attribution::Trace,
                after: 3_000_000,
                took: 1_250_000,
                request: Value::map([
                    ("method", "POST".into()),
                    ("path", "/charge".into()),
                    ("body", json(Value::map([("amount", Value::from(3998))]))),
                ]),
                response: Value::map([
                    ("status", 200.into()),
                    ("body", json(Value::map([("ok", Value::from(true))]))),
                ]),
                merged: 0,
            },
        ],
        made: vec![Made {
            value: id.to_owned(),
            kind: TokenKind::Uuid,
            places: vec![Path::parse("response.body.json.id").expect("a path")],
        }],
        rules: Vec::new(),
    }
}

/// A test case for `GET` of that path, at that second.
pub fn get(path: &str, second: u64) -> TestCase {
    TestCase {
        name: String::new(),
        at: Timestamp(second * 1_000_000_000),
        request: Value::map([("method", "GET"), ("path", path)].map(|(k, v)| (k, v.into()))),
        response: Value::map([("status", Value::from(200))]),
        calls: Vec::new(),
        made: Vec::new(),
        ..order()
    }
}

/// What is known of the shop's recording.
pub fn info() -> SetInfo {
    SetInfo {
        recorded: Timestamp(1_772_360_430_000_000_000),
        recorder: "0.1.0".into(),
        command: vec!["./shop".into(), "--port".into(), "8080".into()],
        build: std::collections::BTreeMap::new(),
        upstream: Some("127.0.0.1:8080".into()),
        names: Vec::new(),
        listens: Vec::new(),
        proxy: None,
        captured: false,
        dependencies: vec![
            DependencyInfo {
                name: "db".into(),
                protocol: Some(POSTGRES),
                address: "127.0.0.1:5432".into(),
                listen: Some("127.0.0.1:15432".into()),
                ..DependencyInfo::default()
            },
            DependencyInfo {
                name: "payments".into(),
                protocol: Some(HTTP),
                address: "payments.example:80".into(),
                env: Some("PAYMENTS_URL".into()),
                ..DependencyInfo::default()
            },
        ],
        ledger: None,
        rules: Vec::new(),
    }
}
