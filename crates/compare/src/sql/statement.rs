//! A statement without what does not identify it.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use super::columns;
use super::effect::effect_of_shape;
use super::names;
use super::slots::{Slots, slots};
use crate::matching::Effect;

/// A statement without what does not identify it.
///
/// Two statements with the same shape and the same literals ask the same thing. The other way
/// round is not promised.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Statement {
    /// The tokens, parted by one space: words in lower case, made-up names renamed, each literal
    /// as `?` and a letter for its kind.
    pub shape: String,
    /// The shape with lists of literals (of `IN`, of `VALUES`) folded into one: for finding what
    /// is alike, never for telling what is the same.
    pub folded: String,
    /// The literals in their order.
    pub literals: Vec<Literal>,
    /// What it does to the database.
    pub effect: Effect,
    /// The same with its parameters taken out, too, and with lists of columns in one order where
    /// the order says nothing; none for a text that is no SQL.
    pub(crate) slots: Option<Slots>,
    /// For each column of the ordered statement its place in the list that was read; none where
    /// that list keeps its order.
    pub(crate) columns: Option<Vec<usize>>,
}

/// A literal that was lifted out of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Literal {
    /// Its text between its quotes, as it was written.
    pub text: String,
    /// Whether it is a number, written without quotes.
    pub number: bool,
}

impl Statement {
    /// Reads a statement. What the tokenizer refuses, and what is longer than 4 MiB, is its own
    /// shape, without literals.
    pub fn read(sql: &str) -> Self {
        if sql.len() > LONGEST {
            return Statement::raw(sql);
        }
        match tokens_of(sql) {
            Some(tokens) => normalise(tokens),
            None => Statement::raw(sql),
        }
    }

    fn raw(sql: &str) -> Self {
        // The first byte is none that a shape begins with, so that the two never meet.
        let shape = format!("\u{0}{sql}");
        Statement {
            effect: effect_of_shape(&shape),
            folded: shape.clone(),
            shape,
            literals: Vec::new(),
            slots: None,
            columns: None,
        }
    }
}

/// A statement with other literals, by their number and text; none where none is another.
pub(crate) fn with_literals(
    sql: &str,
    mut other: impl FnMut(usize, &str) -> Option<String>,
) -> Option<String> {
    let mut tokens = tokens_of(sql).filter(|_| sql.len() <= LONGEST)?;
    let mut changed = false;
    let literals = tokens.iter_mut().filter(|token| counts(token));
    let literals = literals.filter_map(|token| Some((literal(token)?.1, token)));
    for (number, (text, token)) in literals.enumerate() {
        if let Some(text) = other(number, &text) {
            *token = Token::SingleQuotedString(text);
            changed = true;
        }
    }
    changed.then(|| tokens.iter().map(ToString::to_string).collect())
}

fn tokens_of(sql: &str) -> Option<Vec<Token>> {
    // The tokenizer is not ours, and any text may come: a panic in it is a refusal.
    let tokens = std::panic::catch_unwind(|| {
        Tokenizer::new(&PostgreSqlDialect {}, sql)
            .with_unescape(false)
            .tokenize()
    });
    tokens.ok()?.ok()
}

/// The tokens of a statement that count; none for a text that is no SQL, or is too long.
pub(super) fn tokens_that_count(sql: &str) -> Option<Vec<Token>> {
    let tokens = tokens_of(sql).filter(|_| sql.len() <= LONGEST)?;
    let mut tokens: Vec<Token> = tokens.into_iter().filter(counts).collect();
    while tokens.last() == Some(&Token::SemiColon) {
        tokens.pop();
    }
    Some(tokens)
}

/// The length in bytes of the longest statement that is read.
const LONGEST: usize = 4 << 20;

fn normalise(tokens: Vec<Token>) -> Statement {
    let mut tokens: Vec<Token> = tokens.into_iter().filter(counts).collect();
    while tokens.last() == Some(&Token::SemiColon) {
        tokens.pop();
    }
    // Before names are made alike, by the order in which they stand.
    let ordered = columns::ordered(&tokens);
    names::rename(&mut tokens);
    let (slots, columns) = match ordered {
        Some(mut ordered) => {
            names::rename(&mut ordered.tokens);
            let slots = slots(&ordered.tokens, literal, push_token);
            (slots, ordered.columns)
        }
        None => (slots(&tokens, literal, push_token), None),
    };
    let mut shape = String::new();
    let mut literals = Vec::new();
    for token in &tokens {
        if !shape.is_empty() {
            shape.push(' ');
        }
        match literal(token) {
            Some((mark, text)) => {
                shape.push_str(mark);
                literals.push(Literal {
                    text,
                    number: mark == NUMBER,
                });
            }
            None => push_token(&mut shape, token),
        }
    }
    Statement {
        effect: effect_of_shape(&shape),
        folded: fold(&shape),
        slots: Some(slots),
        columns,
        shape,
        literals,
    }
}

/// Whether a token counts: neither white space nor a comment. MySQL runs what stands in
/// `/*! … */`.
fn counts(token: &Token) -> bool {
    match token {
        Token::Whitespace(Whitespace::MultiLineComment(text)) => text.starts_with('!'),
        Token::Whitespace(_) | Token::EOF => false,
        _ => true,
    }
}

const NUMBER: &str = "?n";

/// The mark of a literal's kind, and its text.
fn literal(token: &Token) -> Option<(&'static str, String)> {
    Some(match token {
        Token::Number(digits, long) => {
            (NUMBER, format!("{digits}{}", if *long { "L" } else { "" }))
        }
        Token::SingleQuotedString(text) => ("?s", text.clone()),
        Token::EscapedStringLiteral(text) => ("?e", text.clone()),
        Token::UnicodeStringLiteral(text) => ("?u", text.clone()),
        Token::NationalStringLiteral(text) => ("?N", text.clone()),
        Token::HexStringLiteral(text) => ("?x", text.clone()),
        Token::SingleQuotedByteStringLiteral(text) => ("?b", text.clone()),
        // The tag between the dollars is a made-up name.
        Token::DollarQuotedString(quoted) => ("?d", quoted.value.clone()),
        _ => return None,
    })
}

fn push_token(shape: &mut String, token: &Token) {
    match token {
        Token::Word(word) if word.quote_style.is_none() => {
            shape.push_str(&word.value.to_ascii_lowercase());
        }
        other => {
            // A literal's mark begins with `?`; so does an operator of that name, which is
            // therefore doubled.
            let text = other.to_string();
            if text.starts_with('?') {
                shape.push('?');
            }
            shape.push_str(&text);
        }
    }
}

/// A shape with runs of `mark , mark , …` and of `( … ) , ( … )` folded into one of them.
fn fold(shape: &str) -> String {
    let words: Vec<&str> = shape.split(' ').collect();
    let flat = fold_list(&words, |words| {
        let first = words.first()?;
        let is_value = first.starts_with("?n")
            || first.starts_with("?s")
            || first.starts_with("?e")
            || first.starts_with('$');
        is_value.then(|| (1 + casts(words.get(1..).unwrap_or_default()), "?"))
    });
    let rows = fold_list(&flat, |words| {
        (words.starts_with(&["(", "?*", ")"])).then_some((3, "(?)"))
    });
    rows.join(" ")
}

/// How many words the casts behind a value are: `:: timestamp with time zone`, `:: varchar ( ?n )`.
fn casts(words: &[&str]) -> usize {
    let mut length = 0;
    while let ["::", _, ..] = words.get(length..).unwrap_or_default() {
        length += 2;
        length += match words.get(length..).unwrap_or_default() {
            ["with" | "without", "time", "zone", ..] => 3,
            ["(", _, ")", ..] => 3,
            ["[", "]", ..] => 2,
            _ => 0,
        };
    }
    length
}

/// Replaces each list of one or more items by the mark of an item and a star.
fn fold_list<'s>(
    words: &[&'s str],
    item: impl Fn(&[&'s str]) -> Option<(usize, &'static str)>,
) -> Vec<&'s str> {
    let mut folded = Vec::with_capacity(words.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let rest = words.get(at..).unwrap_or_default();
        match item(rest) {
            Some((length, mark)) => {
                at += length;
                while words.get(at) == Some(&",") {
                    match item(words.get(at + 1..).unwrap_or_default()) {
                        Some((length, _)) => at += length + 1,
                        None => break,
                    }
                }
                folded.push(if mark == "?" { "?*" } else { "(?)*" });
            }
            None => {
                folded.push(word);
                at += 1;
            }
        }
    }
    folded
}

#[cfg(test)]
mod tests;
