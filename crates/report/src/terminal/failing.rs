//! The tests that did not pass.

use std::collections::HashSet;
use std::fmt::Write;

use anstyle::Style;
use retake_model::{DiffKind, Difference, TestResult, Verdict};

use super::Detail;
use super::causes::Numbers;
use super::difference;
use super::style::{BAD, DIM, HEAD, NUMBER, WARN};
use crate::collect::Run;
use crate::printable::{count, safe, safe_cut};

/// The most tests that are shown with their differences.
const SHOWN_TESTS: usize = 20;

/// The most tests that have a line.
const SHOWN_LINES: usize = 60;

/// The most consequences that are named in the line that stands for all of them.
const SHOWN_CONSEQUENCES: usize = 3;

/// The most differences that are shown of one test.
const SHOWN_DIFFERENCES: usize = 20;

/// Writes the tests that did not pass: those with a new cause with their differences, the others
/// in one line.
pub(super) fn write(out: &mut String, run: &Run, numbers: &Numbers, detail: Detail) {
    let failing: Vec<&TestResult> = run
        .results
        .values()
        .filter(|result| !matches!(result.verdict, Verdict::Passed | Verdict::NotRun))
        .collect();
    let mut seen: HashSet<u64> = HashSet::new();
    let mut shown = 0;
    let mut lines = 0;
    for result in &failing {
        let is_new = result.differences.iter().any(|d| !seen.contains(&d.cause));
        if lines >= SHOWN_LINES && !(is_new && shown < SHOWN_TESTS) {
            continue;
        }
        lines += 1;
        head(out, result);
        if is_new && shown < SHOWN_TESTS || result.differences.is_empty() {
            shown += 1;
            with_differences(out, result, numbers, &mut seen, detail);
        } else {
            let known: Vec<String> = causes(result, numbers);
            let _ = writeln!(
                out,
                "   {NUMBER}{}{NUMBER:#} {DIM}as above{DIM:#}",
                known.join(" ")
            );
        }
        for note in &result.notes {
            let _ = writeln!(out, "   {DIM}note:{DIM:#} {}", safe(note));
        }
        out.push('\n');
    }
    if failing.len() > lines {
        let more = failing.len() - lines;
        let _ = writeln!(
            out,
            "{DIM}and {} with these causes{DIM:#}\n",
            count(more, "more test")
        );
    }
}

fn head(out: &mut String, result: &TestResult) {
    let style = style(result.verdict);
    let _ = writeln!(
        out,
        "{style}{}{style:#} {HEAD}{}{HEAD:#}  {}\n   {DIM}{}{DIM:#}",
        result.verdict.name(),
        safe(&result.test.to_string()),
        safe_cut(&result.title, 120),
        safe(&result.file)
    );
}

fn with_differences(
    out: &mut String,
    result: &TestResult,
    numbers: &Numbers,
    seen: &mut HashSet<u64>,
    detail: Detail,
) {
    let (own, following) = consequences(&result.differences);
    for difference in own.iter().take(SHOWN_DIFFERENCES) {
        seen.insert(difference.cause);
        difference::write(out, difference, numbers.of(difference), "   ");
    }
    let left = match detail {
        Detail::Causes => {
            following_in_a_line(out, &following);
            0
        }
        Detail::Full => SHOWN_DIFFERENCES.saturating_sub(own.len()),
    };
    if left > 0 && !following.is_empty() {
        let _ = writeln!(out, "   {DIM}and what follows from that:{DIM:#}");
    }
    for difference in following.iter().take(left) {
        difference::write(out, difference, None, "     ");
    }
    let all = match detail {
        Detail::Causes => own.len(),
        Detail::Full => result.differences.len(),
    };
    if let Some(more @ 1..) = all.checked_sub(SHOWN_DIFFERENCES) {
        let _ = writeln!(out, "   {DIM}and {}{DIM:#}", count(more, "more difference"));
    }
}

/// `7 consequences: response.status: 201 -> 402, …`
fn following_in_a_line(out: &mut String, following: &[Difference]) {
    if following.is_empty() {
        return;
    }
    let mut named: Vec<String> = following
        .iter()
        .take(SHOWN_CONSEQUENCES)
        .map(difference::in_a_few_words)
        .collect();
    if following.len() > named.len() {
        named.push("…".to_owned());
    }
    let _ = writeln!(
        out,
        "   {DIM}{}: {}{DIM:#}",
        count(following.len(), "consequence"),
        named.join(", ")
    );
}

/// The differences that stand for themselves, and those that follow from a call that got no
/// answer, or from the lack of a response: they carry its cause.
fn consequences(all: &[Difference]) -> (Vec<&Difference>, Vec<Difference>) {
    let follows = |text: &str| text.starts_with("follows from ");
    let unanswered = |d: &Difference| {
        let of_itself = matches!(d.kind, DiffKind::CallUnknown | DiffKind::NoResponse);
        of_itself && !d.detail.as_deref().is_some_and(follows)
    };
    let causes: HashSet<u64> = all
        .iter()
        .filter(|d| unanswered(d))
        .map(|d| d.cause)
        .collect();
    let (following, own): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|d| !unanswered(d) && causes.contains(&d.cause));
    let following = following.into_iter().map(|d| Difference {
        // The first line says what it follows from, as the heading does.
        detail: d.detail.as_deref().and_then(|text| {
            let rest = text.split_once('\n').map(|(_, rest)| rest.to_owned());
            if follows(text) {
                rest
            } else {
                Some(text.to_owned())
            }
        }),
        ..d.clone()
    });
    (own, following.collect())
}

/// The numbers of a test's causes, each once: `[1]`, `[3]`.
fn causes(result: &TestResult, numbers: &Numbers) -> Vec<String> {
    let mut all: Vec<usize> = result
        .differences
        .iter()
        .filter_map(|difference| numbers.of(difference))
        .collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
        .map(|number| format!("[{number}]"))
        .collect()
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Changed | Verdict::Broken => BAD,
        Verdict::Gap | Verdict::Shifted | Verdict::NotRun => WARN,
        Verdict::Passed => Style::new(),
    }
}
