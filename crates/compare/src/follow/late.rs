//! What a request goes on to do after its response: it may have been recorded with the next test.

use std::collections::HashSet;

use retake_model::{DiffKind, Difference, Mock, Path, Place, Value};

use super::seen::Seen;
use super::state::words;
use crate::diff::general_text;
use crate::judge::status_of;
use crate::leaves::leaves;
use crate::matching::{Effect, Step};
use crate::sql::Statement;

/// How many tests may lie between a request and what it does late.
const NEAR: usize = 3;

/// How many where nothing told whose that was of several that were open at once.
const NEAR_SHARED: usize = 32;

/// How many tests before this one may have done late what it lacks.
pub(super) fn near(test: &Seen<'_>) -> usize {
    let is_shared = |d: &Difference| match d.place {
        Place::Call {
            index: Some(index), ..
        } if d.kind == DiffKind::CallMissing && !d.follows => {
            let call = test.test.calls.get(index);
            call.is_some_and(|call| call.by.is_shared())
        }
        _ => false,
    };
    match test.result.differences.iter().any(is_shared) {
        true => NEAR_SHARED,
        false => NEAR,
    }
}

/// What requests of each kind do after their response, as far as it was kept with them: the kind
/// and the statement.
#[derive(Debug, Default)]
pub(super) struct Habits(HashSet<(String, String)>);

impl Habits {
    pub(super) fn of(tests: &[Option<Seen<'_>>]) -> Self {
        let mut habits = HashSet::new();
        for seen in tests.iter().flatten() {
            let late = |call: &&Mock| call.after > seen.test.took;
            for call in seen.test.calls.iter().filter(late) {
                if let Some(shape) = shape(call) {
                    habits.insert((kind(seen), shape));
                }
            }
        }
        Habits(habits)
    }

    /// Whether a call is what requests like this one do after their response, with values that
    /// this one knows.
    fn has(&self, seen: &Seen<'_>, call: &Mock) -> bool {
        let Some(shape) = shape(call) else {
            return false;
        };
        if !self.0.contains(&(kind(seen), shape)) {
            return false;
        }
        let (known, said) = (known(seen), values(call));
        !said.is_empty() && said.iter().all(|value| known.contains(value))
    }
}

/// Whether all that a test lacks by itself are calls that a failed request before it went on to make: one
/// says what only that one said, or is what such requests do.
pub(super) fn lacks_what_came_late<'h>(
    test: &Seen<'_>,
    failed: &Seen<'_>,
    habits: &dyn Fn() -> &'h Habits,
) -> bool {
    if !failed.is_refused {
        return false;
    }
    let missing = |d: &Difference| match d.place {
        Place::Call {
            index: Some(index), ..
        } if d.kind == DiffKind::CallMissing => test.test.calls.get(index),
        _ => None,
    };
    // What follows from a call without an answer says nothing of what came late, nor does what the
    // response shows with the recorded status.
    let shows = |d: &Difference| {
        matches!(d.place, Place::Response(_)) && status_of(std::slice::from_ref(d)).is_none()
    };
    let own = |d: &&Difference| !d.follows && d.kind != DiffKind::CallUnknown && !shows(d);
    let differences: Vec<&Difference> = test.result.differences.iter().filter(own).collect();
    if differences.is_empty() || differences.iter().any(|d| missing(d).is_none()) {
        return false;
    }
    let own = words(&test.test.request);
    let mut said = words(&failed.test.request);
    said.retain(|word| !own.contains(word));
    let mut lacking = differences.into_iter().filter_map(missing);
    lacking.clone().any(|call| {
        let in_call = words(&call.request);
        said.iter().any(|word| in_call.contains(word))
    }) || lacking.clone().any(|call| !is_frame(call))
        && lacking.all(|call| is_frame(call) || habits().has(failed, call))
}

/// How long before or after another request one may have been made with which it shares the
/// beginnings and ends of transactions: several were open at once all the while.
const TOGETHER: u64 = 5_000_000_000;

/// Whether all that a test lacks by itself are beginnings and ends of transactions of which nothing
/// told whose they were, and a failed request of that time no longer asks what stood in one.
pub(super) fn lacks_a_shared_frame(test: &Seen<'_>, failed: &Seen<'_>) -> bool {
    let shared = |seen: &Seen<'_>, d: &Difference, frame: bool| match d.place {
        Place::Call {
            index: Some(index), ..
        } if d.kind == DiffKind::CallMissing => {
            let call = seen.test.calls.get(index);
            call.is_some_and(|call| call.by.is_shared() && is_frame(call) == frame)
        }
        _ => false,
    };
    let apart = test.test.at.0.abs_diff(failed.test.at.0);
    let own = test.result.differences.iter().filter(|d| !d.follows);
    let mut own = own.peekable();
    failed.is_refused
        && apart <= TOGETHER
        && own.peek().is_some()
        && own.all(|d| shared(test, d, true))
        && failed
            .result
            .differences
            .iter()
            .any(|d| shared(failed, d, false))
}

/// What is the same of requests of one kind: method, route and status.
fn kind(seen: &Seen<'_>) -> String {
    let status = seen.test.response.get("status").and_then(Value::as_i64);
    let path = general_text(seen.path());
    format!("{} {path} {}", seen.method(), status.unwrap_or_default())
}

fn sql(call: &Mock) -> Option<&str> {
    call.request.get("sql").and_then(Value::as_str)
}

fn is_frame(call: &Mock) -> bool {
    let begins_or_ends = |sql| Statement::read(sql).effect == Effect::Transaction;
    sql(call).is_some_and(begins_or_ends)
}

/// A statement without its values.
fn shape(call: &Mock) -> Option<String> {
    let sql = sql(call).filter(|sql| Step::of(sql) == Step::Within)?;
    Some(format!("{}\n{}", call.to, Statement::read(sql).shape))
}

/// The literals and parameters of a statement.
fn values(call: &Mock) -> Vec<String> {
    let read = sql(call).map(Statement::read);
    let literals = read.into_iter().flat_map(|read| read.literals);
    let mut values: Vec<String> = literals.map(|literal| literal.text).collect();
    if let Some(params) = call.request.get("params") {
        each_text(params, &mut |text| values.push(text.to_owned()));
    }
    values
}

/// What a request knows: what it said, what its calls gave, what it answered.
fn known(seen: &Seen<'_>) -> HashSet<String> {
    let mut known = HashSet::new();
    let calls = seen.test.calls.iter();
    let trees = calls.flat_map(|call| [&call.request, &call.response]);
    for tree in trees.chain([&seen.test.request, &seen.test.response]) {
        each_text(tree, &mut |text| {
            known.insert(text.to_owned());
        });
    }
    known.extend(seen.path().split('/').map(str::to_owned));
    known
}

fn each_text(tree: &Value, each: &mut dyn FnMut(&str)) {
    leaves(tree, &mut Path::root(), &mut |_, leaf| match leaf {
        Value::String(text) => each(text),
        Value::Number(number) => each(number.as_str()),
        _ => {}
    });
}
