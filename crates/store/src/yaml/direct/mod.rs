//! Reads what [`document`](super::document) writes, and what is written like it, without a
//! general YAML parser: in one pass, from the text into the types.
//!
//! It knows a part of YAML only: block collections that are indented by two, flow collections on
//! one line, text without quotes by the emitter's own rules, double quotes on one line, literal
//! blocks, tags. Whatever else stands in a file (comments and empty lines among it) makes it give
//! up, and so does whatever is wrong: the file is then read by the general parser, which also
//! finds the words for errors. What it does read it reads as the general parser does; the
//! properties in `tests.rs` and the fuzz target `yaml_direct` hold it to that.
//!
//! Sections are of YAML 1.2.2.

mod collections;
mod deserializer;
mod parser;
mod scalars;

use std::fmt;

use serde::de::{self, DeserializeOwned};

use deserializer::Node;
use parser::{Parser, Place};

/// The map that is the whole of `text`, where it is written as the emitter writes. None says
/// nothing about the text: it may be good or bad.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    if !has_known_characters(text) {
        return None;
    }
    let mut parser = Parser::new(text);
    let value = T::deserialize(Node::new(&mut parser, Place::top())).ok()?;
    parser.is_done().then_some(value)
}

/// Says that the text is not for this reader. Why does not matter: the other one finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GiveUp;

type Known<T> = Result<T, GiveUp>;

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not written as the emitter writes")
    }
}

impl std::error::Error for GiveUp {}

impl de::Error for GiveUp {
    fn custom<T: fmt::Display>(_: T) -> Self {
        GiveUp
    }
}

/// Whether there is nothing in `text` that YAML forbids (section 5.1) or that some reader takes
/// for a line's end: the rest need not look for that again. Tabs are left to those who meet one.
fn has_known_characters(text: &str) -> bool {
    let ascii = |b: u8| matches!(b, b' '..=b'~' | b'\n' | b'\t' | 0x80..);
    // In pieces without a way out, which the compiler turns into a few instructions.
    let mut pieces = text.as_bytes().chunks(256);
    if !pieces.all(|piece| piece.iter().fold(true, |good, b| good & ascii(*b))) {
        return false;
    }
    text.is_ascii()
        || !text.contains(|c: char| {
            matches!(
                c,
                '\u{80}'
                    ..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            )
        })
}

#[cfg(test)]
mod tests;
