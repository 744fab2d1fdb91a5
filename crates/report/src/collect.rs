//! A run, collected from its events.

use std::collections::{BTreeMap, HashMap};
use std::io;

use retake_model::{
    Cause, Consequence, RunEvent, RunStarted, RunSummary, ServiceEvent, TestId, TestResult,
};

use crate::Reporter;

/// Everything that a run said, tests sorted by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    pub(crate) started: Option<RunStarted>,
    pub(crate) service: Vec<ServiceEvent>,
    pub(crate) results: BTreeMap<TestId, TestResult>,
    /// None where the run did not end.
    pub(crate) summary: Option<RunSummary>,
}

impl Run {
    /// Whether the run never began: what was wrong is said elsewhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.started.is_none() && self.results.is_empty() && self.summary.is_none()
    }

    /// The tests that are red because an earlier one is, each with the cause of that.
    pub(crate) fn consequences(&self) -> HashMap<&TestId, (&Cause, &Consequence)> {
        let causes = self.summary.iter().flat_map(|summary| &summary.causes);
        causes
            .flat_map(|cause| cause.consequences.iter().map(move |one| (cause, one)))
            .map(|(cause, one)| (&one.test, (cause, one)))
            .collect()
    }

    fn take(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Started(started) => self.started = Some(started.clone()),
            RunEvent::Service(event) => self.service.push(event.clone()),
            RunEvent::TestStarted(_) => {}
            RunEvent::TestFinished(result) => {
                self.results.insert(result.test.clone(), (**result).clone());
            }
            RunEvent::Finished(summary) => self.summary = Some((**summary).clone()),
        }
    }
}

/// A reporter that writes once, when everything is known.
pub(crate) struct AtEnd<W> {
    run: Run,
    write: W,
    done: bool,
}

impl<W: FnMut(&Run) -> io::Result<()> + Send> AtEnd<W> {
    pub(crate) fn new(write: W) -> Self {
        AtEnd {
            run: Run::default(),
            write,
            done: false,
        }
    }
}

impl<W: FnMut(&Run) -> io::Result<()> + Send> Reporter for AtEnd<W> {
    fn on(&mut self, event: &RunEvent) -> io::Result<()> {
        self.run.take(event);
        match event {
            RunEvent::Finished(_) => self.end(),
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(());
        }
        (self.write)(&self.run)
    }
}
