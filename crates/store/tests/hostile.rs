//! Files from anywhere: what they hold is refused with its place, and without a panic. What is said
//! of each key is tested where all checks are (`crates/runner/tests/hand_written.rs`).
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use retake_store::{Diagnostic, Store, StoreError, lint};
use support::{get, info, order, store};
use tempfile::TempDir;

/// A store with one good set, and the path of its only test.
fn shop() -> (TempDir, Store, PathBuf) {
    let (folder, store) = store();
    let mut writer = store.writer("shop").expect("a writer");
    let name = writer.write_test(order()).expect("written");
    writer.finish(&info()).expect("finished");
    let file = store.test_file("shop", &name);
    (folder, store, file)
}

/// What loading the set says after the test's file was replaced.
fn refused(store: &Store, file: &PathBuf, content: &[u8]) -> Diagnostic {
    fs::write(file, content).expect("written");
    let error = store.load("shop").expect_err("it is refused");
    match error {
        StoreError::Invalid { diagnostic, .. } => *diagnostic,
        other => panic!("{other}"),
    }
}

const GOOD: &str = r#"retake: v1
test: post-orders-201
at: 2026-03-01T10:20:30Z
took: 1ms
trace: abc
merged: 1
request: {method: POST}
response: {status: 201}
calls:
  - to: db
    scope: test
    by: alone
    after: 1ms
    took: 1ms
    merged: 1
    postgres: {}
    gives: {}
made:
  - value: "201"
    kind: uuid
    places: [response.status]
rules:
  - path: response.x
    ignore: true
    why: so
"#;

/// What a bomb would unfold to is never built: it is refused by the guard, whose own tests count how
/// often it looks at each byte.
#[test]
fn bombs_are_refused_before_they_are_unfolded() {
    let (_folder, store, file) = shop();
    let with = |body: &str| GOOD.replacen("{method: POST}", body, 1).into_bytes();
    for (content, message) in [
        (
            with(&format!("{{a: {}}}", "[".repeat(100_000))),
            "nest more than 100 deep",
        ),
        (
            with(&format!("\n  {}1", "- ".repeat(100_000))),
            "nest more than 100 deep",
        ),
        (with(&"{a: ".repeat(100_000)), "nest more than 100 deep"),
        (
            with(&format!(
                "{{a: &a {}, b: [{}]}}",
                "x".repeat(100_000),
                "*a, ".repeat(20_000)
            )),
            "an anchor",
        ),
        (
            format!("{GOOD}---\n{GOOD}").into_bytes(),
            "a second document",
        ),
        (
            format!("%YAML 1.1\n---\n{GOOD}").into_bytes(),
            "a directive",
        ),
        (with("{<<: {a: 1}}"), "a merge key"),
        (vec![0; 100_000], "does not say its version"),
        (b"retake: v1\n\x00".to_vec(), "not YAML"),
        (vec![0xff; 100_000], "not text in UTF-8"),
        (Vec::new(), "the file is empty"),
        (b"\xff\xfer\x00e\x00".to_vec(), "not text in UTF-8"),
    ] {
        let found = refused(&store, &file, &content);
        assert!(found.message.contains(message), "{found:?}");
        let said = found.to_text();
        assert!(said.len() < 1_000, "{said}");
    }
    // Lists in `!deep` that nest deeper than is ever written.
    let deep = format!("{{a: !deep [{}1]}}", "[list, 1], ".repeat(100_000));
    let found = refused(&store, &file, &with(&deep));
    assert!(found.message.contains("nests too deep"), "{found:?}");
}

#[cfg(unix)]
#[test]
fn nothing_outside_the_folder_is_read() {
    use std::os::unix::fs::symlink;
    let (folder, store, file) = shop();
    let outside = folder.path().join("outside.yaml");
    fs::rename(&file, &outside).expect("moved");
    symlink(&outside, &file).expect("linked");
    let refused = |what: &str| {
        let error = store.load("shop").expect_err("refused").to_string();
        assert!(error.contains(what), "{error}");
    };
    refused("leads out of");
    fs::remove_file(&file).expect("removed");
    // A pipe would never end.
    let status = std::process::Command::new("mkfifo").arg(&file).status();
    if status.is_ok_and(|status| status.success()) {
        refused("not an ordinary file");
        fs::remove_file(&file).expect("removed");
    }
    fs::create_dir(&file).expect("created");
    refused("not an ordinary file");
    fs::remove_dir(&file).expect("removed");
    // The set as a whole.
    let set = store.root().join("shop");
    let moved = folder.path().join("elsewhere");
    fs::rename(&set, &moved).expect("moved");
    symlink(&moved, &set).expect("linked");
    let error = store.load("shop").expect_err("refused");
    let source = std::error::Error::source(&error)
        .expect("a reason")
        .to_string();
    assert!(source.contains("leads out of"), "{source}");
    // A link within the folder is as good as a file.
    fs::remove_file(&set).expect("removed");
    fs::rename(&moved, &set).expect("moved");
    fs::rename(&outside, set.join("kept.txt")).expect("moved");
    symlink(set.join("kept.txt"), &file).expect("linked");
    assert_eq!(store.load("shop").expect("read").tests.len(), 1);
}

#[test]
fn a_file_that_was_cut_off_or_damaged_never_panics() {
    let (_folder, store, file) = shop();
    let whole = fs::read(&file).expect("the file");
    for end in 0..whole.len() {
        fs::write(&file, &whole[..end]).expect("written");
        if let Err(error) = store.load("shop") {
            let said = error.diagnostic().expect("a diagnostic");
            assert!(
                !said.message.is_empty() && said.line <= 40,
                "{end}: {said:?}"
            );
        }
    }
    let config = Config {
        cases: 3_000,
        failure_persistence: None,
        ..Config::default()
    };
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8);
    TestRunner::new(config)
        .run(&edits, |edits| {
            let mut bytes = whole.clone();
            for (at, byte, how) in edits {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => drop(bytes.drain(at..(at + usize::from(byte) % 16).min(bytes.len()))),
                }
            }
            fs::write(&file, &bytes).expect("written");
            let _ = store.load("shop");
            Ok(())
        })
        .expect("no panic");
}

#[test]
fn garbage_in_any_file_never_panics() {
    let (folder, store, file) = shop();
    let set = store.root().join("shop");
    let files = [
        file,
        set.join("set.yaml"),
        set.join("startup.yaml"),
        folder.path().join("retake.yaml"),
    ];
    let config = Config {
        cases: 1_000,
        failure_persistence: None,
        ..Config::default()
    };
    let garbage = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[ -~\n]{0,200}".prop_map(String::into_bytes),
        "(retake: v1\n)([a-z:\\[\\]{}\"'|>&*!%@,# \n-]{0,100})".prop_map(String::into_bytes),
    ];
    TestRunner::new(config)
        .run(&garbage, |garbage| {
            for file in &files {
                fs::write(file, &garbage).expect("written");
            }
            let report = lint(&[], &store);
            prop_assert!(report.files >= 3);
            let _ = (report.to_text(), report.to_json());
            Ok(())
        })
        .expect("no panic");
}

#[test]
fn who_reads_while_another_writes_sees_whole_files() {
    let (_folder, store) = store();
    let mut writer = store.writer("shop").expect("a writer");
    writer.write_info(&info()).expect("written");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut last = 0;
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        let set = store.load("shop").expect("whole files");
                        assert!(set.tests.len() >= last);
                        last = set.tests.len();
                    }
                })
            })
            .collect();
        for n in 0..300 {
            let mut test = order();
            test.request = get(&format!("/a/{n}"), n).request;
            writer.write_test(test).expect("written");
            writer
                .write_shared(1, &order().calls.iter().collect())
                .expect("written");
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for reader in readers {
            reader.join().expect("no panic");
        }
    });
    assert_eq!(store.load("shop").expect("read").tests.len(), 300);
}
