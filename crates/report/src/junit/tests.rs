use crate::sample::{failed, following, gave_up, in_parts, mixed, report};

#[test]
fn verdicts_become_what_ci_systems_know() {
    insta::assert_snapshot!(report("junit", &mixed()));
}

#[test]
fn a_consequence_says_what_it_follows_from() {
    insta::assert_snapshot!(report("junit", &following()));
}

#[test]
fn a_service_that_did_not_start_is_an_error() {
    insta::assert_snapshot!(report("junit", &failed()));
}

#[test]
fn a_call_outside_of_tests_is_an_error_of_its_own() {
    insta::assert_snapshot!(report("junit", &gave_up()));
}

#[test]
fn a_test_names_the_parts_of_a_cause_that_it_shows() {
    let text = report("junit", &in_parts());
    let at = |text: &str, what: &str| text.matches(what).count();
    assert_eq!(
        at(
            &text,
            "name=\"cause\" value=\"[1] response: `currency` added"
        ),
        2
    );
    assert_eq!(
        at(
            &text,
            "name=\"part\" value=\"[1] response.body.json.currency"
        ),
        1
    );
    assert_eq!(
        at(&text, "name=\"part\" value=\"[1] response.body.json.items"),
        1
    );
}
