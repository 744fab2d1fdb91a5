//! Elements known by a name.

use std::collections::HashMap;

use super::{Alignment, Budget, Pair, by_content};

/// How alike (of 1,000) two elements of different names must be to be taken for one that was
/// renamed.
const RENAMED: u32 = 500;

/// Pairs elements by their names; none where names repeat or no name stands on both sides. What
/// is left is paired where it is alike in content: its name itself may have changed.
pub(crate) fn by_identity(
    a: &[Option<String>],
    b: &[Option<String>],
    hashes: (&[u64], &[u64]),
    alike: &mut dyn FnMut(usize, usize) -> u32,
    budget: &mut Budget,
) -> Option<Alignment> {
    let index = unique(b)?;
    unique(a)?;
    let mut both = Vec::new();
    let mut left_a = Vec::new();
    let mut left_b = vec![true; b.len()];
    for (i, name) in a.iter().enumerate() {
        match name.as_deref().and_then(|name| index.get(name)) {
            Some(j) => {
                both.push((i, *j));
                if let Some(left) = left_b.get_mut(*j) {
                    *left = false;
                }
            }
            None => left_a.push(i),
        }
    }
    if both.is_empty() {
        return None;
    }
    let left_b: Vec<usize> = (0..b.len())
        .filter(|j| left_b.get(*j) == Some(&true))
        .collect();
    let pick = |hashes: &[u64], from: &[usize]| -> Vec<u64> {
        from.iter()
            .map(|n| hashes.get(*n).copied().unwrap_or_default())
            .collect()
    };
    let rest = by_content(
        &pick(hashes.0, &left_a),
        &pick(hashes.1, &left_b),
        RENAMED,
        &mut |i, j| match (left_a.get(i), left_b.get(j)) {
            (Some(i), Some(j)) => alike(*i, *j),
            _ => 0,
        },
        budget,
    );
    for pair in &rest.pairs {
        if let Pair::Both(i, j) = pair
            && let (Some(i), Some(j)) = (left_a.get(*i), left_b.get(*j))
        {
            both.push((*i, *j));
        }
    }
    Some(Alignment::finish(both, a.len(), b.len(), rest.by_position))
}

/// The position of each name; none where one repeats.
fn unique(names: &[Option<String>]) -> Option<HashMap<&str, usize>> {
    let mut index = HashMap::with_capacity(names.len());
    for (i, name) in names.iter().enumerate() {
        if let Some(name) = name
            && index.insert(name.as_str(), i).is_some()
        {
            return None;
        }
    }
    Some(index)
}
