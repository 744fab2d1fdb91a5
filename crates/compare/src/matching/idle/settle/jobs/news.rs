//! When jobs were told something new, and how long what follows from it may take.

use super::seen::{Place, Seen};
use super::*;

/// How long after news, and after what followed from it, the next call begins, in nanoseconds.
const SOON: u64 = 100_000_000;

/// The times right after a job was told something new, and after what it did then.
pub(super) struct News(Vec<(u64, u64)>);

impl News {
    /// What the polls were told, in the order of their times: rows that the poll before did not
    /// get. `found`: what follows from that, as far as it is known.
    pub(super) fn of(set: &TestSet, seen: &Seen<'_>, found: &HashSet<Place>) -> Self {
        let mut told = seen.known.clone();
        told.sort_by_key(|(began, ..)| *began);
        let mut last: HashMap<Key, &Value> = HashMap::new();
        let mut ends = Vec::new();
        for (_, ended, key, mock) in told {
            let Some(Value::List(rows)) = mock.response.get("rows") else {
                continue;
            };
            let before = last.insert(key, &mock.response);
            let takes =
                before.is_some_and(|before| before == &mock.response) && !takes_out(&mock.request);
            if !rows.is_empty() && !takes {
                ends.push(ended);
            }
        }
        ends.sort_unstable();
        let mut following: Vec<(u64, u64)> = (found.iter())
            .filter_map(|place| seen.calls.get(place))
            .map(|call| (call.began, call.ended))
            .collect();
        let idle = set.shared.iter().filter(|mock| is_background(mock));
        following.extend(
            idle.filter(|mock| mock.after > 0)
                .map(|mock| (mock.after, mock.after.saturating_add(mock.took))),
        );
        following.sort_unstable();
        News(windows(&ends, &following))
    }

    /// Whether a call that began then did so right after news.
    pub(super) fn are_before(&self, began: u64) -> bool {
        let at = self.0.partition_point(|(from, _)| *from <= began);
        let window = at.checked_sub(1).and_then(|at| self.0.get(at));
        window.is_some_and(|(_, until)| began <= *until)
    }

    /// How many calls stand there, and how many there are, of those that are not known to follow.
    pub(super) fn shares(&self, seen: &Seen<'_>, found: &HashSet<Place>) -> (usize, usize) {
        let others = seen
            .calls
            .iter()
            .filter(|(place, _)| !found.contains(place));
        let others = others.map(|(_, call)| self.are_before(call.began));
        others.fold((0, 0), |(inside, all), is_inside| {
            (inside + usize::from(is_inside), all + 1)
        })
    }
}

/// Whether a statement takes out what it is told: the same rows twice are news twice.
fn takes_out(request: &Value) -> bool {
    let sql = request.get("sql").and_then(Value::as_str);
    let first = sql.and_then(|sql| sql.split_whitespace().next());
    first.is_some_and(|word| !word.eq_ignore_ascii_case("select"))
}

/// From each end of news until what follows has come to rest.
fn windows(ends: &[u64], following: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut windows: Vec<(u64, u64)> = Vec::new();
    for end in ends {
        let mut until = end.saturating_add(SOON);
        let from = following.partition_point(|(began, _)| began < end);
        for (began, ended) in following.get(from..).unwrap_or_default() {
            if *began > until {
                break;
            }
            until = until.max(ended.saturating_add(SOON));
        }
        match windows.last_mut() {
            Some(last) if *end <= last.1 => last.1 = last.1.max(until),
            _ => windows.push((*end, until)),
        }
    }
    windows
}
