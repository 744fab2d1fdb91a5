//! Which calls were made in another order.

/// A recorded call that was made: its number in the recording, and when it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) index: usize,
    /// Nanoseconds.
    pub(super) began: u64,
    /// Nanoseconds.
    pub(super) ended: u64,
}

/// The fewest calls (their numbers, rising) that would have to be moved so that no call stands
/// before one that had ended when it began. Calls that overlapped have no order.
///
/// `made` is in the order of the candidate. Takes time with the square of the number of calls
/// only where the order changed, and then only for the first [`LONGEST`] of them from the first
/// change on.
pub(super) fn moved(made: &[Span]) -> Vec<usize> {
    if in_order(made) {
        return Vec::new();
    }
    let part = made.get(..LONGEST.min(made.len())).unwrap_or_default();
    let kept = longest_in_order(part);
    let mut moved: Vec<usize> = (0..part.len())
        .filter(|i| !kept.contains(i))
        .filter_map(|i| part.get(i).map(|span| span.index))
        .collect();
    moved.sort_unstable();
    moved
}

/// How many calls are looked at to find out which were moved.
const LONGEST: usize = 1_000;

fn in_order(made: &[Span]) -> bool {
    let mut latest = None;
    made.iter().all(|span| {
        let follows = may_follow(span, latest);
        latest = latest.max(Some((span.began, span.index)));
        follows
    })
}

/// Whether a call that was made after another one had ended before that began.
pub(super) fn passes(span: &Span, other: &Span) -> bool {
    !may_follow(span, Some((other.began, other.index)))
}

/// Whether a call may stand after others, the latest of which began at that time. A call of
/// no length that began with another one stands in the order of the file.
fn may_follow(span: &Span, latest: Option<(u64, usize)>) -> bool {
    latest.is_none_or(|(began, index)| {
        began < span.ended || (began == span.ended && index < span.index)
    })
}

/// The places of the longest sequence that is in order.
///
/// For each length the sequence whose latest beginning is the earliest is kept: what may follow
/// any sequence of that length may follow that one.
fn longest_in_order(made: &[Span]) -> Vec<usize> {
    struct Step {
        place: usize,
        before: Option<usize>,
    }
    let mut steps: Vec<Step> = Vec::new();
    // By length less one: the latest beginning, and the last step.
    let mut best: Vec<((u64, usize), usize)> = Vec::new();
    for (place, span) in made.iter().enumerate() {
        let own = (span.began, span.index);
        for length in (0..=best.len()).rev() {
            let before = length.checked_sub(1).and_then(|l| best.get(l)).copied();
            if length > 0 && !before.is_some_and(|(latest, _)| may_follow(span, Some(latest))) {
                continue;
            }
            let latest = before.map_or(own, |(latest, _)| latest.max(own));
            let better = best.get(length).is_none_or(|(known, _)| latest < *known);
            if !better {
                continue;
            }
            steps.push(Step {
                place,
                before: before.map(|(_, step)| step),
            });
            let entry = (latest, steps.len() - 1);
            match best.get_mut(length) {
                Some(slot) => *slot = entry,
                None => best.push(entry),
            }
        }
    }
    let mut kept = Vec::new();
    let mut at = best.last().map(|(_, step)| *step);
    while let Some(step) = at.and_then(|i| steps.get(i)) {
        kept.push(step.place);
        at = step.before;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls by their number, beginning and end.
    fn spans(made: &[(usize, u64, u64)]) -> Vec<Span> {
        let span = |&(index, began, ended): &(usize, u64, u64)| Span {
            index,
            began,
            ended,
        };
        made.iter().map(span).collect()
    }

    fn check(made: &[(usize, u64, u64)], expected: &[usize]) {
        assert_eq!(moved(&spans(made)), expected, "{made:?}");
    }

    #[test]
    fn the_fewest_calls_are_said_to_have_moved() {
        check(&[], &[]);
        check(&[(0, 0, 1), (1, 2, 3), (2, 4, 5)], &[]);
        check(&[(2, 4, 5), (0, 0, 1), (1, 2, 3)], &[2]);
        check(&[(1, 2, 3), (2, 4, 5), (0, 0, 1)], &[0]);
        check(&[(1, 2, 3), (0, 0, 1), (3, 6, 7), (2, 4, 5)], &[1, 3]);
    }

    #[test]
    fn calls_that_overlapped_have_no_order() {
        check(&[(1, 2, 9), (0, 0, 8)], &[]);
        check(&[(2, 20, 21), (1, 2, 9), (0, 0, 8)], &[2]);
    }

    #[test]
    fn calls_without_times_have_the_order_of_the_file() {
        check(&[(0, 0, 0), (1, 0, 0)], &[]);
        check(&[(1, 0, 0), (0, 0, 0)], &[1]);
    }

    #[test]
    fn many_calls_take_little_time() {
        let reversed: Vec<(usize, u64, u64)> = (0..5_000u64)
            .rev()
            .map(|i| (usize::try_from(i).unwrap(), i * 2, i * 2 + 1))
            .collect();
        assert_eq!(moved(&spans(&reversed)).len(), LONGEST - 1);
    }
}
