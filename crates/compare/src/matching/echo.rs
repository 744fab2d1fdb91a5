//! What a service passes on of the trace that only the replay gave it.

use retake_model::{TestCase, TraceId, Value};

/// The header by which a test is known on replay (W3C Trace Context).
const HEADER: &str = "traceparent";

/// Takes the header of that trace out of what a call tells in its body: a service that passes on
/// the headers of its requests as data tells of one more than when it was recorded.
pub(super) fn leave_out(request: &mut Value, trace: &TraceId, test: &TestCase) {
    if let Some(json) = request
        .get_mut("body")
        .and_then(|body| body.get_mut("json"))
        && !has_header(&test.request)
    {
        leave_out_of(json, trace);
    }
}

/// Whether the client sent the header itself.
fn has_header(request: &Value) -> bool {
    let headers = request.get("headers").and_then(Value::as_list);
    let names = headers
        .into_iter()
        .flatten()
        .filter_map(|header| match header {
            Value::Map(fields) => fields.first().map(|(name, _)| name),
            _ => None,
        });
    names
        .into_iter()
        .any(|name| name.eq_ignore_ascii_case(HEADER))
}

fn leave_out_of(value: &mut Value, trace: &TraceId) {
    let is_ours = |name: &str, value: &Value| {
        let text = value.as_str().unwrap_or_default();
        name.eq_ignore_ascii_case(HEADER) && text.contains(&*trace.0)
    };
    match value {
        Value::Map(fields) => {
            fields.retain(|(name, value)| !is_ours(name, value));
            fields
                .iter_mut()
                .for_each(|(_, value)| leave_out_of(value, trace));
        }
        Value::List(items) => items.iter_mut().for_each(|item| leave_out_of(item, trace)),
        _ => {}
    }
}
