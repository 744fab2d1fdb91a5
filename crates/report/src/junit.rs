//! `junit`: XML that CI systems read.
//!
//! A test set is a suite. A changed test is a failure; a gap and a broken test are errors; a test
//! that was not run is skipped; a shifted one passes, and says in its output what shifted.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use retake_model::{Consequence, ServiceEvent, TestId, TestResult, Verdict};

use crate::collect::{AtEnd, Run};
use crate::printable::count;
use crate::reporter::{Again, Reporter};
use crate::terminal;

/// The most characters of a test's description: CI systems refuse larger files.
const LONGEST: usize = 100_000;

pub(crate) fn open(mut out: Box<dyn Write + Send>, _: Again) -> Box<dyn Reporter> {
    Box::new(AtEnd::new(move |run| write(&mut out, run)))
}

fn write(out: &mut dyn Write, run: &Run) -> io::Result<()> {
    let mut report = Report::new("retake");
    let mut suites: BTreeMap<&str, Vec<&TestResult>> = BTreeMap::new();
    for (test, result) in &run.results {
        suites.entry(&test.set).or_default().push(result);
    }
    let (consequences, causes) = (run.consequences(), causes(run));
    for (set, results) in suites {
        let mut suite = TestSuite::new(set);
        suite.set_time(results.iter().map(|result| result.took).sum());
        for result in results {
            let follows = consequences.get(&result.test).map(|(_, one)| *one);
            let causes = causes.get(&result.test).map_or(&[][..], Vec::as_slice);
            suite.add_test_case(case(result, causes, follows));
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

fn case(result: &TestResult, causes: &[(&str, String)], follows: Option<&Consequence>) -> TestCase {
    let mut status = match result.verdict {
        Verdict::Passed | Verdict::Shifted => TestCaseStatus::success(),
        Verdict::NotRun => TestCaseStatus::skipped(),
        Verdict::Changed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Gap | Verdict::Broken => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let text = terminal::plain_differences(result);
    let passes = matches!(result.verdict, Verdict::Passed | Verdict::Shifted);
    if !passes {
        status.set_message(message(result, follows));
        // The schema knows no type of a skipped test.
        if result.verdict != Verdict::NotRun {
            status.set_type(result.verdict.name());
            let text: String = text.chars().take(LONGEST).collect();
            let follows = follows.map_or(String::new(), |one| format!("it {}\n", one.why));
            status.set_description(format!(
                "{}\n{}\n{follows}{text}",
                result.title, result.file
            ));
        }
    }
    let mut case = TestCase::new(result.test.name.as_ref(), status);
    case.set_classname(result.test.set.as_ref());
    case.set_time(result.took);
    case.add_property(Property::new("verdict", result.verdict.name()));
    case.add_property(Property::new("file", result.file.as_str()));
    for (name, title) in causes {
        case.add_property(Property::new(*name, title.as_str()));
    }
    if let Some(one) = follows {
        case.add_property(Property::new("follows", one.of.to_string()));
    }
    if result.verdict == Verdict::Shifted {
        case.set_system_out(text);
    }
    case
}

/// The causes of each test, its own and the one that it follows from, with their numbers from 1,
/// and which of their parts it shows: as properties.
fn causes(run: &Run) -> HashMap<&TestId, Vec<(&'static str, String)>> {
    let mut of: HashMap<&TestId, Vec<(&'static str, String)>> = HashMap::new();
    let all = run.summary.iter().flat_map(|summary| &summary.causes);
    for (cause, number) in all.zip(1..) {
        let following = cause.consequences.iter().map(|one| &one.test);
        for test in cause.tests.iter().chain(following) {
            let title = format!("[{number}] {}", cause.title);
            of.entry(test).or_default().push(("cause", title));
        }
        for part in &cause.parts {
            for test in &part.tests {
                let title = format!("[{number}] {}", part.title);
                of.entry(test).or_default().push(("part", title));
            }
        }
    }
    of
}

/// The first thing that is wrong that follows from nothing else, and how many more there are.
fn message(result: &TestResult, follows: Option<&Consequence>) -> String {
    let first = result.differences.iter().find(|d| !d.follows);
    let mut message = match first.or(result.differences.first()) {
        Some(first) => terminal::plain_title(first),
        None => result.notes.first().cloned().unwrap_or_default(),
    };
    if let Some(more @ 1..) = result.differences.len().checked_sub(1) {
        message.push_str(&format!(" (and {})", count(more, "more difference")));
    }
    match follows {
        Some(one) => format!("follows from {}: it {}: {message}", one.of, one.why),
        None => message,
    }
}

/// A service that failed, and calls outside of tests without an answer, are a suite of their own,
/// so that a run without any red test is red, too.
fn service(run: &Run) -> Option<TestSuite> {
    let mut suite = TestSuite::new("retake");
    for event in &run.service {
        if let ServiceEvent::Failed { what, hint, output } = event {
            let text = format!("{what}\nhint: {hint}");
            let mut case = error("service", "broken", what, &text);
            case.set_system_out(output.as_str());
            suite.add_test_case(case);
        }
    }
    let causes = run.summary.iter().flat_map(|summary| &summary.causes);
    for (cause, number) in causes.zip(1..).filter(|(cause, _)| cause.tests.is_empty()) {
        let text = terminal::plain_difference(&cause.example);
        let mut case = error("outside of tests", "gap", &cause.title, &text);
        let title = format!("[{number}] {}", cause.title);
        case.add_property(Property::new("cause", title));
        suite.add_test_case(case);
    }
    (!suite.test_cases.is_empty()).then_some(suite)
}

fn error(name: &str, kind: &str, message: &str, text: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind);
    status.set_message(message);
    status.set_description(text);
    let mut case = TestCase::new(name, status);
    case.set_classname("retake");
    case
}

#[cfg(test)]
mod tests;
