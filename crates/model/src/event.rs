//! What a run says while it goes on.

use std::time::Duration;

use crate::{Difference, RuleUse, TestId, Timestamp};

/// What a run says while it goes on. Reports are made of these alone.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The run began.
    Started(RunStarted),
    /// Something happened to the service under test.
    Service(ServiceEvent),
    /// A test began.
    TestStarted(TestId),
    /// A test ended.
    TestFinished(Box<TestResult>),
    /// The run ended.
    Finished(Box<RunSummary>),
}

/// The beginning of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStarted {
    /// The run's name, which is its folder's below `retake/runs`.
    pub run: String,
    /// The sets that are replayed.
    pub sets: Vec<String>,
    /// How many tests there are.
    pub tests: usize,
    /// When it began.
    pub at: Timestamp,
    /// The version of retake.
    pub version: String,
    /// The command, or the target's address.
    pub target: String,
}

/// Something that happened to the service under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceEvent {
    /// It is ready for requests.
    Ready {
        /// How long that took.
        after: Duration,
    },
    /// It ended, or never became ready, although it was needed.
    Failed {
        /// What happened, in one sentence.
        what: String,
        /// What to do next.
        hint: String,
        /// Its last output, at most 64 KiB.
        output: String,
    },
}

/// What one test found.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// The test.
    pub test: TestId,
    /// The file that holds it.
    pub file: String,
    /// What was sent, in one line: `POST /orders`.
    pub title: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What changed, response first, then calls in their order.
    pub differences: Vec<Difference>,
    /// What the rules hid.
    pub hidden: Vec<RuleUse>,
    /// How many values were compared by kind because the service made them.
    pub by_kind: u64,
    /// How many of them are moments whose distance from the time of the test was compared.
    pub by_distance: u64,
    /// How many outbound calls the recording has.
    pub calls_recorded: usize,
    /// How many of them the candidate made, as recorded.
    pub calls_matched: usize,
    /// How long the service took to answer. Not part of any verdict.
    pub took: Duration,
    /// Why it was not run, or anything else worth a sentence.
    pub notes: Vec<String>,
}

/// What is to be said of a test. In rising order of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// No difference.
    Passed,
    /// The response is the same; a read that the recording has was left out, or was repeated.
    /// A cache or a retry does that; it is said, and is red only under `strict`.
    Shifted,
    /// It was not run: the run was stopped, or the service was gone.
    NotRun,
    /// The recording cannot answer what the service asked, and nothing else changed.
    Gap,
    /// The service changed.
    Changed,
    /// The surroundings failed: the service crashed, hung, did not start.
    Broken,
}

impl Verdict {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Shifted => "shifted",
            Verdict::NotRun => "not-run",
            Verdict::Gap => "gap",
            Verdict::Changed => "changed",
            Verdict::Broken => "broken",
        }
    }
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// How many tests passed.
    pub passed: usize,
    /// How many shifted.
    pub shifted: usize,
    /// How many were not run.
    pub not_run: usize,
    /// How many the recording could not answer.
    pub gaps: usize,
    /// How many changed.
    pub changed: usize,
    /// How many broke.
    pub broken: usize,
    /// The causes, the one with the most tests first, then by fingerprint.
    pub causes: Vec<Cause>,
    /// Mocks that nothing asked for: dependency, request in one line, how many.
    pub unused: Vec<(String, String, usize)>,
    /// Background calls that were answered: dependency, request in one line, how many.
    pub background: Vec<(String, String, usize)>,
    /// How long the run took. Not part of any verdict.
    pub took: Duration,
    /// The exit code that the run ends with.
    pub exit_code: u8,
    /// Anything else worth a sentence.
    pub notes: Vec<String>,
}

/// Differences, across tests, that one change explains: those with the same fingerprint, or those
/// of several parts that are the same change at several places.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// The fingerprint, of what its parts have in common where it has some.
    pub id: u64,
    /// The change in one line: `response.body.json.total: 39.98 -> 40.98`.
    pub title: String,
    /// The tests that show it, in their order.
    pub tests: Vec<TestId>,
    /// The first difference that shows it.
    pub example: Difference,
    /// What it holds, where that has several fingerprints: the part that the most tests show
    /// first. Empty where it has one.
    pub parts: Vec<CausePart>,
    /// The tests that are red because these are, in their order.
    pub consequences: Vec<Consequence>,
}

/// Differences, across tests, with the same fingerprint, of a cause that holds several.
#[derive(Debug, Clone, PartialEq)]
pub struct CausePart {
    /// The fingerprint.
    pub id: u64,
    /// The change in one line.
    pub title: String,
    /// The tests that show it, in their order.
    pub tests: Vec<TestId>,
    /// The first difference that shows it.
    pub example: Difference,
}

impl Cause {
    /// The fingerprints of the differences that it explains.
    pub fn fingerprints(&self) -> impl Iterator<Item = u64> + '_ {
        let own = self.parts.is_empty().then_some(self.id);
        own.into_iter().chain(self.parts.iter().map(|part| part.id))
    }
}

/// A test that is red because an earlier one is: it needs what that one should have given or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequence {
    /// The test.
    pub test: TestId,
    /// The earlier test.
    pub of: TestId,
    /// The evidence, as the end of a sentence that begins with the test's name: ``sends
    /// `access_token`, which shop/post-login-200 did not give out``.
    pub why: String,
}
