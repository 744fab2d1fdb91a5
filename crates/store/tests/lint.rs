//! What is wrong in files that were edited by hand is said with its place, all of it at once.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use retake_model::{Ledger, Value};
use retake_store::{Diagnostic, LintReport, Severity, Store, lint};
use support::{get, info, order, store};

/// A good set `shop`, with a ledger that adds up.
fn record(store: &Store) {
    let mut writer = store.writer("shop").expect("a writer");
    let mut test = order();
    test.request
        .push("extra", Value::Bytes(vec![1; 5000].into()));
    writer.write_test(test).expect("written");
    writer.write_test(get("/a", 5)).expect("written");
    writer
        .write_shared(1, &order().calls.iter().collect())
        .expect("written");
    let mut about = info();
    about.ledger = Some(Ledger::default());
    writer.finish(&about).expect("finished");
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("the file");
    assert!(text.contains(from), "{from} in {text}");
    fs::write(path, text.replacen(from, to, 1)).expect("edited");
}

/// File name, line, column, severity and message of everything that was found.
fn found(report: &LintReport) -> Vec<(String, usize, usize, Severity, String)> {
    let row = |d: &Diagnostic| {
        let file = d.file.file_name().unwrap_or_default();
        (
            file.to_string_lossy().into_owned(),
            d.line,
            d.column,
            d.severity,
            d.message.clone(),
        )
    };
    report.diagnostics.iter().map(row).collect()
}

#[test]
fn a_good_set_has_nothing_to_say() {
    let (folder, store) = store();
    record(&store);
    fs::write(folder.path().join("retake.yaml"), "replay: {jobs: 2}\n").expect("written");
    let report = lint(&[], &store);
    assert_eq!((report.files, found(&report)), (5, vec![]));
    for path in ["", "retake", "retake/shop"] {
        let report = lint(&[folder.path().join(path)], &store);
        assert_eq!(found(&report), [], "{path}");
        assert!(report.files >= 4, "{path}: {}", report.files);
    }
    let report = lint(&[folder.path().join("retake/shop/tests")], &store);
    assert_eq!((report.files, found(&report)), (2, vec![]));
    let report = lint(&[store.test_file("shop", "get-a-200")], &store);
    assert_eq!((report.files, found(&report)), (1, vec![]));
    assert_eq!(report.to_text(), "1 file, 0 errors, 0 warnings\n");
}

#[test]
fn every_file_that_is_wrong_is_named() {
    let (folder, store) = store();
    record(&store);
    let set = store.root().join("shop");
    fs::write(folder.path().join("retake.yaml"), "replay:\n  jbos: 2\n").expect("written");
    edit(&set.join("set.yaml"), "upstream:", "upstraem:");
    edit(
        &set.join("startup.yaml"),
        "  - to: db\n",
        "  - to: db\n    scpoe: startup\n",
    );
    edit(
        &store.test_file("shop", "get-a-200"),
        "status: 200",
        "status: [200",
    );
    edit(
        &store.test_file("shop", "post-orders-201"),
        "kind: uuid",
        "kind: uiud",
    );
    let report = lint(&[], &store);
    let error = Severity::Error;
    let expected = [
        ("set.yaml", 5, 1, error, "unknown key `upstraem`"),
        ("startup.yaml", 4, 5, error, "unknown key `scpoe`"),
        ("get-a-200.yaml", 10, 1, error, "not YAML: "),
        ("post-orders-201.yaml", 29, 11, error, "unknown kind `uiud`"),
        ("retake.yaml", 2, 3, error, "unknown key `jbos`"),
    ];
    let found = found(&report);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (got, want) in found.iter().zip(expected) {
        assert!(got.4.starts_with(want.4), "{got:?}");
        assert_eq!(
            (&*got.0, got.1, got.2, got.3),
            (want.0, want.1, want.2, want.3),
            "{got:?}"
        );
    }
    let hints: Vec<&str> = report
        .diagnostics
        .iter()
        .filter_map(|d| d.hint.as_deref())
        .collect();
    for hint in [
        "did you mean `upstream`?",
        "did you mean `scope`?",
        "did you mean `uuid`?",
        "did you mean `jobs`?",
    ] {
        assert!(hints.contains(&hint), "{hints:?}");
    }
    assert!(
        report
            .to_text()
            .ends_with("5 files, 5 errors, 0 warnings\n"),
        "{}",
        report.to_text()
    );
}

#[test]
fn what_a_file_says_is_checked_against_the_rest() {
    let (_folder, store) = store();
    record(&store);
    let set = store.root().join("shop");
    let test = store.test_file("shop", "post-orders-201");
    edit(&test, "to: payments", "to: payment");
    edit(
        &test,
        "places: [response.body.json.id]",
        "places: [response.body.json.uid, response.status, \"calls[7].sql\"]",
    );
    edit(&set.join("startup.yaml"), "    postgres: {", "    http: {");
    fs::write(set.join("blobs").join("a".repeat(64)), "?").expect("written");
    fs::write(set.join("tests/notes.txt"), "?").expect("written");
    let report = lint(std::slice::from_ref(&set), &store);
    let error = Severity::Error;
    let expected = [
        (
            "startup.yaml",
            6,
            5,
            error,
            "`db` speaks postgres by `set.yaml`, and http here",
        ),
        (
            "post-orders-201.yaml",
            21,
            9,
            error,
            "`set.yaml` has no dependency `payment`",
        ),
        (
            "post-orders-201.yaml",
            30,
            14,
            error,
            "there is no place `response.body.json.uid` in this test",
        ),
        (
            "post-orders-201.yaml",
            30,
            38,
            error,
            "the value does not stand at `response.status`",
        ),
        (
            "post-orders-201.yaml",
            30,
            55,
            error,
            "there is no place `calls[7].sql` in this test",
        ),
    ];
    let got = found(&report);
    assert_eq!(got.len(), expected.len(), "{got:#?}");
    for (got, want) in got.iter().zip(expected) {
        assert_eq!((&*got.0, got.1, got.2, got.3, &*got.4), want);
    }
    // Leftovers are told only where everything could be read.
    edit(&test, "to: payment", "to: payments");
    edit(
        &test,
        "places: [response.body.json.uid, response.status, \"calls[7].sql\"]",
        "places: [response.body.json.id]",
    );
    edit(&set.join("startup.yaml"), "    http: {", "    postgres: {");
    let messages: Vec<String> = found(&lint(&[], &store))
        .into_iter()
        .map(|row| row.4)
        .collect();
    assert_eq!(
        messages,
        ["no file names this blob", "this file is not read"]
    );
}

#[test]
fn damaged_blobs_are_errors() {
    let (_folder, store) = store();
    record(&store);
    let blobs = store.root().join("shop/blobs");
    let blob = fs::read_dir(&blobs)
        .expect("blobs")
        .next()
        .expect("one")
        .expect("one")
        .path();
    let test = store.test_file("shop", "post-orders-201");
    let check = |message: &str, column: usize| {
        let report = lint(&[], &store);
        let found = found(&report);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].4.contains(message), "{found:?}");
        assert_eq!(
            (&*found[0].0, found[0].1, found[0].2),
            ("post-orders-201.yaml", 11, column)
        );
        let error = store
            .load("shop")
            .expect_err("the set is not loaded")
            .to_string();
        assert!(error.contains(message), "{error}");
    };
    fs::write(&blob, "changed").expect("written");
    check("was changed", 16);
    fs::remove_file(&blob).expect("removed");
    check("is missing", 16);
    #[cfg(unix)]
    {
        let outside = store.root().join("outside");
        fs::write(&outside, vec![1; 5000]).expect("written");
        std::os::unix::fs::symlink(&outside, &blob).expect("linked");
        check("leads out of", 16);
        fs::remove_file(&blob).expect("removed");
    }
    edit(&test, "!blob ", "!blob ../../../etc/");
    check("is not the name of a blob", 10);
}

#[test]
fn recordings_that_did_not_end_in_order_are_warned_of() {
    let (_folder, store) = store();
    let mut writer = store.writer("shop").expect("a writer");
    writer.write_test(get("/a", 1)).expect("written");
    drop(writer);
    let messages = |report: LintReport| -> Vec<String> {
        found(&report).into_iter().map(|row| row.4).collect()
    };
    assert_eq!(
        messages(lint(&[], &store)),
        ["there is no `set.yaml`: the recording was cut off"]
    );
    store
        .writer("shop")
        .expect("a writer")
        .finish(&info())
        .expect("finished");
    assert_eq!(
        messages(lint(&[], &store)),
        ["the recording did not end in order: its ledger is missing"]
    );
    assert_eq!(lint(&[], &store).errors(), 0);
}

#[test]
fn what_is_not_there_is_said() {
    let (_folder, store) = store();
    let report = lint(&[PathBuf::from("/nowhere/at/all")], &store);
    assert_eq!(report.errors(), 1);
    assert!(
        report
            .to_text()
            .starts_with("/nowhere/at/all: error: there is no such file")
    );
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).expect("JSON");
    assert_eq!(json["errors"], 1);
    assert_eq!(json["diagnostics"][0]["file"], "/nowhere/at/all");
}
