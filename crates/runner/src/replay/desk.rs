//! Where the mock servers ask: the mocks of one set, and what was asked of them.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use retake_compare::matching::MockSet;
use retake_model::{Answer, Call, ConnInfo, Exchange, TestId};
use retake_proxy::replay::Oracle;
use retake_wire::{Reading, WireError};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::patience::Waited;

/// How long a job is waited for beyond its pause: services and machines are slower at times.
const LATE_JOB: Duration = Duration::from_millis(200);

/// How many different notes are kept.
const MAX_NOTES: usize = 100;

/// The mocks of one set, behind a lock: the servers' threads ask, the runner opens and ends tests.
#[derive(Debug)]
pub struct Desk {
    mocks: Mutex<MockSet>,
    /// Whether jobs are told news by them.
    has_news: bool,
    notes: Mutex<BTreeSet<String>>,
    /// Dependencies that were asked and that nothing can answer for.
    unread: Mutex<BTreeSet<String>>,
    /// Wakes those who wait for the next call.
    asked: Notify,
}

impl Desk {
    /// A desk with these mocks.
    pub fn new(mocks: MockSet) -> Self {
        Desk {
            has_news: mocks.has_news(),
            mocks: Mutex::new(mocks),
            notes: Mutex::default(),
            unread: Mutex::default(),
            asked: Notify::new(),
        }
    }

    /// Waits until every call was made that the test's recording has, but not longer than `until`.
    pub async fn all_calls(&self, test: &TestId, until: Instant) -> Waited {
        let mut how = Waited::NotAtAll;
        loop {
            let mut asked = pin!(self.asked.notified());
            // From here on no call is overlooked.
            asked.as_mut().enable();
            if self.mocks().unserved_calls(test) == 0 {
                return how;
            }
            if tokio::time::timeout_at(until, asked).await.is_err() {
                return Waited::InVain;
            }
            how = Waited::UntilAllCame;
        }
    }

    /// Waits until the jobs were told what they had been told before that test, as long as one after
    /// the other comes, but not longer than that. How it ended, and how long it took.
    pub async fn jobs_told(&self, test: &TestId, longest: Duration) -> (Waited, Duration) {
        let began = Instant::now();
        let (mut how, mut left, mut until) = (Waited::NotAtAll, None, began);
        loop {
            let mut asked = pin!(self.asked.notified());
            asked.as_mut().enable();
            let Some((number, pause)) = self.mocks().jobs_to_tell(test) else {
                return (how, began.elapsed());
            };
            if left != Some(number) {
                left = Some(number);
                let until_then = Instant::now() + pause + pause / 2 + LATE_JOB;
                until = until_then.min(began + longest);
            }
            if tokio::time::timeout_at(until, asked).await.is_err() {
                return (Waited::InVain, began.elapsed());
            }
            how = Waited::UntilAllCame;
        }
    }

    /// The mocks, for as long as the guard is held.
    pub fn mocks(&self) -> MutexGuard<'_, MockSet> {
        // A panic of another thread leaves at worst a call uncounted.
        self.mocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What went wrong on the connections, sorted; every sentence once.
    pub fn notes(&self) -> Vec<String> {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// The dependencies, by now, that were asked and that nothing can answer for.
    pub fn unread(&self) -> Vec<String> {
        let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.iter().cloned().collect()
    }

    fn keep_note(&self, conn: &ConnInfo, text: &str) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < MAX_NOTES {
            let whom = conn.dependency.as_deref().unwrap_or("the service");
            notes.insert(format!("{whom}: {text}"));
        }
    }
}

impl Oracle for Desk {
    fn is_early(&self, call: &Call, reading: Reading) -> Option<u64> {
        let may_be = self.has_news && reading != Reading::Probe;
        may_be.then(|| self.mocks().is_early(call)).flatten()
    }

    fn ask(&self, call: Call, reading: Reading) -> Answer {
        let answer = self.mocks().ask(call, reading == Reading::Probe);
        self.asked.notify_waiters();
        answer
    }

    fn failed(&self, conn: &ConnInfo, error: &WireError) {
        self.keep_note(conn, &error.to_string());
    }

    fn unread(&self, conn: &ConnInfo, text: &str) {
        self.keep_note(conn, text);
        let whom = conn.dependency.as_deref().unwrap_or("a dependency");
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        if unread.len() < MAX_NOTES {
            unread.insert(whom.to_owned());
        }
    }

    fn note(&self, conn: &ConnInfo, text: &str) {
        self.keep_note(conn, text);
    }

    fn live(&self, to: &Arc<str>, exchange: Box<Exchange>) {
        if let (Some(request), None) = (exchange.request.tree(), &exchange.flaw) {
            let call = Call {
                to: to.clone(),
                protocol: exchange.protocol,
                conn: exchange.conn,
                at: exchange.ended,
                trace: exchange.trace.clone(),
                request: request.clone(),
            };
            // The real one has answered; the mocks only tell whether it was asked as recorded.
            let probe = matches!(exchange.scope, Some(s) if s != retake_model::Scope::Test);
            let _ = self.mocks().ask(call, probe);
            self.asked.notify_waiters();
        }
    }
}
