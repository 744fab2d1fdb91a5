//! The tests of a set: sent, answered, judged.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use retake_compare::diff::{Compared, compare_calls, compare_response};
use retake_compare::matching::CallsOutcome;
use retake_compare::rules::{RuleError, RuleSet};
use retake_compare::{Setting, judge, not_run, unanswered};
use retake_model::{
    RunEvent, ServiceEvent, SetInfo, TestCase, TestId, TestResult, TestSet, TraceId,
};
use retake_proxy::replay::{ReplayClient, SendError};
use tokio::sync::{mpsc, oneshot, watch};

use super::ReplayOptions;
use super::desk::Desk;
use super::stage::Stage;
use crate::build::build_of;

/// How long a test waits, beyond the recorded time, for calls that the recording has and that
/// were not made yet.
const LATE: Duration = Duration::from_millis(300);

/// After how many tests in a row without a response the rest is not run.
const MAX_SILENT: usize = 3;

/// The tests of a set, and which of them have a result.
pub(super) struct Tests<'r> {
    set: &'r Arc<TestSet>,
    options: &'r ReplayOptions,
    desk: Arc<Desk>,
    emit: &'r mut dyn FnMut(RunEvent),
    numbers: HashMap<TestId, usize>,
    has_result: Vec<bool>,
    /// Whether the files that the command names are those of the recording.
    same_build: bool,
    waiting: HashMap<usize, Sent>,
    /// Calls that were final before the news of their response came.
    early: Vec<CallsOutcome>,
}

/// What one test needs and several at a time share.
struct Sender {
    set: Arc<TestSet>,
    rules: RuleSet,
    desk: Arc<Desk>,
    client: ReplayClient,
    headers: Vec<(String, String)>,
    timeout: Duration,
}

/// One test between its response and its final outcome.
struct Sent {
    number: usize,
    reply: Result<(Compared, RuleSet), Nothing>,
    took: Duration,
}

impl<'r> Tests<'r> {
    /// The tests of a set; none has a result.
    pub(super) fn new(
        set: &'r Arc<TestSet>,
        options: &'r ReplayOptions,
        desk: Arc<Desk>,
        emit: &'r mut dyn FnMut(RunEvent),
    ) -> Self {
        let numbers = set
            .tests
            .iter()
            .enumerate()
            .map(|(n, test)| (id(set, test), n))
            .collect();
        let has_result = vec![false; set.tests.len()];
        Tests {
            set,
            options,
            desk,
            emit,
            numbers,
            has_result,
            same_build: is_same_build(&set.info, &options.command),
            waiting: HashMap::new(),
            early: Vec::new(),
        }
    }

    /// Tells an event.
    pub(super) fn emit(&mut self, event: RunEvent) {
        (self.emit)(event);
    }

    /// Runs all tests; gives whether the service failed on the way.
    pub(super) async fn run(
        &mut self,
        rules: RuleSet,
        target: String,
        stage: &mut Stage,
        stop: &watch::Receiver<bool>,
    ) -> bool {
        let sender = Arc::new(Sender {
            set: self.set.clone(),
            rules,
            desk: self.desk.clone(),
            client: ReplayClient::new(target),
            headers: self.options.headers.clone(),
            timeout: self.options.timeout,
        });
        let next = Arc::new(AtomicUsize::new(0));
        let (tell, mut told) = mpsc::channel(256);
        for _ in 0..self.options.jobs {
            tokio::spawn(work(
                sender.clone(),
                next.clone(),
                tell.clone(),
                stop.clone(),
            ));
        }
        drop(tell);
        let mut silent = 0;
        let mut failure = None;
        while let Some(news) = told.recv().await {
            let waits;
            let sent = match news {
                News::Began(number) => {
                    if let Some(test) = self.set.tests.get(number) {
                        let id = id(self.set, test);
                        self.emit(RunEvent::TestStarted(id));
                    }
                    continue;
                }
                News::Sent(sent, asks) => {
                    waits = asks;
                    sent
                }
            };
            silent = if sent.reply.is_ok() { 0 } else { silent + 1 };
            if let (Err(nothing), None) = (&sent.reply, &failure) {
                failure = service_failure(stage, nothing, silent).await;
                if failure.is_some() {
                    // Nobody takes another test.
                    next.store(usize::MAX / 2, Ordering::Relaxed);
                }
            }
            // The worker goes on, now that it is known whether there are tests left.
            drop(waits);
            self.waiting.insert(sent.number, sent);
            let settled = self.desk.mocks().settled();
            self.finish(settled);
        }
        let last = self.desk.mocks().finish();
        self.finish(last);
        self.rest(if failure.is_some() {
            "the service was gone"
        } else {
            "the run was interrupted"
        });
        let failed = failure.is_some();
        if let Some(event) = failure {
            self.emit(RunEvent::Service(event));
        }
        failed
    }

    /// Says of every test without a result that it was not run.
    pub(super) fn rest(&mut self, why: &str) {
        for (number, test) in self.set.tests.iter().enumerate() {
            if !self.has_result.get(number).copied().unwrap_or(true) {
                let id = id(self.set, test);
                let file = self.file(&id);
                let setting = self.setting(&file, Duration::ZERO);
                let result = not_run(test, &id, why, &setting);
                self.done(number, result);
            }
        }
    }

    /// Judges the tests whose calls are final. Calls may be final before the news of the response
    /// is here: those wait for it.
    fn finish(&mut self, outcomes: Vec<CallsOutcome>) {
        let mut all = std::mem::take(&mut self.early);
        all.extend(outcomes);
        for calls in all {
            let Some(&number) = self.numbers.get(&calls.test) else {
                continue;
            };
            if !self.waiting.contains_key(&number) {
                self.early.push(calls);
                continue;
            }
            let (Some(test), Some(sent)) =
                (self.set.tests.get(number), self.waiting.remove(&number))
            else {
                continue;
            };
            let file = self.file(&calls.test);
            let setting = self.setting(&file, sent.took);
            let result = match sent.reply {
                Ok((mut compared, rules)) => {
                    let mut mocks = self.desk.mocks();
                    compared.absorb(compare_calls(test, &calls, &rules, mocks.values()));
                    judge(test, &calls.test, compared, &calls, &setting)
                }
                Err(nothing) => unanswered(test, &calls.test, &nothing.what, &calls, &setting),
            };
            self.done(number, result);
        }
    }

    fn done(&mut self, number: usize, result: TestResult) {
        if let Some(has_result) = self.has_result.get_mut(number) {
            *has_result = true;
        }
        self.emit(RunEvent::TestFinished(Box::new(result)));
    }

    fn file(&self, id: &TestId) -> String {
        self.options
            .store
            .test_file(&id.set, &id.name)
            .display()
            .to_string()
    }

    fn setting<'s>(&'s self, file: &'s str, took: Duration) -> Setting<'s> {
        Setting {
            file,
            took,
            info: &self.set.info,
            live: &self.options.live,
            same_build: self.same_build,
        }
    }
}

/// Sends tests until none is left.
async fn work(
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
        let sent = tokio::select! {
            sent = sender.send(number, test) => sent,
            () = super::set::stopped(stop.clone()) => return,
        };
        // A service that is gone is found out before it is sent anything more.
        let (waits, go_on) = oneshot::channel();
        let waits = sent.reply.is_err().then_some(waits);
        let must_wait = waits.is_some();
        if tell.send(News::Sent(sent, waits)).await.is_err() {
            return;
        }
        if must_wait {
            // The other end says nothing: it is dropped.
            let _ = go_on.await;
        }
    }
}

impl Sender {
    async fn send(&self, number: usize, test: &TestCase) -> Sent {
        let id = id(&self.set, test);
        let trace = trace_of(&id);
        let mut headers = self.headers.clone();
        headers.push((
            "traceparent".to_owned(),
            format!("00-{}-{}-01", trace.0, span(&trace)),
        ));
        let request = self.desk.mocks().begin(&id, Some(trace));
        let began = Instant::now();
        let reply = match &request {
            Some(request) => self.client.send(request, &headers, self.timeout).await,
            None => Err(SendError::Request {
                what: "the test is not in its set".to_owned(),
            }),
        };
        let took = began.elapsed();
        self.wait_for_late_calls(test, &id).await;
        let mut mocks = self.desk.mocks();
        mocks.end(&id);
        let reply = match reply {
            Ok(observed) => self
                .rules_for(test)
                .map(|rules| {
                    let rules = rules.as_ref().unwrap_or(&self.rules);
                    let values = mocks.values();
                    let (expected, made) = (&test.response, &test.made);
                    let compared =
                        compare_response(expected, &observed.response, made, rules, values);
                    (compared, rules.clone())
                })
                .map_err(|error| Nothing {
                    what: error.to_string(),
                    broke_off: false,
                }),
            Err(error) => Err(Nothing::from(error)),
        };
        Sent {
            number,
            reply,
            took,
        }
    }

    /// What the recording saw after the response (scenario 36) gets its time; and so does a call
    /// whose last bytes are still on their way when the response has come (scenario 21).
    async fn wait_for_late_calls(&self, test: &TestCase, id: &TestId) {
        let last = test
            .calls
            .iter()
            .map(|call| call.after.saturating_add(call.took))
            .max()
            .unwrap_or(0);
        let late = Duration::from_nanos(last.saturating_sub(test.took)) + LATE;
        let until = tokio::time::Instant::now() + late;
        self.desk.all_calls(id, until).await;
    }

    /// The rules with those of the test itself; none where it has none.
    fn rules_for(&self, test: &TestCase) -> Result<Option<RuleSet>, RuleError> {
        match test.rules.as_slice() {
            [] => Ok(None),
            own => self.rules.with(own).map(Some),
        }
    }
}

/// What the service's silence means for the run: none while it may be this test's alone.
async fn service_failure(
    stage: &mut Stage,
    nothing: &Nothing,
    silent: usize,
) -> Option<ServiceEvent> {
    if nothing.broke_off {
        // A process that has just died is reaped a moment later.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let what = match stage.service_ended() {
        Some(how) => format!("the service {how} while tests were running"),
        None if silent >= MAX_SILENT => {
            format!("{silent} tests in a row got no response ({})", nothing.what)
        }
        None => return None,
    };
    Some(ServiceEvent::Failed {
        what,
        hint: "its last output says why; the first test without a response is the one to look at"
            .to_owned(),
        output: stage.output(),
    })
}

/// What a worker tells.
enum News {
    Began(usize),
    /// A test was sent. Where there was no response, the worker waits until the sender is
    /// dropped.
    Sent(Sent, Option<oneshot::Sender<()>>),
}

/// Why there is nothing to compare.
struct Nothing {
    what: String,
    /// Whether the connection broke off.
    broke_off: bool,
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

/// Whether a command is the recorded one in content, as far as its files tell.
fn is_same_build(info: &SetInfo, command: &[String]) -> bool {
    !info.build.is_empty() && info.command == command && info.build == build_of(command)
}

fn id(set: &TestSet, test: &TestCase) -> TestId {
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
