//! The end of the report: what was counted, what the exit code means, what to do next.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use retake_model::{RunSummary, ServiceEvent, TestResult, Verdict};

use super::Detail;
use super::style::{BAD, DIM, GOOD, HEAD, WARN};
use crate::collect::Run;
use crate::printable::{count, safe, safe_cut, thousands};
use crate::reporter::Again;

/// The most lines of a list of calls.
const SHOWN_CALLS: usize = 5;

/// The most lines of the service's last output.
const SHOWN_OUTPUT: usize = 40;

/// The most lines of it where what it ended of is known.
const SHOWN_SHORT: usize = 8;

/// Writes the totals.
pub(super) fn write(out: &mut String, run: &Run, detail: Detail, again: &Again) {
    service(out, run, detail);
    not_run(out, run);
    hidden(out, run);
    let Some(summary) = &run.summary else {
        let _ = writeln!(
            out,
            "{BAD}the run did not end{BAD:#}: {} of {} had a result",
            run.results.len(),
            count(run.started.as_ref().map_or(0, |s| s.tests), "test"),
        );
        return;
    };
    let has_run = |result: &TestResult| result.verdict != Verdict::NotRun;
    if run.results.is_empty() || run.results.values().any(has_run) {
        calls(out, "mocks that nothing asked for", &summary.unused);
    }
    calls(
        out,
        "background calls that were answered",
        &summary.background,
    );
    for note in &summary.notes {
        let _ = writeln!(out, "{DIM}note:{DIM:#} {}", safe(note));
    }
    let _ = writeln!(out, "{}", tally(run, summary));
    exit(out, run, summary, again);
}

/// Whether it is known why a service that did not start did not.
fn has_cause(run: &Run) -> bool {
    let causes = run.summary.iter().flat_map(|summary| &summary.causes);
    causes.into_iter().any(|cause| cause.tests.is_empty())
}

/// What happened to the service.
fn service(out: &mut String, run: &Run, detail: Detail) {
    for event in &run.service {
        let ServiceEvent::Failed { what, hint, output } = event else {
            continue;
        };
        let _ = writeln!(out, "{BAD}the service failed{BAD:#}: {}", safe(what));
        if !hint.is_empty() {
            let _ = writeln!(out, "   {HEAD}hint:{HEAD:#} {}", safe(hint));
        }
        let lines: Vec<&str> = output.lines().collect();
        let most = match detail {
            Detail::Causes if has_cause(run) => SHOWN_SHORT,
            _ => SHOWN_OUTPUT,
        };
        let from = lines.len().saturating_sub(most);
        if !lines.is_empty() {
            let of = match from {
                0 => String::new(),
                _ => format!(" (the end of {})", count(lines.len(), "line")),
            };
            let _ = writeln!(out, "   its last output{of}:");
        }
        for line in lines.iter().skip(from) {
            let _ = writeln!(out, "   {DIM}|{DIM:#} {}", safe_cut(line, 400));
        }
        out.push('\n');
    }
}

/// The tests that were not run, by their reason.
fn not_run(out: &mut String, run: &Run) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for result in run.results.values() {
        if result.verdict == Verdict::NotRun {
            let reason = result
                .notes
                .first()
                .map_or("no reason told", String::as_str);
            *reasons.entry(reason).or_default() += 1;
        }
    }
    for (reason, number) in &reasons {
        let number = count(*number, "test");
        let _ = writeln!(out, "{WARN}not run{WARN:#} {number}: {}", safe(reason));
    }
    if !reasons.is_empty() {
        out.push('\n');
    }
}

/// What was compared by kind and what rules hid: no rule hides anything in silence.
fn hidden(out: &mut String, run: &Run) {
    let by_kind: u64 = run.results.values().map(|result| result.by_kind).sum();
    let mut rules: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for used in run.results.values().flat_map(|result| &result.hidden) {
        *rules.entry((&used.source, &used.rule)).or_default() += used.hidden;
    }
    let by_distance: u64 = run.results.values().map(|result| result.by_distance).sum();
    if by_kind > 0 {
        let moments = match by_distance {
            0 => String::new(),
            1 => ", one of them a moment by its distance from the request".to_owned(),
            number => format!(
                ", {} of them moments by their distance from the request",
                thousands(number)
            ),
        };
        let _ = writeln!(
            out,
            "{DIM}compared by kind, because the service makes them:{DIM:#} {} value{}{moments}",
            thousands(by_kind),
            if by_kind == 1 { "" } else { "s" },
        );
    }
    let (built_in, own): (Vec<_>, Vec<_>) = rules
        .into_iter()
        .partition(|((source, _), _)| source.starts_with("built in"));
    if !built_in.is_empty() {
        let list: Vec<String> = built_in
            .iter()
            .map(|((_, rule), hidden)| format!("{} {}", safe(rule), thousands(*hidden)))
            .collect();
        let _ = writeln!(out, "{DIM}hidden, built in:{DIM:#} {}", list.join(", "));
    }
    for ((source, rule), hidden) in own {
        let _ = writeln!(
            out,
            "{DIM}hidden by the rule at{DIM:#} {}{DIM}:{DIM:#} {} {}",
            safe(source),
            safe(rule),
            thousands(hidden)
        );
    }
}

fn calls(out: &mut String, what: &str, calls: &[(String, String, usize)]) {
    if calls.is_empty() {
        return;
    }
    let all = calls.iter().map(|(_, _, number)| *number).sum::<usize>();
    let _ = writeln!(out, "{DIM}{what}:{DIM:#} {}", thousands(all as u64));
    for (to, summary, number) in calls.iter().take(SHOWN_CALLS) {
        let words: Vec<&str> = summary.split_whitespace().collect();
        let _ = writeln!(
            out,
            "   {DIM}{}× {}{DIM:#} {}",
            thousands(*number as u64),
            safe(to),
            safe_cut(&words.join(" "), 100)
        );
    }
    if calls.len() > SHOWN_CALLS {
        let _ = writeln!(out, "   {DIM}and {} more{DIM:#}", calls.len() - SHOWN_CALLS);
    }
}

/// `14 tests: 10 passed, 1 shifted, 2 changed, 1 gap in 1.2 s`
fn tally(run: &Run, summary: &RunSummary) -> String {
    let all = [
        (Verdict::Passed, summary.passed, GOOD),
        (Verdict::Shifted, summary.shifted, WARN),
        (Verdict::Changed, summary.changed, BAD),
        (Verdict::Gap, summary.gaps, WARN),
        (Verdict::Broken, summary.broken, BAD),
        (Verdict::NotRun, summary.not_run, WARN),
    ];
    let parts: Vec<String> = all
        .into_iter()
        .filter(|(verdict, number, _)| *number > 0 || *verdict == Verdict::Passed)
        .map(|(verdict, number, style)| {
            let style = if number > 0 { style } else { DIM };
            format!(
                "{style}{} {}{style:#}",
                thousands(number as u64),
                word(verdict)
            )
        })
        .collect();
    let of = run.started.as_ref().map_or(run.results.len(), |s| s.tests);
    format!(
        "{HEAD}{}{HEAD:#}: {} {DIM}in {}{DIM:#}",
        count(of, "test"),
        parts.join(", "),
        seconds(summary.took)
    )
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotRun => "not run",
        other => other.name(),
    }
}

/// What the exit code means, and the next command.
fn exit(out: &mut String, run: &Run, summary: &RunSummary, again: &Again) {
    let meaning = match summary.exit_code {
        0 => return,
        1 => "the service changed",
        3 if summary.not_run > 0 => {
            "the recording cannot answer what the service asked at its start"
        }
        3 => "the recording cannot answer what the service asked",
        4 => "the surroundings failed, or not every test ran",
        _ => "the run could not be made",
    };
    let _ = writeln!(out, "{BAD}exit {}{BAD:#}: {meaning}", summary.exit_code);
    let Some(started) = &run.started else {
        return;
    };
    let retake = safe(&again.retake);
    let next = match summary.exit_code {
        3 => {
            let set = started.sets.first().map_or("", String::as_str);
            format!("{retake} record --set {} …", safe(set))
        }
        _ => {
            let run = again.run.as_ref().unwrap_or(&started.run);
            format!("{retake} report {} --format full", safe(run))
        }
    };
    let why = match summary.exit_code {
        3 => "to record again",
        _ => "for every difference",
    };
    let _ = writeln!(out, "{DIM}next:{DIM:#} {next}  {DIM}{why}{DIM:#}");
}

/// A duration as people say it: `350 ms`, `1.2 s`, `3 min 20 s`.
fn seconds(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms < 1_000 {
        format!("{ms} ms")
    } else if ms < 120_000 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {} s", ms / 60_000, ms / 1_000 % 60)
    }
}
