//! The tests that are red because an earlier one is.

use std::collections::HashSet;
use std::fmt::Write;

use retake_model::TestResult;

use super::Detail;
use super::causes::Numbers;
use super::difference;
use super::failing::{head, style, with_differences};
use super::style::{DIM, HEAD, NUMBER};
use crate::printable::{count, safe};

/// The most tests that have a line.
const SHOWN: usize = 20;

/// Writes the tests that show nothing but what follows from another one: a line each, or with all
/// of their differences.
pub(super) fn write(
    out: &mut String,
    following: &[&TestResult],
    numbers: &Numbers<'_>,
    detail: Detail,
) {
    if following.is_empty() {
        return;
    }
    let (follow, them) = match following.len() {
        1 => ("follows", "that one is"),
        _ => ("follow", "those are"),
    };
    let _ = writeln!(
        out,
        "{HEAD}{} {follow} from these causes{HEAD:#}{DIM}; look again when {them} settled{DIM:#}",
        count(following.len(), "test"),
    );
    match detail {
        Detail::Full => {
            out.push('\n');
            for result in following {
                whole(out, result, numbers);
            }
        }
        Detail::Causes => {
            for result in following.iter().take(SHOWN) {
                in_a_line(out, result, numbers);
            }
            if let Some(more @ 1..) = following.len().checked_sub(SHOWN) {
                let _ = writeln!(out, "   {DIM}and {}{DIM:#}", count(more, "more test"));
            }
            out.push('\n');
        }
    }
}

fn in_a_line(out: &mut String, result: &TestResult, numbers: &Numbers<'_>) {
    let number = numbers
        .follows(&result.test)
        .map_or(0, |(number, _)| number);
    let style = style(result.verdict);
    let shown = result.differences.iter().find(|d| !d.follows);
    let shown = shown.map(difference::in_a_few_words).unwrap_or_default();
    let _ = writeln!(
        out,
        "   {NUMBER}[{number}]{NUMBER:#} {style}{}{style:#} {}  {DIM}{shown}{DIM:#}",
        result.verdict.name(),
        safe(&result.test.to_string()),
    );
}

fn whole(out: &mut String, result: &TestResult, numbers: &Numbers<'_>) {
    head(out, result);
    if let Some((number, consequence)) = numbers.follows(&result.test) {
        let _ = writeln!(
            out,
            "   follows from {NUMBER}[{number}]{NUMBER:#}: it {}",
            safe(&consequence.why)
        );
    }
    with_differences(out, result, numbers, &mut HashSet::new(), Detail::Full);
    for note in &result.notes {
        let _ = writeln!(out, "   {DIM}note:{DIM:#} {}", safe(note));
    }
    out.push('\n');
}
