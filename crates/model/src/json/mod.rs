//! A JSON reader and writer that lose nothing.
//!
//! Numbers stay as they were written, digit for digit; repeated keys and the order of keys are
//! kept; a string with a lone surrogate (`"\ud800"`) becomes [`Value::Bytes`] in WTF-8. What the
//! text looked like (white space, escapes) is found while reading and told as a [`Style`]:
//! writing the tree in its style gives most texts back byte for byte. Whether it did is for the
//! caller to check, or see [`exact`].
//!
//! Deliberately absent: extensions of JSON (comments, `NaN`, byte order marks).
//!
//! [`Value::Bytes`]: crate::Value::Bytes

mod read;
mod style;
mod write;

#[cfg(test)]
mod tests;

pub use read::{DEPTH_LIMIT, JsonError, parse};
pub use style::{Colon, End, Indent, Layout, Style};
pub use write::write;

use crate::Value;

/// Reads a JSON text of which writing the tree back gives the same bytes; none where the text is
/// no JSON, or where no [`Style`] gives exactly its bytes.
pub fn exact(text: &[u8]) -> Option<(Value, Style)> {
    let (value, style) = parse(text).ok()?;
    (write(&value, &style)? == text).then_some((value, style))
}
