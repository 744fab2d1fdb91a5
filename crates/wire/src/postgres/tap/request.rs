//! What was asked: queued messages, statements, portals, and the trees of requests.

use std::sync::{Arc, OnceLock};

use retake_model::{Flaw, Timestamp, TraceId, Value};

use super::exchange::Open;
use crate::postgres::column::{Column, type_tree};
use crate::postgres::meaning::{self, Meaning};
use crate::postgres::message::{Bind, Columns, Format, Formats, Oids, Parse, Startup, Values};
use crate::postgres::types;

/// A message of the client that the server has not answered yet.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) tag: u8,
    pub(super) body: Box<[u8]>,
    /// When its first byte was read.
    pub(super) at: Timestamp,
    /// How long its body is, where that is too long to be held.
    pub(super) too_long: Option<u64>,
}

/// The tag under which the start-up message is queued; no other message has it.
pub(super) const STARTUP: u8 = 0;

impl Queued {
    /// What it costs to hold it, in bytes.
    pub(super) fn cost(&self) -> usize {
        self.body.len() + 64
    }

    /// What is wrong with it because of its length.
    pub(super) fn flaw(&self) -> Option<Flaw> {
        self.too_long.map(Flaw::TooLarge)
    }
}

/// A prepared statement.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) sql: Value,
    pub(super) meaning: Meaning,
    pub(super) trace: Option<TraceId>,
    /// When its Parse was read.
    pub(super) at: Timestamp,
    /// The types that the client gave.
    given: Vec<u32>,
    /// The types that the server told.
    pub(super) told: OnceLock<Vec<u32>>,
    /// The columns that the server told.
    pub(super) shape: OnceLock<Arc<Shape>>,
    /// Why it is not known.
    pub(super) flaw: Option<Flaw>,
}

impl Statement {
    pub(super) fn new(parse: &Parse<'_>, at: Timestamp) -> Self {
        let text = std::str::from_utf8(parse.sql).unwrap_or_default();
        Statement {
            sql: Value::text_or_bytes(parse.sql),
            meaning: meaning::meaning(text),
            trace: meaning::trace(text),
            at,
            given: parse.types.iter().collect(),
            told: OnceLock::new(),
            shape: OnceLock::new(),
            flaw: None,
        }
    }

    /// A statement whose text is not known.
    pub(super) fn unknown(flaw: Flaw) -> Self {
        let empty = Parse {
            name: b"",
            sql: b"",
            types: Oids::default(),
        };
        Statement {
            flaw: Some(flaw),
            meaning: Meaning::Ordinary,
            ..Self::new(&empty, Timestamp(0))
        }
    }

    /// The types of its parameters, as far as they are known.
    pub(super) fn types(&self) -> &[u32] {
        self.told.get().unwrap_or(&self.given)
    }
}

/// A statement with its parameters, ready to be run.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) statement: Arc<Statement>,
    /// When its request began.
    pub(super) at: Timestamp,
    pub(super) request: Value,
    pub(super) formats: RowFormats,
    /// The columns, where the portal itself was described.
    pub(super) shape: Option<Arc<Shape>>,
    /// Its exchange, where it was suspended.
    pub(super) open: Option<Box<Open>>,
    pub(super) run: Run,
    /// Why it is not known.
    pub(super) flaw: Option<Flaw>,
}

/// How far a portal was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    Not,
    Begun,
    Done,
}

impl Portal {
    pub(super) fn new(bind: &Bind<'_>, statement: Arc<Statement>, at: Timestamp) -> Self {
        let flaw = statement.flaw.clone();
        let mut request = Vec::with_capacity(4);
        if flaw.is_none() {
            request.push(("sql".to_owned(), statement.sql.clone()));
            if !bind.params.is_empty() {
                let types = statement.types();
                request.push(("params".to_owned(), params(bind, types)));
                if types.iter().any(|oid| *oid != 0) {
                    let types = (0..bind.params.len())
                        .map(|n| type_tree(types.get(n).copied().unwrap_or(0)));
                    request.push(("types".to_owned(), Value::List(types.collect())));
                }
            }
        }
        Portal {
            statement,
            at,
            request: Value::Map(request),
            formats: RowFormats::new(bind.results),
            shape: None,
            open: None,
            run: Run::Not,
            flaw,
        }
    }
}

impl Portal {
    /// A portal of which nothing is known.
    pub(super) fn unknown(statement: Arc<Statement>, at: Timestamp) -> Self {
        let flaw = statement.flaw.clone();
        Portal {
            statement,
            at,
            request: Value::Map(Vec::new()),
            formats: RowFormats::All(Format::Text),
            shape: None,
            open: None,
            run: Run::Not,
            flaw,
        }
    }
}

fn params(bind: &Bind<'_>, types: &[u32]) -> Value {
    let values = bind.params.iter().enumerate();
    let values = values.map(|(n, bytes)| {
        let oid = types.get(n).copied().unwrap_or(0);
        value(bytes, oid, bind.formats.of(n))
    });
    Value::List(values.collect())
}

/// The tree of the arguments of a function call. Nobody tells their types.
pub(super) fn arguments(values: Values<'_>, formats: Formats<'_>) -> Value {
    let values = values.iter().enumerate();
    Value::List(
        values
            .map(|(n, bytes)| value(bytes, 0, formats.of(n)))
            .collect(),
    )
}

/// The tree of one value.
pub(super) fn value(bytes: Option<&[u8]>, oid: u32, format: Format) -> Value {
    let Some(bytes) = bytes else {
        return Value::Null;
    };
    if format == Format::Text {
        return Value::text_or_bytes(bytes);
    }
    match types::to_text(oid, bytes) {
        Some(text) => Value::String(text),
        None => Value::Bytes(bytes::Bytes::copy_from_slice(bytes)),
    }
}

/// The columns of a result.
#[derive(Debug)]
pub(super) struct Shape {
    /// The list of the columns' trees.
    pub(super) tree: Value,
    pub(super) oids: Vec<u32>,
    pub(super) formats: Vec<Format>,
}

impl Shape {
    pub(super) fn new(columns: &Columns<'_>) -> Self {
        Shape {
            tree: Value::List(columns.iter().map(|c| Column::tree(&c)).collect()),
            oids: columns.iter().map(|c| c.oid).collect(),
            formats: columns.iter().map(|c| c.format).collect(),
        }
    }
}

/// The formats that a portal gives its rows in.
#[derive(Debug, Clone)]
pub(super) enum RowFormats {
    All(Format),
    Each(Vec<Format>),
}

impl RowFormats {
    fn new(formats: Formats<'_>) -> Self {
        match formats.len() {
            0 => RowFormats::All(Format::Text),
            1 => RowFormats::All(formats.of(0)),
            _ => RowFormats::Each(formats.iter().collect()),
        }
    }

    pub(super) fn of(&self, index: usize) -> Format {
        match self {
            RowFormats::All(format) => *format,
            RowFormats::Each(formats) => formats.get(index).copied().unwrap_or(Format::Text),
        }
    }
}

/// The tree of a start-up message, without what may be a secret.
pub(super) fn startup(message: &Startup<'_>) -> Value {
    let parameters = message
        .parameters()
        .filter(|(name, _)| !sounds_secret(name))
        .map(|(name, value)| {
            let name = String::from_utf8_lossy(name).into_owned();
            (name, Value::text_or_bytes(value))
        });
    let parameters = Value::Map(parameters.collect());
    Value::Map(vec![("startup".to_owned(), parameters)])
}

fn sounds_secret(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let name = String::from_utf8_lossy(&name);
    ["password", "passwd", "secret", "token", "credential"]
        .iter()
        .any(|word| name.contains(word))
}
