//! Headers that come and go together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use retake_model::{DiffKind, Place, TestCase, TestId, TestSet, Value};

use super::group::Group;
use super::key::header;

/// The most such headers that are held against each other: with the square of their number.
const MOST: usize = 64;

/// A header that came or went in some tests.
struct Moved<'g> {
    group: usize,
    /// The dependency, for a header of calls.
    to: Option<&'g str>,
    name: &'g str,
    came: bool,
    tests: HashSet<&'g TestId>,
}

/// The pairs of groups that are headers which came and went in the same tests.
pub(super) fn together(groups: &[Group<'_>], sets: &[Arc<TestSet>]) -> Vec<(usize, usize)> {
    let numbered = groups.iter().enumerate();
    let moved: Vec<Moved<'_>> = numbered.filter_map(|(n, g)| moved(n, g)).collect();
    if !(2..=MOST).contains(&moved.len()) {
        return Vec::new();
    }
    let recorded = recorded(sets);
    let mut pairs = Vec::new();
    for (at, one) in moved.iter().enumerate() {
        let others = moved.iter().skip(at + 1).filter(|other| other.to == one.to);
        for other in others {
            if is_excused(one, other, &recorded) && is_excused(other, one, &recorded) {
                pairs.push((one.group, other.group));
            }
        }
    }
    pairs
}

fn moved<'g>(group: usize, of: &'g Group<'_>) -> Option<Moved<'g>> {
    let example = of.example;
    let (to, path) = match &example.place {
        Place::Response(path) => (None, path),
        Place::Call { to, path, .. } => (Some(to.as_str()), path),
        Place::Service => return None,
    };
    let name = header(path)?;
    let came = match example.kind {
        _ if example.follows => return None,
        DiffKind::Added => true,
        DiffKind::Removed => false,
        // A name that is added to a list of names.
        DiffKind::Changed if name == "vary" => {
            let names = |value: &Option<Value>| -> Vec<String> {
                let text = value.as_ref().and_then(Value::as_str).unwrap_or_default();
                text.split(',')
                    .map(|n| n.trim().to_ascii_lowercase())
                    .collect()
            };
            let (was, is) = (names(&example.baseline), names(&example.candidate));
            was.iter().all(|name| is.contains(name))
        }
        _ => return None,
    };
    Some(Moved {
        group,
        to,
        name,
        came,
        tests: of.tests.iter().collect(),
    })
}

/// Whether a header came or went in every test in which another one did, but for those in which
/// it could not: it was there already, or never was.
fn is_excused(one: &Moved<'_>, other: &Moved<'_>, recorded: &HashMap<TestId, &TestCase>) -> bool {
    let lacking = other.tests.difference(&one.tests);
    let mut excused = 0;
    for test in lacking {
        let has = recorded.get(test).is_some_and(|case| has(case, one.name));
        if one.to.is_some() || has != one.came {
            return false;
        }
        excused += 1;
    }
    excused <= one.tests.len()
}

fn has(case: &TestCase, name: &str) -> bool {
    let headers = case.response.get("headers").and_then(Value::as_list);
    let headers = headers.unwrap_or_default().iter();
    let mut names = headers.filter_map(Value::as_map).flatten();
    names.any(|(own, _)| own.eq_ignore_ascii_case(name))
}

fn recorded(sets: &[Arc<TestSet>]) -> HashMap<TestId, &TestCase> {
    let tests = sets.iter().flat_map(|set| {
        set.tests.iter().map(|test| {
            let id = TestId {
                set: set.name.clone(),
                name: test.name.as_str().into(),
            };
            (id, test)
        })
    });
    tests.collect()
}

/// `response headers: a, b added; c removed`; none where the members are not all headers.
pub(super) fn title(members: &[&Group<'_>]) -> Option<String> {
    let mut by_change: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut of = None;
    for group in members {
        let example = group.example;
        let (whose, path) = match &example.place {
            Place::Response(path) => ("response", path),
            Place::Call { to, path, .. } => (to.as_str(), path),
            Place::Service => return None,
        };
        let change = match example.kind {
            DiffKind::Added => "added",
            DiffKind::Removed => "removed",
            _ => "changed",
        };
        let names = by_change.entry(change).or_default();
        let name = header(path)?;
        if !names.contains(&name) {
            names.push(name);
        }
        of = match of {
            None => Some(whose),
            Some(own) if own == whose => of,
            Some(_) => Some("calls"),
        };
    }
    let listed = by_change.into_iter().map(|(change, mut names)| {
        names.sort_unstable();
        named(&names, change)
    });
    let listed: Vec<String> = listed.collect();
    Some(format!("{} headers: {}", of?, listed.join("; ")))
}

/// `a, b and 3 more added`
pub(super) fn named(names: &[&str], change: &str) -> String {
    let shown = names.get(..NAMED).unwrap_or(names).join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => format!("{shown} {change}"),
        more => format!("{shown} and {more} more {change}"),
    }
}

/// The most headers, or fields, that a title names.
const NAMED: usize = 16;
