//! What was answered, and the trees of answers.

use retake_model::Value;

use super::exchange::Kind;

/// The result of one statement.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) columns: Option<Value>,
    pub(super) rows: Vec<Value>,
    /// How many rows the last Execute gave.
    pub(super) batch: usize,
    pub(super) tag: Option<String>,
    /// Whether there were more rows than were fetched, as far as is known.
    pub(super) suspended: bool,
    pub(super) error: Option<Value>,
    pub(super) copy: Option<Vec<u8>>,
    pub(super) empty: bool,
    /// The result of a function.
    pub(super) result: Option<Value>,
    /// The parameter types of a statement that was described.
    pub(super) parameters: Option<Value>,
    pub(super) asides: Asides,
    /// Whether the next message begins another result.
    pub(super) done: bool,
}

/// What a server says beside an answer.
#[derive(Debug, Default)]
pub(super) struct Asides {
    notices: Vec<Value>,
    status: Vec<(String, Value)>,
    notify: Vec<Value>,
}

/// One of those.
#[derive(Debug)]
pub(super) enum Aside {
    Notice(Value),
    Status(String, Value),
    Notify(Value),
}

impl Asides {
    pub(super) fn push(&mut self, aside: Aside) {
        match aside {
            Aside::Notice(tree) => self.notices.push(tree),
            Aside::Notify(tree) => self.notify.push(tree),
            Aside::Status(name, value) => {
                self.status.retain(|(known, _)| *known != name);
                self.status.push((name, value));
            }
        }
    }

    pub(super) fn append(&mut self, later: Asides) {
        self.notices.extend(later.notices);
        self.notify.extend(later.notify);
        for (name, value) in later.status {
            self.push(Aside::Status(name, value));
        }
    }
}

impl Answer {
    /// Whether the server refused the statement because its transaction had failed before
    /// (SQLSTATE 25P02).
    pub(super) fn was_refused(&self) -> bool {
        let code = self.error.as_ref().and_then(|error| error.get("code"));
        code.and_then(Value::as_str) == Some("25P02")
    }

    /// Its tree.
    pub(super) fn tree(mut self, kind: Kind) -> Value {
        self.drop_usual_tag();
        let mut fields = Vec::with_capacity(4);
        let mut put = |name: &str, value| fields.push((name.to_owned(), value));
        if let Some(parameters) = self.parameters {
            put("parameters", parameters);
        }
        if let Some(columns) = self.columns {
            put("columns", columns);
            if kind != Kind::Describe {
                put("rows", Value::List(self.rows));
            }
        }
        if let Some(result) = self.result {
            put("result", result);
        }
        if let Some(copy) = self.copy {
            put("copy", copied(copy));
        }
        if let Some(tag) = self.tag {
            put("tag", tag.into());
        }
        if self.suspended {
            put("suspended", true.into());
        }
        if self.empty {
            put("empty", true.into());
        }
        if let Some(error) = self.error {
            put("error", error);
        }
        let asides = self.asides;
        if !asides.notices.is_empty() {
            put("notices", Value::List(asides.notices));
        }
        if !asides.status.is_empty() {
            let startup = kind == Kind::Startup;
            let name = if startup { "parameters" } else { "status" };
            put(name, Value::Map(asides.status));
        }
        if !asides.notify.is_empty() {
            put("notify", Value::List(asides.notify));
        }
        Value::Map(fields)
    }

    /// `SELECT n` says nothing where n is the number of the rows.
    fn drop_usual_tag(&mut self) {
        let count = self.tag.as_deref().and_then(|t| t.strip_prefix("SELECT "));
        if self.columns.is_some() && count.is_some_and(|count| count == self.batch.to_string()) {
            self.tag = None;
        }
    }
}

/// The tree of a COPY's data: text where it is UTF-8.
pub(super) fn copied(data: Vec<u8>) -> Value {
    match String::from_utf8(data) {
        Ok(text) => Value::String(text),
        Err(error) => Value::Bytes(error.into_bytes().into()),
    }
}
