//! Myers' greedy difference (Algorithmica 1986) of two sequences of hashes, with a bound.

/// The most insertions and deletions that are looked for; more needs too much memory for the
/// trace (its square).
const MAX_EDITS: usize = 500;

/// The equal pairs of a shortest edit; none where it takes more than [`MAX_EDITS`] edits.
pub(crate) fn equal_pairs(a: &[u64], b: &[u64]) -> Option<Vec<(usize, usize)>> {
    // `furthest[k + edits]` is the furthest x on diagonal k = x - y.
    let mut trace: Vec<Vec<usize>> = Vec::new();
    let mut previous: Vec<usize> = Vec::new();
    for edits in 0..=MAX_EDITS.min(a.len() + b.len()) {
        let mut furthest = vec![0; 2 * edits + 1];
        for step in (0..=2 * edits).step_by(2) {
            let mut x = start(&previous, edits, step);
            // k = step - edits; y = x - k.
            let Some(mut y) = (x + edits).checked_sub(step) else {
                continue;
            };
            while let (Some(left), Some(right)) = (a.get(x), b.get(y))
                && left == right
            {
                x += 1;
                y += 1;
            }
            if let Some(slot) = furthest.get_mut(step) {
                *slot = x;
            }
            if x >= a.len() && y >= b.len() {
                trace.push(furthest);
                return Some(walk_back(&trace, a.len(), step));
            }
        }
        trace.push(furthest.clone());
        previous = furthest;
    }
    None
}

/// The x at which diagonal `step - edits` begins in this round: one right of the diagonal below,
/// or straight down from the one above, whichever is further.
fn start(previous: &[usize], edits: usize, step: usize) -> usize {
    if edits == 0 {
        return 0;
    }
    let right = step
        .checked_sub(2)
        .and_then(|s| previous.get(s))
        .map(|x| x + 1);
    let down = previous.get(step).copied();
    right.max(down).unwrap_or(0)
}

fn walk_back(trace: &[Vec<usize>], end: usize, mut step: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut x = end;
    for edits in (0..trace.len()).rev() {
        let previous = edits
            .checked_sub(1)
            .and_then(|e| trace.get(e))
            .map_or(&[][..], Vec::as_slice);
        let begin = start(previous, edits, step);
        while x > begin {
            x -= 1;
            pairs.push((x, (x + edits).saturating_sub(step)));
        }
        let right = step
            .checked_sub(2)
            .and_then(|s| previous.get(s))
            .map(|x| x + 1);
        if edits > 0 && right == Some(begin) && right >= previous.get(step).copied() {
            x = begin.saturating_sub(1);
            step = step.saturating_sub(2);
        } else {
            x = begin;
        }
    }
    pairs.reverse();
    pairs
}
