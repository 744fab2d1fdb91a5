//! Dates and times: counts of days and microseconds from 2000-01-01 (Gregorian, proleptic).

use super::cursor::Cursor;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i64 = 10_957;
const INFINITY: &str = "infinity";
const MINUS_INFINITY: &str = "-infinity";
/// Years that are read; a server's own range (4714 BC to 294276) lies within.
const MAX_YEAR: i64 = 6_000_000;

pub(super) fn date_text(binary: &[u8]) -> Option<String> {
    match i32::from_be_bytes(binary.try_into().ok()?) {
        i32::MAX => Some(INFINITY.to_owned()),
        i32::MIN => Some(MINUS_INFINITY.to_owned()),
        days => {
            let (date, era) = date_of(i64::from(days));
            Some(date + era)
        }
    }
}

pub(super) fn date_binary(text: &str) -> Option<Vec<u8>> {
    let days = match text {
        INFINITY => i32::MAX,
        MINUS_INFINITY => i32::MIN,
        _ => {
            let (text, era) = strip_era(text);
            i32::try_from(days_of(text, era)?).ok()?
        }
    };
    Some(days.to_be_bytes().to_vec())
}

pub(super) fn time_text(binary: &[u8]) -> Option<String> {
    let micros = i64::from_be_bytes(binary.try_into().ok()?);
    (0..=MICROS_PER_DAY)
        .contains(&micros)
        .then(|| clock(micros))
}

pub(super) fn time_binary(text: &str) -> Option<Vec<u8>> {
    Some(micros_of(text)?.to_be_bytes().to_vec())
}

/// A time and its zone; the binary form counts the zone's seconds to the west.
pub(super) fn timetz_text(binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let (micros, west) = (cursor.i64()?, cursor.i32()?);
    cursor.end()?;
    if !(0..=MICROS_PER_DAY).contains(&micros) || west.unsigned_abs() >= 86_400 {
        return None;
    }
    let sign = if west > 0 { '-' } else { '+' };
    let east = west.unsigned_abs();
    let mut text = format!("{}{sign}{:02}", clock(micros), east / 3600);
    if !east.is_multiple_of(3600) {
        text.push_str(&format!(":{:02}", east / 60 % 60));
    }
    if !east.is_multiple_of(60) {
        text.push_str(&format!(":{:02}", east % 60));
    }
    Some(text)
}

pub(super) fn timetz_binary(text: &str) -> Option<Vec<u8>> {
    let (time, east) = split_zone(text)?;
    let mut out = time_binary(time)?;
    out.extend((-east?).to_be_bytes());
    Some(out)
}

pub(super) fn timestamp_text(binary: &[u8]) -> Option<String> {
    moment_text(binary, "")
}

/// In UTC: the binary form has no zone.
pub(super) fn timestamptz_text(binary: &[u8]) -> Option<String> {
    moment_text(binary, "+00")
}

pub(super) fn timestamp_binary(text: &str) -> Option<Vec<u8>> {
    moment_binary(text, false)
}

/// With any offset; without one it is UTC.
pub(super) fn timestamptz_binary(text: &str) -> Option<Vec<u8>> {
    moment_binary(text, true)
}

fn moment_text(binary: &[u8], zone: &str) -> Option<String> {
    match i64::from_be_bytes(binary.try_into().ok()?) {
        i64::MAX => Some(INFINITY.to_owned()),
        i64::MIN => Some(MINUS_INFINITY.to_owned()),
        micros => {
            let (date, era) = date_of(micros.div_euclid(MICROS_PER_DAY));
            let time = clock(micros.rem_euclid(MICROS_PER_DAY));
            Some(format!("{date} {time}{zone}{era}"))
        }
    }
}

fn moment_binary(text: &str, zoned: bool) -> Option<Vec<u8>> {
    let micros = match text {
        INFINITY => i64::MAX,
        MINUS_INFINITY => i64::MIN,
        _ => {
            let (text, era) = strip_era(text);
            let (date, time) = text.split_once([' ', 'T'])?;
            let (time, east) = split_zone(time)?;
            if east.is_some() && !zoned {
                return None;
            }
            let east = i64::from(east.unwrap_or(0)).checked_mul(MICROS_PER_SECOND)?;
            days_of(date, era)?
                .checked_mul(MICROS_PER_DAY)?
                .checked_add(micros_of(time)?)?
                .checked_sub(east)?
        }
    };
    Some(micros.to_be_bytes().to_vec())
}

/// `2026-03-01` for a count of days from 2000-01-01, and ` BC` where it needs that.
fn date_of(days: i64) -> (String, &'static str) {
    let (year, month, day) = civil(days.saturating_add(EPOCH_DAYS));
    // There is no year 0: it is 1 BC.
    let (year, era) = if year > 0 {
        (year, "")
    } else {
        (1_i64.saturating_sub(year), " BC")
    };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

/// The text without its ` BC`, and whether it had one.
fn strip_era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC") {
        Some(rest) => (rest, true),
        None => (text, false),
    }
}

/// Days from 2000-01-01 to a date that exists.
fn days_of(date: &str, bc: bool) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) = (
        number(parts.next()?, 4, 7)?,
        number(parts.next()?, 2, 2)?,
        number(parts.next()?, 2, 2)?,
    );
    if parts.next().is_some() || year == 0 || year > MAX_YEAR {
        return None;
    }
    let year = if bc { 1 - year } else { year };
    let days = days_from_civil(year, month, day);
    (civil(days) == (year, month, day)).then_some(days - EPOCH_DAYS)
}

/// `hh:mm:ss` and up to six digits of a fraction without trailing zeros.
pub(super) fn clock(micros: i64) -> String {
    let (seconds, fraction) = (micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{hours:02}:{minutes:02}:{seconds:02}");
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

/// Microseconds since midnight; `24:00:00` is the last of them.
fn micros_of(time: &str) -> Option<i64> {
    duration(time, 2, 2).filter(|micros| (0..=MICROS_PER_DAY).contains(micros))
}

/// Microseconds of `hh:mm:ss[.ffffff]` with that many digits for the hours.
pub(super) fn duration(time: &str, least: usize, most: usize) -> Option<i64> {
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':');
    let hours = number(parts.next()?, least, most)?;
    let minutes = number(parts.next()?, 2, 2).filter(|m| *m < 60)?;
    let seconds = number(parts.next()?, 2, 2).filter(|s| *s <= 60)?;
    if parts.next().is_some() {
        return None;
    }
    let micros = number(&format!("{fraction:0<6}"), 6, 6).filter(|_| !fraction.is_empty())?;
    hours
        .checked_mul(3600)?
        .checked_add(minutes * 60 + seconds)?
        .checked_mul(MICROS_PER_SECOND)?
        .checked_add(micros)
}

/// A time, and the seconds to the east of the offset behind it (`+02`, `-03:30`, `Z`).
fn split_zone(text: &str) -> Option<(&str, Option<i32>)> {
    if let Some(time) = text.strip_suffix('Z') {
        return Some((time, Some(0)));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some((text, None));
    };
    let (time, zone) = text.split_at_checked(at)?;
    let (sign, offset) = zone.split_at_checked(1)?;
    let mut east = 0;
    let mut parts = offset.split(':');
    for unit in [3600, 60, 1] {
        if let Some(part) = parts.next() {
            east += number(part, 2, 2)? * unit;
        }
    }
    if parts.next().is_some() || east >= 86_400 {
        return None;
    }
    let east = i32::try_from(east).ok()?;
    Some((time, Some(if sign == "-" { -east } else { east })))
}

/// A number of `least` to `most` digits and nothing else.
pub(super) fn number(text: &str, least: usize, most: usize) -> Option<i64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    (digits && (least..=most).contains(&text.len())).then(|| text.parse().ok())?
}

/// Year, month and day of a count of days from 1970-01-01, over eras of 400 years that begin in
/// March (so that the leap day is the last of a year).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The count of days from 1970-01-01; the reverse of [`civil`]. The year is within `MAX_YEAR`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}
