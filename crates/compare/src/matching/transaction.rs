//! What begins and ends a transaction.

use retake_model::Value;

/// What a call does to the transaction of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// It is part of the one that is open, if there is one.
    #[default]
    Within,
    /// It begins one.
    Begins,
    /// It ends the one that is open.
    Ends,
}

impl Step {
    /// What a statement does, by its first word.
    pub fn of(sql: &str) -> Self {
        let one = sql.trim().trim_end_matches(';');
        let mut words = one.split_whitespace().map(str::to_ascii_lowercase);
        let (first, second) = (words.next().unwrap_or_default(), words.next());
        let second = second.unwrap_or_default();
        match first.as_str() {
            // Several statements at once: a transaction that begins and ends in them.
            _ if one.contains(';') => Step::Within,
            "begin" => Step::Begins,
            "start" if second == "transaction" => Step::Begins,
            "commit" | "end" | "abort" => Step::Ends,
            "rollback" if second != "to" => Step::Ends,
            _ => Step::Within,
        }
    }
}

/// What a request does to the transaction of its connection.
pub(super) fn step(request: &Value) -> Step {
    let sql = request.get("sql").and_then(Value::as_str);
    sql.map(Step::of).unwrap_or_default()
}
