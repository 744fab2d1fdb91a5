use bytes::Bytes;
use proptest::prelude::*;
use retake_model::{
    DiffKind, Difference, Made, NoiseRule, Path, PathPattern, RuleAction, TokenKind, Value, json,
};

use super::{Compared, compare_response};
use crate::made::ValueMap;
use crate::rules::RuleSet;

pub(super) fn tree(text: &str) -> Value {
    json::parse(text.as_bytes()).expect(text).0
}

fn body(text: &str) -> Value {
    Value::map([
        ("status", 200.into()),
        ("body", Value::map([("json", tree(text))])),
    ])
}

fn rule(at: &str, action: RuleAction) -> NoiseRule {
    NoiseRule {
        at: PathPattern::parse(at).expect(at),
        action,
        why: None,
        source: "retake.yaml:3".into(),
    }
}

fn made(kind: TokenKind, value: &str) -> Made {
    Made {
        value: value.into(),
        kind,
        places: vec![Path::parse("response.body.json.id").expect("a path")],
    }
}

fn compare(expected: &Value, observed: &Value) -> Compared {
    let rules = RuleSet::new([]).expect("built-in rules");
    compare_response(expected, observed, &[], &rules, &mut ValueMap::new())
}

fn show(value: Option<&Value>) -> String {
    value.map_or("nothing".into(), |value| match value {
        Value::Bytes(_) => "bytes".into(),
        value => String::from_utf8(json::write(value, &json::Style::default()).expect("json"))
            .expect("utf-8"),
    })
}

/// `Changed body.json.a: 1 -> 2`
fn lines(differences: &[Difference]) -> Vec<String> {
    differences
        .iter()
        .map(|d| {
            let place = d.place.to_string().replacen("response.", "", 1);
            let (a, b) = (show(d.baseline.as_ref()), show(d.candidate.as_ref()));
            match d.kind {
                DiffKind::Reordered => {
                    format!("Reordered {place}: {}", d.detail.as_deref().unwrap_or(""))
                }
                kind => format!("{kind:?} {place}: {a} -> {b}"),
            }
        })
        .collect()
}

/// The differences of two JSON bodies, places relative to the body.
fn json_lines(expected: &str, observed: &str) -> Vec<String> {
    lines(&compare(&body(expected), &body(observed)).differences)
        .iter()
        .map(|line| line.replacen("body.json", "$", 1))
        .collect()
}

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

fn http(status: u16, headers: &[(&str, &str)], body: Value) -> Value {
    let headers = headers
        .iter()
        .map(|(name, value)| Value::map([(*name, Value::from(*value))]))
        .collect();
    let mut response = Value::map([("status", status.into()), ("headers", Value::List(headers))]);
    if body != Value::Null {
        response.push("body", body);
    }
    response
}

#[test]
fn headers_are_compared_by_name_and_repeats_in_order() {
    let check = |a: &[(&str, &str)], b: &[(&str, &str)], expected: &[&str]| {
        let found = compare(&http(200, a, Value::Null), &http(200, b, Value::Null));
        assert_eq!(lines(&found.differences), expected, "{a:?} {b:?}");
    };
    check(&[("A", "1"), ("B", "2")], &[("b", "2"), ("a", "1")], &[]);
    check(
        &[("A", "1")],
        &[("a", "2")],
        &["Changed headers.a: \"1\" -> \"2\""],
    );
    check(
        &[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
        &[("set-cookie", "a=1")],
        &["Removed headers.set-cookie[1]: \"b=2\" -> nothing"],
    );
    check(
        &[("Via", "a"), ("X", "1"), ("Via", "b")],
        &[("Via", "b"), ("Via", "a"), ("X", "1")],
        &["Reordered headers.via: 1 of 2 elements moved: [0] -> [1]"],
    );
    check(&[], &[("X", "1")], &["Added headers.x: nothing -> \"1\""]);
    // Noise, whatever the service.
    check(
        &[
            ("Date", "Mon, 02 Feb 2026 10:00:00 GMT"),
            ("Connection", "close"),
        ],
        &[("Date", "Tue, 03 Feb 2026 10:00:00 GMT")],
        &[],
    );
    // Without a body its length is what the answer says of HEAD.
    check(
        &[("Content-Length", "10")],
        &[("Content-Length", "11")],
        &["Changed headers.content-length: \"10\" -> \"11\""],
    );
}

#[test]
fn headers_that_follow_from_the_body_are_hidden_only_where_the_bodies_differ() {
    let of = |length: &str, etag: &str, text: &str| {
        let body = Value::map([("text", text.into())]);
        http(200, &[("Content-Length", length), ("ETag", etag)], body)
    };
    let found = compare(&of("1", "x", "a"), &of("2", "y", "ab"));
    assert_eq!(
        lines(&found.differences),
        ["Changed body.text: \"a\" -> \"ab\""]
    );
    assert_eq!(found.hidden.len(), 2);
    let found = compare(&of("1", "x", "a"), &of("1", "y", "a"));
    assert_eq!(
        lines(&found.differences),
        ["Changed headers.etag: \"x\" -> \"y\""]
    );
    // From a length to chunks: framing.
    let chunked = http(
        200,
        &[("Transfer-Encoding", "chunked"), ("ETag", "x")],
        Value::map([("text", "a".into())]),
    );
    let found = compare(&of("1", "x", "a"), &chunked);
    assert_eq!(found.differences, []);
    assert_eq!(found.hidden.iter().map(|h| h.hidden).sum::<u64>(), 2);
}

#[test]
fn scenario_28_added_fields_types_content_types_and_what_is_no_json_are_seen() {
    let check = |a: Value, b: Value, expected: &[&str]| {
        assert_eq!(lines(&compare(&a, &b).differences), expected, "{a:?} {b:?}");
    };
    let of = |content_type: &str, kind: &str, value: Value| {
        http(
            200,
            &[("content-type", content_type)],
            Value::map([(kind, value)]),
        )
    };
    let json = || of("application/json", "json", tree(r#"{"a":1}"#));
    check(
        json(),
        of("text/html", "text", "<h1>oops</h1>".into()),
        &[
            "Changed headers.content-type: \"application/json\" -> \"text/html\"",
            "TypeChanged body: {\"a\":1} -> \"<h1>oops</h1>\"",
        ],
    );
    check(
        json(),
        of("application/json", "text", "not json".into()),
        &["TypeChanged body: {\"a\":1} -> \"not json\""],
    );
    check(
        json(),
        of(
            "application/json; charset=utf-8",
            "json",
            tree(r#"{"a":1,"b":2}"#),
        ),
        &[
            "Changed headers.content-type: \"application/json\" -> \
             \"application/json; charset=utf-8\"",
            "Added body.json.b: nothing -> 2",
        ],
    );
    check(
        json(),
        http(200, &[("content-type", "application/json")], Value::Null),
        &["Removed body: {\"json\":{\"a\":1}} -> nothing"],
    );
    let bytes = |bytes: &'static [u8]| {
        of(
            "image/png",
            "bytes",
            Value::Bytes(Bytes::from_static(bytes)),
        )
    };
    check(
        bytes(b"\xff1"),
        bytes(b"\xff2"),
        &["Changed body.bytes: bytes -> bytes"],
    );
}

#[test]
fn json_that_is_laid_out_in_another_way_means_the_same() {
    let exact = Value::map([("text", "{\"a\" :1.0}\n\n".into()), ("as", "json".into())]);
    let indented = Value::map([
        ("json", tree(r#"{"a":1.0}"#)),
        ("style", Value::map([("indent", 2.into())])),
    ]);
    let of = |body: &Value| Value::map([("status", 200.into()), ("body", body.clone())]);
    assert_eq!(compare(&of(&exact), &of(&indented)).differences, []);
}

#[test]
fn forms_are_compared_by_name() {
    let form = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(a, b)| Value::List(vec![(*a).into(), (*b).into()]))
            .collect();
        Value::map([
            ("status", 200.into()),
            ("body", Value::map([("form", Value::List(pairs))])),
        ])
    };
    let found = compare(
        &form(&[("a", "1"), ("b", "2"), ("b", "3")]),
        &form(&[("b", "2"), ("b", "4"), ("a", "1")]),
    );
    assert_eq!(
        lines(&found.differences),
        ["Changed body.form.b[1]: \"3\" -> \"4\""]
    );
}

#[test]
fn xml_is_compared_by_its_elements() {
    let check = |a: &str, b: &str, expected: &[&str]| {
        let of = |text: &str| {
            Value::map([
                ("status", 200.into()),
                ("body", Value::map([("xml", text.into())])),
            ])
        };
        let found = lines(&compare(&of(a), &of(b)).differences);
        let found: Vec<_> = found
            .iter()
            .map(|line| line.replacen("body.xml", "$", 1))
            .collect();
        assert_eq!(found, expected, "{a} {b}");
    };
    check(
        "<?xml version='1.0'?><a x='1' y='2'>\n  <b>t</b>\n</a>",
        "<a y=\"2\" x=\"1\"><b>t</b></a>",
        &[],
    );
    check(
        "<a><b>1</b></a>",
        "<a><b>2</b></a>",
        &["Changed $.a.b: \"1\" -> \"2\""],
    );
    check(
        "<a><i>1</i><i>2</i><i>3</i></a>",
        "<a><i>2</i><i>3</i></a>",
        &["Removed $.a.i[0]: \"1\" -> nothing"],
    );
    check(
        "<a x='1'/>",
        "<a x='2' z='3'/>",
        &[
            "Changed $.a[\"@x\"]: \"1\" -> \"2\"",
            "Added $.a[\"@z\"]: nothing -> \"3\"",
        ],
    );
    check(
        "<p>one <b>two</b> three</p>",
        "<p>one<b>two</b> three</p>",
        &["Changed $.p[\"#text\"][0]: \"one \" -> \"one\""],
    );
    check("<a>&lt;&#65;<![CDATA[&]]></a>", "<a>&#60;A&amp;</a>", &[]);
    check(
        "<a><b>1</b><c>2</c></a>",
        "<a><c>2</c><b>1</b></a>",
        &["Reordered $: the same elements in another order"],
    );
    // What is no XML is text.
    check(
        "<a><b></a>",
        "<a></a>",
        &["Changed $: \"<a><b></a>\" -> \"<a></a>\""],
    );
}

#[test]
fn long_texts_are_shown_line_by_line() {
    let of = |text: String| {
        Value::map([
            ("status", 200.into()),
            ("body", Value::map([("text", text.into())])),
        ])
    };
    let text = |changed: usize| {
        let lines: Vec<String> = (0..50)
            .map(|n| format!("line {}", if n == changed { 900 } else { n }))
            .collect();
        lines.join("\n")
    };
    let found = compare(&of(text(99)), &of(text(20))).differences;
    let detail = found[0].detail.as_deref().expect("a detail");
    assert!(detail.contains("\n-line 20\n+line 900\n"), "{detail}");
    let many = |seed: usize| {
        (0..5_000)
            .map(|n| format!("{}\n", n * seed))
            .collect::<String>()
    };
    let found = compare(&of(many(3)), &of(many(7))).differences;
    assert_eq!(
        found[0].detail.as_deref(),
        Some("5000 lines, now 5000; the first difference is in line 2")
    );
}

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

const RECORDED: &str = "7f3c2a10-1b2c-4d3e-8f90-a1b2c3d4e5f6";
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
        super::compare_response(
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

fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z0-9 ]{0,8}".prop_map(Value::from),
        Just(Value::from(RECORDED)),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|b| Value::Bytes(Bytes::from(b))),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::vec(("[a-c]|id|name", inner), 0..5).prop_map(Value::Map),
        ]
    })
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

proptest! {
    #[test]
    fn nothing_differs_from_itself(tree in trees(), is_made: bool) {
        let made = if is_made { vec![made(TokenKind::Uuid, RECORDED)] } else { Vec::new() };
        let whole = Value::map([("body", Value::map([("json", tree)]))]);
        let rules = RuleSet::new([]).expect("built-in rules");
        let found = compare_response(&whole, &whole, &made, &rules, &mut ValueMap::new());
        prop_assert_eq!(found.differences, vec![]);
    }

    #[test]
    fn trees_that_differ_in_meaning_are_never_called_equal(a in trees(), b in trees()) {
        let of = |tree: &Value| Value::map([("body", Value::map([("json", tree.clone())]))]);
        let same = canonical(&a) == canonical(&b);
        let found = compare(&of(&a), &of(&b));
        prop_assert_eq!(found.differences.is_empty(), same);
    }

    #[test]
    fn the_same_trees_give_the_same_differences(a in trees(), b in trees()) {
        let of = |tree: &Value| Value::map([("body", Value::map([("json", tree.clone())]))]);
        prop_assert_eq!(compare(&of(&a), &of(&b)), compare(&of(&a), &of(&b)));
    }
}

/// A text that is the same for trees that mean the same: members sorted by name, repeats in order.
fn canonical(tree: &Value) -> String {
    match tree {
        Value::Map(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", canonical(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        leaf => format!("{leaf:?}"),
    }
}

#[test]
fn headers_of_an_answered_call_are_compared_but_for_those_of_libraries_and_runs() {
    use crate::matching::{CallsOutcome, Effect, MatchedCall, ObservedCall};
    use retake_model::{Attribution, Mock, ProtocolId, Scope, TestCase, TestId, Timestamp};

    let request = |headers: &[(&str, &str)]| {
        let headers = headers
            .iter()
            .map(|(name, value)| Value::map([(*name, Value::from(*value))]))
            .collect();
        Value::map([("method", "POST".into()), ("headers", Value::List(headers))])
    };
    let secret = "Bearer redacted-0123456789abcdef01234567";
    let recorded = request(&[
        ("Host", "a:1"),
        ("Accept", "application/json"),
        ("Authorization", secret),
    ]);
    let test = TestCase {
        name: "a".into(),
        protocol: ProtocolId("http"),
        at: Timestamp(0),
        took: 0,
        trace: None,
        merged: 0,
        request: Value::Null,
        response: Value::Null,
        calls: vec![Mock {
            to: "payments".into(),
            protocol: ProtocolId("http"),
            scope: Scope::Test,
            by: Attribution::Alone,
            after: 0,
            took: 0,
            request: recorded,
            response: Value::Null,
            merged: 0,
        }],
        made: Vec::new(),
        rules: Vec::new(),
    };
    let check = |headers: &[(&str, &str)], expected: &[&str], hidden: usize| {
        let outcome = CallsOutcome {
            test: TestId {
                set: "s".into(),
                name: "a".into(),
            },
            recorded: 1,
            matched: vec![MatchedCall {
                index: Some(0),
                by_kind: 0,
                call: ObservedCall {
                    to: "payments".into(),
                    protocol: ProtocolId("http"),
                    summary: "POST /charge".into(),
                    effect: Effect::Write,
                    shared: false,
                    request: request(headers),
                },
            }],
            extra: Vec::new(),
            unknown: Vec::new(),
            missing: Vec::new(),
            reordered: Vec::new(),
            overflow: 0,
        };
        let rules = RuleSet::new([]).expect("built-in rules");
        let found = super::compare_calls(&test, &outcome, &rules, &mut ValueMap::new());
        assert_eq!(lines(&found.differences), expected, "{headers:?}");
        assert_eq!(found.hidden.len(), hidden, "{headers:?}");
    };
    check(
        &[
            ("host", "b:2"),
            ("authorization", "Bearer xyz"),
            ("accept", "application/json"),
            ("user-agent", "another/2"),
        ],
        &[],
        1,
    );
    check(
        &[("host", "a:1"), ("accept", "text/plain")],
        &[
            "Changed calls.payments.headers.accept: \"application/json\" -> \"text/plain\"",
            &format!("Removed calls.payments.headers.authorization: \"{secret}\" -> nothing"),
        ],
        1,
    );
}
