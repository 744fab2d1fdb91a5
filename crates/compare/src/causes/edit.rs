//! What was changed in a statement, apart from the statement.

use crate::diff::{equal_pairs, hash};
use crate::sql::Statement;

/// The most places at which a statement is changed, and the most words of one: more is another
/// statement.
const PLACES: usize = 6;
const WORDS: usize = 24;

/// What a statement, or an address, lost at a place, and what it got instead.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Edit {
    lost: String,
    got: String,
}

impl Edit {
    /// In words.
    pub(super) fn told(&self) -> String {
        match (self.lost.as_str(), self.got.as_str()) {
            (NAME, _) => "names in quotes".to_owned(),
            (_, NAME) => "names without quotes".to_owned(),
            ("", got) => format!("`{got}` added"),
            (lost, "") => format!("`{lost}` removed"),
            (lost, got) => format!("`{lost}` -> `{got}`"),
        }
    }
}

/// Stands for a name where all that changed is whether it is in quotes.
const NAME: &str = "\u{0}name";

/// What was changed in a statement, each change once, in one order; none where that cannot be told
/// or is too much. Values and the numbers of parameters do not count.
pub(super) fn of_statement(recorded: &str, asked: &str) -> Option<Vec<Edit>> {
    let (a, b) = (Statement::read(recorded), Statement::read(asked));
    if a.slots.is_none() || b.slots.is_none() {
        return None;
    }
    let words = |shape: &str| -> Vec<String> { shape.split(' ').map(plain).collect() };
    edits(&words(&a.shape), &words(&b.shape), " ")
}

/// The same of the path of a request, by its segments. Numbers do not count.
pub(super) fn of_path(recorded: &str, asked: &str) -> Option<Vec<Edit>> {
    let segments = |path: &str| -> Vec<String> {
        let all = path.trim_start_matches('/').split('/');
        all.map(crate::diff::general_text).collect()
    };
    edits(&segments(recorded), &segments(asked), "/")
}

/// The one name that came everywhere, or went, and whether it came: a column, whatever table it is
/// named with. Placeholders and their types do not count.
pub(super) fn column(edits: &[Edit]) -> Option<(String, bool)> {
    let came = edits.iter().all(|edit| edit.lost.is_empty());
    let went = edits.iter().all(|edit| edit.got.is_empty());
    if came == went {
        return None;
    }
    let mut names: Vec<&str> = Vec::new();
    for edit in edits {
        let words: Vec<&str> = format_of(edit, came).split(' ').collect();
        for (at, word) in words.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| words.get(at));
            let is_type = before == Some(&"::");
            let is_table = words.get(at + 1) == Some(&".");
            let is_name = word.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '"'));
            if is_name && !is_type && !is_table && !names.contains(word) && *word != NAME {
                names.push(word);
            }
        }
    }
    match names.as_slice() {
        [only] => Some(((*only).to_owned(), came)),
        _ => None,
    }
}

fn format_of(edit: &Edit, came: bool) -> &str {
    if came { &edit.got } else { &edit.lost }
}

/// A word of a shape without what varies: the number of a parameter, the kind of a literal.
fn plain(word: &str) -> String {
    match word.as_bytes() {
        [b'$', b'0'..=b'9', ..] => "$".to_owned(),
        [b'?', b'a'..=b'z' | b'N'] => "?".to_owned(),
        _ => word.to_owned(),
    }
}

fn edits(a: &[String], b: &[String], between: &str) -> Option<Vec<Edit>> {
    let hashes = |words: &[String]| -> Vec<u64> { words.iter().map(|word| hash(word)).collect() };
    let mut pairs = equal_pairs(&hashes(a), &hashes(b))?;
    pairs.push((a.len(), b.len()));
    let (mut at_a, mut at_b) = (0, 0);
    let mut edits = Vec::new();
    for (x, y) in pairs {
        let (lost, got) = (a.get(at_a..x)?, b.get(at_b..y)?);
        if !lost.is_empty() || !got.is_empty() {
            edits.push(edit(lost, got, between)?);
        }
        (at_a, at_b) = (x + 1, y + 1);
    }
    edits.retain(|edit| edit.lost != edit.got);
    edits.sort_unstable();
    edits.dedup();
    (1..=PLACES).contains(&edits.len()).then_some(edits)
}

fn edit(lost: &[String], got: &[String], between: &str) -> Option<Edit> {
    if lost.len() > WORDS || got.len() > WORDS {
        return None;
    }
    let is_quoted = |name: &String, quoted: &String| *quoted == format!("\"{name}\"");
    let (lost, got) = match (lost, got) {
        ([a], [b]) if is_quoted(a, b) => (NAME.to_owned(), String::new()),
        ([a], [b]) if is_quoted(b, a) => (String::new(), NAME.to_owned()),
        (lost, []) => (inner(lost).join(between), String::new()),
        ([], got) => (String::new(), inner(got).join(between)),
        (lost, got) => (lost.join(between), got.join(between)),
    };
    Some(Edit { lost, got })
}

/// What was put in or taken out, without the words that tie it to what it stands beside: a
/// condition is the same behind `where` and behind `and`.
fn inner(words: &[String]) -> &[String] {
    let ties = |word: &String| matches!(word.as_str(), "and" | "where" | ",");
    match words {
        [first, rest @ ..] if ties(first) && !rest.is_empty() => rest,
        [rest @ .., last] if ties(last) && !rest.is_empty() => rest,
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(recorded: &str, asked: &str) -> String {
        let edits = of_statement(recorded, asked).unwrap_or_default();
        let told: Vec<String> = edits.iter().map(Edit::told).collect();
        told.join("; ")
    }

    #[test]
    fn the_same_edit_of_other_statements_is_told_alike() {
        for (recorded, asked, expected) in [
            (
                "select sku, price from items where sku = $1",
                "select sku, unit_price from items where sku = $1",
                "`price` -> `unit_price`",
            ),
            (
                "update items set n = $1 where sku = $2 returning price",
                "update items set n = $1 where sku = $2 returning unit_price",
                "`price` -> `unit_price`",
            ),
            (
                "select * from orders order by id limit 5",
                "select * from orders where deleted_at is null order by id limit 7",
                "`deleted_at is null` added",
            ),
            (
                "select * from orders where id = $1 and c = $2",
                "select * from orders where deleted_at is null and id = $2 and c = $1",
                "`deleted_at is null` added",
            ),
            (
                "select id from items where sku = $1",
                "select \"id\" from \"items\" where sku = $1",
                "names in quotes",
            ),
            (
                "select id from items where sku = 'a'",
                "select id from items where sku = 'b'",
                "",
            ),
        ] {
            assert_eq!(told(recorded, asked), expected, "{asked}");
        }
    }

    #[test]
    fn a_column_is_told_in_whatever_statement_it_came() {
        let check = |recorded: &str, asked: &str, expected: Option<(&str, bool)>| {
            let edits = of_statement(recorded, asked).expect("edits");
            let expected = expected.map(|(name, came)| (name.to_owned(), came));
            assert_eq!(column(&edits), expected, "{asked}");
        };
        let note = Some(("note", true));
        check("select t.a from t", "select t.a, t.note from t", note);
        check(
            "insert into t (a) values ($1::int) returning id",
            "insert into t (a, note) values ($1::int, $2::varchar) returning id",
            note,
        );
        check(
            "select a, note from t",
            "select a from t",
            Some(("note", false)),
        );
        check(
            "select a from t",
            "select a from t where note is null",
            None,
        );
        check("select a from t", "select b from t", None);
    }

    #[test]
    fn another_path_is_told_by_its_segments() {
        let edits = of_path("/v1/items/7", "/v2/items/9").expect("an edit");
        assert_eq!(edits[0].told(), "`v1` -> `v2`");
        assert_eq!(of_path("/items/7", "/items/9"), None);
    }
}
