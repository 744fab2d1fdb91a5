//! The `retake` folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use retake_model::{ProtocolId, TestSet};

use crate::load::SetFolder;
use crate::names::check_set_name;
use crate::{Checks, SetWriter, StoreError, WriteMode, disk};

/// A `retake` folder: test sets and the results of runs. Nothing is created before it is written.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    protocols: Option<Vec<ProtocolId>>,
    checks: Checks,
}

impl Store {
    /// The store in that folder, which need not exist. Any name is taken for a protocol's until
    /// [`Store::with_protocols`] says which ones there are.
    pub fn new(root: impl Into<PathBuf>) -> Store {
        Store {
            root: root.into(),
            protocols: None,
            checks: Checks::default(),
        }
    }

    /// The same store, in which only these protocols are known; any other name in a file is an
    /// error.
    #[must_use]
    pub fn with_protocols(mut self, protocols: &[ProtocolId]) -> Store {
        self.protocols = Some(protocols.to_vec());
        self
    }

    /// The same store, which refuses what these say cannot be used.
    #[must_use]
    pub fn with_checks(mut self, checks: Checks) -> Store {
        self.checks = checks;
        self
    }

    /// What those say who use what is read here.
    pub fn checks(&self) -> &Checks {
        &self.checks
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
        let mut sets = disk::names_in(&self.root)?;
        // A set whose replacement was cut off between two renames is there under another name.
        for hidden in self.hidden_sets() {
            if !sets.contains(&hidden) {
                sets.push(hidden);
            }
        }
        sets.retain(|name| check_set_name(name).is_ok() && self.set_folder(name).is_some());
        sets.sort();
        Ok(sets)
    }

    /// Reads a set; its files are parsed on all cores.
    ///
    /// # Errors
    /// There is no such set, or a file cannot be read, or does not have the form of the format.
    pub fn load(&self, set: &str) -> Result<TestSet, StoreError> {
        check_set_name(set)?;
        let Some(path) = self.set_folder(set) else {
            return Err(StoreError::NoSuchSet {
                name: set.to_owned(),
                root: self.root.clone(),
                known: self.sets().unwrap_or_default(),
            });
        };
        self.folder(set, path)?.load(set)
    }

    /// Begins to record a set, and locks it until the writer is dropped. What the set holds stays
    /// as it is until [`SetWriter::finish`], and is then replaced whole; names of tests, and rules
    /// of the set and of its tests, are kept where the same request was recorded before.
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
        check_set_name(set)?;
        SetWriter::open(self, set, mode)
    }

    /// The names of the runs, oldest first (by name).
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn runs(&self) -> Result<Vec<String>, StoreError> {
        disk::names_in(&self.root.join("runs"))
    }

    /// The folder of a run, which need not exist.
    pub fn run_dir(&self, run: &str) -> PathBuf {
        self.root.join("runs").join(run)
    }

    /// The file of a test, as reports name it: `retake/<set>/tests/<name>.yaml`.
    pub fn test_file(&self, set: &str, name: &str) -> PathBuf {
        self.root
            .join(set)
            .join("tests")
            .join(format!("{name}.yaml"))
    }

    /// Where the set is: in its place, or, where its replacement was cut off, beside it.
    fn set_folder(&self, set: &str) -> Option<PathBuf> {
        let places = [
            self.root.join(set),
            staged_path(&self.root, set),
            old_path(&self.root, set),
        ];
        let is_set = |path: &PathBuf| {
            path.join("set.yaml").exists()
                || path.join("tests").exists()
                || path.join("startup.yaml").exists()
        };
        let [place, staged, old] = places;
        if is_set(&place) {
            return Some(place);
        }
        // `.new` alone is complete only once `.old` says that the exchange had begun.
        if old.exists() {
            return [staged, old].into_iter().find(is_set);
        }
        None
    }

    /// The sets that stand aside under a hidden name.
    fn hidden_sets(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let names = names.filter_map(|name| {
            let set = name.strip_prefix('.')?.strip_suffix(".old")?;
            Some(set.to_owned())
        });
        names.collect()
    }

    /// The folder of a set, where it is safe to read it: it lies below the store's own.
    pub(crate) fn folder(&self, set: &str, path: PathBuf) -> Result<SetFolder<'_>, StoreError> {
        for below in ["", "tests", "blobs"] {
            let path = path.join(below);
            if path.exists() {
                let out = disk::leads_out(&self.root, &path);
                if out.map_err(StoreError::io("read", &path))? {
                    let what = "it is a link that leads out of the store's folder";
                    return Err(StoreError::io("read", path)(std::io::Error::other(what)));
                }
            }
        }
        Ok(SetFolder {
            store: self,
            path,
            shown: self.root.join(set),
            named: None,
        })
    }

    /// The protocol of that name.
    pub(crate) fn protocol(&self, name: &str) -> Option<ProtocolId> {
        match &self.protocols {
            Some(known) => known.iter().copied().find(|protocol| protocol.0 == name),
            None => intern(name),
        }
    }

    /// The names of the known protocols.
    pub(crate) fn protocol_names(&self) -> Vec<&'static str> {
        let known = self.protocols.as_deref().unwrap_or_default();
        known.iter().map(|protocol| protocol.0).collect()
    }
}

/// Where a set is written that will replace another.
pub(crate) fn staged_path(root: &Path, set: &str) -> PathBuf {
    root.join(format!(".{set}.new"))
}

/// Where a set is put that is being replaced.
pub(crate) fn old_path(root: &Path, set: &str) -> PathBuf {
    root.join(format!(".{set}.old"))
}

/// A protocol of any name, for stores that were not told which ones there are. At most 256
/// names of at most 32 letters are ever kept.
fn intern(name: &str) -> Option<ProtocolId> {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let good = (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let mut names = NAMES
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Some(ProtocolId(known));
    }
    if !good || names.len() >= 256 {
        return None;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    Some(ProtocolId(kept))
}
