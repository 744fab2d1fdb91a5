//! The mocks of a run: what answers each call, and whose call it is.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use retake_model::{
    Answer, Call, Miss, Mock, ProtocolId, Rules, TestCase, TestId, TestSet, TokenKind, TraceId,
    Value,
};

use super::canon::Canon;
use super::catalogue;
use super::describe::{Described, is_empty, is_probe};
use super::echo;
use super::effect::{answered_effect, known_effect};
use super::elsewhere::Elsewhere;
use super::explain::Around;
use super::heard::{self, Heard};
use super::outcome::{Effect, ObservedCall, Pair};
use super::pool::Origin;
use super::running::{Observed, Reading, RulesOf, Running};
use super::search::{Asking, Found, Look, Owners, Places, Source};
use super::shared::Shared;
use super::transaction::{Step, step};
use super::{columns, summary};
use crate::made::{AllMade, Near, ValueMap};
use crate::rules::{RuleError, RuleSet};
use crate::sql::Statements;

mod ahead;
mod answer;
mod jobs;
mod settle;
mod tally;
mod transactions;

use jobs::Jobs;
use transactions::{Open, Transactions};

/// The mocks of a run, and what the candidate asked of them.
///
/// A test's own mocks are read when it begins, so that what is held grows with the open tests
/// and not with the recording.
///
/// **Whose call it is.** A call with the trace id of a test is that test's. Else it is that of
/// the open tests, in the order of the recording; while none is open, of the one that ended last.
/// A call that none of them has, but that a test which ended a short while ago still lacks, is
/// that one's: on which side of the next request a late call falls makes no difference. A test's
/// outcome is therefore final only when a test that began after its end has ended, too; see
/// [`MockSet::settled`].
///
/// **What answers it.** The mocks of those tests that were not served; those that several tests
/// share; session and background mocks, any number of times; once more the last one that was
/// served, which is an extra call; at last what was recorded at start-up.
#[derive(Debug)]
pub struct MockSet {
    sets: Vec<Arc<TestSet>>,
    tests: HashMap<TestId, (usize, usize)>,
    rules: RulesOf,
    /// The rules of each set.
    noise: Vec<RuleSet>,
    /// What the service made in any test.
    made: Arc<AllMade>,
    statements: Statements,
    shared: Shared,
    described: Option<Described>,
    elsewhere: Option<Elsewhere>,
    transactions: Transactions,
    jobs: Jobs,
    heard: Heard,
    values: ValueMap,
    /// Open tests, and those whose outcome is not final.
    running: Vec<Running>,
    /// The test that comes next, where there was time to read it.
    ready: Option<Running>,
    ended: HashSet<(usize, usize)>,
    /// Those that ended last, the latest at the end.
    recent: VecDeque<(usize, usize)>,
    /// Beginnings and ends so far.
    count: u64,
    /// That count when a call got no answer last.
    missed: Option<u64>,
    /// The latest beginning among the tests that ended.
    settles: u64,
    looked_at: u64,
    orphans: Vec<Miss>,
    orphans_beyond: u64,
}

/// How many tests that ended last may still write what they share with others: of a service that
/// answers in a millisecond, those of a quarter of a second.
const RECENT: usize = 256;

/// No tests.
const NONE: VecDeque<(usize, usize)> = VecDeque::new();

/// How many misses outside of tests are held at most.
const ORPHANS: usize = 1_000;

impl MockSet {
    /// The mocks of the sets, by the rules of their protocols, less the noise that the rules of
    /// the project (`noise`), of a set and of a test tell of.
    ///
    /// # Errors
    /// [`RuleError`] for the first rule of a set or a test that cannot be used.
    pub fn new(
        sets: &[Arc<TestSet>],
        rules: impl Fn(ProtocolId) -> &'static Rules + Send + Sync + 'static,
        noise: &RuleSet,
    ) -> Result<Self, RuleError> {
        let rules = RulesOf(Box::new(rules));
        let mut by_set = Vec::new();
        for set in sets {
            let of_set = noise.with(&set.info.rules)?;
            for test in &set.tests {
                of_set.with(&test.rules)?;
            }
            by_set.push(of_set);
        }
        let mut statements = Statements::default();
        let tests = sets.iter().flat_map(|set| &set.tests);
        let made = Arc::new(AllMade::of(tests.flat_map(|test| &test.made)));
        let shared = Shared::read(sets, &by_set, &made, &rules, &mut statements);
        let mut mocks = MockSet {
            noise: by_set,
            values: ValueMap::of(made.clone()),
            made,
            tests: sets.iter().enumerate().flat_map(test_ids).collect(),
            sets: sets.to_vec(),
            rules,
            statements,
            shared,
            described: None,
            elsewhere: None,
            transactions: Transactions::default(),
            jobs: Jobs::default(),
            heard: Heard::read(sets),
            running: Vec::new(),
            ready: None,
            ended: HashSet::new(),
            recent: VecDeque::new(),
            count: 0,
            missed: None,
            settles: 0,
            looked_at: 0,
            orphans: Vec::new(),
            orphans_beyond: 0,
        };
        if mocks.has_news() {
            mocks.read_for_jobs();
        }
        Ok(mocks)
    }

    /// The test is open now, under the trace id that its request carries. Gives the request to
    /// send, with the candidate's values in place of the recorded ones; none for a test that is
    /// not in the sets.
    pub fn begin(&mut self, test: &TestId, trace: Option<TraceId>) -> Option<Value> {
        let origin = *self.tests.get(test)?;
        let case = test_case(&self.sets, origin)?;
        self.count += 1;
        self.shared.clock.begins(origin.0, case.at);
        let request = self.values.carry(&case.request).into_owned();
        let prepared = self
            .running
            .iter()
            .position(|r| r.id == *test && r.began.is_none());
        let mut running = match prepared.map(|at| self.running.remove(at)) {
            Some(prepared) => prepared,
            None => self.read_or_prepare(origin)?,
        };
        running.trace = trace;
        running.began = Some(self.count);
        self.running.retain(|running| running.id != *test);
        self.running.push(running);
        // In the order of the recording, so that nothing depends on who came first.
        self.running
            .sort_by_key(|running| (running.set, running.number));
        Some(request)
    }

    /// Answers a call, and notes it with its test. A probe (session set-up, a catalogue read, the
    /// description of a statement) is answered likewise, and is in no list.
    pub fn ask(&mut self, mut call: Call, probe: bool) -> Answer {
        for running in self.running.iter().filter(|r| r.began.is_some()) {
            let case = test_case(&self.sets, (running.set, running.number));
            if let (Some(trace), Some(case)) = (&running.trace, case) {
                echo::leave_out(&mut call.request, trace, case);
            }
        }
        let rules = (self.rules.0)(call.protocol);
        let probe = probe || is_probe(&call.request);
        let owners = Owners::of(&self.running, call.trace.as_ref(), self.settles);
        if heard::channel(&call.request).is_some() {
            return self.listen(call, rules, &owners);
        }
        match step(&call.request) {
            Step::Begins if !probe => match self.begin_transaction(&call) {
                Some(answer) => answer,
                None => self.answer(call, rules, probe, &owners, Look::Tests),
            },
            Step::Ends if !probe => {
                let open = self.end_transaction(call.conn);
                let look = match open {
                    Some(Open::Begun(_)) => Look::Session,
                    Some(Open::Outside) => Look::Outside,
                    Some(Open::Of(_, true)) => Look::Kept,
                    Some(Open::Of(_, false)) | None => Look::Tests,
                };
                let own = open.and_then(|open| self.owners_of(&open, &owners));
                self.answer(call, rules, probe, &own.unwrap_or(owners), look)
            }
            _ => self.answer(call, rules, probe, &owners, Look::Tests),
        }
    }

    /// The test got its response. Calls that come late still belong to it.
    pub fn end(&mut self, test: &TestId) {
        self.count += 1;
        let count = self.count;
        if let Some(running) = self
            .running
            .iter_mut()
            .find(|r| r.id == *test && r.ended.is_none())
        {
            running.ended = Some(count);
            self.settles = self.settles.max(running.began.unwrap_or(0));
            self.recent.push_back((running.set, running.number));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
            let is_new = self.ended.insert((running.set, running.number));
            let crowd = self.shared.crowds.get_mut(running.set);
            if let Some(crowd) = crowd.filter(|_| is_new) {
                crowd.ended(running.number);
            }
        }
    }

    /// The map from recorded to candidate values.
    pub fn values(&mut self) -> &mut ValueMap {
        &mut self.values
    }

    /// Calls outside of any test that no mock answers (the service asked before the first
    /// request), and how many more there were than are held.
    pub fn orphans(&self) -> (&[Miss], u64) {
        (&self.orphans, self.orphans_beyond)
    }
}

fn test_ids(
    (set, tests): (usize, &Arc<TestSet>),
) -> impl Iterator<Item = (TestId, (usize, usize))> {
    let name = tests.name.clone();
    tests.tests.iter().enumerate().map(move |(number, test)| {
        let id = TestId {
            set: name.clone(),
            name: test.name.as_str().into(),
        };
        (id, (set, number))
    })
}

fn test_case(sets: &[Arc<TestSet>], (set, number): (usize, usize)) -> Option<&TestCase> {
    sets.get(set)?.tests.get(number)
}

/// The mock that was recorded there.
pub(super) fn mock(sets: &[Arc<TestSet>], origin: Origin) -> Option<&Mock> {
    let set = sets.get(origin.set)?;
    match origin.test {
        Some(test) => set.tests.get(test)?.calls.get(origin.index),
        None => set.shared.get(origin.index),
    }
}
