//! What jobs of the service ask that has no recorded answer.
//!
//! A job handles what it finds when it comes: other rows together, or at another time, than when it was
//! recorded. Of a statement that no test asks, and jobs do, another one without an answer is a
//! job's, and no test is judged by it; it is counted. A trace id tells otherwise, and so does a value that
//! the request of an open test was the first to say.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use retake_model::{Answer, Call, Mock, Scope, Value};

use super::{Canon, Effect, Elsewhere, MockSet, Owners, mock, summary, test_case};
use crate::made::Near;
use crate::matching::Key;
use crate::matching::pool::{Asked, Origin};
use crate::matching::running::{Counts, Running};
use crate::matching::shared::Shared;
use crate::matching::telling::values_of;
use crate::matching::transaction::{Step, step};
use crate::sql::inserted;

/// How many recorded calls of one kind are looked at.
const LOOK: usize = 64;

/// The length in bytes of the shortest value that tells whose a call is.
const TELLING: usize = 3;

/// What jobs asked.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// What is like a call of a test; read when the first call of a job gets no answer.
    tests: Option<HashSet<Key>>,
    /// The first test whose request says a value, by set and number; read likewise.
    said: Option<HashMap<String, (usize, usize)>>,
    unanswered: Counts,
}

impl MockSet {
    /// Whether only jobs ask such a thing.
    pub(super) fn is_a_jobs(&mut self, call: &Call, asked: &Canon) -> bool {
        let kind = asked.coarse_key();
        let traced = call.trace.is_some() && self.running.iter().any(|r| r.trace == call.trace);
        let reads = !self.is_write(call, (self.rules.0)(call.protocol));
        // A read is taken from a test on less evidence than a write.
        let tells = |origin: Origin| origin.test.is_none() || !reads;
        let asked = self.shared.background.like(kind, LOOK).any(tells);
        asked && !traced && !self.asked_by_tests().contains(&kind) && !self.says_what_is_open(call)
    }

    /// Whether a call has a value that the request of an open test was the first to say: no job knows it
    /// yet.
    fn says_what_is_open(&mut self, call: &Call) -> bool {
        let asked = self.values.put_back(&call.request);
        let rules = (self.rules.0)(call.protocol);
        let values = values_of(&asked, rules, &mut self.statements);
        self.said_first();
        let said = self.jobs.said.iter();
        let mut first = said.flat_map(|said| values.iter().filter_map(|value| said.get(value)));
        first.any(|test| {
            let open = |r: &Running| r.ended.is_none() && (r.set, r.number) == *test;
            self.running.iter().any(open)
        })
    }

    /// Which test was the first whose request says a value. Short ones may stand anywhere.
    fn said_first(&mut self) {
        if self.jobs.said.is_some() {
            return;
        }
        let mut said = HashMap::new();
        for (set, tests) in self.sets.iter().enumerate() {
            for (number, test) in tests.tests.iter().enumerate() {
                let rules = (self.rules.0)(test.protocol);
                let values = values_of(&test.request, rules, &mut self.statements);
                for value in values.into_iter().filter(|value| value.len() >= TELLING) {
                    said.entry(value).or_insert((set, number));
                }
            }
        }
        self.jobs.said = Some(said);
    }

    /// What is like a call of a test.
    fn asked_by_tests(&mut self) -> &HashSet<Key> {
        self.jobs.tests.get_or_insert_with(|| {
            let of_tests = self.sets.iter().flat_map(|set| &set.tests);
            let calls = of_tests.flat_map(|test| &test.calls);
            let calls = calls.filter(|call| call.scope == Scope::Test);
            let kind = |mock: &Mock| {
                let (rules, near) = (self.rules.of(mock), Near::default());
                Canon::read(&mock.to, &mock.request, rules, near, &mut self.statements).coarse_key()
            };
            calls.map(kind).collect()
        })
    }

    /// Reads what is needed of all tests before the first one begins: nothing is answered meanwhile, and a
    /// job would be late.
    pub(super) fn read_for_jobs(&mut self) {
        self.asked_by_tests();
        self.said_first();
        self.elsewhere
            .get_or_insert_with(|| Elsewhere::read(&self.sets, &self.rules, &mut self.statements));
    }

    /// Whether jobs are told news by these sets.
    pub fn has_news(&self) -> bool {
        self.shared.clock.has_news()
    }

    /// Where a job asks for what comes behind the last thing that it knows, before the tests have come
    /// to that: how far these are, so that who waits sees whether they go on.
    pub fn is_early(&mut self, call: &Call) -> Option<u64> {
        let owners = Owners::of(&self.running, None, self.settles);
        let near = Near {
            recorded: self.recorded_at(&owners),
            replayed: Some(call.at),
            short: self.values.short(),
        };
        let (canon, _) = self.read(call, &Owners::next(&[]), near);
        if step(&call.request) != Step::Within || !self.is_a_jobs(call, &canon) {
            return None;
        }
        let asked = Asked {
            canon: &canon,
            values: &self.values,
            near,
        };
        let Shared {
            clock, background, ..
        } = &mut self.shared;
        let early = clock.is_early(background, &asked, &self.sets, &self.running);
        early.then_some(self.count)
    }

    /// The answer to what only jobs ask, where it is certain what it would say: that so many rows
    /// were inserted. It is counted in any case.
    pub(super) fn answer_a_job(&mut self, call: &Call, asked: &Canon) -> Option<Answer> {
        let rules = (self.rules.0)(call.protocol);
        let line = summary(&call.request, rules);
        self.jobs.unanswered.add(&call.to, line, 1);
        let rows = inserted(call.request.get("sql")?.as_str()?)?;
        let recorded = (self.shared.background)
            .like(asked.coarse_key(), LOOK)
            .find_map(|origin| inserts(&mock(&self.sets, origin)?.response))?;
        let answer = recorded
            .into_iter()
            .map(|(name, value)| match name.as_str() {
                "tag" => (name, Value::from(format!("INSERT 0 {rows}"))),
                _ => (name, value),
            });
        Some(Answer::Serve(Arc::new(Value::Map(answer.collect()))))
    }

    /// The answer to a read that no test has which is open or ended, in a service with jobs: one of these
    /// asks it now, and asked it in another test when it was recorded. That is said of the open test as
    /// of any read that is repeated.
    pub(super) fn answer_of_another(
        &mut self,
        call: &Call,
        owners: &Owners,
        writes: bool,
    ) -> Option<Value> {
        let traced = call.trace.is_some() && self.running.iter().any(|r| r.trace == call.trace);
        if writes || traced || step(&call.request) != Step::Within || !self.shared.clock.has_news()
        {
            return None;
        }
        let rules = (self.rules.0)(call.protocol);
        let asked = self.values.put_back(&call.request);
        let now = self.recorded_at(owners)?;
        let near = Near {
            recorded: Some(now),
            replayed: Some(call.at),
            ..Near::default()
        };
        let elsewhere = self
            .elsewhere
            .get_or_insert_with(|| Elsewhere::read(&self.sets, &self.rules, &mut self.statements));
        let same = elsewhere.but_for_moments(&call.to, &asked, rules, near, &mut self.statements);
        let is_before = |origin: &&Origin| {
            let test = origin
                .test
                .and_then(|test| test_case(&self.sets, (origin.set, test)));
            test.is_some_and(|test| test.at <= now)
        };
        let origin = same.iter().rev().find(is_before).or(same.first())?;
        let answer = &mock(&self.sets, *origin)?.response;
        Some(self.values.carry(answer).into_owned())
    }

    /// Calls of jobs that have no recorded answer, and were not judged: dependency, request in one line,
    /// how many.
    pub fn unanswered_jobs(&self) -> Vec<(String, String, usize)> {
        self.jobs.unanswered.sorted()
    }

    /// How many recorded calls of jobs nobody made.
    pub fn unmade_jobs(&self) -> usize {
        let of_job = |origin: Origin| {
            let mock = mock(&self.sets, origin);
            let effect = mock.map(|mock| super::super::effect(&mock.request, self.rules.of(mock)));
            effect == Some(Effect::Write)
        };
        let entries = self.shared.background.entries();
        entries
            .filter(|entry| entry.served == 0 && of_job(entry.origin))
            .count()
    }
}

/// The answer to an insert that gave no rows.
fn inserts(response: &Value) -> Option<Vec<(String, Value)>> {
    let tag = response.get("tag").and_then(Value::as_str)?;
    match response {
        Value::Map(fields) if tag.starts_with("INSERT ") && response.get("rows").is_none() => {
            Some(fields.clone())
        }
        _ => None,
    }
}
