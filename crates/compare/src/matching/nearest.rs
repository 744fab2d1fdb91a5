//! The recorded request that is most like one that nothing answers.

use std::collections::HashSet;

use retake_model::{FieldKind, Path, Rules, Segment, Value};

use crate::sql::Statements;

/// How many recorded requests are held against one that was missed at most.
pub(super) const LOOK: usize = 200;

/// How many differing places are told at most.
const DIFFERS: usize = 16;

/// A place that differs: the recorded and the asked value.
pub(super) type Differs = (Path, Option<Value>, Option<Value>);

/// How unlike two requests are: fewer is nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Distance {
    other_fields: usize,
    other_words: usize,
}

/// How unlike an asked request is to a recorded one.
pub(super) fn distance(
    recorded: &Value,
    asked: &Value,
    rules: &Rules,
    statements: &mut Statements,
) -> Distance {
    let mut other_words = 0;
    for name in rules.summary {
        if let (Some(Value::String(a)), Some(Value::String(b))) =
            (recorded.get(name), asked.get(name))
        {
            let (a, b) = (words(a), words(b));
            other_words += a.symmetric_difference(&b).count();
        } else if recorded.get(name) != asked.get(name) {
            other_words += 100;
        }
    }
    let differs = differs(recorded, asked, rules, statements);
    let is_sql = |name: &str| {
        let mut fields = rules.identity.iter();
        fields.any(|field| field.name == name && field.kind == FieldKind::Sql)
    };
    // The values of another statement are for other places, and a description has none: its words tell.
    let is_another = differs.iter().any(|(at, a, b)| {
        let name = match at.0.as_slice() {
            [Segment::Key(name)] => name,
            _ => return false,
        };
        a.is_some() && b.is_some() && is_sql(name)
    });
    Distance {
        other_fields: if is_another {
            DIFFERS + 1
        } else {
            differs.len()
        },
        other_words,
    }
}

/// Whether a quarter of the words by which the two requests are told is common to both: else the
/// one says nothing of the other. Statements are told by their words alone, and one without a word
/// is like none.
pub(super) fn is_alike(recorded: &Value, asked: &Value, rules: &Rules) -> bool {
    let is_statement = |name: &&&str| {
        let mut fields = rules.identity.iter();
        let is_sql = fields.any(|field| field.name == **name && field.kind == FieldKind::Sql);
        is_sql && recorded.get(name).is_some() && asked.get(name).is_some()
    };
    let told_by = match rules.summary.iter().find(is_statement) {
        Some(statement) => std::slice::from_ref(statement),
        None => rules.summary,
    };
    told_by
        .iter()
        .any(|name| match (recorded.get(name), asked.get(name)) {
            (Some(Value::String(a)), Some(Value::String(b))) => {
                let (a, b) = (words(a), words(b));
                let common = a.intersection(&b).count();
                common > 0 && common * 4 >= a.len().max(b.len())
            }
            (a, b) => a.is_some() && a == b,
        })
}

fn words(text: &str) -> HashSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let words = words.filter(|word| !word.is_empty());
    words.take(400).map(str::to_lowercase).collect()
}

/// The places of the identifying fields that differ, in the order of the rules; at most 16. A
/// literal of a statement is told as `sql.literals[0]`, a value of a query as `path.query.name`.
pub(super) fn differs(
    recorded: &Value,
    asked: &Value,
    rules: &Rules,
    statements: &mut Statements,
) -> Vec<Differs> {
    let mut out = Vec::new();
    for field in rules.identity {
        let at = Path::root().key(field.name);
        let (a, b) = (recorded.get(field.name), asked.get(field.name));
        match (field.kind, a, b) {
            (FieldKind::Sql, Some(Value::String(a)), Some(Value::String(b))) => {
                statement(&at, a, b, statements, &mut out);
            }
            (FieldKind::Path, Some(Value::String(a)), Some(Value::String(b))) => {
                target(&at, a, b, &mut out);
            }
            (kind, a, b) => tree(&at, a, b, kind == FieldKind::Body, &mut out),
        }
    }
    out
}

fn note(out: &mut Vec<Differs>, at: &Path, a: Option<Value>, b: Option<Value>) {
    if out.len() < DIFFERS {
        out.push((at.clone(), a, b));
    }
}

fn statement(at: &Path, a: &str, b: &str, statements: &mut Statements, out: &mut Vec<Differs>) {
    let (read_a, read_b) = (statements.get(a), statements.get(b));
    if read_a.shape != read_b.shape {
        note(out, at, Some(a.into()), Some(b.into()));
        return;
    }
    let literals = read_a.literals.iter().zip(&read_b.literals);
    for (i, (a, b)) in literals.enumerate().filter(|(_, (a, b))| a != b) {
        let at = at.key("literals").index(i);
        note(
            out,
            &at,
            Some(a.text.as_str().into()),
            Some(b.text.as_str().into()),
        );
    }
}

fn target(at: &Path, a: &str, b: &str, out: &mut Vec<Differs>) {
    let parts = |target: &str| -> (String, Vec<(String, String)>) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut pairs: Vec<(String, String)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name.to_owned(), value.to_owned())
            })
            .collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        (path.to_owned(), pairs)
    };
    let ((path_a, query_a), (path_b, query_b)) = (parts(a), parts(b));
    if path_a != path_b {
        note(out, at, Some(path_a.into()), Some(path_b.into()));
    }
    let names: std::collections::BTreeSet<&String> = query_a
        .iter()
        .chain(&query_b)
        .map(|(name, _)| name)
        .collect();
    for name in names {
        let values = |query: &[(String, String)]| -> Vec<String> {
            let own = query.iter().filter(|(n, _)| n == name);
            own.map(|(_, value)| value.clone()).collect()
        };
        let (a, b) = (values(&query_a), values(&query_b));
        for i in 0..a.len().max(b.len()) {
            if a.get(i) != b.get(i) {
                let at = at.key("query").key(name.as_str());
                let value = |values: &[String]| values.get(i).map(|v| v.as_str().into());
                note(out, &at, value(&a), value(&b));
            }
        }
    }
}

fn tree(at: &Path, a: Option<&Value>, b: Option<&Value>, body: bool, out: &mut Vec<Differs>) {
    if a == b || out.len() >= DIFFERS {
        return;
    }
    match (a, b) {
        (Some(Value::Map(x)), Some(Value::Map(y))) => {
            for (name, value) in x {
                let other = y.iter().find(|(n, _)| n == name).map(|(_, v)| v);
                if !(body && is_layout(name)) {
                    tree(&at.key(name.as_str()), Some(value), other, body, out);
                }
            }
            for (name, value) in y {
                let added = !x.iter().any(|(n, _)| n == name);
                if added && !(body && is_layout(name)) {
                    tree(&at.key(name.as_str()), None, Some(value), body, out);
                }
            }
        }
        (Some(Value::List(x)), Some(Value::List(y))) => {
            for i in 0..x.len().max(y.len()) {
                tree(&at.index(i), x.get(i), y.get(i), body, out);
            }
        }
        (a, b) => note(out, at, a.cloned(), b.cloned()),
    }
}

fn is_layout(name: &str) -> bool {
    matches!(name, "style" | "encoding" | "encoded" | "as")
}

#[cfg(test)]
mod tests {
    use retake_model::{Field, ProtocolId};

    use super::*;
    use crate::test_cases::PARAMETERS;

    static RULES: Rules = Rules {
        protocol: ProtocolId("postgres"),
        identity: &[
            Field {
                name: "sql",
                kind: FieldKind::Sql,
            },
            Field {
                name: "describe",
                kind: FieldKind::Sql,
            },
        ],
        summary: &["sql", "describe"],
    };

    #[test]
    fn of_other_statements_the_one_with_the_most_common_words_is_nearest() {
        let asked = Value::map([("sql", "select a, b from t where x >= $1".into())]);
        let of = |sql: &str, params: &[&str]| {
            let params = Value::List(params.iter().map(|text| (*text).into()).collect());
            let mut request = Value::map([("sql", Value::from(sql))]);
            if params != Value::List(Vec::new()) {
                request.push("params", params);
            }
            request
        };
        let mut statements = Statements::default();
        let mut far = |recorded: &Value| distance(recorded, &asked, &PARAMETERS, &mut statements);
        let like = far(&of(
            "select a, b from t where x = $1 and y = $2",
            &["1", "2"],
        ));
        let unlike = far(&of("create table t (a int, b int)", &[]));
        let same = far(&of("select a, b from t where x >= $1", &["1"]));
        assert!(same < like && like < unlike, "{same:?} {like:?} {unlike:?}");
    }

    #[test]
    fn a_statement_without_a_word_is_like_none() {
        let check = |recorded: &str, asked: &str, expected: bool| {
            let of = |sql: &str| {
                let describe = Value::from("statement");
                Value::map([("sql", sql.into()), ("describe", describe)])
            };
            let found = is_alike(&of(recorded), &of(asked), &RULES);
            assert_eq!(found, expected, "{recorded} {asked}");
        };
        check("select a from t", "select b from t", true);
        check("select a from t", "update u set x = 1", false);
        check("", "select a from t", false);
        check(";", "insert into t values (1)", false);
        check("", "", false);
    }
}
