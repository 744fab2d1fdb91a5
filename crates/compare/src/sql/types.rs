//! Names of types (PostgreSQL documentation, "Data Types").

use sqlparser::tokenizer::Token;

use super::slots::is_any;

/// Every name of a type that may be written behind a value, and its short name.
const NAMES: &[(&str, &str)] = &[
    ("int", "int4"),
    ("integer", "int4"),
    ("int4", "int4"),
    ("smallint", "int2"),
    ("int2", "int2"),
    ("bigint", "int8"),
    ("int8", "int8"),
    ("numeric", "numeric"),
    ("decimal", "numeric"),
    ("real", "float4"),
    ("float4", "float4"),
    ("float8", "float8"),
    ("text", "text"),
    ("varchar", "varchar"),
    ("bool", "bool"),
    ("boolean", "bool"),
    ("uuid", "uuid"),
    ("date", "date"),
    ("timestamp", "timestamp"),
    ("timestamptz", "timestamptz"),
    ("time", "time"),
    ("timetz", "timetz"),
    ("interval", "interval"),
    ("bytea", "bytea"),
    ("json", "json"),
    ("jsonb", "jsonb"),
    ("inet", "inet"),
    ("cidr", "cidr"),
];

/// The type that is written behind a value (`::int[]`), by its short name, and how many tokens
/// that takes. None where there is none, or one that is not known.
pub(super) fn type_behind(tokens: &[Token]) -> Option<(String, usize)> {
    let (Token::DoubleColon, Token::Word(word)) = (tokens.first()?, tokens.get(1)?) else {
        return None;
    };
    let mut length = 2;
    let mut next = |words: &[&str]| {
        let all = words
            .iter()
            .enumerate()
            .all(|(i, word)| tokens.get(length + i).is_some_and(|t| is_any(t, &[word])));
        length += if all { words.len() } else { 0 };
        all
    };
    let is = |name: &str| word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name);
    let short = if is("double") && next(&["precision"]) {
        "float8"
    } else if is("timestamp") && next(&["with", "time", "zone"]) {
        "timestamptz"
    } else if is("timestamp") && next(&["without", "time", "zone"]) {
        "timestamp"
    } else {
        NAMES.iter().find(|(name, _)| is(name))?.1
    };
    match (tokens.get(length), tokens.get(length + 1)) {
        (Some(Token::LBracket), Some(Token::RBracket)) => {
            let more = tokens.get(length + 2) == Some(&Token::LBracket);
            (!more).then(|| (format!("{short}[]"), length + 2))
        }
        // A modifier, a part of an array, a type of two words.
        (Some(Token::LParen | Token::LBracket | Token::Period), _) => None,
        (Some(word), _) if is_any(word, &["with", "without", "varying", "precision"]) => None,
        _ => Some((short.to_owned(), length)),
    }
}
