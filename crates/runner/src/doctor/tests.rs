use super::*;

#[test]
fn this_machine_is_looked_at_without_changing_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("state/retake");
    let found = diagnose(Some(state.clone()), &[]);
    assert!(!state.exists(), "nothing is made");
    for topic in Topic::ALL {
        let some = found.findings.iter().any(|finding| finding.topic == topic);
        assert!(some, "nothing is said of {}", topic.name());
    }
    for finding in &found.findings {
        assert!(
            !finding.says.is_empty() && !finding.says.contains('\n'),
            "{finding:?}"
        );
        assert!(
            finding.state != State::No || finding.hint.is_some(),
            "no hint: {finding:?}"
        );
    }
    let order: Vec<Topic> = found.findings.iter().map(|f| f.topic).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn without_a_folder_for_keys_the_job_cannot_be_done() {
    let found = diagnose(None, &[]);
    assert_eq!(found.verdict, Verdict::Not);
    assert!(found.summary.contains("keys"), "{}", found.summary);
}
