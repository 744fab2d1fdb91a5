//! Truth values, whole numbers, text, bytes, UUIDs and their like.

use super::catalogue;
use super::cursor::Cursor;

pub(super) fn bool_text(binary: &[u8]) -> Option<String> {
    match binary {
        [0] => Some("f".to_owned()),
        [_] => Some("t".to_owned()),
        _ => None,
    }
}

/// Reads what a server gives (`t`, `f`) and what clients send as parameters.
pub(super) fn bool_binary(text: &str) -> Option<Vec<u8>> {
    match text {
        "t" | "true" | "1" | "on" | "yes" => Some(vec![1]),
        "f" | "false" | "0" | "off" | "no" => Some(vec![0]),
        _ => None,
    }
}

/// A number of a fixed width, big-endian, in decimal.
macro_rules! number {
    ($text:ident, $binary:ident, $t:ty) => {
        pub(super) fn $text(binary: &[u8]) -> Option<String> {
            Some(<$t>::from_be_bytes(binary.try_into().ok()?).to_string())
        }
        pub(super) fn $binary(text: &str) -> Option<Vec<u8>> {
            Some(text.parse::<$t>().ok()?.to_be_bytes().to_vec())
        }
    };
}
number!(int2_text, int2_binary, i16);
number!(int4_text, int4_binary, i32);
number!(int8_text, int8_binary, i64);
number!(u32_text, u32_binary, u32);
number!(u64_text, u64_binary, u64);

pub(super) fn text_text(binary: &[u8]) -> Option<String> {
    // PostgreSQL has no text with a zero byte.
    let text = std::str::from_utf8(binary).ok()?;
    (!text.contains('\0')).then(|| text.to_owned())
}

pub(super) fn text_binary(text: &str) -> Option<Vec<u8>> {
    (!text.contains('\0')).then(|| text.as_bytes().to_vec())
}

/// `"char"`: one byte; zero is the empty text, bytes beyond ASCII are `\ooo` (since version 16).
pub(super) fn char_text(binary: &[u8]) -> Option<String> {
    match binary {
        [0] => Some(String::new()),
        [byte] if byte.is_ascii() => Some(char::from(*byte).to_string()),
        [byte] => Some(format!("\\{byte:03o}")),
        _ => None,
    }
}

pub(super) fn char_binary(text: &str) -> Option<Vec<u8>> {
    match text.as_bytes() {
        [] => Some(vec![0]),
        [byte] => Some(vec![*byte]),
        [b'\\', octal @ ..] if octal.len() == 3 => {
            let octal = std::str::from_utf8(octal).ok()?;
            Some(vec![u8::from_str_radix(octal, 8).ok()?])
        }
        _ => None,
    }
}

/// `jsonb` and `jsonpath`: a version byte, 1, then the text.
pub(super) fn versioned_text(binary: &[u8]) -> Option<String> {
    text_text(binary.strip_prefix(&[1])?)
}

pub(super) fn versioned_binary(text: &str) -> Option<Vec<u8>> {
    let mut out = vec![1];
    out.extend(text_binary(text)?);
    Some(out)
}

pub(super) fn bytea_text(binary: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(binary.len().saturating_mul(2).saturating_add(2));
    text.push_str("\\x");
    push_hex(&mut text, binary);
    Some(text)
}

/// Reads both outputs: `hex` (`\x00ff`) and `escape` (`\000a\\`).
pub(super) fn bytea_binary(text: &str) -> Option<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        return from_hex(hex);
    }
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return Some(out),
            [b'\\', b'\\', tail @ ..] => {
                out.push(b'\\');
                tail
            }
            [
                b'\\',
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                tail @ ..,
            ] => {
                out.push(((a & 3) << 6) | ((b & 7) << 3) | (c & 7));
                tail
            }
            [b'\\', ..] => return None,
            [byte, tail @ ..] => {
                out.push(*byte);
                tail
            }
        };
    }
}

pub(super) fn uuid_text(binary: &[u8]) -> Option<String> {
    let bytes: [u8; 16] = binary.try_into().ok()?;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        push_hex(&mut text, &[*byte]);
    }
    Some(text)
}

pub(super) fn uuid_binary(text: &str) -> Option<Vec<u8>> {
    let text = text
        .strip_prefix('{')
        .and_then(|t| t.strip_suffix('}'))
        .unwrap_or(text);
    let bytes = from_hex(&text.replace('-', ""))?;
    (bytes.len() == 16).then_some(bytes)
}

/// A log position: two halves in hex.
pub(super) fn lsn_text(binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let (high, low) = (cursor.u32()?, cursor.u32()?);
    cursor.end()?;
    Some(format!("{high:X}/{low:X}"))
}

pub(super) fn lsn_binary(text: &str) -> Option<Vec<u8>> {
    let (high, low) = text.split_once('/')?;
    let mut out = u32::from_str_radix(high, 16).ok()?.to_be_bytes().to_vec();
    out.extend(u32::from_str_radix(low, 16).ok()?.to_be_bytes());
    Some(out)
}

/// The place of a row: block and offset.
pub(super) fn tid_text(binary: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(binary);
    let (block, offset) = (cursor.u32()?, cursor.u16()?);
    cursor.end()?;
    Some(format!("({block},{offset})"))
}

pub(super) fn tid_binary(text: &str) -> Option<Vec<u8>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let (block, offset) = inner.split_once(',')?;
    let mut out = block.parse::<u32>().ok()?.to_be_bytes().to_vec();
    out.extend(offset.parse::<u16>().ok()?.to_be_bytes());
    Some(out)
}

/// `regtype` for built-in types; its text is the name that `format_type` gives, or `-` for none.
pub(super) fn regtype_text(binary: &[u8]) -> Option<String> {
    match u32::from_be_bytes(binary.try_into().ok()?) {
        0 => Some("-".to_owned()),
        oid => match catalogue::entry(oid) {
            Some(entry) => Some(entry.sql_name.to_owned()),
            None => Some(format!("{}[]", catalogue::element(oid)?.sql_name)),
        },
    }
}

pub(super) fn regtype_binary(text: &str) -> Option<Vec<u8>> {
    let oid = match text.strip_suffix("[]") {
        _ if text == "-" => 0,
        Some(element) => match catalogue::by_sql_name(element)?.array {
            0 => return None,
            array => array,
        },
        None => match catalogue::by_sql_name(text) {
            Some(entry) => entry.oid,
            None => text.parse().ok()?,
        },
    };
    Some(oid.to_be_bytes().to_vec())
}

/// `regclass`, `regproc` and their like: the names are in a catalogue that is not here, so only
/// "none" has a text; a server writes an OID that it cannot name in decimal.
pub(super) fn reg_text(binary: &[u8]) -> Option<String> {
    (binary == [0; 4]).then(|| "-".to_owned())
}

pub(super) fn reg_binary(text: &str) -> Option<Vec<u8>> {
    if text == "-" {
        return Some(vec![0; 4]);
    }
    u32_binary(text)
}

/// `void`: nothing in either format.
pub(super) fn void_text(binary: &[u8]) -> Option<String> {
    binary.is_empty().then(String::new)
}

pub(super) fn void_binary(text: &str) -> Option<Vec<u8>> {
    text.is_empty().then(Vec::new)
}

/// Appends bytes as lower-case hex.
fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    pairs
        .iter()
        .map(|[a, b]| Some(digit(*a)? << 4 | digit(*b)?))
        .collect()
}
