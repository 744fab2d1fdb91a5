//! Recording a set.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use retake_model::{NoiseRule, SetInfo, TestCase};

use crate::blobs::BlobWriter;
use crate::load::{Content, Kind, SetFolder, parallel, shared_name, shared_parts};
use crate::names::Names;
use crate::store::{old_path, staged_path};
use crate::{SharedPart, Store, StoreError, disk, v1};

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
///
/// A set that is new is written in its place, so that what was recorded is there even where the
/// recording is killed. A set that replaces another is written beside it, and takes its place
/// when it is finished.
#[derive(Debug)]
pub struct SetWriter {
    set: String,
    root: PathBuf,
    /// Where files are written.
    folder: PathBuf,
    /// Whether that is beside the set's place.
    staged: bool,
    names: Names,
    tests: TestWriter,
    /// What people wrote into the earlier recording.
    kept: Kept,
    /// Whether calls outside tests were written.
    shared_begun: bool,
    /// Unlocks when it is dropped.
    _lock: Lock,
}

/// Writes tests of one recording that have their names, on any thread, and beside others of its
/// kind.
#[derive(Debug)]
pub struct TestWriter {
    folder: PathBuf,
    /// Where files are until they are whole: the same folder, or one below it.
    scratch: PathBuf,
    blobs: Arc<BlobWriter>,
}

/// What people wrote into an earlier recording.
#[derive(Debug, Default)]
struct Kept {
    /// Rules of tests, by name.
    tests: HashMap<String, Vec<NoiseRule>>,
    /// Rules of the set.
    set: Vec<NoiseRule>,
}

impl SetWriter {
    pub(crate) fn open(store: &Store, set: &str, mode: WriteMode) -> Result<Self, StoreError> {
        let root = store.root().to_owned();
        disk::create_folder(&root)?;
        let lock = lock(&root, set)?;
        settle_in_git(&root)?;
        recover(&root, set)?;
        let place = root.join(set);
        let mut names = Names::default();
        let mut kept = Kept::default();
        let old = if place.exists() {
            read_old(store, set, &mut kept)?
        } else {
            Vec::new()
        };
        let staged = mode == WriteMode::Replace && !old.is_empty();
        match mode {
            WriteMode::Replace => old.iter().for_each(|test| names.remember(test)),
            WriteMode::Append => {
                for file in disk::names_in(&place.join("tests"))? {
                    names.take(file.trim_end_matches(".yaml"));
                }
            }
        }
        let folder = if staged {
            staged_path(&root, set)
        } else {
            place
        };
        disk::create_folder(&folder.join("tests"))?;
        disk::remove_unfinished(&folder);
        disk::remove_unfinished(&folder.join("tests"));
        disk::remove_unfinished(&folder.join("blobs"));
        Ok(SetWriter {
            set: set.to_owned(),
            root,
            tests: TestWriter {
                folder: folder.clone(),
                scratch: folder.clone(),
                blobs: Arc::new(BlobWriter::new(folder.join("blobs"))),
            },
            folder,
            staged,
            names,
            kept,
            shared_begun: false,
            _lock: lock,
        })
    }

    /// The name of the set.
    pub fn set(&self) -> &str {
        &self.set
    }

    /// Names a test and writes it with its calls, as one file that is there whole or not at all;
    /// returns the name. `test.name` is not read. Rules that a person wrote into the test of this
    /// name are kept.
    ///
    /// # Errors
    /// The disk is full, the folder was removed, …: the test is not there, the others are.
    pub fn write_test(&mut self, mut test: TestCase) -> Result<String, StoreError> {
        self.name_test(&mut test);
        self.tests.write(&test)?;
        Ok(test.name)
    }

    /// The first half of [`write_test`](Self::write_test): the test gets its name, and the rules
    /// that a person wrote into the test of this name. Names depend on the order of the tests.
    pub fn name_test(&mut self, test: &mut TestCase) {
        test.name = self.names.give(test);
        if let Some(rules) = self.kept.tests.get(&test.name) {
            add_rules(&mut test.rules, rules);
        }
    }

    /// Does the second half, on any thread and in any order. To be dropped before the writer is
    /// finished.
    pub fn test_writer(&self) -> TestWriter {
        TestWriter {
            folder: self.folder.clone(),
            scratch: disk::unfinished_folder(&self.folder),
            blobs: Arc::clone(&self.tests.blobs),
        }
    }

    /// Writes one part, from 1, of the calls that belong to no single test, in place of what was
    /// written as this part before. Parts of an earlier recording go when the first is written.
    ///
    /// # Errors
    /// See [`SetWriter::write_test`].
    pub fn write_shared(&mut self, part: u32, calls: &SharedPart) -> Result<(), StoreError> {
        if part <= 1 {
            self.remove_old_parts()?;
        }
        let name = shared_name(part);
        let file = calls.file().map_err(|_| too_deep(&name))?;
        self.tests.blobs.write(&calls.blobs())?;
        disk::write_whole(&self.folder.join(name), file.as_bytes())
    }

    fn remove_old_parts(&mut self) -> Result<(), StoreError> {
        if self.shared_begun {
            return Ok(());
        }
        for (_, name) in shared_parts(&self.folder)? {
            let path = self.folder.join(name);
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
        }
        self.shared_begun = true;
        Ok(())
    }

    /// Writes what is known of the recording so far. Rules that the set had are kept.
    ///
    /// # Errors
    /// See [`SetWriter::write_test`].
    pub fn write_info(&self, info: &SetInfo) -> Result<(), StoreError> {
        let mut info = info.clone();
        add_rules(&mut info.rules, &self.kept.set);
        let path = self.folder.join("set.yaml");
        disk::write_whole(&path, v1::write_set(&info).as_bytes())
    }

    /// Ends the recording: writes `info` and puts what was recorded in the place of what the set
    /// held before.
    ///
    /// # Errors
    /// See [`SetWriter::write_test`]. What the set held before is then still there.
    pub fn finish(self, info: &SetInfo) -> Result<(), StoreError> {
        self.write_info(info)?;
        if self.staged {
            self.exchange()?;
        }
        Ok(())
    }

    /// Ends a recording that kept nothing: what the set held before stays. Gives the writer back
    /// where it held nothing.
    #[must_use]
    pub fn discard(self) -> Option<SetWriter> {
        if !self.staged {
            return Some(self);
        }
        // Left over, it is removed by the next writer.
        let _ = fs::remove_dir_all(&self.folder);
        None
    }

    /// Puts the new set in the old one's place. Killed in between, the set is found under its
    /// hidden name, and the next writer ends what was begun.
    fn exchange(&self) -> Result<(), StoreError> {
        let place = self.root.join(&self.set);
        let old = old_path(&self.root, &self.set);
        fs::rename(&place, &old).map_err(StoreError::io("replace", &place))?;
        if let Err(error) = fs::rename(&self.folder, &place) {
            let _ = fs::rename(&old, &place);
            return Err(StoreError::io("replace", place)(error));
        }
        // Left over, it is removed by the next writer.
        let _ = fs::remove_dir_all(&old);
        Ok(())
    }
}

impl TestWriter {
    /// Writes a test that has its name, with its calls, as one file that is there whole or not at
    /// all.
    ///
    /// # Errors
    /// See [`SetWriter::write_test`].
    pub fn write(&self, test: &TestCase) -> Result<(), StoreError> {
        let name = &test.name;
        let rendered = v1::write_test(test, name).map_err(|_| too_deep(name))?;
        self.blobs.write(&rendered.blobs)?;
        let path = self.folder.join("tests").join(format!("{name}.yaml"));
        disk::write_by(&self.scratch, &path, rendered.text.as_bytes())
    }
}

impl Drop for TestWriter {
    fn drop(&mut self) {
        if self.scratch != self.folder {
            // Left over, it is removed by the next writer.
            let _ = fs::remove_dir_all(&self.scratch);
        }
    }
}

/// Keeps other recorders out of a set.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    /// Closing the file is not enough: a process that is just being started still has it open.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Locks a set against other recorders.
fn lock(root: &Path, set: &str) -> Result<Lock, StoreError> {
    let folder = root.join(".locks");
    disk::create_folder(&folder)?;
    let path = folder.join(set);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StoreError::io("lock", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(set.to_owned())),
        // A file system without locks cannot tell two recorders apart.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            Ok(Lock(file))
        }
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", path)(error)),
    }
}

/// Runs, locks and sets in the making are nothing for version control, and blobs are to be left
/// as they are: their names are the hashes of their content. Files that are there are kept.
fn settle_in_git(root: &Path) -> Result<(), StoreError> {
    let files: [(&str, &[u8]); 2] = [
        (
            ".gitignore",
            b"/runs/\n/.*\n!/.gitignore\n!/.gitattributes\n",
        ),
        (".gitattributes", b"/*/blobs/* -text -diff\n"),
    ];
    for (name, content) in files {
        let path = root.join(name);
        if !path.exists() {
            disk::write_whole(&path, content)?;
        }
    }
    Ok(())
}

/// Ends what an interrupted writer began: see [`SetWriter::exchange`].
fn recover(root: &Path, set: &str) -> Result<(), StoreError> {
    let (place, new, old) = (root.join(set), staged_path(root, set), old_path(root, set));
    let rename = |from: &Path| fs::rename(from, &place).map_err(StoreError::io("replace", &place));
    let remove = |path: &Path| match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path)(error))
        }
        _ => Ok(()),
    };
    if !place.exists() && old.exists() {
        rename(if new.exists() { &new } else { &old })?;
    }
    remove(&old)?;
    remove(&new)
}

/// The tests of the set as it is, and in `kept` what people wrote into it. Files that cannot be
/// read are left out: they are about to be replaced.
fn read_old(store: &Store, set: &str, kept: &mut Kept) -> Result<Vec<TestCase>, StoreError> {
    let folder: SetFolder<'_> = store.folder(set, store.root().join(set))?;
    let content = |kind, file: &str| Some(folder.read(kind, file, None).ok()??.content);
    if let Some(Content::Set(info)) = content(Kind::Set, "set.yaml") {
        kept.set = info.rules;
    }
    let files = folder.test_files()?;
    let read = parallel(&files, |file| content(Kind::Test, file));
    let mut old = Vec::with_capacity(read.len());
    for content in read {
        if let Some(Content::Test(mut test)) = content {
            if !test.rules.is_empty() {
                kept.tests
                    .insert(test.name.clone(), std::mem::take(&mut test.rules));
            }
            old.push(*test);
        }
    }
    old.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    Ok(old)
}

/// Adds the rules that are not there yet.
fn add_rules(rules: &mut Vec<NoiseRule>, more: &[NoiseRule]) {
    for rule in more {
        let same = |r: &NoiseRule| r.at == rule.at && r.action == rule.action;
        if !rules.iter().any(same) {
            rules.push(rule.clone());
        }
    }
}

fn too_deep(what: &str) -> StoreError {
    StoreError::Unwritable {
        what: what.to_owned(),
        why: "a value nests more than 512 levels deep; keep such a body as text".to_owned(),
    }
}
