//! Everything that is wrong in a set.

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use retake_model::SetInfo;

use super::rules::Watched;
use crate::diagnostic::Diagnostic;
use crate::load::{Content, Kind, Read, SetFolder, parallel};
use crate::yaml::{Problem, is_blob_name};
use crate::{Store, StoreError, Subject, disk};

/// How many files were read, and what is wrong in them.
pub(super) fn lint_set(
    store: &Store,
    path: &Path,
    wanted: &dyn Fn(&str) -> bool,
    project: Option<&Watched>,
) -> (usize, Vec<Diagnostic>) {
    for below in ["tests", "blobs"] {
        let folder = path.join(below);
        if folder.exists() && disk::leads_out(path, &folder).unwrap_or(true) {
            let problem = Problem::new("this is a link that leads out of the set's folder");
            return (0, vec![Diagnostic::new(&folder, problem, b"")]);
        }
    }
    let named = Mutex::new(HashSet::new());
    let lint = SetLint {
        folder: SetFolder {
            store,
            path: path.to_owned(),
            shown: path.to_owned(),
            named: Some(&named),
        },
        project,
        rules: OnceLock::new(),
    };
    let (files, diagnostics, whole) = lint.run(wanted);
    let mut all = diagnostics;
    if whole {
        let named = named.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.extend(lint_leftovers(path, &named));
    }
    (files, all)
}

struct SetLint<'s> {
    folder: SetFolder<'s>,
    /// The rules of the project, where they are to be looked at.
    project: Option<&'s Watched>,
    /// The rules of the set.
    rules: OnceLock<Watched>,
}

impl SetLint<'_> {
    /// The number of files, what is wrong, and whether the whole set was read.
    fn run(&self, wanted: &dyn Fn(&str) -> bool) -> (usize, Vec<Diagnostic>, bool) {
        let mut found = Vec::new();
        let mut files: Vec<(Kind, String)> = Vec::new();
        match self.folder.shared_files() {
            Ok(parts) => files.extend(parts.into_iter().map(|file| (Kind::Shared, file))),
            Err(error) => found.push(self.failed("startup.yaml", error)),
        }
        match self.folder.test_files() {
            Ok(tests) => files.extend(tests.into_iter().map(|file| (Kind::Test, file))),
            Err(error) => found.push(self.failed("tests", error)),
        }
        let mut whole = wanted("set.yaml");
        files.retain(|(_, file)| {
            let keep = wanted(file);
            whole &= keep;
            keep
        });
        // What the set says of its dependencies is needed for every file.
        let set = self.folder.read(Kind::Set, "set.yaml", None);
        let (info, wrong) = match set {
            Ok(Some(Read {
                content: Content::Set(info),
                wrong,
            })) => (Some(*info), wrong),
            Ok(_) => (None, Vec::new()),
            Err(error) => (None, vec![self.failed("set.yaml", error)]),
        };
        let mut count = 0;
        if wanted("set.yaml") {
            count += usize::from(info.is_some() || !wrong.is_empty());
            found.extend(wrong);
        }
        if let Some(info) = info.as_ref().filter(|info| whole && !info.rules.is_empty()) {
            let file = self.folder.shown.join("set.yaml");
            let _ = self.rules.set(Watched::new(file, info.rules.clone()));
        }
        if whole {
            found.extend(self.recording(info.as_ref()));
        }
        let read = parallel(&files, |(kind, file)| self.file(*kind, file, info.as_ref()));
        for (was_there, problems) in read {
            count += usize::from(was_there);
            whole &= problems
                .iter()
                .all(|d| d.severity != crate::Severity::Error);
            found.extend(problems);
        }
        if let Some(rules) = self.rules.get().filter(|_| whole) {
            found.extend(rules.warnings());
        }
        (count, found, whole)
    }

    /// Whether the recording ended in order.
    fn recording(&self, info: Option<&SetInfo>) -> Option<Diagnostic> {
        let hint = "what is here can be replayed; record again for the rest";
        let message = match info {
            None if self.folder.path.join("set.yaml").exists() => return None,
            None => "there is no `set.yaml`: the recording was cut off",
            Some(info) => match &info.ledger {
                None => "the recording did not end in order: its ledger is missing",
                Some(ledger) if !ledger.is_complete() => {
                    "the recording is incomplete: its ledger does not add up"
                }
                Some(_) => return None,
            },
        };
        let file = self.folder.shown.join("set.yaml");
        let problem = Problem::new(message).hint(hint);
        Some(Diagnostic::new(&file, problem, b"").warning())
    }

    /// Whether the file was there, and what is wrong in it.
    fn file(&self, kind: Kind, file: &str, info: Option<&SetInfo>) -> (bool, Vec<Diagnostic>) {
        let read = match self.folder.read(kind, file, info) {
            Ok(Some(read)) => read,
            Ok(None) => return (false, Vec::new()),
            Err(error) => return (true, vec![self.failed(file, error)]),
        };
        let mut wrong = read.wrong;
        match &read.content {
            Content::Test(test) => {
                self.look(Subject::Test(test));
                if !test.rules.is_empty() {
                    let rules = test.rules.clone();
                    let own = Watched::new(self.folder.shown.join(file), rules);
                    own.look(Subject::Test(test), self.folder.store.checks());
                    wrong.extend(own.warnings());
                }
            }
            Content::Shared(calls) => {
                for call in calls {
                    self.look(Subject::Call(call));
                }
            }
            Content::Set(_) => {}
        }
        (true, wrong)
    }

    /// What rules are asked about.
    fn look(&self, subject: Subject<'_>) {
        for rules in self.project.iter().copied().chain(self.rules.get()) {
            rules.look(subject, self.folder.store.checks());
        }
    }

    fn failed(&self, file: &str, error: StoreError) -> Diagnostic {
        match error {
            StoreError::Invalid { diagnostic, .. } => *diagnostic,
            other => {
                let shown = self.folder.shown.join(file);
                Diagnostic::new(&shown, Problem::new(with_source(&other)), b"")
            }
        }
    }
}

/// An error with what is behind it.
pub(super) fn with_source(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Blobs that nothing names, and files that nothing reads.
fn lint_leftovers(path: &Path, named: &HashSet<String>) -> Vec<Diagnostic> {
    let list = |folder: &str| -> Vec<(PathBuf, String)> {
        let names = disk::names_in(&path.join(folder)).unwrap_or_default();
        let folder = path.join(folder);
        names
            .into_iter()
            .map(|name| (folder.join(&name), name))
            .collect()
    };
    let mut found = Vec::new();
    for (file, name) in list("blobs") {
        let problem = if !is_blob_name(&name) {
            Problem::new("this is not a blob").expected("64 hex digits as its name")
        } else if !named.contains(&name) {
            Problem::new("no file names this blob")
        } else {
            continue;
        };
        let problem = problem.hint("remove it");
        found.push(Diagnostic::new(&file, problem, b"").warning());
    }
    for (file, name) in list("tests") {
        if !name.ends_with(".yaml") {
            let problem = Problem::new("this file is not read")
                .expected("a name that ends in `.yaml`")
                .hint("rename it, or remove it");
            found.push(Diagnostic::new(&file, problem, b"").warning());
        }
    }
    found
}
