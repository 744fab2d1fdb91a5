//! A tree to JSON text.

use super::{DEPTH_LIMIT, Layout, Style};
use crate::Value;

/// Writes a tree as JSON in that style.
///
/// [`Value::Bytes`] are written as the string that they are in WTF-8; none where they are not
/// WTF-8, or where the tree is nested deeper than [`DEPTH_LIMIT`].
pub fn write(value: &Value, style: &Style) -> Option<Vec<u8>> {
    let mut writer = Writer {
        out: Vec::new(),
        style,
    };
    writer.value(value, 0)?;
    writer.text(style.end.as_str());
    Some(writer.out)
}

struct Writer<'s> {
    out: Vec<u8>,
    style: &'s Style,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Option<()> {
        match value {
            Value::Null => self.text("null"),
            Value::Bool(true) => self.text("true"),
            Value::Bool(false) => self.text("false"),
            Value::Number(number) => self.text(number.as_str()),
            Value::String(text) => self.string(text),
            Value::Bytes(bytes) => self.wtf8(bytes)?,
            Value::List(_) | Value::Map(_) if depth >= DEPTH_LIMIT => return None,
            Value::List(items) if items.is_empty() => self.text("[]"),
            Value::Map(fields) if fields.is_empty() => self.text("{}"),
            Value::List(items) => {
                self.text("[");
                for (i, item) in items.iter().enumerate() {
                    self.between(i, depth + 1);
                    self.value(item, depth + 1)?;
                }
                self.line(depth);
                self.text("]");
            }
            Value::Map(fields) => {
                self.text("{");
                for (i, (key, value)) in fields.iter().enumerate() {
                    self.between(i, depth + 1);
                    self.string(key);
                    self.text(self.style.colon.as_str());
                    self.value(value, depth + 1)?;
                }
                self.line(depth);
                self.text("}");
            }
        }
        Some(())
    }

    /// What stands before the element with this number.
    fn between(&mut self, number: usize, depth: usize) {
        if number > 0 {
            self.text(match self.style.layout {
                Layout::Spaced => ", ",
                Layout::Compact | Layout::Indent(_) => ",",
            });
        }
        self.line(depth);
    }

    /// A new line at that depth, where the layout has lines.
    fn line(&mut self, depth: usize) {
        if let Layout::Indent(indent) = self.style.layout {
            self.text(if indent.crlf { "\r\n" } else { "\n" });
            let unit = if indent.tab { b'\t' } else { b' ' };
            let width = depth * usize::from(indent.width);
            self.out.resize(self.out.len() + width, unit);
        }
    }

    fn string(&mut self, text: &str) {
        self.text("\"");
        self.characters(text);
        self.text("\"");
    }

    /// A string that has lone surrogates.
    fn wtf8(&mut self, bytes: &[u8]) -> Option<()> {
        self.text("\"");
        let mut rest = bytes;
        let mut after_high = false;
        while !rest.is_empty() {
            // UTF-8 has no 0xed before a byte from 0xa0, so this finds surrogates only.
            let surrogate = |w: &[u8]| matches!(w, [0xed, 0xa0..=0xbf, 0x80..=0xbf]);
            let plain = rest.windows(3).position(surrogate).unwrap_or(rest.len());
            let (text, behind) = rest.split_at(plain);
            self.characters(std::str::from_utf8(text).ok()?);
            rest = behind;
            if let [_, second, third, behind @ ..] = behind {
                let unit = 0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f);
                let high = unit < 0xdc00;
                if after_high && text.is_empty() && !high {
                    return None; // A pair of surrogates is one character of four bytes.
                }
                after_high = high;
                self.unit(unit);
                rest = behind;
            }
        }
        self.text("\"");
        Some(())
    }

    fn characters(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut done = 0;
        for (at, b) in bytes.iter().copied().enumerate() {
            let special = b < 0x20
                || b == b'"'
                || b == b'\\'
                || (b == b'/' && self.style.slash)
                || (b >= 0x80 && (self.style.ascii || self.style.separators))
                || (self.style.escape != 0 && self.style.escapes(b));
            if !special || at < done {
                continue;
            }
            let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else {
                continue;
            };
            if b >= 0x80 && !self.style.ascii && !matches!(c, '\u{2028}' | '\u{2029}') {
                continue;
            }
            self.out
                .extend_from_slice(bytes.get(done..at).unwrap_or_default());
            self.escape(c);
            done = at + c.len_utf8();
        }
        self.out
            .extend_from_slice(bytes.get(done..).unwrap_or_default());
    }

    fn escape(&mut self, c: char) {
        let long = u8::try_from(c).is_ok_and(|c| self.style.escapes(c));
        match c {
            _ if long => self.units(c),
            '"' => self.text("\\\""),
            '\\' => self.text("\\\\"),
            '/' => self.text("\\/"),
            '\u{8}' => self.text("\\b"),
            '\u{c}' => self.text("\\f"),
            '\n' => self.text("\\n"),
            '\r' => self.text("\\r"),
            '\t' => self.text("\\t"),
            c => self.units(c),
        }
    }

    fn units(&mut self, c: char) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            self.unit(*unit);
        }
    }

    fn unit(&mut self, unit: u16) {
        let digits = if self.style.upper {
            b"0123456789ABCDEF"
        } else {
            b"0123456789abcdef"
        };
        self.text("\\u");
        for shift in [12, 8, 4, 0] {
            let digit = digits.get(usize::from(unit >> shift & 0xf));
            self.out.push(digit.copied().unwrap_or(b'0'));
        }
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}
