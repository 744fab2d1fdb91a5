//! Differences of long texts and of bytes, to read.

use bytes::Bytes;
use similar::TextDiff;

/// The most lines (after what is the same at both ends) that are compared line by line; the cost
/// of that rises with the square of what differs.
const MAX_LINES: usize = 2_000;

/// Texts up to this many characters on one line are shown as they are.
const SHORT: usize = 80;

/// What there is to read beside two texts: a unified difference where they have several lines, the
/// place of the first difference where they are long.
pub(super) fn detail(expected: &str, observed: &str) -> Option<String> {
    if expected.contains('\n') || observed.contains('\n') {
        return Some(unified(expected, observed));
    }
    if expected.chars().count() <= SHORT && observed.chars().count() <= SHORT {
        return None;
    }
    let at = expected
        .chars()
        .zip(observed.chars())
        .take_while(|(a, b)| a == b)
        .count();
    Some(format!(
        "first difference at character {} of {} (now {})",
        at + 1,
        expected.chars().count(),
        observed.chars().count()
    ))
}

/// A unified difference, or a sentence where that would cost too much.
fn unified(expected: &str, observed: &str) -> String {
    let front = expected
        .lines()
        .zip(observed.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let lines = (expected.lines().count(), observed.lines().count());
    let back = expected
        .lines()
        .rev()
        .zip(observed.lines().rev())
        .take(lines.0.min(lines.1) - front)
        .take_while(|(a, b)| a == b)
        .count();
    if lines.0.max(lines.1) - front - back > MAX_LINES {
        return format!(
            "{} lines, now {}; the first difference is in line {}",
            lines.0,
            lines.1,
            front + 1
        );
    }
    let text = TextDiff::from_lines(expected, observed)
        .unified_diff()
        .context_radius(2)
        .to_string();
    text.trim_end().to_owned()
}

/// What there is to read beside two runs of bytes.
pub(super) fn bytes_detail(expected: &Bytes, observed: &Bytes) -> String {
    let at = expected
        .iter()
        .zip(observed)
        .take_while(|(a, b)| a == b)
        .count();
    let hash = |bytes: &[u8]| {
        let hash = blake3::hash(bytes).to_hex();
        hash.get(..12).unwrap_or_default().to_owned()
    };
    format!(
        "{} bytes (blake3 {}), now {} bytes (blake3 {}); the first difference is at byte {at}",
        expected.len(),
        hash(expected),
        observed.len(),
        hash(observed)
    )
}
