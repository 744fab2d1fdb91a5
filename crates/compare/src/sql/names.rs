//! Made-up names inside a statement.
//!
//! A name is renamed only where the statement itself says that nothing outside of it bears the
//! name, and only where the name is numbered:
//! * a savepoint: after `SAVEPOINT`, `RELEASE`, `ROLLBACK TO`;
//! * a cursor: in `DECLARE`, `FETCH`, `MOVE`, `CLOSE`;
//! * a prepared statement: in `PREPARE`, `EXECUTE`, `EXPLAIN … EXECUTE`, `DEALLOCATE` (what it is
//!   stands beside the statement that runs it);
//! * the alias of a table or of a query, used before a dot and nowhere else but where it is made.
//!
//! A column's alias is never renamed: it names a column of the answer.

use std::collections::HashMap;

use sqlparser::tokenizer::{Token, Word};

/// Renames the made-up names, in the order in which they appear.
pub(super) fn rename(tokens: &mut [Token]) {
    if let Some(at) = session_name(tokens) {
        if let Some(Token::Word(word)) = tokens.get_mut(at) {
            replace(word, 0);
        }
        return;
    }
    let aliases = made_up_aliases(tokens);
    if aliases.is_empty() {
        return;
    }
    for token in tokens {
        if let Token::Word(word) = token
            && let Some(number) = aliases.get(&key(word))
        {
            replace(word, *number);
        }
    }
}

/// No identifier can be written so: a quoted one keeps its quotes in the shape.
fn replace(word: &mut Word, number: usize) {
    word.value = format!("<name{number}>");
    word.quote_style = None;
}

/// Where the one name of a statement about savepoints or cursors stands, if it is numbered.
fn session_name(tokens: &[Token]) -> Option<usize> {
    let is = |at: usize, wanted: &str| tokens.get(at).is_some_and(|t| is_word(t, wanted));
    let first = match tokens.first()? {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_lowercase(),
        _ => return None,
    };
    let at = match first.as_str() {
        "savepoint" | "declare" | "close" => 1,
        "release" => 1 + usize::from(is(1, "savepoint")),
        "rollback" => {
            let to = (1..=2).find(|at| is(*at, "to"))?;
            to + 1 + usize::from(is(to + 1, "savepoint"))
        }
        "fetch" | "move" => match (1..tokens.len()).find(|at| is(*at, "from") || is(*at, "in")) {
            Some(from) => from + 1,
            None => tokens.len().checked_sub(1).filter(|last| *last > 0)?,
        },
        "prepare" | "execute" => 1,
        "deallocate" => 1 + usize::from(is(1, "prepare")),
        "explain" => (1..tokens.len()).find(|at| is(*at, "execute"))? + 1,
        _ => return None,
    };
    let is_last = matches!(tokens.get(at + 1), None | Some(Token::SemiColon));
    let goes_on = ["declare", "prepare", "execute", "explain"].contains(&first.as_str());
    match tokens.get(at)? {
        Token::Word(word) if is_numbered(&word.value) && (is_last || goes_on) => Some(at),
        _ => None,
    }
}

#[derive(Default)]
struct Uses {
    made: usize,
    common: bool,
    before_dot: usize,
    from: usize,
    other: usize,
}

/// The numbered aliases of tables and queries that are nothing else in this statement.
fn made_up_aliases(tokens: &[Token]) -> HashMap<(String, bool), usize> {
    let mut order = Vec::new();
    let mut uses: HashMap<(String, bool), Uses> = HashMap::new();
    for (at, token) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        if !is_numbered(&word.value) {
            continue;
        }
        let key = key(word);
        let uses = uses.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            Uses::default()
        });
        note(uses, at, tokens);
    }
    let mut aliases = HashMap::new();
    for key in order {
        let made_up = uses.get(&key).is_some_and(|uses| {
            uses.made == 1
                && uses.other == 0
                && uses.before_dot > 0
                && (uses.common || uses.from == 0)
        });
        if made_up {
            aliases.insert(key, aliases.len());
        }
    }
    aliases
}

/// Notes how the name at this place is used there.
fn note(uses: &mut Uses, at: usize, tokens: &[Token]) {
    let before = at.checked_sub(1).and_then(|i| tokens.get(i));
    let after = tokens.get(at + 1);
    let is = |token: Option<&Token>, wanted: &str| token.is_some_and(|t| is_word(t, wanted));
    let after_from = ["from", "join", "into", "update", "table", "only", "using"]
        .iter()
        .any(|w| is(before, w));
    let with = is(before, "with") || is(before, "recursive") || before == Some(&Token::Comma);
    if with && is(after, "as") && matches!(tokens.get(at + 2), Some(Token::LParen)) {
        uses.made += 1;
        uses.common = true;
    } else if after == Some(&Token::Period) && before != Some(&Token::Period) && !after_from {
        uses.before_dot += 1;
    } else if after == Some(&Token::Period) || after == Some(&Token::LParen) {
        uses.other += 1;
    } else if is(before, "as") || before == Some(&Token::RParen) || is_table_name(tokens, at) {
        uses.made += 1;
    } else if is(before, "from") || is(before, "join") {
        uses.from += 1;
    } else {
        uses.other += 1;
    }
}

/// Whether the token before `at` is a table's name after `FROM`, `JOIN` or the like, so that the
/// name at `at` is its alias.
fn is_table_name(tokens: &[Token], at: usize) -> bool {
    let word_at = |i: usize| matches!(tokens.get(i), Some(Token::Word(_)));
    let Some(mut start) = at.checked_sub(1).filter(|i| word_at(*i)) else {
        return false;
    };
    while start >= 2 && tokens.get(start - 1) == Some(&Token::Period) && word_at(start - 2) {
        start -= 2;
    }
    let introducer = start.checked_sub(1).and_then(|i| tokens.get(i));
    ["from", "join", "update", "into", "using"]
        .iter()
        .any(|w| introducer.is_some_and(|t| is_word(t, w)))
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

fn is_numbered(name: &str) -> bool {
    name.bytes().any(|b| b.is_ascii_digit())
}

/// A name as the database tells it from others: unquoted ones without regard to case.
fn key(word: &Word) -> (String, bool) {
    match word.quote_style {
        Some(_) => (word.value.clone(), true),
        None => (word.value.to_ascii_lowercase(), false),
    }
}
