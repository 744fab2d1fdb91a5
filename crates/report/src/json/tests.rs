use crate::sample::{failed, green, mixed, report};

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
