//! What nothing tells, and what explains a difference that is no change.

use retake_model::SOURCES;

use super::*;

#[test]
fn scenario_22_what_nothing_tells_whose_it_was_is_no_change_when_it_is_missing() {
    let mut read = missing(0);
    read.shared = true;
    let mut outcome = as_recorded();
    outcome.missing = vec![read];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Shifted);
    let mut write = missing(1);
    write.shared = true;
    outcome.missing = vec![write];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Gap);
    outcome.missing = vec![missing(1)];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Changed);
}

#[test]
fn scenario_22_a_write_that_none_of_its_tests_made_is_a_change_and_names_them() {
    let mut write = missing(1);
    write.shared = true;
    let mut outcome = as_recorded();
    outcome.missing = vec![write];
    outcome.sharers = vec![id("b"), id("c")];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Changed);
    let info = complete();
    let result = judge(
        &test_case(),
        &id("a"),
        compared("1"),
        &outcome,
        &setting(&info),
    );
    let detail = result.differences[0].detail.clone().unwrap_or_default();
    assert!(detail.contains("a, b, c were open"), "{detail}");
    // A read may have been left out by a cache, here as elsewhere.
    let mut read = missing(0);
    read.shared = true;
    outcome.missing = vec![read];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Shifted);
}

#[test]
fn scenario_22_what_none_of_the_tests_of_a_moment_recorded_is_a_change() {
    let mut outcome = as_recorded();
    outcome.unknown = vec![unknown("b", &[("params[0]", "A1", "a1")])];
    let mut shared = test_case();
    for call in &mut shared.calls {
        call.by = Attribution::Shared;
    }
    let verdict_of = |outcome: &CallsOutcome| {
        let info = complete();
        judge(&shared, &id("a"), compared("1"), outcome, &setting(&info)).verdict
    };
    assert_eq!(verdict_of(&outcome), Verdict::Changed);
    // What it asks may follow from an answer that was another test's.
    outcome.unknown[0].ambiguous = true;
    assert_eq!(verdict_of(&outcome), Verdict::Gap);
}

#[test]
fn another_response_while_a_dependency_that_was_never_read_did_not_answer_is_a_gap() {
    let info = complete();
    let unread = ["grpc".to_owned()];
    let setting = Setting {
        unread: &unread,
        ..setting(&info)
    };
    let result = judge(
        &test_case(),
        &id("a"),
        compared("2"),
        &as_recorded(),
        &setting,
    );
    assert_eq!(result.verdict, Verdict::Gap);
    assert!(
        result
            .differences
            .iter()
            .all(|d| d.blame == retake_model::Blame::Recording)
    );
    assert!(
        result
            .differences
            .iter()
            .filter_map(|d| d.detail.as_deref())
            .any(|detail| detail.starts_with("grpc did not answer"))
    );
    // Who gives up makes fewer calls, and ends its transaction.
    let mut gave_up = as_recorded();
    gave_up.missing = vec![missing(1)];
    gave_up.unknown = vec![unknown("a", &[])];
    gave_up.unknown[0].call.effect = Effect::Transaction;
    let result = judge(&test_case(), &id("a"), compared("2"), &gave_up, &setting);
    assert_eq!(result.verdict, Verdict::Gap);
    let causes: std::collections::BTreeSet<u64> =
        result.differences.iter().map(|d| d.cause).collect();
    assert_eq!(causes.len(), 1, "{:?}", result.differences);
    // Nothing that shows: nothing to excuse.
    let result = judge(
        &test_case(),
        &id("a"),
        compared("1"),
        &as_recorded(),
        &setting,
    );
    assert_eq!(result.verdict, Verdict::Passed);
    // A call that changed is the service's doing all the same.
    let mut other = as_recorded();
    other.missing = vec![missing(1)];
    other.unknown = vec![unknown("a", &[("params[0]", "A1", "a1")])];
    let result = judge(&test_case(), &id("a"), compared("2"), &other, &setting);
    assert_eq!(result.verdict, Verdict::Changed);
}

#[test]
fn scenario_43_another_response_of_the_same_build_names_the_likely_reason() {
    let mut info = complete();
    info.build = [("./shop".to_owned(), "af13".to_owned())].into();
    let says = |outcome: &CallsOutcome, same_build: bool, live: &[String]| {
        let setting = Setting {
            same_build,
            live,
            ..setting(&info)
        };
        let result = judge(&test_case(), &id("a"), compared("2"), outcome, &setting);
        // The reason takes nothing from the verdict: settings and modules may have changed.
        assert_eq!(result.verdict, Verdict::Changed);
        let reason = |note: &&String| note.contains("./shop is what was recorded");
        result.notes.iter().filter(reason).count() == 1
    };
    assert!(says(&as_recorded(), true, &[]));
    assert!(!says(&as_recorded(), false, &[]));
    assert!(!says(&as_recorded(), true, &["db".to_owned()]));
    let mut fewer = as_recorded();
    fewer.missing = vec![missing(1)];
    assert!(!says(&fewer, true, &[]));
    let mut other = as_recorded();
    other.unknown = vec![unknown("a", &[("params[0]", "A1", "a1")])];
    assert!(!says(&other, true, &[]));

    let build = [
        ("python3".to_owned(), "af13".to_owned()),
        (SOURCES.to_owned(), "02".to_owned()),
    ];
    info.build = build.into();
    let setting = Setting {
        same_build: true,
        ..setting(&info)
    };
    let result = judge(
        &test_case(),
        &id("a"),
        compared("2"),
        &as_recorded(),
        &setting,
    );
    let named = "the source files below its folder and python3 are what was recorded";
    assert!(
        result.notes.iter().any(|note| note.contains(named)),
        "{:?}",
        result.notes
    );
}
