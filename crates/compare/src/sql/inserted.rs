//! How many rows an `INSERT … VALUES` inserts.

use sqlparser::tokenizer::Token;

use super::slots::is_any;
use super::statement::tokens_that_count;

/// How many rows a statement inserts that gives none of them back; none for any other statement. What
/// it does where such a row is there (`ON CONFLICT`) does not count.
pub(crate) fn inserted(sql: &str) -> Option<usize> {
    let tokens = tokens_that_count(sql)?;
    if !is_any(tokens.first()?, &["insert"]) {
        return None;
    }
    let (mut depth, mut rows, mut behind) = (0usize, None, false);
    for token in &tokens {
        match token {
            Token::LParen => {
                if let (0, false, Some(rows)) = (depth, behind, &mut rows) {
                    *rows += 1;
                }
                depth += 1;
            }
            Token::RParen => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            Token::SemiColon => return None,
            token if is_any(token, &["values"]) => rows = rows.or(Some(0usize)),
            token if is_any(token, &["on"]) => behind = true,
            token if is_any(token, &["returning", "select"]) => return None,
            _ => {}
        }
    }
    rows.filter(|rows| *rows > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_where_nothing_is_given_back() {
        for (sql, expected) in [
            ("insert into t (a, b) values ($1, $2)", Some(1)),
            (
                "INSERT INTO t VALUES (1, f(2)), ($1::text, (3)), (5, 6);",
                Some(3),
            ),
            (
                "insert into t (a) values (1), (2) on conflict (a) do nothing",
                Some(2),
            ),
            ("insert into t (a) values (1) returning a", None),
            (
                "insert into t (a) values (1) on conflict (a) do nothing returning a",
                None,
            ),
            (
                "insert into t (a) values (1) on conflict (a) do update set a = 2",
                Some(1),
            ),
            ("insert into t select a from u", None),
            ("insert into t (a) values (1); delete from t", None),
            ("update t set a = (1)", None),
            ("not 'sql", None),
        ] {
            assert_eq!(inserted(sql), expected, "{sql}");
        }
    }
}
