//! JSON text to a tree (RFC 8259).

use bytes::Bytes;

use super::Style;
use crate::{Number, Value};

/// How deep lists and maps may be nested. Deeper texts are refused: whoever walks a tree walks it
/// by recursion.
pub const DEPTH_LIMIT: usize = 100;

/// Where and why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not JSON: expected {expected} at line {line}, column {column}")]
pub struct JsonError {
    /// The byte at which it stops being JSON, from 0.
    pub at: usize,
    /// The line of that byte, from 1.
    pub line: usize,
    /// The column of that byte, in bytes, from 1.
    pub column: usize,
    /// What would have been right there.
    pub expected: &'static str,
}

/// Reads a JSON text, and finds the style in which it was written.
///
/// One pass; what is allocated is in proportion to the text.
///
/// # Errors
/// [`JsonError`] where the text is not JSON, is nested deeper than [`DEPTH_LIMIT`], or has a lone
/// surrogate in a key (which a [`Value::Map`] cannot hold).
pub fn parse(text: &[u8]) -> Result<(Value, Style), JsonError> {
    let valid = std::str::from_utf8(text)
        .map_err(|e| JsonError::at(e.valid_up_to(), "text in UTF-8").locate(text))?;
    let mut reader = Reader {
        text: valid,
        bytes: text,
        at: 0,
        style: Style::default(),
        escaped: false,
        open: None,
        comma: None,
        colon: None,
    };
    let value = reader.document().map_err(|e| e.locate(text))?;
    Ok((value, reader.style))
}

/// A reader of one text. Its methods stand at the first byte of what they read, and leave it at
/// the first byte behind it.
struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    style: Style,
    /// A character beyond ASCII, other than the line separators, was escaped.
    escaped: bool,
    /// The white space seen first: behind the bracket that opens the root, behind a comma, and
    /// around a colon.
    open: Option<&'t str>,
    comma: Option<&'t str>,
    colon: Option<(&'t str, &'t str)>,
}

type Read<T> = Result<T, JsonError>;

/// What was read of a string.
enum Text {
    Whole(String),
    /// It has lone surrogates, and is in WTF-8.
    Wtf8(Vec<u8>),
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Read<Value> {
        self.space();
        let value = self.value(0)?;
        let end = self.space();
        if self.at < self.bytes.len() {
            return Err(self.fail("the end of the text"));
        }
        self.style.set_space(self.open, self.comma, self.colon, end);
        if self.escaped {
            self.style.ascii = true;
            self.style.separators = false;
        }
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        match self.peek() {
            Some(b'"') => Ok(match self.string()? {
                Text::Whole(text) => Value::String(text),
                Text::Wtf8(bytes) => Value::Bytes(Bytes::from(bytes)),
            }),
            Some(b'{' | b'[') if depth >= DEPTH_LIMIT => {
                Err(self.fail("a value that is not nested as deep"))
            }
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.fail("a value")),
        }
    }

    fn list(&mut self, depth: usize) -> Read<Value> {
        self.opened();
        let mut items = Vec::new();
        if self.eat(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.eat(b',') {
                self.after_comma();
            } else if self.eat(b']') {
                return Ok(Value::List(items));
            } else {
                return Err(self.fail("`,` or `]`"));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Read<Value> {
        self.opened();
        let mut fields = Vec::new();
        if self.eat(b'}') {
            return Ok(Value::Map(fields));
        }
        loop {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.fail("a key in quotes"));
            }
            let Text::Whole(key) = self.string()? else {
                return Err(JsonError::at(start, "a key without lone surrogates"));
            };
            let before = self.space();
            if !self.eat(b':') {
                return Err(self.fail("`:`"));
            }
            let after = self.space();
            self.colon.get_or_insert((before, after));
            fields.push((key, self.value(depth + 1)?));
            self.space();
            if self.eat(b',') {
                self.after_comma();
            } else if self.eat(b'}') {
                return Ok(Value::Map(fields));
            } else {
                return Err(self.fail("`,` or `}`"));
            }
        }
    }

    /// Goes past the bracket that opens a list or map, and the white space behind it.
    fn opened(&mut self) {
        self.at += 1;
        let space = self.space();
        self.open.get_or_insert(space);
    }

    fn after_comma(&mut self) {
        let space = self.space();
        self.comma.get_or_insert(space);
    }

    fn word(&mut self, word: &'static str, value: Value) -> Read<Value> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.fail("`true`, `false` or `null`"))
        }
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        let digits = self.text.get(start..self.at).unwrap_or_default();
        Ok(Value::Number(Number::of_checked(digits)))
    }

    fn digits(&mut self) -> Read<()> {
        let n = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        self.at += n;
        if n == 0 {
            return Err(self.fail("a digit"));
        }
        Ok(())
    }

    fn string(&mut self) -> Read<Text> {
        self.at += 1;
        let first = self.plain()?;
        if self.eat(b'"') {
            return Ok(Text::Whole(first.to_owned()));
        }
        let mut text = first.as_bytes().to_vec();
        let mut lone = false;
        while !self.eat(b'"') {
            lone |= self.escape(&mut text)?;
            text.extend_from_slice(self.plain()?.as_bytes());
        }
        if lone {
            return Ok(Text::Wtf8(text));
        }
        // Made of slices of text and of encoded characters only, so this does not fail.
        String::from_utf8(text)
            .map(Text::Whole)
            .map_err(|_| self.fail("text in UTF-8"))
    }

    /// The characters up to a quote or a backslash.
    fn plain(&mut self) -> Read<&'t str> {
        let start = self.at;
        let n = self
            .rest()
            .iter()
            .position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
        let Some(n) = n else {
            self.at = self.bytes.len();
            return Err(self.fail("`\"` at the end of a string"));
        };
        self.at += n;
        if self.peek().is_some_and(|b| b < 0x20) {
            return Err(self.fail("an escape in place of a control character"));
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Reads one escape, and tells whether it is a lone surrogate.
    fn escape(&mut self, text: &mut Vec<u8>) -> Read<bool> {
        self.at += 1;
        let plain = match self.peek() {
            Some(b @ (b'"' | b'\\')) => b,
            Some(b'/') => {
                self.style.slash = true;
                b'/'
            }
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode(text);
            }
            _ => return Err(self.fail("one of `\"\\/bfnrtu` after `\\`")),
        };
        self.at += 1;
        text.push(plain);
        Ok(false)
    }

    /// Reads what follows `\u`, and tells whether it is a lone surrogate.
    fn unicode(&mut self, text: &mut Vec<u8>) -> Read<bool> {
        let unit = self.hex()?;
        let mut code = u32::from(unit);
        if (0xd800..0xdc00).contains(&unit) && self.rest().starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                code = 0x10000 + ((code - 0xd800) << 10) + (u32::from(low) - 0xdc00);
            } else {
                self.at = back;
            }
        }
        let Some(c) = char::from_u32(code) else {
            // Not a character, so a surrogate: three bytes, as WTF-8 has them.
            for (shift, mark, mask) in [(12, 0xe0, 0x0f), (6, 0x80, 0x3f), (0, 0x80, 0x3f)] {
                text.push(mark | u8::try_from(code >> shift & mask).unwrap_or_default());
            }
            return Ok(true);
        };
        let must = c < ' ' && !matches!(c, '\u{8}' | '\u{c}' | '\n' | '\r' | '\t');
        if !must && self.style.add_escape(c).is_none() {
            self.escaped = true;
        }
        text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(false)
    }

    /// Reads four hexadecimal digits.
    fn hex(&mut self) -> Read<u16> {
        let mut unit = 0u16;
        for _ in 0..4 {
            let digit = match self.peek() {
                Some(b @ b'0'..=b'9') => b - b'0',
                Some(b @ b'a'..=b'f') => b - b'a' + 10,
                Some(b @ b'A'..=b'F') => {
                    self.style.upper = true;
                    b - b'A' + 10
                }
                _ => return Err(self.fail("four hexadecimal digits after `\\u`")),
            };
            self.at += 1;
            unit = unit << 4 | u16::from(digit);
        }
        Ok(unit)
    }

    /// Goes past white space, and returns it.
    fn space(&mut self) -> &'t str {
        let start = self.at;
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn rest(&self) -> &'t [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn fail(&self, expected: &'static str) -> JsonError {
        JsonError::at(self.at, expected)
    }
}

impl JsonError {
    /// An error at that byte, not located yet.
    fn at(at: usize, expected: &'static str) -> Self {
        JsonError {
            at,
            line: 1,
            column: 1,
            expected,
        }
    }

    /// Fills line and column.
    fn locate(mut self, text: &[u8]) -> Self {
        let before = text.get(..self.at).unwrap_or(text);
        self.line = 1 + before.iter().filter(|b| **b == b'\n').count();
        self.column = 1 + before.iter().rev().take_while(|b| **b != b'\n').count();
        self
    }
}
