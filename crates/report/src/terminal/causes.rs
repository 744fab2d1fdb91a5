//! The causes: what explains most comes first.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use retake_model::{Blame, Cause, Consequence, Difference, TestId, TestResult};

use super::Detail;
use super::difference;
use super::style::{DIM, HEAD, NUMBER};
use crate::collect::Run;
use crate::printable::{count, safe, safe_cut};

/// The most causes that are listed.
const SHOWN_CAUSES: usize = 20;

/// The most parts of a cause that are listed, unless every difference is.
const SHOWN_PARTS: usize = 4;

/// A part is cut after so many characters, unless every difference is shown.
const PART: usize = 160;

/// The most tests that are named for a cause.
const SHOWN_TESTS: usize = 3;

/// The numbers of causes, from 1.
pub(super) struct Numbers<'r> {
    by_id: HashMap<u64, usize>,
    /// The tests that show a cause by themselves.
    own: HashSet<&'r TestId>,
    consequences: HashMap<&'r TestId, (&'r Cause, &'r Consequence)>,
}

impl<'r> Numbers<'r> {
    pub(super) fn new(run: &'r Run) -> Self {
        let causes = || run.summary.iter().flat_map(|summary| &summary.causes);
        Numbers {
            by_id: causes()
                .zip(1..)
                .flat_map(|(cause, n)| cause.fingerprints().map(move |id| (id, n)))
                .collect(),
            own: causes().flat_map(|cause| &cause.tests).collect(),
            consequences: run.consequences(),
        }
    }

    pub(super) fn of(&self, difference: &Difference) -> Option<usize> {
        self.by_id.get(&difference.cause).copied()
    }

    /// The first cause of a test, in the order of the list.
    pub(super) fn first(&self, result: &TestResult) -> usize {
        let own = result.differences.iter().filter_map(|d| self.of(d)).min();
        own.unwrap_or(usize::MAX)
    }

    /// The number of the cause that a test follows from, and the evidence.
    pub(super) fn follows(&self, test: &TestId) -> Option<(usize, &'r Consequence)> {
        let (cause, consequence) = self.consequences.get(test)?;
        let number = cause.fingerprints().next()?;
        Some((*self.by_id.get(&number)?, consequence))
    }

    /// Whether a test shows nothing but what follows from another one.
    pub(super) fn only_follows(&self, test: &TestId) -> bool {
        self.consequences.contains_key(test) && !self.own.contains(test)
    }
}

/// Writes what explains how many tests.
pub(super) fn write(out: &mut String, run: &Run, detail: Detail) {
    let causes = run.summary.as_ref().map(|s| s.causes.as_slice());
    let causes = causes.unwrap_or_default();
    if causes.is_empty() {
        return;
    }
    let tests = |cause: &'_ Cause| -> Vec<TestId> {
        let following = cause.consequences.iter().map(|one| &one.test);
        cause.tests.iter().chain(following).cloned().collect()
    };
    let tests: HashSet<TestId> = causes.iter().flat_map(tests).collect();
    let explains = match (tests.is_empty(), causes.len()) {
        (true, _) => ", outside of tests".to_owned(),
        (false, 1) => format!(" explains {}", count(tests.len(), "test")),
        (false, _) => format!(" explain {}", count(tests.len(), "test")),
    };
    let _ = writeln!(
        out,
        "{HEAD}{}{explains}{HEAD:#}\n",
        count(causes.len(), "cause"),
    );
    for (cause, number) in causes.iter().zip(1..).take(SHOWN_CAUSES) {
        one(out, cause, number, detail);
    }
    if causes.len() > SHOWN_CAUSES {
        let more = causes.len() - SHOWN_CAUSES;
        let _ = writeln!(out, "  {DIM}and {}{DIM:#}", count(more, "more cause"));
    }
    out.push('\n');
}

fn one(out: &mut String, cause: &Cause, number: usize, detail: Detail) {
    if cause.tests.is_empty() {
        // No test shows it below.
        difference::write(out, &cause.example, Some(number), "  ");
        let _ = writeln!(out, "      {DIM}outside of tests{DIM:#}");
        return;
    }
    let _ = writeln!(
        out,
        "  {NUMBER}[{number}]{NUMBER:#} {}{}",
        safe(&cause.title),
        blame(cause.example.blame)
    );
    let named: Vec<String> = cause
        .tests
        .iter()
        .take(SHOWN_TESTS)
        .map(|test| safe(&test.to_string()))
        .collect();
    let more = if cause.tests.len() > SHOWN_TESTS {
        ", …"
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "      {DIM}{}: {}{more}{DIM:#}",
        count(cause.tests.len(), "test"),
        named.join(", ")
    );
    parts(out, cause, detail);
    let Some(one) = cause.consequences.first() else {
        return;
    };
    let (follow, example) = match cause.consequences.len() {
        1 => ("follows from it", ""),
        _ => ("follow from it", "for example "),
    };
    let _ = writeln!(
        out,
        "      {} {follow}: {DIM}{example}{}{DIM:#}",
        count(cause.consequences.len(), "test"),
        safe(&told(one)),
    );
}

/// What a cause holds, a line each.
fn parts(out: &mut String, cause: &Cause, detail: Detail) {
    let (most, longest) = match detail {
        Detail::Causes => (SHOWN_PARTS, PART),
        Detail::Full => (usize::MAX, usize::MAX),
    };
    for part in cause.parts.iter().take(most) {
        let _ = writeln!(
            out,
            "      {DIM}-{DIM:#} {}{} {DIM}({}){DIM:#}",
            safe_cut(&part.title, longest),
            blame(part.example.blame),
            count(part.tests.len(), "test"),
        );
    }
    if let Some(more @ 1..) = cause.parts.len().checked_sub(most) {
        let _ = writeln!(out, "      {DIM}and {}{DIM:#}", count(more, "more part"));
    }
}

/// The evidence in a sentence.
pub(super) fn told(consequence: &Consequence) -> String {
    format!("{} {}", consequence.test, consequence.why)
}

/// Whose doing it is, where it is not the service's.
pub(super) fn blame(blame: Blame) -> &'static str {
    match blame {
        Blame::App => "",
        Blame::Dependency => " (a live dependency's doing)",
        Blame::Recording => " (the recording's lack)",
        Blame::Tool => " (retake's own fault: please report it)",
    }
}
