//! Calls that found their answer: what does not identify them may have changed still.

use retake_model::{RuleUse, TestCase, Value};

use super::Compared;
use super::differ::{Differ, Frame};
use super::tokens::Tokens;
use crate::made::ValueMap;
use crate::matching::CallsOutcome;
use crate::rules::RuleSet;

/// Headers of a call that belong to a connection, to one run, or to the client library: another
/// version of a driver gives the same verdicts. Documented in `docs/noise.md`.
const NOT_COMPARED: &[&str] = &[
    "accept-encoding",
    "b3",
    "baggage",
    "connection",
    "content-length",
    "date",
    "host",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "user-agent",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-correlation-id",
    "x-request-id",
];

/// Compares the recorded calls that were made with how they were made, in the fields that do not
/// identify them and still mean something: the headers of HTTP requests.
pub fn compare_calls(
    test: &TestCase,
    calls: &CallsOutcome,
    rules: &RuleSet,
    values: &mut ValueMap,
) -> Compared {
    let mut all = Compared::default();
    for matched in &calls.matched {
        let Some((index, recorded)) = matched
            .index
            .and_then(|index| Some((index, test.calls.get(index)?)))
        else {
            continue;
        };
        let expected = recorded.request.get("headers");
        let observed = matched.call.request.get("headers");
        if recorded.protocol.0 != "http" || expected == observed {
            continue;
        }
        let (expected, hidden_a) = compared_headers(expected);
        let (observed, hidden_b) = compared_headers(observed);
        if hidden_a != hidden_b {
            all.absorb(hidden());
        }
        let frame = Frame::Call {
            to: &recorded.to,
            index,
            summary: &matched.call.summary,
        };
        let tokens = Tokens::new(&test.made, &expected);
        let mut differ = Differ::new(frame, rules, tokens, values);
        differ.in_key("headers", |differ| {
            differ.headers(Some(&expected), Some(&observed));
        });
        all.absorb(differ.finish(rules));
    }
    all
}

/// The headers that are compared, and those that are not.
fn compared_headers(headers: Option<&Value>) -> (Value, Vec<&Value>) {
    let (mut kept, mut hidden) = (Vec::new(), Vec::new());
    for header in headers.and_then(Value::as_list).unwrap_or_default() {
        let name = header.as_map().and_then(|fields| fields.first());
        let name = name.map(|(name, _)| name.to_ascii_lowercase());
        match name {
            Some(name) if NOT_COMPARED.contains(&name.as_str()) => hidden.push(header),
            _ => kept.push(header.clone()),
        }
    }
    (Value::List(kept), hidden)
}

/// One call whose connection or library headers differ.
fn hidden() -> Compared {
    Compared {
        hidden: vec![RuleUse {
            rule: "calls.*.headers".to_owned(),
            source: "built in: of a connection, a run or a client library".to_owned(),
            hidden: 1,
        }],
        ..Compared::default()
    }
}
