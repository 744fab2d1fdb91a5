//! Calls that one change made others, or none.

use std::collections::HashMap;

use retake_model::{DiffKind, Path, Place, Segment, TestId, Value};

use super::group::Group;
use super::key::{Frame, Key};
use crate::diff::general_text;

/// The pairs of groups that are calls which are no longer made, made more often or asked otherwise
/// in the very same tests, of which there are several.
pub(super) fn together(groups: &[Group<'_>], keys: &[Vec<Key>]) -> Vec<(usize, usize)> {
    let mut first: HashMap<(&str, &[TestId]), usize> = HashMap::new();
    let mut pairs = Vec::new();
    for (at, (group, keys)) in groups.iter().zip(keys).enumerate() {
        let is_frame = keys.iter().any(|key| key.frame().is_some());
        let counts = group.tests.len() > 1 && !is_frame;
        let Some((to, ..)) = of_call(group).filter(|_| counts) else {
            continue;
        };
        let other = *first.entry((to, &group.tests)).or_insert(at);
        if other != at {
            pairs.push((other, at));
        }
    }
    pairs
}

/// Whether all of these are calls of the same tests.
pub(super) fn are_of_the_same_tests(members: &[&Group<'_>]) -> bool {
    let first = members.first().map(|group| &group.tests);
    let same = |group: &&Group<'_>| of_call(group).is_some() && Some(&group.tests) == first;
    members.iter().all(same)
}

/// Savepoints that are lost, or made, in tests that lose, or make, transactions.
pub(super) fn savepoints(groups: &[Group<'_>], keys: &[Vec<Key>]) -> Vec<(usize, usize)> {
    let frames = |wanted: Frame| {
        let keyed = keys.iter().enumerate();
        keyed.filter_map(move |(at, keys)| {
            let key = keys.iter().find(|key| key.frame() == Some(wanted))?;
            Some((at, key))
        })
    };
    let mut pairs = Vec::new();
    for (at, key) in frames(Frame::Savepoint) {
        let Some(own) = groups.get(at) else { continue };
        let around = frames(Frame::Transaction).find(|(other, frame)| {
            let has = |test| groups.get(*other).is_some_and(|g| g.tests.contains(test));
            frame.is_like(key) && own.tests.iter().all(has)
        });
        pairs.extend(around.map(|(other, _)| (other, at)));
    }
    pairs
}

/// The dependency, the request and the place in it, where that is a call that was made, or not.
fn of_call<'g>(group: &'g Group<'_>) -> Option<(&'g str, &'g str, &'g Path)> {
    let kinds = [
        DiffKind::CallMissing,
        DiffKind::CallExtra,
        DiffKind::CallUnknown,
    ];
    match &group.example.place {
        Place::Call {
            to, summary, path, ..
        } if kinds.contains(&group.example.kind) && !group.example.follows => {
            Some((to, summary, path))
        }
        _ => None,
    }
}

/// What nothing told whose it was, with what is known: a statement without a recorded one in its
/// place, with the same one that has one elsewhere; a recorded statement that nobody made, with what
/// is asked in its place elsewhere.
pub(super) fn without_partner(groups: &[Group<'_>]) -> Vec<(usize, usize)> {
    let mut known: HashMap<(&str, String), usize> = HashMap::new();
    let mut alone = Vec::new();
    for (at, group) in groups
        .iter()
        .enumerate()
        .filter(|(_, g)| !g.example.follows)
    {
        let example = group.example;
        let Place::Call {
            to, summary, path, ..
        } = &example.place
        else {
            continue;
        };
        let asked = (to.as_str(), general_text(summary));
        match example.kind {
            DiffKind::CallMissing => alone.push((asked, at)),
            DiffKind::CallUnknown if path.0.is_empty() => alone.push((asked, at)),
            DiffKind::CallUnknown => {
                let recorded = match (path.0.as_slice(), &example.baseline) {
                    ([Segment::Key(sql)], Some(Value::String(text))) if sql == "sql" => text,
                    _ => summary,
                };
                for text in [general_text(recorded), asked.1] {
                    let known = known.entry((to, text)).or_insert(at);
                    let tests = |at: usize| groups.get(at).map_or(0, |group| group.tests.len());
                    if tests(at) > tests(*known) {
                        *known = at;
                    }
                }
            }
            _ => {}
        }
    }
    let pairs = alone.into_iter();
    pairs
        .filter_map(|(asked, at)| Some((*known.get(&asked)?, at)))
        .collect()
}
