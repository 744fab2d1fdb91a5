//! Calls outside tests are written in parts, and read as one list.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;

use retake_model::{Ledger, Mock};
use retake_store::{Store, WriteMode, lint};
use support::{info, order, store};

/// A call like the first one of a test, told apart by its number.
fn call(number: u64) -> Mock {
    let mut call = order().calls.remove(0);
    call.merged = number;
    call
}

fn write(store: &Store, mode: WriteMode, parts: std::ops::RangeInclusive<u32>) {
    let mut writer = store.writer_with("shop", mode).expect("a writer");
    for part in parts {
        let calls = [call(part.into()), call(100)];
        writer
            .write_shared(part, &calls.iter().collect())
            .expect("written");
    }
    let mut about = info();
    about.ledger = Some(Ledger::default());
    writer.finish(&about).expect("finished");
}

fn numbers(store: &Store) -> Vec<u64> {
    let set = store.load("shop").expect("read back");
    set.shared.iter().map(|call| call.merged).collect()
}

#[test]
fn parts_are_read_in_the_order_of_their_numbers() {
    let (folder, store) = store();
    write(&store, WriteMode::Replace, 1..=11);
    let expected: Vec<u64> = (1..=11).flat_map(|part| [part, 100]).collect();
    assert_eq!(numbers(&store), expected);
    let set = folder.path().join("retake/shop");
    for not_a_part in ["startup-1.yaml", "startup-02.yaml", "startup-x.yaml"] {
        fs::write(set.join(not_a_part), "no part").expect("written");
    }
    assert_eq!(numbers(&store), expected);
}

#[test]
fn parts_of_an_earlier_recording_go_with_it() {
    for mode in [WriteMode::Replace, WriteMode::Append] {
        let (_folder, store) = store();
        write(&store, WriteMode::Replace, 1..=3);
        write(&store, mode, 1..=2);
        assert_eq!(numbers(&store), [1, 100, 2, 100], "{mode:?}");
    }
}

#[test]
fn what_is_wrong_in_a_part_is_said_with_its_place() {
    let (folder, store) = store();
    write(&store, WriteMode::Replace, 1..=2);
    assert_eq!(lint(&[], &store).diagnostics, []);
    let path = folder.path().join("retake/shop/startup-2.yaml");
    let text = fs::read_to_string(&path).expect("the part");
    fs::write(&path, text.replacen("merged: 2", "mreged: 2", 1)).expect("edited");
    let report = lint(&[], &store);
    let said: Vec<String> = report.diagnostics.iter().map(|d| d.to_string()).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("startup-2.yaml:"), "{said:?}");
    assert!(said[0].contains("mreged"), "{said:?}");
    assert!(store.load("shop").is_err());
}
