//! The calls of tests that may be a job's, and what is like them.

use super::*;

use crate::matching::canon::Canon;
use crate::matching::telling::values_in_answer;

/// A call of a test, by the numbers of both.
pub(in super::super) type Place = (usize, usize);

/// Texts shorter than this may stand anywhere.
const SHORT: usize = 3;

/// A call that may be a job's.
pub(super) struct Call<'s> {
    pub(super) mock: &'s Mock,
    /// When it began and ended, in nanoseconds since 1970.
    pub(super) began: u64,
    pub(super) ended: u64,
    key: Key,
    effect: Effect,
    values: Vec<String>,
}

/// The calls of tests that may be a job's, and what is like calls outside of tests.
pub(super) struct Seen<'s> {
    pub(super) calls: HashMap<Place, Call<'s>>,
    /// What is like a call while no test was open.
    idle: HashSet<Key>,
    /// What is like a call before the first test.
    start: HashSet<Key>,
    /// The calls of jobs, as far as they are known: outside of tests, and those that were found.
    pub(super) known: Vec<(u64, u64, Key, &'s Mock)>,
}

impl<'s> Seen<'s> {
    pub(super) fn of(set: &'s TestSet, rules: RulesOf<'_>) -> Self {
        let mut statements = Statements::default();
        let mut seen = Seen {
            calls: HashMap::new(),
            idle: HashSet::new(),
            start: HashSet::new(),
            known: Vec::new(),
        };
        let key = |mock: &Mock, statements: &mut Statements| {
            let rules = rules(mock.protocol);
            Canon::read(&mock.to, &mock.request, rules, Near::default(), statements).coarse_key()
        };
        for mock in &set.shared {
            if step(&mock.request) != Step::Within {
                continue;
            }
            match mock.scope {
                Scope::Background => {
                    let key = key(mock, &mut statements);
                    seen.idle.insert(key);
                    seen.knows(mock.after, key, mock);
                }
                Scope::Startup => {
                    seen.start.insert(key(mock, &mut statements));
                }
                _ => {}
            }
        }
        for (number, test) in set.tests.iter().enumerate() {
            for (at, mock) in test.calls.iter().enumerate() {
                if step(&mock.request) != Step::Within {
                    continue;
                }
                let began = test.at.0.saturating_add(mock.after);
                let key = key(mock, &mut statements);
                match mock.scope {
                    Scope::Background => seen.knows(began, key, mock),
                    Scope::Test if !is_told(mock) => {
                        let rules = rules(mock.protocol);
                        let call = Call {
                            mock,
                            began,
                            ended: began.saturating_add(mock.took),
                            key,
                            effect: known_effect(&mock.request, rules, &mut statements),
                            values: values_of(&mock.request, rules, &mut statements),
                        };
                        seen.calls.insert((number, at), call);
                    }
                    _ => {}
                }
            }
        }
        seen
    }

    fn knows(&mut self, began: u64, key: Key, mock: &'s Mock) {
        if began > 0 {
            let ended = began.saturating_add(mock.took);
            self.known.push((began, ended, key, mock));
        }
    }

    /// Where each kind of call is, in one order each time.
    pub(super) fn by_kind(&self) -> std::collections::BTreeMap<Key, Vec<Place>> {
        let mut kinds = std::collections::BTreeMap::<Key, Vec<Place>>::new();
        for (place, call) in &self.calls {
            kinds.entry(call.key).or_default().push(*place);
        }
        kinds.values_mut().for_each(|places| places.sort_unstable());
        kinds
    }

    pub(super) fn is_idle(&self, key: &Key) -> bool {
        self.idle.contains(key)
    }

    /// Whether the service does it by itself at its start, or nothing told whose it is.
    pub(super) fn may_be_nobodys(&self, place: Place) -> bool {
        let call = self.calls.get(&place);
        call.is_some_and(|call| {
            self.start.contains(&call.key) || call.mock.by == Attribution::Shared
        })
    }

    pub(super) fn began(&self, place: Place) -> u64 {
        self.calls.get(&place).map_or(0, |call| call.began)
    }

    pub(super) fn reads(&self, place: Place) -> bool {
        let call = self.calls.get(&place);
        call.is_some_and(|call| call.effect == Effect::Read)
    }

    /// Those of the found calls of whose kind half or more stand right behind the beginning of a
    /// transaction.
    pub(super) fn that_begin(&self, set: &TestSet, found: &HashSet<Place>) -> HashSet<Place> {
        let mut kinds: HashMap<Key, (Vec<Place>, usize)> = HashMap::new();
        for place in found {
            let Some(call) = self.calls.get(place) else {
                continue;
            };
            let test = set.tests.get(place.0);
            let before = test.and_then(|test| test.calls.get(..place.1));
            let mut before = before.unwrap_or_default().iter().rev();
            let last = before.find(|other| other.to == call.mock.to);
            let is_first = last.is_some_and(|last| step(&last.request) == Step::Begins);
            let (places, first) = kinds.entry(call.key).or_default();
            places.push(*place);
            *first += usize::from(is_first);
        }
        let begin = kinds.into_values();
        let begin = begin.filter(|(places, first)| first * 2 >= places.len());
        begin.flat_map(|(places, _)| places).collect()
    }

    /// Whether a call says several things that other requests say, and its own does not: it writes at
    /// once what was gathered.
    pub(super) fn is_of_others(&self, said: &Said, place: Place) -> bool {
        let Some(call) = self.calls.get(&place) else {
            return false;
        };
        let others: HashSet<&String> = (call.values.iter())
            .filter(|value| said.by_others_only(value, place.0))
            .collect();
        others.len() > 1
    }

    /// Whether a call deletes what is too old by the server's clock, and has no other value. A length of
    /// time (`'24 hours'`) says nothing of anybody.
    pub(super) fn tidies(&self, place: Place) -> bool {
        let Some(call) = self.calls.get(&place) else {
            return false;
        };
        let sql = call.mock.request.get("sql").and_then(Value::as_str);
        let sql = sql.unwrap_or_default().to_ascii_lowercase();
        let mut words = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let mut values = call.values.iter();
        sql.trim_start().starts_with("delete ")
            && words.any(|word| CLOCKS.contains(&word))
            && values.all(|value| is_a_length_of_time(value))
    }

    /// Whether a call has a value that its test has (in its request, in its response or, unless `said`, in
    /// an answer) and others of its route have not.
    pub(super) fn has_of_its_test(
        &self,
        set: &TestSet,
        place: Place,
        beside: &[usize],
        said: bool,
        rules: RulesOf<'_>,
    ) -> bool {
        let Some(call) = self.calls.get(&place) else {
            return true;
        };
        let others = beside.iter().filter(|test| **test != place.0).take(OTHERS);
        let has = |test: usize, but: usize| has(set, test, (!said).then_some(but), rules);
        let told: HashSet<String> = others.flat_map(|test| has(*test, usize::MAX)).collect();
        let own = has(place.0, place.1);
        let own = own.iter().filter(|value| !told.contains(*value));
        let own: HashSet<&str> = own.map(String::as_str).collect();
        let tells = |value: &&String| value.len() >= SHORT || value.parse::<u64>().is_ok();
        let mut values = call.values.iter().filter(tells);
        values.any(|value| own.contains(value.as_str()))
    }
}

/// How statements ask the server what time it is.
const CLOCKS: &[&str] = &[
    "now",
    "current_timestamp",
    "current_date",
    "localtimestamp",
    "statement_timestamp",
    "clock_timestamp",
];

/// How many tests of a route are looked at for what they all have.
const OTHERS: usize = 8;

/// The values that a test has: in its request, in its response and in the answers to its calls but one;
/// with none to leave out, in none of them.
fn has(set: &TestSet, test: usize, but: Option<usize>, rules: RulesOf<'_>) -> Vec<String> {
    let Some(test) = set.tests.get(test) else {
        return Vec::new();
    };
    let mut values = values_of(
        &test.request,
        rules(test.protocol),
        &mut Statements::default(),
    );
    values.extend(values_in_answer(&test.response));
    let calls = test.calls.iter().enumerate();
    let calls =
        calls.filter(|(at, call)| call.scope == Scope::Test && but.is_some_and(|but| but != *at));
    values.extend(calls.flat_map(|(_, call)| values_in_answer(&call.response)));
    values
}

/// What the requests say: all of them, and each.
pub(super) struct Said {
    all: HashSet<String>,
    by: Vec<HashSet<String>>,
}

impl Said {
    pub(super) fn of(set: &TestSet, rules: RulesOf<'_>) -> Self {
        let mut statements = Statements::default();
        let of = |test: &TestCase| -> HashSet<String> {
            let values = values_of(&test.request, rules(test.protocol), &mut statements);
            values
                .into_iter()
                .filter(|value| value.len() >= SHORT)
                .collect()
        };
        let by: Vec<HashSet<String>> = set.tests.iter().map(of).collect();
        Said {
            all: by.iter().flatten().cloned().collect(),
            by,
        }
    }

    /// Whether other requests say a value, and that of this test does not.
    fn by_others_only(&self, value: &str, test: usize) -> bool {
        let own = self.by.get(test).is_some_and(|own| own.contains(value));
        !own && self.all.contains(value)
    }
}

/// `24 hours`, `1 day`.
fn is_a_length_of_time(value: &str) -> bool {
    let unit = value
        .split_once(' ')
        .filter(|(number, _)| number.parse::<u32>().is_ok());
    unit.is_some_and(|(_, unit)| unit.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// Whether it is certain whose a call is.
fn is_told(mock: &Mock) -> bool {
    matches!(
        mock.by,
        Attribution::Trace | Attribution::Connection | Attribution::Process
    )
}
