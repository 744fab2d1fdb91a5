//! `application/x-www-form-urlencoded` (WHATWG URL, section 5), losslessly.

use bytes::Bytes;
use retake_model::Value;

/// How the text of a form differs from what a browser writes: space as `+`, escapes in upper
/// case, and everything escaped but letters, digits, `*`, `-`, `.` and `_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Style {
    /// A space is written as `%20`.
    space: bool,
    /// Escapes are written with lower-case digits.
    lower: bool,
    /// ASCII characters that are not escaped although a browser does: bit `n` for character `n`.
    raw: u128,
    /// ASCII characters that are escaped although a browser does not.
    escape: u128,
}

/// The pairs of a form: a list of `[name, value]`, and `[name]` where there is no `=`. None where
/// the text cannot be a form.
pub(super) fn parse(text: &str) -> Option<(Value, Style)> {
    let mut style = Style::default();
    let mut pairs = Vec::new();
    for pair in text.split('&') {
        let items = match pair.split_once('=') {
            Some((name, value)) => vec![style.decode(name)?, style.decode(value)?],
            None => vec![style.decode(pair)?],
        };
        pairs.push(Value::List(items));
    }
    Some((Value::List(pairs), style))
}

/// The text of a form; none where the tree is not of the form that [`parse`] gives.
pub(super) fn write(value: &Value, style: &Style) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for (i, pair) in value.as_list()?.iter().enumerate() {
        if i > 0 {
            out.push(b'&');
        }
        match pair.as_list()? {
            [name] => style.encode(name, true, &mut out)?,
            [name, value] => {
                style.encode(name, true, &mut out)?;
                out.push(b'=');
                style.encode(value, false, &mut out)?;
            }
            _ => return None,
        }
    }
    Some(out)
}

impl Style {
    /// The style as it stands in YAML; none where it is the default.
    pub(super) fn to_value(self) -> Option<Value> {
        let mut map = Vec::new();
        if self.space {
            map.push(("space", "%20".into()));
        }
        if self.lower {
            map.push(("lower", true.into()));
        }
        for (name, set) in [("raw", self.raw), ("escape", self.escape)] {
            let chars = (0u8..128).filter(|c| has(set, *c)).map(char::from);
            let chars: String = chars.collect();
            if !chars.is_empty() {
                map.push((name, chars.into()));
            }
        }
        (!map.is_empty()).then(|| Value::map(map))
    }

    /// The style of that form; none where it is not of that form.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let mut style = Style::default();
        for (name, value) in value.as_map()? {
            match (name.as_str(), value) {
                ("space", Value::String(text)) if text == "%20" => style.space = true,
                ("lower", Value::Bool(truth)) => style.lower = *truth,
                ("raw", Value::String(text)) => style.raw = set_of(text)?,
                ("escape", Value::String(text)) => style.escape = set_of(text)?,
                _ => return None,
            }
        }
        Some(style)
    }

    /// The value of a part, and what its writing tells of the style.
    fn decode(&mut self, part: &str) -> Option<Value> {
        let mut out = Vec::with_capacity(part.len());
        let mut bytes = part.bytes();
        while let Some(b) = bytes.next() {
            match b {
                b'+' => out.push(b' '),
                b'%' => {
                    let digits = [bytes.next()?, bytes.next()?];
                    let c = hex(digits)?;
                    self.lower |= digits.iter().any(|d| matches!(d, b'a'..=b'f'));
                    self.space |= c == b' ';
                    if is_plain(c) {
                        self.escape |= 1 << c;
                    }
                    out.push(c);
                }
                b => {
                    if !is_plain(b) && b < 128 {
                        self.raw |= 1 << b;
                    }
                    out.push(b);
                }
            }
        }
        Some(match String::from_utf8(out) {
            Ok(text) => Value::String(text),
            Err(e) => Value::Bytes(Bytes::from(e.into_bytes())),
        })
    }

    fn encode(&self, value: &Value, is_name: bool, out: &mut Vec<u8>) -> Option<()> {
        let bytes = match value {
            Value::String(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
            Value::Number(number) => number.as_str().as_bytes(),
            _ => return None,
        };
        for b in bytes.iter().copied() {
            let structural = matches!(b, b'&' | b'+' | b'%') || (b == b'=' && is_name);
            if b == b' ' && !self.space && !has(self.raw, b) {
                out.push(b'+');
            } else if !structural && (is_plain(b) && !has(self.escape, b) || has(self.raw, b)) {
                out.push(b);
            } else {
                let digits = if self.lower {
                    b"0123456789abcdef"
                } else {
                    b"0123456789ABCDEF"
                };
                out.push(b'%');
                for digit in [b >> 4, b & 15] {
                    out.push(digits.get(usize::from(digit)).copied()?);
                }
            }
        }
        Some(())
    }
}

/// Whether a browser leaves that character as it is.
fn is_plain(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'*' | b'-' | b'.' | b'_')
}

fn has(set: u128, b: u8) -> bool {
    b < 128 && set >> b & 1 == 1
}

fn set_of(text: &str) -> Option<u128> {
    text.bytes()
        .try_fold(0, |set, b| (b < 128).then(|| set | 1 << b))
}

fn hex(digits: [u8; 2]) -> Option<u8> {
    digits.iter().try_fold(0u8, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | u8::try_from(digit).ok()?)
    })
}
