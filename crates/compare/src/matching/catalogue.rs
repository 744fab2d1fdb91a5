//! Reads of a catalogue that ask for several things at once.
//!
//! A driver asks a server once for each connection what the types are that it meets there
//! (asyncpg: `… = any($1)` with a list of numbers). On another connection it meets others first, and
//! asks for two at once that it asked for one after the other. Each of them was answered, and what
//! is told of several is what is told of each.

use std::collections::BTreeSet;
use std::sync::Arc;

use retake_model::{Call, Mock, Scope, TestSet, Value};

/// How many recorded reads are looked at for one question.
const LOOK: usize = 100_000;

/// The answer to a read of a catalogue, put together of recorded ones of the same words that asked
/// for a part of its list each; none where a part was never asked for.
pub(super) fn of_its_parts(call: &Call, sets: &[Arc<TestSet>]) -> Option<Value> {
    let (sql, list) = asks(&call.request)?;
    let mut wanted = numbers(list)?;
    let all = wanted.clone();
    let calls = sets.iter().flat_map(|set| {
        let of_tests = set.tests.iter().flat_map(|test| &test.calls);
        set.shared.iter().chain(of_tests)
    });
    let is_like = |mock: &&Mock| mock.scope == Scope::Session && mock.to == call.to;
    let mut whole: Option<Value> = None;
    for mock in calls.take(LOOK).filter(is_like) {
        let Some((words, list)) = asks(&mock.request) else {
            continue;
        };
        let part = numbers(list).filter(|part| words == sql && part.is_subset(&all));
        let Some(part) = part.filter(|part| !part.is_disjoint(&wanted)) else {
            continue;
        };
        let rows = mock.response.get("rows").and_then(Value::as_list)?;
        match &mut whole {
            None => whole = Some(mock.response.clone()),
            Some(whole) => add_rows(whole, rows),
        }
        wanted.retain(|number| !part.contains(number));
        if wanted.is_empty() {
            return whole;
        }
    }
    None
}

/// The words of a statement that asks for each of a list, and that list.
fn asks(request: &Value) -> Option<(&str, &str)> {
    let sql = request.get("sql")?.as_str()?;
    let [Value::String(list)] = request.get("params")?.as_list()? else {
        return None;
    };
    // What it says of several is what it says of each: nothing is counted or cut off.
    let words = sql.to_ascii_lowercase();
    let one_by_one =
        words.contains("any(") && !["count(", "limit "].iter().any(|w| words.contains(w));
    one_by_one.then_some((sql, list))
}

/// The members of an array of numbers.
fn numbers(list: &str) -> Option<BTreeSet<&str>> {
    let inside = list.strip_prefix('{')?.strip_suffix('}')?;
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    inside
        .split(',')
        .map(|text| Some(text).filter(is_number))
        .collect()
}

/// Adds the rows that are not there yet, behind the others.
fn add_rows(whole: &mut Value, more: &[Value]) {
    let Some(Value::List(rows)) = whole.get_mut("rows") else {
        return;
    };
    for row in more {
        if !rows.contains(row) {
            rows.push(row.clone());
        }
    }
    let tag = format!("SELECT {}", rows.len());
    if let Some(told) = whole.get_mut("tag") {
        *told = Value::text(tag);
    }
}
