use crate::sample::{failed, following, green, in_parts, mixed, report};

#[test]
fn the_document_is_stable() {
    insta::assert_snapshot!(report("json", &mixed()));
}

#[test]
fn every_run_is_json() {
    for events in [mixed(), green(), failed()] {
        let text = report("json", &events);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["format"], "retake-report");
        assert_eq!(value["complete"], true);
    }
    let cut: serde_json::Value = serde_json::from_str(&report("json", &[])).expect("JSON");
    assert_eq!(cut["complete"], false);
}

#[test]
fn a_test_names_the_cause_that_it_follows_from() {
    let text = report("json", &following());
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let cause = &value["summary"]["causes"][0];
    assert_eq!(cause["consequences"][1]["name"], "get-b-200");
    assert_eq!(cause["consequences"][1]["of"]["name"], "post-login-200");
    let follows = &value["tests"][0]["follows"];
    assert_eq!(follows["cause"], cause["id"]);
    assert_eq!(follows["of"]["name"], "post-login-200");
    assert_eq!(value["tests"][2]["follows"], serde_json::Value::Null);
}

#[test]
fn a_cause_lists_its_parts_by_the_fingerprints_of_the_differences() {
    let text = report("json", &in_parts());
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let parts = &value["summary"]["causes"][0]["parts"];
    for (test, part) in [(0, 0), (1, 1)] {
        let difference = &value["tests"][test]["differences"][0];
        assert_eq!(parts[part]["id"], difference["cause"]);
        assert_eq!(parts[part]["example"]["in"], difference["in"]);
    }
    // One that has none is told as before.
    let text = report("json", &mixed());
    assert!(!text.contains("\"parts\""));
}
