//! What is known of a request that a call may be of: the values in it, and what it has asked.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use retake_compare::matching::{Key, kind_of, values_in_answer, values_in_headers, values_of};
use retake_compare::sql::Statements;
use retake_model::{Exchange, Value};
use retake_wire::protocol;

use super::numbered::{ByMark, Marks};

/// A value, by its hash: the same in every process.
pub(super) type Mark = u64;

/// A value of a call, and how much it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) mark: Mark,
    pub(super) weight: u32,
}

/// How many values an answer has at most that is no list.
const LIST: usize = 8;

/// What is known of a request.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Its method and route, and what it came to: requests of one kind ask alike.
    pub(super) route: Option<(Key, u16)>,
    /// What stands in it.
    said: Marks,
    /// What stands in its response, and how often.
    shown: ByMark<i64>,
    /// What the answers to its calls told it.
    told: Marks,
    /// The same, of those answers that have many values.
    listed: Marks,
    /// How often it asked each kind of question.
    pub(super) asked: HashMap<(Key, When), u32>,
    /// How many of its calls were read.
    pub(super) read: usize,
}

impl Facts {
    /// What an answered request itself tells.
    pub(super) fn of(exchange: &Exchange, statements: &mut Statements) -> Self {
        let response = exchange.response.tree();
        let status = response.and_then(|tree| tree.get("status")?.as_i64());
        let status = status.and_then(|status| u16::try_from(status).ok());
        let mut facts = Facts::default();
        if let (Some(request), Some(protocol)) =
            (exchange.request.tree(), protocol(exchange.protocol.0))
        {
            let rules = protocol.rules();
            facts.route = Some((
                kind_of(request, rules, statements),
                status.unwrap_or_default(),
            ));
            let values = values_of(request, rules, statements);
            let values = values.into_iter().chain(values_in_headers(request));
            facts.said = values.map(|value| mark(&value)).collect();
        }
        if let Some(response) = response {
            let values = values_in_answer(response);
            for value in &values {
                *facts.shown.entry(mark(value)).or_default() += 1;
            }
        }
        facts
    }

    /// One of its calls is known, and whether it was made after the response.
    pub(super) fn learn(&mut self, call: &Question, after: bool) {
        for when in [When::Ever, When::of(after)] {
            *self.asked.entry((call.kind, when)).or_default() += 1;
        }
        let told = match call.gives.len() <= LIST {
            true => &mut self.told,
            false => &mut self.listed,
        };
        told.extend(call.gives.iter().map(|value| value.mark));
    }

    /// Forgets whose the calls are: they are read again.
    pub(super) fn forget_calls(&mut self) {
        self.told.clear();
        self.listed.clear();
        self.asked.clear();
        self.read = 0;
    }

    /// How much it counts that the service could have the value while it worked on it: twice, or
    /// once where it stands in a long list.
    pub(super) fn knows(&self, mark: Mark) -> i64 {
        if self.said.contains(&mark) || self.told.contains(&mark) {
            2
        } else if self.shown.contains_key(&mark) || self.listed.contains(&mark) {
            if self.shown.len() <= LIST && !self.listed.contains(&mark) {
                2
            } else {
                1
            }
        } else {
            0
        }
    }

    /// Whether the value stands in the request itself.
    pub(super) fn says(&self, mark: Mark) -> bool {
        self.said.contains(&mark)
    }

    /// How often the client was shown the value.
    pub(super) fn shows(&self, mark: Mark) -> i64 {
        self.shown.get(&mark).copied().unwrap_or_default()
    }

    /// How often it has asked this kind of question.
    pub(super) fn times(&self, kind: &Key, when: When) -> u32 {
        self.asked.get(&(*kind, when)).copied().unwrap_or_default()
    }
}

/// Where the calls of a request stand that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum When {
    Ever,
    Before,
    /// After its response.
    After,
}

impl When {
    pub(super) fn of(after: bool) -> Self {
        match after {
            true => When::After,
            false => When::Before,
        }
    }
}

/// What a call asks and is answered, as far as it may tell whose it is.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// The statement, or the method and route, with any values.
    pub(super) kind: Key,
    /// The values in it, in the order in which they stand.
    pub(super) values: Vec<Told>,
    /// The values in its answer.
    pub(super) gives: Vec<Told>,
}

impl Question {
    pub(super) fn of(exchange: &Exchange, statements: &mut Statements) -> Option<Self> {
        let (request, protocol) = (exchange.request.tree()?, protocol(exchange.protocol.0)?);
        let rules = protocol.rules();
        let answer = exchange.response.tree().unwrap_or(&Value::Null);
        let mut gives: Vec<Told> = values_in_answer(answer).iter().map(|v| told(v)).collect();
        gives.sort_unstable_by_key(|told| told.mark);
        gives.dedup_by_key(|told| told.mark);
        let values = values_of(request, rules, statements);
        Some(Question {
            kind: kind_of(request, rules, statements),
            values: values.iter().map(|v| told(v)).collect(),
            gives,
        })
    }
}

fn told(value: &str) -> Told {
    Told {
        mark: mark(value),
        weight: weight(value),
    }
}

/// How much it tells that a value stands at two places: small numbers do by chance.
fn weight(value: &str) -> u32 {
    match (value.len(), value.bytes().all(|b| b.is_ascii_digit())) {
        (..=2, _) => 1,
        (3..=4, true) | (3, false) => 2,
        _ => 4,
    }
}

fn mark(value: &str) -> Mark {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
