//! Where the settings and the recordings are.

use std::path::PathBuf;

use retake_store::{Settings, Store};
use retake_wire::PROTOCOLS;

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
        Settings::load(&self.settings)
            .map(Option::unwrap_or_default)
            .map_err(|diagnostic| Failure::new(USAGE, anyhow::Error::new(*diagnostic)))
    }
}

/// The store in that folder, which knows this build's protocols.
pub fn store(folder: PathBuf) -> Store {
    let protocols: Vec<_> = PROTOCOLS.iter().map(|p| p.id()).collect();
    Store::new(folder).with_protocols(&protocols)
}
