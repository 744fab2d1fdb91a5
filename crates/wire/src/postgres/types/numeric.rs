//! `numeric`: base-10000 digits with a weight, a sign and a display scale
//! (`numeric_send`, src/backend/utils/adt/numeric.c).

use super::cursor::Cursor;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
/// The values without digits: sign, the display scale that a server sends with it (it reads the
/// bits of its short header, where there is none), text.
const SPECIAL: &[(u16, u16, &str)] = &[
    (0xC000, 0, "NaN"),
    (0xD000, 0x20, "Infinity"),
    (0xF000, 0x20, "-Infinity"),
];
/// Digits after the point at most (`NUMERIC_DSCALE_MAX`).
const MAX_SCALE: usize = 0x3FFF;

pub(super) fn to_text(binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let (count, weight) = (cursor.u16()?, cursor.i16()?);
    let (sign, scale) = (cursor.u16()?, cursor.u16()?);
    let mut groups = Vec::with_capacity(cursor.left() / 2);
    for _ in 0..count {
        groups.push(cursor.u16().filter(|group| *group < 10_000)?);
    }
    cursor.end()?;
    if let Some((.., text)) = SPECIAL.iter().find(|(special, ..)| *special == sign) {
        return Some((*text).to_owned());
    }
    let scale = usize::from(scale);
    if !matches!(sign, POSITIVE | NEGATIVE) || scale > MAX_SCALE {
        return None;
    }
    let mut text = String::from(if sign == NEGATIVE { "-" } else { "" });
    // The group for 10000^power; groups that are not there are zero.
    let group = |power: i32| {
        usize::try_from(i32::from(weight).checked_sub(power)?)
            .ok()
            .and_then(|at| groups.get(at))
            .copied()
    };
    if weight < 0 {
        text.push('0');
    }
    for power in (0..=i32::from(weight)).rev() {
        let group = group(power).unwrap_or(0);
        if power == i32::from(weight) {
            text.push_str(&group.to_string());
        } else {
            text.push_str(&format!("{group:04}"));
        }
    }
    if scale > 0 {
        let mut fraction = String::with_capacity(scale.saturating_add(4));
        let mut power = -1;
        while fraction.len() < scale {
            fraction.push_str(&format!("{:04}", group(power).unwrap_or(0)));
            power -= 1;
        }
        fraction.truncate(scale);
        text.push('.');
        text.push_str(&fraction);
    }
    Some(text)
}

pub(super) fn to_binary(text: &str) -> Option<Vec<u8>> {
    if let Some((sign, scale, _)) = SPECIAL.iter().find(|(.., name)| *name == text) {
        return Some(encode(&[], 0, *sign, *scale));
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (NEGATIVE, rest),
        None => (POSITIVE, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let empty = whole.is_empty() && fraction.is_empty();
    if empty || !is_digits(whole) || !is_digits(fraction) || fraction.len() > MAX_SCALE {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let lead = (4 - whole.len() % 4) % 4;
    let trail = (4 - fraction.len() % 4) % 4;
    let aligned = [
        &"000"[..lead.min(3)],
        whole,
        fraction,
        &"000"[..trail.min(3)],
    ]
    .concat();
    let mut groups: Vec<u16> = Vec::with_capacity(aligned.len() / 4);
    for group in aligned.as_bytes().as_chunks::<4>().0 {
        groups.push(std::str::from_utf8(group).ok()?.parse().ok()?);
    }
    let mut weight = i32::try_from(whole.len().div_ceil(4)).ok()? - 1;
    // The canonical form has no zero groups at either end.
    let leading = groups.iter().take_while(|g| **g == 0).count();
    groups.drain(..leading);
    weight -= i32::try_from(leading).ok()?;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let scale = u16::try_from(fraction.len()).ok()?;
    if groups.is_empty() {
        return Some(encode(&[], 0, POSITIVE, scale));
    }
    let weight = i16::try_from(weight).ok()?;
    (groups.len() <= usize::from(u16::MAX)).then(|| encode(&groups, weight, sign, scale))
}

fn encode(groups: &[u16], weight: i16, sign: u16, scale: u16) -> Vec<u8> {
    let count = u16::try_from(groups.len()).unwrap_or(u16::MAX);
    let mut out = Vec::with_capacity(groups.len().saturating_mul(2).saturating_add(8));
    out.extend(count.to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(scale.to_be_bytes());
    out.extend(groups.iter().flat_map(|g| g.to_be_bytes()));
    out
}
