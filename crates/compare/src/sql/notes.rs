//! What a tool that changes schemas notes of the machine it ran on and of the time that took.
//!
//! It says nothing of the service, is another one at every start, and stands in a write without
//! which the service does not start.

use sqlparser::tokenizer::Token;

use super::rows::Piece;
use super::slots::is_any;

/// A column of such a note, and one that stands beside it in the same statement and tells whose
/// table it is: its name is for the user to choose.
const NOTES: &[(&str, &str)] = &[
    // Flyway, `flyway_schema_history`: the milliseconds that a migration took.
    ("execution_time", "installed_rank"),
    // Liquibase, `databasechangelog`: digits of the time of the start.
    ("deployment_id", "md5sum"),
    // Liquibase, `databasechangeloglock`: the name and the address of the machine.
    ("lockedby", "lockgranted"),
];

/// The numbers of the values that are such notes, among those of the statement.
pub(super) fn notes(pieces: &[Piece<'_>]) -> Vec<usize> {
    let assigned = match pieces.first() {
        Some(Piece::Token(token)) if is_any(token, &["insert"]) => inserted(pieces),
        Some(Piece::Token(token)) if is_any(token, &["update"]) => set(pieces),
        _ => return Vec::new(),
    };
    let Assigned { columns, values } = assigned.unwrap_or_default();
    let has = |name: &str| columns.iter().any(|c| c.eq_ignore_ascii_case(name));
    let is_note = |column: &str| {
        let named = |(note, _): &&(&str, &str)| column.eq_ignore_ascii_case(note);
        let mut notes = NOTES.iter().filter(named);
        notes.any(|(_, beside)| has(beside))
    };
    let of_note = |(column, number): &(usize, usize)| {
        let name = columns.get(*column);
        name.is_some_and(|name| is_note(name)).then_some(*number)
    };
    values.iter().filter_map(of_note).collect()
}

/// Columns, and which value is given to which: the number of the column and that of the value.
#[derive(Default)]
struct Assigned<'t> {
    columns: Vec<&'t str>,
    values: Vec<(usize, usize)>,
}

/// `INSERT INTO table (column, …) VALUES (value, …), …`
fn inserted<'t>(pieces: &[Piece<'t>]) -> Option<Assigned<'t>> {
    let is = |piece: &Piece<'_>, token: &Token| matches!(piece, Piece::Token(t) if *t == token);
    let opens = pieces.iter().position(|p| is(p, &Token::LParen))?;
    let length = pieces
        .iter()
        .skip(opens)
        .position(|p| is(p, &Token::RParen))?;
    let names = pieces.get(opens + 1..opens + length)?;
    let columns = names.iter().filter_map(name).collect();
    let mut assigned = Assigned {
        columns,
        values: Vec::new(),
    };
    let (mut depth, mut column, mut number) = (0usize, 0usize, 0usize);
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Token(Token::LParen) => {
                depth += 1;
                column = if depth == 1 { 0 } else { column };
            }
            Piece::Token(Token::RParen) => depth = depth.saturating_sub(1),
            Piece::Token(Token::Comma) if depth == 1 => column += 1,
            Piece::Token(_) => {}
            Piece::Value(_) => {
                if at > opens + length && depth == 1 && is_whole(pieces, at) {
                    assigned.values.push((column, number));
                }
                number += 1;
            }
        }
    }
    Some(assigned)
}

/// `UPDATE table SET column = value, …`
fn set<'t>(pieces: &[Piece<'t>]) -> Option<Assigned<'t>> {
    let mut assigned = Assigned::default();
    let mut number = 0;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Token(token) if is_any(token, &["where", "from", "returning"]) => break,
            // A column that is given something other than one value tells whose table it is, too.
            Piece::Token(Token::Eq) => {
                let column = at.checked_sub(1).and_then(|i| pieces.get(i));
                assigned.columns.extend(column.and_then(name));
            }
            Piece::Token(_) => {}
            Piece::Value(_) => {
                let given = at.checked_sub(1).and_then(|i| pieces.get(i));
                if matches!(given, Some(Piece::Token(Token::Eq))) && is_whole(pieces, at) {
                    let column = assigned.columns.len().checked_sub(1)?;
                    assigned.values.push((column, number));
                }
                number += 1;
            }
        }
    }
    Some(assigned)
}

fn name<'t>(piece: &Piece<'t>) -> Option<&'t str> {
    match piece {
        Piece::Token(Token::Word(word)) => Some(&word.value),
        _ => None,
    }
}

/// Whether the value is all that is given to its column.
fn is_whole(pieces: &[Piece<'_>], at: usize) -> bool {
    let bounds = |piece: Option<&Piece<'_>>| match piece {
        None => true,
        Some(Piece::Token(token)) => {
            matches!(
                token,
                Token::LParen | Token::RParen | Token::Comma | Token::Eq
            ) || is_any(token, &["where", "from", "returning"])
        }
        Some(Piece::Value(_)) => false,
    };
    bounds(at.checked_sub(1).and_then(|i| pieces.get(i))) && bounds(pieces.get(at + 1))
}

#[cfg(test)]
mod tests {
    use super::super::Statement;

    #[track_caller]
    fn check(sql: &str, expected: &[usize]) {
        let slots = Statement::read(sql).slots.unwrap_or_default().slots;
        let notes = slots.iter().enumerate().filter(|(_, slot)| slot.is_note);
        let notes: Vec<usize> = notes.map(|(number, _)| number).collect();
        assert_eq!(notes, expected, "{sql}");
    }

    #[test]
    fn finds_what_tools_note_of_their_machine_and_their_time() {
        check(
            r#"INSERT INTO "public"."flyway_schema_history" ("installed_rank", "version", "script",
            "execution_time", "success") VALUES ($1, $2, $3, $4, $5)"#,
            &[3],
        );
        check(
            "INSERT INTO databasechangelog (ID, DATEEXECUTED, MD5SUM, DESCRIPTION, DEPLOYMENT_ID) \
             VALUES ('1', NOW(), '9:ab', lower('X'), '2954345123'), ('2', NOW(), '9:cd', 'y', '2')",
            &[3, 7],
        );
        check(
            "UPDATE public.databasechangeloglock SET LOCKED = TRUE, LOCKEDBY = 'vm (10.0.0.1)', \
             LOCKGRANTED = NOW() WHERE ID = 1 AND LOCKED = FALSE",
            &[1],
        );
        check(
            "update l set lockgranted = $1, lockedby = $2, locked = $3 where id = $4",
            &[1],
        );
    }

    #[test]
    fn what_only_has_the_name_of_a_note_counts() {
        for sql in [
            "insert into runs (job, execution_time) values ($1, $2)",
            "insert into t (installed_rank, execution_time) values ($1, $2 + 5)",
            "insert into t (installed_rank, execution_time) select $1, $2",
            "select execution_time, installed_rank from t where execution_time = $1",
            "update t set lockgranted = $1 where lockedby = $2",
        ] {
            check(sql, &[]);
        }
    }
}
