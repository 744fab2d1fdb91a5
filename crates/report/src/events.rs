//! `events`: one line of JSON for each event, written as it happens; and the reader of these.

use std::io::{self, BufRead, Write};

use retake_model::RunEvent;

use crate::document::{DocumentError, Event, Header, VERSION};
use crate::reporter::{Again, Reporter};

/// The name of the events file in a run's folder.
pub const EVENTS_FILE: &str = "events.jsonl";

/// The format's name in the first line.
const FORMAT: &str = "events";

/// The longest line that is read, in bytes: a test with thousands of large differences.
const LONGEST_LINE: u64 = 256 << 20;

pub(crate) fn open(out: Box<dyn Write + Send>, _: Again) -> Box<dyn Reporter> {
    Box::new(Events { out, begun: false })
}

struct Events {
    out: Box<dyn Write + Send>,
    begun: bool,
}

impl Reporter for Events {
    fn on(&mut self, event: &RunEvent) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            self.line(&Event::Retake(Header {
                format: FORMAT.to_owned(),
                version: VERSION,
            }))?;
        }
        self.line(&Event::from(event))
    }
}

impl Events {
    /// A line is written at once and whole, so that a run that is killed leaves whole lines.
    fn line(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event).map_err(io::Error::other)?;
        line.push(b'\n');
        self.out.write_all(&line)?;
        self.out.flush()
    }
}

/// Why an event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The file could not be read.
    #[error("line {line}: the file could not be read")]
    Read {
        /// The line, from 1.
        line: usize,
        /// What the system says.
        source: io::Error,
    },
    /// The line is longer than any that is written.
    #[error("line {line}: longer than 256 MiB")]
    TooLong {
        /// The line, from 1.
        line: usize,
    },
    /// The line is no event.
    #[error("line {line}: not an event of a run")]
    NotAnEvent {
        /// The line, from 1.
        line: usize,
        /// Where it stops being one.
        source: serde_json::Error,
    },
    /// A part of the event has no meaning.
    #[error("line {line}")]
    Meaning {
        /// The line, from 1.
        line: usize,
        /// Which.
        source: DocumentError,
    },
    /// The file was written in a format that this version does not read.
    #[error(
        "the file has the format `{format}`, version {version}; this retake reads `events`, \
         version {VERSION} (hint: use the version of retake that wrote it, or replay again)"
    )]
    Format {
        /// The format that it names.
        format: String,
        /// Its version.
        version: u32,
    },
}

/// The events of a run's file, in the order in which they were written. Ends at the first error.
/// A last line that was cut off, as a killed run leaves it, is left out.
pub fn read_events(file: impl BufRead) -> impl Iterator<Item = Result<RunEvent, EventError>> {
    Reader {
        file,
        line: 0,
        done: false,
    }
}

struct Reader<R> {
    file: R,
    line: usize,
    done: bool,
}

impl<R: BufRead> Reader<R> {
    fn event(&mut self) -> Result<Option<RunEvent>, EventError> {
        loop {
            self.line += 1;
            let line = self.line;
            let mut text = Vec::new();
            io::Read::take(&mut self.file, LONGEST_LINE)
                .read_until(b'\n', &mut text)
                .map_err(|source| EventError::Read { line, source })?;
            if text.last() != Some(&b'\n') {
                return if text.len() as u64 == LONGEST_LINE {
                    Err(EventError::TooLong { line })
                } else {
                    Ok(None)
                };
            }
            let event: Event = serde_json::from_slice(&text)
                .map_err(|source| EventError::NotAnEvent { line, source })?;
            if let Event::Retake(header) = &event
                && (header.format != FORMAT || header.version != VERSION)
            {
                return Err(EventError::Format {
                    format: header.format.clone(),
                    version: header.version,
                });
            }
            let event = event
                .into_model()
                .map_err(|source| EventError::Meaning { line, source })?;
            if event.is_some() {
                return Ok(event);
            }
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<RunEvent, EventError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let event = self.event().transpose();
        self.done = !matches!(event, Some(Ok(_)));
        event
    }
}

#[cfg(test)]
mod tests;
