//! Splits SQL into as much as telling its meaning needs (PostgreSQL documentation, "Lexical
//! Structure"). Text is stepped over in one pass; what does not end, ends with the text.

/// A part of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or a name without quotes.
    Word(&'a str),
    /// A name in quotes, without them; quotes within are still doubled.
    Quoted(&'a str),
    /// A text or a number.
    Literal,
    /// `$1`: its number, where it is one that a Bind can count.
    Parameter(Option<u16>),
    /// `;`.
    Semicolon,
    /// Any other character.
    Other(char),
}

impl Token<'_> {
    /// Whether it is that keyword.
    pub(super) fn is_word(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// Reads tokens, past white space and comments.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Lexer { rest: sql }
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.rest = skip_space(self.rest);
        self.rest.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        self.rest = skip_space(self.rest);
        let first = self.rest.chars().next()?;
        Some(match first {
            '\'' => self.text(false),
            '"' => {
                let end = past_quote(self.rest, '"', false);
                let quoted = self.take(end);
                let inner = quoted.strip_prefix('"').unwrap_or_default();
                // A name that does not end is none.
                inner
                    .strip_suffix('"')
                    .map_or(Token::Other('"'), Token::Quoted)
            }
            '$' => self.dollar(),
            '0'..='9' => {
                let end = self
                    .rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'));
                self.take(end.unwrap_or(self.rest.len()));
                Token::Literal
            }
            c if is_word(c) => {
                let end = self
                    .rest
                    .find(|c: char| !(is_word(c) || c.is_ascii_digit() || c == '$'));
                let word = self.take(end.unwrap_or(self.rest.len()));
                if self.rest.starts_with('\'') && word.len() == 1 && "eEbBxXnN".contains(word) {
                    return Some(self.text(word.eq_ignore_ascii_case("e")));
                }
                Token::Word(word)
            }
            ';' => {
                self.take(1);
                Token::Semicolon
            }
            other => {
                self.take(other.len_utf8());
                Token::Other(other)
            }
        })
    }

    fn text(&mut self, backslash: bool) -> Token<'a> {
        let end = past_quote(self.rest, '\'', backslash);
        self.take(end);
        Token::Literal
    }

    /// `$1`, or a text between two `$tag$`.
    fn dollar(&mut self) -> Token<'a> {
        let after = self.rest.get(1..).unwrap_or_default();
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            self.take(1);
            return Token::Parameter(self.take(digits).parse().ok());
        }
        let tag = after
            .bytes()
            .take_while(|b| is_word(char::from(*b)) || b.is_ascii_digit());
        let length = tag.count() + 2;
        match self.rest.split_at_checked(length) {
            Some((tag, text)) if tag.ends_with('$') => {
                let end = text.find(tag).map_or(text.len(), |at| at + tag.len());
                self.take(length + end);
                Token::Literal
            }
            _ => {
                self.take(1);
                Token::Other('$')
            }
        }
    }

    fn take(&mut self, count: usize) -> &'a str {
        let (front, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, ""));
        self.rest = rest;
        front
    }
}

/// What is left after white space and comments.
pub(super) fn skip_space(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        if text.starts_with("--") {
            text = text.split_once('\n').map_or("", |(_, rest)| rest);
        } else if text.starts_with("/*") {
            text = text.get(past_comment(text)..).unwrap_or_default();
        } else {
            return text;
        }
    }
}

/// What is behind a word and white space, where the text begins with that word.
pub(super) fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let mut lexer = Lexer::new(text);
    lexer
        .next()?
        .is_word(word)
        .then(|| skip_space(lexer.rest()))
}

/// Whether the byte at that place lies in a comment.
pub(super) fn is_in_comment(sql: &str, place: usize) -> bool {
    let mut lexer = Lexer::new(sql);
    loop {
        let before = sql.len() - lexer.rest.len();
        let blank = skip_space(lexer.rest);
        let after = sql.len() - blank.len();
        if (before..after).contains(&place) {
            return true;
        }
        if place < after || lexer.next().is_none() {
            return false;
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// The end of the comment, with comments inside, that the text begins with.
fn past_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The end of the quoted text that the text begins with. A doubled quote is none.
fn past_quote(text: &str, quote: char, backslash: bool) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && backslash {
            chars.next();
        } else if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                _ => return at + 1,
            }
        }
    }
    text.len()
}
