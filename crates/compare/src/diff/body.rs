//! Bodies: by their kind.

use std::borrow::Cow;

use retake_model::{DiffKind, Value, json};

use super::differ::Differ;
use super::fields::grouped;
use super::xml;

/// The keys of a body, of which it has one (`docs/format.md`).
const KINDS: &[&str] = &["json", "form", "xml", "text", "bytes"];

impl Differ<'_> {
    /// Compares two bodies, where there are any. How a body was encoded or laid out does not
    /// count: headers tell the one, and JSON means the same however it is indented.
    pub(super) fn body(&mut self, expected: Option<&Value>, observed: Option<&Value>) {
        self.either(expected, observed, Differ::bodies);
    }

    fn bodies(&mut self, expected: &Value, observed: &Value) {
        let (Some((kind, a)), Some((kind_b, b))) = (read(expected), read(observed)) else {
            return self.node(expected, observed);
        };
        if kind != kind_b {
            let detail = format!("the body was {}, and is {} now", name(kind), name(kind_b));
            let (a, b) = (Some(a.as_ref()), Some(b.as_ref()));
            return self.emit(DiffKind::TypeChanged, a, b, Some(detail));
        }
        self.in_key(kind, |this| match kind {
            "form" => match (pairs(&a), pairs(&b)) {
                (Some(a), Some(b)) => this.groups(&grouped(a), &grouped(b)),
                _ => this.node(&a, &b),
            },
            "xml" => this.xml(&a, &b),
            _ => this.node(&a, &b),
        });
    }

    fn xml(&mut self, expected: &Value, observed: &Value) {
        let texts = expected.as_str().zip(observed.as_str());
        match texts.and_then(|(a, b)| xml::read_both(a, b)) {
            Some(both) => {
                let before = self.found.len();
                self.node(&both.expected, &both.observed);
                if self.found.len() == before && !both.same_order {
                    let detail = Some("the same elements in another order".to_owned());
                    self.emit(DiffKind::Reordered, Some(expected), Some(observed), detail);
                }
            }
            None => self.node(expected, observed),
        }
    }
}

/// The kind of a body and what it holds. JSON that was kept as its exact text is read.
pub(super) fn read(body: &Value) -> Option<(&'static str, Cow<'_, Value>)> {
    let (kind, value) = KINDS
        .iter()
        .find_map(|kind| Some((*kind, body.get(kind)?)))?;
    if kind == "text" && body.get("as").and_then(Value::as_str) == Some("json") {
        let parsed = value.as_str().map(|text| json::parse(text.as_bytes()));
        if let Some(Ok((tree, _))) = parsed {
            return Some(("json", Cow::Owned(tree)));
        }
    }
    Some((kind, Cow::Borrowed(value)))
}

fn name(kind: &str) -> &str {
    match kind {
        "json" => "JSON",
        "form" => "a form",
        "xml" => "XML",
        "bytes" => "binary",
        other => other,
    }
}

/// The pairs of a form.
pub(super) fn pairs(form: &Value) -> Option<Vec<(&str, &Value)>> {
    form.as_list()?
        .iter()
        .map(|pair| match pair.as_list()? {
            [Value::String(name), value] => Some((name.as_str(), value)),
            _ => None,
        })
        .collect()
}
