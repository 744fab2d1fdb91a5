//! What a request does to its dependency.

use retake_model::{FieldKind, Rules, Value};

use super::Effect;
use crate::sql::{Statement, Statements};

/// What a request does, as far as the rules of its protocol tell: a statement by its first word,
/// an HTTP request by its method (RFC 9110, section 9.2.1). What cannot be told counts as a write.
pub fn effect(request: &Value, rules: &Rules) -> Effect {
    effect_by(request, rules, |sql| Statement::read(sql).effect)
}

/// The same, with statements that were read before.
pub(super) fn known_effect(request: &Value, rules: &Rules, statements: &mut Statements) -> Effect {
    effect_by(request, rules, |sql| statements.get(sql).effect)
}

/// The same, where it is known what was answered: a query that gives nothing (PostgreSQL's `void`) is
/// asked for what its function does (`pg_notify`, `pg_advisory_lock`, a procedure of the user's own).
pub(super) fn answered_effect(effect: Effect, answer: &Value) -> Effect {
    let columns = answer.get("columns").and_then(Value::as_list);
    let columns = columns.filter(|columns| !columns.is_empty());
    let is_void = |column: &Value| column.as_str().is_some_and(|text| text.ends_with(" void"));
    match columns {
        Some(columns) if effect == Effect::Read && columns.iter().all(is_void) => Effect::Acts,
        _ => effect,
    }
}

/// Whether a request may change something at its dependency.
pub fn is_write(request: &Value, rules: &Rules) -> bool {
    effect(request, rules) == Effect::Write
}

fn effect_by(request: &Value, rules: &Rules, effect_of: impl FnOnce(&str) -> Effect) -> Effect {
    let field = |name| request.get(name).and_then(Value::as_str);
    let fields = || rules.identity.iter();
    if let Some(sql) = fields()
        .filter(|f| f.kind == FieldKind::Sql)
        .find_map(|f| field(f.name))
    {
        // A statement that is only described is not run.
        return match request.get("describe") {
            Some(_) => Effect::Read,
            None => effect_of(sql),
        };
    }
    if fields().any(|f| f.name == "method") {
        return match field("method") {
            Some("GET" | "HEAD" | "OPTIONS" | "TRACE") => Effect::Read,
            _ => Effect::Write,
        };
    }
    Effect::Write
}
