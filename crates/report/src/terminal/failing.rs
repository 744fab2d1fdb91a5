//! The tests that did not pass.

use std::collections::HashSet;
use std::fmt::Write;

use anstyle::Style;
use retake_model::{Difference, TestResult, Verdict};

use super::Detail;
use super::causes::Numbers;
use super::difference;
use super::following;
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
pub(super) fn write(out: &mut String, run: &Run, numbers: &Numbers<'_>, detail: Detail) {
    let failing = run.results.values();
    let failing =
        failing.filter(|result| !matches!(result.verdict, Verdict::Passed | Verdict::NotRun));
    let (following, mut failing): (Vec<&TestResult>, Vec<&TestResult>) =
        failing.partition(|result| numbers.only_follows(&result.test));
    // In the order of the causes.
    failing.sort_by_key(|result| numbers.first(result));
    let mut seen: HashSet<u64> = HashSet::new();
    let mut told: HashSet<&String> = HashSet::new();
    let mut as_above = AsAbove(false);
    let mut shown = 0;
    let mut lines = 0;
    for result in &failing {
        let is_new = result.differences.iter().any(|d| !seen.contains(&d.cause));
        if lines >= SHOWN_LINES && !(is_new && shown < SHOWN_TESTS) {
            continue;
        }
        lines += 1;
        if is_new && shown < SHOWN_TESTS || result.differences.is_empty() {
            shown += 1;
            as_above.end(out);
            head(out, result);
            with_differences(out, result, numbers, &mut seen, detail);
            also_follows(out, result, numbers);
        } else {
            as_above.line(out, result, numbers);
        }
        for note in &result.notes {
            // What was said of one test is not said again of each.
            if told.insert(note) {
                let _ = writeln!(out, "   {DIM}note:{DIM:#} {}", safe(note));
            }
        }
        if !as_above.0 {
            out.push('\n');
        }
    }
    as_above.end(out);
    if failing.len() > lines {
        let more = failing.len() - lines;
        let _ = writeln!(
            out,
            "{DIM}and {} with these causes{DIM:#}\n",
            count(more, "more test")
        );
    }
    following::write(out, &following, numbers, detail);
}

/// Tests that show nothing new, a line each. Whether there was one just now.
struct AsAbove(bool);

impl AsAbove {
    fn line(&mut self, out: &mut String, result: &TestResult, numbers: &Numbers<'_>) {
        self.0 = true;
        let style = style(result.verdict);
        let _ = writeln!(
            out,
            "{style}{}{style:#} {HEAD}{}{HEAD:#}  {}  {NUMBER}{}{NUMBER:#} {DIM}as above{DIM:#}",
            result.verdict.name(),
            safe(&result.test.to_string()),
            safe_cut(&result.title, 120),
            causes(result, numbers).join(" ")
        );
    }

    fn end(&mut self, out: &mut String) {
        if std::mem::replace(&mut self.0, false) {
            out.push('\n');
        }
    }
}

pub(super) fn head(out: &mut String, result: &TestResult) {
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

pub(super) fn with_differences(
    out: &mut String,
    result: &TestResult,
    numbers: &Numbers<'_>,
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

/// The differences that stand for themselves, and those that follow from one of them.
fn consequences(all: &[Difference]) -> (Vec<&Difference>, Vec<Difference>) {
    let (following, own): (Vec<_>, Vec<_>) = all.iter().partition(|d| d.follows);
    let following = following.into_iter().map(|d| Difference {
        // The first line says what it follows from, as the heading does.
        detail: d.detail.as_deref().and_then(|text| {
            let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
            let detail = match first.starts_with("follows from ") {
                true => rest,
                false => text,
            };
            (!detail.is_empty()).then(|| detail.to_owned())
        }),
        ..d.clone()
    });
    (own, following.collect())
}

/// Says of a test with causes of its own that it is a consequence, too.
fn also_follows(out: &mut String, result: &TestResult, numbers: &Numbers<'_>) {
    if let Some((number, consequence)) = numbers.follows(&result.test) {
        let _ = writeln!(
            out,
            "   {DIM}the rest may follow from{DIM:#} {NUMBER}[{number}]{NUMBER:#}{DIM}: it {}{DIM:#}",
            safe(&consequence.why)
        );
    }
}

/// The numbers of a test's causes, each once: `[1]`, `[3]`.
fn causes(result: &TestResult, numbers: &Numbers<'_>) -> Vec<String> {
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

pub(super) fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Changed | Verdict::Broken => BAD,
        Verdict::Gap | Verdict::Shifted | Verdict::NotRun => WARN,
        Verdict::Passed => Style::new(),
    }
}
