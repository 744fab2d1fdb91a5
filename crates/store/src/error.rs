//! Why something could not be read or written.

use std::io;
use std::path::PathBuf;

use crate::Diagnostic;

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("failed to {action} {path}", path = path.display())]
    Io {
        /// What was tried: `write`, `read`, `rename`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A file does not have the form that it should have.
    #[error("{diagnostic}{}", more(*others))]
    Invalid {
        /// The first thing that is wrong.
        diagnostic: Box<Diagnostic>,
        /// How many other files of the set are wrong as well.
        others: usize,
    },
    /// There is no such set.
    #[error("test set `{name}` not found in {} ({})", root.display(), known_sets(known))]
    NoSuchSet {
        /// The name that was asked for.
        name: String,
        /// The folder that was looked in.
        root: PathBuf,
        /// The sets that are there.
        known: Vec<String>,
    },
    /// Somebody else records into the set.
    #[error(
        "test set `{0}` is being recorded by another process; hint: wait for it to end, or record with another `--set`"
    )]
    Locked(String),
    /// A name that is no name of a set.
    #[error(
        "`{0}` cannot be the name of a test set; hint: use at most 100 letters, digits, `-`, `_` and `.`, beginning with a letter or digit"
    )]
    BadSetName(String),
    /// Something that cannot be written.
    #[error("cannot write {what}: {why}")]
    Unwritable {
        /// The test or call.
        what: String,
        /// Why not.
        why: String,
    },
}

impl StoreError {
    /// An error of the file system, to be used with `map_err`.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| StoreError::Io {
            action,
            path,
            source,
        }
    }

    /// The next step, where the file system refused for a reason that the user can do something
    /// about.
    pub fn hint(&self) -> Option<&'static str> {
        let StoreError::Io { source, .. } = self else {
            return None;
        };
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(
                "it belongs to another user, or its folder cannot be written: change that, or use \
                 another folder with --dir",
            ),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("free some space, or use another folder with --dir")
            }
            _ => None,
        }
    }

    /// The diagnostic, where a file is at fault.
    pub fn diagnostic(&self) -> Option<&Diagnostic> {
        match self {
            StoreError::Invalid { diagnostic, .. } => Some(diagnostic),
            _ => None,
        }
    }
}

impl From<Diagnostic> for StoreError {
    fn from(diagnostic: Diagnostic) -> Self {
        StoreError::Invalid {
            diagnostic: Box::new(diagnostic),
            others: 0,
        }
    }
}

fn more(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " (and one other file; run `retake lint`)".to_owned(),
        n => format!(" (and {n} other files; run `retake lint`)"),
    }
}

fn known_sets(known: &[String]) -> String {
    if known.is_empty() {
        "nothing was recorded there; hint: run `retake record`".to_owned()
    } else {
        format!("known sets: {}", known.join(", "))
    }
}
