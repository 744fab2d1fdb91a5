//! What is to be said of a test: its verdict, and whose doing each difference is.
//!
//! `docs/exit-codes.md` is the same in words. A red test means that the service changed; a gap
//! means that the recording cannot answer what the service asked.
//!
//! The first call that nothing answers is the cause of what comes after it: the service got an
//! error where the recording has an answer. Later calls and the response are its consequences;
//! they are listed, and carry its fingerprint.

mod another_kind;
mod calls;
mod explain;
mod frames;
mod gap;
mod order;
mod outside;
mod refusal;
mod renamed;
mod stale;
mod unread;
mod wrapped;

use std::time::Duration;

use retake_model::{
    Blame, DiffKind, Difference, Place, SOURCES, SetInfo, TestCase, TestId, TestResult, Value,
    Verdict,
};

use crate::diff::{Compared, fingerprint};
use crate::matching::CallsOutcome;
use crate::ordering::use_of;
use calls::Weight;
pub(crate) use explain::REFUSED;
pub(crate) use order::said_of_moved;
pub use outside::{gave_up, outside};
pub(crate) use refusal::{SAYS, got_worse, status_of};
pub(crate) use renamed::RENAMED;
pub(crate) use wrapped::{UNWRAPPED, WRAPPED};

/// What is known around a test when it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'s> {
    /// The file that holds the test.
    pub file: &'s str,
    /// How long the service took to answer.
    pub took: Duration,
    /// What was recorded, and what of it was lost.
    pub info: &'s SetInfo,
    /// The dependencies that are the real ones in this run.
    pub live: &'s [String],
    /// The dependencies that were asked until now and that no mock can answer for: they were
    /// relayed unread when it was recorded.
    pub unread: &'s [String],
    /// Whether the files that the command names are those of the recording.
    pub same_build: bool,
}

/// Judges a test by its response and its calls.
pub fn judge(
    test: &TestCase,
    id: &TestId,
    compared: Compared,
    calls: &CallsOutcome,
    setting: &Setting<'_>,
) -> TestResult {
    let mut found = calls::differences(test, id, calls, setting.info);
    // Differences of calls that were answered stand for themselves.
    let is_response = |difference: &Difference| matches!(difference.place, Place::Response(_));
    let (mut differences, of_calls): (Vec<_>, Vec<_>) =
        compared.differences.into_iter().partition(is_response);
    differences.iter_mut().for_each(explain::say_at_random);
    let unanswered = unread::cause(
        calls,
        &found,
        !differences.is_empty(),
        !of_calls.is_empty(),
        setting,
    );
    let of_the_unread = unanswered.as_ref().map(|(_, first)| first);
    if let Some(first) = of_the_unread.or(found.first_unknown.as_ref()) {
        let calls = found.differences.iter_mut();
        let calls = calls.filter(|_| of_the_unread.is_some());
        for difference in differences.iter_mut().chain(calls) {
            difference.cause = first.cause;
            difference.blame = first.blame;
            follow_call(difference, first);
        }
    } else {
        wrapped::gather(&mut differences);
        renamed::gather(&mut differences);
        another_kind::gather(&mut differences);
        stale::gather(test, calls, &mut differences, &found.differences);
        refusal::gather(&test.request, &mut differences, &mut found.differences);
    }
    let verdict = match (&found.first_unknown, found.weight) {
        // Who was not answered by a dependency may well answer otherwise itself.
        _ if unanswered.is_some() => Verdict::Gap,
        (_, Weight::Changed) => Verdict::Changed,
        _ if !of_calls.is_empty() => Verdict::Changed,
        (Some(first), _) if first.blame == Blame::Recording => Verdict::Gap,
        _ if !differences.is_empty() => Verdict::Changed,
        (_, Weight::Gap) => Verdict::Gap,
        (_, Weight::Shifted) => Verdict::Shifted,
        (_, Weight::None) => Verdict::Passed,
    };
    let mut result = blank(test, id, verdict, calls, setting);
    if let Some((difference, _)) = unanswered {
        differences.push(difference);
    }
    differences.extend(of_calls);
    differences.extend(found.differences);
    result.differences = differences;
    result.notes.extend(compared.notes);
    result.notes.extend(found.notes);
    if verdict == Verdict::Changed {
        result.notes.extend(live_note(test, setting));
        result
            .notes
            .extend(same_build_note(&result, calls, setting));
    }
    result.hidden = compared.hidden;
    result.hidden.extend(use_of("calls", calls.sorted as u64));
    result.by_distance = compared.by_distance;
    result.by_kind = compared.by_kind + calls.matched.iter().map(|m| m.by_kind).sum::<u64>();
    result
}

/// The result of a test whose request got no response: `what` happened, in one sentence.
pub fn unanswered(
    test: &TestCase,
    id: &TestId,
    what: &str,
    calls: &CallsOutcome,
    setting: &Setting<'_>,
) -> TestResult {
    let mut found = calls::differences(test, id, calls, setting.info);
    let mut difference = Difference {
        place: Place::Service,
        kind: DiffKind::NoResponse,
        baseline: None,
        candidate: None,
        detail: Some(what.to_owned()),
        blame: Blame::App,
        follows: false,
        cause: fingerprint(&Place::Service, DiffKind::NoResponse, None, None),
    };
    if let Some(first) = &found.first_unknown {
        difference.cause = first.cause;
        follow_call(&mut difference, first);
    } else {
        // A service that is gone, or hangs, makes no more calls.
        for call in &mut found.differences {
            call.cause = difference.cause;
            call.follows = true;
        }
    }
    let mut result = blank(test, id, Verdict::Broken, calls, setting);
    result.notes = found.notes;
    result.differences.push(difference);
    result.differences.extend(found.differences);
    result
}

/// The result of a test that was not run.
pub fn not_run(test: &TestCase, id: &TestId, why: &str, setting: &Setting<'_>) -> TestResult {
    TestResult {
        test: id.clone(),
        file: setting.file.to_owned(),
        title: title(&test.request),
        verdict: Verdict::NotRun,
        differences: Vec::new(),
        hidden: Vec::new(),
        by_kind: 0,
        by_distance: 0,
        calls_recorded: test.calls.len(),
        calls_matched: 0,
        took: Duration::ZERO,
        notes: vec![why.to_owned()],
    }
}

fn blank(
    test: &TestCase,
    id: &TestId,
    verdict: Verdict,
    calls: &CallsOutcome,
    setting: &Setting<'_>,
) -> TestResult {
    TestResult {
        verdict,
        calls_recorded: calls.recorded,
        calls_matched: calls.matched.len(),
        took: setting.took,
        notes: Vec::new(),
        ..not_run(test, id, "", setting)
    }
}

/// What was sent, in one line.
fn title(request: &Value) -> String {
    let field = |name| request.get(name).and_then(Value::as_str);
    match (field("method"), field("path")) {
        (Some(method), Some(path)) => format!("{method} {path}"),
        _ => "request".to_owned(),
    }
}

/// Says that a difference is a consequence of a call without an answer.
fn follow_call(difference: &mut Difference, first: &calls::FirstUnknown) {
    follow(difference, &format!("the unanswered call to {}", first.to));
}

/// Says that a difference is a consequence.
fn follow(difference: &mut Difference, of: &str) {
    difference.follows = true;
    let note = format!("follows from {of}");
    difference.detail = Some(match difference.detail.take() {
        Some(detail) => format!("{note}\n{detail}"),
        None => note,
    });
}

/// What explains another response of the same build that asked the same and was answered the same.
fn same_build_note(
    result: &TestResult,
    calls: &CallsOutcome,
    setting: &Setting<'_>,
) -> Option<String> {
    let of_response = |d: &Difference| matches!(d.place, Place::Response(_));
    let only_response = result.differences.iter().all(of_response);
    let as_recorded = calls.unknown.is_empty() && calls.overflow == 0 && setting.live.is_empty();
    if !(setting.same_build && only_response && as_recorded) {
        return None;
    }
    let files: Vec<&str> = setting.info.build.keys().map(|word| called(word)).collect();
    let rule = match result.differences.as_slice() {
        [only] => rule_of(only),
        _ => String::new(),
    };
    Some(format!(
        "perhaps no change of the service: {} {} what was recorded, byte for byte, and every call was \
         made and answered as recorded. Unless a module that is loaded beside or a setting changed, \
         the service keeps state outside of its dependencies (in memory, in files), or answers with a \
         clock or at random (hint: begin the replay with the state that the recording began with, or \
         hide the place by a rule{rule})",
        files.join(" and "),
        if matches!(files.as_slice(), [only] if *only != THE_SOURCES) {
            "is"
        } else {
            "are"
        },
    ))
}

/// The sources of a service in a note.
const THE_SOURCES: &str = "the source files below its folder";

/// How a part of a build is called.
fn called(word: &str) -> &str {
    if word == SOURCES { THE_SOURCES } else { word }
}

/// The rule that hides a difference, as it is written.
fn rule_of(difference: &Difference) -> String {
    let action = match difference.kind {
        DiffKind::Reordered => "unordered",
        DiffKind::Changed => "type",
        _ => "ignore",
    };
    let place = difference.place.to_string().replace('\'', "''");
    format!(": rules: [{{path: '{place}', {action}: true}}]")
}

fn live_note(test: &TestCase, setting: &Setting<'_>) -> Option<String> {
    let mut live: Vec<&str> = setting
        .live
        .iter()
        .map(String::as_str)
        .filter(|name| test.calls.iter().any(|call| *call.to == **name))
        .collect();
    live.dedup();
    (!live.is_empty()).then(|| {
        format!(
            "{} was live in this run: its data may explain the difference",
            live.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
