//! Fields of a body that have another name: one change, and not one that is gone and one that came.

use std::collections::HashMap;

use retake_model::{DiffKind, Difference, Path, Place, Segment};

use crate::diff::hash;

/// How the detail of a removed field begins that has another name.
pub(crate) const RENAMED: &str = "renamed to ";

/// Gives a field that is gone, and the one with another name that came in its place, one cause.
/// Where the two names have the same words, how names are written is the cause, whatever field
/// shows it; else both must have the same value, and be the only ones there.
pub(super) fn gather(differences: &mut [Difference]) {
    let mut places: HashMap<Path, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for (at, difference) in differences.iter().enumerate() {
        let Some((parent, _)) = field(difference) else {
            continue;
        };
        match difference.kind {
            DiffKind::Removed => places.entry(parent).or_default().0.push(at),
            DiffKind::Added => places.entry(parent).or_default().1.push(at),
            _ => {}
        }
    }
    for (removed, added) in places.into_values() {
        for (old, new) in pairs(differences, removed, added) {
            rename(differences, old, new);
        }
    }
}

/// The place of a field of a body: what it is in, and its name.
fn field(difference: &Difference) -> Option<(Path, &str)> {
    let Place::Response(path) = &difference.place else {
        return None;
    };
    match path.0.as_slice() {
        [Segment::Key(body), within @ .., Segment::Key(name)] if body == "body" => {
            Some((Path(within.to_vec()), name))
        }
        _ => None,
    }
}

/// Which removed field is which added one, of those in one place.
fn pairs(
    differences: &[Difference],
    removed: Vec<usize>,
    mut added: Vec<usize>,
) -> Vec<(usize, usize)> {
    let name = |at: usize| differences.get(at).and_then(field).map(|(_, name)| name);
    let words = |at: usize| name(at).map(words);
    let mut pairs = Vec::new();
    let mut rest = Vec::new();
    for old in removed {
        let same = |new: &usize| words(*new) == words(old);
        match added.iter().position(same) {
            Some(at) => pairs.push((old, added.remove(at))),
            None => rest.push(old),
        }
    }
    if let ([old], [new]) = (rest.as_slice(), added.as_slice())
        && let (Some(a), Some(b)) = (differences.get(*old), differences.get(*new))
        && a.baseline == b.candidate
    {
        pairs.push((*old, *new));
    }
    pairs
}

fn rename(differences: &mut [Difference], old: usize, new: usize) {
    let name = |at: usize| differences.get(at).and_then(field).map(|(_, name)| name);
    let (Some(from), Some(to)) = (name(old), name(new)) else {
        return;
    };
    let cause = match words(from) == words(to) && style(from) != style(to) {
        true => hash(&format!("renamed\n{:?}\n{:?}", style(from), style(to))),
        false => hash(&format!("renamed\n{from}\n{to}")),
    };
    let (renamed, follows) = (format!("{RENAMED}{to}"), format!("follows from {from}"));
    if let Some(old) = differences.get_mut(old) {
        old.cause = cause;
        old.detail = Some(renamed);
    }
    if let Some(new) = differences.get_mut(new) {
        new.cause = cause;
        new.follows = true;
        new.detail = Some(follows);
    }
}

/// A name without what tells how names are written.
fn words(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// How a name is written.
#[derive(Debug, PartialEq, Eq)]
enum Style {
    Snake,
    Kebab,
    Pascal,
    Camel,
    OneWord,
}

fn style(name: &str) -> Style {
    let upper = |text: &str| text.contains(char::is_uppercase);
    match name {
        _ if name.contains('_') => Style::Snake,
        _ if name.contains('-') => Style::Kebab,
        _ if name.starts_with(char::is_uppercase) => Style::Pascal,
        _ if upper(name) => Style::Camel,
        _ => Style::OneWord,
    }
}

#[cfg(test)]
mod tests {
    use retake_model::{Blame, Value};

    use super::*;

    fn difference(path: &str, kind: DiffKind, value: i64) -> Difference {
        let value = Some(Value::from(value));
        let (baseline, candidate) = match kind {
            DiffKind::Removed => (value, None),
            _ => (None, value),
        };
        Difference {
            place: Place::Response(Path::parse(path).expect(path)),
            kind,
            baseline,
            candidate,
            detail: None,
            blame: Blame::App,
            follows: false,
            cause: hash(path),
        }
    }

    /// How many causes there are, after `removed` and `added` fields with their values.
    fn causes(removed: &[(&str, i64)], added: &[(&str, i64)]) -> usize {
        let of = |fields: &[(&str, i64)], kind| -> Vec<Difference> {
            let one = |(path, value): &(&str, i64)| difference(path, kind, *value);
            fields.iter().map(one).collect()
        };
        let mut all = of(removed, DiffKind::Removed);
        all.extend(of(added, DiffKind::Added));
        gather(&mut all);
        let causes: std::collections::HashSet<u64> = all.iter().map(|d| d.cause).collect();
        causes.len()
    }

    #[test]
    fn a_field_with_another_name_is_one_change() {
        assert_eq!(
            causes(&[("body.json.next", 1)], &[("body.json.after", 1)]),
            1
        );
        // Another value, another place, or more than one that it could be.
        assert_eq!(
            causes(&[("body.json.next", 1)], &[("body.json.after", 2)]),
            2
        );
        assert_eq!(causes(&[("body.json.a.x", 1)], &[("body.json.b.y", 1)]), 2);
        assert_eq!(
            causes(
                &[("body.json.x", 1)],
                &[("body.json.y", 1), ("body.json.z", 1)]
            ),
            3
        );
        assert_eq!(causes(&[("headers.x", 1)], &[("headers.y", 1)]), 2);
    }

    #[test]
    fn another_way_to_write_names_is_one_change_whatever_the_fields() {
        let removed = [
            ("body.json.userName", 1),
            ("body.json.items[0].createdAt", 2),
            ("body.json.items[1].createdAt", 3),
        ];
        let added = [
            ("body.json.user_name", 1),
            ("body.json.items[0].created_at", 9),
            ("body.json.items[1].created_at", 3),
        ];
        assert_eq!(causes(&removed, &added), 1);
        assert_eq!(causes(&removed, &added[..2]), 2);
    }
}
