//! From the types on disk to memory.

use std::time::Duration;

use retake_model as model;

use super::DocumentError;
use super::types::{
    Cause, CausePart, Consequence, Counted, Difference, Event, Place, Service, Started, Summary,
    Test, TestDocument,
};
use super::value::from_json;
use super::write::{BLAMES, KINDS, VERDICTS};

impl Event {
    /// The event; none for the line that says what the file is.
    pub(crate) fn into_model(self) -> Result<Option<model::RunEvent>, DocumentError> {
        Ok(Some(match self {
            Event::Retake(_) => return Ok(None),
            Event::Started(started) => model::RunEvent::Started(started.into()),
            Event::Service(service) => model::RunEvent::Service(service.into()),
            Event::TestStarted(test) => model::RunEvent::TestStarted(test.into()),
            Event::TestFinished(result) => {
                model::RunEvent::TestFinished(Box::new((*result).try_into()?))
            }
            Event::Finished(summary) => model::RunEvent::Finished(Box::new((*summary).try_into()?)),
        }))
    }
}

impl From<Started> for model::RunStarted {
    fn from(started: Started) -> Self {
        model::RunStarted {
            run: started.run,
            sets: started.sets,
            tests: started.tests,
            at: model::Timestamp(started.at_ns),
            version: started.version,
            target: started.target,
        }
    }
}

impl From<Service> for model::ServiceEvent {
    fn from(service: Service) -> Self {
        match service {
            Service::Ready { after_ns } => model::ServiceEvent::Ready {
                after: Duration::from_nanos(after_ns),
            },
            Service::Failed { what, hint, output } => {
                model::ServiceEvent::Failed { what, hint, output }
            }
        }
    }
}

impl From<Test> for model::TestId {
    fn from(test: Test) -> Self {
        model::TestId {
            set: test.set.into(),
            name: test.name.into(),
        }
    }
}

impl TryFrom<TestDocument> for model::TestResult {
    type Error = DocumentError;

    fn try_from(document: TestDocument) -> Result<Self, DocumentError> {
        let verdict = VERDICTS
            .iter()
            .find(|verdict| verdict.name() == document.verdict)
            .ok_or_else(|| DocumentError::new("a verdict", &document.verdict))?;
        Ok(model::TestResult {
            test: model::TestId {
                set: document.set.into(),
                name: document.name.into(),
            },
            file: document.file,
            title: document.title,
            verdict: *verdict,
            differences: all(document.differences)?,
            hidden: document
                .hidden
                .into_iter()
                .map(|used| model::RuleUse {
                    rule: used.rule,
                    source: used.source,
                    hidden: used.hidden,
                })
                .collect(),
            by_kind: document.by_kind,
            by_distance: document.by_distance,
            calls_recorded: document.calls_recorded,
            calls_matched: document.calls_matched,
            took: Duration::from_nanos(document.took_ns),
            notes: document.notes,
        })
    }
}

impl TryFrom<Difference> for model::Difference {
    type Error = DocumentError;

    fn try_from(difference: Difference) -> Result<Self, DocumentError> {
        Ok(model::Difference {
            place: difference.place.try_into()?,
            kind: named(KINDS, &difference.kind, "a kind of difference")?,
            baseline: difference.baseline.as_deref().map(from_json).transpose()?,
            candidate: difference.candidate.as_deref().map(from_json).transpose()?,
            detail: difference.detail,
            blame: named(BLAMES, &difference.blame, "whose doing it is")?,
            follows: difference.follows,
            cause: number(&difference.cause)?,
        })
    }
}

impl TryFrom<Place> for model::Place {
    type Error = DocumentError;

    fn try_from(place: Place) -> Result<Self, DocumentError> {
        Ok(match place {
            Place::Response { path } => model::Place::Response(self::path(&path)?),
            Place::Call {
                to,
                index,
                summary,
                path,
            } => model::Place::Call {
                to,
                index,
                summary,
                path: self::path(&path)?,
            },
            Place::Service {} => model::Place::Service,
        })
    }
}

impl TryFrom<Summary> for model::RunSummary {
    type Error = DocumentError;

    fn try_from(summary: Summary) -> Result<Self, DocumentError> {
        Ok(model::RunSummary {
            passed: summary.passed,
            shifted: summary.shifted,
            not_run: summary.not_run,
            gaps: summary.gaps,
            changed: summary.changed,
            broken: summary.broken,
            causes: all(summary.causes)?,
            unused: counted(summary.unused),
            background: counted(summary.background),
            took: Duration::from_nanos(summary.took_ns),
            exit_code: summary.exit_code,
            notes: summary.notes,
        })
    }
}

impl TryFrom<Cause> for model::Cause {
    type Error = DocumentError;

    fn try_from(cause: Cause) -> Result<Self, DocumentError> {
        Ok(model::Cause {
            id: number(&cause.id)?,
            title: cause.title,
            tests: cause.tests.into_iter().map(Into::into).collect(),
            example: cause.example.try_into()?,
            parts: all(cause.parts)?,
            consequences: cause.consequences.into_iter().map(Into::into).collect(),
        })
    }
}

impl TryFrom<CausePart> for model::CausePart {
    type Error = DocumentError;

    fn try_from(part: CausePart) -> Result<Self, DocumentError> {
        Ok(model::CausePart {
            id: number(&part.id)?,
            title: part.title,
            tests: part.tests.into_iter().map(Into::into).collect(),
            example: part.example.try_into()?,
        })
    }
}

impl From<Consequence> for model::Consequence {
    fn from(consequence: Consequence) -> Self {
        model::Consequence {
            test: model::TestId {
                set: consequence.set.into(),
                name: consequence.name.into(),
            },
            of: consequence.of.into(),
            why: consequence.why,
        }
    }
}

fn all<D, M>(documents: Vec<D>) -> Result<Vec<M>, DocumentError>
where
    M: TryFrom<D, Error = DocumentError>,
{
    documents.into_iter().map(M::try_from).collect()
}

fn counted(calls: Vec<Counted>) -> Vec<(String, String, usize)> {
    calls
        .into_iter()
        .map(|call| (call.to, call.summary, call.count))
        .collect()
}

fn named<T: Copy>(
    all: &[(T, &str)],
    name: &str,
    expected: &'static str,
) -> Result<T, DocumentError> {
    all.iter()
        .find(|(_, own)| *own == name)
        .map(|(value, _)| *value)
        .ok_or_else(|| DocumentError::new(expected, name))
}

fn number(hex: &str) -> Result<u64, DocumentError> {
    u64::from_str_radix(hex, 16).map_err(|_| DocumentError::new("16 hex digits", hex))
}

fn path(text: &str) -> Result<model::Path, DocumentError> {
    model::Path::parse(text).map_err(|_| DocumentError::new("a path", text))
}
