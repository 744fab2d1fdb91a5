//! Calls that an earlier request went on to make, kept with the one that was open then: they have no
//! order among its own.

use std::collections::HashSet;

use retake_model::{Mock, Path, TestCase, Value};

use super::LATE;
use crate::diff::general_text;
use crate::leaves::leaves;
use crate::sql::Statement;

/// How many of the tests before are looked at.
const BEFORE: usize = 8;

/// The shortest word that tells whose a call is, in bytes.
const SHORTEST: usize = 6;

/// The numbers of the calls of a test that began a short while after an earlier response, say what
/// that earlier test knows and nothing else of this one does, and are made by no other test of this
/// one's route.
pub(super) fn foreign(tests: &[TestCase], number: usize) -> HashSet<usize> {
    let Some(test) = tests.get(number) else {
        return HashSet::new();
    };
    let before = tests.get(number.saturating_sub(BEFORE)..number);
    let before = before.unwrap_or_default();
    let calls = test.calls.iter().enumerate();
    let late = calls.filter(|(index, call)| {
        let own = || words_but(test, *index);
        let said = words([&call.request].into_iter().map(values_of_call));
        !said.is_empty()
            && before.iter().any(|earlier| {
                let ended = earlier.at.0.saturating_add(earlier.took);
                let began = test.at.0.saturating_add(call.after);
                let is_late = began >= ended && began - ended <= LATE;
                is_late && {
                    let known = words_but(earlier, usize::MAX);
                    let own = own();
                    said.iter().any(|w| known.contains(w) && !own.contains(w))
                }
            })
            && is_of_no_other(tests, number, call)
    });
    late.map(|(index, _)| index).collect()
}

/// Whether other tests of the same route are there, and none of them makes such a call.
fn is_of_no_other(tests: &[TestCase], number: usize, call: &Mock) -> bool {
    let Some(own) = tests.get(number).map(kind) else {
        return false;
    };
    let others = tests.iter().enumerate();
    let others = others.filter(|(other, test)| *other != number && kind(test) == own);
    let mut others = others.map(|(_, test)| test).peekable();
    let asked = shape(call);
    let asks = |test: &TestCase| test.calls.iter().any(|other| shape(other) == asked);
    others.peek().is_some() && !others.any(asks)
}

/// What is the same of requests of one route that were answered alike.
pub(crate) fn kind(test: &TestCase) -> (Option<&str>, Option<i64>, String) {
    let text = |name: &str| test.request.get(name).and_then(Value::as_str);
    let path = text("path").map(|path| path.split('?').next().unwrap_or_default());
    let status = test.response.get("status").and_then(Value::as_i64);
    (
        text("method"),
        status,
        general_text(path.unwrap_or_default()),
    )
}

/// A statement without its values; of what is no statement the method and the route.
pub(crate) fn shape(call: &Mock) -> (&str, String) {
    let text = |name: &str| call.request.get(name).and_then(Value::as_str);
    let shape = match text("sql") {
        Some(sql) => format!("{:?}", Statement::read(sql).shape),
        None => format!("{:?} {:?}", text("method"), text("path").map(general_text)),
    };
    (&call.to, shape)
}

/// The values of a request: of a statement its literals and parameters.
pub(crate) fn values_of_call(request: &Value) -> Value {
    match request.get("sql").and_then(Value::as_str) {
        Some(sql) => {
            let literals = Statement::read(sql).literals.into_iter();
            let literals = literals.map(|literal| Value::from(literal.text)).collect();
            let params = request.get("params").cloned().unwrap_or(Value::Null);
            Value::List(vec![Value::List(literals), params])
        }
        None => request.clone(),
    }
}

/// The words of a test, but for those of one of its calls.
fn words_but(test: &TestCase, without: usize) -> HashSet<String> {
    let calls = test.calls.iter().enumerate();
    let calls = calls.filter(|(index, _)| *index != without);
    let calls = calls.flat_map(|(_, call)| [values_of_call(&call.request), call.response.clone()]);
    words(calls.chain([test.request.clone(), test.response.clone()]))
}

fn words(trees: impl Iterator<Item = Value>) -> HashSet<String> {
    let mut words = HashSet::new();
    for tree in trees {
        leaves(&tree, &mut Path::root(), &mut |_, leaf| {
            let text = match leaf {
                Value::String(text) => text,
                Value::Number(number) => number.as_str(),
                _ => return,
            };
            let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-');
            let parts = text.split(|c| !is_letter(c));
            words.extend(parts.filter(|w| w.len() >= SHORTEST).map(str::to_owned));
        });
    }
    words
}

#[cfg(test)]
mod tests {
    use retake_model::{Attribution, ProtocolId, Scope, Timestamp};

    use super::*;

    const MS: u64 = 1_000_000;

    fn call(after: u64, sql: &str, params: &[&str]) -> Mock {
        let params = params.iter().map(|param| Value::from(*param)).collect();
        Mock {
            to: "db".into(),
            protocol: ProtocolId("postgres"),
            scope: Scope::Test,
            by: Attribution::Alone,
            after: after * MS,
            took: MS,
            request: Value::map([("sql", sql.into()), ("params", Value::List(params))]),
            response: Value::Null,
            merged: 0,
        }
    }

    fn test(at: u64, path: &str, shows: &str, calls: Vec<Mock>) -> TestCase {
        TestCase {
            name: "t".into(),
            protocol: ProtocolId("http"),
            at: Timestamp(at * MS),
            took: 20 * MS,
            trace: None,
            merged: 0,
            port: None,
            request: Value::map([("method", "GET".into()), ("path", path.into())]),
            response: Value::map([("status", 200.into()), ("body", shows.into())]),
            calls,
            made: Vec::new(),
            rules: Vec::new(),
        }
    }

    #[test]
    fn what_only_an_earlier_request_knows_and_no_other_of_the_route_asks_is_foreign() {
        const MAIL: &str = "insert into outbox values ($1)";
        const READ: &str = "select * from items where id = $1";
        let check = |next: (u64, &str), mail: &str, other: Vec<Mock>, expected: &[usize]| {
            let (at, shows) = next;
            let own = vec![call(2, READ, &["7"]), call(5, MAIL, &[mail])];
            let tests = [
                test(0, "/invites", "friend@example.com", Vec::new()),
                test(at, "/items/7", shows, own),
                test(9_000, "/items/8", "", other),
            ];
            let mut found: Vec<usize> = foreign(&tests, 1).into_iter().collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{next:?} {mail}");
        };
        let read = || vec![call(2, READ, &["8"])];
        let to = r#"{"to":"friend@example.com"}"#;
        check((30, ""), to, read(), &[1]);
        // The request itself knows of it.
        check((30, "friend@example.com"), to, read(), &[]);
        // Nobody does.
        check((30, ""), "stranger@example.com", read(), &[]);
        // Too long after.
        check((700, ""), to, read(), &[]);
        // What such requests ask.
        let asks = vec![call(2, MAIL, &["other@example.com"])];
        check((30, ""), to, asks, &[]);
    }
}
