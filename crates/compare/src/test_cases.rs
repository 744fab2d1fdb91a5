//! Tests and calls for the unit tests of this crate, with nothing in them.

use retake_model::{
    Attribution, Field, FieldKind, Mock, ProtocolId, Rules, Scope, TestCase, Timestamp, Value,
};

/// The rules of calls that have a statement, and nothing else.
pub(crate) static STATEMENTS: Rules = Rules {
    protocol: ProtocolId("postgres"),
    identity: &[SQL],
    summary: &["sql"],
};

/// The rules of requests that have a path, and nothing else.
pub(crate) static PATHS: Rules = Rules {
    protocol: ProtocolId("http"),
    identity: &[Field {
        name: "path",
        kind: FieldKind::Path,
    }],
    summary: &["path"],
};

/// Those of statements with parameters.
pub(crate) static PARAMETERS: Rules = Rules {
    identity: &[
        SQL,
        Field {
            name: "params",
            kind: FieldKind::Params,
        },
    ],
    ..STATEMENTS
};

const SQL: Field = Field {
    name: "sql",
    kind: FieldKind::Sql,
};

/// A test over HTTP without a request, a response and calls.
pub(crate) fn test_case() -> TestCase {
    TestCase {
        name: "t".into(),
        protocol: ProtocolId("http"),
        at: Timestamp(0),
        took: 0,
        trace: None,
        merged: 0,
        port: None,
        request: Value::Null,
        response: Value::Null,
        calls: Vec::new(),
        made: Vec::new(),
        rules: Vec::new(),
    }
}

/// A call to PostgreSQL with this request.
pub(crate) fn mock(request: Value) -> Mock {
    Mock {
        to: "db".into(),
        protocol: ProtocolId("postgres"),
        scope: Scope::Test,
        by: Attribution::Alone,
        after: 0,
        took: 0,
        request,
        response: Value::Null,
        merged: 0,
    }
}
