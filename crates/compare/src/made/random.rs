//! Random text: tokens, nonces, digests and signatures of no form that names itself.
//!
//! Told by its letters alone: long, without a space, and changing between digits and letters, or
//! between lower and upper case, as words and identifiers do not.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::unlike::{is_unlike_words, odd_pairs};

/// The length in bytes of the shortest random text in hex digits.
const SHORTEST_HEX: usize = 16;

/// The length in bytes of the shortest random text of other letters.
const SHORTEST: usize = 20;

/// The length in bytes of the shortest random text behind a word that says what it is of.
const SHORTEST_PREFIXED: usize = 16;

/// The length in bytes of the shortest path before random text: base64 hardly begins like one.
const SHORTEST_PATH: usize = 6;

/// The length in bytes of the longest random text of any letters: what is longer is content.
const LONGEST: usize = 512;

/// The length in bytes of the longest one in base64 for URLs, which content is hardly written in: what
/// is encrypted, and keys.
const LONGEST_URL: usize = 16 << 10;

/// The length of the random text that the bytes begin with, whose first `run` bytes are letters
/// and digits. `before` is the byte before it: what begins in the middle of a word is no random text.
pub(super) fn length(rest: &[u8], run: usize, before: Option<u8>) -> Option<usize> {
    let word = rest.get(..run)?;
    if is_hex(word) {
        return Some(run);
    }
    if let Some(length) = numbered(rest).filter(|_| before.is_none_or(|b| !is_host_letter(b))) {
        return Some(length);
    }
    let starts = before.is_none_or(|b| !is_url_letter(b));
    let apart = !matches!(before, Some(b'+' | b'/'));
    let long = (starts && apart).then(|| padded(rest)).flatten();
    let long = long.or_else(|| starts.then(|| base64url(rest)).flatten());
    long.or_else(|| is_base36(word).then_some(run))
}

/// How random text is written, as a number: its length and its letters. The length of long ones, which
/// hold something, is another one each time.
pub(super) fn style(text: &str) -> u64 {
    let bytes = text.as_bytes();
    if numbered(bytes) == Some(bytes.len()) {
        return 5;
    }
    // Which letters a short one has is chance.
    let mixed = !is_of_hex_digits(bytes);
    let is_known = || bytes.len() >= SHORTEST || !mixed || is_prefixed(bytes);
    let short = bytes.len() < SHORTEST_PREFIXED || !is_known();
    let letters = match Counted::of(bytes) {
        _ if short && mixed => 7,
        _ if short => 6,
        Counted { lower: 0, .. } if is_hex(bytes) => 0,
        _ if is_hex(bytes) => 1,
        Counted { lower: 0, .. } => 2,
        Counted { upper: 0, .. } => 3,
        _ => 4,
    };
    let length = match bytes.len() {
        short @ ..=LONGEST => u64::try_from(short).unwrap_or_default(),
        _ => 0,
    };
    length << 3 | letters
}

/// The length of a request's id that begins there, as chi (a router of Go) makes it: the name of the
/// machine, ten letters and digits of the process, and the number of the request in it.
fn numbered(rest: &[u8]) -> Option<usize> {
    let host = rest.iter().take_while(|b| is_host_letter(**b)).count();
    let behind = rest.get(host..)?.strip_prefix(b"/")?;
    let (process, number) = (behind.get(..10)?, behind.get(10..)?.strip_prefix(b"-")?);
    let digits = number.iter().take_while(|b| b.is_ascii_digit()).count();
    let ends = !number.get(digits).is_some_and(|b| is_host_letter(*b));
    let counted = Counted::of(process);
    let of_two = [counted.digits, counted.lower, counted.upper];
    let mixed = of_two.iter().filter(|count| **count > 0).count() > 1;
    let is_word = counted.upper == 1 && counted.lower == 9 && process.first()?.is_ascii_uppercase();
    let letters = process.iter().all(u8::is_ascii_alphanumeric);
    let all = (1..=64).contains(&host) && (6..=12).contains(&digits) && letters;
    (all && mixed && !is_word && ends).then_some(host + 1 + 10 + 1 + digits)
}

fn is_host_letter(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')
}

/// The text that base64 stands for, where it is readable: then it was not made at random.
pub(super) fn readable(word: &str) -> Option<String> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let standard: String = word
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    let text = String::from_utf8(ENGINE.decode(standard).ok()?).ok()?;
    let printable = |c: char| !c.is_control() || c.is_ascii_whitespace();
    text.chars().all(printable).then_some(text)
}

/// Hex digits of one case, both digits and letters among them.
fn is_hex(word: &[u8]) -> bool {
    let fits = (SHORTEST_HEX..=LONGEST).contains(&word.len());
    fits && word.iter().all(u8::is_ascii_hexdigit) && {
        let counted = Counted::of(word);
        counted.digits > 0 && (counted.lower == 0) != (counted.upper == 0)
    }
}

/// Digits and letters of one case, in turns, or letters that make no words.
fn is_base36(word: &[u8]) -> bool {
    (SHORTEST..=LONGEST).contains(&word.len()) && {
        let counted = Counted::of(word);
        let in_turns = counted.digits >= 3 && counted.changes >= 3;
        (counted.lower == 0) != (counted.upper == 0)
            && (in_turns || !is_of_hex_digits(word) && is_unlike_words(word))
    }
}

fn is_of_hex_digits(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_hexdigit)
}

/// Base64 before its padding (RFC 4648, section 4), which reads otherwise in a URL.
fn padded(rest: &[u8]) -> Option<usize> {
    let is_letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let letters = rest
        .iter()
        .take(LONGEST)
        .take_while(|b| is_letter(b))
        .count();
    let signs = rest.get(letters..)?.iter().take_while(|b| **b == b'=');
    let length = letters + signs.count().min(2);
    let whole = length > letters && length.is_multiple_of(4) && length > SHORTEST;
    let word = rest.get(..letters)?;
    (whole && !is_in_path(word) && is_mixed(word)).then_some(letters)
}

/// Whether base64 begins behind a slash of a path, as in `8080/proxy/X2zdPYWz…`: then a slash is none
/// of its letters. Before it are segments of digits, or of letters of one case.
fn is_in_path(word: &[u8]) -> bool {
    let is_plain = |segment: &[u8]| {
        let counted = Counted::of(segment);
        let kinds = [counted.digits, counted.lower, counted.upper];
        kinds.contains(&segment.len())
    };
    let mut segments = word.split(|b| *b == b'/');
    let plain = segments.by_ref().take_while(|one| is_plain(one));
    plain.map(|one| one.len() + 1).sum::<usize>() >= SHORTEST_PATH
}

/// Base64 for URLs without padding, and letters and digits of both cases.
fn base64url(rest: &[u8]) -> Option<usize> {
    let word = rest.iter().take(LONGEST_URL + 1);
    let length = word.take_while(|b| is_url_letter(**b)).count();
    let word = rest.get(..length)?;
    let is_for_urls = || word.contains(&b'-') && word.contains(&b'_');
    let fits = (SHORTEST..=LONGEST_URL).contains(&length)
        && (length <= LONGEST || is_for_urls() && !goes_on_in_base64(rest.get(length)));
    // What is of another length each time has another padding, too.
    let padding = match length > LONGEST {
        true => padding(rest.get(length..)?),
        false => 0,
    };
    (fits && (is_mixed(word) || is_prefixed(word))).then_some(length + padding)
}

/// The length of the padding of base64 that stands there, as it is or as in a URL.
fn padding(rest: &[u8]) -> usize {
    let one = |rest: &[u8]| match rest {
        [b'=', ..] => 1,
        [b'%', b'3', b'D' | b'd', ..] => 3,
        _ => 0,
    };
    let first = one(rest);
    first + rest.get(first..).filter(|_| first > 0).map_or(0, one)
}

fn goes_on_in_base64(next: Option<&u8>) -> bool {
    matches!(next, Some(b'+' | b'/' | b'.'))
}

/// A short word that says what it is of, and random text: `ord_VxPkjIXrrnhh_mea`. Names of several
/// words begin likewise, but the rest of theirs reads as words.
fn is_prefixed(word: &[u8]) -> bool {
    let Some(end) = word.iter().position(|b| matches!(b, b'-' | b'_')) else {
        return false;
    };
    let (prefix, rest) = (
        word.get(..end).unwrap_or_default(),
        word.get(end + 1..).unwrap_or_default(),
    );
    let named = (2..=8).contains(&end) && prefix.iter().all(u8::is_ascii_alphabetic);
    let (odd, counted) = (odd_pairs(rest), Counted::of(rest));
    let cases = counted.upper.min(counted.lower);
    named
        && rest.len() >= SHORTEST_PREFIXED
        && (is_mixed(rest) || cases >= 2 && odd >= 3 || cases >= 1 && odd >= 5)
}

pub(super) fn is_url_letter(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
}

/// Letters of both cases and digits, in no order or in one that makes no words. Without a digit,
/// words of one case between hyphens make it a name.
fn is_mixed(word: &[u8]) -> bool {
    let counted = Counted::of(word);
    let letters = counted.upper >= 2 && counted.lower >= 2;
    let of_one_case = |part: &[u8]| {
        let counted = Counted::of(part);
        part.len() > 2 && (counted.upper == 0 || counted.lower == 0)
    };
    let in_turns = match counted.digits {
        0 => {
            (counted.pairs >= 3 || counted.pairs >= 1 && counted.rises >= 3)
                && !word.split(|b| !b.is_ascii_alphanumeric()).any(of_one_case)
        }
        _ => counted.turns() >= 2,
    };
    letters && (in_turns || is_unlike_words(word))
}

#[derive(Default)]
struct Counted {
    digits: usize,
    lower: usize,
    upper: usize,
    /// How often a digit and a letter stand beside each other.
    changes: usize,
    /// How often two upper-case letters stand beside each other.
    pairs: usize,
    /// How often an upper-case letter follows a lower-case one.
    rises: usize,
}

impl Counted {
    fn of(word: &[u8]) -> Self {
        let mut counted = Counted::default();
        let mut last = 0u8;
        for b in word {
            match b {
                b'0'..=b'9' => counted.digits += 1,
                b'a'..=b'z' => counted.lower += 1,
                b'A'..=b'Z' => counted.upper += 1,
                _ => {}
            }
            let changes = b.is_ascii_digit() != last.is_ascii_digit()
                && b.is_ascii_alphanumeric()
                && last.is_ascii_alphanumeric();
            let both_upper = b.is_ascii_uppercase() && last.is_ascii_uppercase();
            counted.changes += usize::from(changes);
            counted.pairs += usize::from(both_upper);
            counted.rises += usize::from(b.is_ascii_uppercase() && last.is_ascii_lowercase());
            last = *b;
        }
        counted
    }

    /// What words and names in camel case hardly have.
    fn turns(&self) -> usize {
        self.changes + self.pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        let run = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let found = length(text.as_bytes(), run, None);
        let letters = text.trim_end_matches('=').len();
        assert_eq!(found, expected.then_some(letters), "{text}");
    }

    #[test]
    fn tells_random_text_from_words_by_its_letters() {
        for random in [
            "d41d8cd98f00b204",
            "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "V1StGXR8_Z5jdHi6B-myT",
            "Drmhze6EPcv0fN_81Bj-nA",
            "-TJeEYzLDNgvUfCwJSMlDi1M3I_MCtkWLsBmPL1SLDs",
            "gSxNUnhMgKwQbTzRvLpYf",
            "cl9ebqhxk00003b600tymydho",
            "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            "tzkawqxxatp7wszbrgjhvqad",
            "JBSWYKZQGXTLMVCWPRHFNQZD",
            "ord_qkVxZtJwRbNfGhXs",
            "ord_neGtZxkTEFeFinBE",
            "ord_gYtYDPMBFyaagTon",
            "ord_AhDVs__WtnwzWYpp",
            "ord_uyVinOYxW_tBTz_x",
        ] {
            check(random, true);
        }
        for word in [
            "internationalization",
            "getUserNameByIdAndAgeOfOthers",
            "Access-Control-Allow-Origin",
            "UPPER_CASE_and_lower_case",
            "IllegalArgumentException",
            "release-2026-build-77-of-main",
            "1234567890123456789012",
            "deadbeefdeadbeef",
            "deadbeefcafebabefeedbeef",
            "6ba7b811-9dad-51d1-80b4-00c04fd430c8",
            "PKCS5_PBKDF2_HMAC_SHA1",
            "my-product-title-x8k2q9z4",
            "add_It-Tnejn_It-Tlieta_L-Erbg",
            "nkalo_Zuluyekalo_Utikalo_S",
            "app_GetUserNameByIdAndAge",
            "Mozilla5AppleWebKit",
            "order_lines_1_items_updated_at_2",
            "application/x-www-form-urlencoded",
        ] {
            check(word, false);
        }
        check(&"aB3".repeat(200), false);
    }

    #[test]
    fn base64_behind_a_path_does_not_begin_with_that() {
        for (text, length_of_all) in [
            (
                "15961/proxy/X2zdPYWzVzDTxMwPXiB3YrfbUx5tCuHCSn140GQS32w=",
                None,
            ),
            (
                "image/X2zdPYWzVzDTxMwPXiB3YrfbUx5tCuHCSn140GQS32wA4xQ=",
                None,
            ),
            (
                "ab4/proxy/2zdPYWzVzDTxMwPXiB3YrfbUx5tCuHCSn140GQS3==",
                Some(50),
            ),
            (
                "15/6/x2z/PYWzVzDTxMwPXiB3YrfbUx5tCuHCSn140GQS/2wa=Q==",
                None,
            ),
            ("n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", Some(43)),
        ] {
            let run = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
            assert_eq!(
                length(text.as_bytes(), run, Some(b':')),
                length_of_all,
                "{text}"
            );
        }
    }

    #[test]
    fn knows_the_number_of_a_request_behind_the_name_of_a_machine_and_a_process() {
        let id = "vm/gg48xyxudV-000190";
        for (text, whole) in [
            (id, true),
            ("shop-7d9f8b6c5d-x2k4p/QmRzTwYxBv-1000190", true),
            ("items/Categories-000190", false),
            ("items/categories-000190", false),
            ("items/Kx48xyxudV-190", false),
            ("items/Kx48xyxudV-000190-b", false),
        ] {
            let run = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let found = length(text.as_bytes(), run, None);
            assert_eq!(found, whole.then_some(text.len()), "{text}");
        }
        assert_eq!(style(id), style("ci-7/Zx91xyxudV-000007"));
        assert_ne!(style(id), style("d41d8cd98f00b2049800"));
    }

    #[test]
    fn base64_of_a_text_is_readable() {
        let check = |word: &str, text: Option<&str>| {
            assert_eq!(readable(word).as_deref(), text, "{word}");
        };
        check(
            "eyJwYWdlIjozLCJzb3J0IjoibmFtZSJ9",
            Some(r#"{"page":3,"sort":"name"}"#),
        );
        check(
            "eyJwYWdlIjozLCJzb3J0IjoibmFtIn0=",
            Some(r#"{"page":3,"sort":"nam"}"#),
        );
        check("n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg", None);
    }

    #[test]
    fn long_base64_for_urls_may_have_another_length() {
        let long = |turns: usize| "4Tz6uZfS5Le7-nKVApVaBXMICWd_w1N0".repeat(turns);
        check(&long(36), true);
        check(&long(600), false);
        check(&"4Tz6uZfS5Le7nKVApVaBXMICWdw1N0AN".repeat(36), false);
        check(&long(36).replace('-', "+"), false);
        for padding in ["=", "==", "%3D%3D"] {
            let padded = long(36) + padding;
            assert_eq!(length(padded.as_bytes(), 12, None), Some(padded.len()));
            assert_eq!(style(&padded), style(&long(37)));
        }
        assert_eq!(style(&long(36)), style(&long(37)));
        assert_ne!(style(&long(4)), style(&long(5)));
    }

    #[test]
    fn random_text_of_another_length_or_other_letters_is_of_another_style() {
        let style_of = |text| style(text);
        assert_eq!(style_of("d41d8cd98f00b204"), style_of("0123456789abcdef"));
        assert_ne!(style_of("d41d8cd98f00b204"), style_of("d41d8cd98f00b2049"));
        assert_ne!(style_of("d41d8cd98f00b204"), style_of("D41D8CD98F00B204"));
        assert_eq!(
            style_of("V1StGXR8_Z5jdHi6B-myT"),
            style_of("V1StGXR8aZ5jdHi6B1myT")
        );
    }
}
