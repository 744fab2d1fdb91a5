//! Ranges and multiranges: `[1,10)`, `{[1,2),[5,8)}`
//! (`range_send` and `range_out`, src/backend/utils/adt/rangetypes.c).

use super::array::is_space;
use super::cursor::{Cursor, put_field};
use super::{to_binary, to_text};

// `RANGE_EMPTY` and the others, src/include/utils/rangetypes.h.
const EMPTY: u8 = 0x01;
const LOWER_INCLUSIVE: u8 = 0x02;
const UPPER_INCLUSIVE: u8 = 0x04;
const LOWER_INFINITE: u8 = 0x08;
const UPPER_INFINITE: u8 = 0x10;

pub(super) fn range_text(bound: u32, binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let flags = cursor.u8()?;
    if flags & EMPTY != 0 {
        cursor.end()?;
        return Some("empty".to_owned());
    }
    let has = |flag: u8| flags & flag != 0;
    let mut text = String::from(if has(LOWER_INCLUSIVE) { "[" } else { "(" });
    if !has(LOWER_INFINITE) {
        text.push_str(&quoted(to_text(bound, cursor.field()??)?));
    }
    text.push(',');
    if !has(UPPER_INFINITE) {
        text.push_str(&quoted(to_text(bound, cursor.field()??)?));
    }
    cursor.end()?;
    text.push(if has(UPPER_INCLUSIVE) { ']' } else { ')' });
    Some(text)
}

pub(super) fn range_binary(bound: u32, text: &str) -> Option<Vec<u8>> {
    let (range, rest) = read_range(bound, text)?;
    rest.is_empty().then_some(range)
}

pub(super) fn multirange_text(bound: u32, binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let count = usize::try_from(cursor.i32()?).ok()?;
    let mut ranges = Vec::with_capacity(count.min(cursor.left() / 4));
    for _ in 0..count {
        ranges.push(range_text(bound, cursor.field()??)?);
    }
    cursor.end()?;
    Some(format!("{{{}}}", ranges.join(",")))
}

pub(super) fn multirange_binary(bound: u32, text: &str) -> Option<Vec<u8>> {
    let mut rest = text.strip_prefix('{')?;
    let mut count = 0_i32;
    let mut fields = Vec::new();
    while rest != "}" {
        if count > 0 {
            rest = rest.strip_prefix(',')?;
        }
        let (range, behind) = read_range(bound, rest)?;
        put_field(&mut fields, Some(&range))?;
        count = count.checked_add(1)?;
        rest = behind;
    }
    let mut out = count.to_be_bytes().to_vec();
    out.extend(fields);
    Some(out)
}

/// One range and the text behind it.
fn read_range(bound: u32, text: &str) -> Option<(Vec<u8>, &str)> {
    if let Some(rest) = text.strip_prefix("empty") {
        return Some((vec![EMPTY], rest));
    }
    let mut flags = match text.chars().next()? {
        '[' => LOWER_INCLUSIVE,
        '(' => 0,
        _ => return None,
    };
    let (lower, rest) = read_bound(text.get(1..)?, &[','])?;
    let (upper, rest) = read_bound(rest.strip_prefix(',')?, &[']', ')'])?;
    if rest.starts_with(']') {
        flags |= UPPER_INCLUSIVE;
    }
    let mut fields = Vec::new();
    for (value, infinite) in [(lower, LOWER_INFINITE), (upper, UPPER_INFINITE)] {
        match value {
            Some(value) => put_field(&mut fields, Some(&to_binary(bound, &value)?))?,
            None => flags |= infinite,
        }
    }
    let mut out = vec![flags];
    out.extend(fields);
    Some((out, rest.get(1..)?))
}

/// One bound, none where it is infinite, and the text from its end on.
fn read_bound<'a>(text: &'a str, ends: &[char]) -> Option<(Option<String>, &'a str)> {
    let mut value = String::new();
    let (mut quotes, mut present) = (false, false);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            '"' if quotes && text.get(at.checked_add(1)?..)?.starts_with('"') => {
                chars.next();
                value.push('"');
            }
            '"' => quotes = !quotes,
            c if !quotes && ends.contains(&c) => {
                return Some((present.then_some(value), text.get(at..)?));
            }
            c => value.push(c),
        }
        present = true;
    }
    None
}

/// Quotes a bound where its text could be read otherwise.
fn quoted(text: String) -> String {
    let special = |c: char| matches!(c, '"' | '\\' | '(' | ')' | '[' | ']' | ',') || is_space(c);
    if !text.is_empty() && !text.chars().any(special) {
        return text;
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('"');
    out
}
