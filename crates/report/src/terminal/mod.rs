//! `terminal`: for people. Quiet where all is well; else the causes first, then the tests.

mod causes;
mod difference;
mod failing;
mod following;
pub(crate) mod style;
mod totals;

use std::io::Write;

use retake_model::{Difference, Place, TestResult};

use crate::collect::{AtEnd, Run};
use crate::reporter::{Again, Reporter};

/// How much is shown of a test that did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// What is its own cause; consequences in one line.
    Causes,
    /// Every consequence, too.
    Full,
}

pub(crate) fn open(out: Box<dyn Write + Send>, again: Again) -> Box<dyn Reporter> {
    with(out, Detail::Causes, again)
}

pub(crate) fn open_full(out: Box<dyn Write + Send>, again: Again) -> Box<dyn Reporter> {
    with(out, Detail::Full, again)
}

fn with(mut out: Box<dyn Write + Send>, detail: Detail, again: Again) -> Box<dyn Reporter> {
    Box::new(AtEnd::new(move |run| {
        if !run.is_empty() {
            out.write_all(render(run, detail, &again).as_bytes())?;
        }
        out.flush()
    }))
}

/// The whole report, with styles.
fn render(run: &Run, detail: Detail, again: &Again) -> String {
    let mut out = String::new();
    let numbers = causes::Numbers::new(run);
    causes::write(&mut out, run, detail);
    failing::write(&mut out, run, &numbers, detail);
    totals::write(&mut out, run, detail, again);
    out
}

/// A test's differences and notes without styles, for other reports.
pub(crate) fn plain_differences(result: &TestResult) -> String {
    let mut out = String::new();
    for difference in &result.differences {
        difference::write(&mut out, difference, None, "");
    }
    for note in &result.notes {
        out.push_str(&format!("note: {}\n", crate::printable::safe(note)));
    }
    anstream::adapter::strip_str(&out).to_string()
}

/// A difference without styles.
pub(crate) fn plain_difference(of: &Difference) -> String {
    let mut out = String::new();
    difference::write(&mut out, of, None, "");
    anstream::adapter::strip_str(&out).to_string()
}

/// A difference in one line without styles.
pub(crate) fn plain_title(difference: &Difference) -> String {
    let mut title = difference::title(difference);
    if let Place::Call { summary, .. } = &difference.place {
        title.push_str(&format!(" ({})", difference::one_line(summary)));
    }
    anstream::adapter::strip_str(&title).to_string()
}

#[cfg(test)]
mod tests;
