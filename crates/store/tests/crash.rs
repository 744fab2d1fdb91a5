//! Killed at any moment, a recording leaves whole files; what the disk refuses is said.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use retake_model::{TestCase, TestSet, Value};
use retake_store::{Store, StoreError, lint};
use support::{HTTP, POSTGRES, get, info, order, store};

/// Where the child writes; set by the test that starts it.
const ROOT: &str = "RETAKE_TEST_CHILD_ROOT";

/// Not a test by itself: what the tests below start, and kill.
#[test]
#[ignore = "a child process of the tests of this file"]
fn child_records_without_end() {
    let Ok(root) = std::env::var(ROOT) else {
        return;
    };
    let store = Store::new(root).with_protocols(&[HTTP, POSTGRES]);
    let mut writer = store.writer("shop").expect("a writer");
    writer.write_info(&info()).expect("written");
    let beside = writer.test_writer();
    for n in 0.. {
        let mut test = large(n);
        if n % 2 == 0 {
            test.name = writer.write_test(test.clone()).expect("written");
        } else {
            writer.name_test(&mut test);
            beside.write(&test).expect("written");
        }
        println!("\nwrote {}", test.name);
    }
}

/// Not a test by itself: it finishes the same recording over and over.
#[test]
#[ignore = "a child process of the tests of this file"]
fn child_replaces_without_end() {
    let Ok(root) = std::env::var(ROOT) else {
        return;
    };
    let store = Store::new(root).with_protocols(&[HTTP, POSTGRES]);
    for round in 0.. {
        let mut writer = store.writer("shop").expect("a writer");
        for n in 0..5 {
            let test = get(&format!("/round/{n}"), 1_000 * round + n);
            writer.write_test(test).expect("written");
        }
        writer.finish(&info()).expect("finished");
        println!("\nwrote round {round}");
    }
}

/// Not a test by itself: it is started where files cannot grow beyond some bytes.
#[test]
#[ignore = "a child process of the tests of this file"]
fn child_writes_more_than_fits() {
    let Ok(root) = std::env::var(ROOT) else {
        return;
    };
    let store = Store::new(root).with_protocols(&[HTTP, POSTGRES]);
    let mut writer = store.writer("shop").expect("a writer");
    writer.write_test(get("/small", 1)).expect("it fits");
    let error = writer.write_test(large(2)).expect_err("it does not fit");
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    writer.write_test(get("/small", 3)).expect("it fits");
    writer.finish(&info()).expect("finished");
}

/// A test of some 40 KB with a blob.
fn large(n: u64) -> TestCase {
    let mut test = get(&format!("/large/{n}"), n);
    test.calls = vec![order().calls[0].clone(); 300];
    test.calls[0].to = Arc::from(format!("db-{n}"));
    let mut blob = vec![7; 10_000];
    blob.extend(n.to_le_bytes());
    test.response
        .push("body", Value::map([("bytes", Value::Bytes(blob.into()))]));
    test
}

/// Starts a child, and kills it once it has said `lines` lines; returns what it said it wrote.
fn run_and_kill(child: &str, root: &Path, lines: usize) -> Vec<String> {
    let mut process: Child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env(ROOT, root)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child");
    let output = BufReader::new(process.stdout.take().expect("its output"));
    let mut wrote = Vec::new();
    for line in output.lines().map_while(Result::ok) {
        if let Some(name) = line.strip_prefix("wrote ") {
            wrote.push(name.to_owned());
        }
        if wrote.len() == lines {
            process.kill().expect("killed");
        }
    }
    process.wait().expect("it ended");
    wrote
}

#[test]
fn scenario_13_killed_while_it_records_it_leaves_whole_tests() {
    for lines in [1, 2, 3, 5, 8, 13, 21, 34] {
        let (_folder, store) = store();
        let wrote = run_and_kill("child_records_without_end", store.root(), lines);
        assert!(wrote.len() >= lines);
        let set = store.load("shop").expect("every file is whole");
        // All that it said, and at most what it could not say any more.
        assert!(
            set.tests.len() >= wrote.len(),
            "{} {}",
            set.tests.len(),
            wrote.len()
        );
        for (n, test) in set.tests.iter().enumerate() {
            let expected = TestCase {
                name: test.name.clone(),
                ..large(n as u64)
            };
            assert_eq!(*test, expected);
        }
        // The next recorder is not locked out, and clears away what was left.
        store
            .writer("shop")
            .expect("a writer")
            .finish(&info())
            .expect("finished");
        let leftovers = files_below(store.root())
            .into_iter()
            .filter(|f| f.contains(".tmp-"));
        assert_eq!(leftovers.count(), 0);
    }
}

#[test]
fn killed_while_it_replaces_there_is_the_old_set_or_the_new_one() {
    let (_folder, store) = store();
    for lines in 1..=12 {
        run_and_kill("child_replaces_without_end", store.root(), lines);
        assert_eq!(store.sets().expect("sets"), ["shop"]);
        let set = store.load("shop").expect("a whole set");
        let names: Vec<&str> = set.tests.iter().map(|test| &*test.name).collect();
        assert_eq!(
            names,
            [
                "get-round-id-200",
                "get-round-id-200-2",
                "get-round-id-200-3",
                "get-round-id-200-4",
                "get-round-id-200-5"
            ]
        );
        let rounds: Vec<u64> = set
            .tests
            .iter()
            .map(|t| t.at.0 / 1_000_000_000_000)
            .collect();
        assert!(rounds.iter().all(|round| *round == rounds[0]), "{rounds:?}");
    }
}

/// The states between the steps of replacing a set, made by hand.
#[test]
fn every_step_of_a_replacement_can_be_the_last() {
    let record = |store: &Store, path: &str| {
        let mut writer = store.writer("shop").expect("a writer");
        writer.write_test(get(path, 1)).expect("written");
        writer
    };
    let paths = |set: TestSet| -> Vec<String> { set.tests.into_iter().map(|t| t.name).collect() };
    type Step = fn(&Path);
    let steps: [(&str, Step, &str); 4] = [
        ("before the exchange", |_| {}, "get-old-200"),
        (
            "after the old set stepped aside",
            |root| rename(root, "shop", ".shop.old"),
            "get-new-200",
        ),
        (
            "after the new set took its place",
            |root| {
                rename(root, "shop", ".shop.old");
                rename(root, ".shop.new", "shop");
            },
            "get-new-200",
        ),
        (
            "after the new set was lost",
            |root| {
                rename(root, "shop", ".shop.old");
                fs::remove_dir_all(root.join(".shop.new")).expect("removed");
            },
            "get-old-200",
        ),
    ];
    for (when, step, expected) in steps {
        let (_folder, store) = store();
        record(&store, "/old").finish(&info()).expect("finished");
        drop(record(&store, "/new"));
        step(store.root());
        assert_eq!(store.sets().expect("sets"), ["shop"], "{when}");
        assert_eq!(paths(store.load("shop").expect(when)), [expected], "{when}");
        // The next recorder ends what was begun.
        let writer = record(&store, "/newest");
        assert_eq!(paths(store.load("shop").expect(when)), [expected], "{when}");
        writer.finish(&info()).expect("finished");
        assert_eq!(
            paths(store.load("shop").expect(when)),
            ["get-newest-200"],
            "{when}"
        );
        let mut left: Vec<String> = fs::read_dir(store.root())
            .expect("the folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        left.sort();
        assert_eq!(
            left,
            [".gitattributes", ".gitignore", ".locks", "shop"],
            "{when}"
        );
    }
}

#[test]
fn scenario_13_what_the_disk_refuses_is_an_error_and_leaves_no_half_file() {
    let (_folder, store) = store();
    let program = std::env::current_exe().expect("this program");
    // 16 blocks of 512 bytes; the signal that would end the child is ignored, so that it sees
    // the error.
    let status = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 16; exec \"$0\" --exact child_writes_more_than_fits --ignored",
        ])
        .arg(program)
        .env(ROOT, store.root())
        .stdout(Stdio::null())
        .status()
        .expect("a shell");
    assert!(status.success());
    let set = store.load("shop").expect("the rest is whole");
    let names: Vec<&str> = set.tests.iter().map(|test| &*test.name).collect();
    assert_eq!(names, ["get-small-200", "get-small-200-2"]);
    assert!(
        files_below(store.root())
            .iter()
            .all(|file| !file.contains(".tmp-"))
    );
    assert_eq!(lint(&[], &store).errors(), 0);
}

#[test]
fn scenario_13_a_folder_that_is_removed_while_recording_is_an_error() {
    let (_folder, store) = store();
    let mut writer = store.writer("shop").expect("a writer");
    writer.write_test(get("/a", 1)).expect("written");
    fs::remove_dir_all(store.root()).expect("removed");
    let error = writer
        .write_test(get("/b", 2))
        .expect_err("the folder is gone");
    assert!(error.to_string().contains("get-b-200.yaml"), "{error}");
    writer
        .write_shared(1, &order().calls.iter().collect())
        .expect_err("the folder is gone");
    writer.finish(&info()).expect_err("the folder is gone");
}

#[cfg(unix)]
#[test]
fn files_can_be_read_by_whoever_the_umask_allows() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, store) = store();
    let mut writer = store.writer("shop").expect("a writer");
    let name = writer.write_test(get("/a", 1)).expect("written");
    let plain = folder.path().join("plain");
    fs::write(&plain, "").expect("written");
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&store.test_file("shop", &name)), mode(&plain) & 0o644);
}

fn rename(root: &Path, from: &str, to: &str) {
    fs::rename(root.join(from), root.join(to)).expect("renamed");
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut todo: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else {
                files.push(path.to_string_lossy().into_owned());
            }
        }
    }
    files
}
