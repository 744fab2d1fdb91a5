//! Signed texts, as Django's `signing` and itsdangerous write them: what was signed, the second in
//! which it was, and the signature, between colons or dots.
//!
//! The second and the signature are made. What was signed stays to be compared, but for a packed
//! one (a dot, and zlib in base64): that reads otherwise, and is of another length, whenever a value
//! in it does, so it is one value with the rest, and its style is what it says less its values.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::ZlibDecoder;

use super::scan::{is_recent, scan};

/// The length of a second since 1970, in base 62 (Django) and as four bytes in base64.
const STAMP: usize = 6;

/// The lengths of HMACs in base64: SHA-1, SHA-256, SHA-512.
const SIGNATURES: [usize; 3] = [27, 43, 86];

/// How many bytes of a packed text are read.
const UNPACKED: u64 = 64 << 10;

/// The length in bytes of the longest signed text that is looked at.
const LONGEST: usize = 16 << 10;

/// The length of the second and the signature that the bytes begin with.
pub(super) fn stamp(rest: &[u8]) -> Option<usize> {
    let second = match rest.get(..=STAMP)?.split_last()? {
        (b':', second) => base62(second)?,
        (b'.', second) => bytes(second)?,
        _ => return None,
    };
    let signature = run(rest.get(STAMP + 1..)?);
    let fits = is_recent(second) && SIGNATURES.contains(&signature);
    fits.then_some(STAMP + 1 + signature)
}

/// The length of the packed and signed text that the bytes begin with.
pub(super) fn packed(rest: &[u8]) -> Option<usize> {
    let (payload, after) = split(rest)?;
    let signed = stamp(rest.get(after..)?)?;
    unpacked(payload).map(|_| after + signed)
}

/// What a packed text says, less what is made in it, as a number.
pub(super) fn style(text: &str) -> Option<u64> {
    let (payload, _) = split(text.as_bytes())?;
    let text = unpacked(payload)?;
    let mut hash = blake3::Hasher::new();
    let mut end = 0;
    scan(&text, |token| {
        hash.update(text.get(end..token.start).unwrap_or_default().as_bytes());
        hash.update(&[0]);
        hash.update(token.kind.name().as_bytes());
        end = token.end();
    });
    hash.update(text.get(end..).unwrap_or_default().as_bytes());
    let mut number = [0u8; 8];
    hash.finalize_xof().fill(&mut number);
    Some(u64::from_le_bytes(number))
}

/// The payload of a packed text, and where the second begins.
fn split(rest: &[u8]) -> Option<(&[u8], usize)> {
    // What zlib writes begins so, whatever its level.
    let payload = rest.strip_prefix(b".").filter(|p| p.starts_with(b"eJ"))?;
    let payload = payload.get(..run(payload))?;
    Some((payload, payload.len() + 2))
}

fn unpacked(payload: &[u8]) -> Option<String> {
    let packed = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let mut text = String::new();
    let mut reader = ZlibDecoder::new(packed.as_slice()).take(UNPACKED);
    reader.read_to_string(&mut text).ok()?;
    Some(text)
}

/// How many letters of base64 for URLs the bytes begin with.
fn run(rest: &[u8]) -> usize {
    let letter = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    rest.iter().take(LONGEST).take_while(letter).count()
}

fn base62(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        };
        Some(number * 62 + u64::from(digit))
    })
}

fn bytes(digits: &[u8]) -> Option<u64> {
    let bytes: [u8; 4] = URL_SAFE_NO_PAD.decode(digits).ok()?.try_into().ok()?;
    Some(u64::from(u32::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::Near;
    use crate::made::leaf_tokens;

    const SIGNATURE: &str = "jocdOn9HWltxHW6Psn3wSc5v30d-9qn7o8Ckl8tXvqU";

    fn pack(text: &str) -> String {
        let mut packed = Vec::new();
        flate2::read::ZlibEncoder::new(text.as_bytes(), flate2::Compression::default())
            .read_to_end(&mut packed)
            .expect("packed");
        format!(".{}", URL_SAFE_NO_PAD.encode(packed))
    }

    fn tokens(text: &str) -> Vec<&str> {
        let found = leaf_tokens(text, Near::default());
        found.into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn the_second_and_the_signature_are_made_and_what_was_signed_is_not() {
        let made = format!("1xXwIa:{SIGNATURE}");
        assert_eq!(tokens(&format!("WzEsMl0.{made}")), [made.as_str()]);
        let made = "aSwJ5g.3vGmJfQyrLUpKQ0pEQx2mPzX9aY";
        assert_eq!(tokens(&format!("WzEsMl0.{made}")), [made]);
        assert_eq!(stamp(format!("zzzzzz:{SIGNATURE}").as_bytes()), None);
        assert_eq!(stamp(b"1xXwIa:short"), None);
    }

    #[test]
    fn a_packed_text_is_one_value_whose_style_is_what_it_says() {
        let hash = |n: u8| format!("{n:x}").repeat(2) + &"a1b2c3".repeat(5);
        let session = |hash: &str, more: &str| {
            let said = format!(r#"{{"_auth_user_id":"1","_auth_user_hash":"{hash}"{more}}}"#);
            format!("{}:1xXwIa:{SIGNATURE}", pack(&said))
        };
        let recorded = session(&hash(1), "");
        assert_eq!(tokens(&recorded), [recorded.as_str()]);
        assert_eq!(style(&recorded), style(&session(&hash(7), "")));
        assert_ne!(
            style(&recorded),
            style(&session(&hash(1), r#","admin":true"#))
        );
        let broken = recorded.replacen("eJ", "eJA", 1);
        assert_ne!(tokens(&broken), [broken.as_str()]);
    }
}
