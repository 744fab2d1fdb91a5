//! `junit`: XML that CI systems read.
//!
//! A test set is a suite. A changed test is a failure; a gap and a broken test are errors; a test
//! that was not run is skipped; a shifted one passes, and says in its output what shifted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use retake_model::{ServiceEvent, TestResult, Verdict};

use crate::collect::{AtEnd, Run};
use crate::printable::count;
use crate::reporter::Reporter;
use crate::terminal;

/// The most characters of a test's description: CI systems refuse larger files.
const LONGEST: usize = 100_000;

pub(crate) fn open(mut out: Box<dyn Write + Send>) -> Box<dyn Reporter> {
    Box::new(AtEnd::new(move |run| write(&mut out, run)))
}

fn write(out: &mut dyn Write, run: &Run) -> io::Result<()> {
    let mut report = Report::new("retake");
    let mut suites: BTreeMap<&str, Vec<&TestResult>> = BTreeMap::new();
    for (test, result) in &run.results {
        suites.entry(&test.set).or_default().push(result);
    }
    for (set, results) in suites {
        let mut suite = TestSuite::new(set);
        suite.set_time(results.iter().map(|result| result.took).sum());
        for result in results {
            suite.add_test_case(case(result));
        }
        report.add_test_suite(suite);
    }
    if let Some(suite) = service(run) {
        report.add_test_suite(suite);
    }
    if let Some(summary) = &run.summary {
        report.set_time(summary.took);
    }
    let text = report.to_string().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn case(result: &TestResult) -> TestCase {
    let mut status = match result.verdict {
        Verdict::Passed | Verdict::Shifted => TestCaseStatus::success(),
        Verdict::NotRun => TestCaseStatus::skipped(),
        Verdict::Changed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Gap | Verdict::Broken => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let text = terminal::plain_differences(result);
    let passes = matches!(result.verdict, Verdict::Passed | Verdict::Shifted);
    if !passes {
        status.set_message(message(result));
        // The schema knows no type of a skipped test.
        if result.verdict != Verdict::NotRun {
            status.set_type(result.verdict.name());
            let text: String = text.chars().take(LONGEST).collect();
            status.set_description(format!("{}\n{}\n{text}", result.title, result.file));
        }
    }
    let mut case = TestCase::new(result.test.name.as_ref(), status);
    case.set_classname(result.test.set.as_ref());
    case.set_time(result.took);
    case.add_property(Property::new("verdict", result.verdict.name()));
    case.add_property(Property::new("file", result.file.as_str()));
    if result.verdict == Verdict::Shifted {
        case.set_system_out(text);
    }
    case
}

/// The first thing that is wrong, and how many more there are.
fn message(result: &TestResult) -> String {
    let mut message = match result.differences.first() {
        Some(first) => terminal::plain_title(first),
        None => result.notes.first().cloned().unwrap_or_default(),
    };
    if let Some(more @ 1..) = result.differences.len().checked_sub(1) {
        message.push_str(&format!(" (and {})", count(more, "more difference")));
    }
    message
}

/// A service that failed is a suite of its own, so that a run without any test is red, too.
fn service(run: &Run) -> Option<TestSuite> {
    let failed = run.service.iter().find_map(|event| match event {
        ServiceEvent::Failed { what, hint, output } => Some((what, hint, output)),
        ServiceEvent::Ready { .. } => None,
    });
    let (what, hint, output) = failed?;
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("broken");
    status.set_message(what.as_str());
    status.set_description(format!("{what}\nhint: {hint}"));
    let mut case = TestCase::new("service", status);
    case.set_classname("retake");
    case.set_system_out(output.as_str());
    let mut suite = TestSuite::new("retake");
    suite.add_test_case(case);
    Some(suite)
}

#[cfg(test)]
mod tests;
