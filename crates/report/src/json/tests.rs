use crate::sample::{failed, following, green, mixed, report};

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
