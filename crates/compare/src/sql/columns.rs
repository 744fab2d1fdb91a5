//! Lists of columns whose order says nothing.
//!
//! Some clients build the list of a SELECT from a set of objects (SQLAlchemy, for keys of several
//! columns), so that it stands in another order in each process. Here such lists are put into one
//! order, by the names of the columns, for the identity of the statement alone:
//! * of the statement itself: what it answers is the same, with its columns in another order, and
//!   whoever serves the answer puts them into the order that was asked for;
//! * of a query in brackets behind FROM or JOIN that has a name: what is around it speaks of its
//!   columns by their names.
//!
//! Only where that is certain: each item is a column, or a literal or parameter, with a name of its
//! own, and nothing in the statement goes by positions. Functions, other expressions and
//! statements other than SELECT keep their order. Which item is computed first is not
//! defined (PostgreSQL documentation, "Expression Evaluation Rules").

use std::ops::Range;

use sqlparser::tokenizer::{Token, Word};

use super::slots::is_any;

/// A statement with its lists in one order.
pub(super) struct Ordered {
    pub(super) tokens: Vec<Token>,
    /// For each column of the ordered statement its place in the answer to the one that was read;
    /// none where the list of the statement itself keeps its order.
    pub(super) columns: Option<Vec<usize>>,
}

/// Puts lists into order, where there are any of which this is certain.
pub(super) fn ordered(tokens: &[Token]) -> Option<Ordered> {
    if !is_word(tokens.first(), "select") || goes_by_positions(tokens) {
        return None;
    }
    let mut out = tokens.to_vec();
    let mut columns = None;
    if let Some(items) = items(tokens, 0) {
        columns = Some(reorder(tokens, &items, &mut out));
    }
    for at in 1..tokens.len() {
        if let Some(items) = derived(tokens, at) {
            reorder(tokens, &items, &mut out);
        }
    }
    Some(Ordered {
        tokens: out,
        columns,
    })
}

/// One item of a list.
struct Item {
    /// The name of the column in the answer, as the database reads it.
    name: String,
    tokens: Range<usize>,
}

/// Writes the items in the order of their names; returns where each stood.
fn reorder(tokens: &[Token], items: &[Item], out: &mut [Token]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|at| items.get(*at).map(|item| item.name.as_str()));
    let mut sorted = Vec::new();
    for item in order.iter().filter_map(|at| items.get(*at)) {
        if !sorted.is_empty() {
            sorted.push(Token::Comma);
        }
        sorted.extend_from_slice(tokens.get(item.tokens.clone()).unwrap_or_default());
    }
    let start = items.first().map_or(0, |item| item.tokens.start);
    for (place, token) in out.iter_mut().skip(start).zip(sorted) {
        *place = token;
    }
    order
}

/// Whether columns may count by their places anywhere in the statement: `*`, sets of rows that are
/// put together, numbers in ORDER BY and GROUP BY; and whether it is more than one SELECT.
fn goes_by_positions(tokens: &[Token]) -> bool {
    let mut depth = 0_usize;
    // The depth of the innermost list behind BY.
    let mut by: Option<usize> = None;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|i| tokens.get(i));
        match token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.saturating_sub(1);
                by = by.filter(|of| *of <= depth);
            }
            Token::SemiColon => return true,
            Token::Mul => {
                let counts =
                    before == Some(&Token::LParen) && tokens.get(at + 1) == Some(&Token::RParen);
                if !counts {
                    return true;
                }
            }
            Token::Number(..) if by.is_some() => return true,
            token if is_any(token, POSITIONS) => return true,
            token if is_any(token, &["by"]) => by = by.or(Some(depth)),
            token if by == Some(depth) && is_any(token, ENDS_BY) => by = None,
            _ => {}
        }
    }
    false
}

/// Words of what goes by positions, or makes something of the rows.
const POSITIONS: &[&str] = &[
    "union",
    "intersect",
    "except",
    "minus",
    "into",
    "natural",
    "values",
];

/// Words behind the list of ORDER BY or GROUP BY.
const ENDS_BY: &[&str] = &[
    "limit", "offset", "fetch", "for", "having", "order", "window",
];

/// The items of a query in brackets that begins at the bracket, where the whole statement speaks
/// of them by their names.
fn derived(tokens: &[Token], at: usize) -> Option<Vec<Item>> {
    let before = tokens.get(at.checked_sub(1)?);
    let opens = tokens.get(at) == Some(&Token::LParen)
        && (is_word(before, "from") || is_word(before, "join"))
        && !at
            .checked_sub(2)
            .is_some_and(|i| is_word(tokens.get(i), "distinct"));
    if !opens || !is_word(tokens.get(at + 1), "select") {
        return None;
    }
    let close = closing(tokens, at)?;
    let Some(Token::Word(alias)) = tokens.get(close + 2) else {
        return None;
    };
    if !is_word(tokens.get(close + 1), "as") || tokens.get(close + 3) == Some(&Token::LParen) {
        return None;
    }
    let items = items(tokens, at + 1)?;
    let alias = name_of(alias);
    let by_name = tokens.iter().enumerate().all(|(i, token)| match token {
        Token::Word(word) if i != close + 2 && name_of(word) == alias => {
            // Without a column of that name it would be a function of the whole row.
            let column = match tokens.get(i + 2) {
                Some(Token::Word(column)) => name_of(column),
                _ => return false,
            };
            let of_a_schema = i.checked_sub(1).and_then(|i| tokens.get(i)) == Some(&Token::Period);
            tokens.get(i + 1) == Some(&Token::Period)
                && tokens.get(i + 3) != Some(&Token::Period)
                && tokens.get(i + 3) != Some(&Token::LParen)
                && !of_a_schema
                && items.iter().any(|item| item.name == column)
        }
        _ => true,
    });
    by_name.then_some(items)
}

/// The bracket that closes the one that is there.
fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The items of the SELECT that is there, where each is a plain one with a name of its own.
fn items(tokens: &[Token], select: usize) -> Option<Vec<Item>> {
    let distinct = is_word(tokens.get(select + 1), "distinct");
    let first = select + 1 + usize::from(distinct);
    let mut items: Vec<Item> = Vec::new();
    let mut start = first;
    for at in first..tokens.len() {
        let ends = is_word(tokens.get(at), "from");
        if !ends && tokens.get(at) != Some(&Token::Comma) {
            continue;
        }
        let name = column_name(tokens.get(start..at)?)?;
        if items.iter().any(|item| item.name == name) || items.len() >= MOST {
            return None;
        }
        items.push(Item {
            name,
            tokens: start..at,
        });
        if ends {
            return Some(items);
        }
        start = at + 1;
    }
    None
}

/// The most columns of a list that is put into order.
const MOST: usize = 200;

/// The name under which a plain item stands in the answer.
fn column_name(item: &[Token]) -> Option<String> {
    let (value, alias) = match item {
        [value @ .., made, Token::Word(alias)] if is_any(made, &["as"]) => (value, Some(alias)),
        value => (value, None),
    };
    let column = match value {
        [Token::Word(a)] => Some(a),
        [Token::Word(_), Token::Period, Token::Word(a)] => Some(a),
        [
            Token::Word(_),
            Token::Period,
            Token::Word(_),
            Token::Period,
            Token::Word(a),
        ] => Some(a),
        [Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_)] => None,
        _ => return None,
    };
    let column = column.filter(|word| !is_any(&Token::Word((*word).clone()), CONSTANTS));
    let name = name_of(alias.or(column)?);
    // PostgreSQL cuts longer names off, so that two could become one.
    (name.len() <= 63).then_some(name)
}

/// Words that are values without a name of their own.
const CONSTANTS: &[&str] = &["null", "true", "false"];

/// A name as the database reads it.
fn name_of(word: &Word) -> String {
    match word.quote_style {
        Some(_) => word.value.clone(),
        None => word.value.to_lowercase(),
    }
}

fn is_word(token: Option<&Token>, wanted: &str) -> bool {
    token.is_some_and(|token| is_any(token, &[wanted]))
}

#[cfg(test)]
mod tests;
