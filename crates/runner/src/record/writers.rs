//! Threads that turn tests into text and write them, so that reading the traffic goes on.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use retake_model::TestCase;
use retake_store::{SetWriter, StoreError, TestWriter};

/// Bytes of tests that may wait to be written. Whoever brings more waits, or one test at a time
/// where each is larger.
const WAITING_BYTES: usize = 4 << 20;

/// Tests that are handed over at once: waking a thread for each would cost as much as writing it.
const AT_ONCE: usize = 16;

/// By how much the threads are nicer than the process: more than the recorder, for what it cannot
/// read is lost, and what is not written yet waits.
const WRITER_NICE: i32 = 10;

/// The most threads that write: more of them only wait for the folder's lock.
const MOST: usize = 4;

/// Threads that write tests. Dropping them ends them once everything is written.
#[derive(Debug)]
pub(super) struct Writers {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
    /// Writes where the system gave no thread.
    files: Option<TestWriter>,
    /// What is handed over together.
    next: Vec<TestCase>,
    next_bytes: usize,
}

/// What became of tests since it was last asked.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) kept: Count,
    pub(super) failed: Count,
    /// The first reason of a failure.
    pub(super) error: Option<StoreError>,
}

/// How many tests, and how many calls in them for each dependency.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) tests: u64,
    pub(super) calls: BTreeMap<Arc<str>, u64>,
}

#[derive(Debug)]
struct Desk {
    state: Mutex<State>,
    /// There is something to write, or nothing will come any more.
    filled: Condvar,
    /// There is room.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(usize, Vec<TestCase>)>,
    bytes: usize,
    done: Done,
    over: bool,
}

impl Writers {
    /// As many threads as the machine can spare.
    pub(super) fn start(files: &SetWriter) -> Self {
        let spare = thread::available_parallelism().map_or(1, |n| n.get() / 2);
        let desk = Arc::new(Desk {
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        });
        let threads: Vec<_> = (0..spare.clamp(1, MOST))
            .filter_map(|n| {
                let (desk, files) = (Arc::clone(&desk), files.test_writer());
                let thread = thread::Builder::new().name(format!("writer-{n}"));
                thread.spawn(move || desk.work(&files)).ok()
            })
            .collect();
        Writers {
            desk,
            files: threads.is_empty().then(|| files.test_writer()),
            threads,
            next: Vec::new(),
            next_bytes: 0,
        }
    }

    /// Has a test written that has its name. Waits while too many are not written yet.
    pub(super) fn write(&mut self, test: TestCase) {
        self.next_bytes += weight(&test);
        self.next.push(test);
        if self.next.len() >= AT_ONCE || self.next_bytes >= WAITING_BYTES / 4 {
            self.hand_over();
        }
    }

    /// Leaves nothing behind that nobody works on.
    pub(super) fn hand_over(&mut self) {
        if self.next.is_empty() {
            return;
        }
        let tests = std::mem::take(&mut self.next);
        let bytes = std::mem::take(&mut self.next_bytes);
        if let Some(files) = &self.files {
            return self.desk.write(files, &tests);
        }
        let mut state = self.desk.lock();
        while state.bytes > 0 && state.bytes + bytes > WAITING_BYTES {
            state = wait(&self.desk.emptied, state);
        }
        state.bytes += bytes;
        state.waiting.push_back((bytes, tests));
        drop(state);
        self.desk.filled.notify_one();
    }

    /// What became of tests since this was last called.
    pub(super) fn done(&mut self) -> Done {
        std::mem::take(&mut self.desk.lock().done)
    }

    /// Waits until everything is written.
    pub(super) fn finish(&mut self) -> Done {
        self.hand_over();
        self.files = None;
        self.desk.lock().over = true;
        self.desk.filled.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that writes tests panicked");
            }
        }
        self.done()
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Desk {
    fn work(&self, files: &TestWriter) {
        // On Linux this is the thread's own priority.
        let _ = rustix::process::nice(WRITER_NICE);
        let mut state = self.lock();
        loop {
            if let Some((bytes, tests)) = state.waiting.pop_front() {
                drop(state);
                self.write(files, &tests);
                drop(tests);
                state = self.lock();
                state.bytes = state.bytes.saturating_sub(bytes);
                self.emptied.notify_one();
            } else if state.over {
                return;
            } else {
                state = wait(&self.filled, state);
            }
        }
    }

    fn write(&self, files: &TestWriter, tests: &[TestCase]) {
        let mut done = Done::default();
        for test in tests {
            // One test that cannot be written is no reason to lose the others, nor to lose count.
            match catch_unwind(AssertUnwindSafe(|| files.write(test))) {
                Ok(Ok(())) => done.kept.add(test),
                Ok(Err(error)) => {
                    done.failed.add(test);
                    done.error.get_or_insert(error);
                }
                Err(_) => done.failed.add(test),
            }
        }
        self.lock().done.join(done);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Done {
    fn join(&mut self, more: Done) {
        self.kept.join(more.kept);
        self.failed.join(more.failed);
        self.error = self.error.take().or(more.error);
    }
}

impl Count {
    fn add(&mut self, test: &TestCase) {
        self.tests += 1;
        for call in &test.calls {
            *self.calls.entry(call.to.clone()).or_default() += 1;
        }
    }

    fn join(&mut self, more: Count) {
        self.tests += more.tests;
        for (to, count) in more.calls {
            *self.calls.entry(to).or_default() += count;
        }
    }
}

fn wait<'g>(until: &Condvar, state: MutexGuard<'g, State>) -> MutexGuard<'g, State> {
    until.wait(state).unwrap_or_else(PoisonError::into_inner)
}

fn weight(test: &TestCase) -> usize {
    let calls = test.calls.iter();
    let calls = calls.map(|call| call.request.weight() + call.response.weight());
    size_of::<TestCase>() + test.request.weight() + test.response.weight() + calls.sum::<usize>()
}
