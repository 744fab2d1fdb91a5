//! Values that the service made, and secrets: compared by kind.

use std::sync::Arc;

use super::*;
use crate::made::AllMade;

pub(super) const RECORDED: &str = "7f3c2a10-1b2c-4d3e-8f90-a1b2c3d4e5f6";
const CANDIDATE: &str = "0d9e8f70-6a5b-4c3d-9e2f-112233445566";
const OTHER: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

struct Generated {
    made: Vec<Made>,
    values: ValueMap,
}

impl Generated {
    fn new(made: &[(TokenKind, &str)]) -> Self {
        Generated {
            made: made
                .iter()
                .map(|(kind, value)| self::made(*kind, value))
                .collect(),
            values: ValueMap::new(),
        }
    }

    fn check(&mut self, a: &str, b: &str, expected: &[&str], by_kind: u64) {
        let rules = RuleSet::new([]).expect("built-in rules");
        let found = compare_response(&body(a), &body(b), &self.made, &rules, &mut self.values);
        let lines: Vec<_> = lines(&found.differences)
            .iter()
            .map(|line| line.replacen("body.json", "$", 1))
            .collect();
        assert_eq!(lines, expected, "{a} {b}");
        assert_eq!(found.by_kind, by_kind, "{a} {b}");
    }
}

#[test]
fn scenario_41_a_made_value_is_compared_by_kind_and_never_with_null() {
    let mut g = Generated::new(&[(TokenKind::Uuid, RECORDED)]);
    let of = |id: &str| format!(r#"{{"id":"{id}"}}"#);
    g.check(&of(RECORDED), &of(CANDIDATE), &[], 1);
    assert_eq!(g.values.candidate_of(RECORDED), Some(CANDIDATE));

    let mut g = Generated::new(&[(TokenKind::Uuid, RECORDED)]);
    let expected = format!("TypeChanged $.id: \"{RECORDED}\" -> null");
    g.check(&of(RECORDED), r#"{"id":null}"#, &[&expected], 0);
    let expected = format!("Changed $.id: \"{RECORDED}\" -> \"none\"");
    g.check(&of(RECORDED), &of("none"), &[&expected], 0);

    // What was not made is compared exactly.
    let mut g = Generated::new(&[]);
    let expected = format!("Changed $.id: \"{RECORDED}\" -> \"{CANDIDATE}\"");
    g.check(&of(RECORDED), &of(CANDIDATE), &[&expected], 0);
}

#[test]
fn a_made_value_is_the_same_wherever_it_stands_again() {
    let mut g = Generated::new(&[(TokenKind::Uuid, RECORDED)]);
    let of = |id: &str, link: &str| format!(r#"{{"id":"{id}","self":"/orders/{link}?x=1"}}"#);
    g.check(&of(RECORDED, RECORDED), &of(CANDIDATE, CANDIDATE), &[], 2);
    let expected =
        format!("Changed $.self: \"/orders/{CANDIDATE}?x=1\" -> \"/orders/{OTHER}?x=1\"");
    g.check(
        &of(RECORDED, RECORDED),
        &of(CANDIDATE, OTHER),
        &[&expected],
        1,
    );
    // Tied from an earlier test.
    g.made.clear();
    g.check(&of(RECORDED, RECORDED), &of(CANDIDATE, CANDIDATE), &[], 0);
    let expected = format!("Changed $.id: \"{CANDIDATE}\" -> \"{RECORDED}\"");
    g.check(
        &of(RECORDED, RECORDED),
        &of(RECORDED, CANDIDATE),
        &[&expected],
        0,
    );
}

#[test]
fn a_made_value_may_not_be_one_that_the_service_was_given() {
    let mut g = Generated::new(&[(TokenKind::Uuid, RECORDED)]);
    let of = |id: &str| format!(r#"{{"customer":"{OTHER}","id":"{id}"}}"#);
    let expected = format!("Changed $.id: \"{RECORDED}\" -> \"{OTHER}\"");
    g.check(&of(RECORDED), &of(OTHER), &[&expected], 0);
}

#[test]
fn moments_are_compared_by_format_and_inside_texts() {
    let mut g = Generated::new(&[
        (TokenKind::Timestamp, "2026-03-01T10:20:30.123Z"),
        (TokenKind::EpochSeconds, "1772360430"),
    ]);
    g.check(
        r#"{"at":"2026-03-01T10:20:30.123Z","exp":1772360430}"#,
        r#"{"at":"2026-11-21T01:02:03.45Z","exp":1795222923}"#,
        &[],
        2,
    );
    g.check(
        r#"{"m":"done at 2026-03-01T10:20:30.123Z, thanks"}"#,
        r#"{"m":"done at 2026-11-21T01:02:04.789Z, thanks"}"#,
        &[],
        1,
    );
    g.check(
        r#"{"exp":1772360430}"#,
        r#"{"exp":12}"#,
        &["Changed $.exp: 1772360430 -> 12"],
        0,
    );
    g.check(
        r#"{"exp":1772360430}"#,
        r#"{"exp":null}"#,
        &["TypeChanged $.exp: 1772360430 -> null"],
        0,
    );
}

#[test]
fn a_redacted_secret_matches_any_text_in_its_place() {
    let secret = "redacted-0123456789abcdef01234567";
    let mut g = Generated::new(&[]);
    g.check(
        &format!(r#"{{"auth":"Bearer {secret}","key":"{secret}"}}"#),
        r#"{"auth":"Bearer xyz","key":"anything at all"}"#,
        &[],
        2,
    );
    let expected = format!("Changed $.auth: \"Bearer {secret}\" -> \"Basic xyz\"");
    g.check(
        &format!(r#"{{"auth":"Bearer {secret}"}}"#),
        r#"{"auth":"Basic xyz"}"#,
        &[&expected],
        0,
    );
}

#[test]
fn the_tag_of_a_body_with_made_ids_is_sent_where_later_requests_have_it() {
    let response = |id: &str, tag: &str| {
        let header = Value::map([("ETag", Value::text(tag))]);
        Value::map([
            ("status", 200.into()),
            ("headers", Value::List(vec![header])),
            ("body", Value::map([("text", Value::text(id))])),
        ])
    };
    let made = retake_model::Made {
        value: RECORDED.to_owned(),
        kind: TokenKind::Uuid,
        places: Vec::new(),
    };
    let rules = RuleSet::new([]).expect("built-in rules");
    let check = |candidate: &str, sent: &str| {
        let mut values = ValueMap::new();
        compare_response(
            &response(RECORDED, "\"abc\""),
            &response(candidate, "\"def\""),
            std::slice::from_ref(&made),
            &rules,
            &mut values,
        );
        let later = values.carry(&Value::text("\"abc\"")).into_owned();
        assert_eq!(later, Value::text(sent), "{candidate}");
    };
    check(CANDIDATE, "\"def\"");
    check("another body", "\"abc\"");
}

#[test]
fn lists_and_maps_by_made_ids_are_aligned() {
    let mut g = Generated::new(&[(TokenKind::Uuid, RECORDED)]);
    g.check(
        &format!(r#"[{{"id":"{OTHER}","v":1}},{{"id":"{RECORDED}","v":2}}]"#),
        &format!(r#"[{{"id":"{CANDIDATE}","v":2}}]"#),
        &[&format!(
            "Removed $[0]: {{\"id\":\"{OTHER}\",\"v\":1}} -> nothing"
        )],
        1,
    );
    let mut g = Generated::new(&[(TokenKind::Uuid, RECORDED)]);
    g.check(
        &format!(r#"{{"{RECORDED}":1}}"#),
        &format!(r#"{{"{CANDIDATE}":1}}"#),
        &[],
        1,
    );
}

#[test]
fn a_moment_in_the_middle_of_a_text_is_compared_by_kind() {
    let of = |n: &str| {
        body(&format!(
            r#"{{"message": "no: {{'at': {n}, 'id': 4711, 'to': {n}}}"}}"#
        ))
    };
    let rules = RuleSet::new([]).expect("built-in rules");
    let made = [made(TokenKind::EpochMillis, "1795228783123")];
    let lines_for = |observed: &Value| {
        let expected = of("1795228783123");
        let mut values = ValueMap::new();
        let found = compare_response(&expected, observed, &made, &rules, &mut values);
        found.differences.len()
    };
    assert_eq!(lines_for(&of("1795228791661")), 0);
    assert_eq!(lines_for(&of("17952287916610")), 1);
    assert_eq!(lines_for(&of("soon")), 1);
}

#[test]
fn a_salted_hash_is_another_one_of_the_same_algorithm_and_cost() {
    const HASH: &str = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
    let of = |hash: &str| format!(r#"{{"hash":"{hash}"}}"#);
    let salted = HASH.replacen("R9h", "abc", 1);
    Generated::new(&[(TokenKind::PasswordHash, HASH)]).check(&of(HASH), &of(&salted), &[], 1);
    for other in [
        salted.replacen("$12$", "$10$", 1),
        salted.replacen("$2b$", "$2a$", 1),
        "$5$NaccQchxjf948Ui3$fJfHWGOoDN/VTX8GbB/V8l7cgJ696Lqj..Cg8WdVdy6".to_owned(),
    ] {
        let expected = format!("Changed $.hash: \"{HASH}\" -> \"{other}\"");
        let mut g = Generated::new(&[(TokenKind::PasswordHash, HASH)]);
        g.check(&of(HASH), &of(&other), &[&expected], 0);
    }
}

#[test]
fn a_moment_that_a_dependency_gives_back_as_recorded_fits_whatever_was_made_in_its_place() {
    let recorded = "2026-03-01T10:20:30.514366Z";
    let of = |at: &str| format!(r#"{{"created_at":"{at}"}}"#);
    let mut g = Generated::new(&[]);
    let candidate = "2026-03-01T10:20:30.770982Z";
    g.values.bind(TokenKind::Timestamp, recorded, candidate);
    g.check(&of(recorded), &of(candidate), &[], 0);
    g.check(&of(recorded), &of(recorded), &[], 0);
    let other = "2026-03-01T10:20:31.000001Z";
    let expected = format!("Changed $.created_at: \"{candidate}\" -> \"{other}\"");
    g.check(&of(recorded), &of(other), &[&expected], 0);

    // An id that was made anew is not the recorded one.
    g.values.bind(TokenKind::Uuid, RECORDED, CANDIDATE);
    let expected = format!("Changed $.created_at: \"{CANDIDATE}\" -> \"{RECORDED}\"");
    g.check(&of(RECORDED), &of(RECORDED), &[&expected], 0);
}

#[test]
fn an_id_that_its_own_test_did_not_show_is_learned_from_the_next_that_does() {
    let of = |id: &str| format!(r#"{{"id":"{id}"}}"#);
    let made_there = AllMade::of([self::made(TokenKind::Uuid, RECORDED)].iter());
    let mut g = Generated::new(&[]);
    g.values = ValueMap::of(Arc::new(made_there));
    // Nothing that is like it.
    let expected = format!("Changed $.id: \"{RECORDED}\" -> \"none\"");
    g.check(&of(RECORDED), &of("none"), &[&expected], 0);
    g.check(&of(RECORDED), &of(CANDIDATE), &[], 1);
    // From then on it is that one.
    let other = CANDIDATE.replacen(|c: char| c.is_ascii_digit(), "f", 1);
    let expected = format!("Changed $.id: \"{CANDIDATE}\" -> \"{other}\"");
    g.check(&of(RECORDED), &of(&other), &[&expected], 0);
    // One that no test made is a constant.
    let expected = format!("Changed $.id: \"{RECORDED}\" -> \"{CANDIDATE}\"");
    Generated::new(&[]).check(&of(RECORDED), &of(CANDIDATE), &[&expected], 0);
}

#[test]
fn a_value_that_fits_is_no_part_of_what_differs_beside_it() {
    let (recorded, candidate) = (
        "7a707ccd7973ad935acf4817ac3efdd4",
        "50c704908f589c21a0541ee7cc11b5aa",
    );
    let checksum = "0af1f750320e5ff2cde38fa6ee609437";
    let of = |nonce: &str, media: &str| {
        format!(r#"{{"html":"{media} {nonce} /css/{checksum} {nonce}"}}"#)
    };
    let mut g = Generated::new(&[(TokenKind::Random, recorded)]);
    let expected = format!(
        "Changed $.html: \"* {candidate} /css/{checksum} {candidate}\" -> \"self {candidate} /css/{checksum} {candidate}\""
    );
    g.check(&of(recorded, "*"), &of(candidate, "self"), &[&expected], 0);
}
