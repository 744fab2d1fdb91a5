//! What was asked: queued messages, statements, portals.

use std::sync::{Arc, OnceLock};

use bytes::{Buf as _, Bytes};
use retake_model::{Flaw, Message, RawMessage, Timestamp, TraceId, Value};

use super::exchange::Open;
use super::log::LIMIT;
use crate::postgres::meaning::{self, Meaning};
use crate::postgres::message::{Bind, Parse, Startup};

/// A message of the client that the server has not answered yet.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) tag: u8,
    pub(super) body: Box<[u8]>,
    /// When its first byte was read.
    pub(super) at: Timestamp,
    /// How long its body is, where that is too long to be held.
    pub(super) too_long: Option<u64>,
    /// What it costs to hold it, in bytes.
    pub(super) cost: usize,
}

/// The tag under which the start-up message is queued; no other message has it.
pub(super) const STARTUP: u8 = 0;

impl Queued {
    pub(super) fn new(tag: u8, body: Box<[u8]>, at: Timestamp, too_long: Option<u64>) -> Self {
        Queued {
            tag,
            cost: body.len() + 64,
            body,
            at,
            too_long,
        }
    }

    /// What is wrong with it because of its length.
    pub(super) fn flaw(&self) -> Option<Flaw> {
        self.too_long.map(Flaw::TooLarge)
    }
}

/// What an exchange asks for.
#[derive(Debug)]
pub(super) enum Asked {
    /// A tree: where requests of that kind are rare.
    Tree(Value),
    /// The body of a Query.
    Query(Bytes),
    /// The body of a FunctionCall.
    Call(Bytes),
    /// A portal.
    Portal {
        /// Its statement.
        statement: Arc<Statement>,
        /// The types of its parameters that the server told before it was made: a
        /// ParameterDescription.
        told: Bytes,
        /// Its Bind, behind the names.
        bind: Bytes,
    },
}

impl Asked {
    /// Nothing that is known.
    pub(super) fn nothing() -> Self {
        Asked::Tree(Value::Map(Vec::new()))
    }

    /// What a statement takes and gives.
    pub(super) fn describe(statement: &Statement) -> Self {
        Asked::Tree(Value::map([(
            "describe",
            Value::text_or_bytes(statement.sql()),
        )]))
    }

    /// Its SQL, where that is text.
    pub(super) fn sql(&self) -> Option<&str> {
        let bytes = match self {
            Asked::Query(body) => body.strip_suffix(&[0]).unwrap_or(body),
            Asked::Portal { statement, .. } => statement.sql(),
            Asked::Tree(_) | Asked::Call(_) => return None,
        };
        std::str::from_utf8(bytes).ok()
    }

    /// What its statement means.
    pub(super) fn meaning(&self) -> Meaning {
        meaning::meaning(self.sql().unwrap_or_default())
    }

    pub(super) fn message(self) -> Message {
        let (head, body, trailers) = match self {
            Asked::Tree(tree) => return Message::Tree(tree),
            Asked::Query(body) | Asked::Call(body) => (Bytes::new(), body, Bytes::new()),
            Asked::Portal {
                statement,
                told,
                bind,
            } => (statement.parse.clone(), bind, told),
        };
        Message::Raw(RawMessage {
            head,
            body,
            trailers,
        })
    }
}

/// A prepared statement.
#[derive(Debug)]
pub(super) struct Statement {
    /// Its Parse, behind the name: its text and the types that the client gave.
    parse: Bytes,
    /// What it means, where it has a name: such are run often.
    pub(super) meaning: Option<Meaning>,
    /// When its Parse was read.
    pub(super) at: Timestamp,
    /// The types that the server told: a ParameterDescription.
    pub(super) told: OnceLock<Bytes>,
    /// The columns that the server told: a RowDescription.
    pub(super) columns: OnceLock<Bytes>,
    /// Why it is not known.
    pub(super) flaw: Option<Flaw>,
}

impl Statement {
    /// The statement of a Parse, which was read.
    pub(super) fn new(parse: &Parse<'_>, body: Bytes, at: Timestamp) -> Self {
        let mut behind = body;
        behind.advance((parse.name.len() + 1).min(behind.len()));
        let text = std::str::from_utf8(parse.sql).unwrap_or_default();
        let is_named = !parse.name.is_empty();
        Statement {
            parse: behind,
            meaning: is_named.then(|| meaning::meaning(text)),
            at,
            told: OnceLock::new(),
            columns: OnceLock::new(),
            flaw: None,
        }
    }

    /// A statement that SQL prepared or declared.
    pub(super) fn of_sql(sql: &str, at: Timestamp) -> Self {
        // No types are given.
        let parse = [sql.as_bytes(), &[0, 0, 0]].concat();
        Statement {
            parse: parse.into(),
            meaning: Some(meaning::meaning(sql)),
            at,
            told: OnceLock::new(),
            columns: OnceLock::new(),
            flaw: None,
        }
    }

    /// A statement whose text is not known.
    pub(super) fn unknown(flaw: Flaw) -> Self {
        Statement {
            meaning: Some(Meaning::Ordinary),
            flaw: Some(flaw),
            ..Self::of_sql("", Timestamp(0))
        }
    }

    /// Its text.
    pub(super) fn sql(&self) -> &[u8] {
        let end = memchr::memchr(0, &self.parse).unwrap_or(self.parse.len());
        self.parse.get(..end).unwrap_or_default()
    }

    /// What it means.
    pub(super) fn meaning(&self) -> Meaning {
        let text = std::str::from_utf8(self.sql()).unwrap_or_default();
        self.meaning.unwrap_or_else(|| meaning::meaning(text))
    }

    /// The trace that it says it belongs to.
    pub(super) fn trace(&self) -> Option<TraceId> {
        meaning::trace(std::str::from_utf8(self.sql()).unwrap_or_default())
    }
}

/// A statement with its parameters, ready to be run.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) statement: Arc<Statement>,
    /// When its request began.
    pub(super) at: Timestamp,
    /// The types of its parameters that the server had told before it was made.
    told: Bytes,
    /// Its Bind, behind the names.
    bind: Bytes,
    /// The columns, where the portal itself was described: a RowDescription.
    pub(super) columns: Option<Bytes>,
    /// Its exchange, where it was suspended, and when that was: what it was asked for is answered then,
    /// though nobody knows whether more will be asked.
    pub(super) open: Option<(Box<Open>, Timestamp)>,
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
    /// The portal of a Bind.
    pub(super) fn new(bind: &Bind<'_>, statement: Arc<Statement>, at: Timestamp) -> Self {
        Portal {
            bind: Bytes::copy_from_slice(bind.behind_names),
            ..Self::unknown(statement, at)
        }
    }

    /// A portal of which nothing is known.
    pub(super) fn unknown(statement: Arc<Statement>, at: Timestamp) -> Self {
        Portal {
            flaw: statement.flaw.clone(),
            told: statement.told.get().cloned().unwrap_or_default(),
            statement,
            at,
            bind: Bytes::new(),
            columns: None,
            open: None,
            run: Run::Not,
        }
    }

    /// What is asked where it is run for the first time.
    pub(super) fn asked(&mut self) -> Asked {
        if self.flaw.is_some() || self.bind.is_empty() {
            return Asked::nothing();
        }
        Asked::Portal {
            statement: Arc::clone(&self.statement),
            told: std::mem::take(&mut self.told),
            bind: std::mem::take(&mut self.bind),
        }
    }
}

/// The note of the most rows that a client asked for.
pub(super) fn limit(open: &mut Open, rows: i32) {
    if rows > 0 {
        open.note(LIMIT, &rows.to_be_bytes());
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
