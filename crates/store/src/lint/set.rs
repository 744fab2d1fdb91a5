//! Everything that is wrong in a set.

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use retake_model::{Made, Mock, Path as Place, Segment, SetInfo, TestCase, Value};

use crate::diagnostic::Diagnostic;
use crate::load::{Content, Kind, SetFolder, parallel};
use crate::yaml::{Problem, is_blob_name, locate, nearest};
use crate::{Store, StoreError, disk};

/// How many files were read, and what is wrong in them.
pub(super) fn lint_set(
    store: &Store,
    path: &Path,
    wanted: &dyn Fn(&str) -> bool,
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
}

/// What was read of a file, or why it was not.
type Read = Result<Option<Content>, StoreError>;

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
        let set = self.folder.read(Kind::Set, "set.yaml");
        let mut count = 0;
        let info = match set {
            Ok(Some(Content::Set(info))) => Some(*info),
            Ok(_) => None,
            Err(error) => {
                if wanted("set.yaml") {
                    count += 1;
                    found.push(self.failed("set.yaml", error));
                }
                None
            }
        };
        if wanted("set.yaml") && info.is_some() {
            count += 1;
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
        let read: Read = self.folder.read(kind, file);
        let mut problems: Vec<(Problem, Vec<Segment>, bool)> = Vec::new();
        match &read {
            Ok(Some(Content::Test(test))) => {
                check_calls(&test.calls, info, &mut problems);
                check_made(test, &mut problems);
            }
            Ok(Some(Content::Shared(calls))) => check_calls(calls, info, &mut problems),
            Ok(Some(Content::Set(_))) => {}
            Ok(None) => return (false, Vec::new()),
            Err(_) => {}
        }
        if let Err(error) = read {
            return (true, vec![self.failed(file, error)]);
        }
        if problems.is_empty() {
            return (true, Vec::new());
        }
        // Only a file with problems is read again, for their lines.
        let bytes = std::fs::read(self.folder.path.join(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let shown = self.folder.shown.join(file);
        let problems = problems.into_iter().map(|(problem, place, is_error)| {
            let (line, column) = locate(&text, &place).unwrap_or_default();
            let diagnostic = Diagnostic::new(&shown, problem.at(line, column), &bytes);
            if is_error {
                diagnostic
            } else {
                diagnostic.warning()
            }
        });
        (true, problems.collect())
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

/// Calls to dependencies that the set does not have.
fn check_calls(
    calls: &[Mock],
    info: Option<&SetInfo>,
    found: &mut Vec<(Problem, Vec<Segment>, bool)>,
) {
    let Some(info) = info else { return };
    let names: Vec<&str> = info.dependencies.iter().map(|d| &*d.name).collect();
    for (index, call) in calls.iter().enumerate() {
        let place = |name: &str| Place::root().key("calls").index(index).key(name).0;
        let Some(dependency) = info.dependencies.iter().find(|d| d.name == call.to) else {
            let mut problem = Problem::new(format!("`set.yaml` has no dependency `{}`", call.to));
            if !names.is_empty() {
                problem = problem.expected(format!("one of `{}`", names.join("`, `")));
            }
            let hint = match nearest(&call.to, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it to `dependencies` in set.yaml".to_owned(),
            };
            found.push((problem.hint(hint), place("to"), true));
            continue;
        };
        if let Some(protocol) = dependency.protocol
            && protocol != call.protocol
        {
            let problem = Problem::new(format!(
                "`{}` speaks {protocol} by `set.yaml`, and {} here",
                call.to, call.protocol
            ));
            found.push((problem, place(call.protocol.0), true));
        }
    }
}

/// Values that the service made, at places that do not exist or hold something else.
fn check_made(test: &TestCase, found: &mut Vec<(Problem, Vec<Segment>, bool)>) {
    for (index, made) in test.made.iter().enumerate() {
        for (number, place) in made.places.iter().enumerate() {
            let at = Place::root().key("made").index(index).key("places");
            let at = at.index(number).0;
            match find(test, place) {
                None => {
                    let problem = Problem::new(format!("there is no place `{place}` in this test"))
                        .expected("a place below `request`, `response` or `calls[n]`")
                        .hint("correct it, or remove it");
                    found.push((problem, at, true));
                }
                Some(value) if !holds(value, made) => {
                    let problem = Problem::new(format!("the value does not stand at `{place}`"))
                        .hint("correct `value`, or remove the place");
                    found.push((problem, at, false));
                }
                Some(_) => {}
            }
        }
    }
}

/// The value at a place such as `response.body.json.id`, `calls[0].params[1]` (in the request of
/// a call) or `calls[0].gives.rows[0]` (in its answer).
fn find<'t>(test: &'t TestCase, place: &Place) -> Option<&'t Value> {
    let (root, below) = place.0.split_first()?;
    let tree = match root {
        Segment::Key(name) if name == "request" => &test.request,
        Segment::Key(name) if name == "response" => &test.response,
        Segment::Key(name) if name == "calls" => {
            let (index, below) = below.split_first()?;
            let Segment::Index(index) = index else {
                return None;
            };
            let call = test.calls.get(*index)?;
            return match below.split_first() {
                Some((Segment::Key(name), answer)) if name == "gives" => {
                    Place(answer.to_vec()).find(&call.response)
                }
                _ => Place(below.to_vec()).find(&call.request),
            };
        }
        _ => return None,
    };
    Place(below.to_vec()).find(tree)
}

/// Whether a value is, or has in its text, what was made. Lists and maps are not looked into.
fn holds(value: &Value, made: &Made) -> bool {
    match value {
        Value::String(text) => text.contains(&made.value),
        Value::Number(number) => number.as_str() == made.value,
        Value::Null | Value::Bool(_) => false,
        Value::Bytes(_) | Value::List(_) | Value::Map(_) => true,
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
