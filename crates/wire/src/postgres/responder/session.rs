//! What a session knows: its statements, its portals and its transaction.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use retake_model::Value;

use super::meaning::{self, Kind, Listened};
use crate::postgres::column::Column;
use crate::postgres::message::{Format, Transaction};
use crate::postgres::types;

/// Prepared statements at most. Drivers keep some hundreds.
const MAX_STATEMENTS: usize = 20_000;
/// Open portals at most.
const MAX_PORTALS: usize = 10_000;
/// Channels that are listened on at most.
const MAX_CHANNELS: usize = 1_000;
/// Descriptions that are remembered. They are asked for again when they were forgotten.
const MAX_DESCRIPTIONS: usize = 5_000;

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    /// What ReadyForQuery says.
    pub(super) transaction: Transaction,
    /// Whether the open transaction failed because a request had no recorded answer.
    missed: bool,
    /// After an error, messages up to the next Sync are passed over.
    pub(super) skipping: bool,
    statements: HashMap<Vec<u8>, Arc<Prepared>>,
    portals: HashMap<Vec<u8>, Portal>,
    /// Cursors that SQL declared, with the statements that did.
    cursors: HashMap<Vec<u8>, Arc<Prepared>>,
    descriptions: HashMap<Vec<u8>, Arc<Description>>,
    /// Whether messages came since the session was ready last.
    pub(super) busy: bool,
    /// The channels that are listened on, in the order in which that began.
    channels: Vec<String>,
}

/// A prepared statement.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Its text as it came.
    pub(super) sql: Vec<u8>,
    /// The parameter types that the client gave; 0 for those that it left open.
    pub(super) types: Vec<u32>,
    /// The parameter types that the client was told, once it asked: it goes by them.
    pub(super) told: OnceLock<Vec<u32>>,
    pub(super) kind: Kind,
}

/// What a statement takes and gives, as recorded.
#[derive(Debug, Default)]
pub(super) struct Description {
    /// The types of the parameters, where they were recorded.
    pub(super) parameters: Option<Vec<u32>>,
    /// The columns; none where the statement gives no rows.
    pub(super) columns: Option<Vec<Column>>,
}

/// A statement with its parameters.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) prepared: Arc<Prepared>,
    pub(super) params: Vec<Value>,
    /// The types of the parameters as far as they are known; 0 for the rest.
    pub(super) types: Vec<u32>,
    /// The formats that the rows are asked for in.
    pub(super) formats: Vec<Format>,
    /// What it gave, once it was executed.
    pub(super) answer: Option<Arc<Value>>,
    /// How many rows were sent.
    pub(super) sent: usize,
    /// It gave its last row.
    pub(super) done: bool,
}

impl Default for Session {
    fn default() -> Self {
        Session {
            transaction: Transaction::Idle,
            missed: false,
            skipping: false,
            statements: HashMap::new(),
            portals: HashMap::new(),
            cursors: HashMap::new(),
            descriptions: HashMap::new(),
            busy: false,
            channels: Vec::new(),
        }
    }
}

/// Why a name cannot be used: SQLSTATE and message.
pub(super) type Refused = (&'static str, String);

impl Session {
    /// Keeps a statement; an unnamed one replaces the unnamed one before it.
    pub(super) fn prepare(&mut self, name: &[u8], statement: Prepared) -> Result<(), Refused> {
        if !name.is_empty() {
            let shown = String::from_utf8_lossy(name);
            if self.statements.contains_key(name) {
                return Err((
                    "42P05",
                    format!("prepared statement \"{shown}\" already exists"),
                ));
            }
            if self.statements.len() >= MAX_STATEMENTS {
                return Err(too_many("prepared statements", MAX_STATEMENTS));
            }
        }
        self.statements.insert(name.to_vec(), Arc::new(statement));
        Ok(())
    }

    pub(super) fn statement(&self, name: &[u8]) -> Result<Arc<Prepared>, Refused> {
        self.statements.get(name).cloned().ok_or_else(|| {
            let shown = String::from_utf8_lossy(name);
            let what = if name.is_empty() {
                "unnamed prepared statement does not exist".to_owned()
            } else {
                format!("prepared statement \"{shown}\" does not exist")
            };
            ("26000", what)
        })
    }

    pub(super) fn forget_statement(&mut self, name: &[u8]) {
        self.statements.remove(name);
    }

    /// Keeps a portal; an unnamed one replaces the unnamed one before it.
    pub(super) fn open(&mut self, name: &[u8], portal: Portal) -> Result<(), Refused> {
        if !name.is_empty() {
            let shown = String::from_utf8_lossy(name);
            if self.portals.contains_key(name) {
                return Err(("42P03", format!("cursor \"{shown}\" already exists")));
            }
            if self.portals.len() >= MAX_PORTALS {
                return Err(too_many("portals", MAX_PORTALS));
            }
        }
        self.portals.insert(name.to_vec(), portal);
        Ok(())
    }

    pub(super) fn portal(&mut self, name: &[u8]) -> Result<&mut Portal, Refused> {
        self.portals.get_mut(name).ok_or_else(|| {
            let shown = String::from_utf8_lossy(name);
            ("34000", format!("portal \"{shown}\" does not exist"))
        })
    }

    /// The statement that declared the cursor of that name.
    pub(super) fn cursor(&self, name: &[u8]) -> Option<Arc<Prepared>> {
        self.cursors.get(name).cloned()
    }

    fn declare(&mut self, statement: &str) {
        for (name, declaration) in meaning::cursors(statement) {
            if self.cursors.len() >= MAX_PORTALS {
                self.cursors.clear();
            }
            let declaration = Prepared {
                sql: declaration.as_bytes().to_vec(),
                types: Vec::new(),
                told: OnceLock::new(),
                kind: Kind::Other,
            };
            self.cursors
                .insert(name.into_bytes(), Arc::new(declaration));
        }
    }

    /// PREPARE. The server has carried it out: the name was free.
    fn prepare_by_sql(&mut self, statement: &str) {
        if let Some((name, text)) = meaning::prepared(statement) {
            let prepared = Prepared {
                sql: text.as_bytes().to_vec(),
                types: Vec::new(),
                told: OnceLock::new(),
                kind: meaning::kind(text),
            };
            // Beyond the limit EXECUTE is asked without the text.
            let _ = self.prepare(name.as_bytes(), prepared);
        }
    }

    /// The text of the prepared statement that the SQL of a request runs by its name.
    pub(super) fn executed(&self, request: &Value) -> Option<Value> {
        let name = meaning::executed(request.get("sql")?.as_str()?)?;
        let statement = self.statements.get(name.as_bytes())?;
        Some(Value::text_or_bytes(&statement.sql))
    }

    pub(super) fn forget_portal(&mut self, name: &[u8]) {
        self.portals.remove(name);
    }

    pub(super) fn description(&self, sql: &[u8]) -> Option<Arc<Description>> {
        self.descriptions.get(sql).cloned()
    }

    pub(super) fn describe(&mut self, sql: &[u8], description: Arc<Description>) {
        if self.descriptions.len() >= MAX_DESCRIPTIONS {
            self.descriptions.clear();
        }
        self.descriptions.insert(sql.to_vec(), description);
    }

    /// The statement that just failed had no recorded answer. `before`: the transaction until then.
    pub(super) fn failed_by_miss(&mut self, before: Transaction) {
        self.missed |= before == Transaction::Open;
    }

    /// A transaction that failed for want of an answer ends where the next one begins: a service
    /// that leaves it open would else get errors in tests that have nothing to do with it.
    pub(super) fn forget_miss(&mut self, next: Kind) {
        if self.missed && self.transaction == Transaction::Failed && next == Kind::Begin {
            self.transaction = Transaction::Idle;
            self.missed = false;
        }
    }

    /// Whether the transaction failed and this statement does not end it.
    pub(super) fn refuses(&self, kind: Kind) -> bool {
        self.transaction == Transaction::Failed && !kind.ends_failure()
    }

    /// An error was sent.
    pub(super) fn failed(&mut self) {
        if self.transaction == Transaction::Open {
            self.transaction = Transaction::Failed;
            self.missed = false;
        }
    }

    /// A statement was carried out.
    pub(super) fn carried_out(&mut self, kind: Kind, statement: &str, tag: &str) {
        match (kind, tag) {
            (_, "DECLARE CURSOR") => self.declare(statement),
            (_, "PREPARE") => self.prepare_by_sql(statement),
            (_, "BEGIN" | "START TRANSACTION") => self.transaction = Transaction::Open,
            (Kind::RollbackTo, _) => self.transaction = Transaction::Open,
            (Kind::Commit | Kind::Rollback, _) | (_, "PREPARE TRANSACTION") => {
                let lower = statement.to_ascii_lowercase();
                let chains = lower.contains("chain") && !lower.contains("no chain");
                self.transaction = match self.transaction {
                    Transaction::Idle => Transaction::Idle,
                    _ if chains => Transaction::Open,
                    _ => Transaction::Idle,
                };
            }
            (Kind::Deallocate, _) => match meaning::deallocated(statement) {
                Some(Some(name)) => self.forget_statement(name.as_bytes()),
                _ => self.statements.clear(),
            },
            (Kind::Discard, _) => {
                self.statements.clear();
                self.channels.clear();
            }
            (Kind::Listen, _) => self.listen(statement),
            _ => {}
        }
    }

    /// The channel with that number among those that are listened on.
    pub(super) fn channel(&self, number: usize) -> Option<&str> {
        self.channels.get(number).map(String::as_str)
    }

    /// LISTEN or UNLISTEN. Nothing is sent before their transaction has ended.
    fn listen(&mut self, statement: &str) {
        match meaning::listened(statement) {
            Some(Listened::To(channel)) if self.channels.len() < MAX_CHANNELS => {
                if !self.channels.contains(&channel) {
                    self.channels.push(channel);
                }
            }
            Some(Listened::NoMoreTo(channel)) => self.channels.retain(|known| *known != channel),
            Some(Listened::ToNothing) => self.channels.clear(),
            Some(Listened::To(_)) | None => {}
        }
    }

    /// The end of a transaction ends its portals.
    pub(super) fn close_portals_when_idle(&mut self) {
        if self.transaction == Transaction::Idle {
            self.portals.clear();
        }
    }
}

impl Prepared {
    /// The type of a parameter, as the client gave it or was told.
    pub(super) fn type_of(&self, at: usize) -> Option<u32> {
        let told = self.told.get().map(Vec::as_slice).unwrap_or_default();
        let known = |types: &[u32]| types.get(at).copied().filter(|oid| *oid != 0);
        known(&self.types).or_else(|| known(told))
    }

    /// The text, for reading only.
    pub(super) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.sql)
    }
}

impl Description {
    /// The types of a statement's parameters: as the client gave them, else as recorded, else
    /// text, of which any value can be made.
    pub(super) fn parameter_types(&self, statement: &Prepared) -> Vec<u32> {
        let recorded = self.parameters.as_deref().unwrap_or_default();
        let count = recorded
            .len()
            .max(statement.types.len())
            .max(meaning::parameter_count(&statement.text()));
        let text = types::oid("text").unwrap_or_default();
        let known = |types: &[u32], at| types.get(at).copied().filter(|oid| *oid != 0);
        (0..count)
            .map(|at| known(&statement.types, at).or_else(|| known(recorded, at)))
            .map(|oid| oid.unwrap_or(text))
            .collect()
    }
}

fn too_many(what: &str, most: usize) -> Refused {
    ("54000", format!("more than {most} {what} are open"))
}
