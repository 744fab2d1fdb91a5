//! What every report does, and the list of all of them.

use std::io::{self, Write};

use retake_model::RunEvent;

use crate::{events, json, junit, terminal};

/// Every kind of report.
pub static REPORTERS: &[Format] = &[
    Format {
        name: "terminal",
        about: "for people; colours where the terminal has them",
        open: terminal::open,
    },
    Format {
        name: "full",
        about: "the terminal's, with everything that follows from a cause",
        open: terminal::open_full,
    },
    Format {
        name: "junit",
        about: "XML that CI systems read",
        open: junit::open,
    },
    Format {
        name: "json",
        about: "one document, described in docs/report.md",
        open: json::open,
    },
    Format {
        name: "events",
        about: "one line of JSON for each event, as it happens",
        open: events::open,
    },
];

/// A kind of report.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    open: Open,
}

type Open = fn(Box<dyn Write + Send>, Again) -> Box<dyn Reporter>;

/// How further commands are called, where a report names the next one.
#[derive(Debug, Clone)]
pub struct Again {
    /// The program and its options, ready for a shell: `retake`, `retake --dir shop`.
    pub retake: String,
    /// The run, ready for a shell; by default its name, which is that of its folder.
    pub run: Option<String>,
}

impl Default for Again {
    fn default() -> Self {
        Again {
            retake: "retake".to_owned(),
            run: None,
        }
    }
}

/// Writes a report.
pub trait Reporter: Send {
    /// Takes the next event. Most reports are written at [`RunEvent::Finished`].
    ///
    /// # Errors
    /// The report could not be written.
    fn on(&mut self, event: &RunEvent) -> io::Result<()>;

    /// Writes what is there of a run that has no end; nothing where the report is written.
    ///
    /// # Errors
    /// The report could not be written.
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reporter of that name which writes there; none where no report has that name. What it writes
/// to decides about colours: give `anstream`'s streams, which leave them out where the terminal or
/// `NO_COLOR` says so.
pub fn open(name: &str, out: Box<dyn Write + Send>, again: Again) -> Option<Box<dyn Reporter>> {
    let format = REPORTERS.iter().find(|format| format.name == name)?;
    Some((format.open)(out, again))
}
