//! The causes: what explains most comes first.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use retake_model::{Blame, Cause, Difference, TestId};

use super::style::{DIM, HEAD, NUMBER};
use crate::collect::Run;
use crate::printable::{count, safe};

/// The most causes that are listed.
const SHOWN_CAUSES: usize = 20;

/// The most tests that are named for a cause.
const SHOWN_TESTS: usize = 3;

/// The numbers of causes, from 1.
pub(super) struct Numbers(HashMap<u64, usize>);

impl Numbers {
    pub(super) fn new(run: &Run) -> Self {
        let causes = run.summary.iter().flat_map(|summary| &summary.causes);
        Numbers(causes.zip(1..).map(|(cause, n)| (cause.id, n)).collect())
    }

    pub(super) fn of(&self, difference: &Difference) -> Option<usize> {
        self.0.get(&difference.cause).copied()
    }
}

/// Writes what explains how many tests.
pub(super) fn write(out: &mut String, run: &Run) {
    let causes = run.summary.as_ref().map(|s| s.causes.as_slice());
    let causes = causes.unwrap_or_default();
    if causes.is_empty() {
        return;
    }
    let tests: HashSet<&TestId> = causes.iter().flat_map(|cause| &cause.tests).collect();
    let _ = writeln!(
        out,
        "{HEAD}{} {} {}{HEAD:#}\n",
        count(causes.len(), "cause"),
        if causes.len() == 1 {
            "explains"
        } else {
            "explain"
        },
        count(tests.len(), "test"),
    );
    for (cause, number) in causes.iter().zip(1..).take(SHOWN_CAUSES) {
        one(out, cause, number);
    }
    if causes.len() > SHOWN_CAUSES {
        let more = causes.len() - SHOWN_CAUSES;
        let _ = writeln!(out, "  {DIM}and {}{DIM:#}", count(more, "more cause"));
    }
    out.push('\n');
}

fn one(out: &mut String, cause: &Cause, number: usize) {
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
