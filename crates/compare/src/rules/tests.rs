use retake_model::{NoiseRule, Path, PathPattern, RuleAction, Value};

use super::built_in::BUILT_IN;
use super::{RuleSet, Walk};

fn rule(at: &str, action: RuleAction) -> NoiseRule {
    NoiseRule {
        at: PathPattern::parse(at).expect(at),
        action,
        why: None,
        source: "retake.yaml:7".into(),
    }
}

#[test]
fn built_in_places_are_patterns() {
    for (place, _, _) in BUILT_IN {
        assert!(PathPattern::parse(place).is_ok(), "{place}");
    }
    let set = RuleSet::new([]).expect("no rules");
    assert_eq!(set.rules().len(), BUILT_IN.len());
}

#[test]
fn a_rule_that_cannot_be_used_says_where_it_was_written() {
    let check = |at: &str, action, expected: &str| {
        let error = RuleSet::new([&rule(at, action)]).expect_err(at).to_string();
        assert!(
            error.starts_with("retake.yaml:7: rule `") && error.contains(expected),
            "{error}"
        );
    };
    check(
        "response.body",
        RuleAction::Pattern("(".into()),
        "is no regular expression",
    );
    check(
        "response.body",
        RuleAction::Pattern("\\w{1000}{1000}".into()),
        "limit",
    );
    check(
        "response.body",
        RuleAction::Tolerance(-1.0),
        "a number from 0 up",
    );
    check(
        "response.body",
        RuleAction::Tolerance(f64::NAN),
        "a number from 0 up",
    );
    check(
        "calls.db.params[0]",
        RuleAction::Tolerance(0.1),
        "does not apply to calls",
    );
}

#[test]
fn requests_that_differ_only_where_a_rule_hides_become_equal() {
    let set = RuleSet::new(&[
        rule("calls.db.params[1]", RuleAction::Ignore),
        rule("calls.db.params[2]", RuleAction::Type),
        rule("calls.db.params[3]", RuleAction::Pattern("^[a-z]+$".into())),
        rule("calls.db.tags", RuleAction::Unordered),
    ])
    .expect("rules");
    let request = |params: [Value; 4], tags: [&str; 2]| {
        Value::map([
            ("sql", "select 1".into()),
            ("params", Value::List(params.into())),
            ("tags", Value::List(tags.map(Value::from).into())),
        ])
    };
    let recorded = request([1.into(), 2.into(), 3.into(), "ab".into()], ["x", "y"]);
    let check = |to: &str, params, tags, same: bool| {
        let asked = request(params, tags);
        assert_eq!(
            set.apply_to_request(to, &recorded) == set.apply_to_request(to, &asked),
            same,
            "{to} {asked:?}"
        );
    };
    check(
        "db",
        [1.into(), "9".into(), 8.into(), "zz".into()],
        ["y", "x"],
        true,
    );
    check(
        "db",
        [7.into(), 2.into(), 3.into(), "ab".into()],
        ["x", "y"],
        false,
    );
    check(
        "db",
        [1.into(), 2.into(), "3".into(), "ab".into()],
        ["x", "y"],
        false,
    );
    check(
        "db",
        [1.into(), 2.into(), 3.into(), "AB".into()],
        ["x", "y"],
        false,
    );
    check(
        "db",
        [1.into(), 2.into(), 3.into(), "ab".into()],
        ["x", "z"],
        false,
    );
    check(
        "other",
        [1.into(), 9.into(), 3.into(), "ab".into()],
        ["x", "y"],
        false,
    );
}

#[test]
fn a_walk_agrees_with_matching_whole_paths() {
    let patterns = [
        "response.body.json.items[*].at",
        "**.id",
        "response.**",
        "response.*.json",
    ];
    let rules: Vec<_> = patterns
        .iter()
        .map(|at| rule(at, RuleAction::Unordered))
        .collect();
    let set = RuleSet::new(&rules).expect("rules");
    for path in [
        "response.body.json.items[3].at",
        "response.body.json",
        "response.id",
        "id",
        "calls",
    ] {
        let path = Path::parse(path).expect(path);
        let mut walk = Walk::new(set.rules());
        for segment in &path.0 {
            match segment {
                retake_model::Segment::Key(name) => walk.enter_key(name),
                retake_model::Segment::Index(number) => walk.enter_index(*number),
            }
        }
        let here: Vec<_> = walk.here().map(|(i, _)| i - BUILT_IN.len()).collect();
        let expected: Vec<_> = (0..patterns.len())
            .filter(|i| rules[*i].at.matches(&path))
            .collect();
        assert_eq!(here, expected, "{path}");
    }
}

#[test]
fn a_literal_of_a_statement_has_the_place_that_reports_tell() {
    let literal = rule("calls.db.sql.literals[1]", RuleAction::Ignore);
    let set = RuleSet::new([&literal]).expect("a rule");
    let check = |a: &str, b: &str, same: bool| {
        let request = |sql: &str| Value::map([("sql", Value::text(sql))]);
        let (a, b) = (request(a), request(b));
        let less = |request| set.apply_to_request("db", request);
        assert_eq!(less(&a) == less(&b), same, "{a:?} {b:?}");
    };
    let insert = |mail: &str, hash: &str| format!("insert into u values ('{mail}', '{hash}')");
    check(&insert("a", "x1"), &insert("a", "y2"), true);
    check(&insert("a", "x1"), &insert("b", "x1"), false);
}
