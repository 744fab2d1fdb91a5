//! Finds values that look generated, anywhere inside a text, in one pass.

use retake_model::{Timestamp, TokenKind};

use super::der;
use super::moment::{self, DAY};
use super::password;
use super::random;
use super::secret;
use super::short::Short;
use super::signed;

/// A value that looks generated, and where it stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'t> {
    /// What kind of value it is.
    pub kind: TokenKind,
    /// Its text.
    pub text: &'t str,
    /// Its first byte in the text that was scanned.
    pub start: usize,
}

impl Token<'_> {
    /// The byte after its last one in the text that was scanned.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The moments near which a whole number is taken for a count of seconds since 1970: the time of
/// the recording and the time of the run. Where there is none, no number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Near {
    /// When it was recorded.
    pub recorded: Option<Timestamp>,
    /// When it was replayed.
    pub replayed: Option<Timestamp>,
    /// The lengths of short random text.
    pub short: Short,
}

/// Seconds within which a moment that a service makes lies around the time at which it makes it:
/// a year and some days, for what expires.
const MADE_WITHIN: i128 = 400 * DAY;

/// Seconds within which a number of ten digits, or a date without a time, is taken for a moment.
const NEAR_WITHIN: i128 = 2 * DAY;

impl Near {
    /// Around the time of the recording alone.
    pub fn recorded(at: Timestamp) -> Self {
        Near {
            recorded: Some(at),
            ..Near::default()
        }
    }

    /// The same, where short random text of these lengths is looked for.
    pub fn with(self, short: Short) -> Self {
        Near { short, ..self }
    }

    /// Whether a service may have made this token at about one of these times. Moments far from
    /// them are constants (a birthday, an epoch); ids always may. True where no time is known.
    pub fn plausible(self, kind: TokenKind, text: &str) -> bool {
        if kind != TokenKind::Timestamp || (self.recorded.is_none() && self.replayed.is_none()) {
            return true;
        }
        moment::seconds_of(text).is_none_or(|seconds| self.within(seconds, MADE_WITHIN))
    }

    fn within(self, seconds: i128, distance: i128) -> bool {
        [self.recorded, self.replayed]
            .into_iter()
            .flatten()
            .any(|at| (i128::from(at.0 / 1_000_000_000) - seconds).abs() <= distance)
    }
}

/// Calls `each` for every token in the text, from left to right; tokens never overlap. Numbers
/// are not looked for: see [`epoch_kind`].
pub fn scan<'t>(text: &'t str, each: impl FnMut(Token<'t>)) {
    scan_by(text, SHORTEST, Short::default(), token_at, each);
}

/// Like [`scan`], and also for whatever could be a number or a date that stands for a moment, in
/// the middle of a text, too, and for short random text of these lengths. For whoever looks each up among
/// values that are known.
pub(crate) fn scan_widely<'t>(text: &'t str, short: Short, each: impl FnMut(Token<'t>)) {
    let shortest = short
        .least()
        .unwrap_or(SHORTEST_NUMBER)
        .min(SHORTEST_NUMBER);
    scan_by(text, shortest, short, token_or_number_at, each);
}

/// The length in bytes of the shortest token: `20260301T102030Z`.
const SHORTEST: usize = 16;

/// The length in bytes of the shortest number or date.
const SHORTEST_NUMBER: usize = 10;

fn scan_by<'t>(
    text: &'t str,
    shortest: usize,
    short: Short,
    token_at: impl Fn(&[u8], usize) -> Option<(TokenKind, usize)>,
    mut each: impl FnMut(Token<'t>),
) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let found_at = |at: usize, before: Option<u8>| {
        let rest = bytes.get(at..).unwrap_or_default();
        let run = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let found = token_at(rest, run).filter(|(_, length)| ends_there(rest, *length));
        let found = found.or_else(|| random_at(rest, run, before));
        let short = || Some((TokenKind::Random, short.at(rest, run, before)?));
        (found.or_else(short), run)
    };

    while at + shortest <= bytes.len() {
        let before = at.checked_sub(1).and_then(|i| bytes.get(i).copied());
        let (mut found, mut run) = found_at(at, before);
        if found.is_none() && before == Some(b'%') && escapes(bytes, at) {
            // What is escaped in an address parts words as what it stands for does.
            at += 2;
            (found, run) = found_at(at, before);
        }
        match found {
            Some((kind, length)) => {
                if let Some(token) = text.get(at..at + length) {
                    each(Token {
                        kind,
                        text: token,
                        start: at,
                    });
                }
                at += length;
            }
            None => at += run.max(1),
        }
    }
}

/// Whether two hex digits stand there, as behind the percent sign of what is escaped in an address.
fn escapes(bytes: &[u8], at: usize) -> bool {
    let digits = bytes.get(at..at + 2);
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Random text that begins with this run of letters and digits and has none of the other tokens
/// within it. Base64 of a readable text is a token where that text has one: it is made anew with it.
fn random_at(rest: &[u8], run: usize, before: Option<u8>) -> Option<(TokenKind, usize)> {
    let length = random::length(rest, run, before)?;
    let word = std::str::from_utf8(rest.get(..length)?).ok()?;
    if run < length && has_token(word.as_bytes()) {
        return None;
    }
    if word.bytes().any(|b| !b.is_ascii_hexdigit())
        && let Some(text) = random::readable(word)
        && !has_token(text.as_bytes())
    {
        return None;
    }
    Some((TokenKind::Random, length))
}

/// Whether a token of a form that names itself, or random text between hyphens, stands in a text.
fn has_token(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| rest.len() >= SHORTEST) {
        let run = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let token = token_at(rest, run).filter(|(_, length)| ends_there(rest, *length));
        if token.is_some() || random::length(rest, run, Some(b'-')).is_some() {
            return true;
        }
        at += run.max(1);
    }
    false
}

fn token_or_number_at(rest: &[u8], run: usize) -> Option<(TokenKind, usize)> {
    token_at(rest, run).or_else(|| {
        let digits = |length| {
            rest.get(..length)
                .is_some_and(|w| w.iter().all(u8::is_ascii_digit))
        };
        match run {
            10 if digits(10) => Some((TokenKind::EpochSeconds, 10 + fraction(rest))),
            13 if digits(13) => Some((TokenKind::EpochMillis, 13)),
            16 if digits(16) => Some((TokenKind::EpochMicros, 16)),
            4 if digits(4) => {
                let date = std::str::from_utf8(rest.get(..10)?).ok()?;
                moment::midnight_of(date).map(|_| (TokenKind::Timestamp, 10))
            }
            _ => None,
        }
    })
}

/// The tokens of one leaf of a tree: those of [`scan`], and numbers and dates near the given times.
pub fn leaf_tokens(text: &str, near: Near) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    each_leaf_token(text, near, |token| found.push(token));
    found
}

/// Calls `each` for the tokens of one leaf of a tree, as [`leaf_tokens`] finds them.
pub fn each_leaf_token<'t>(text: &'t str, near: Near, each: impl FnMut(Token<'t>)) {
    tokens_and_constants(text, near, each, |_| {});
}

/// Like [`each_leaf_token`]; also calls `constant` for the numbers and dates that would be tokens
/// at another time.
pub(crate) fn tokens_and_constants<'t>(
    text: &'t str,
    near: Near,
    mut each: impl FnMut(Token<'t>),
    mut constant: impl FnMut(&'t str),
) {
    scan_widely(text, near.short, |token| {
        let is_date = token.text.len() == 10 && token.kind == TokenKind::Timestamp;
        let kind = match token.kind {
            TokenKind::EpochSeconds | TokenKind::EpochMillis | TokenKind::EpochMicros => {
                epoch_kind(token.text, near)
            }
            TokenKind::Timestamp if is_date => date_kind(token.text, near),
            other => Some(other),
        };
        match kind {
            Some(kind) => each(Token { kind, ..token }),
            None => constant(token.text),
        }
    });
}

/// The kind of the token that is all of this text.
pub fn whole_token(text: &str, near: Near) -> Option<TokenKind> {
    match leaf_tokens(text, near).as_slice() {
        [token] if token.text.len() == text.len() => Some(token.kind),
        _ => None,
    }
}

/// The kind of moment that a number's digits stand for: seconds within two days of one of the
/// times, or milliseconds or microseconds within 400 days of it (there are no other numbers of 13
/// or 16 digits that start so). A fraction may follow.
pub fn epoch_kind(digits: &str, near: Near) -> Option<TokenKind> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if fraction.len() > 9 || !all_digits(fraction) {
        return None;
    }
    let (kind, per_second, within) = match whole.len() {
        10 => (TokenKind::EpochSeconds, 1, NEAR_WITHIN),
        13 => (TokenKind::EpochMillis, 1_000, MADE_WITHIN),
        16 => (TokenKind::EpochMicros, 1_000_000, MADE_WITHIN),
        _ => return None,
    };
    if !all_digits(whole) {
        return None;
    }
    let number: i128 = whole.parse().ok()?;
    near.within(number / per_second, within).then_some(kind)
}

/// A date without a time (`2026-03-01`) within two days of one of the times: the service's today.
fn date_kind(text: &str, near: Near) -> Option<TokenKind> {
    let midnight = moment::midnight_of(text)?;
    near.within(midnight, NEAR_WITHIN)
        .then_some(TokenKind::Timestamp)
}

/// The length of the fraction of a second that follows ten digits.
fn fraction(rest: &[u8]) -> usize {
    let after = rest.get(10..).unwrap_or_default();
    match after.strip_prefix(b".") {
        Some(digits) => match digits.iter().take_while(|b| b.is_ascii_digit()).count() {
            count @ 1..=9 => count + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// How a value is written, as a number; only values of one kind and one number stand for each
/// other. For moments what stands between date and time, and how the zone is told; for hashes of
/// passwords the algorithm and its costs; for random text its length and letters; for a UUID its
/// version, and for ids of one case that.
pub(crate) fn style(kind: TokenKind, text: &str) -> u64 {
    let capitals = || u64::from(text.bytes().any(|b| b.is_ascii_uppercase()));
    match kind {
        TokenKind::Uuid => {
            let version = text.as_bytes().get(14).copied().unwrap_or_default();
            u64::from(version) << 1 | capitals()
        }
        TokenKind::Ulid => capitals(),
        TokenKind::PasswordHash => password::style(text).unwrap_or_default(),
        TokenKind::Random => {
            let own = signed::style(text).or_else(|| der::style(text));
            own.unwrap_or_else(|| random::style(text))
        }
        _ => moment::style(text),
    }
}

/// The kind under which a value is compared. A UUID without hyphens and an ObjectId are hex digits:
/// other random text of the same length may look like one by chance, and one like it.
pub(crate) fn compared_as(kind: TokenKind, text: &str) -> TokenKind {
    match kind {
        TokenKind::Uuid if text.len() == 32 => TokenKind::Random,
        TokenKind::ObjectId => TokenKind::Random,
        other => other,
    }
}

/// The token that begins with this run of letters and digits, and its length in bytes.
fn token_at(rest: &[u8], run: usize) -> Option<(TokenKind, usize)> {
    let first = *rest.first()?;
    if first == b'.' {
        return signed::packed(rest).map(|n| (TokenKind::Random, n));
    }
    if first == b'$' {
        return password::length(rest).map(|n| (TokenKind::PasswordHash, n));
    }
    if (1..=6).contains(&run)
        && let Some(length) = signed::stamp(rest)
    {
        return Some((TokenKind::Random, length));
    }
    if rest.starts_with(b"MII")
        && let Some(length) = der::length(rest)
    {
        return Some((TokenKind::Random, length));
    }
    let word = rest.get(..run)?;
    match run {
        3 => moment::http_date(rest).map(|n| (TokenKind::Timestamp, n)),
        4 | 16 if first.is_ascii_digit() => {
            moment::written(rest).map(|n| (TokenKind::Timestamp, n))
        }
        8 if word == b"redacted" => secret::redacted(rest).map(|n| (TokenKind::Secret, n)),
        8 => hyphened_uuid(rest).map(|n| (TokenKind::Uuid, n)),
        24 => is_object_id(word).then_some((TokenKind::ObjectId, 24)),
        26 => is_ulid(word).then_some((TokenKind::Ulid, 26)),
        32 => is_plain_uuid(word).then_some((TokenKind::Uuid, 32)),
        _ if word.starts_with(b"eyJ") => jwt(rest).map(|n| (TokenKind::Jwt, n)),
        6 if word == b"pbkdf2" || word == b"scrypt" => {
            password::length(rest).map(|n| (TokenKind::PasswordHash, n))
        }
        _ => None,
    }
}

/// Whether the token is not a part of a longer word.
fn ends_there(rest: &[u8], length: usize) -> bool {
    rest.get(length).is_none_or(|b| !b.is_ascii_alphanumeric())
}

/// RFC 9562, section 4: 8-4-4-4-12 hex digits. Versions 3 and 5 are left out: they are computed
/// from a name, so another value means another name.
fn hyphened_uuid(rest: &[u8]) -> Option<usize> {
    let text = rest.get(..36)?;
    let mut digits = [0u8; 32];
    let mut n = 0;
    for (i, b) in text.iter().enumerate() {
        if matches!(i, 8 | 13 | 18 | 23) {
            if *b != b'-' {
                return None;
            }
        } else {
            *digits.get_mut(n)? = *b;
            n += 1;
        }
    }
    let (version, _) = uuid_version(&digits)?;
    matches!(version, 1 | 4 | 6 | 7).then_some(36)
}

/// A UUID without hyphens. Any hash of 128 bits looks like one, so the version must be a usual
/// one and the time in it plausible.
fn is_plain_uuid(word: &[u8]) -> bool {
    uuid_version(word).is_some_and(|(version, first)| match version {
        4 => true,
        7 => plausible_seconds(first >> 16, 1_000),
        _ => false,
    })
}

/// The version, and the first 64 bits, where these are 32 hex digits with the variant of RFC 9562.
fn uuid_version(digits: &[u8]) -> Option<(u8, u64)> {
    let mut first = 0u64;
    for (i, b) in digits.iter().enumerate() {
        let digit = char::from(*b).to_digit(16)?;
        if i < 16 {
            first = first << 4 | u64::from(digit);
        }
    }
    let variant = digits.get(16)?.to_ascii_lowercase();
    let version = digits.get(12)?.checked_sub(b'0')?;
    matches!(variant, b'8' | b'9' | b'a' | b'b').then_some((version, first))
}

/// MongoDB's ObjectId: 4 bytes of seconds, 5 random bytes, 3 bytes of a counter.
fn is_object_id(word: &[u8]) -> bool {
    let Some(seconds) = word.get(..8).and_then(hex) else {
        return false;
    };
    let one_case = !word.iter().any(u8::is_ascii_uppercase);
    one_case
        && word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().any(u8::is_ascii_alphabetic)
        && plausible_seconds(seconds, 1)
}

/// The specification of ULID: 10 characters of milliseconds, 16 of randomness, in Crockford's
/// base 32.
fn is_ulid(word: &[u8]) -> bool {
    let upper = word.iter().any(u8::is_ascii_uppercase);
    let lower = word.iter().any(u8::is_ascii_lowercase);
    let mut millis = 0u64;
    for (i, b) in word.iter().enumerate() {
        let Some(digit) = crockford(*b) else {
            return false;
        };
        if i < 10 {
            millis = millis << 5 | u64::from(digit);
        }
    }
    upper != lower
        && word.first().is_some_and(|b| (b'0'..=b'7').contains(b))
        && plausible_seconds(millis, 1_000)
}

fn crockford(b: u8) -> Option<u8> {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let upper = b.to_ascii_uppercase();
    ALPHABET
        .iter()
        .position(|a| *a == upper)
        .and_then(|i| u8::try_from(i).ok())
}

/// RFC 7519, section 3: three parts of base64url; the first is a JSON object, which begins so.
fn jwt(rest: &[u8]) -> Option<usize> {
    let part = |from: usize| {
        rest.get(from..).map_or(0, |rest| {
            rest.iter().take_while(|b| is_base64url(**b)).count()
        })
    };
    let head = part(0);
    let body = part(head + 1);
    let signature = part(head + body + 2);
    let dots = [head, head + body + 1]
        .into_iter()
        .all(|dot| rest.get(dot) == Some(&b'.'));
    let parts = head >= 10 && body >= 2 && signature >= 10;
    (dots && parts).then_some(head + body + signature + 2)
}

fn is_base64url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'_'
}

/// Whether a second since 1970 is between 2009 and 2050.
pub(super) fn is_recent(second: u64) -> bool {
    plausible_seconds(second, 1)
}

/// Whether a count of `per_second`s since 1970 is between 2009 and 2050.
fn plausible_seconds(count: u64, per_second: u64) -> bool {
    (1_230_768_000..2_524_608_000).contains(&(count / per_second))
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |number, b| {
        Some(number << 4 | u64::from(char::from(*b).to_digit(16)?))
    })
}

#[cfg(test)]
mod tests;
