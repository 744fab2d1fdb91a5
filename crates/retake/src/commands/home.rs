//! Where the settings and the recordings are.

use std::path::PathBuf;

use retake_runner::store;
use retake_store::{Settings, Store};

use crate::cli::Cli;
use crate::failure::{Failure, USAGE};

/// Where the settings and the recordings are.
#[derive(Debug)]
pub struct Home {
    /// The recordings.
    pub store: Store,
    settings: PathBuf,
}

impl Home {
    /// As the command line says.
    pub fn new(cli: &Cli) -> Self {
        Home {
            store: store(cli.dir.clone()),
            settings: cli.settings.clone(),
        }
    }

    /// The settings; the defaults where there is no file.
    ///
    /// # Errors
    /// The file is there and is not right.
    pub fn settings(&self) -> Result<Settings, Failure> {
        Settings::load(&self.settings, self.store.checks())
            .map(Option::unwrap_or_default)
            .map_err(|diagnostic| Failure::new(USAGE, anyhow::Error::new(*diagnostic)))
    }
}
