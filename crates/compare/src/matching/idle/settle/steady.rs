//! What a service asks by its clock although it is never seen idle: requests come all the time, and
//! each of its polls falls into one of them.
//!
//! A call is taken for such a poll only where the requests contradict that it is theirs: the same
//! is asked in even pauses, in each of which several requests begin; requests of different routes have
//! it, of each of which most have not; and so have most of the repeats of one request.

use super::kinds::Kinds;
use super::*;

/// How often a poll must have been seen.
const OFTEN: usize = 6;

/// The shortest pause of a clock, in nanoseconds.
const SHORTEST: u64 = 100_000_000;

/// How many requests must have come for each time that it was asked.
const DENSE: usize = 4;

/// When something was asked, in nanoseconds since 1970, by the test with that number.
type Asked<'s> = (u64, usize, &'s Mock);

/// The calls that are asked by the clock, as they were recorded first.
pub(super) fn polls<'s>(set: &'s TestSet, rules: RulesOf<'_>) -> Vec<&'s Mock> {
    let mut places: HashMap<(&str, &str), Vec<Asked<'_>>> = HashMap::new();
    for (number, test) in set.tests.iter().enumerate() {
        for call in test.calls.iter().filter(|call| may_be_polls(call)) {
            if let Some(text) = text(&call.request) {
                let at = test.at.0.saturating_add(call.after);
                let of = places.entry((&call.to, text)).or_default();
                of.push((at, number, call));
            }
        }
    }
    places.retain(|_, of| of.len() >= OFTEN);
    let mut kinds = None;
    let mut found = Vec::new();
    for of in places.values_mut() {
        of.sort_by_key(|(at, ..)| *at);
        let Some((first, ..)) = of.first().copied() else {
            continue;
        };
        let same =
            |(_, _, call): &Asked<'_>| of.iter().all(|(_, _, other)| other.request == call.request);
        let times: Vec<u64> = of.iter().map(|(at, ..)| *at).collect();
        let last = times.last().copied().unwrap_or(first);
        let during = |test: &&TestCase| (first..=last).contains(&test.at.0);
        let dense = || set.tests.iter().filter(during).count() >= DENSE * times.len();
        if !is_steady(&times) || !of.first().is_some_and(same) || !dense() {
            continue;
        }
        let kinds = kinds.get_or_insert_with(|| Kinds::of(set, rules));
        let owners: HashSet<usize> = of.iter().map(|(_, number, _)| *number).collect();
        if kinds.contradict(&owners) {
            found.extend(of.first().map(|(_, _, call)| *call));
        }
    }
    found
}

fn may_be_polls(call: &Mock) -> bool {
    let told = matches!(call.by, Attribution::Trace | Attribution::Connection);
    call.scope == Scope::Test && !told && step(&call.request) == Step::Within
}

/// The statement, or the path.
fn text(request: &Value) -> Option<&str> {
    let text = request.get("sql").or_else(|| request.get("path"));
    text.and_then(Value::as_str)
}

/// Whether most pauses are one and the same, and the others several of it: what stands with a repeat
/// that was merged is not seen.
pub(in crate::matching) fn is_steady(times: &[u64]) -> bool {
    let pauses = times.iter().zip(times.iter().skip(1));
    let mut pauses: Vec<u64> = pauses.map(|(a, b)| b.saturating_sub(*a)).collect();
    pauses.sort_unstable();
    let period = pauses.get(pauses.len() / 2).copied().unwrap_or_default();
    if period < SHORTEST {
        return false;
    }
    let fits = |pause: &&u64, times: u64| pause.abs_diff(period * times) <= period / 5;
    let once = pauses.iter().filter(|pause| fits(pause, 1)).count();
    let several = |pause: &&u64| {
        let times = (**pause + period / 2) / period;
        times >= 1 && fits(pause, times)
    };
    let any = pauses.iter().filter(several).count();
    once * 10 >= pauses.len() * 6 && any * 10 >= pauses.len() * 9
}

#[cfg(test)]
mod tests;
