//! The longest rising part of a sequence.

/// The positions that are not part of the longest rising subsequence: the fewest to move so that
/// all rises. Patience sorting: n log n. Of several longest ones the one that ends lowest.
pub(crate) fn out_of_order(sequence: &[usize]) -> Vec<usize> {
    let value = |position: usize| sequence.get(position).copied().unwrap_or(usize::MAX);
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(sequence.len());
    for (position, item) in sequence.iter().enumerate() {
        let pile = tails.partition_point(|tail| value(*tail) < *item);
        before.push(pile.checked_sub(1).and_then(|p| tails.get(p).copied()));
        match tails.get_mut(pile) {
            Some(tail) => *tail = position,
            None => tails.push(position),
        }
    }
    let mut rising = vec![false; sequence.len()];
    let mut at = tails.last().copied();
    while let Some(position) = at {
        if let Some(mark) = rising.get_mut(position) {
            *mark = true;
        }
        at = before.get(position).copied().flatten();
    }
    (0..sequence.len())
        .filter(|position| rising.get(*position) == Some(&false))
        .collect()
}
