//! What follows from what the clock asked: a job that reads which rows are to be handled, and
//! handles each.
//!
//! A test has no connections in it, and the job's calls stand among those of the request that was
//! open at the time. Such a write has a value from the answer to the job's read, which the test's
//! request does not have each time, and nothing like it is written without one. Then the transaction
//! that begins with the read is the job's, too; outside of transactions the like of the write must
//! also have been seen while no test was open, or often.

use super::kinds::Kinds;
use super::*;

/// How many values of the answers to one read are remembered.
const VALUES: usize = 10_000;

/// How many tests may begin while a job handles what it read.
const GOES_ON: usize = 2;

/// How often a write outside of transactions must have followed from a read where its like was not
/// seen while no test was open.
const OFTEN: usize = 3;

/// A call of a test, by the numbers of both.
type Place = (usize, usize);

/// Which of the two walks through the tests it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// What is to be known of each write.
    Learn,
    /// Whose each call is.
    Tell,
}

/// What is known of the clock, and where a walk is.
#[derive(Default)]
pub(super) struct Errands {
    /// Which tests are of one route: what these do each time is theirs.
    kinds: Kinds,
    /// What is like a call that was made while no test was open.
    alike: HashSet<Key>,
    /// When what is like each write was made.
    writes: HashMap<Key, Written>,
    /// The values in answers to reads of the clock outside of tests, whenever those were.
    gave_idle: HashSet<String>,
    /// The values in the latest answer to a read of the clock within tests, by dependency, and how
    /// many tests began since.
    gave: HashMap<Arc<str>, (HashSet<String>, usize)>,
    /// The transaction that began with a read of the clock, at each dependency.
    open: HashMap<Arc<str>, Vec<Place>>,
    /// How many transactions of the test are open at each dependency.
    own_open: HashMap<Arc<str>, usize>,
    found: Vec<Place>,
}

/// When a write, and what is like it, was made in tests.
#[derive(Debug, Default)]
struct Written {
    times: usize,
    /// The tests that have it.
    owners: HashSet<usize>,
    /// Once with a value that the clock was given, and the test was not.
    follows: bool,
    /// Once without a value that the clock was given.
    otherwise: bool,
}

impl Errands {
    /// What the calls outside of tests tell.
    pub(super) fn of(set: &TestSet, rules: RulesOf<'_>) -> Self {
        let mut errands = Errands {
            kinds: Kinds::of(set, rules),
            ..Errands::default()
        };
        for mock in set.shared.iter().filter(|mock| is_background(mock)) {
            let key = alike_key(&mock.to, &mock.request, rules(mock.protocol));
            errands.alike.insert(key);
            add_values(&mut errands.gave_idle, mock);
        }
        errands
    }

    /// What is the clock's, as far as it was told.
    pub(super) fn found(self) -> Vec<Place> {
        self.found
    }

    /// Walks through the tests in the order of their times.
    pub(super) fn walk(
        &mut self,
        set: &TestSet,
        tests: &[(usize, Vec<Did>)],
        pass: Pass,
        rules: RulesOf<'_>,
    ) {
        self.open.clear();
        self.gave.clear();
        self.found.clear();
        for (number, did) in tests {
            let Some(test) = set.tests.get(*number) else {
                continue;
            };
            self.own_open.clear();
            self.gave.retain(|_, (_, since)| {
                *since += 1;
                *since <= GOES_ON
            });
            let asked = values_of(
                &test.request,
                rules(test.protocol),
                &mut Statements::default(),
            );
            let asked: HashSet<String> = asked.into_iter().collect();
            for (at, (call, doing)) in test.calls.iter().zip(did).enumerate() {
                let place = (*number, at);
                match doing {
                    Did::Begin => *self.own_open.entry(call.to.clone()).or_default() += 1,
                    Did::End => self.ends(call, place),
                    Did::Asked => {
                        self.found.push(place);
                        self.asks(call, begin_before(test, did, at).map(|at| (*number, at)));
                    }
                    Did::Wrote => {
                        self.writes(call, place, &asked, pass, rules(call.protocol));
                    }
                    // A read is the test's: left out, it is no more than a softer verdict.
                    Did::Else => {}
                }
            }
        }
    }

    /// The clock asked; where a transaction began right before, it is the clock's.
    fn asks(&mut self, call: &Mock, begin: Option<Place>) {
        let mut values = HashSet::new();
        add_values(&mut values, call);
        self.gave.insert(call.to.clone(), (values, 0));
        if let Some(begin) = begin {
            self.leave_own(&call.to);
            self.open.insert(call.to.clone(), vec![begin]);
        }
    }

    fn writes(
        &mut self,
        call: &Mock,
        place: Place,
        asked: &HashSet<String>,
        pass: Pass,
        rules: &Rules,
    ) {
        let key = alike_key(&call.to, &call.request, rules);
        let values = values_of(&call.request, rules, &mut Statements::default());
        let values: HashSet<String> = values.into_iter().collect();
        let known = self.alike.contains(&key);
        if pass == Pass::Learn {
            let just_gave = |value: &&String| self.gave.values().any(|(g, _)| g.contains(*value));
            let mut from = values.iter().filter(just_gave).peekable();
            let idle = values.iter().any(|value| self.gave_idle.contains(value));
            let written = self.writes.entry(key).or_default();
            written.times += 1;
            written.owners.insert(place.0);
            written.otherwise |= from.peek().is_none() && !idle;
            written.follows |= from.any(|value| !asked.contains(value));
            return;
        }
        let written = self.writes.get(&key);
        let times = written.map_or(0, |written| written.times);
        let is_errand = written.is_some_and(|written| {
            let follows = written.follows && !written.otherwise;
            follows && !self.kinds.is_habit(&written.owners)
        });
        match self.open.get_mut(&call.to) {
            Some(transaction) if is_errand && (known || times > 1) => {
                transaction.push(place);
            }
            None if is_errand && (known || times >= OFTEN) => self.found.push(place),
            // Then that transaction is the test's, unless the test has another one open.
            Some(_) if self.own_open.get(&call.to).is_none_or(|open| *open == 0) => {
                self.open.remove(&call.to);
                *self.own_open.entry(call.to.clone()).or_default() += 1;
            }
            _ => {}
        }
    }

    /// A transaction ends. Of several that are open it does not matter which: their ends say the
    /// same.
    fn ends(&mut self, call: &Mock, place: Place) {
        match self.open.remove(&call.to) {
            Some(mut transaction) => {
                transaction.push(place);
                self.found.append(&mut transaction);
            }
            None => self.leave_own(&call.to),
        }
    }

    fn leave_own(&mut self, to: &Arc<str>) {
        if let Some(open) = self.own_open.get_mut(to) {
            *open = open.saturating_sub(1);
        }
    }
}

/// The call right before that one at its dependency, where it begins a transaction.
fn begin_before(test: &TestCase, did: &[Did], at: usize) -> Option<usize> {
    let to = &test.calls.get(at)?.to;
    let before = test
        .calls
        .get(..at)?
        .iter()
        .rposition(|call| call.to == *to)?;
    (did.get(before) == Some(&Did::Begin)).then_some(before)
}

/// Takes in the values of an answer.
fn add_values(values: &mut HashSet<String>, call: &Mock) {
    let rows = call.response.get("rows").unwrap_or(&call.response);
    each_leaf(rows, &mut |text| {
        if values.len() < VALUES {
            values.insert(text.to_owned());
        }
    });
}

/// The texts and numbers in an answer.
fn each_leaf(value: &Value, each: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Number(number) => each(number.as_str()),
        Value::List(items) => items.iter().for_each(|item| each_leaf(item, each)),
        Value::Map(fields) => fields.iter().for_each(|(_, value)| each_leaf(value, each)),
        Value::Null | Value::Bool(_) | Value::Bytes(_) => {}
    }
}
