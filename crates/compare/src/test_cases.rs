//! Tests and calls for the unit tests of this crate, with nothing in them.

use retake_model::{Attribution, Mock, ProtocolId, Scope, TestCase, Timestamp, Value};

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
