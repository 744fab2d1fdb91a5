//! Redacted secrets: what stands for one, and what the candidate may not have in its place.

/// The length of the token that the bytes begin with: `redacted-` and 24 hex digits.
pub(super) fn redacted(rest: &[u8]) -> Option<usize> {
    let digits = rest.get(8..33)?.strip_prefix(b"-")?;
    digits.iter().all(u8::is_ascii_hexdigit).then_some(33)
}

/// Whether a text is what languages write where there is no value.
pub(crate) fn is_nothing(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "",
        "null",
        "undefined",
        "none",
        "nil",
        "nan",
        "[object object]",
        "[object promise]",
        "<nil>",
    ];
    WORDS.contains(&text.to_ascii_lowercase().as_str())
}
