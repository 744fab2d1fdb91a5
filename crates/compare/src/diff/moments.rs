//! Moments: generated values that need not be the same twice.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use retake_model::TokenKind;

use crate::made;

/// How far two moments may be apart to be of one kind: a recording is replayed for years, and a
/// number of as many digits is not a moment for that alone.
const YEARS: i64 = 50;
const SECONDS_PER_YEAR: i64 = 31_557_600;

/// The kinds of counts since 1970.
pub(super) fn counts() -> &'static BTreeSet<TokenKind> {
    static COUNTS: LazyLock<BTreeSet<TokenKind>> = LazyLock::new(|| {
        BTreeSet::from([
            TokenKind::EpochSeconds,
            TokenKind::EpochMillis,
            TokenKind::EpochMicros,
        ])
    });
    &COUNTS
}

/// The kind of moment, among these, that a number may be.
pub(super) fn number_kind(text: &str, kinds: &BTreeSet<TokenKind>) -> Option<TokenKind> {
    let whole = text.split('.').next()?;
    if text.len() > 24 || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = whole.len();
    kinds.iter().copied().find(|kind| match kind {
        TokenKind::EpochSeconds => digits == 10,
        TokenKind::EpochMillis => digits == 13,
        TokenKind::EpochMicros => digits == 16,
        _ => false,
    })
}

/// Whether two values of one kind are written the same way: moments in the same format, hashes of
/// passwords by the same algorithm at the same cost, random text of the same length and letters, UUIDs
/// of one version. Values of other kinds have one form each.
pub(super) fn same_form(kind: TokenKind, recorded: &str, candidate: &str) -> bool {
    if let Some(units) = units(kind) {
        let whole = |text: &str| text.split('.').next()?.parse::<i64>().ok();
        return form(recorded) == form(candidate)
            && match (whole(recorded), whole(candidate)) {
                (Some(a), Some(b)) => {
                    (a - b).unsigned_abs() <= (YEARS * SECONDS_PER_YEAR * units).unsigned_abs()
                }
                _ => false,
            };
    }
    match kind {
        TokenKind::Timestamp => form(recorded) == form(candidate),
        TokenKind::PasswordHash | TokenKind::Random | TokenKind::Uuid | TokenKind::Ulid => {
            made::style(kind, recorded) == made::style(kind, candidate)
                && are_about_as_long(recorded, candidate)
        }
        _ => true,
    }
}

/// Whether two values differ in length by an eighth at most: what is encrypted has no fixed length.
fn are_about_as_long(a: &str, b: &str) -> bool {
    a.len().abs_diff(b.len()) <= a.len().max(b.len()) / 8
}

/// Units in a second, where this kind is a count.
fn units(kind: TokenKind) -> Option<i64> {
    match kind {
        TokenKind::EpochSeconds => Some(1),
        TokenKind::EpochMillis => Some(1_000),
        TokenKind::EpochMicros => Some(1_000_000),
        _ => None,
    }
}

/// The format of a moment: digits as `0`, names of days and months as `a`. Fractions of a second
/// may have any number of digits, because many languages leave out trailing zeros. The offset of a
/// zone stands as it is: the same service is in the same zone.
fn form(text: &str) -> String {
    let mut form = String::with_capacity(text.len() + 3);
    if text.ends_with(" UTC") {
        form.push_str("UTC");
    }
    let mut fraction = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if matches!(c, '+' | '-') && form.contains(':') {
            form.push(c);
            form.extend(rest);
            break;
        }
        if c.is_ascii_digit() {
            if !(fraction && form.ends_with('0')) {
                form.push('0');
            }
            continue;
        }
        fraction = c == '.' || c == ',' && rest.peek().is_some_and(char::is_ascii_digit);
        if c.is_ascii_alphabetic() && rest.peek().is_some_and(char::is_ascii_alphabetic) {
            while rest.next_if(char::is_ascii_alphabetic).is_some() {}
            form.push('a');
        } else {
            form.push(c);
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_another_format_are_not_of_one_form() {
        let check = |a: &str, b: &str, same: bool| {
            assert_eq!(same_form(TokenKind::Timestamp, a, b), same, "{a} {b}");
        };
        check("2026-01-02T03:04:05Z", "2027-11-12T13:14:15Z", true);
        check(
            "2026-01-02T03:04:05.1Z",
            "2026-01-02T03:04:05.123456Z",
            true,
        );
        check("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z", false);
        check("2026-01-02T03:04:05Z", "2026-01-02 03:04:05Z", false);
        check(
            "2026-01-02T03:04:05+00:00",
            "2026-01-02T05:04:05+02:00",
            false,
        );
        check(
            "2026-01-02T03:04:05.5-05:00",
            "2027-01-02T04:04:05.25-05:00",
            true,
        );
        check("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00", false);
        check(
            "Fri, 02 Jan 2026 03:04:05 GMT",
            "Mon, 12 Oct 2026 13:14:15 GMT",
            true,
        );
        check(
            "Fri, 02 Jan 2026 03:04:05 GMT",
            "Mon, 12 Oct 2026 13:14:15 UTC",
            false,
        );
    }

    #[test]
    fn counts_of_another_size_are_no_moments() {
        let kinds = BTreeSet::from([TokenKind::EpochSeconds]);
        assert_eq!(
            number_kind("1767323045", &kinds),
            Some(TokenKind::EpochSeconds)
        );
        assert_eq!(number_kind("1767323045000", &kinds), None);
        assert_eq!(number_kind("42", &kinds), None);
        assert!(same_form(
            TokenKind::EpochSeconds,
            "1767323045",
            "1799999999"
        ));
        assert!(!same_form(
            TokenKind::EpochSeconds,
            "1767323045",
            "9999999999"
        ));
    }
}
