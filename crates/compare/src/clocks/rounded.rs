//! Moments that are rounded: to the minute, the hour, the day, the month.
//!
//! A rounded moment jumps where its clock passes a boundary. How many boundaries lie between the
//! two times is known but for the zone of the service, which is a multiple of a quarter of an hour.

use super::Span;
use crate::made::{Instant, civil};

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const QUARTER: i128 = 15 * MINUTE;
pub(super) const HOUR: i128 = 60 * MINUTE;
pub(super) const DAY: i128 = 24 * HOUR;
const WEEK: i128 = 7 * DAY;

/// How many quarters of an hour the zones of the world are from UTC.
const WEST: i128 = 12 * 4;
const EAST: i128 = 14 * 4;

/// Whether two rounded moments have so many boundaries between them as the two times have.
/// `seasons`: whether the clocks of the service may have been set for summer in between.
pub(super) fn fit(
    recorded: Instant,
    candidate: Instant,
    times: (Span, Span),
    seasons: bool,
) -> bool {
    // What ends a period is the last moment before the next one.
    let ends = (recorded.at + recorded.step, candidate.at + candidate.step);
    let whole = (recorded.at, candidate.at);
    let pairs = match recorded.step == candidate.step && recorded.step <= SECOND {
        true => vec![whole, ends],
        false => vec![whole],
    };
    pairs.into_iter().any(|(a, b)| {
        let on = |unit: i128| a % unit == 0 && b % unit == 0;
        let units = [1, 2, 5, 10, 15, 20, 30, 60].map(|n| n * MINUTE);
        let clock = units.into_iter().filter(|unit| on(*unit)).any(|unit| {
            let grid = if unit < HOUR { unit / 2 } else { QUARTER };
            steps(b - a, unit, grid, times)
        });
        clock || (on(QUARTER) && days(a, b, times, seasons))
    })
}

/// Midnights of one zone: days, weeks, months, quarters and years.
fn days(a: i128, b: i128, times: (Span, Span), seasons: bool) -> bool {
    let slip = (b - a + HOUR).rem_euclid(DAY) - HOUR;
    if slip != 0 && !(seasons && slip.abs() == HOUR) {
        return false;
    }
    let apart = b - a - slip;
    if steps(apart, DAY, QUARTER, times)
        || (apart % WEEK == 0 && steps(apart, WEEK, QUARTER, times))
    {
        return true;
    }
    // Which day it is where the service is: the one that ends or the one that begins in UTC.
    [0, DAY - 1, DAY, 2 * DAY - 1].into_iter().any(|up| {
        let (a, b) = (
            civil((a + up).div_euclid(DAY)),
            civil((b + up).div_euclid(DAY)),
        );
        let firsts = a.2 == 1 && b.2 == 1;
        firsts && months(month(a), month(b), times)
    })
}

/// Whether so many months are between them as between the times in some zone; or so many quarters,
/// or years, where both begin one.
fn months(a: i128, b: i128, (recorded, replayed): (Span, Span)) -> bool {
    let mut zones = (-WEST..=EAST).map(|quarters| quarters * QUARTER);
    zones.any(|zone| {
        let of = |at: i128| month(civil((at + zone).div_euclid(DAY)));
        let fewest = of(replayed.from) - of(recorded.to);
        let most = of(replayed.to) - of(recorded.from);
        [1, 3, 12].into_iter().any(|unit| {
            let on = a.rem_euclid(unit) == 0 && b.rem_euclid(unit) == 0;
            on && within((b - a) / unit, fewest, most, unit)
        })
    })
}

fn month((year, month, _): (i128, i128, i128)) -> i128 {
    year * 12 + month - 1
}

/// Whether a distance is of so many units as the times are apart. Boundaries lie on the grid.
fn steps(apart: i128, unit: i128, grid: i128, (recorded, replayed): (Span, Span)) -> bool {
    let number = |at: i128| at.div_euclid(grid);
    let fewest = number(replayed.from) - number(recorded.to);
    let most = number(replayed.to) - number(recorded.from);
    apart % unit == 0 && within(apart / unit, fewest, most, unit / grid)
}

/// Whether a count of units is one that a distance between the fewest and the most parts may have.
fn within(count: i128, fewest: i128, most: i128, parts: i128) -> bool {
    let up = -(-most).div_euclid(parts);
    (fewest.div_euclid(parts)..=up).contains(&count)
}
