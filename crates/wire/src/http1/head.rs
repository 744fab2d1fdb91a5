//! Heads: the bytes from the first line to the empty line.

/// Whether a byte may stand in a token (RFC 9110, section 5.6.2).
pub(super) fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}
