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

    /// The same for a command that reads or writes recordings.
    ///
    /// # Errors
    /// A file stands where their folder should be: retake's own program, for one, in the folder from
    /// which it is run.
    pub fn with_recordings(cli: &Cli) -> Result<Self, Failure> {
        let home = Home::new(cli);
        let root = home.store.root();
        if root.is_file() {
            let what = format!(
                "{} is a file, and not the folder of recordings",
                root.display()
            );
            return Err(Failure::usage(what).hint(
                "name another folder with --dir (or RETAKE_DIR), or move that file somewhere else",
            ));
        }
        Ok(home)
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn a_file_in_place_of_the_folder_is_said_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("retake");
        std::fs::write(&file, "a program").expect("written");
        let home = |dir: &std::path::Path| {
            let dir = dir.to_str().expect("text");
            Home::with_recordings(&Cli::parse_from(["retake", "--dir", dir, "lint"]))
        };
        let said = home(&file).expect_err("refused").to_string();
        assert!(
            said.contains("is a file") && said.contains("--dir"),
            "{said}"
        );
        assert!(home(folder.path()).is_ok());
        assert!(home(&folder.path().join("not-there-yet")).is_ok());
    }
}
