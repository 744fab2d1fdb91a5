//! Moments (RFC 3339, UTC, nanoseconds) and durations (`12.3ms`) in text, exact to the
//! nanosecond both ways.

use retake_model::Timestamp;
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::problem::custom;

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// A moment in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment(pub(crate) Timestamp);

/// A duration in a file, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span(pub(crate) u64);

/// `2026-03-01T10:20:30.123456789Z`.
pub(crate) fn format_moment(at: Timestamp) -> String {
    let seconds = at.0 / NANOS;
    let (year, month, day) = civil_from_days(seconds / DAY);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let nanos = at.0 % NANOS;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

/// `12.3ms`: the largest unit that leaves no leading zero, and no more digits than it needs.
pub(crate) fn format_span(nanos: u64) -> String {
    let (unit, name, digits) = match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => (1, "ns", 0),
        1_000..1_000_000 => (1_000, "us", 3),
        1_000_000..NANOS => (1_000_000, "ms", 6),
        _ => (NANOS, "s", 9),
    };
    let mut text = (nanos / unit).to_string();
    let (mut fraction, mut digits) = (nanos % unit, digits);
    if fraction > 0 {
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        let fraction = fraction.to_string();
        text.push('.');
        text.extend(std::iter::repeat_n('0', digits - fraction.len()));
        text.push_str(&fraction);
    }
    text.push_str(name);
    text
}

/// Reads what [`format_moment`] writes; up to nine digits of a second, `Z` only.
fn parse_moment(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut date = date.splitn(3, '-').zip([4, 2, 2]);
    let mut next = || date.next().and_then(|(part, len)| digits(part, len));
    let (year, month, day) = (next()?, next()?, next()?);
    let mut clock = clock.splitn(3, ':').zip([2, 2, 2]);
    let mut next = || clock.next().and_then(|(part, len)| digits(part, len));
    let (hour, minute, second) = (next()?, next()?, next()?);
    let days = days_from_civil(year, month, day)?;
    if hour > 23 || minute > 59 || second > 59 || fraction.len() > 9 {
        return None;
    }
    if time.contains('.') && fraction.is_empty() {
        return None;
    }
    let nanos = digits(&format!("{fraction:0<9}"), 9)?;
    let seconds = days
        .checked_mul(DAY)?
        .checked_add(hour * 3600 + minute * 60 + second)?;
    seconds
        .checked_mul(NANOS)?
        .checked_add(nanos)
        .map(Timestamp)
}

/// Reads `90s`, `250ms`, `1.5m`, `2h`, in nanoseconds.
pub(crate) fn parse_span(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let unit = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => NANOS,
        "m" | "min" => 60 * NANOS,
        "h" => 3600 * NANOS,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = digits(whole, whole.len())?;
    let places = u32::try_from(fraction.len()).ok()?;
    let scale = 10u64.checked_pow(places)?;
    let part = u128::from(digits(fraction, fraction.len())?) * u128::from(unit);
    // Finer than a nanosecond is not a duration that can be kept.
    if part % u128::from(scale) != 0 {
        return None;
    }
    whole
        .checked_mul(unit)?
        .checked_add(u64::try_from(part / u128::from(scale)).ok()?)
}

fn digits(text: &str, len: usize) -> Option<u64> {
    let good = !text.is_empty() && text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. The year is
/// taken to begin in March, so that the leap day is its last (Howard Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`).
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// The day, counted from 1970-01-01; none for a day before, or one that is not in the calendar.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let y = year - u64::from(month <= 2);
    let era = y / 400;
    let yoe = y % 400;
    let mp = if month > 2 { month - 3 } else { month + 9 };
    let doy = (153 * mp + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    let days = (era * 146_097 + doe).checked_sub(719_468)?;
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Moment;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a moment such as 2026-03-01T10:20:30.123456789Z")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Moment, E> {
                parse_moment(text)
                    .map(Moment)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Span;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration such as 30s or 250ms")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                parse_span(text)
                    .map(Span)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Span, E> {
                Err(custom(
                    format!("`{number}` has no unit"),
                    "a duration such as 30s or 250ms",
                    Some(format!("write `{number}s` for seconds")),
                ))
            }
        }
        deserializer.deserialize_any(V)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_exact_both_ways() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00.000000000Z", 0),
            ("2000-02-29T23:59:59.000000001Z", 951_868_799_000_000_001),
            ("2026-03-01T10:20:30.123456789Z", 1_772_360_430_123_456_789),
            ("2554-07-21T23:34:33.709551615Z", u64::MAX),
        ] {
            assert_eq!(format_moment(Timestamp(nanos)), text);
            assert_eq!(parse_moment(text), Some(Timestamp(nanos)), "{text}");
        }
        assert_eq!(parse_moment("1970-01-01T00:00:01Z"), Some(Timestamp(NANOS)));
        for bad in [
            "",
            "Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "1969-12-31T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T10:20:30",
            "2026-03-01T10:20:30.Z",
            "2026-03-01T10:20:30.1234567890Z",
            "2554-07-21T23:34:33.709551616Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_are_exact_both_ways() {
        for (text, nanos) in [
            ("0s", 0),
            ("999ns", 999),
            ("1us", 1_000),
            ("12.3ms", 12_300_000),
            ("1.000000001s", 1_000_000_001),
            ("18446744073.709551615s", u64::MAX),
        ] {
            assert_eq!(format_span(nanos), text);
            assert_eq!(parse_span(text), Some(nanos), "{text}");
        }
        assert_eq!(parse_span("1.5m"), Some(90 * NANOS));
        assert_eq!(parse_span("2h"), Some(7200 * NANOS));
        for bad in [
            "", "30", "s", "1.s", ".5s", "-1s", "1 s", "0.5ns", "1d", "1..2s",
        ] {
            assert_eq!(parse_span(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_of_eight_centuries_comes_back() {
        for day in 0..213_503 {
            let (y, m, d) = civil_from_days(day);
            assert_eq!(days_from_civil(y, m, d), Some(day));
        }
    }
}
