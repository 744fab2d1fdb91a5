//! Recording a set.

use retake_model::{Mock, SetInfo, TestCase};

use crate::StoreError;

/// What becomes of what a set already holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteMode {
    /// It is replaced whole when the recording finishes.
    #[default]
    Replace,
    /// It stays; new tests join it at once.
    Append,
}

/// Writes one recording of a set. The set is locked as long as this lives.
#[derive(Debug)]
pub struct SetWriter {
    set: String,
}

impl SetWriter {
    /// The name of the set.
    pub fn set(&self) -> &str {
        &self.set
    }

    /// Names a test and writes it with its calls, as one file that is there whole or not at all;
    /// returns the name. `test.name` is not read.
    ///
    /// # Errors
    /// The disk is full, the folder was removed, …: the test is not there, the others are.
    pub fn write_test(&mut self, test: TestCase) -> Result<String, StoreError> {
        let _ = test;
        Err(StoreError::BadSetName(self.set.clone()))
    }

    /// Writes the calls that belong to no single test, in place of those written before.
    ///
    /// # Errors
    /// See [`SetWriter::write_test`].
    pub fn write_shared(&mut self, mocks: &[Mock]) -> Result<(), StoreError> {
        let _ = mocks;
        Err(StoreError::BadSetName(self.set.clone()))
    }

    /// Writes what is known of the recording so far. Rules that the set had are kept.
    ///
    /// # Errors
    /// See [`SetWriter::write_test`].
    pub fn write_info(&self, info: &SetInfo) -> Result<(), StoreError> {
        let _ = info;
        Err(StoreError::BadSetName(self.set.clone()))
    }

    /// Ends the recording: writes `info` and puts what was recorded in the place of what the set
    /// held before.
    ///
    /// # Errors
    /// See [`SetWriter::write_test`]. What the set held before is then still there.
    pub fn finish(self, info: &SetInfo) -> Result<(), StoreError> {
        self.write_info(info)
    }
}
