//! `retake report`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;

use super::Home;
use super::again::again;
use super::replay::find_run;
use crate::cli::ReportArgs;
use crate::failure::Failure;
use crate::output;

/// Shows a finished run; gives 0.
///
/// # Errors
/// There is no such run, or its file cannot be read.
pub fn report(home: &Home, args: &ReportArgs) -> Result<u8, Failure> {
    let folder = find_run(&home.store, args.run.as_deref())?;
    let path = folder.join(retake_report::EVENTS_FILE);
    let what = || format!("failed to read {}", path.display());
    let events = BufReader::new(File::open(&path).with_context(what)?);
    let own = args
        .run
        .as_deref()
        .map(Path::new)
        .filter(|run| run.is_dir());
    let again = again(&home.store, own);
    let reporter = retake_report::open(args.format.name(), output::stdout(), again);
    let mut reporter = reporter.context("this form of report is not known")?;
    for event in retake_report::read_events(events) {
        reporter.on(&event.with_context(what)?)?;
    }
    reporter.end()?;
    Ok(0)
}
