//! The places of a recording that rules are asked about.

use retake_model::{Mock, Path, TestCase, Value};

use super::body;
use super::fields::grouped;
use super::response::by_name;
use super::xml;
use crate::sql::with_literals;

/// Calls `each` for every place of a test that rules are asked about, lists and maps among them,
/// with what stands there.
pub fn places(test: &TestCase, each: &mut dyn FnMut(&Path, &Value)) {
    response(&test.response, &Path::root().key("response"), each);
    for call in &test.calls {
        places_of_call(call, each);
    }
}

/// The same for a call outside of tests.
pub fn places_of_call(call: &Mock, each: &mut dyn FnMut(&Path, &Value)) {
    let at = Path::root().key("calls").key(&*call.to);
    request(&call.request, &at, each);
    if let Some(all) = call.request.get("headers") {
        headers(all, &at.key("headers"), each);
    }
}

fn response(response: &Value, at: &Path, each: &mut dyn FnMut(&Path, &Value)) {
    let Value::Map(fields) = response else {
        return below(response, at, each);
    };
    for (name, value) in fields {
        let here = at.key(name);
        match name.as_str() {
            "headers" | "trailers" => headers(value, &here, each),
            "body" => content(value, &here, each),
            _ => below(value, &here, each),
        }
    }
    each(at, response);
}

/// Headers by their names in lower case.
fn headers(all: &Value, at: &Path, each: &mut dyn FnMut(&Path, &Value)) {
    if let Some(by_name) = by_name(all) {
        let pairs = by_name.iter().map(|(name, value)| (name.as_str(), *value));
        groups(pairs, at, each);
    }
}

/// Named values: those of a name that repeats are numbered.
fn groups<'v>(
    pairs: impl IntoIterator<Item = (&'v str, &'v Value)>,
    at: &Path,
    each: &mut dyn FnMut(&Path, &Value),
) {
    for (name, values) in grouped(pairs) {
        let here = at.key(name);
        match values.as_slice() {
            [only] => below(only, &here, each),
            several => {
                for (number, value) in several.iter().enumerate() {
                    below(value, &here.index(number), each);
                }
                let all = several.iter().map(|value| (*value).clone()).collect();
                each(&here, &Value::List(all));
            }
        }
    }
}

fn content(body: &Value, at: &Path, each: &mut dyn FnMut(&Path, &Value)) {
    each(at, body);
    let Some((kind, value)) = body::read(body) else {
        return;
    };
    let here = at.key(kind);
    match (kind, body::pairs(&value)) {
        ("form", Some(pairs)) => {
            groups(pairs, &here, each);
            each(&here, &value);
        }
        ("xml", _) => match value.as_str().and_then(|text| xml::read_both(text, text)) {
            Some(both) => below(&both.expected, &here, each),
            None => each(&here, &value),
        },
        _ => below(&value, &here, each),
    }
}

/// A request as it is hashed: the literals of a statement have places of their own.
fn request(request: &Value, at: &Path, each: &mut dyn FnMut(&Path, &Value)) {
    below(request, at, each);
    for name in ["sql", "describe", "prepared"] {
        if let Some(sql) = request.get(name).and_then(Value::as_str) {
            let all = at.key(name).key("literals");
            with_literals(sql, |number, text| {
                each(&all.index(number), &Value::from(text));
                None
            });
        }
    }
}

fn below(value: &Value, at: &Path, each: &mut dyn FnMut(&Path, &Value)) {
    match value {
        Value::List(items) => {
            for (number, item) in items.iter().enumerate() {
                below(item, &at.index(number), each);
            }
        }
        Value::Map(fields) => {
            for (name, field) in fields {
                below(field, &at.key(name), each);
            }
        }
        _ => {}
    }
    each(at, value);
}
