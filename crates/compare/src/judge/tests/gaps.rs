//! What the recording cannot answer, and what is a change all the same.

use super::*;

#[test]
fn a_gap_is_what_the_recording_is_known_to_lack() {
    let mut lossy = Tally {
        seen: 3,
        kept: 2,
        ..Tally::default()
    };
    lossy.undecodable.insert("unseen statement".into(), 1);
    let lossy = ledger(lossy);
    let mut new = as_recorded();
    new.unknown = vec![UnknownCall {
        miss: Miss {
            nearest: None,
            ..unknown("a", &[]).miss
        },
        ..unknown("a", &[])
    }];
    assert_eq!(verdict("1", &new, &complete()), Verdict::Changed);
    assert_eq!(verdict("1", &new, &lossy), Verdict::Gap);
    assert_eq!(verdict("1", &new, &SetInfo::default()), Verdict::Gap);
    // The response that follows from it is no change of the service either.
    assert_eq!(verdict("2", &new, &lossy), Verdict::Gap);
    // A recorded call that changed is one, however lossy the recording is.
    let mut changed = as_recorded();
    changed.matched.remove(0);
    changed.missing = vec![missing(0)];
    changed.unknown = vec![unknown("a", &[("params[0]", "A1", "a1")])];
    assert_eq!(verdict("1", &changed, &lossy), Verdict::Changed);
}

#[test]
fn a_read_that_was_recorded_for_another_test_is_a_gap() {
    let mut outcome = as_recorded();
    outcome.unknown = vec![unknown("b", &[])];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Gap);
    outcome.unknown[0].call.effect = Effect::Write;
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Changed);
}

#[test]
fn a_call_that_could_be_of_several_tests_is_a_gap() {
    let mut outcome = as_recorded();
    outcome.unknown = vec![unknown("b", &[("params[0]", "A1", "a1")])];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Changed);
    outcome.unknown[0].call.shared = true;
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Gap);
}

#[test]
fn a_refused_request_that_reads_what_another_test_was_granted_is_a_change() {
    let info = complete();
    let mut outcome = as_recorded();
    outcome.unknown = vec![unknown("b", &[])];
    for (status, expected) in [
        (200, Verdict::Gap),
        (404, Verdict::Gap),
        (409, Verdict::Gap),
        (400, Verdict::Changed),
        (422, Verdict::Changed),
        (401, Verdict::Changed),
        (403, Verdict::Changed),
    ] {
        let mut test = test_case();
        test.response = Value::map([("status", status.into())]);
        let result = judge(&test, &id("a"), compared("1"), &outcome, &setting(&info));
        assert_eq!(result.verdict, expected, "{status}");
    }
}
