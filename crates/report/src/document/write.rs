//! From memory to the types on disk.

use std::time::Duration;

use retake_model as model;

use super::types::{
    Cause, CausePart, Consequence, Counted, Difference, Event, Follows, Hidden, LedgerDocument,
    Place, Service, Started, Summary, Tally, Test, TestDocument,
};
use super::value::to_json;

impl From<&model::RunEvent> for Event {
    fn from(event: &model::RunEvent) -> Self {
        match event {
            model::RunEvent::Started(started) => Event::Started(started.into()),
            model::RunEvent::Service(service) => Event::Service(service.into()),
            model::RunEvent::TestStarted(test) => Event::TestStarted(test.into()),
            model::RunEvent::TestFinished(result) => {
                Event::TestFinished(Box::new(result.as_ref().into()))
            }
            model::RunEvent::Finished(summary) => {
                Event::Finished(Box::new(summary.as_ref().into()))
            }
        }
    }
}

impl From<&model::RunStarted> for Started {
    fn from(started: &model::RunStarted) -> Self {
        Started {
            run: started.run.clone(),
            sets: started.sets.clone(),
            tests: started.tests,
            at_ns: started.at.0,
            version: started.version.clone(),
            target: started.target.clone(),
        }
    }
}

impl From<&model::ServiceEvent> for Service {
    fn from(event: &model::ServiceEvent) -> Self {
        match event {
            model::ServiceEvent::Ready { after } => Service::Ready {
                after_ns: nanoseconds(*after),
            },
            model::ServiceEvent::Failed { what, hint, output } => Service::Failed {
                what: what.clone(),
                hint: hint.clone(),
                output: output.clone(),
            },
        }
    }
}

impl From<&model::TestId> for Test {
    fn from(test: &model::TestId) -> Self {
        Test {
            set: test.set.to_string(),
            name: test.name.to_string(),
        }
    }
}

impl From<&model::TestResult> for TestDocument {
    fn from(result: &model::TestResult) -> Self {
        TestDocument {
            set: result.test.set.to_string(),
            name: result.test.name.to_string(),
            file: result.file.clone(),
            title: result.title.clone(),
            verdict: result.verdict.name().to_owned(),
            follows: None,
            differences: result.differences.iter().map(Into::into).collect(),
            hidden: result.hidden.iter().map(Into::into).collect(),
            by_kind: result.by_kind,
            by_distance: result.by_distance,
            calls_recorded: result.calls_recorded,
            calls_matched: result.calls_matched,
            took_ns: nanoseconds(result.took),
            notes: result.notes.clone(),
        }
    }
}

impl From<&model::RuleUse> for Hidden {
    fn from(used: &model::RuleUse) -> Self {
        Hidden {
            rule: used.rule.clone(),
            source: used.source.clone(),
            hidden: used.hidden,
        }
    }
}

impl From<&model::Difference> for Difference {
    fn from(difference: &model::Difference) -> Self {
        Difference {
            place: (&difference.place).into(),
            kind: kind_name(difference.kind).to_owned(),
            baseline: difference.baseline.as_ref().map(to_json),
            candidate: difference.candidate.as_ref().map(to_json),
            detail: difference.detail.clone(),
            blame: blame_name(difference.blame).to_owned(),
            follows: difference.follows,
            cause: hex(difference.cause),
        }
    }
}

impl From<&model::Place> for Place {
    fn from(place: &model::Place) -> Self {
        match place {
            model::Place::Response(path) => Place::Response {
                path: path.to_string(),
            },
            model::Place::Call {
                to,
                index,
                summary,
                path,
            } => Place::Call {
                to: to.clone(),
                index: *index,
                summary: summary.clone(),
                path: path.to_string(),
            },
            model::Place::Service => Place::Service {},
        }
    }
}

impl From<&model::RunSummary> for Summary {
    fn from(summary: &model::RunSummary) -> Self {
        Summary {
            exit_code: summary.exit_code,
            passed: summary.passed,
            shifted: summary.shifted,
            not_run: summary.not_run,
            gaps: summary.gaps,
            changed: summary.changed,
            broken: summary.broken,
            causes: summary.causes.iter().map(Into::into).collect(),
            unused: counted(&summary.unused),
            background: counted(&summary.background),
            took_ns: nanoseconds(summary.took),
            notes: summary.notes.clone(),
        }
    }
}

impl From<&model::Cause> for Cause {
    fn from(cause: &model::Cause) -> Self {
        Cause {
            id: hex(cause.id),
            title: cause.title.clone(),
            tests: cause.tests.iter().map(Into::into).collect(),
            example: (&cause.example).into(),
            parts: cause.parts.iter().map(Into::into).collect(),
            consequences: cause.consequences.iter().map(Into::into).collect(),
        }
    }
}

impl From<&model::CausePart> for CausePart {
    fn from(part: &model::CausePart) -> Self {
        CausePart {
            id: hex(part.id),
            title: part.title.clone(),
            tests: part.tests.iter().map(Into::into).collect(),
            example: (&part.example).into(),
        }
    }
}

impl From<&model::Consequence> for Consequence {
    fn from(consequence: &model::Consequence) -> Self {
        Consequence {
            set: consequence.test.set.to_string(),
            name: consequence.test.name.to_string(),
            of: (&consequence.of).into(),
            why: consequence.why.clone(),
        }
    }
}

impl Follows {
    /// What a test follows from.
    pub(crate) fn new(cause: &model::Cause, consequence: &model::Consequence) -> Self {
        Follows {
            cause: hex(cause.id),
            of: (&consequence.of).into(),
            why: consequence.why.clone(),
        }
    }
}

impl<'l> From<&'l model::Ledger> for LedgerDocument<'l> {
    fn from(ledger: &'l model::Ledger) -> Self {
        LedgerDocument {
            complete: ledger.is_complete(),
            inbound: (&ledger.inbound).into(),
            outbound: ledger
                .outbound
                .iter()
                .map(|(name, tally)| (name.as_str(), tally.into()))
                .collect(),
            took_ns: ledger.took,
            notes: &ledger.notes,
        }
    }
}

impl<'l> From<&'l model::Tally> for Tally<'l> {
    fn from(tally: &'l model::Tally) -> Self {
        Tally {
            complete: tally.is_complete(),
            connections: tally.connections,
            opaque: &tally.opaque,
            bytes: tally.bytes,
            seen: tally.seen,
            kept: tally.kept,
            merged: tally.merged,
            sampled_out: &tally.sampled_out,
            dropped: &tally.dropped,
            undecodable: &tally.undecodable,
        }
    }
}

fn counted(calls: &[(String, String, usize)]) -> Vec<Counted> {
    calls
        .iter()
        .map(|(to, summary, count)| Counted {
            to: to.clone(),
            summary: summary.clone(),
            count: *count,
        })
        .collect()
}

/// Nanoseconds; 584 years at most.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn hex(number: u64) -> String {
    format!("{number:016x}")
}

/// Every kind of difference, with its name on disk.
pub(super) const KINDS: &[(model::DiffKind, &str)] = &[
    (model::DiffKind::Changed, "changed"),
    (model::DiffKind::TypeChanged, "type-changed"),
    (model::DiffKind::Added, "added"),
    (model::DiffKind::Removed, "removed"),
    (model::DiffKind::Reordered, "reordered"),
    (model::DiffKind::CallMissing, "call-missing"),
    (model::DiffKind::CallExtra, "call-extra"),
    (model::DiffKind::CallUnknown, "call-unknown"),
    (model::DiffKind::CallReordered, "call-reordered"),
    (model::DiffKind::Uncomparable, "uncomparable"),
    (model::DiffKind::NoResponse, "no-response"),
];

/// Everybody who may be to blame, with the name on disk.
pub(super) const BLAMES: &[(model::Blame, &str)] = &[
    (model::Blame::App, "app"),
    (model::Blame::Dependency, "dependency"),
    (model::Blame::Recording, "recording"),
    (model::Blame::Tool, "tool"),
];

/// Every verdict.
pub(super) const VERDICTS: &[model::Verdict] = &[
    model::Verdict::Passed,
    model::Verdict::Shifted,
    model::Verdict::NotRun,
    model::Verdict::Gap,
    model::Verdict::Changed,
    model::Verdict::Broken,
];

fn kind_name(kind: model::DiffKind) -> &'static str {
    let named = KINDS.iter().find(|(own, _)| *own == kind);
    named.map_or("uncomparable", |(_, name)| name)
}

fn blame_name(blame: model::Blame) -> &'static str {
    let named = BLAMES.iter().find(|(own, _)| *own == blame);
    named.map_or("tool", |(_, name)| name)
}
