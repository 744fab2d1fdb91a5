//! What a statement does to a database, as far as its words tell.

use crate::matching::Effect;

/// What a statement of that shape does, by its first word. Several statements in one text do what
/// the weightiest of them does. What is not known counts as a write.
pub(super) fn effect_of_shape(shape: &str) -> Effect {
    shape
        .split(" ; ")
        .map(shape_effect)
        .max()
        .unwrap_or(Effect::Read)
}

fn shape_effect(shape: &str) -> Effect {
    let mut words = shape.split(' ').filter(|word| *word != "(");
    match words.next().unwrap_or_default() {
        "select" => {
            // `SELECT … INTO table` makes one.
            let makes_table = shape.starts_with("select ") && words.any(|word| word == "into");
            match makes_table {
                true => Effect::Write,
                false if locks(shape) || sets_for_transaction(shape) => Effect::Acts,
                false => Effect::Read,
            }
        }
        // `SET LOCAL`, `SET TRANSACTION`, `SET CONSTRAINTS` are of one transaction; what is of the
        // session comes and goes with connections.
        "set" => match words.next() {
            Some("local" | "transaction" | "constraints") => Effect::Acts,
            _ => Effect::Read,
        },
        "" | "show" | "reset" | "values" | "table" | "fetch" | "move" | "declare" | "close"
        | "describe" | "desc" | "discard" | "deallocate" | "listen" | "unlisten" | "use"
        | "prepare" => Effect::Read,
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" => {
            Effect::Transaction
        }
        // Writes may stand in a common table expression, and EXPLAIN ANALYZE runs them.
        "with" | "explain" => {
            if words.any(|w| matches!(w, "insert" | "update" | "delete" | "merge" | "into"))
                && !ends_as_lock(shape)
            {
                Effect::Write
            } else if locks(shape) {
                Effect::Acts
            } else {
                Effect::Read
            }
        }
        _ => Effect::Write,
    }
}

/// Whether a query locks the rows that it gives. One that passes over locked rows takes what there is
/// from a queue, as often as it looks.
fn locks(shape: &str) -> bool {
    const FOR: [&str; 4] = [
        " for update",
        " for no key update",
        " for share",
        " for key share",
    ];
    FOR.iter().any(|lock| shape.contains(lock)) && !shape.contains(" skip locked")
}

/// Whether a query sets what its transaction goes by: `set_config(name, value, true)`.
fn sets_for_transaction(shape: &str) -> bool {
    shape.contains(" set_config ( ") && shape.contains(" , true )")
}

/// Whether the only `update` of a statement is that of `FOR UPDATE`.
fn ends_as_lock(shape: &str) -> bool {
    let writes = ["insert", "delete", "merge", "into"];
    let words: Vec<&str> = shape.split(' ').collect();
    let updates = words.iter().filter(|w| **w == "update").count();
    let locks = words
        .windows(2)
        .filter(|pair| matches!(pair, [a, "update"] if *a == "for" || *a == "key"))
        .count();
    updates == locks && !words.iter().any(|w| writes.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Statement;

    #[test]
    fn the_first_word_tells_the_effect() {
        for (sql, expected) in [
            ("select 1", Effect::Read),
            ("  /* x */ SELECT * from t for update", Effect::Acts),
            ("select * from t for no key update of t", Effect::Acts),
            ("select * from t for update skip locked", Effect::Read),
            ("select for_update from t", Effect::Read),
            ("SET LOCAL statement_timeout = '5s'", Effect::Acts),
            ("set transaction isolation level serializable", Effect::Acts),
            ("select set_config('app.user', $1, true)", Effect::Acts),
            ("select set_config('search_path', '', false)", Effect::Read),
            ("show server_version", Effect::Read),
            ("SET TIME ZONE 'UTC'", Effect::Read),
            ("", Effect::Read),
            ("begin", Effect::Transaction),
            ("ROLLBACK TO SAVEPOINT a", Effect::Transaction),
            ("insert into t values (1)", Effect::Write),
            ("with x as (select 1) select * from x", Effect::Read),
            (
                "with x as (select 1) select * from x for no key update",
                Effect::Acts,
            ),
            (
                "with x as (delete from t returning *) select * from x",
                Effect::Write,
            ),
            ("select * into u from t", Effect::Write),
            ("begin; update t set a = 1; commit", Effect::Write),
            ("begin; select 'insert into'; commit", Effect::Transaction),
            ("vacuum", Effect::Write),
            ("select 'unterminated", Effect::Write),
        ] {
            assert_eq!(Statement::read(sql).effect, expected, "{sql}");
        }
    }
}
