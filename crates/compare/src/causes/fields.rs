//! Fields of one object that come and go together.

use std::collections::{BTreeMap, HashMap, HashSet};

use retake_model::{DiffKind, Path, Place, Segment, TestId};

use super::group::Group;
use super::title::{renamed, wrapped};
use crate::diff::general_place;

/// The most such fields that are held against each other: with the square of their number.
const MOST: usize = 400;

/// What happened to a field of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Moved {
    /// The object, with what varies left out; none for the content type.
    within: Option<String>,
    change: &'static str,
    name: String,
}

/// The pairs of groups that are fields of one object which came, went or have another type in the
/// same tests. A content type that changed in these tests is that of this object.
pub(super) fn together(groups: &[Group<'_>]) -> Vec<(usize, usize)> {
    let mut fields: BTreeMap<Moved, (usize, HashSet<&TestId>)> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let Some(moved) = moved(group).filter(|_| !group.example.follows) else {
            continue;
        };
        // Whatever its values are.
        let known = fields.entry(moved).or_insert((at, HashSet::new()));
        known.1.extend(&group.tests);
        if known.0 != at {
            pairs.push((known.0, at));
        }
    }
    let fields: Vec<_> = fields.into_iter().take(MOST).collect();
    for (number, (moved, (at, tests))) in fields.iter().enumerate() {
        let others = fields.iter().skip(number + 1);
        let same = |own: &Moved| own.within == moved.within || moved.within.is_none();
        let others = others.filter(|(own, (_, own_tests))| same(own) && own_tests == tests);
        pairs.extend(others.map(|(_, (other, _))| (*at, *other)));
    }
    pairs
}

/// What a group says of a field of a body, or of the content type.
fn moved(group: &Group<'_>) -> Option<Moved> {
    let example = group.example;
    let Place::Response(Path(segments)) = &example.place else {
        return None;
    };
    if wrapped(example).is_some() {
        return None;
    }
    let change = match example.kind {
        DiffKind::Removed if renamed(example).is_some() => "renamed",
        DiffKind::Added => "added",
        DiffKind::Removed => "removed",
        DiffKind::TypeChanged => "of another type",
        DiffKind::Changed => "changed",
        _ => return None,
    };
    match segments.as_slice() {
        [Segment::Key(headers), Segment::Key(name)]
            if headers == "headers" && name == "content-type" && change == "changed" =>
        {
            Some(Moved {
                within: None,
                change,
                name: "content-type".to_owned(),
            })
        }
        [Segment::Key(body), within @ .., Segment::Key(name)]
            if body == "body" && !within.is_empty() && change != "changed" =>
        {
            let within = Path(segments.iter().take(within.len() + 1).cloned().collect());
            Some(Moved {
                within: Some(general_place(&Place::Response(within))),
                change,
                name: name.clone(),
            })
        }
        _ => None,
    }
}

/// `response.body.json: status, type added; error removed`; none where the members are not all
/// such fields.
pub(super) fn title(members: &[&Group<'_>]) -> Option<String> {
    let all: Vec<Moved> = members
        .iter()
        .map(|group| moved(group))
        .collect::<Option<_>>()?;
    let mut objects: Vec<&String> = all.iter().filter_map(|own| own.within.as_ref()).collect();
    objects.sort_unstable();
    objects.dedup();
    let of = match objects.as_slice() {
        [only] => (*only).clone(),
        several => format!("response, at {} places", several.len()),
    };
    let mut by_change: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut order = Vec::new();
    for moved in &all {
        if !order.contains(&moved.change) {
            order.push(moved.change);
        }
        let names = by_change.entry(moved.change).or_default();
        if !names.contains(&moved.name.as_str()) {
            names.push(&moved.name);
        }
    }
    let listed = order.into_iter().filter_map(|change| {
        let names = by_change.get(change)?;
        Some(super::headers::named(names, change))
    });
    Some(format!(
        "{of}: {}",
        listed.collect::<Vec<String>>().join("; ")
    ))
}
