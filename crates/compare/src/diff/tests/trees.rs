//! Trees: JSON bodies, member by member and list by list.

use super::*;

#[test]
fn every_change_of_json_is_seen_at_its_place() {
    let check = |a: &str, b: &str, expected: &[&str]| {
        assert_eq!(json_lines(a, b), expected, "{a} {b}");
    };
    check("1", "1", &[]);
    check(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, &[]);
    check(r#"{"a":1}"#, r#"{"a":2}"#, &["Changed $.a: 1 -> 2"]);
    check(
        r#"{"a":1}"#,
        r#"{"a":"1"}"#,
        &["TypeChanged $.a: 1 -> \"1\""],
    );
    check(
        r#"{"a":null}"#,
        r#"{"a":false}"#,
        &["TypeChanged $.a: null -> false"],
    );
    check(
        r#"{"a":1}"#,
        r#"{"a":1,"b":{"c":2}}"#,
        &["Added $.b: nothing -> {\"c\":2}"],
    );
    check(
        r#"{"a":1,"b":2}"#,
        r#"{"a":1}"#,
        &["Removed $.b: 2 -> nothing"],
    );
    check(
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"a":3}"#,
        &["Changed $.a[1]: 2 -> 3"],
    );
    check(
        r#"{"a":1,"a":2}"#,
        r#"{"a":1}"#,
        &["Removed $.a[1]: 2 -> nothing"],
    );
    check(r#"{"a":1.0}"#, r#"{"a":1}"#, &["Changed $.a: 1.0 -> 1"]);
    check(r#"{"a":{}}"#, r#"{"a":[]}"#, &["TypeChanged $.a: {} -> []"]);
    check("[]", "{}", &["TypeChanged $: [] -> {}"]);
}

#[test]
fn a_number_written_in_another_way_says_so() {
    let found = compare(&body("[1.0]"), &body("[1]")).differences;
    assert_eq!(
        found[0].detail.as_deref(),
        Some("the same number, written in another way")
    );
}

#[test]
fn lists_are_aligned_before_their_elements_are_compared() {
    let check = |a: &str, b: &str, expected: &[&str]| {
        assert_eq!(json_lines(a, b), expected, "{a} {b}");
    };
    check("[1,2,3]", "[2,3]", &["Removed $[0]: 1 -> nothing"]);
    check("[1,2]", "[1,2,3]", &["Added $[2]: nothing -> 3"]);
    check("[1,2,3]", "[1,5,3]", &["Changed $[1]: 2 -> 5"]);
    check(
        "[1,2,3,4]",
        "[2,3,4,1]",
        &["Reordered $: 1 of 4 elements moved: [0] -> [3]"],
    );
    check(
        r#"[{"id":1,"v":1},{"id":2,"v":2},{"id":3,"v":3}]"#,
        r#"[{"id":2,"v":9},{"id":3,"v":3}]"#,
        &[
            "Removed $[0]: {\"id\":1,\"v\":1} -> nothing",
            "Changed $[1].v: 2 -> 9",
        ],
    );
    // Renamed, and otherwise the same: one change, not one removed and one added.
    check(
        r#"[{"id":1,"v":1,"w":5},{"id":2,"v":2,"w":6}]"#,
        r#"[{"id":1,"v":1,"w":5},{"id":7,"v":2,"w":6}]"#,
        &["Changed $[1].id: 2 -> 7"],
    );
    // No name, and all elements differ: by likeness.
    check(
        r#"[{"a":1,"b":1,"c":1},{"a":2,"b":2,"c":2}]"#,
        r#"[{"a":2,"b":2,"c":9}]"#,
        &[
            "Removed $[0]: {\"a\":1,\"b\":1,\"c\":1} -> nothing",
            "Changed $[1].c: 2 -> 9",
        ],
    );
}

#[test]
fn one_element_removed_from_the_front_of_5000_is_one_difference() {
    let list = |from: usize| {
        let items: Vec<String> = (from..5_000)
            .map(|n| format!(r#"{{"n":{n},"tags":["a","b"],"at":{{"x":{}}}}}"#, n % 3))
            .collect();
        format!("[{}]", items.join(","))
    };
    assert_eq!(json_lines(&list(0), &list(1)).len(), 1);
    assert_eq!(json_lines(&list(1), &list(0)).len(), 1);
}

#[test]
fn hostile_lists_stay_within_the_bound_and_are_noted() {
    let list = |seed: u64| {
        let mut state = seed;
        let items: Vec<String> = (0..20_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 63).to_string()
            })
            .collect();
        body(&format!("[{}]", items.join(",")))
    };
    let found = compare(&list(1), &list(2));
    assert!(found.differences.len() <= 2_000);
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
    assert!(found.notes[0].starts_with("response.body.json: too many unlike elements"));
    assert!(found.notes[1].ends_with("more differences in the response are not listed"));
    assert_eq!(found, compare(&list(1), &list(2)));
}

#[test]
fn scenario_34_a_shorter_list_in_a_text_is_one_difference() {
    assert_eq!(
        json_lines(
            r#"{"sql":"select * from t where id in (1, 2, 3)"}"#,
            r#"{"sql":"select * from t where id in (1, 2)"}"#,
        )
        .len(),
        1
    );
}
