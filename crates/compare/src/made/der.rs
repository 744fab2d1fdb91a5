//! Keys and certificates that a service makes: DER in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The shortest one that is looked for, in bytes: what is shorter is random text by its letters.
const SHORTEST: usize = 260;

/// Lengths that differ by less stand for each other, in bytes: each number in a key is now and then a
/// byte shorter.
const ABOUT: usize = 64;

/// The length in letters of the base64 that the bytes begin with, where it is a sequence of DER (X.690,
/// 8.9) from its first to its last byte: a key, a certificate.
pub(super) fn length(rest: &[u8]) -> Option<usize> {
    let bytes = bytes(rest)?;
    let letters = bytes.div_ceil(3) * 4;
    let padding = bytes.div_ceil(3) * 3 - bytes;
    let (text, end) = rest.get(..letters)?.split_at_checked(letters - padding)?;
    let is_letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let ends = rest
        .get(letters)
        .is_none_or(|b| !is_letter(b) && *b != b'=');
    let whole = text.iter().all(is_letter) && end.iter().all(|b| *b == b'=');
    (whole && ends && bytes >= SHORTEST).then_some(letters)
}

/// How it is written, as a number: about how long it is.
pub(super) fn style(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    length(bytes).filter(|length| *length == bytes.len())?;
    let about = (self::bytes(bytes)? + ABOUT / 4) / ABOUT;
    u64::try_from(about).ok().map(|about| 1 << 40 | about)
}

/// How many bytes a sequence has that begins there, its head among them.
fn bytes(rest: &[u8]) -> Option<usize> {
    let head = STANDARD.decode(rest.get(..8)?).ok()?;
    match head.as_slice() {
        // Its length is written in two bytes.
        [0x30, 0x82, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence of so many bytes, in base64.
    fn sequence(bytes: u16) -> String {
        let mut der = vec![0x30, 0x82];
        der.extend((bytes - 4).to_be_bytes());
        der.extend((4..bytes).map(|n| u8::try_from(n.wrapping_mul(77) % 251).unwrap()));
        STANDARD.encode(der)
    }

    #[test]
    fn a_key_is_a_sequence_to_its_last_byte() {
        for bytes in [1_191, 1_192, 1_193, 700] {
            let key = sequence(bytes);
            assert_eq!(length(key.as_bytes()), Some(key.len()), "{bytes}");
            let quoted = format!("{key}\"");
            assert_eq!(length(quoted.as_bytes()), Some(key.len()), "{bytes}");
            let cut = key.get(..key.len() - 4).unwrap();
            assert_eq!(length(cut.as_bytes()), None, "{bytes}");
            assert_eq!(length(format!("{key}AAAA").as_bytes()), None, "{bytes}");
        }
        assert_eq!(length(sequence(200).as_bytes()), None, "too short");
        assert_eq!(length(b"MIIplain"), None);
    }

    #[test]
    fn a_key_of_another_size_is_of_another_style() {
        let style_of = |bytes| style(&sequence(bytes));
        assert_eq!(style_of(1_191), style_of(1_193));
        assert_ne!(style_of(1_191), style_of(2_350));
        assert_eq!(style("d41d8cd98f00b204"), None);
    }
}
