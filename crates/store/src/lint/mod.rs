//! Everything that is wrong in files and folders.

mod rules;
mod set;

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, LintReport};
use crate::settings::Settings;
use crate::store::staged_path;
use crate::yaml::Problem;
use crate::{Store, disk};

use rules::Watched;

/// Everything that is wrong in `paths`: tests, sets, `retake.yaml`, folders that hold these; with
/// no path, in the whole folder of `store` and the `retake.yaml` beside it. Never fails: what
/// cannot be read is a diagnostic. Files are named as `paths` (or the store's folder) names them.
pub fn lint(paths: &[PathBuf], store: &Store) -> LintReport {
    let mut lint = Lint {
        store,
        report: LintReport::default(),
        project: None,
    };
    if paths.is_empty() {
        let root = store.root();
        let beside = match root.parent() {
            Some(parent) => parent.join("retake.yaml"),
            None => PathBuf::from("retake.yaml"),
        };
        if beside.exists() {
            lint.settings(&beside);
        }
        lint.store_folder(root);
    }
    for path in paths {
        lint.path(path);
    }
    let mut report = lint.report;
    let place = |d: &Diagnostic| (d.file.clone(), d.line, d.column, d.severity);
    report.diagnostics.sort_by_key(place);
    report.diagnostics.dedup();
    report
}

struct Lint<'s> {
    store: &'s Store,
    report: LintReport,
    /// The rules of the project.
    project: Option<Watched>,
}

impl Lint<'_> {
    fn path(&mut self, path: &Path) {
        let name = path.file_name().and_then(|name| name.to_str());
        if path.is_dir() {
            let sibling = path.parent().map(|parent| parent.join("set.yaml"));
            if is_set(path) {
                self.set(path, &|_| true);
            } else if name == Some("tests") && sibling.is_some_and(|file| file.exists()) {
                let set = path.parent().unwrap_or(path);
                self.set(set, &|file| file.starts_with("tests/"));
            } else {
                self.folder(path);
            }
        } else if !path.exists() {
            let problem = Problem::new("there is no such file or folder");
            self.add(Diagnostic::new(path, problem, b""));
        } else if matches!(name, Some("retake.yaml" | "retake.yml")) {
            self.settings(path);
        } else {
            let folder = path.parent().unwrap_or(Path::new(""));
            let in_tests = folder.file_name().is_some_and(|name| name == "tests");
            let set = match folder.parent() {
                Some(set) if in_tests => set,
                _ => folder,
            };
            let name = name.unwrap_or_default();
            let wanted = if in_tests {
                format!("tests/{name}")
            } else {
                name.to_owned()
            };
            let set = if set.as_os_str().is_empty() {
                Path::new(".")
            } else {
                set
            };
            self.set(set, &|file| file == wanted);
        }
    }

    /// A folder with a `retake.yaml`, with a `retake` folder, or with sets.
    fn folder(&mut self, path: &Path) {
        let settings = path.join("retake.yaml");
        if settings.exists() {
            self.settings(&settings);
        }
        let inner = path.join("retake");
        if inner.is_dir() && !is_set(&inner) {
            self.store_folder(&inner);
        } else {
            self.store_folder(path);
        }
    }

    /// A folder with sets.
    fn store_folder(&mut self, root: &Path) {
        let names = match disk::names_in(root) {
            Ok(names) => names,
            Err(error) => return self.unread(root, &error),
        };
        for name in names {
            let path = root.join(&name);
            if name != "runs" && is_set(&path) {
                self.set(&path, &|_| true);
            }
            if staged_path(root, &name).exists() {
                let problem = Problem::new("a recording that was to replace this set was cut off")
                    .hint("record again; what was here before is still here");
                self.add(Diagnostic::new(&path, problem, b"").warning());
            }
        }
        // Every set was looked at: what none of them has is nowhere.
        if let Some(project) = self.project.take() {
            self.report.diagnostics.extend(project.warnings());
        }
    }

    fn settings(&mut self, path: &Path) {
        self.report.files += 1;
        match Settings::load(path, self.store.checks()) {
            Ok(settings) => {
                let rules = settings.map(|settings| settings.rules).unwrap_or_default();
                self.project = Some(Watched::new(path.to_owned(), rules));
            }
            Err(diagnostic) => self.add(*diagnostic),
        }
    }

    /// The files of a set for which `wanted` holds, which is told their path in the set's folder.
    fn set(&mut self, path: &Path, wanted: &dyn Fn(&str) -> bool) {
        let project = self.project.as_ref();
        let (files, diagnostics) = set::lint_set(self.store, path, wanted, project);
        self.report.files += files;
        self.report.diagnostics.extend(diagnostics);
    }

    fn unread(&mut self, path: &Path, error: &dyn std::error::Error) {
        let problem = Problem::new(set::with_source(error));
        self.add(Diagnostic::new(path, problem, b""));
    }

    fn add(&mut self, diagnostic: Diagnostic) {
        self.report.diagnostics.push(diagnostic);
    }
}

fn is_set(path: &Path) -> bool {
    ["set.yaml", "startup.yaml"]
        .iter()
        .any(|file| path.join(file).exists())
        || path.join("tests").is_dir()
}
