//! Scalars: text without quotes and with them, literal blocks, numbers.

use std::borrow::Cow;

use super::parser::Parser;
use super::{GiveUp, Known};
use crate::yaml::scalar::{is_uuid, is_word_of_yaml};
use crate::yaml::tree::{is_blob_name, keeps_digits};

/// A scalar as it was read.
#[derive(Debug)]
pub(super) struct Scalar<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) kind: Kind,
}

/// What the general parser would take a scalar for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Null,
    True,
    False,
    /// A number whose digits are read back as they stand.
    Number,
    /// The name of a blob that begins with a digit: behind a tag it is text; elsewhere it may be
    /// a number to some reader.
    BlobName,
}

impl<'t> Scalar<'t> {
    fn new(text: impl Into<Cow<'t, str>>, kind: Kind) -> Self {
        Scalar {
            text: text.into(),
            kind,
        }
    }

    pub(super) fn is_text(&self) -> bool {
        self.kind == Kind::Text
    }
}

/// Which bytes may stand anywhere in text without quotes, as in `scalar::is_plain`.
#[expect(
    clippy::indexing_slicing,
    reason = "computed by the compiler, for each of the 256 bytes"
)]
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        plain[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'_' | b'-' | b'.' | b'/' | b'+' | b'$' | b';' | b'=' | b'(' | b')'
            )
            || matches!(
                byte,
                b'@' | b'*' | b'<' | b'>' | b'&' | b'%' | b'^' | b'~' | b'\''
            );
        byte -= 1;
    }
    plain
};

fn is_plain(byte: u8) -> bool {
    PLAIN.get(usize::from(byte)).copied().unwrap_or_default()
}

impl<'t> Parser<'t> {
    /// A scalar on one line, without what follows it.
    pub(super) fn scalar(&mut self, flow: bool) -> Known<Scalar<'t>> {
        match self.peek().ok_or(GiveUp)? {
            b'"' => self.quoted(),
            b'0'..=b'9' | b'-' => self.begins_with_digit(flow),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'/' | b'$' => self.plain(flow),
            0x80.. => {
                let first = self.rest().chars().next();
                first.filter(|c| c.is_alphabetic()).ok_or(GiveUp)?;
                self.plain(flow)
            }
            _ => Err(GiveUp),
        }
    }

    /// Text without quotes (section 7.3.3), by the rules of `scalar::is_plain`.
    fn plain(&mut self, flow: bool) -> Known<Scalar<'t>> {
        let start = self.pos;
        self.skip_plain(flow)?;
        let text = self.text.get(start..self.pos).ok_or(GiveUp)?;
        if text.ends_with(' ') {
            return Err(GiveUp);
        }
        match text {
            "null" => Ok(Scalar::new(text, Kind::Null)),
            "true" => Ok(Scalar::new(text, Kind::True)),
            "false" => Ok(Scalar::new(text, Kind::False)),
            "_" | "/" | "$" => Err(GiveUp),
            _ if text.len() <= 8 && is_word_of_yaml(text) => Err(GiveUp),
            _ => Ok(Scalar::new(text, Kind::Text)),
        }
    }

    /// Goes to the end of text without quotes, which is the line's, or before structure.
    fn skip_plain(&mut self, flow: bool) -> Known<()> {
        loop {
            let rest = self.text.as_bytes().get(self.pos..).unwrap_or_default();
            let run = rest.iter().position(|b| !is_plain(*b)).ok_or(GiveUp)?;
            self.pos += run;
            match rest.get(run).copied().unwrap_or_default() {
                b' ' if !matches!(self.peek_at(1), None | Some(b' ' | b'\n')) => self.pos += 1,
                b',' | b'?' if !flow => self.pos += 1,
                b':' => match self.peek_at(1) {
                    Some(b' ' | b'\n') => return Ok(()),
                    // What is no letter and no digit beyond ASCII ends it on the next round.
                    Some(b'/' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | 0x80..) if !flow => {
                        self.pos += 1;
                    }
                    _ => return Err(GiveUp),
                },
                b'\n' if !flow => return Ok(()),
                b',' | b']' | b'}' if flow => return Ok(()),
                0x80.. => {
                    let c = self.rest().chars().next().ok_or(GiveUp)?;
                    if !c.is_alphanumeric() {
                        return Err(GiveUp);
                    }
                    self.pos += c.len_utf8();
                }
                _ => return Err(GiveUp),
            }
        }
    }

    /// A number, a moment, a duration, an id.
    fn begins_with_digit(&mut self, flow: bool) -> Known<Scalar<'t>> {
        let start = self.pos;
        while let Some(byte) = self.peek() {
            let next = self.peek_at(1);
            match byte {
                b'-' | b'.' => {}
                b':' if !flow && next.is_some_and(|b| b.is_ascii_digit()) => {}
                _ if byte.is_ascii_alphanumeric() => {}
                _ => break,
            }
            self.pos += 1;
        }
        let ends = match self.peek() {
            Some(b'\n' | b':') => true,
            Some(b',' | b']' | b'}') => flow,
            _ => false,
        };
        let word = self.text.get(start..self.pos).ok_or(GiveUp)?;
        match kind_of(word) {
            Some(kind) if ends => Ok(Scalar::new(word, kind)),
            _ => Err(GiveUp),
        }
    }

    /// Text in double quotes on one line (section 7.3.1), with the escapes that the emitter uses.
    fn quoted(&mut self) -> Known<Scalar<'t>> {
        self.pos += 1;
        let mut start = self.pos;
        let mut built: Option<String> = None;
        loop {
            match self.peek().ok_or(GiveUp)? {
                b'"' => {
                    let run = self.text.get(start..self.pos).ok_or(GiveUp)?;
                    self.pos += 1;
                    return Ok(match built {
                        None => Scalar::new(run, Kind::Text),
                        Some(mut text) => {
                            text.push_str(run);
                            Scalar::new(text, Kind::Text)
                        }
                    });
                }
                b'\\' => {
                    let run = self.text.get(start..self.pos).ok_or(GiveUp)?;
                    let text = built.get_or_insert_default();
                    text.push_str(run);
                    text.push(self.escape()?);
                    start = self.pos;
                }
                b'\n' | b'\t' => return Err(GiveUp),
                _ => self.pos += 1,
            }
        }
    }

    fn escape(&mut self) -> Known<char> {
        let letter = self.peek_at(1).ok_or(GiveUp)?;
        self.pos += 2;
        let digits = match letter {
            b'"' => return Ok('"'),
            b'\\' => return Ok('\\'),
            b'n' => return Ok('\n'),
            b'r' => return Ok('\r'),
            b't' => return Ok('\t'),
            b'u' => 4,
            b'U' => 8,
            _ => return Err(GiveUp),
        };
        let code = self.text.get(self.pos..self.pos + digits).ok_or(GiveUp)?;
        if !code.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(GiveUp);
        }
        self.pos += digits;
        let code = u32::from_str_radix(code, 16).map_err(|_| GiveUp)?;
        char::from_u32(code).ok_or(GiveUp)
    }

    /// A literal block (section 8.1.2) whose lines are indented by `indent`.
    pub(super) fn literal(&mut self, indent: usize) -> Known<Scalar<'t>> {
        self.expect(b'|')?;
        let explicit = self.eats(b'2');
        let strip = self.eats(b'-');
        let keep = !strip && self.eats(b'+');
        self.expect(b'\n')?;
        let mut text = String::new();
        let mut breaks = 0;
        while let Some(line) = self.literal_line(indent)? {
            if line.is_empty() {
                breaks += 1;
                continue;
            }
            // Without a number the first line says how far all are indented.
            let is_first = text.is_empty();
            if is_first && !explicit && (breaks > 0 || line.starts_with(' ')) {
                return Err(GiveUp);
            }
            text.extend(std::iter::repeat_n('\n', breaks));
            text.push_str(line);
            text.push('\n');
            breaks = 0;
        }
        if text.is_empty() || (breaks > 0 && !keep) {
            return Err(GiveUp);
        }
        text.extend(std::iter::repeat_n('\n', breaks));
        if strip {
            text.pop();
        }
        Ok(Scalar::new(text, Kind::Text))
    }

    /// The next line of a literal block, without its indentation; none where the block is over.
    /// Lines that end in white space are not understood: nobody sees what is there.
    fn literal_line(&mut self, indent: usize) -> Known<Option<&'t str>> {
        if self.is_done() {
            return Ok(None);
        }
        if self.eats(b'\n') {
            return Ok(Some(""));
        }
        let rest = self.rest();
        let spaces = rest.bytes().take(indent).take_while(|b| *b == b' ').count();
        if spaces < indent {
            return Ok(None);
        }
        let len = rest.find('\n').ok_or(GiveUp)?;
        let line = rest.get(indent..len).ok_or(GiveUp)?;
        if line.is_empty() || line.starts_with('\t') || line.ends_with([' ', '\t']) {
            return Err(GiveUp);
        }
        self.pos += len + 1;
        Ok(Some(line))
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.pos..).unwrap_or_default()
    }
}

/// What a word that begins with a digit or `-` is, where that is known for sure.
fn kind_of(word: &str) -> Option<Kind> {
    if is_short_whole(word) || keeps_digits(word) {
        return Some(Kind::Number);
    }
    if is_span(word) || is_moment(word) || is_uuid(word) {
        return Some(Kind::Text);
    }
    is_blob_name(word).then_some(Kind::BlobName)
}

/// Digits that surely are a number of 64 bits, written as it is.
fn is_short_whole(word: &str) -> bool {
    match word.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 18 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// A duration as `format_span` writes it.
fn is_span(word: &str) -> bool {
    let number = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let unit = word.get(number.len()..).unwrap_or_default();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    matches!(unit, "ns" | "us" | "ms" | "s") && is_digits(whole) && is_digits(fraction)
}

/// A moment as `format_moment` writes it.
fn is_moment(word: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00.000000000Z";
    word.len() == FORM.len()
        && word.bytes().zip(FORM).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == *form,
        })
}
