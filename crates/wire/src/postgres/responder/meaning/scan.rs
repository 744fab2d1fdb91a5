//! Steps over parts of SQL text (PostgreSQL documentation, "Lexical Structure").

/// What is behind white space and comments.
pub(super) fn skip_space(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with("--") || rest.starts_with("/*") {
        rest = skip_token(rest).trim_start();
    }
    rest
}

/// What is behind the first token: a quoted text, a comment, a word, or one character.
pub(super) fn skip_token(text: &str) -> &str {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return text;
    };
    let behind = chars.as_str();
    match first {
        '\'' => skip_quoted(behind, '\'', false),
        '"' => skip_quoted(behind, '"', false),
        'e' | 'E' if behind.starts_with('\'') => {
            skip_quoted(behind.get(1..).unwrap_or_default(), '\'', true)
        }
        '-' if behind.starts_with('-') => match behind.find('\n') {
            Some(end) => behind.get(end..).unwrap_or_default(),
            None => "",
        },
        '/' if behind.starts_with('*') => skip_comment(text),
        '$' => skip_dollar(text).unwrap_or(behind),
        c if c.is_alphanumeric() || c == '_' => {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
            behind.trim_start_matches(is_part)
        }
        _ => behind,
    }
}

/// What is behind a closing quote; doubled quotes, and escaped ones where that counts, do not
/// close.
pub(super) fn skip_quoted(text: &str, quote: char, escapes: bool) -> &str {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && escapes {
            chars.next();
        } else if c == quote {
            match chars.as_str().strip_prefix(quote) {
                Some(rest) => chars = rest.chars(),
                None => return chars.as_str(),
            }
        }
    }
    ""
}

/// What is behind a comment, which may hold others.
fn skip_comment(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("/*") {
            depth = depth.saturating_add(1);
            rest = inner;
        } else if let Some(outer) = rest.strip_prefix("*/") {
            depth = depth.saturating_sub(1);
            rest = outer;
            if depth == 0 {
                return rest;
            }
        } else {
            let mut chars = rest.chars();
            chars.next();
            rest = chars.as_str();
        }
    }
    ""
}

/// What is behind a text in dollar quotes (`$$…$$`, `$tag$…$tag$`); none where it is no such.
fn skip_dollar(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    let end = inner.find('$')?;
    let tag = inner.get(..end)?;
    let starts_well = !tag.starts_with(|c: char| c.is_ascii_digit());
    if !starts_well || !tag.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let quote = text.get(..end.checked_add(2)?)?;
    let body = text.get(quote.len()..)?;
    match body.find(quote) {
        Some(close) => body.get(close.checked_add(quote.len())?..),
        None => Some(""),
    }
}

/// What is behind a word, where the text begins with it.
pub(super) fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (head.eq_ignore_ascii_case(word) && ends).then(|| skip_space(rest))
}

/// A value without the quotes around it.
pub(super) fn unquote(value: &str) -> String {
    let value = value.trim().trim_end_matches(';').trim_end();
    match value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')) {
        Some(text) => text.replace("''", "'"),
        None => value.trim_matches('"').to_owned(),
    }
}
