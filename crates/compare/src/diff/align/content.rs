//! Elements known by what they hold.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::{Alignment, Budget, myers, out_of_order};

/// The largest gap (elements of one side times elements of the other) in which every element is
/// held against every other.
pub(super) const MAX_CELLS: usize = 10_000;

/// Pairs elements with equal hashes in their order, then those that moved, then, between them,
/// those that are alike by at least `least` of 1,000 (`alike` says how much).
pub(crate) fn by_content(
    a: &[u64],
    b: &[u64],
    least: u32,
    alike: &mut dyn FnMut(usize, usize) -> u32,
    budget: &mut Budget,
) -> Alignment {
    let mut work = Work {
        a,
        b,
        least,
        alike,
        budget,
        both: Vec::new(),
        by_position: false,
    };
    let front = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let rest = a.len().min(b.len()) - front;
    let back = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(rest)
        .take_while(|(x, y)| x == y)
        .count();
    work.both.extend((0..front).map(|i| (i, i)));
    work.both
        .extend((0..back).map(|n| (a.len() - 1 - n, b.len() - 1 - n)));
    work.middle(front..a.len() - back, front..b.len() - back);
    work.strays();
    Alignment::finish(work.both, a.len(), b.len(), work.by_position)
}

struct Work<'w> {
    a: &'w [u64],
    b: &'w [u64],
    least: u32,
    alike: &'w mut dyn FnMut(usize, usize) -> u32,
    budget: &'w mut Budget,
    both: Vec<(usize, usize)>,
    by_position: bool,
}

impl Work<'_> {
    /// Elements that stand once on each side are anchors; those among them that are out of order
    /// have moved. What is between two anchors is a gap.
    fn middle(&mut self, left: Range<usize>, right: Range<usize>) {
        if left.is_empty() || right.is_empty() {
            return;
        }
        let anchors = unique_pairs(self.a, left.clone(), self.b, right.clone());
        let seconds: Vec<usize> = anchors.iter().map(|(_, j)| *j).collect();
        let moved = out_of_order(&seconds);
        let mut next_moved = moved.iter().peekable();
        let (mut kept, mut gone_a, mut gone_b) = (Vec::new(), Vec::new(), Vec::new());
        for (n, (i, j)) in anchors.iter().enumerate() {
            self.both.push((*i, *j));
            if next_moved.next_if(|m| **m == n).is_some() {
                gone_a.push(*i);
                gone_b.push(*j);
            } else {
                kept.push((*i, *j));
            }
        }
        gone_b.sort_unstable();
        let (mut i, mut j) = (left.start, right.start);
        kept.push((left.end, right.end));
        for (next_i, next_j) in kept {
            let rows: Vec<usize> = (i..next_i)
                .filter(|i| gone_a.binary_search(i).is_err())
                .collect();
            let columns: Vec<usize> = (j..next_j)
                .filter(|j| gone_b.binary_search(j).is_err())
                .collect();
            self.gap(&rows, &columns);
            (i, j) = (next_i + 1, next_j + 1);
        }
    }

    /// A gap without anchors: held all against all where it is small, else by a shortest edit and
    /// the gaps that this leaves, else by position.
    fn gap(&mut self, rows: &[usize], columns: &[usize]) {
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        if self.is_small(rows.len(), columns.len()) {
            return self.all_against_all(rows, columns);
        }
        let hashes = |of: &[u64], at: &[usize]| -> Vec<u64> {
            at.iter()
                .map(|n| of.get(*n).copied().unwrap_or_default())
                .collect()
        };
        // The bound of a shortest edit: both lengths and the square of its edits.
        let equal = if self.budget.take(rows.len() + columns.len() + 300_000) {
            myers::equal_pairs(&hashes(self.a, rows), &hashes(self.b, columns))
        } else {
            None
        };
        let Some(equal) = equal else {
            self.by_position = true;
            let pairs = rows.iter().copied().zip(columns.iter().copied());
            return self.both.extend(pairs);
        };
        let (mut r, mut c) = (0, 0);
        for (next_r, next_c) in equal.into_iter().chain([(rows.len(), columns.len())]) {
            let between = (
                rows.get(r..next_r).unwrap_or_default(),
                columns.get(c..next_c).unwrap_or_default(),
            );
            if !between.0.is_empty() && !between.1.is_empty() {
                if self.is_small(between.0.len(), between.1.len()) {
                    self.all_against_all(between.0, between.1);
                } else {
                    self.by_position = true;
                    let pairs = between.0.iter().copied().zip(between.1.iter().copied());
                    self.both.extend(pairs);
                }
            }
            if let (Some(i), Some(j)) = (rows.get(next_r), columns.get(next_c)) {
                self.both.push((*i, *j));
            }
            (r, c) = (next_r + 1, next_c + 1);
        }
    }

    /// Equal elements that no gap brought together have moved.
    fn strays(&mut self) {
        let mut single = (vec![true; self.a.len()], vec![true; self.b.len()]);
        for (i, j) in &self.both {
            if let (Some(left), Some(right)) = (single.0.get_mut(*i), single.1.get_mut(*j)) {
                (*left, *right) = (false, false);
            }
        }
        let alone = |hashes: &[u64], single: &[bool]| -> Vec<(usize, u64)> {
            let all = hashes.iter().copied().enumerate().zip(single);
            all.filter(|(_, single)| **single)
                .map(|(at, _)| at)
                .collect()
        };
        let mut from: HashMap<u64, VecDeque<usize>> = HashMap::new();
        for (i, hash) in alone(self.a, &single.0) {
            from.entry(hash).or_default().push_back(i);
        }
        for (j, hash) in alone(self.b, &single.1) {
            if let Some(i) = from.get_mut(&hash).and_then(VecDeque::pop_front) {
                self.both.push((i, j));
            }
        }
    }

    fn is_small(&mut self, rows: usize, columns: usize) -> bool {
        rows.checked_mul(columns)
            .is_some_and(|cells| cells <= MAX_CELLS && self.budget.take(cells * 16))
    }

    /// The pairs, in order, whose likeness has the greatest sum (Needleman and Wunsch, 1970).
    fn all_against_all(&mut self, rows: &[usize], columns: &[usize]) {
        let width = columns.len() + 1;
        let mut best = vec![0_u64; (rows.len() + 1) * width];
        let mut scores = vec![0_u32; best.len()];
        let at = |cells: &[u64], n: usize| cells.get(n).copied().unwrap_or(0);
        for (r, i) in rows.iter().enumerate().rev() {
            for (c, j) in columns.iter().enumerate().rev() {
                let score = self.score(*i, *j);
                let here = r * width + c;
                let skip = at(&best, here + width).max(at(&best, here + 1));
                let paired = match score {
                    0 => 0,
                    score => u64::from(score) + at(&best, here + width + 1),
                };
                if let (Some(cell), Some(kept)) = (best.get_mut(here), scores.get_mut(here)) {
                    *cell = skip.max(paired);
                    *kept = score;
                }
            }
        }
        let (mut r, mut c) = (0, 0);
        while let (Some(i), Some(j)) = (rows.get(r), columns.get(c)) {
            let here = r * width + c;
            let score = scores.get(here).copied().unwrap_or(0);
            let value = at(&best, here);
            if score > 0 && value == u64::from(score) + at(&best, here + width + 1) {
                self.both.push((*i, *j));
                r += 1;
                c += 1;
            } else if value == at(&best, here + width) {
                r += 1;
            } else {
                c += 1;
            }
        }
    }

    /// How alike two elements are, of 1,000; 0 where they are not to be paired.
    fn score(&mut self, i: usize, j: usize) -> u32 {
        if self.a.get(i) == self.b.get(j) {
            return 1_000;
        }
        let alike = (self.alike)(i, j).min(999);
        if alike < self.least { 0 } else { alike }
    }
}

/// The pairs of elements whose hash stands once on either side, in the order of the left side.
fn unique_pairs(
    a: &[u64],
    left: Range<usize>,
    b: &[u64],
    right: Range<usize>,
) -> Vec<(usize, usize)> {
    #[derive(Default)]
    struct Seen {
        left: usize,
        right: usize,
        at: usize,
    }
    let mut seen: HashMap<u64, Seen> = HashMap::new();
    for j in right {
        if let Some(hash) = b.get(j) {
            let entry = seen.entry(*hash).or_default();
            entry.right += 1;
            entry.at = j;
        }
    }
    for i in left.clone() {
        if let Some(entry) = a.get(i).and_then(|hash| seen.get_mut(hash)) {
            entry.left += 1;
        }
    }
    left.filter_map(|i| {
        let entry = seen.get(a.get(i)?)?;
        (entry.left == 1 && entry.right == 1).then_some((i, entry.at))
    })
    .collect()
}
