//! Which element of one list is which element of another.
//!
//! An element that is removed from the front of 5,000 is one difference. Elements are known by an
//! identity (`id`, `key`, `name`) or by their content; the work is counted against a [`Budget`],
//! and where that does not last, elements are paired by their position, and the result says so.

mod any_order;
mod content;
mod identity;
mod myers;
mod order;

pub(crate) use any_order::in_any_order;
pub(crate) use content::by_content;
pub(crate) use identity::by_identity;
pub(crate) use myers::equal_pairs;
pub(crate) use order::out_of_order;

#[cfg(test)]
mod tests;

/// The fate of elements: numbers in the expected and in the observed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pair {
    /// One stands for the other.
    Both(usize, usize),
    /// The candidate lacks it.
    Removed(usize),
    /// The baseline had it not.
    Added(usize),
}

/// Which element is which.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Alignment {
    /// Every element of both lists once: those of the expected list in its order, then the added
    /// ones in theirs.
    pub(crate) pairs: Vec<Pair>,
    /// The fewest pairs that would have to be moved to have the expected order again.
    pub(crate) moved: Vec<(usize, usize)>,
    /// Whether some elements were paired by their position because the lists are too long.
    pub(crate) by_position: bool,
}

/// How much work one comparison may do beside looking at each value once, in steps of some
/// nanoseconds. All lists of a response share it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    left: u64,
}

impl Budget {
    /// As much as any response needs that a person reads: about a tenth of a second.
    pub(crate) const DEFAULT: Budget = Budget { left: 20_000_000 };

    /// Takes that much; false, and nothing taken, where it is not there.
    pub(crate) fn take(&mut self, steps: usize) -> bool {
        match self.left.checked_sub(steps as u64) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    #[cfg(test)]
    pub(crate) fn spent(self) -> u64 {
        Budget::DEFAULT.left - self.left
    }
}

impl Alignment {
    /// Of elements that are told by other means.
    pub(crate) fn of(both: Vec<(usize, usize)>, a: usize, b: usize) -> Self {
        Alignment::finish(both, a, b, false)
    }

    /// Puts pairs into their order and finds those that moved.
    fn finish(mut both: Vec<(usize, usize)>, a: usize, b: usize, by_position: bool) -> Self {
        both.sort_unstable();
        let seconds: Vec<usize> = both.iter().map(|(_, j)| *j).collect();
        let moved = out_of_order(&seconds)
            .into_iter()
            .filter_map(|n| both.get(n).copied())
            .collect();
        let mut used = vec![false; b];
        for (_, j) in &both {
            if let Some(slot) = used.get_mut(*j) {
                *slot = true;
            }
        }
        let mut pairs = Vec::with_capacity(a.max(b));
        let mut next = both.iter().peekable();
        for i in 0..a {
            match next.next_if(|(paired, _)| *paired == i) {
                Some((i, j)) => pairs.push(Pair::Both(*i, *j)),
                None => pairs.push(Pair::Removed(i)),
            }
        }
        let added = used.iter().enumerate().filter(|(_, used)| !**used);
        pairs.extend(added.map(|(j, _)| Pair::Added(j)));
        Alignment {
            pairs,
            moved,
            by_position,
        }
    }
}
