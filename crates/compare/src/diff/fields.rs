//! Maps and other named values: by name, repeats by their position.

use std::collections::HashMap;

use retake_model::{DiffKind, Value};

use super::differ::Differ;
use crate::made::scan;

impl Differ<'_> {
    /// Compares two maps. The order of different names does not count.
    pub(super) fn map(&mut self, expected: &[(String, Value)], observed: &[(String, Value)]) {
        let same_names = expected.len() == observed.len()
            && expected.iter().zip(observed).all(|(a, b)| a.0 == b.0);
        if same_names && !repeats(expected) {
            for ((name, a), (_, b)) in expected.iter().zip(observed) {
                self.in_key(name, |this| this.node(a, b));
            }
            return;
        }
        let a = grouped(expected.iter().map(|(name, value)| (name.as_str(), value)));
        let b = grouped(observed.iter().map(|(name, value)| (name.as_str(), value)));
        self.groups(&a, &b);
    }

    /// Compares named groups of values.
    pub(super) fn groups(&mut self, expected: &[Group<'_>], observed: &[Group<'_>]) {
        let index: HashMap<&str, usize> = observed
            .iter()
            .enumerate()
            .map(|(i, (name, _))| (*name, i))
            .collect();
        let mut used = vec![false; observed.len()];
        let mut partners: Vec<Option<usize>> = Vec::with_capacity(expected.len());
        for (name, _) in expected {
            let carried = self.values.candidate_of(name);
            let found = carried
                .and_then(|name| index.get(name))
                .or_else(|| index.get(name))
                .copied();
            if let Some(slot) = found.and_then(|j| used.get_mut(j)) {
                *slot = true;
            }
            partners.push(found);
        }
        self.pair_made_names(expected, observed, &mut partners, &mut used);
        for ((name, a), partner) in expected.iter().zip(partners) {
            let b = partner.and_then(|j| observed.get(j));
            let b = b.map(|(_, values)| values.as_slice()).unwrap_or_default();
            self.in_key(name, |this| this.repeated(a, b));
        }
        for ((name, b), _) in observed.iter().zip(used).filter(|(_, used)| !used) {
            self.in_key(name, |this| this.repeated(&[], b));
        }
    }

    /// Compares the values of one name.
    fn repeated(&mut self, expected: &[&Value], observed: &[&Value]) {
        match (expected, observed) {
            ([a], [b]) => self.node(a, b),
            ([], [b]) => self.emit(DiffKind::Added, None, Some(b), None),
            ([a], []) => self.emit(DiffKind::Removed, Some(a), None, None),
            (a, b) => {
                let list = |values: &[&Value]| values.iter().map(|v| (*v).clone()).collect();
                let (a, b): (Vec<Value>, Vec<Value>) = (list(a), list(b));
                self.list(&a, &b);
            }
        }
    }

    /// Names that the service made (maps by generated id): those without a partner are paired by
    /// kind and in order, where there are as many on both sides.
    fn pair_made_names(
        &mut self,
        expected: &[Group<'_>],
        observed: &[Group<'_>],
        partners: &mut [Option<usize>],
        used: &mut [bool],
    ) {
        if self.walk.ignored().is_some() {
            return;
        }
        let left: Vec<usize> = (0..expected.len())
            .filter(|i| partners.get(*i) == Some(&None))
            .filter(|i| {
                let name = expected.get(*i).map(|(name, _)| *name);
                name.is_some_and(|name| self.tokens.is_made(name))
            })
            .collect();
        let right: Vec<usize> = (0..observed.len())
            .filter(|j| used.get(*j) == Some(&false))
            .filter(|j| observed.get(*j).is_some_and(|(name, _)| is_token(name)))
            .collect();
        if left.len() != right.len() {
            return;
        }
        for (i, j) in left.into_iter().zip(right) {
            let (Some((a, _)), Some((b, _))) = (expected.get(i), observed.get(j)) else {
                continue;
            };
            if let super::tokens::Likeness::Same(by_kind) =
                self.tokens.compare(a, b, self.values, true)
                && let (Some(partner), Some(used)) = (partners.get_mut(i), used.get_mut(j))
            {
                self.in_key(a, |this| this.by_kind(by_kind, &(*a).into(), &(*b).into()));
                *partner = Some(j);
                *used = true;
            }
        }
    }
}

/// A name and its values, in order.
pub(super) type Group<'v> = (&'v str, Vec<&'v Value>);

/// Values by name, in the order in which the names first appear.
pub(super) fn grouped<'v>(
    fields: impl IntoIterator<Item = (&'v str, &'v Value)>,
) -> Vec<Group<'v>> {
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Group<'v>> = Vec::new();
    for (name, value) in fields {
        let at = *index.entry(name).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    groups
}

fn repeats(fields: &[(String, Value)]) -> bool {
    if let [first, rest @ ..] = fields
        && rest.len() < 8
    {
        let mut before = vec![&first.0];
        return rest.iter().any(|(name, _)| {
            let seen = before.contains(&name);
            before.push(name);
            seen
        });
    }
    let mut seen = std::collections::HashSet::new();
    fields.iter().any(|(name, _)| !seen.insert(name))
}

fn is_token(name: &str) -> bool {
    let mut whole = false;
    scan(name, |token| whole = token.text.len() == name.len());
    whole
}
