//! What `docs/format.md` shows is what is read.
#![allow(clippy::expect_used, clippy::panic)]

mod support;

use std::fs;

use retake_store::{Checks, Settings, lint};
use support::store;

#[test]
fn the_examples_of_the_format_are_good() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/format.md");
    let docs = fs::read_to_string(docs).expect("the page");
    let examples: Vec<&str> = docs
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let (folder, store) = store();
    let tests = store.root().join("shop/tests");
    fs::create_dir_all(&tests).expect("created");
    let mut kinds = Vec::new();
    for example in examples {
        if example.starts_with("retake: v1\ntest: post-orders-201\n") {
            fs::write(tests.join("post-orders-201.yaml"), example).expect("written");
            kinds.push("test");
        } else if example.starts_with("retake: v1\nrecorded:") {
            fs::write(store.root().join("shop/set.yaml"), example).expect("written");
            kinds.push("set");
        } else if example.starts_with("# retake.yaml\n") || example.starts_with("rules:\n") {
            let file = folder.path().join("retake.yaml");
            fs::write(&file, example).expect("written");
            let settings = Settings::load(&file, &Checks::default())
                .unwrap_or_else(|e| panic!("{}", e.to_text()));
            assert!(settings.is_some());
            kinds.push("settings");
        }
    }
    assert_eq!(kinds, ["test", "set", "settings", "settings"]);
    let set = store.load("shop").expect("the examples are read");
    assert_eq!(set.tests.len(), 1);
    let ledger = set.info.ledger.expect("a ledger");
    assert!(ledger.is_complete());
    let report = lint(&[store.root().to_owned()], &store);
    assert!(report.diagnostics.is_empty(), "{}", report.to_text());
}
