//! Text and values on a terminal: nothing that a service answers reaches it as a control sequence,
//! and nothing is longer than asked.

use retake_model::Value;

/// A text on one line, with whatever a terminal could obey (control characters, changes of
/// direction, invisible characters) written as an escape.
pub(crate) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut out, c);
    }
    out
}

/// The same, cut after so many characters.
pub(crate) fn safe_cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => safe(text),
        Some((end, _)) => format!("{}…", safe(text.get(..end).unwrap_or_default())),
    }
}

/// A value in about so many characters; what is longer is cut, and its length told.
pub(crate) fn value(value: &Value, most: usize) -> String {
    let mut printer = Printer {
        out: String::new(),
        left: most,
        cut: false,
    };
    printer.value(value, 0);
    let mut out = printer.out;
    if printer.cut {
        out.push_str(&format!("… ({})", size(value)));
    }
    out
}

/// Two values that differ. Long texts that begin alike are shown from where they differ.
pub(crate) fn two(baseline: &Value, candidate: &Value, most: usize) -> (String, String) {
    if let (Value::String(a), Value::String(b)) = (baseline, candidate) {
        let same = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
        let from = same.saturating_sub(most / 4);
        if a.chars().count().max(b.chars().count()) > most && from > 0 {
            return (window(a, from, most), window(b, from, most));
        }
    }
    (value(baseline, most), value(candidate, most))
}

/// A number with its thousands apart: `12,345`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 test`, `2 tests`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    format!(
        "{} {thing}{}",
        thousands(number),
        if number == 1 { "" } else { "s" }
    )
}

fn window(text: &str, from: usize, most: usize) -> String {
    let total = text.chars().count();
    let shown: String = text.chars().skip(from).take(most).collect();
    let end = if from + most < total { "…" } else { "" };
    format!(
        "…\"{}{end}\" (from character {} of {})",
        quoted(&shown),
        thousands(from as u64 + 1),
        thousands(total as u64)
    )
}

/// What is told of a value that was cut.
fn size(value: &Value) -> String {
    match value {
        Value::String(text) => count(text.chars().count(), "character"),
        Value::List(items) => count(items.len(), "element"),
        Value::Map(fields) => count(fields.len(), "field"),
        Value::Number(number) => count(number.as_str().len(), "digit"),
        Value::Bytes(bytes) => count(bytes.len(), "byte"),
        Value::Null | Value::Bool(_) => String::new(),
    }
}

/// Writes until nothing is left.
struct Printer {
    out: String,
    left: usize,
    cut: bool,
}

impl Printer {
    fn value(&mut self, value: &Value, depth: usize) {
        if self.cut {
            return;
        }
        match value {
            Value::Null => self.text("null"),
            Value::Bool(truth) => self.text(if *truth { "true" } else { "false" }),
            Value::Number(number) => self.text(number.as_str()),
            Value::String(text) => {
                self.text("\"");
                self.text_of(text);
                self.text("\"");
            }
            Value::Bytes(bytes) => {
                self.text(&format!("<{}:", count(bytes.len(), "byte")));
                for byte in bytes.iter().take(16) {
                    self.text(&format!(" {byte:02x}"));
                }
                self.text(if bytes.len() > 16 { " …>" } else { ">" });
            }
            Value::List(_) | Value::Map(_) if depth > 32 => self.text("…"),
            Value::List(items) => {
                self.text("[");
                for (i, item) in items.iter().enumerate() {
                    self.text(if i == 0 { "" } else { ", " });
                    self.value(item, depth + 1);
                    if self.cut {
                        return;
                    }
                }
                self.text("]");
            }
            Value::Map(fields) => {
                self.text("{");
                for (i, (name, member)) in fields.iter().enumerate() {
                    self.text(if i == 0 { "" } else { ", " });
                    self.text_of(name);
                    self.text(": ");
                    self.value(member, depth + 1);
                    if self.cut {
                        return;
                    }
                }
                self.text("}");
            }
        }
    }

    fn text_of(&mut self, text: &str) {
        for c in text.chars() {
            if self.cut {
                return;
            }
            self.text(&quoted(c.encode_utf8(&mut [0; 4])));
        }
    }

    fn text(&mut self, text: &str) {
        let length = text.chars().count();
        if self.cut {
            return;
        }
        if length > self.left {
            self.cut = true;
            return;
        }
        self.left -= length;
        self.out.push_str(text);
    }
}

/// A text as it stands between quotes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c => push(&mut out, c),
        }
    }
    out
}

fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_harmful(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

/// Control characters, marks that change the direction of text (CVE-2021-42574), separators that
/// terminals take for new lines, and characters without a width.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{61c}' | '\u{ad}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_harmful_reaches_the_terminal() {
        assert_eq!(
            safe("a\u{1b}[31mb\r\n\u{9b}c"),
            "a\\u{1b}[31mb\\r\\n\\u{9b}c"
        );
        assert_eq!(safe("\u{202e}x\u{7f}\0"), "\\u{202e}x\\u{7f}\\u{0}");
        assert_eq!(safe("grüße ✓"), "grüße ✓");
        assert_eq!(
            value(&"\u{1b}]0;x\u{7}".into(), 40),
            "\"\\u{1b}]0;x\\u{7}\""
        );
        assert_eq!(
            value(&Value::map([("\u{1b}", 1.into())]), 40),
            "{\\u{1b}: 1}"
        );
    }

    #[test]
    fn long_values_are_cut_and_their_length_told() {
        assert_eq!(value(&"abc".into(), 5), "\"abc\"");
        assert_eq!(value(&"abcdefgh".into(), 5), "\"abcd… (8 characters)");
        let list = Value::List((0..5_000).map(Value::from).collect());
        assert_eq!(value(&list, 8), "[0, 1, 2… (5,000 elements)");
        let bytes = Value::Bytes(bytes::Bytes::from_static(b"\x00\xff"));
        assert_eq!(value(&bytes, 80), "<2 bytes: 00 ff>");
    }

    #[test]
    fn long_texts_are_shown_from_where_they_differ() {
        let text = |end: &str| Value::from(format!("{}{end}", "x".repeat(1_000)));
        let (a, b) = two(&text("one"), &text("two"), 20);
        assert_eq!(a, "…\"xxxxxone\" (from character 996 of 1,003)");
        assert_eq!(b, "…\"xxxxxtwo\" (from character 996 of 1,003)");
    }

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }
}
