//! Lists of values whose order says nothing: the elements of `IN (…)`, and the rows of a `VALUES`
//! that is read as a table. Services write them from sets, which are in another order in each
//! process.

use sqlparser::tokenizer::Token;

use super::slots::is_any;

/// A list of rows of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Rows {
    /// The number of the first value among those of the statement.
    pub(crate) first: usize,
    /// How many values are in a row.
    pub(crate) width: usize,
    /// How many rows there are; at least two.
    pub(crate) count: usize,
}

/// A piece of a statement: a token, by its number, or a value with its sign and its type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'t> {
    Token(&'t Token),
    /// The value's type, where one is written behind it.
    Value(Option<&'t str>),
}

/// Words with which the order of a table's rows may be seen, or is how they are written.
const ORDER_COUNTS: &[&str] = &[
    "insert",
    "merge",
    "limit",
    "offset",
    "fetch",
    "over",
    "ordinality",
    "array_agg",
    "string_agg",
    "json_agg",
    "jsonb_agg",
    "serial",
    "nextval",
];

/// The lists of a statement. Where the order of rows may be seen in the answer, those of `VALUES`
/// keep theirs.
pub(super) fn lists(pieces: &[Piece<'_>]) -> Vec<Rows> {
    let is = |piece: Option<&Piece<'_>>, words: &[&str]| matches!(piece, Some(Piece::Token(token)) if is_any(token, words));
    let tables = !pieces.iter().any(|piece| is(Some(piece), ORDER_COUNTS));
    let mut found = Vec::new();
    let mut values = 0;
    for (at, piece) in pieces.iter().enumerate() {
        let behind = pieces.get(at + 1..).unwrap_or_default();
        let before = |back: usize| at.checked_sub(back).and_then(|at| pieces.get(at));
        let list = match piece {
            Piece::Value(_) => {
                values += 1;
                continue;
            }
            Piece::Token(Token::LParen) if is(before(1), &["in"]) => elements(behind),
            // `INSERT INTO t VALUES` has a name or a bracket that closes before it.
            Piece::Token(token)
                if tables
                    && is_any(token, &["values"])
                    && matches!(before(1), Some(Piece::Token(Token::LParen))) =>
            {
                rows(behind)
            }
            Piece::Token(_) => None,
        };
        if let Some((width, count)) = list.filter(|(_, count)| *count > 1) {
            found.push(Rows {
                first: values,
                width,
                count,
            });
        }
    }
    found
}

/// `value, value, …)`: rows of one.
fn elements(pieces: &[Piece<'_>]) -> Option<(usize, usize)> {
    let (types, _) = row(pieces)?;
    let first = types.first()?;
    types
        .iter()
        .all(|own| own == first)
        .then_some((1, types.len()))
}

/// `(value, …), (value, …))`: rows of the same width and types.
fn rows(pieces: &[Piece<'_>]) -> Option<(usize, usize)> {
    let mut rest = pieces;
    let mut first: Option<Vec<Option<&str>>> = None;
    let mut count = 0;
    loop {
        let (Piece::Token(Token::LParen), inside) = rest.split_first()? else {
            return None;
        };
        let (types, length) = row(inside)?;
        rest = inside.get(length..)?;
        count += 1;
        match &first {
            Some(first) if *first != types => return None,
            Some(_) => {}
            None => first = Some(types),
        }
        match rest.split_first()? {
            (Piece::Token(Token::Comma), more) => rest = more,
            (Piece::Token(Token::RParen), _) => return Some((first?.len(), count)),
            _ => return None,
        }
    }
}

/// The types of `value, value, …)`, and how many pieces that is.
fn row<'t>(pieces: &[Piece<'t>]) -> Option<(Vec<Option<&'t str>>, usize)> {
    let mut types = Vec::new();
    let mut length = 0;
    loop {
        let Piece::Value(cast) = *pieces.get(length)? else {
            return None;
        };
        length += 1;
        let own = match cast {
            None => type_of_ones_own(pieces.get(length..)?),
            Some(_) => None,
        };
        length += own.map_or(0, |_| 2);
        types.push(cast.or(own));
        length += 1;
        match pieces.get(length - 1)? {
            Piece::Token(Token::Comma) => {}
            Piece::Token(Token::RParen) => return Some((types, length)),
            _ => return None,
        }
    }
}

/// A type behind a value that PostgreSQL does not know by itself (`::state_type`, an enumeration):
/// it stays in the statement's text.
fn type_of_ones_own<'t>(pieces: &[Piece<'t>]) -> Option<&'t str> {
    match pieces {
        [
            Piece::Token(Token::DoubleColon),
            Piece::Token(Token::Word(word)),
            ..,
        ] => Some(&word.value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Statement;

    fn check(sql: &str, expected: &[(usize, usize, usize)]) {
        let slots = Statement::read(sql).slots.unwrap_or_default();
        let lists = slots.lists.iter();
        let found: Vec<_> = lists.map(|l| (l.first, l.width, l.count)).collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn lists_whose_order_says_nothing_are_found() {
        check(
            "select a from t where x = 1 and b in (3, -1, $1)",
            &[(1, 1, 3)],
        );
        check(
            "select a from t where b not in ('x', 'y') and c in (1, 2)",
            &[(0, 1, 2), (2, 1, 2)],
        );
        check(
            "with p as (values (1, 'a'), (2, 'b')) select * from p",
            &[(0, 2, 2)],
        );
        check(
            "select * from (values ('a'::text), ('b'::text)) as v(n)",
            &[(0, 1, 2)],
        );
        check(
            "select a from t where b in ($1::state, $2::state) and c = 1",
            &[(0, 1, 2)],
        );
        check(
            "select * from (values ('a'::mood, 1), ('b'::mood, 2)) as v(n, m)",
            &[(0, 2, 2)],
        );
        check("delete from t where a in (1, 2)", &[(0, 1, 2)]);
    }

    #[test]
    fn other_lists_keep_their_order() {
        for sql in [
            "select a from t where b in (1)",
            "select a from t where b in (1, c)",
            "select a from t where b in (1::int, 2::text)",
            "select a from t where b in ($1::state, $2::mood)",
            "select a from t where b in ($1::state, $2)",
            "select a from t where b in ($1::shop.state, $2::shop.state)",
            "select a from t where b in (select 1)",
            "select coalesce(1, 2)",
            "insert into t values (1), (2)",
            "insert into t (a) values (1), (2)",
            "with p as (insert into t values (1), (2) returning a) select a from p",
            "insert into t select * from (values (1), (2)) v",
            "select * from (values (1), (2)) v limit 1",
            "select row_number() over () from (values (1), (2)) v",
            "select array_agg(a) from (values (1), (2)) v(a)",
            "select * from (values (1, 2), (3)) v",
            "select * from (values (1), (now())) v",
            "values (1), (2)",
        ] {
            check(sql, &[]);
        }
    }
}
