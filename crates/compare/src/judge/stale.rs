//! A read that is made once more is answered as it was, whatever was written since: a response that
//! shows what stood there before follows from that read.

use retake_model::{DiffKind, Difference, Path, Place, TestCase, Value};

use crate::leaves::leaves;
use crate::matching::{CallsOutcome, Effect, ExtraCall};

/// Where a value of the response is one of the answer to such a read, and the recorded one is none,
/// it follows from the read.
pub(super) fn gather(
    test: &TestCase,
    calls: &CallsOutcome,
    response: &mut [Difference],
    of_calls: &[Difference],
) {
    for extra in calls.extra.iter().filter(|extra| is_stale(extra, calls)) {
        let Some(answer) = extra.index.and_then(|index| test.calls.get(index)) else {
            continue;
        };
        let is_it = |d: &&Difference| match &d.place {
            Place::Call { to, index, .. } => {
                d.kind == DiffKind::CallExtra && **to == *extra.call.to && *index == extra.index
            }
            _ => false,
        };
        let Some(cause) = of_calls.iter().find(is_it).map(|read| read.cause) else {
            continue;
        };
        let shown = shown(&answer.response);
        let has = |value: &Option<Value>| {
            value
                .as_ref()
                .and_then(text)
                .is_some_and(|t| shown.contains(&t))
        };
        for difference in response.iter_mut().filter(|d| d.kind == DiffKind::Changed) {
            if has(&difference.candidate) && !has(&difference.baseline) {
                difference.cause = cause;
                super::follow(
                    difference,
                    "the repeated read, which was answered as before the write",
                );
            }
        }
    }
}

/// Whether a call is a read, and something was written to its dependency in this test before it.
fn is_stale(extra: &ExtraCall, calls: &CallsOutcome) -> bool {
    let call = &extra.call;
    let mut before = calls.matched.iter().map(|matched| &matched.call);
    call.effect == Effect::Read
        && before.any(|own| own.to == call.to && own.effect == Effect::Write && own.at <= call.at)
}

fn shown(answer: &Value) -> Vec<String> {
    let mut all = Vec::new();
    leaves(answer, &mut Path::root(), &mut |_, leaf| {
        all.extend(text(leaf))
    });
    all
}

fn text(leaf: &Value) -> Option<String> {
    match leaf {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
