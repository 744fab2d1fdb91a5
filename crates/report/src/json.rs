//! `json`: one document, described in `docs/report.md`.

use std::io::{self, Write};

use serde::Serialize;

use crate::collect::{AtEnd, Run};
use crate::document::{Follows, Service, Started, Summary, TestDocument, VERSION};
use crate::reporter::{Again, Reporter};

/// The whole run.
#[derive(Debug, Serialize)]
struct Document {
    format: &'static str,
    version: u32,
    /// Whether the run ended.
    complete: bool,
    run: Option<Started>,
    summary: Option<Summary>,
    service: Vec<Service>,
    tests: Vec<TestDocument>,
}

pub(crate) fn open(mut out: Box<dyn Write + Send>, _: Again) -> Box<dyn Reporter> {
    Box::new(AtEnd::new(move |run| write(&mut out, run)))
}

fn write(out: &mut dyn Write, run: &Run) -> io::Result<()> {
    let consequences = run.consequences();
    let document = Document {
        format: "retake-report",
        version: VERSION,
        complete: run.summary.is_some(),
        run: run.started.as_ref().map(Into::into),
        summary: run.summary.as_ref().map(Into::into),
        service: run.service.iter().map(Into::into).collect(),
        tests: run
            .results
            .values()
            .map(|result| TestDocument {
                follows: consequences
                    .get(&result.test)
                    .map(|(cause, one)| Follows::new(cause, one)),
                ..result.into()
            })
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document).map_err(io::Error::other)?;
    out.write_all(b"\n")?;
    out.flush()
}

#[cfg(test)]
mod tests;
