//! A document that stands in a field of another one now, or no longer: one change, and not one for
//! each of its fields.

use retake_model::{DiffKind, Difference, Path, Place, Segment, Value};

use crate::diff::hash;
use crate::made::{Near, whole_token};

/// How the detail of such a change begins: it is followed by the name of the field.
pub(crate) const WRAPPED: &str = "stands in ";
pub(crate) const UNWRAPPED: &str = "stood in ";

/// Where all that is gone from an object is in one field that came beside it, the field is the
/// cause, and the rest follows; likewise the other way round.
pub(super) fn gather(differences: &mut [Difference]) {
    for at in 0..differences.len() {
        let Some((within, name)) = differences.get(at).and_then(|d| wrapper(d, differences)) else {
            continue;
        };
        let is_in = differences
            .get(at)
            .is_some_and(|d| d.kind != DiffKind::Removed);
        let how = if is_in { WRAPPED } else { UNWRAPPED };
        let cause = hash(&format!("{how}\n{name}"));
        let kind = if is_in {
            DiffKind::Removed
        } else {
            DiffKind::Added
        };
        for (other, difference) in differences.iter_mut().enumerate() {
            if other == at {
                difference.cause = cause;
                difference.detail = Some(format!("{how}{name}"));
            } else if difference.kind == kind && parent(difference) == Some(within.as_slice()) {
                difference.cause = cause;
                super::follow(difference, &name);
            }
        }
    }
}

/// The object that stands in a field now, or did, and the name of the field.
fn wrapper(difference: &Difference, all: &[Difference]) -> Option<(Vec<Segment>, String)> {
    if let (DiffKind::TypeChanged, Some(Value::List(a)), Some(Value::Map(b)), Place::Response(at)) = (
        difference.kind,
        &difference.baseline,
        &difference.candidate,
        &difference.place,
    ) {
        let held = b.iter().find(|(_, value)| same_lists(a, value));
        return held.map(|(name, _)| (at.0.clone(), name.clone()));
    }
    let (value, kind) = match difference.kind {
        DiffKind::Added => (difference.candidate.as_ref()?, DiffKind::Removed),
        DiffKind::Removed => (difference.baseline.as_ref()?, DiffKind::Added),
        _ => return None,
    };
    let (Value::Map(_), Place::Response(Path(segments))) = (value, &difference.place) else {
        return None;
    };
    let within = parent(difference)?;
    let Some(Segment::Key(name)) = segments.last() else {
        return None;
    };
    let mut moved = 0;
    for other in all {
        if other.kind != kind || parent(other) != Some(within) {
            continue;
        }
        let gone = other.baseline.as_ref().or(other.candidate.as_ref())?;
        let Place::Response(Path(at)) = &other.place else {
            return None;
        };
        let Some(Segment::Key(field)) = at.last() else {
            return None;
        };
        if !value.get(field).is_some_and(|held| is_same(gone, held)) {
            return None;
        }
        moved += 1;
    }
    (moved > 0).then(|| (within.to_vec(), name.clone()))
}

/// The place of what a field of a body is in.
fn parent(difference: &Difference) -> Option<&[Segment]> {
    match &difference.place {
        Place::Response(Path(segments)) => match segments.as_slice() {
            [within @ .., Segment::Key(_)]
                if within.len() > 1 && within.first() == Some(&Segment::Key("body".into())) =>
            {
                Some(within)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether two values are the same, but for what the service makes anew.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Map(x), Value::Map(y)) => {
            let same = |(name, value): &(String, Value)| {
                b.get(name).is_some_and(|other| is_same(value, other))
            };
            x.len() == y.len() && x.iter().all(same)
        }
        (Value::List(x), y) => same_lists(x, y),
        (Value::String(x), Value::String(y)) => {
            let kind = |text: &str| whole_token(text, Near::default());
            x == y || kind(x).is_some() && kind(x) == kind(y)
        }
        (a, b) => a == b,
    }
}

fn same_lists(a: &[Value], b: &Value) -> bool {
    let b = match b {
        Value::List(items) => items,
        _ => return false,
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
}

#[cfg(test)]
mod tests {
    use retake_model::json;

    use super::*;
    use crate::diff::compare_response;
    use crate::made::ValueMap;
    use crate::rules::RuleSet;

    /// How many causes two bodies have, and how many differences.
    fn causes(recorded: &str, came: &str) -> (usize, usize) {
        let of = |text: &str| {
            let (json, _) = json::parse(text.as_bytes()).expect(text);
            Value::map([("body", Value::map([("json", json)]))])
        };
        let rules = RuleSet::new([]).expect("rules");
        let (a, b) = (of(recorded), of(came));
        let compared = compare_response(&a, &b, &[], &rules, &mut ValueMap::new());
        let mut found = compared.differences;
        gather(&mut found);
        let mut causes: Vec<u64> = found.iter().map(|d| d.cause).collect();
        causes.sort_unstable();
        causes.dedup();
        (causes.len(), found.len())
    }

    #[test]
    fn a_document_in_another_one_is_one_change() {
        let check = |a: &str, b: &str, expected: (usize, usize)| {
            assert_eq!(causes(a, b), expected, "{a} {b}");
        };
        check(
            r#"{"a": 1, "b": [2]}"#,
            r#"{"data": {"b": [2], "a": 1}}"#,
            (1, 3),
        );
        check(
            r#"{"data": {"a": 1, "b": 2}}"#,
            r#"{"a": 1, "b": 2}"#,
            (1, 3),
        );
        check("[1, 2]", r#"{"data": [1, 2], "next": 3}"#, (1, 1));
        // Something in it changed, or came beside it.
        check(
            r#"{"a": 1, "b": 2}"#,
            r#"{"data": {"a": 1, "b": 3}}"#,
            (3, 3),
        );
        check(r#"{"a": 1}"#, r#"{"data": {"a": 1}, "next": 3}"#, (2, 3));
        check(r#"{"a": 1}"#, r#"{"a": 1, "data": {"b": 1}}"#, (1, 1));
    }
}
