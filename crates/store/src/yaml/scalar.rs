//! How text is written, so that every reader of YAML takes it for that text.

/// Whether `text` may be written without quotes. Conservative: what any reader of YAML 1.1 or 1.2
/// could take for a number, a truth value, a date or structure is quoted. In flow style (`flow`)
/// a few characters more need quotes.
pub(crate) fn is_plain(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    if text.len() == 1 && !first.is_ascii_alphanumeric() {
        return false;
    }
    let begins_well = first.is_alphabetic() || matches!(first, '_' | '/' | '$');
    if !(begins_well || is_uuid(text)) || is_word_of_yaml(text) {
        return false;
    }
    if text.is_ascii() {
        return are_plain_bytes(text.as_bytes(), flow);
    }
    let mut rest = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        let good = match c {
            ' ' => before != ' ' && rest.peek().is_some(),
            ':' => {
                !flow
                    && rest
                        .peek()
                        .is_some_and(|c| c.is_alphanumeric() || *c == '/')
            }
            ',' | '?' => !flow,
            '_' | '-' | '.' | '/' | '+' | '$' | ';' | '=' | '(' | ')' | '@' | '*' | '<' | '>'
            | '&' | '%' | '^' | '~' | '\'' => true,
            c => c.is_alphanumeric(),
        };
        if !good {
            return false;
        }
        before = c;
    }
    true
}

/// What stands in ASCII text without quotes: anywhere, in block style, or where its neighbours
/// allow it. The same as [`is_plain`] says of characters, by a table.
fn are_plain_bytes(text: &[u8], flow: bool) -> bool {
    let mut before = b' ';
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        let good = match KINDS.get(usize::from(byte)) {
            Some(Kind::Plain) => true,
            Some(Kind::Block) => !flow,
            Some(Kind::Space) => before != b' ' && !behind.is_empty(),
            Some(Kind::Colon) => {
                !flow
                    && behind
                        .first()
                        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'/')
            }
            Some(Kind::Quoted) | None => false,
        };
        if !good {
            return false;
        }
        before = byte;
        rest = behind;
    }
    true
}

#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Block,
    Space,
    Colon,
    Quoted,
}

/// The kind of each character of ASCII.
const KINDS: [Kind; 128] = {
    let mut kinds = [Kind::Quoted; 128];
    let mut byte = 0_u8;
    while byte < 128 {
        let kind = match byte {
            b' ' => Kind::Space,
            b':' => Kind::Colon,
            b',' | b'?' => Kind::Block,
            b'_' | b'-' | b'.' | b'/' | b'+' | b'$' | b';' | b'=' | b'(' | b')' | b'@' | b'*'
            | b'<' | b'>' | b'&' | b'%' | b'^' | b'~' | b'\'' => Kind::Plain,
            byte if byte.is_ascii_alphanumeric() => Kind::Plain,
            _ => Kind::Quoted,
        };
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            kinds[byte as usize] = kind;
        }
        byte += 1;
    }
    kinds
};

/// Words that YAML 1.1 or 1.2 takes for a truth value, for nothing, or for no number.
pub(super) fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity",
    ];
    const LONGEST_WORD: usize = 8;
    text.len() <= LONGEST_WORD && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// `8-4-4-4-12` hex digits: the one text that begins with a digit and is no number to anybody.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Whether a character stands in quotes as itself. The rest is escaped: what YAML does not
/// allow, line breaks of any kind, spaces that look like others, and marks that change the
/// direction of the text around them (a reviewer would not see what is there).
fn is_visible(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => false,
        '\u{feff}' | '\u{ad}' | '\u{61c}' | '\u{fff9}'..='\u{fffb}' => false,
        '\u{e0000}'..='\u{e0fff}' => false,
        c if u32::from(c) & 0xfffe == 0xfffe => false,
        c => !c.is_control() && !c.is_whitespace(),
    }
}

/// Writes `text` in double quotes.
pub(crate) fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_visible(c) => out.push(c),
            c => {
                let code = u32::from(c);
                if code <= 0xffff {
                    out.push_str(&format!("\\u{code:04x}"));
                } else {
                    out.push_str(&format!("\\U{code:08x}"));
                }
            }
        }
    }
    out.push('"');
}

/// Writes `text` without quotes where that is safe, else in quotes.
pub(crate) fn write_text(out: &mut String, text: &str, flow: bool) {
    if is_plain(text, flow) {
        out.push_str(text);
    } else {
        write_quoted(out, text);
    }
}

/// Whether `text` has several lines and is the same when it is written as a literal block: no
/// spaces at a line's end (editors cut them), no tab at its beginning, nothing that needs an
/// escape.
pub(crate) fn is_literal(text: &str) -> bool {
    let trimmed = text.trim_end_matches('\n');
    if trimmed.is_empty() || !text.contains('\n') {
        return false;
    }
    trimmed.split('\n').all(|line| {
        !line.ends_with([' ', '\t'])
            && !line.starts_with('\t')
            && line.chars().all(|c| c == '\t' || is_visible(c))
    })
}

/// Whether a person can read `text` in a file: on lines of its own, or on one line without
/// escapes.
pub(crate) fn is_readable(text: &str) -> bool {
    is_literal(text) || text.chars().all(is_visible)
}

/// Writes `text`, for which [`is_literal`] holds, as a literal block whose lines are indented by
/// `indent`, which is `step` more than the collection that it stands in.
pub(crate) fn write_literal(out: &mut String, text: &str, indent: usize, step: usize) {
    let trimmed = text.trim_end_matches('\n');
    out.push('|');
    // Without a number a reader takes the first line's spaces for indentation.
    if trimmed.starts_with([' ', '\n']) {
        out.push_str(&step.to_string());
    }
    match text.len() - trimmed.len() {
        0 => out.push('-'),
        1 => {}
        _ => out.push('+'),
    }
    for line in trimmed.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
    // The last line's own break is written by whoever ends the line; more are written here.
    for _ in trimmed.len() + 1..text.len() {
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_any_reader_could_take_for_something_else_is_quoted() {
        for text in [
            "",
            " ",
            "NO",
            "yes",
            "Null",
            "null",
            "~",
            "1e3",
            "0x1",
            "1:30",
            "2026-03-01",
            "1_000",
            ".5",
            "+1",
            "-",
            "- a",
            "a: b",
            "a #b",
            " a",
            "a ",
            "a  b",
            "=",
            "<<",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "[a",
            "{a",
            "a:",
            "'a",
            "\"a",
            "true",
            "12",
            "0o7",
            "?a",
            "a\u{85}b",
            "a\u{2028}",
            "\u{feff}a",
            "a\tb",
            "nan",
            ".inf",
            "---",
            "...",
            "a]",
            "#a",
            "12e03",
            "190:20:30",
            "y",
            "N",
            "on",
            "Off",
        ] {
            assert!(!is_plain(text, false), "{text:?}");
            assert!(!is_plain(text, true), "{text:?}");
        }
    }

    #[test]
    fn ascii_is_judged_as_any_other_text_is() {
        // Behind a letter that is not ASCII, each character is judged by itself.
        for byte in 0..128_u8 {
            for around in ["a{}b", "a{}", "a{} b", "a{}/", "a {}b", "a{}:b"] {
                for flow in [false, true] {
                    let text = around.replace("{}", &char::from(byte).to_string());
                    let other = format!("ä{text}");
                    assert_eq!(is_plain(&text, flow), is_plain(&other, flow), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn ordinary_text_stands_without_quotes() {
        for text in [
            "A1",
            "application/json; charset=utf-8",
            "/orders",
            "price numeric",
            "POST",
            "select * from t where a = $1",
            "7f3c1a2b-0000-4000-8000-0123456789ab",
            "größe",
        ] {
            assert!(is_plain(text, false), "{text:?}");
            assert!(is_plain(text, true), "{text:?}");
        }
        assert!(is_plain("http://localhost:80/x?y=1", false));
        assert!(!is_plain("http://localhost:80/x?y=1", true));
    }
}
