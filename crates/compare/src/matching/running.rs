//! A test that is open, or that ended a short while ago.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use retake_model::{
    Mock, Path, ProtocolId, Rules, Scope, Segment, TestCase, TestId, TraceId, Value,
};

use super::canon::{Canon, CanonToken};
use super::crowd::Crowd;
use super::crowded::Recorded;
use super::describe::is_probe;
use super::effect::answered_effect;
use super::key::Key;
use super::outcome::{
    CallsOutcome, ExtraCall, MatchedCall, MissingCall, ObservedCall, Pair, UnknownCall,
};
use super::placed::{Placed, When};
use super::pool::{Origin, Pool, Role};
use super::rearranged::Rearranged;
use super::whole::soften;
use super::{effect, summary};
use crate::made::{self, AllMade, Near, ValueMap};
use crate::rules::RuleSet;
use crate::sql::Statements;

/// The rules of each protocol.
pub(super) struct RulesOf(pub(super) Box<dyn Fn(ProtocolId) -> &'static Rules + Send + Sync>);

impl RulesOf {
    pub(super) fn of(&self, mock: &Mock) -> &'static Rules {
        (self.0)(mock.protocol)
    }
}

impl std::fmt::Debug for RulesOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RulesOf")
    }
}

/// A test that is open, or that ended a short while ago.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) set: usize,
    pub(super) number: usize,
    pub(super) id: TestId,
    pub(super) trace: Option<TraceId>,
    /// The rules of the test, where it has some of its own.
    pub(super) noise: Option<RuleSet>,
    /// The mocks that are this test's alone.
    pub(super) pool: Pool,
    /// The count of beginnings and ends when it began; none before.
    pub(super) began: Option<u64>,
    /// The count of beginnings and ends when it ended.
    pub(super) ended: Option<u64>,
    /// Whether it was given one of several answers that nothing tells apart.
    pub(super) ambiguous: bool,
    matched: Vec<Placed>,
    extra: Vec<ExtraCall>,
    unknown: Vec<UnknownCall>,
    overflow: u64,
    held: usize,
    /// Whether an answer was given with a value that the candidate made in place of the recorded one.
    pub(super) has_new_values: bool,
}

/// How a call was answered.
pub(super) enum Observed {
    Matched {
        index: Option<usize>,
        origin: Origin,
        by_kind: u64,
        pairs: Vec<Pair>,
    },
    Extra {
        index: Option<usize>,
    },
    Unknown(Box<retake_model::Miss>),
}

/// How many calls of one test are held at most.
const CALLS: usize = 20_000;

/// How many bytes of requests of one test are held at most, roughly.
const BYTES: usize = 64 << 20;

impl Running {
    /// A test that did not begin yet, with its mocks.
    pub(super) fn new(
        origin: (usize, usize),
        id: TestId,
        provenance: &Provenance<'_>,
        reading: &mut Reading<'_>,
    ) -> Self {
        let mut pool = Pool::default();
        for (index, mock) in provenance.test.calls.iter().enumerate() {
            if mock.scope != Scope::Test || mock.by.is_shared() {
                continue;
            }
            let origin = Origin {
                set: origin.0,
                test: Some(origin.1),
                index,
            };
            add_call(&mut pool, origin, provenance, mock, reading);
        }
        provenance.give(&mut pool);
        Running {
            set: origin.0,
            number: origin.1,
            id,
            trace: None,
            noise: (!provenance.test.rules.is_empty()).then(|| reading.noise.clone()),
            pool,
            began: None,
            ended: None,
            ambiguous: false,
            matched: Vec::new(),
            extra: Vec::new(),
            unknown: Vec::new(),
            overflow: 0,
            held: 0,
            has_new_values: false,
        }
    }

    /// Whether none of its recorded calls was made.
    pub(super) fn has_nothing(&self) -> bool {
        self.matched.iter().all(|made| made.call.index.is_none())
    }

    /// Notes a call that belongs to this test.
    pub(super) fn observe(&mut self, call: ObservedCall, how: Observed) {
        let calls = self.matched.len() + self.extra.len() + self.unknown.len();
        self.held += weight(&call.request);
        if calls >= CALLS || self.held > BYTES {
            self.overflow += 1;
            return;
        }
        match how {
            Observed::Matched {
                index,
                origin,
                by_kind,
                pairs,
            } => {
                let when = match (self.began, self.ended) {
                    (None, _) => When::Before,
                    (Some(_), None) => When::During,
                    (Some(_), Some(_)) => When::After,
                };
                let call = MatchedCall {
                    index,
                    by_kind,
                    pairs,
                    call,
                };
                self.matched.push(Placed { call, origin, when });
            }
            Observed::Extra { index } => self.extra.push(ExtraCall { index, call }),
            Observed::Unknown(miss) => self.unknown.push(UnknownCall {
                call,
                miss: *miss,
                ambiguous: self.ambiguous,
            }),
        }
    }

    /// The calls that were made in another order, or in another transaction.
    pub(super) fn rearranged(
        &self,
        tests: &[TestCase],
        crowd: &Crowd,
        values: &ValueMap,
    ) -> Rearranged {
        let recorded = Recorded {
            tests,
            number: self.number,
            crowd,
            own: &self.pool,
            values,
        };
        Rearranged::of(&self.matched, &recorded)
    }

    /// What the calls of the test came to. `unserved` tells which of the mocks that the test shares
    /// with others nobody asked for.
    pub(super) fn outcome(
        mut self,
        test: &TestCase,
        unserved: &[usize],
        sharers: Vec<TestId>,
        rearranged: Rearranged,
        rules: &RulesOf,
    ) -> CallsOutcome {
        let own = self.pool.entries().filter(|entry| entry.served == 0);
        let mut missing: Vec<usize> = own.map(|entry| entry.origin.index).collect();
        missing.extend_from_slice(unserved);
        missing.sort_unstable();
        let mut missing: Vec<MissingCall> = missing
            .into_iter()
            .filter_map(|index| missing_call(test, index, rules))
            .collect();
        soften(test, &self.matched, &mut missing, &mut self.extra);
        let made = self.matched.iter().filter(|made| made.call.index.is_some());
        CallsOutcome {
            recorded: made.count() + missing.len(),
            test: self.id,
            reordered: rearranged.reordered,
            entered: rearranged.crossed.entered,
            left: rearranged.crossed.left,
            sorted: rearranged.sorted,
            matched: self.matched.into_iter().map(|made| made.call).collect(),
            extra: self.extra,
            unknown: self.unknown,
            missing,
            overflow: self.overflow,
            sharers,
        }
    }
}

/// What is known of the values of one test.
pub(super) struct Provenance<'t> {
    test: &'t TestCase,
    /// What the request and the dependencies' answers gave.
    given: OnceCell<HashSet<Box<str>>>,
    /// What the service made in this test, and the first place of each.
    own: HashMap<&'t str, Option<&'t Path>>,
    /// What the service made in any test of the run.
    made: &'t AllMade,
}

impl<'t> Provenance<'t> {
    pub(super) fn of(test: &'t TestCase, made: &'t AllMade) -> Self {
        let own = test.made.iter();
        Provenance {
            test,
            given: OnceCell::new(),
            own: own
                .map(|made| (made.value.as_str(), made.places.first()))
                .collect(),
            made,
        }
    }

    fn near(&self) -> Near {
        Near::recorded(self.test.at).with(self.made.short)
    }

    /// Read when the first value is asked for: most tests have none.
    fn given(&self) -> &HashSet<Box<str>> {
        self.given.get_or_init(|| {
            let mut given = HashSet::new();
            let near = self.near();
            let answers = self.test.calls.iter().map(|call| &call.response);
            for tree in std::iter::once(&self.test.request).chain(answers) {
                made::each_token(tree, near, &mut Path::root(), &mut |_, _, text| {
                    given.insert(text.into());
                });
            }
            given
        })
    }

    /// Tells a pool what was given to the service in this test: no value that it makes anew is one of
    /// these.
    pub(super) fn give(&self, pool: &mut Pool) {
        let in_call =
            |place: &&Path| matches!(place.0.first(), Some(Segment::Key(key)) if key == "calls");
        if self.own.values().flatten().any(in_call) {
            let given = self.given().iter();
            pool.give(given.filter(|text| !self.own.contains_key(&***text)));
        }
    }

    /// How a value in the request of the call with that number came to be. A value that an
    /// earlier test made, and that nobody gave to the service in this one, is what it remembers:
    /// another one in another run.
    fn role(&self, text: &str, call: usize) -> Role {
        match self.own.get(text) {
            Some(Some(first)) if in_call(&first.0, call) => Role::First,
            Some(_) => Role::Made,
            None if self.made.contains(&Key::of(text)) && !self.given().contains(text) => {
                Role::Made
            }
            None => Role::Given,
        }
    }
}

/// Adds a call of a test to a pool.
pub(super) fn add_call(
    pool: &mut Pool,
    origin: Origin,
    provenance: &Provenance<'_>,
    mock: &Mock,
    reading: &mut Reading<'_>,
) {
    let near = provenance.near();
    let canon = reading.canon(&mock.to, &mock.request, mock.protocol, near);
    pool.add(origin, &canon, |token: &CanonToken| {
        provenance.role(&token.text, origin.index)
    });
}

/// What it takes to read requests.
pub(super) struct Reading<'r> {
    pub(super) rules: &'r RulesOf,
    pub(super) noise: &'r RuleSet,
    pub(super) statements: &'r mut Statements,
}

impl Reading<'_> {
    /// The canonical form of a request, less its noise. A rule that hides all of a dependency's
    /// requests says nothing of which of them is asked.
    pub(super) fn canon(
        &mut self,
        to: &str,
        request: &Value,
        protocol: ProtocolId,
        near: Near,
    ) -> Canon {
        let rules = (self.rules.0)(protocol);
        let less = self.noise.apply_to_request(to, request);
        let request = match less.as_ref() {
            Value::Null => request,
            less => less,
        };
        Canon::read(to, request, rules, near, self.statements)
    }
}

/// Whether a place is in the request of the call with that number.
fn in_call(place: &[Segment], number: usize) -> bool {
    matches!(
        place,
        [Segment::Key(calls), Segment::Index(i), rest @ ..]
            if calls == "calls" && *i == number
                && !matches!(rest.first(), Some(Segment::Key(name)) if name == "gives")
    )
}

fn missing_call(test: &TestCase, index: usize, rules: &RulesOf) -> Option<MissingCall> {
    let mock = test.calls.get(index)?;
    let rules = rules.of(mock);
    (!is_probe(&mock.request)).then(|| MissingCall {
        index,
        to: mock.to.clone(),
        summary: summary(&mock.request, rules),
        effect: answered_effect(effect(&mock.request, rules), &mock.response),
        shared: mock.by.is_shared(),
    })
}

/// Roughly how many bytes a tree takes.
fn weight(value: &Value) -> usize {
    32 + match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(number) => number.as_str().len(),
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Map(fields) => fields.iter().map(|(n, v)| n.len() + weight(v)).sum(),
    }
}

/// Counts by dependency and request, in the order of their names.
#[derive(Debug, Default)]
pub(super) struct Counts(HashMap<(String, String), usize>);

impl Counts {
    pub(super) fn add(&mut self, to: &str, summary: String, count: usize) {
        *self.0.entry((to.to_owned(), summary)).or_default() += count;
    }

    pub(super) fn sorted(&self) -> Vec<(String, String, usize)> {
        let counts = self.0.iter();
        let of_one =
            |((to, summary), n): (&(String, String), &usize)| (to.clone(), summary.clone(), *n);
        let mut all: Vec<_> = counts.map(of_one).collect();
        all.sort();
        all
    }
}
