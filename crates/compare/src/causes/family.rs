//! Groups of differences that one change explains are one cause, which lists them as its parts.
//!
//! Nothing is hidden by that: each part keeps its fingerprint, its tests and its title.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use retake_model::{Cause, Place, TestId, TestSet};

use super::calls;
use super::fields;
use super::group::Group;
use super::headers;
use super::key::{Key, keys};
use crate::diff::hash;
use crate::follow::Link;

/// The causes of the groups. `order`: the place of each test among the results.
pub(super) fn causes(
    groups: Vec<Group<'_>>,
    sets: &[Arc<TestSet>],
    order: &HashMap<&TestId, usize>,
) -> Vec<Cause> {
    let keys: Vec<Vec<Key>> = groups.iter().map(keys).collect();
    let families = families(&groups, &keys, sets);
    let mut groups: Vec<Option<Group<'_>>> = groups.into_iter().map(Some).collect();
    let mut causes = Vec::new();
    for members in families {
        let own = members.into_iter().filter_map(|at| {
            let group = groups.get_mut(at).and_then(Option::take)?;
            Some((at, group))
        });
        let mut own: Vec<(usize, Group<'_>)> = own.collect();
        if own.len() < 2 {
            causes.extend(own.into_iter().map(|(_, group)| group.into_cause()));
            continue;
        }
        let of = |at: &usize| keys.get(*at).map(Vec::as_slice).unwrap_or_default();
        // What has something in common with others tells more. Those that are equal stay in the
        // order in which they were met.
        let is_alone = |at: &usize, group: &Group<'_>| {
            of(at).is_empty() && matches!(group.example.place, Place::Call { .. })
        };
        own.sort_by_key(|(at, group)| (is_alone(at, group), Reverse(group.tests.len())));
        let shared = own.first().and_then(|(first, _)| {
            let mut others = own.iter().skip(1).map(|(at, _)| of(at)).peekable();
            others.next_if(|keys| !keys.is_empty())?;
            let mut wanted = of(first).iter();
            let all = || {
                own.iter()
                    .map(|(at, _)| of(at))
                    .filter(|keys| !keys.is_empty())
            };
            wanted.find(|key| all().all(|keys| keys.iter().any(|own| own.is_like(key))))
        });
        let own = own.into_iter().map(|(_, group)| group).collect();
        causes.extend(together(own, shared, order));
    }
    causes
}

/// Several groups as one cause.
fn together(
    mut groups: Vec<Group<'_>>,
    shared: Option<&Key>,
    order: &HashMap<&TestId, usize>,
) -> Option<Cause> {
    let members: Vec<&Group<'_>> = groups.iter().collect();
    let first = members.first()?;
    let title = shared.and_then(|key| key.title(&members));
    let title = title.or_else(|| headers::title(&members));
    let title = title.or_else(|| fields::title(&members));
    let title = title.unwrap_or_else(|| {
        let more = match (calls::are_of_the_same_tests(&members), members.len() - 1) {
            (true, 1) => "one more call changed in the same tests".to_owned(),
            (true, more) => format!("{more} more calls changed in the same tests"),
            (false, 1) => "one change like it".to_owned(),
            (false, more) => format!("{more} changes like it"),
        };
        format!("{}, and {more}", first.title())
    });
    let id = match shared {
        Some(key) => hash(&format!("{key:?}")),
        None => hash(&format!("together\n{:016x}", first.example.cause)),
    };
    let example = first.example.clone();
    let mut tests: Vec<TestId> = groups.iter().flat_map(|g| g.tests.clone()).collect();
    tests.sort_by_key(|test| order.get(test).copied());
    tests.dedup();
    let consequences = groups
        .iter_mut()
        .flat_map(|group| std::mem::take(&mut group.consequences))
        .map(Link::told)
        .collect();
    Some(Cause {
        id,
        title,
        tests,
        example,
        parts: groups.into_iter().map(Group::into_part).collect(),
        consequences,
    })
}

/// The groups that are one cause, in the order of the first of each.
fn families(groups: &[Group<'_>], keys: &[Vec<Key>], sets: &[Arc<TestSet>]) -> Vec<Vec<usize>> {
    let mut unions = Unions((0..groups.len()).collect());
    let mut first: HashMap<&Key, usize> = HashMap::new();
    for (at, own) in keys.iter().enumerate() {
        for key in own {
            let other = *first.entry(key).or_insert(at);
            unions.join(other, at);
        }
    }
    let together = headers::together(groups, sets).into_iter();
    let together = together.chain(fields::together(groups));
    let together = together.chain(calls::together(groups, keys));
    let together = together.chain(calls::savepoints(groups, keys));
    for (one, other) in together.chain(calls::without_partner(groups)) {
        unions.join(one, other);
    }
    unions.all()
}

/// Which groups are one: each names another one of its family, or itself.
struct Unions(Vec<usize>);

impl Unions {
    fn root(&self, mut at: usize) -> usize {
        while let Some(next) = self.0.get(at).filter(|next| **next != at) {
            at = *next;
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        // The first one stands for all.
        if let Some(slot) = self.0.get_mut(one.max(other)) {
            *slot = one.min(other);
        }
    }

    fn all(&self) -> Vec<Vec<usize>> {
        let mut by_root: HashMap<usize, usize> = HashMap::new();
        let mut all: Vec<Vec<usize>> = Vec::new();
        for at in 0..self.0.len() {
            let place = *by_root.entry(self.root(at)).or_insert(all.len());
            match all.get_mut(place) {
                Some(family) => family.push(at),
                None => all.push(vec![at]),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests;
