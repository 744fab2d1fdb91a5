//! The rules of a project.

use super::*;

fn with_rules(a: &str, b: &str, rules: &[NoiseRule]) -> (Vec<String>, u64) {
    let rules = RuleSet::new(rules).expect("rules");
    let found = compare_response(&body(a), &body(b), &[], &rules, &mut ValueMap::new());
    (
        lines(&found.differences)
            .iter()
            .map(|line| line.replacen("body.json", "$", 1))
            .collect(),
        found.hidden.iter().map(|u| u.hidden).sum(),
    )
}

#[test]
fn scenario_26_rules_hide_what_they_say_and_never_a_change_elsewhere() {
    let check = |a: &str, b: &str, at: &str, action, expected: &[&str], hidden: u64| {
        let at = format!("response.body.json{at}");
        let found = with_rules(a, b, &[rule(&at, action)]);
        let expected: Vec<String> = expected.iter().map(|e| (*e).to_owned()).collect();
        assert_eq!(found, (expected, hidden), "{a} {b} {at}");
    };
    use RuleAction::*;
    check(
        r#"{"at":1,"v":1}"#,
        r#"{"at":2,"v":2}"#,
        ".at",
        Ignore,
        &["Changed $.v: 1 -> 2"],
        1,
    );
    check(
        r#"{"at":{"x":1,"y":2}}"#,
        r#"{"at":{"x":2,"z":2}}"#,
        ".at",
        Ignore,
        &[],
        3,
    );
    check(
        r#"[{"at":1,"v":1},{"at":2,"v":2}]"#,
        r#"[{"at":9,"v":2}]"#,
        "[*].at",
        Ignore,
        &["Removed $[0]: {\"at\":1,\"v\":1} -> nothing"],
        1,
    );
    check(r#"{"a":1}"#, r#"{"a":2}"#, ".a", Type, &[], 1);
    check(
        r#"{"a":1}"#,
        r#"{"a":"2"}"#,
        ".a",
        Type,
        &["TypeChanged $.a: 1 -> \"2\""],
        0,
    );
    check(
        r#"{"a":"ab"}"#,
        r#"{"a":"cd"}"#,
        ".a",
        Pattern("^[a-z]+$".into()),
        &[],
        1,
    );
    check(
        r#"{"a":"ab"}"#,
        r#"{"a":"CD"}"#,
        ".a",
        Pattern("^[a-z]+$".into()),
        &["Changed $.a: \"ab\" -> \"CD\""],
        0,
    );
    check(r#"{"a":0.3}"#, r#"{"a":0.2}"#, ".a", Tolerance(0.1), &[], 1);
    check(
        r#"{"a":0.3}"#,
        r#"{"a":0.19}"#,
        ".a",
        Tolerance(0.1),
        &["Changed $.a: 0.3 -> 0.19"],
        0,
    );
}

#[test]
fn scenario_38_a_list_without_order_still_has_its_elements_compared() {
    let check = |a: &str, b: &str, expected: &[&str], hidden: u64| {
        let found = with_rules(a, b, &[rule("response.body.json", RuleAction::Unordered)]);
        let expected: Vec<String> = expected.iter().map(|e| (*e).to_owned()).collect();
        assert_eq!(found, (expected, hidden), "{a} {b}");
    };
    check("[1,2,3]", "[3,1,2]", &[], 1);
    check("[1,1,2]", "[1,2,2]", &["Changed $[1]: 1 -> 2"], 1);
    check(
        r#"[{"a":1,"b":1,"c":1},{"a":2,"b":2,"c":2}]"#,
        r#"[{"a":2,"b":2,"c":3},{"a":1,"b":1,"c":4}]"#,
        &["Changed $[0].c: 1 -> 4", "Changed $[1].c: 2 -> 3"],
        1,
    );
    check("[1,2]", "[2]", &["Removed $[0]: 1 -> nothing"], 0);
    // Maps never have an order.
    check(r#"{"x":1,"y":2}"#, r#"{"y":2,"x":1}"#, &[], 0);
}
