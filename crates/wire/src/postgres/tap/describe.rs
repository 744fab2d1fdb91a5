//! From the bytes that the tap kept to trees.

use retake_model::{Exchange, Flaw, Message, RawMessage, Scope, Value};

use super::exchange::Kind;
use super::log;
use super::reading::Reading;
use super::rows::{RowFormats, params, value};
use crate::postgres::column::type_tree;
use crate::postgres::meaning::{self, Meaning};
use crate::postgres::message::{Fields, FunctionCall, MessageError};

/// Turns the raw messages of an exchange into trees, and finds its scope and its trace. What
/// cannot be read gets a flaw.
pub(in crate::postgres) fn describe(exchange: &mut Exchange) {
    let Message::Raw(raw) = &exchange.response else {
        return;
    };
    let bytes = raw.body.clone();
    let read = log::header(&bytes).ok_or(UNREADABLE).and_then(|header| {
        let asked = asked(&exchange.request, header.kind)?;
        Ok((header, asked))
    });
    let (header, mut asked) = match read {
        Ok(read) => read,
        Err(error) => return spoil(exchange, error),
    };
    let mut reading = Reading::new(header.kind, asked.formats.take());
    for (tag, payload) in log::entries(&bytes) {
        if let Err(error) = reading.take(tag, payload) {
            return spoil(exchange, error);
        }
    }
    if exchange.trace.is_none() {
        exchange.trace = asked.sql().and_then(meaning::trace);
    }
    if !reading.has_error() {
        let meaning = header
            .meaning
            .unwrap_or_else(|| meaning::meaning(asked.sql().unwrap_or_default()));
        exchange.scope = match meaning {
            Meaning::Session => Some(Scope::Session),
            Meaning::SetUp if header.set_up => Some(Scope::Session),
            Meaning::SetUp | Meaning::Ordinary => None,
        };
    }
    let (request, response) = reading.end(asked.tree);
    exchange.request = Message::Tree(request);
    exchange.response = Message::Tree(response);
}

/// The tap wrote it, so this is never seen.
const UNREADABLE: MessageError = MessageError {
    message: "a recorded exchange",
    what: "cannot be read",
};

fn spoil(exchange: &mut Exchange, error: MessageError) {
    let why = || Flaw::Undecodable(error.to_string());
    exchange.flaw.get_or_insert_with(why);
}

/// What was asked.
struct Asked {
    tree: Value,
    /// Whether the tree is of a string of statements, or of a statement with its parameters.
    has_sql: bool,
    /// The formats that its rows were asked for in.
    formats: Option<RowFormats>,
}

impl Asked {
    fn sql(&self) -> Option<&str> {
        let sql = self.has_sql.then(|| self.tree.get("sql"));
        sql.flatten().and_then(Value::as_str)
    }
}

fn asked(message: &Message, kind: Kind) -> Result<Asked, MessageError> {
    let raw = match message {
        Message::Tree(tree) => {
            return Ok(Asked {
                tree: tree.clone(),
                has_sql: false,
                formats: None,
            });
        }
        Message::Raw(raw) => raw,
    };
    match kind {
        Kind::Function(_) => {
            let call = FunctionCall::read(&raw.body)?;
            let values = call.args.iter().enumerate();
            // Nobody tells the types of the arguments.
            let values = values.map(|(n, bytes)| value(bytes, 0, call.formats.of(n)));
            Ok(Asked {
                tree: Value::map([
                    ("function", call.oid.into()),
                    ("params", Value::List(values.collect())),
                ]),
                has_sql: false,
                formats: None,
            })
        }
        Kind::Execute => portal(raw),
        _ => {
            let sql = Fields::new("Query", &raw.body).text()?;
            let tree = vec![
                ("sql".to_owned(), Value::text_or_bytes(sql)),
                ("simple".to_owned(), true.into()),
            ];
            Ok(Asked {
                tree: Value::Map(tree),
                has_sql: true,
                formats: None,
            })
        }
    }
}

/// A statement with its parameters: see `Asked::Portal` of the tap.
fn portal(raw: &RawMessage) -> Result<Asked, MessageError> {
    let mut parse = Fields::new("Parse", &raw.head);
    let sql = parse.text()?;
    let given = parse.oids()?;
    let types: Vec<u32> = if raw.trailers.is_empty() {
        given.iter().collect()
    } else {
        let told = Fields::new("ParameterDescription", &raw.trailers).oids()?;
        told.iter().collect()
    };
    let mut bind = Fields::new("Bind", &raw.body);
    let (formats, values, results) = (bind.formats()?, bind.values()?, bind.formats()?);
    let mut tree = Vec::with_capacity(4);
    tree.push(("sql".to_owned(), Value::text_or_bytes(sql)));
    if !values.is_empty() {
        tree.push(("params".to_owned(), params(values, formats, &types)));
        if types.iter().any(|oid| *oid != 0) {
            let types = (0..values.len()).map(|n| type_tree(types.get(n).copied().unwrap_or(0)));
            tree.push(("types".to_owned(), Value::List(types.collect())));
        }
    }
    Ok(Asked {
        tree: Value::Map(tree),
        has_sql: true,
        formats: Some(RowFormats::new(results)),
    })
}
