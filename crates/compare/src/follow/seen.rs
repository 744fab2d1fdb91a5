//! A test and its result, as the evidence is looked for in them.

use retake_model::{
    DiffKind, Difference, Path, Place, Segment, TestCase, TestResult, Value, Verdict,
};

use crate::judge::{got_worse, status_of};
use crate::leaves::leaves;

/// A test of a set, in recorded order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'r> {
    pub(super) test: &'r TestCase,
    pub(super) result: &'r TestResult,
    /// Whether it is red.
    pub(super) is_red: bool,
    /// Whether it came to nothing: it got no response, or was refused what it was granted.
    pub(super) is_refused: bool,
}

impl<'r> Seen<'r> {
    pub(super) fn new(test: &'r TestCase, result: &'r TestResult) -> Self {
        let is_red = matches!(
            result.verdict,
            Verdict::Changed | Verdict::Gap | Verdict::Broken
        );
        Seen {
            test,
            result,
            is_red,
            is_refused: is_red && is_refused(test, result),
        }
    }

    pub(super) fn method(&self) -> &'r str {
        field(self.test, "method")
    }

    /// The path without its query.
    pub(super) fn path(&self) -> &'r str {
        let path = field(self.test, "path");
        path.split('?').next().unwrap_or_default()
    }

    /// Whether it was to change something.
    pub(super) fn writes(&self) -> bool {
        matches!(self.method(), "POST" | "PUT" | "PATCH" | "DELETE")
    }

    /// The difference because of which the value at a place of the recorded response was not
    /// given out; none where it was.
    pub(super) fn lost(&self, place: &Path, text: &str) -> Option<&'r Difference> {
        self.result.differences.iter().find(|d| match &d.place {
            Place::Service => d.kind == DiffKind::NoResponse,
            Place::Response(path) => {
                let is_lost = matches!(
                    d.kind,
                    DiffKind::Removed
                        | DiffKind::Changed
                        | DiffKind::TypeChanged
                        | DiffKind::Uncomparable
                );
                let has = d.candidate.as_ref().is_some_and(|came| has(came, text));
                is_lost && place.0.starts_with(&path.0) && !has
            }
            Place::Call { .. } => false,
        })
    }

    /// The difference that stands for the whole: the refusal, the first that follows from nothing.
    pub(super) fn first(&self) -> Option<&'r Difference> {
        let differences = &self.result.differences;
        status_of(differences)
            .filter(|_| self.is_refused)
            .and_then(|(at, ..)| differences.get(at))
            .or_else(|| differences.iter().find(|d| !d.follows))
    }
}

fn field<'t>(test: &'t TestCase, name: &str) -> &'t str {
    let value = test.request.get(name).and_then(Value::as_str);
    value.unwrap_or_default()
}

/// Whether the service refused, or could not do, what it did when it was recorded.
fn is_refused(test: &TestCase, result: &TestResult) -> bool {
    let differences = &result.differences;
    let worse = status_of(differences).is_some_and(|(_, from, to)| got_worse(from, to));
    let at = |d: &Difference, wanted: &[&str]| match &d.place {
        Place::Response(path) => {
            let names = path.0.iter().map(|segment| match segment {
                Segment::Key(name) => name.as_str(),
                Segment::Index(_) => "",
            });
            names.eq(wanted.iter().copied())
        }
        _ => false,
    };
    // An error of GraphQL has the status of success; who is not logged in is led elsewhere.
    let errors = |d: &Difference| d.kind == DiffKind::Added && at(d, &["body", "json", "errors"]);
    let led = |d: &Difference| d.kind == DiffKind::Changed && at(d, &["headers", "location"]);
    let no_response = |d: &Difference| d.kind == DiffKind::NoResponse;
    let idle = !test.calls.is_empty() && result.calls_matched == 0;
    worse
        || differences
            .iter()
            .any(|d| no_response(d) || errors(d) || led(d) && idle)
}

/// Whether a text stands in a tree.
fn has(tree: &Value, text: &str) -> bool {
    let mut found = false;
    leaves(tree, &mut Path::root(), &mut |_, leaf| {
        found |= match leaf {
            Value::String(own) => own.contains(text),
            Value::Number(own) => own.as_str() == text,
            _ => false,
        };
    });
    found
}

/// The leaves of a recorded response, each with its place as differences name it: headers by
/// their name in lower case, those that repeat by their number.
pub(super) fn response_leaves(response: &Value, each: &mut dyn FnMut(&Path, &Value)) {
    for (name, value) in response.as_map().unwrap_or_default() {
        let below = Path::root().key(name);
        match (name.as_str(), value) {
            ("headers" | "trailers", Value::List(all)) => {
                let all = || all.iter().filter_map(Value::as_map).flatten();
                let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
                for (at, (name, value)) in all().enumerate() {
                    let place = below.key(name.to_ascii_lowercase());
                    let before = all().take(at).filter(|(own, _)| same(own, name)).count();
                    let repeats = all().filter(|(own, _)| same(own, name)).count() > 1;
                    match repeats {
                        true => each(&place.index(before), value),
                        false => each(&place, value),
                    }
                }
            }
            _ => leaves(value, &mut below.clone(), each),
        }
    }
}

/// The last name of a place: of its field, or of the header.
pub(super) fn name_of(place: &Path) -> &str {
    let name = place.0.iter().rev().find_map(|segment| match segment {
        Segment::Key(name) => Some(name.as_str()),
        Segment::Index(_) => None,
    });
    name.unwrap_or("its response")
}
