//! What is known of a request that a call may be of: the values in it, and what it has asked.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use retake_compare::matching::{
    self, Key, is_write, kind_of, told_in_answer, told_in_headers, told_in_request,
};
use retake_compare::sql::Statements;
use retake_model::{Exchange, Timestamp, Value};
use retake_wire::protocol;

use super::numbered::ByMark;

/// A value, by its hash: the same in every process.
pub(super) type Mark = u64;

/// A place where values stand in messages of one kind.
pub(super) type Place = u64;

/// A value of a call, where it stands there, and how much it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) mark: Mark,
    pub(super) place: Place,
    pub(super) weight: u32,
}

/// How many values an answer has at most that is no list.
const LIST: usize = 8;

/// At how many places of a message one value is remembered.
const PLACES: usize = 16;

/// How often one of these is counted.
const TIMES: usize = 3;

/// What is known of a request.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Its method and route, and what it came to: requests of one kind ask alike.
    pub(super) route: Option<Route>,
    /// Whether its method is one that changes nothing (RFC 9110, section 9.2.1).
    pub(super) only_reads: bool,
    /// What stands in it, and where.
    said: ByMark<Vec<Place>>,
    /// What stands in its response, and where.
    shown: ByMark<Vec<Place>>,
    /// How many values its response shows at each place.
    shown_there: HashMap<Place, u32>,
    /// What the answers to its calls told it.
    told: ByMark<Vec<Given>>,
    /// How often it asked each kind of question.
    pub(super) asked: HashMap<(Key, When), u32>,
    /// When it asked each of them before its response.
    times: ByMark<Vec<Timestamp>>,
    /// How many of its calls were read.
    pub(super) read: usize,
    /// When it was answered.
    pub(super) ended: Timestamp,
}

/// A route, and what its requests came to.
pub(super) type Route = (Key, u16);

/// That a call gave a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Given {
    place: Place,
    at: Timestamp,
    how: How,
}

/// How a request knows a value by one of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// It was answered, or is a long one that was asked with.
    Told,
    /// It was answered among many.
    Listed,
    /// It was asked with.
    Asked,
}

impl Facts {
    /// What an answered request itself tells.
    pub(super) fn of(exchange: &Exchange, statements: &mut Statements) -> Self {
        let response = exchange.response.tree();
        let status = response.and_then(|tree| tree.get("status")?.as_i64());
        let status = status.and_then(|status| u16::try_from(status).ok());
        let mut facts = Facts {
            ended: exchange.ended,
            ..Facts::default()
        };
        if let (Some(request), Some(protocol)) =
            (exchange.request.tree(), protocol(exchange.protocol.0))
        {
            let rules = protocol.rules();
            facts.route = Some((
                kind_of(request, rules, statements),
                status.unwrap_or_default(),
            ));
            let method = request.get("method").and_then(Value::as_str);
            facts.only_reads = method.is_some_and(|m| matches!(m, "GET" | "HEAD" | "OPTIONS"));
            let values = told_in_request(request, rules, statements);
            for told in values.into_iter().chain(told_in_headers(request)) {
                let _ = note(&mut facts.said, mark(&told.text), told.place);
            }
        }
        for told in response.into_iter().flat_map(told_in_answer) {
            if note(&mut facts.shown, mark(&told.text), told.place) {
                *facts.shown_there.entry(told.place).or_default() += 1;
            }
        }
        facts
    }

    /// One of its calls is known, and whether it was made after the response.
    pub(super) fn learn(&mut self, call: &Question, after: bool) {
        for when in [When::Ever, When::of(after)] {
            *self.asked.entry((call.kind, when)).or_default() += 1;
        }
        if !after {
            let times = self.times.entry(short(&call.kind)).or_default();
            times.push(call.began);
        }
        for (mark, given) in call.tells() {
            self.told.entry(mark).or_default().push(given);
        }
    }

    /// One of its calls is another one's.
    pub(super) fn unlearn(&mut self, call: &Question, after: bool) {
        for when in [When::Ever, When::of(after)] {
            if let Some(times) = self.asked.get_mut(&(call.kind, when)) {
                *times = times.saturating_sub(1);
            }
        }
        let times = self.times.get_mut(&short(&call.kind));
        if let Some(times) = times.filter(|_| !after)
            && let Some(at) = times.iter().position(|at| *at == call.began)
        {
            times.swap_remove(at);
        }
        for (mark, given) in call.tells() {
            if let Some(all) = self.told.get_mut(&mark)
                && let Some(at) = all.iter().position(|known| *known == given)
            {
                all.swap_remove(at);
            }
        }
    }

    /// How much it counts that the service could have the value while it worked on it, when it made a
    /// call: twice, or once where it stands in a long list.
    pub(super) fn knows(&self, mark: Mark, at: Timestamp) -> i64 {
        let told = self.told_before(mark, at);
        let (mut listed, mut alone) = (false, self.says(mark));
        for given in told {
            listed |= given.how == How::Listed;
            alone |= given.how == How::Told;
        }
        if alone {
            2
        } else if self.shown.contains_key(&mark) || listed {
            if self.shown.len() <= LIST && !listed {
                2
            } else {
                1
            }
        } else {
            0
        }
    }

    fn told_before(&self, mark: Mark, at: Timestamp) -> impl Iterator<Item = &Given> {
        let told = self.told.get(&mark).into_iter().flatten();
        told.filter(move |given| given.at <= at)
    }

    /// The places from which it had a value when it made a call: in it, and in the answers before.
    pub(super) fn sources(&self, mark: Mark, at: Timestamp) -> impl Iterator<Item = Place> {
        let said = self.said.get(&mark).into_iter().flatten().copied();
        said.chain(self.told_before(mark, at).map(|given| given.place))
    }

    /// The places at which its response shows a value.
    pub(super) fn shown_at(&self, mark: Mark) -> impl Iterator<Item = Place> {
        self.shown.get(&mark).into_iter().flatten().copied()
    }

    /// How many values its response shows at a place.
    pub(super) fn shown_there(&self, place: Place) -> usize {
        let shown = self.shown_there.get(&place).copied().unwrap_or_default();
        usize::try_from(shown).unwrap_or(usize::MAX)
    }

    /// Whether the value stands in the request itself.
    pub(super) fn says(&self, mark: Mark) -> bool {
        self.said.contains_key(&mark)
    }

    /// How often the client was shown the value.
    pub(super) fn shows(&self, mark: Mark) -> i64 {
        let places = self.shown.get(&mark).map_or(0, Vec::len);
        i64::try_from(places).unwrap_or(i64::MAX)
    }

    /// When it first asked something of a kind.
    pub(super) fn first(&self, kind: Mark) -> Option<Timestamp> {
        self.times.get(&kind)?.iter().min().copied()
    }

    /// What it asked before its response, in the order in which it first did.
    pub(super) fn in_order(&self) -> Vec<Mark> {
        let first = |(kind, times): (&Mark, &Vec<Timestamp>)| Some((*times.iter().min()?, *kind));
        let mut all: Vec<_> = self.times.iter().filter_map(first).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, kind)| kind).collect()
    }

    /// How often it has asked this kind of question.
    pub(super) fn times(&self, kind: &Key, when: When) -> u32 {
        self.asked.get(&(*kind, when)).copied().unwrap_or_default()
    }
}

/// Notes a value at a place. Whether that is news.
fn note(values: &mut ByMark<Vec<Place>>, mark: Mark, place: Place) -> bool {
    let places = values.entry(mark).or_default();
    let same = places.iter().filter(|known| **known == place).count();
    if places.len() < PLACES && same < TIMES {
        places.push(place);
    }
    same == 0
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
    /// Whether it changes something.
    pub(super) writes: bool,
    began: Timestamp,
    ended: Timestamp,
}

impl Question {
    pub(super) fn of(exchange: &Exchange, statements: &mut Statements) -> Option<Self> {
        let (request, protocol) = (exchange.request.tree()?, protocol(exchange.protocol.0)?);
        let rules = protocol.rules();
        let answer = exchange.response.tree().unwrap_or(&Value::Null);
        let mut gives: Vec<Told> = told_in_answer(answer).iter().map(told).collect();
        gives.sort_unstable_by_key(|told| (told.mark, told.place));
        gives.dedup_by_key(|told| (told.mark, told.place));
        let values = told_in_request(request, rules, statements);
        Some(Question {
            kind: kind_of(request, rules, statements),
            values: values.iter().map(told).collect(),
            gives,
            writes: is_write(request, rules),
            began: exchange.began,
            ended: exchange.ended,
        })
    }

    /// When it was asked.
    pub(super) fn began(&self) -> Timestamp {
        self.began
    }

    /// What a request knows that asked it: what it said, and what it was answered.
    fn tells(&self) -> impl Iterator<Item = (Mark, Given)> {
        let kind = short(&self.kind);
        let given = move |value: &Told, place: Place, how: How| {
            let at = self.ended;
            (value.mark, Given { place, at, how })
        };
        let list = match self.gives.len() > LIST {
            true => How::Listed,
            false => How::Told,
        };
        let gives = self.gives.iter();
        let gives = gives.map(move |value| given(value, value.place ^ kind, list));
        // A small number stands in many calls.
        let asks = self.values.iter();
        let asks = asks.map(move |value| {
            let how = match value.weight {
                LONG => How::Told,
                _ => How::Asked,
            };
            given(value, value.place ^ !kind, how)
        });
        gives.chain(asks)
    }
}

fn told(value: &matching::Told) -> Told {
    Told {
        mark: mark(&value.text),
        place: value.place,
        weight: weight(&value.text),
    }
}

/// A part of a key: kinds of questions of one recording differ in it.
pub(super) fn short(kind: &Key) -> Mark {
    let [a, b, c, d, e, f, g, h, ..] = kind.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// What a value counts that hardly stands at two places by chance.
const LONG: u32 = 4;

/// How much it tells that a value stands at two places: small numbers do by chance.
fn weight(value: &str) -> u32 {
    match (value.len(), value.bytes().all(|b| b.is_ascii_digit())) {
        (..=2, _) => 1,
        (3..=4, true) | (3, false) => 2,
        _ => LONG,
    }
}

fn mark(value: &str) -> Mark {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
