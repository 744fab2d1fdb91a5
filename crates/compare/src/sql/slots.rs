//! Where the values of a statement stand: literals in its text, and parameters.
//!
//! One driver writes values into the text, another sends them apart, a third writes their type
//! behind them. Here all of these are slots of one shape. What may stand in a slot for what is
//! told by [`super::meant`].

use sqlparser::tokenizer::{Token, Word};

use super::notes::notes;
use super::rows::{Piece, Rows, lists};
use super::types::type_behind;

/// A statement whose values are taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Slots {
    /// The tokens, parted by one space, each value as `?`.
    pub(crate) shape: String,
    /// The values, in the order in which they stand.
    pub(crate) slots: Vec<Slot>,
    /// Lists of values whose order says nothing.
    pub(crate) lists: Vec<Rows>,
}

/// A place of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) value: Slotted,
    /// The type that is written behind it (`::int`), by its short name.
    pub(crate) cast: Option<String>,
    pub(crate) place: Place,
    /// Whether it is a note of the machine or its time, see [`super::notes`]: it does not count.
    pub(crate) is_note: bool,
    /// Whether it is an array of which the order of the elements says nothing: `= ANY ($1)`.
    pub(crate) is_set: bool,
}

/// What stands in a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Slotted {
    /// `$1` is 1.
    Param(usize),
    Literal(Kind, String),
}

/// How a literal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Digits, with a sign where it is one and no subtraction.
    Integer,
    /// A number with a fraction or an exponent.
    Decimal,
    /// A text, of whatever type its place asks for.
    Text,
    Bool,
    Null,
    /// One of a kind that stands for nothing else, by its mark.
    Other(&'static str),
}

/// What the place of a value says of its type (PostgreSQL documentation, "Type Conversion").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// A number there is no value but a position (`ORDER BY 1`).
    Position,
    /// The place gives no type: the value's own counts.
    Open,
    /// What it is compared with or assigned to has a type, which a value without one takes.
    Typed,
}

/// Takes the values out of the tokens of a statement; `literal` gives the mark and the text of a
/// token that is one.
pub(super) fn slots(
    tokens: &[Token],
    literal: impl Fn(&Token) -> Option<(&'static str, String)>,
    mut push: impl FnMut(&mut String, &Token),
) -> Slots {
    let mut out = Slots::default();
    // The tokens in their order, and a gap for each value.
    let mut pieces: Vec<Option<&Token>> = Vec::with_capacity(tokens.len());
    let mut around = Around::new(tokens);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if !out.shape.is_empty() {
            out.shape.push(' ');
        }
        let Some((value, length)) = value(tokens, at, &literal) else {
            around.pass(tokens, at);
            push(&mut out.shape, token);
            pieces.push(Some(token));
            at += 1;
            continue;
        };
        let (cast, length) = match type_behind(tokens.get(at + length..).unwrap_or_default()) {
            Some((cast, more)) => (Some(cast), length + more),
            None => (None, length),
        };
        out.shape.push('?');
        pieces.push(None);
        out.slots.push(Slot {
            value,
            cast,
            place: around.place(tokens, at, at + length),
            is_note: false,
            is_set: is_set(tokens, at, at + length),
        });
        at += length;
    }
    let (lists, notes) = {
        let mut slots = out.slots.iter();
        let pieces = pieces.into_iter().map(|token| match token {
            Some(token) => Piece::Token(token),
            None => Piece::Value(slots.next().and_then(|slot| slot.cast.as_deref())),
        });
        let pieces: Vec<_> = pieces.collect();
        (lists(&pieces), notes(&pieces))
    };
    out.lists = lists;
    for number in notes {
        if let Some(slot) = out.slots.get_mut(number) {
            slot.is_note = true;
        }
    }
    out
}

/// Whether a value, from its first token to the one behind it, is the array of `= ANY (…)` or `<> ALL (…)`.
fn is_set(tokens: &[Token], from: usize, end: usize) -> bool {
    let before = from
        .checked_sub(3)
        .and_then(|first| tokens.get(first..from));
    let (Some([compares, Token::Word(word), Token::LParen]), Some(Token::RParen)) =
        (before, tokens.get(end))
    else {
        return false;
    };
    let is = |name: &str| word.value.eq_ignore_ascii_case(name);
    match compares {
        Token::Eq => is("any") || is("some"),
        Token::Neq => is("all"),
        _ => false,
    }
}

/// The value that begins there, and how many tokens it takes.
fn value(
    tokens: &[Token],
    at: usize,
    literal: impl Fn(&Token) -> Option<(&'static str, String)>,
) -> Option<(Slotted, usize)> {
    let token = tokens.get(at)?;
    let before = at.checked_sub(1).and_then(|i| tokens.get(i));
    match token {
        Token::Placeholder(name) => {
            let number = name.strip_prefix('$')?.parse().ok()?;
            return Some((Slotted::Param(number), 1));
        }
        Token::Minus if is_sign(before) => {
            let (kind, text) = number(&literal, tokens.get(at + 1)?)?;
            return Some((Slotted::Literal(kind, format!("-{text}")), 2));
        }
        Token::Word(word) if word.quote_style.is_none() => {
            return Some((keyword(word, before)?, 1));
        }
        _ => {}
    }
    if let Some((kind, text)) = number(&literal, token) {
        return Some((Slotted::Literal(kind, text), 1));
    }
    let (mark, text) = literal(token)?;
    let plain = match mark {
        "?s" => Some(text.replace("''", "'")),
        // The tokenizer reads the escapes of the latter.
        "?d" | "?e" => Some(text.clone()),
        _ => None,
    };
    Some(match plain {
        Some(text) => (Slotted::Literal(Kind::Text, text), 1),
        None => (Slotted::Literal(Kind::Other(mark), text), 1),
    })
}

fn number(
    literal: impl Fn(&Token) -> Option<(&'static str, String)>,
    token: &Token,
) -> Option<(Kind, String)> {
    let Token::Number(..) = token else {
        return None;
    };
    let (_, text) = literal(token)?;
    let kind = match text.bytes().all(|b| b.is_ascii_digit()) {
        true => Kind::Integer,
        false
            if text
                .bytes()
                .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) =>
        {
            Kind::Decimal
        }
        false => Kind::Other("?n"),
    };
    Some((kind, text))
}

/// TRUE, FALSE and NULL, where they are values.
fn keyword(word: &Word, before: Option<&Token>) -> Option<Slotted> {
    let is = |keyword: &str| word.value.eq_ignore_ascii_case(keyword);
    let kind = match (is("null"), is("true") || is("false")) {
        (true, _) => Kind::Null,
        (_, true) => Kind::Bool,
        _ => return None,
    };
    let part_of_words = match before {
        Some(Token::Period) => true,
        Some(before) => is_any(before, &["is", "not", "set", "on", "returns", "as"]),
        None => false,
    };
    (!part_of_words).then(|| Slotted::Literal(kind, word.value.to_ascii_lowercase()))
}

/// Whether a minus behind that token is the sign of a number.
fn is_sign(before: Option<&Token>) -> bool {
    match before {
        None => true,
        Some(token) => {
            is_comparison(token)
                || matches!(token, Token::LParen | Token::Comma)
                || is_any(
                    token,
                    &[
                        "select",
                        "where",
                        "and",
                        "or",
                        "then",
                        "else",
                        "when",
                        "between",
                        "limit",
                        "offset",
                        "returning",
                        "having",
                    ],
                )
        }
    }
}

/// What is open around the place that is read.
struct Around {
    inserts: bool,
    /// One for the statement, and one for each open bracket.
    open: Vec<Open>,
}

#[derive(Clone, Copy, Default)]
struct Open {
    /// Within ORDER BY, GROUP BY, DISTINCT ON.
    positions: bool,
    /// Of IN, or of VALUES in an INSERT.
    list: bool,
    /// Behind VALUES.
    values: bool,
}

impl Around {
    fn new(tokens: &[Token]) -> Self {
        Around {
            inserts: tokens.first().is_some_and(|t| is_any(t, &["insert"])),
            open: vec![Open::default()],
        }
    }

    /// Passes a token that is no value.
    fn pass(&mut self, tokens: &[Token], at: usize) {
        let before = |back: usize| at.checked_sub(back).and_then(|i| tokens.get(i));
        let is = |token: Option<&Token>, word: &str| token.is_some_and(|t| is_any(t, &[word]));
        let values = self.open.last().is_some_and(|open| open.values);
        match tokens.get(at) {
            Some(Token::LParen) => self.open.push(Open {
                positions: is(before(1), "on") && is(before(2), "distinct"),
                list: is(before(1), "in") || values && self.inserts,
                values: false,
            }),
            Some(Token::RParen) if self.open.len() > 1 => {
                self.open.pop();
            }
            Some(token @ Token::Word(_)) => {
                if let Some(open) = self.open.last_mut() {
                    open.values = is_any(token, &["values"]);
                    if is_any(token, &["by"]) {
                        open.positions = true;
                    } else if is_any(token, ENDS_LIST) {
                        open.positions = false;
                    }
                }
            }
            _ => {}
        }
    }

    /// The place of the value between these tokens.
    fn place(&self, tokens: &[Token], from: usize, to: usize) -> Place {
        let open = self.open.last().copied().unwrap_or_default();
        let before = from.checked_sub(1).and_then(|i| tokens.get(i));
        let after = tokens.get(to);
        let first_in_list = matches!(before, Some(Token::LParen | Token::Comma));
        let by = before.is_some_and(|t| is_any(t, &["by"]));
        let ends = match after {
            None | Some(Token::RParen | Token::Comma | Token::SemiColon) => true,
            Some(word) => is_any(word, BEHIND),
        };
        if open.positions && (by || first_in_list) {
            return Place::Position;
        }
        let typed = before.is_some_and(|token| {
            is_comparison(token)
                || is_any(token, &["like", "ilike", "limit", "offset", "between"])
                || first_in_list && open.list
        });
        match typed && ends {
            true => Place::Typed,
            false => Place::Open,
        }
    }
}

const ENDS_LIST: &[&str] = &[
    "select",
    "from",
    "where",
    "having",
    "limit",
    "offset",
    "union",
    "except",
    "intersect",
    "fetch",
    "for",
    "rows",
    "range",
];

/// Words behind a whole operand.
const BEHIND: &[&str] = &[
    "and",
    "or",
    "where",
    "limit",
    "offset",
    "order",
    "group",
    "having",
    "returning",
    "from",
    "for",
    "union",
    "on",
    "then",
    "end",
];

fn is_comparison(token: &Token) -> bool {
    matches!(
        token,
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq
    )
}

/// Whether a token is one of these words, without quotes.
pub(super) fn is_any(token: &Token, words: &[&str]) -> bool {
    matches!(token, Token::Word(word)
        if word.quote_style.is_none() && words.iter().any(|w| word.value.eq_ignore_ascii_case(w)))
}

#[cfg(test)]
mod tests {
    use crate::sql::Statement;

    #[test]
    fn an_array_of_which_only_the_members_count_is_a_set() {
        let check = |sql: &str, expected: &[bool]| {
            let slots = Statement::read(sql).slots.unwrap().slots;
            let sets: Vec<bool> = slots.iter().map(|slot| slot.is_set).collect();
            assert_eq!(sets, expected, "{sql}");
        };
        check(
            "select 1 from t where id = any ($1) and x = $2",
            &[false, true, false],
        );
        check("select a from t where id = ANY($1::uuid[])", &[true]);
        check("select a from t where id = any('{a,b}')", &[true]);
        check("select a from t where id <> all ($1)", &[true]);
        check("select a from t where id > any ($1)", &[false]);
        check("select unnest($1), any_value($2)", &[false, false]);
    }
}
