//! The tests of a set: sent, answered, judged.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use retake_compare::rules::RuleSet;
use retake_compare::{Setting, judge, not_run, unanswered};
use retake_model::{RunEvent, ServiceEvent, SetInfo, TestId, TestResult, TestSet};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, watch};

use super::ReplayOptions;
use super::desk::Desk;
use super::listeners::Clients;
use super::needs::Needs;
use super::patience::{Patience, PatienceWithJobs};
use super::secrets::Given;
use super::stage::Stage;
use super::watch::Watch;
use super::work::{Calls, News, Nothing, Sender, Sent, id, work};
use crate::build::build_of;
use crate::command::without_secrets;

/// How many pieces of news may wait for being told.
const NEWS: usize = 1024;

/// How long news gather. It keeps workers from waking the thread that tells for every test, which
/// would cost each of them a system call, while the service waits.
const NAP: Duration = Duration::from_millis(1);

/// After how many naps without news the next one wakes.
const NAPS: usize = 20;

/// After how many tests in a row without a response the rest is not run.
const MAX_SILENT: usize = 3;

/// The tests of a set, and which of them have a result.
pub(super) struct Tests<'r> {
    set: &'r Arc<TestSet>,
    options: &'r ReplayOptions,
    desk: Arc<Desk>,
    emit: &'r mut dyn FnMut(RunEvent),
    numbers: Arc<HashMap<TestId, usize>>,
    has_result: Vec<bool>,
    /// Whether the files that the command names are those of the recording.
    same_build: bool,
    waiting: HashMap<usize, Sent>,
    /// Calls that were final before the news of their response came.
    early: Vec<Calls>,
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
            numbers: Arc::new(numbers),
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
        clients: Clients,
        stage: &mut Stage,
        watch: &Arc<Watch>,
        stop: &watch::Receiver<bool>,
    ) -> bool {
        let sender = Arc::new(Sender {
            set: self.set.clone(),
            numbers: self.numbers.clone(),
            rules,
            desk: self.desk.clone(),
            watch: watch.clone(),
            clients,
            awake: stage.servers().awake().clone(),
            headers: self.options.headers.clone(),
            timeout: self.options.timeout,
            needs: Needs::of(self.set, self.options.jobs),
            patience: Patience::default(),
            jobs: PatienceWithJobs::default(),
            given: Given::default(),
        });
        let next = Arc::new(AtomicUsize::new(0));
        let (tell, mut told) = mpsc::channel(NEWS);
        // One test at a time is sent from the mock servers' thread: it waits for the service's
        // answers and for its calls in one place, and nothing is handed from thread to thread.
        let here = tokio::runtime::Handle::current();
        let there = match self.options.jobs {
            1 => stage.servers().handle(),
            _ => &here,
        };
        if self.options.jobs == 1 {
            sender.awake.begin();
        }
        for _ in 0..self.options.jobs {
            there.spawn(work(
                sender.clone(),
                next.clone(),
                tell.clone(),
                stop.clone(),
            ));
        }
        drop(tell);
        let mut silent = 0;
        let mut failure = None;
        while let Some(news) = next_news(&mut told).await {
            let mut sent = match news {
                News::Began(number) => {
                    if let Some(test) = self.set.tests.get(number) {
                        let id = id(self.set, test);
                        self.emit(RunEvent::TestStarted(id));
                    }
                    continue;
                }
                News::Sent(sent) => *sent,
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
            drop(sent.waits.take());
            let settled = std::mem::take(&mut sent.settled);
            self.waiting.insert(sent.number, sent);
            self.finish(settled);
        }
        self.finish(sender.finish());
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
                let setting = self.setting(&file, Duration::ZERO, &[]);
                let result = not_run(test, &id, why, &setting);
                self.done(number, result);
            }
        }
    }

    /// Judges the tests whose calls are final. Calls may be final before the news of the response
    /// is here: those wait for it.
    fn finish(&mut self, settled: Vec<Calls>) {
        let mut all = std::mem::take(&mut self.early);
        all.extend(settled);
        for settled in all {
            let Some(&number) = self.numbers.get(&settled.outcome.test) else {
                continue;
            };
            if !self.waiting.contains_key(&number) {
                self.early.push(settled);
                continue;
            }
            let (Some(test), Some(sent)) =
                (self.set.tests.get(number), self.waiting.remove(&number))
            else {
                continue;
            };
            let calls = settled.outcome;
            let file = self.file(&calls.test);
            let setting = self.setting(&file, sent.took, &sent.unread);
            let result = match sent.reply {
                Ok(mut compared) => {
                    compared.absorb(settled.compared);
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

    fn setting<'s>(&'s self, file: &'s str, took: Duration, unread: &'s [String]) -> Setting<'s> {
        Setting {
            file,
            took,
            info: &self.set.info,
            live: &self.options.live,
            unread,
            same_build: self.same_build,
        }
    }
}

/// The next piece of news; none when all workers are done.
async fn next_news(told: &mut mpsc::Receiver<News>) -> Option<News> {
    for _ in 0..NAPS {
        match told.try_recv() {
            Ok(news) => return Some(news),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => tokio::time::sleep(NAP).await,
        }
    }
    told.recv().await
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

/// Whether a command is the recorded one in content, as far as its files tell.
fn is_same_build(info: &SetInfo, command: &[String]) -> bool {
    !info.build.is_empty()
        && info.command == without_secrets(command)
        && info.build == build_of(command)
}
