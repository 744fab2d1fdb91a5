//! What people edit by hand is checked: what `retake lint` says of it, word for word, and that a
//! replay refuses it with the same words.
//!
//! `hand_written/<subject>.txt` has the cases. Each begins with the kind of file that is edited
//! (`hand_written/<kind>.yaml` is the file before), has the lines that are removed (`-`) and those
//! that come in their place (`+`; with none removed they are the whole file), and then what is said
//! of it: the place in the file, how much it matters, what stands there, what was expected, and the
//! next step. Nothing is said where nothing is wrong.
#![allow(clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::fs;
use std::path::{Path, PathBuf};

use retake_store::{Diagnostic, Settings, Severity, Store, StoreError, lint};

/// The kinds of files, and where they are.
const FILES: &[(&str, &str)] = &[
    ("test", "retake/shop/tests/post-orders-201.yaml"),
    ("set", "retake/shop/set.yaml"),
    ("startup", "retake/shop/startup.yaml"),
    ("settings", "retake.yaml"),
];

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/hand_written")
        .join(name)
}

fn good(kind: &str) -> String {
    fs::read_to_string(data(&format!("{kind}.yaml"))).expect("a good file")
}

/// A project in which every file is good.
struct Project {
    folder: tempfile::TempDir,
    store: Store,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("retake/shop/tests")).expect("made");
        let store = retake_runner::store(folder.path().join("retake"));
        let project = Project { folder, store };
        for (kind, _) in FILES {
            project.write(kind, good(kind).as_bytes());
        }
        project
    }

    fn file(&self, kind: &str) -> PathBuf {
        let file = FILES.iter().find(|(known, _)| *known == kind);
        self.folder.path().join(file.expect("a kind of file").1)
    }

    fn write(&self, kind: &str, content: &[u8]) {
        fs::write(self.file(kind), content).expect("written");
    }

    /// What is said of the files, each on a line.
    fn said(&self, kind: &str) -> Vec<String> {
        let report = lint(&[], &self.store);
        let own = self.file(kind);
        self.as_strict(&report.diagnostics);
        let line = |d: &Diagnostic| {
            let file = match d.file == own {
                true => String::new(),
                false => {
                    let file = d.file.strip_prefix(self.folder.path());
                    format!("{}:", file.expect("a file of the project").display())
                }
            };
            let expected = d.expected.as_ref();
            let expected = expected.map_or(String::new(), |text| format!(", expected {text}"));
            let hint = d.hint.as_deref().expect("a next step");
            format!(
                "{file}{}:{} {}: {}{expected}; hint: {hint}",
                d.line,
                d.column,
                d.severity.name(),
                d.message
            )
        };
        report.diagnostics.iter().map(line).collect()
    }

    /// Who replays is told the same as who lints.
    fn as_strict(&self, diagnostics: &[Diagnostic]) {
        let in_set = |d: &&Diagnostic| d.file.starts_with(self.store.root());
        let is_error = |d: &&Diagnostic| d.severity == Severity::Error;
        let (set, settings): (Vec<_>, Vec<_>) =
            diagnostics.iter().filter(is_error).partition(in_set);
        let loaded = match self.store.load("shop") {
            Ok(_) => None,
            Err(StoreError::Invalid { diagnostic, .. }) => Some(diagnostic),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(loaded.is_some(), !set.is_empty(), "{loaded:?} {set:?}");
        assert!(loaded.is_none_or(|said| set.contains(&&*said)), "{set:?}");
        let file = self.file("settings");
        let read = Settings::load(&file, self.store.checks()).err();
        assert_eq!(read.as_deref(), settings.first().copied());
    }
}

/// The text of a file in which the lines `from` became `to`.
fn edited(kind: &str, from: &[&str], to: &[&str]) -> String {
    let lines = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    if from.is_empty() {
        return lines(to);
    }
    let good = good(kind);
    let (before, after) = good
        .split_once(&lines(from))
        .expect("the lines that are removed");
    format!("{before}{}{after}", lines(to))
}

/// Every case of a subject.
fn check(subject: &str) {
    let cases = fs::read_to_string(data(&format!("{subject}.txt"))).expect("the cases");
    let project = Project::new();
    let mut wrong = Vec::new();
    for case in cases
        .split("\n\n")
        .flat_map(|text| text.split("\n# ").collect::<Vec<_>>())
    {
        let mut lines = case.trim_end().lines();
        let kind = lines.next().expect("a kind").trim_start_matches("# ");
        let lines: Vec<&str> = lines.collect();
        let part = |sign: char| -> Vec<&str> {
            let part = lines.iter().filter_map(|line| line.strip_prefix(sign));
            part.collect()
        };
        let text = edited(kind, &part('-'), &part('+'));
        project.write(kind, text.as_bytes());
        let expected: Vec<&&str> = lines
            .iter()
            .filter(|line| !line.starts_with(['-', '+']))
            .collect();
        let said = project.said(kind);
        if said.iter().ne(expected.iter().copied()) {
            let said = said.join("\n");
            wrong.push(format!("# {kind}\n{}\nbut said:\n{said}", lines.join("\n")));
        }
        project.write(kind, good(kind).as_bytes());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn good_files_have_nothing_wrong() {
    assert_eq!(Project::new().said("test"), Vec::<String>::new());
}

#[test]
fn messages_of_http() {
    check("http");
}

#[test]
fn statements_and_answers_of_postgres() {
    check("postgres");
}

#[test]
fn keys_of_calls() {
    check("calls");
}

#[test]
fn values_that_were_made() {
    check("made");
}

#[test]
fn rules() {
    check("rules");
}

#[test]
fn keys_of_tests() {
    check("test");
}

#[test]
fn keys_of_sets() {
    check("set");
}

#[test]
fn settings() {
    check("settings");
}

#[test]
fn texts_that_are_no_yaml_of_a_recording() {
    check("yaml");
}

#[test]
fn files_of_another_kind() {
    check("files");
}

/// What no text of lines can show.
#[test]
fn bytes_that_editors_leave() {
    let project = Project::new();
    let good = good("test");
    let deep = good.replace(
        "sku: A1",
        &format!("sku: {}{}", "[".repeat(120), "]".repeat(120)),
    );
    let check = |content: &[u8], expected: &[&str]| {
        project.write("test", content);
        assert_eq!(project.said("test"), expected);
    };
    check(format!("\u{feff}{good}").as_bytes(), &[]);
    check(good.replace('\n', "\r\n").as_bytes(), &[]);
    check(good.trim_end().as_bytes(), &[]);
    check(
        good.replace("  status", "\tstatus").as_bytes(),
        &[
            "12:1 error: a character stands here that begins nothing in YAML, expected a key or a \
             value; hint: indent by spaces, not by tabs; quote text that begins with `@`, `%` or a \
             backtick",
        ],
    );
    check(
        deep.as_bytes(),
        &[
            "10:119 error: lists and maps nest more than 100 deep here, expected at most 100 levels; \
             hint: keep the body as `text`",
        ],
    );
    check(
        b"retake: v1\ntest: \xff",
        &[
            "2:7 error: this is not text in UTF-8; hint: was the file changed by another program, or \
             cut off?",
        ],
    );
}

/// What stands without quotes where text is meant is taken for that text, and compared as it.
#[test]
fn numbers_where_text_is_meant_are_text() {
    let project = Project::new();
    let text = good("test")
        .replace("- content-type: application/json", "- x-count: 5")
        .replace("rows: [[\"19.99\", \"7\"]]", "rows: [[19.99, 7]]")
        .replace("params: [A1]", "params: [5]");
    project.write("test", text.as_bytes());
    assert_eq!(
        project.said("test").len(),
        1,
        "a rule of the set has no place now"
    );
    let set = project.store.load("shop").expect("it can be used");
    let test = set.tests.first().expect("a test");
    let quoted = text
        .replace("x-count: 5", "x-count: \"5\"")
        .replace("[[19.99, 7]]", "[[\"19.99\", \"7\"]]")
        .replace("params: [5]", "params: [\"5\"]");
    project.write("test", quoted.as_bytes());
    let set = project.store.load("shop").expect("it can be used");
    assert_eq!(set.tests.first(), Some(test));
}

/// A secret stands as its token in columns of every type.
#[test]
fn a_redacted_secret_is_a_value_of_every_type() {
    let project = Project::new();
    let text = good("test").replace("\"7\"]]", "redacted-b29e28f90ee22cdaeb9155ab]]");
    project.write("test", text.as_bytes());
    assert_eq!(project.said("test"), Vec::<String>::new());
}
