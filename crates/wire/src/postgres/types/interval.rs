//! `interval`: microseconds, days and months, each with its own sign; text in the style
//! `postgres` (`EncodeInterval`, src/backend/utils/adt/datetime.c).

use super::cursor::Cursor;
use super::moment::{clock, duration, number};

/// Infinite intervals (since version 17) have every field at its end.
const INFINITE: &[(i64, i32, i32, &str)] = &[
    (i64::MAX, i32::MAX, i32::MAX, "infinity"),
    (i64::MIN, i32::MIN, i32::MIN, "-infinity"),
];

pub(super) fn to_text(binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let (micros, days, months) = (cursor.i64()?, cursor.i32()?, cursor.i32()?);
    cursor.end()?;
    let ends = |&&(m, d, n, _): &&(i64, i32, i32, &str)| (m, d, n) == (micros, days, months);
    if let Some((.., text)) = INFINITE.iter().find(ends) {
        return Some((*text).to_owned());
    }
    let mut parts = Vec::new();
    // After a negative part a positive one is written with its sign.
    let mut negative = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count != 0 {
            let sign = if negative && count > 0 { "+" } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{sign}{count} {unit}{plural}"));
            negative = count < 0;
        }
    }
    if micros != 0 || parts.is_empty() {
        let sign = match micros {
            i64::MIN..=-1 => "-",
            _ if negative => "+",
            _ => "",
        };
        parts.push(format!("{sign}{}", clock(micros.checked_abs()?)));
    }
    Some(parts.join(" "))
}

pub(super) fn to_binary(text: &str) -> Option<Vec<u8>> {
    if let Some((micros, days, months, _)) = INFINITE.iter().find(|(.., name)| *name == text) {
        return Some(encode(*micros, *days, *months));
    }
    let (mut micros, mut days, mut months) = (0_i64, 0_i64, 0_i64);
    let mut words = text.split(' ').peekable();
    words.peek().filter(|word| !word.is_empty())?;
    while let Some(word) = words.next() {
        let (sign, size) = match (word.strip_prefix('-'), word.strip_prefix('+')) {
            (Some(size), _) => (-1, size),
            (_, Some(size)) => (1, size),
            _ => (1, word),
        };
        if size.contains(':') {
            // The hours of 2^63 microseconds have ten digits.
            micros = duration(size, 2, 10)?.checked_mul(sign)?;
            words.peek().is_none().then_some(())?;
            break;
        }
        let count = number(size, 1, 10)?.checked_mul(sign)?;
        match words.next()?.trim_end_matches('s') {
            "year" => months = months.checked_add(count.checked_mul(12)?)?,
            "mon" => months = months.checked_add(count)?,
            "day" => days = days.checked_add(count)?,
            _ => return None,
        }
    }
    let (days, months) = (i32::try_from(days).ok()?, i32::try_from(months).ok()?);
    Some(encode(micros, days, months))
}

fn encode(micros: i64, days: i32, months: i32) -> Vec<u8> {
    let mut out = micros.to_be_bytes().to_vec();
    out.extend(days.to_be_bytes());
    out.extend(months.to_be_bytes());
    out
}
