//! Fields of one object that come and go together.

use std::collections::{BTreeMap, HashMap, HashSet};

use retake_model::{DiffKind, Path, Place, Segment, TestId};

use super::group::Group;
use super::title::{renamed, wrapped};
use crate::diff::general_place;

const OTHER_TYPE: &str = "of another type";

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
    let mut fields: Fields<'_> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let Some(moved) = moved(group).filter(|_| !group.example.follows) else {
            continue;
        };
        let has_types = moved.change == OTHER_TYPE;
        let (known, tests) = fields.entry(moved).or_insert((at, HashSet::new()));
        tests.extend(&group.tests);
        // Whatever the values are that came or went.
        if *known != at && !has_types {
            pairs.push((*known, at));
        }
    }
    let tests = tests_of_names(&fields);
    let mut of_object: HashMap<(&String, &[&TestId]), usize> = HashMap::new();
    let mut of_any: HashMap<&[&TestId], usize> = HashMap::new();
    // The content type comes first: it is of every object of these tests.
    for (moved, (at, _)) in &fields {
        let tests = tests.get(&(moved.change, moved.name.as_str()));
        let tests = tests.map(Vec::as_slice).unwrap_or_default();
        let other = match &moved.within {
            None => *of_any.entry(tests).or_insert(*at),
            Some(object) => {
                let own = *of_object.entry((object, tests)).or_insert(*at);
                of_any.get(tests).copied().unwrap_or(own)
            }
        };
        if other != *at {
            pairs.push((other, *at));
        }
    }
    pairs
}

/// The fields that moved: the first group of each, and the tests that show it.
type Fields<'g> = BTreeMap<Moved, (usize, HashSet<&'g TestId>)>;

/// The tests in which something happened to fields of each name, wherever they are: what shows
/// elsewhere, too, is another change.
fn tests_of_names<'f>(fields: &'f Fields<'_>) -> HashMap<(&'f str, &'f str), Vec<&'f TestId>> {
    let mut all: HashMap<(&str, &str), HashSet<&TestId>> = HashMap::new();
    for (moved, (_, tests)) in fields {
        let of_name = all.entry((moved.change, &moved.name)).or_default();
        of_name.extend(tests);
    }
    let sorted = |tests: HashSet<&'f TestId>| {
        let mut tests: Vec<&TestId> = tests.into_iter().collect();
        tests.sort_unstable();
        tests
    };
    let all = all.into_iter();
    all.map(|(name, tests)| (name, sorted(tests))).collect()
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
        DiffKind::TypeChanged => OTHER_TYPE,
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
