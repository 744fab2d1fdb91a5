//! Reports of a run: what happened, for people and for machines.
//!
//! A report is made of [`RunEvent`](retake_model::RunEvent)s alone. `events` writes them to a
//! file as they come, and [`read_events`] reads them back, so that every other report can be made
//! again from a finished run, byte for byte. Reports do not depend on the order in which tests
//! ended: they are sorted by name.
//!
//! A new report is one file here and one line in [`REPORTERS`].

mod collect;
mod document;
mod events;
mod json;
mod junit;
mod ledger;
mod printable;
mod reporter;
#[cfg(test)]
mod sample;
mod terminal;

pub use document::DocumentError;
pub use events::{EVENTS_FILE, EventError, read_events};
pub use ledger::{ledger_json, ledger_table};
pub use reporter::{Again, Format, REPORTERS, Reporter, open};
