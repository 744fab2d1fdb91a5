//! The mocks of a run: what answers each call, and whose call it is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use retake_model::{
    Answer, Call, Miss, Mock, ProtocolId, Rules, TestCase, TestId, TestSet, TraceId, Value,
};

use super::canon::Canon;
use super::describe::{Described, is_probe};
use super::explain;
use super::outcome::{CallsOutcome, Effect, ObservedCall};
use super::pool::{Asked, Origin};
use super::running::{Counts, Observed, RulesOf, Running};
use super::search::{Found, Owners, Source, find};
use super::shared::{Shared, overlap};
use super::{effect, summary};
use crate::made::{Near, ValueMap};
use crate::sql::Statements;

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
    statements: Statements,
    shared: Shared,
    described: Option<Described>,
    values: ValueMap,
    /// Open tests, and those whose outcome is not final.
    running: Vec<Running>,
    ended: HashSet<(usize, usize)>,
    /// Beginnings and ends so far.
    count: u64,
    /// The latest beginning among the tests that ended.
    settles: u64,
    looked_at: u64,
    orphans: Vec<Miss>,
    orphans_beyond: u64,
}

/// How many misses outside of tests are held at most.
const ORPHANS: usize = 1_000;

impl MockSet {
    /// The mocks of the sets, by the rules of their protocols.
    pub fn new(
        sets: &[Arc<TestSet>],
        rules: impl Fn(ProtocolId) -> &'static Rules + Send + Sync + 'static,
    ) -> Self {
        let rules = RulesOf(Box::new(rules));
        let mut statements = Statements::default();
        let shared = Shared::read(sets, &rules, &mut statements);
        MockSet {
            tests: sets.iter().enumerate().flat_map(test_ids).collect(),
            sets: sets.to_vec(),
            rules,
            statements,
            shared,
            described: None,
            values: ValueMap::new(),
            running: Vec::new(),
            ended: HashSet::new(),
            count: 0,
            settles: 0,
            looked_at: 0,
            orphans: Vec::new(),
            orphans_beyond: 0,
        }
    }

    /// The test is open now, under the trace id that its request carries. Gives the request to
    /// send, with the candidate's values in place of the recorded ones; none for a test that is
    /// not in the sets.
    pub fn begin(&mut self, test: &TestId, trace: Option<TraceId>) -> Option<Value> {
        let origin = *self.tests.get(test)?;
        let case = test_case(&self.sets, origin)?;
        self.count += 1;
        let running = Running::new(
            origin,
            test.clone(),
            trace,
            self.count,
            case,
            &self.rules,
            &mut self.statements,
        );
        let request = self.values.carry(&case.request).into_owned();
        self.running.retain(|running| running.id != *test);
        self.running.push(running);
        // In the order of the recording, so that nothing depends on who came first.
        self.running
            .sort_by_key(|running| (running.set, running.number));
        Some(request)
    }

    /// Answers a call, and notes it with its test. A probe (session set-up, a catalogue read, the
    /// description of a statement) is answered likewise, and is in no list.
    pub fn ask(&mut self, call: Call, probe: bool) -> Answer {
        let rules = (self.rules.0)(call.protocol);
        let probe = probe || is_probe(&call.request);
        let owners = Owners::of(&self.running, call.trace.as_ref());
        let near = Near {
            recorded: self.recorded_at(&owners),
            replayed: Some(call.at),
        };
        let canon = Canon::read(&call.to, &call.request, rules, near, &mut self.statements);
        let asked = Asked {
            canon: &canon,
            values: &self.values,
            near,
        };
        let found = find(
            &mut self.running,
            &mut self.shared,
            &self.sets,
            &owners,
            &asked,
        );
        match found {
            Some(found) => self.serve(call, rules, &owners, found, probe),
            None if probe => self.describe(call, &canon, rules, &owners),
            None => {
                let miss = explain::miss(
                    &call,
                    rules,
                    &canon,
                    &owners,
                    &self.running,
                    &self.shared,
                    &self.sets,
                    &self.values,
                );
                self.note(
                    &call,
                    rules,
                    &owners,
                    Observed::Unknown(Box::new(miss.clone())),
                );
                Answer::Miss(Box::new(miss))
            }
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
            self.settles = self.settles.max(running.began);
            self.ended.insert((running.set, running.number));
        }
    }

    /// How many calls of an open or just ended test nobody made yet, of those that are its alone.
    pub fn unserved_calls(&self, test: &TestId) -> usize {
        let running = self.running.iter().find(|running| running.id == *test);
        running.map_or(0, |r| {
            r.pool.entries().filter(|entry| entry.served == 0).count()
        })
    }

    /// The outcomes that became final: of tests after whose end another one has begun and ended.
    /// A test that shares calls with others waits for those that it overlapped with.
    pub fn settled(&mut self) -> Vec<CallsOutcome> {
        let is_final = |running: &Running| {
            running.ended.is_some_and(|ended| ended < self.settles)
                && (self.unserved(running).is_empty() || self.neighbours_ended(running))
        };
        let finals: Vec<bool> = self.running.iter().map(is_final).collect();
        self.take_outcomes(&finals)
    }

    /// The outcomes of all tests that are left: the run is over, no call comes any more.
    pub fn finish(&mut self) -> Vec<CallsOutcome> {
        let finals = vec![true; self.running.len()];
        self.take_outcomes(&finals)
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

    /// Mocks outside of tests that nothing asked for: dependency, request in one line, how many.
    pub fn unused(&self) -> Vec<(String, String, usize)> {
        let mut counts = Counts::default();
        let shared = &self.shared;
        for pool in [&shared.startup, &shared.session]
            .into_iter()
            .chain(&shared.crowds)
        {
            let unused = pool.entries().filter(|entry| entry.served == 0);
            for entry in unused.filter(|entry| entry.origin.test.is_none()) {
                self.count_mock(&mut counts, entry.origin, 1);
            }
        }
        counts.sorted()
    }

    /// Background calls that were answered: dependency, request in one line, how many.
    pub fn background(&self) -> Vec<(String, String, usize)> {
        let mut counts = Counts::default();
        let entries = self.shared.background.entries();
        for entry in entries.filter(|entry| entry.served > 0) {
            let served = usize::try_from(entry.served).unwrap_or(usize::MAX);
            self.count_mock(&mut counts, entry.origin, served);
        }
        counts.sorted()
    }

    /// How many mocks were held against requests so far: the cost of all look-ups, in a unit that
    /// does not depend on the machine.
    pub fn looked_at(&self) -> u64 {
        let running: u64 = self.running.iter().map(|r| r.pool.looked_at).sum();
        self.looked_at + self.shared.looked_at() + running
    }

    fn serve(
        &mut self,
        call: Call,
        rules: &'static Rules,
        owners: &Owners,
        found: Found,
        probe: bool,
    ) -> Answer {
        let Found { hit, source } = found;
        let by_kind = hit
            .pairs
            .iter()
            .filter(|p| p.recorded != p.candidate)
            .count() as u64;
        let own: Vec<(String, String)> = match hit.again {
            // Said again: what it made is not what the recording's next tests know.
            true => hit
                .pairs
                .into_iter()
                .map(|p| (p.recorded, p.candidate))
                .collect(),
            false => {
                for pair in &hit.pairs {
                    self.values.bind(pair.kind, &pair.recorded, &pair.candidate);
                }
                Vec::new()
            }
        };
        let answer = match mock(&self.sets, hit.origin) {
            Some(mock) => self.values.carry_with(&mock.response, &own).into_owned(),
            None => Value::Null,
        };
        let index = hit.origin.index;
        let write = || effect(&call.request, rules) == Effect::Write;
        let how = match source {
            Source::Test(_) if hit.again => Some(Observed::Extra { index: Some(index) }),
            Source::Test(_) => Some(Observed::Matched {
                index: Some(index),
                by_kind,
            }),
            Source::Crowd(at) => {
                let own = self
                    .running
                    .get(at)
                    .is_some_and(|running| hit.origin.test == Some(running.number));
                let index = own.then_some(index);
                Some(match hit.again {
                    true => Observed::Extra { index },
                    false => Observed::Matched { index, by_kind },
                })
            }
            // Start-up again is what a new connection does; a write at that time is not.
            Source::Startup if write() => Some(Observed::Extra { index: None }),
            Source::Startup | Source::Session | Source::Background => None,
        };
        let owners = match source {
            Source::Test(at) | Source::Crowd(at) => &owners.only(at),
            _ => owners,
        };
        if let Some(how) = how.filter(|_| !probe) {
            self.note(&call, rules, owners, how);
        }
        Answer::Serve(Arc::new(answer))
    }

    /// The description of a statement that the recording did not describe, but ran.
    fn describe(
        &mut self,
        call: Call,
        canon: &Canon,
        rules: &'static Rules,
        owners: &Owners,
    ) -> Answer {
        let described = self
            .described
            .get_or_insert_with(|| Described::read(&self.sets, &mut self.statements));
        match described.answer(&call.to, &call.request, &mut self.statements) {
            Some(answer) => Answer::Serve(Arc::new(answer.clone())),
            None => Answer::Miss(Box::new(explain::miss(
                &call,
                rules,
                canon,
                owners,
                &self.running,
                &self.shared,
                &self.sets,
                &self.values,
            ))),
        }
    }

    fn note(&mut self, call: &Call, rules: &'static Rules, owners: &Owners, how: Observed) {
        let observed = ObservedCall {
            to: call.to.clone(),
            protocol: call.protocol,
            summary: summary(&call.request, rules),
            effect: effect(&call.request, rules),
            shared: owners.several(),
            request: call.request.clone(),
        };
        match owners.first().and_then(|at| self.running.get_mut(at)) {
            Some(running) => running.observe(observed, how),
            None => {
                if let Observed::Unknown(miss) = how {
                    self.orphan(*miss);
                }
            }
        }
    }

    fn orphan(&mut self, miss: Miss) {
        if self.orphans.len() < ORPHANS {
            self.orphans.push(miss);
        } else {
            self.orphans_beyond += 1;
        }
    }

    fn recorded_at(&self, owners: &Owners) -> Option<retake_model::Timestamp> {
        let running = owners.first().and_then(|at| self.running.get(at));
        match running.and_then(|r| test_case(&self.sets, (r.set, r.number))) {
            Some(case) => Some(case.at),
            None => self.sets.first().map(|set| set.info.recorded),
        }
    }

    /// The calls of a test that it may share with others, and that nobody made.
    fn unserved(&self, running: &Running) -> Vec<usize> {
        let crowd = self.shared.crowds.get(running.set);
        let entries = crowd.into_iter().flat_map(|crowd| crowd.entries());
        let own = entries.filter(|e| e.served == 0 && e.origin.test == Some(running.number));
        own.map(|entry| entry.origin.index).collect()
    }

    fn neighbours_ended(&self, running: &Running) -> bool {
        let Some(set) = self.sets.get(running.set) else {
            return true;
        };
        let Some(own) = set.tests.get(running.number) else {
            return true;
        };
        let mut others = set.tests.iter().enumerate();
        others.all(|(number, other)| {
            number == running.number
                || self.ended.contains(&(running.set, number))
                || !overlap(own, other)
        })
    }

    /// The outcomes of the tests that are marked, in the order of their ends.
    fn take_outcomes(&mut self, finals: &[bool]) -> Vec<CallsOutcome> {
        let mut taken = Vec::new();
        let mut left = Vec::new();
        for (running, is_final) in std::mem::take(&mut self.running).into_iter().zip(finals) {
            if *is_final {
                taken.push(running);
            } else {
                left.push(running);
            }
        }
        self.running = left;
        taken.sort_by_key(|running| running.ended.unwrap_or(u64::MAX));
        let mut outcomes = Vec::new();
        for running in taken {
            self.looked_at += running.pool.looked_at;
            let unserved = self.unserved(&running);
            if let Some(case) = test_case(&self.sets, (running.set, running.number)) {
                outcomes.push(running.outcome(case, &unserved, &self.rules));
            }
        }
        outcomes
    }

    fn count_mock(&self, counts: &mut Counts, origin: Origin, count: usize) {
        if let Some(mock) = mock(&self.sets, origin) {
            counts.add(&mock.to, summary(&mock.request, self.rules.of(mock)), count);
        }
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
