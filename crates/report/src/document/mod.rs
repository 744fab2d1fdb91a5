//! What a run says as JSON: the types on disk, apart from those in memory.
//!
//! Described for readers in `docs/report.md`. Fields may join; their meaning does not change
//! within a version.

mod read;
mod types;
mod value;
mod write;

pub(crate) use types::{
    Event, Follows, Header, LedgerDocument, Service, Started, Summary, TestDocument, VERSION,
};

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct DocumentError {
    /// What would have been right.
    pub expected: &'static str,
    /// What is there, cut to 80 characters.
    pub found: String,
}

impl DocumentError {
    fn new(expected: &'static str, found: &str) -> Self {
        DocumentError {
            expected,
            found: found.chars().take(80).collect(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
