//! The workers of a set: each sends one test after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use retake_compare::diff::{Around, Compared, compare_calls, compare_response};
use retake_compare::matching::{CallsOutcome, LATE, MockSet};
use retake_compare::rules::{RuleError, RuleSet};
use retake_model::{TestCase, TestId, TestSet, TraceId, Value};
use retake_proxy::replay::{Awake, SendError};
use tokio::sync::{mpsc, oneshot, watch};

use super::desk::Desk;
use super::listeners::Clients;
use super::needs::Needs;
use super::patience::{Patience, PatienceWithJobs};
use super::secrets::{self, Given};
use super::set::stopped;
use super::watch::Watch;

/// What one test needs and several at a time share.
pub(super) struct Sender {
    pub(super) set: Arc<TestSet>,
    pub(super) numbers: Arc<HashMap<TestId, usize>>,
    pub(super) rules: RuleSet,
    pub(super) desk: Arc<Desk>,
    pub(super) watch: Arc<Watch>,
    pub(super) clients: Clients,
    pub(super) awake: Arc<Awake>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) timeout: Duration,
    pub(super) needs: Needs,
    pub(super) patience: Patience,
    pub(super) jobs: PatienceWithJobs,
    pub(super) given: Given,
}

/// What a worker tells.
pub(super) enum News {
    Began(usize),
    Sent(Box<Sent>),
}

/// A test that was sent.
pub(super) struct Sent {
    pub(super) number: usize,
    /// What the response came to.
    pub(super) reply: Result<Compared, Nothing>,
    pub(super) took: Duration,
    /// The dependencies that had been asked in vain by its end.
    pub(super) unread: Vec<String>,
    /// The tests whose calls became final with its end.
    pub(super) settled: Vec<Calls>,
    /// Where there was no response, the worker waits until this is dropped.
    pub(super) waits: Option<oneshot::Sender<()>>,
}

/// The calls of a test, which are final.
pub(super) struct Calls {
    pub(super) outcome: CallsOutcome,
    /// How those that found their answer differ.
    pub(super) compared: Compared,
}

/// Why there is nothing to compare.
pub(super) struct Nothing {
    pub(super) what: String,
    /// Whether the connection broke off.
    pub(super) broke_off: bool,
}

/// Sends tests until none is left.
pub(super) async fn work(
    sender: Arc<Sender>,
    next: Arc<AtomicUsize>,
    tell: mpsc::Sender<News>,
    stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(test) = sender.set.tests.get(number) else {
            return;
        };
        if tell.send(News::Began(number)).await.is_err() {
            return;
        }
        let mut sent = tokio::select! {
            biased;
            sent = async {
                sender.needs.wait(number).await;
                sender.wait_for_jobs(test).await;
                sender.send(number, test).await
            } => sent,
            () = stopped(stop.clone()) => return,
        };
        sender.needs.ended(number);
        // A service that is gone is found out before it is sent anything more.
        let go_on = sent.reply.is_err().then(|| {
            let (waits, go_on) = oneshot::channel();
            sent.waits = Some(waits);
            go_on
        });
        if tell.send(News::Sent(Box::new(sent))).await.is_err() {
            return;
        }
        if let Some(go_on) = go_on {
            // The other end says nothing: it is dropped.
            let _ = go_on.await;
        }
    }
}

impl Sender {
    /// The calls of the tests that are left: the run is over.
    pub(super) fn finish(&self) -> Vec<Calls> {
        let mut mocks = self.desk.mocks();
        let left = mocks.finish();
        self.compared(left, &mut mocks)
    }

    async fn send(&self, number: usize, test: &TestCase) -> Sent {
        let id = id(&self.set, test);
        let trace = trace_of(&id);
        let mut headers = self.headers_of(test);
        headers.push((
            "traceparent".to_owned(),
            format!("00-{}-{}-01", trace.0, span(&trace)),
        ));
        let request = self.desk.mocks().begin(&id, Some(trace));
        self.watch.begin(&self.set, number);
        let began = Instant::now();
        self.awake.touch();
        let reply = match &request {
            Some(request) => {
                let client = self.clients.of(test.port);
                let sent = client.send(request, &headers, self.timeout);
                // In this order: the request is on its way, and the service at work, meanwhile.
                match tokio::join!(biased; sent, self.read_ahead(number + 1)).0 {
                    Err(SendError::Closed { .. }) if self.desk.mocks().may_repeat(&id) => {
                        client.send(request, &headers, self.timeout).await
                    }
                    sent => sent,
                }
            }
            None => Err(SendError::Request {
                what: "the test is not in its set".to_owned(),
            }),
        };
        let took = began.elapsed();
        let is_last = number + 1 == self.set.tests.len();
        self.wait_for_late_calls(test, &id, is_last).await;
        self.watch.end(number);
        let mut mocks = self.desk.mocks();
        mocks.end(&id);
        let reply = match reply {
            Ok(observed) => self
                .rules_for(test)
                .map(|own| {
                    let rules = own.as_ref().unwrap_or(&self.rules);
                    let expected = &test.response;
                    let clocks = self.watch.clocks();
                    let around = Around::of(test, clocks.times(number))
                        .with_new_values(mocks.gave_new_values(&id))
                        .among(&self.set.tests);
                    let observed = &observed.response;
                    let mut compared =
                        compare_response(expected, observed, around, rules, mocks.values());
                    let sent = request.as_ref().unwrap_or(&test.request);
                    let differs = !compared.differences.is_empty();
                    let refused = secrets::refused(sent, &headers, expected, observed, differs);
                    let refused = refused.filter(|(token, _)| !self.given.has(&self.set, token));
                    compared.notes.extend(refused.map(|(_, hint)| hint));
                    compared
                })
                .map_err(|error| Nothing {
                    what: error.to_string(),
                    broke_off: false,
                }),
            Err(error) => Err(Nothing::from(error)),
        };
        // Here and not where the results are told: which tests a late call is held against, and
        // which values are known, must not depend on how far another thread has come.
        let settled = mocks.settled();
        let settled = self.compared(settled, &mut mocks);
        Sent {
            number,
            reply,
            took,
            unread: self.desk.unread(),
            settled,
            waits: None,
        }
    }

    /// Reads the mocks of the next test while nothing else is to be done.
    async fn read_ahead(&self, number: usize) {
        if let Some(test) = self.set.tests.get(number) {
            self.desk.mocks().read_ahead(&id(&self.set, test));
        }
    }

    /// The headers that the settings put in place of recorded ones. A request that had none gets
    /// none: that it is refused without may be what it tests.
    fn headers_of(&self, test: &TestCase) -> Vec<(String, String)> {
        let recorded = test.request.get("headers").and_then(Value::as_list);
        let names = || {
            let fields = recorded.unwrap_or_default().iter();
            fields.filter_map(|field| Some(field.as_map()?.first()?.0.as_str()))
        };
        let is_recorded = |name: &str| names().any(|own| own.eq_ignore_ascii_case(name));
        let headers = self.headers.iter();
        headers
            .filter(|(name, _)| is_recorded(name))
            .cloned()
            .collect()
    }

    fn compared(&self, outcomes: Vec<CallsOutcome>, mocks: &mut MockSet) -> Vec<Calls> {
        let compared = |outcome: CallsOutcome| {
            let number = self.numbers.get(&outcome.test).copied();
            let test = number.and_then(|number| Some((number, self.set.tests.get(number)?)));
            let compared = test.map_or_else(Compared::default, |(number, test)| {
                // Rules that cannot be used have been told with the response.
                let own = self.rules_for(test).ok().flatten();
                let rules = own.as_ref().unwrap_or(&self.rules);
                let clocks = self.watch.clocks();
                compare_calls(test, &outcome, clocks.times(number), rules, mocks.values())
            });
            Calls { outcome, compared }
        };
        outcomes.into_iter().map(compared).collect()
    }

    /// What jobs were told before the request, when it was recorded, they are told before it now: a
    /// service may answer by what its jobs have seen.
    async fn wait_for_jobs(&self, test: &TestCase) {
        let id = id(&self.set, test);
        if let Some(longest) = self.jobs.lasts() {
            let (how, took) = self.desk.jobs_told(&id, longest).await;
            self.jobs.waited(how, took);
        }
    }

    /// What the recording saw after the response (scenario 36) gets its time; and so does a call
    /// whose last bytes are still on their way when the response has come (scenario 21).
    /// The last test waits as well for what those before it left to be done.
    async fn wait_for_late_calls(&self, test: &TestCase, id: &TestId, is_last: bool) {
        let last = test
            .calls
            .iter()
            .map(|call| call.after.saturating_add(call.took))
            .max()
            .unwrap_or(0);
        let late = last.saturating_sub(test.took);
        let late = if is_last { late.max(LATE) } else { late };
        let recorded = Duration::from_nanos(late);
        let until = tokio::time::Instant::now() + recorded + self.patience.lasts();
        self.patience.waited(self.desk.all_calls(id, until).await);
    }

    /// The rules with those of the test itself; none where it has none.
    fn rules_for(&self, test: &TestCase) -> Result<Option<RuleSet>, RuleError> {
        match test.rules.as_slice() {
            [] => Ok(None),
            own => self.rules.with(own).map(Some),
        }
    }
}

impl From<SendError> for Nothing {
    fn from(error: SendError) -> Self {
        let broke_off = matches!(error, SendError::Closed { .. } | SendError::Connect { .. });
        let mut what = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            what.push_str(&format!(": {source}"));
        }
        Nothing { what, broke_off }
    }
}

pub(super) fn id(set: &TestSet, test: &TestCase) -> TestId {
    TestId {
        set: set.name.clone(),
        name: test.name.as_str().into(),
    }
}

/// A trace id of the test's own, the same in every run (W3C Trace Context, section 3.2.2.3).
fn trace_of(id: &TestId) -> TraceId {
    let hash = blake3::hash(id.to_string().as_bytes()).to_hex();
    TraceId(hash.as_str().get(..32).unwrap_or_default().to_owned())
}

/// The parent's id in the header: the trace's first half.
fn span(trace: &TraceId) -> &str {
    trace.0.get(..16).unwrap_or_default()
}
