//! Elements whose order does not count.

use std::collections::{HashMap, VecDeque};

use super::{Alignment, Budget, content::MAX_CELLS};

/// Pairs elements with equal hashes, then those that are most alike, wherever they stand. What is
/// left is paired in order, so that each element has at most one partner.
pub(crate) fn in_any_order(
    a: &[u64],
    b: &[u64],
    alike: &mut dyn FnMut(usize, usize) -> u32,
    budget: &mut Budget,
) -> Alignment {
    let mut places: HashMap<u64, VecDeque<usize>> = HashMap::new();
    for (j, hash) in b.iter().enumerate() {
        places.entry(*hash).or_default().push_back(j);
    }
    let mut both = Vec::new();
    let mut left = Vec::new();
    for (i, hash) in a.iter().enumerate() {
        match places.get_mut(hash).and_then(VecDeque::pop_front) {
            Some(j) => both.push((i, j)),
            None => left.push(i),
        }
    }
    let mut right: Vec<usize> = places.into_values().flatten().collect();
    right.sort_unstable();
    let cells = left.len().saturating_mul(right.len());
    let small = cells <= MAX_CELLS && budget.take(cells.saturating_mul(16));
    if small {
        both.extend(most_alike(&mut left, &mut right, alike));
    }
    let by_position = !small && !left.is_empty() && !right.is_empty();
    both.extend(left.into_iter().zip(right));
    Alignment::finish(both, a.len(), b.len(), by_position)
}

/// Takes the most alike pairs first; of equals those that stand first.
fn most_alike(
    left: &mut Vec<usize>,
    right: &mut Vec<usize>,
    alike: &mut dyn FnMut(usize, usize) -> u32,
) -> Vec<(usize, usize)> {
    let mut all: Vec<(u32, usize, usize)> = Vec::with_capacity(left.len() * right.len());
    for i in left.iter() {
        for j in right.iter() {
            all.push((u32::MAX - alike(*i, *j), *i, *j));
        }
    }
    all.sort_unstable();
    let mut pairs = Vec::new();
    for (_, i, j) in all {
        if let (Ok(l), Ok(r)) = (left.binary_search(&i), right.binary_search(&j)) {
            left.remove(l);
            right.remove(r);
            pairs.push((i, j));
        }
    }
    pairs
}
