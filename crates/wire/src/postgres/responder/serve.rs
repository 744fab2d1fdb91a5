//! Sends the answer of one statement.

use std::sync::Arc;

use retake_model::Value;

use super::answer::{self, Malformed, Read, bytes_of};
use super::meaning::{self, Kind};
use super::server::Server;
use super::session::Refused;
use super::startup::encoding_name;
use crate::postgres::encode::Encoder;
use crate::postgres::message::{Format, Transaction};

/// An answer, and how much of it is wanted.
pub(super) struct Served<'a> {
    /// The answer's tree.
    pub(super) tree: &'a Value,
    pub(super) kind: Kind,
    pub(super) statement: &'a str,
    /// The formats that the rows are asked for in.
    pub(super) formats: &'a [Format],
    /// How many rows were sent before.
    pub(super) from: usize,
    /// The most rows to send; 0 for all.
    pub(super) limit: usize,
}

/// How far the sending came.
pub(super) struct End {
    /// The rows sent so far, with those before.
    pub(super) sent: usize,
    /// The limit was reached: there may be more.
    pub(super) suspended: bool,
    /// It ended with an error.
    pub(super) failed: bool,
}

/// What a server says to a statement in a transaction that failed.
pub(super) fn in_failed_transaction() -> Refused {
    let what = "current transaction is aborted, commands ignored until end of transaction block";
    ("25P02", what.to_owned())
}

impl Server {
    /// The answer of a server to what needs no recording; none for everything else.
    pub(super) fn own_answer(&self, kind: Kind, statement: &str) -> Option<Arc<Value>> {
        let failed = self.session.transaction == Transaction::Failed;
        if self.session.refuses(kind) {
            return None;
        }
        let tag = kind.own_tag(statement, failed)?;
        let mut tree = Value::map([("tag", Value::from(tag))]);
        if kind == Kind::Setting
            && let Some((name, value)) = reported_setting(statement)
        {
            tree.push("status", Value::map([(name, Value::from(value))]));
        }
        Some(Arc::new(tree))
    }

    /// Sends rows, what came with them, and how they ended.
    pub(super) fn serve(&mut self, served: &Served<'_>) -> Read<End> {
        let tree = served.tree;
        if served.from == 0 {
            for notice in list(tree, "notices")? {
                answer::write_report(&mut self.out, b'N', notice)?;
            }
        }
        let columns = answer::columns(tree)?.unwrap_or_default();
        let rows = answer::rows(tree)?;
        let rest = rows.get(served.from..).unwrap_or_default();
        let wanted = match served.limit {
            0 => rest,
            limit => rest.get(..limit).unwrap_or(rest),
        };
        for row in wanted {
            answer::write_row(&mut self.out, &columns, served.formats, row)?;
        }
        let mut end = End {
            sent: served.from.saturating_add(wanted.len()),
            suspended: false,
            failed: false,
        };
        if served.limit > 0 && wanted.len() == served.limit {
            // A server says so also where there happen to be no more.
            self.out.bare(b's');
            end.suspended = true;
            return Ok(end);
        }
        self.copy_out(tree)?;
        if let Some(error) = tree.get("error") {
            answer::write_report(&mut self.out, b'E', error)?;
            end.failed = true;
            return Ok(end);
        }
        if tree.get("suspended") == Some(&Value::Bool(true)) {
            return Err(Malformed(format!(
                "only the first {} rows were recorded, and the client asks for more",
                rows.len()
            )));
        }
        self.complete(served, wanted.len())?;
        Ok(end)
    }

    /// The end of a statement that did not fail.
    fn complete(&mut self, served: &Served<'_>, rows: usize) -> Read<()> {
        let tree = served.tree;
        let has_columns = tree.get("columns").is_some();
        let recorded = match tree.get("tag") {
            None => None,
            Some(Value::String(tag)) => Some(tag.as_str()),
            Some(_) => return Err(Malformed("`tag` is no text".to_owned())),
        };
        let failed = self.session.transaction == Transaction::Failed;
        let tag = match recorded {
            // In a transaction that failed, COMMIT rolls back, and says so.
            _ if failed && served.kind == Kind::Commit => "ROLLBACK".to_owned(),
            // The number of rows of this Execute, whatever the limits of the recorded ones were.
            Some(tag) if has_columns && tag.starts_with("SELECT ") => format!("SELECT {rows}"),
            Some(tag) => tag.to_owned(),
            None => format!("SELECT {rows}"),
        };
        if tree.get("empty") == Some(&Value::Bool(true)) {
            self.out.bare(b'I');
        } else {
            self.out.command_complete(&tag);
            self.session
                .carried_out(served.kind, served.statement, &tag);
        }
        self.after_statement(tree)
    }

    /// Settings that changed and notifications that came.
    fn after_statement(&mut self, tree: &Value) -> Read<()> {
        if let Some(status) = tree.get("status") {
            let settings = status
                .as_map()
                .ok_or_else(|| Malformed("`status` is no map".to_owned()))?;
            for (name, value) in settings {
                let value = bytes_of(value).unwrap_or_default();
                self.out.parameter_status(name.as_bytes(), value);
            }
        }
        write_notifications(&mut self.out, tree)
    }
}

/// The notifications of an answer.
pub(super) fn write_notifications(out: &mut Encoder, tree: &Value) -> Read<()> {
    for note in list(tree, "notify")? {
        let field = |name| note.get(name).and_then(bytes_of).unwrap_or_default();
        let pid = note.get("pid").and_then(Value::as_i64).unwrap_or_default();
        let pid = u32::try_from(pid).unwrap_or_default();
        out.notification(pid, field("channel"), field("payload"));
    }
    Ok(())
}

/// The elements of a field; none where there is no such field.
pub(super) fn list<'a>(tree: &'a Value, name: &str) -> Read<&'a [Value]> {
    match tree.get(name) {
        None => Ok(&[]),
        Some(list) => list
            .as_list()
            .ok_or_else(|| Malformed(format!("`{name}` is no list"))),
    }
}

/// A setting that a server reports when it changes: its name as reported, and its value.
fn reported_setting(statement: &str) -> Option<(&'static str, String)> {
    let (name, value) = meaning::setting_of(statement)?;
    let reported = [
        "application_name",
        "client_encoding",
        "IntervalStyle",
        "TimeZone",
    ];
    let name = reported
        .into_iter()
        .find(|r| r.eq_ignore_ascii_case(&name))?;
    let value = if name == "client_encoding" {
        encoding_name(&value)
    } else {
        value
    };
    Some((name, value))
}
