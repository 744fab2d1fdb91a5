//! Answers for what a driver asks about a statement without running it.
//!
//! Another version of a driver describes statements that the recorded one did not, and the other
//! way round. Whoever ran a statement knows its parameters and columns, so the answer is made of
//! any recorded call with the same statement. Here and in [`super::columns`] alone the field names
//! of a protocol (PostgreSQL's) stand in this crate.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use retake_model::{Mock, TestSet, Value};

use super::columns;
use super::key::{Key, KeyWriter};
use crate::sql::{Meant, Slotted, Statement, Statements};

/// The fields that make a request one about a session or a statement, and not a call.
const FIELDS: [&str; 3] = ["describe", "listening", "startup"];

/// Whether a request asks about a session or a statement: a miss of it is no verdict, nor is it
/// missing where it is not asked.
pub(super) fn is_probe(request: &Value) -> bool {
    FIELDS.iter().any(|field| request.get(field).is_some()) || is_empty(request)
}

/// Whether a statement says nothing, as pools send to see whether a connection is alive.
pub(super) fn is_empty(request: &Value) -> bool {
    let sql = request.get("sql").and_then(Value::as_str);
    sql.is_some_and(|sql| sql.chars().all(|c| c == ';' || c.is_whitespace()))
}

/// What recorded calls tell of statements: made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Described {
    by_shape: HashMap<Key, Known>,
    /// By the shape with parameters in the stead of literals: what calls of a driver tell that
    /// writes values into the text.
    by_slots: HashMap<Key, Ran>,
}

/// A statement that was run, and what its values were.
#[derive(Debug)]
struct Ran {
    columns: Option<Value>,
    types: Vec<Value>,
    failed: bool,
}

/// The description of a statement.
#[derive(Debug)]
struct Known {
    answer: Value,
    /// Whether it was made of a call that failed.
    failed: bool,
}

impl Described {
    /// How many statements are held at most.
    const LIMIT: usize = 100_000;

    /// Reads all recorded calls.
    pub(super) fn read(sets: &[Arc<TestSet>], statements: &mut Statements) -> Self {
        let mut described = Described::default();
        let tests = sets.iter().flat_map(|set| &set.tests);
        let shared = sets.iter().flat_map(|set| &set.shared);
        for mock in tests.flat_map(|test| &test.calls).chain(shared) {
            if described.by_shape.len() >= Self::LIMIT {
                break;
            }
            let (sql, describes) = match (mock.request.get("describe"), mock.request.get("sql")) {
                (Some(Value::String(sql)), _) => (sql, true),
                (None, Some(Value::String(sql))) => (sql, false),
                _ => continue,
            };
            let failed = mock.response.get("error").is_some();
            if !describes {
                described.ran(mock, sql, failed, statements);
            }
            let answer = match describes {
                true if failed => None,
                true => Some(mock.response.clone()),
                false => of_call(&mock.request, &mock.response),
            };
            let Some(answer) = answer else { continue };
            let known = Known { answer, failed };
            match described
                .by_shape
                .entry(shape_key(&mock.to, sql, statements))
            {
                Entry::Vacant(place) => {
                    place.insert(known);
                }
                // One that failed told nothing of its columns.
                Entry::Occupied(mut place) if place.get().failed && !failed => {
                    place.insert(known);
                }
                // A parameter that was NULL once may have told its type another time.
                Entry::Occupied(mut place) => {
                    fill_types(&mut place.get_mut().answer, &mock.request)
                }
            }
        }
        described
    }

    /// The answer to a request that describes a statement.
    pub(super) fn answer(
        &self,
        to: &str,
        request: &Value,
        statements: &mut Statements,
    ) -> Option<Value> {
        let sql = request.get("describe")?.as_str()?;
        match self.by_shape.get(&shape_key(to, sql, statements)) {
            Some(known) => Some(known.answer.clone()),
            None => self.of_slots(to, sql, statements),
        }
    }

    /// Notes what a call tells of statements that have parameters where it has literals.
    fn ran(&mut self, mock: &Mock, sql: &str, failed: bool, statements: &mut Statements) {
        let statement = statements.get(sql);
        let literals = statement.slots.as_ref().map(|slots| &slots.slots);
        // Without values and lists in another order it has the shape of the one that was run.
        let other = |slots: &&Vec<_>| !slots.is_empty() || statement.columns.is_some();
        let Some(slots) = literals.filter(other) else {
            return;
        };
        if mock.response.get("results").is_some() {
            return;
        }
        let sent = |name| mock.request.get(name).and_then(Value::as_list);
        let (values, told) = (
            sent("params").unwrap_or_default(),
            sent("types").unwrap_or_default(),
        );
        let types: Vec<Value> = slots
            .iter()
            .map(|slot| {
                let param = match slot.value {
                    Slotted::Param(number) => number.checked_sub(1),
                    Slotted::Literal(..) => None,
                };
                let param = param.and_then(|at| Some((values.get(at)?, told.get(at))));
                Meant::of(slot, param).type_tree()
            })
            .collect();
        let columns = mock.response.get("columns").map(|columns| {
            let mut columns = columns.clone();
            columns::into_order(&mut columns, &statement);
            columns
        });
        let key = slots_key(&mock.to, &statement);
        match self.by_slots.entry(key) {
            Entry::Vacant(place) => {
                place.insert(Ran {
                    columns,
                    types,
                    failed,
                });
            }
            // One that failed told nothing of its columns.
            Entry::Occupied(mut place) if place.get().failed && !failed => {
                place.insert(Ran {
                    columns,
                    types,
                    failed,
                });
            }
            // What was NULL once may have told its type another time.
            Entry::Occupied(mut place) => {
                for (known, told) in place.get_mut().types.iter_mut().zip(types) {
                    if *known == Value::Null {
                        *known = told;
                    }
                }
            }
        }
    }

    /// The description of a statement of which only calls with its values in their text are known.
    fn of_slots(&self, to: &str, sql: &str, statements: &mut Statements) -> Option<Value> {
        let statement = statements.get(sql);
        let ran = self.by_slots.get(&slots_key(to, &statement))?;
        let slots = &statement.slots.as_ref()?.slots;
        let mut types: Vec<Value> = Vec::new();
        for (slot, told) in slots.iter().zip(&ran.types) {
            let Slotted::Param(number) = slot.value else {
                continue;
            };
            // A Bind counts its parameters in 16 bits.
            let at = number.checked_sub(1).filter(|at| *at < 0xFFFF)?;
            if types.len() <= at {
                types.resize(at + 1, Value::Null);
            }
            if let Some(known) = types.get_mut(at).filter(|known| **known == Value::Null) {
                *known = told.clone();
            }
        }
        let mut answer = Value::map([("parameters", Value::List(types))]);
        if let Some(columns) = &ran.columns {
            let mut columns = columns.clone();
            columns::as_asked(&mut columns, &statement);
            answer.push("columns", columns);
        }
        Some(answer)
    }
}

fn slots_key(to: &str, statement: &Statement) -> Key {
    let mut writer = KeyWriter::default();
    writer.write(to.as_bytes());
    writer.write(&[0]);
    if let Some(slots) = &statement.slots {
        writer.write(slots.shape.as_bytes());
    }
    writer.finish()
}

/// What the call and its answer tell of the statement. None for an answer that tells nothing.
fn of_call(request: &Value, response: &Value) -> Option<Value> {
    if response.get("results").is_some() {
        return None;
    }
    let params = request
        .get("params")
        .and_then(Value::as_list)
        .unwrap_or_default();
    let types = match request.get("types") {
        Some(types) => types.clone(),
        // Nobody told them. To say text here would turn binary parameters into text.
        None => Value::List(vec![Value::Null; params.len()]),
    };
    let mut answer = Value::map([("parameters", types)]);
    if let Some(columns) = response.get("columns") {
        answer.push("columns", columns.clone());
    }
    Some(answer)
}

/// Puts types of a call in the stead of those that are not known.
fn fill_types(described: &mut Value, request: &Value) {
    let Some(told) = request.get("types").and_then(Value::as_list) else {
        return;
    };
    let Value::Map(fields) = described else {
        return;
    };
    let parameters = fields.iter_mut().find(|(name, _)| name == "parameters");
    if let Some((_, Value::List(parameters))) = parameters {
        for (parameter, told) in parameters.iter_mut().zip(told) {
            if *parameter == Value::Null {
                *parameter = told.clone();
            }
        }
    }
}

fn shape_key(to: &str, sql: &str, statements: &mut Statements) -> Key {
    let mut writer = KeyWriter::default();
    writer.write(to.as_bytes());
    writer.write(&[0]);
    writer.write(statements.get(sql).shape.as_bytes());
    writer.finish()
}
