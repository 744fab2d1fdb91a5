//! Status, headers, types of content, and headers of calls.

use super::*;
use crate::diff::Around;

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
    // Sets of names.
    check(
        &[("Vary", "Origin, Accept")],
        &[("Vary", "accept,Origin")],
        &[],
    );
    check(
        &[("Allow", "GET, PUT")],
        &[("Allow", "PUT, GET, HEAD")],
        &["Changed headers.allow: \"GET, PUT\" -> \"PUT, GET, HEAD\""],
    );
    check(
        &[("Accept-Ranges", "a, b")],
        &[("Accept-Ranges", "b, a")],
        &["Changed headers.accept-ranges: \"a, b\" -> \"b, a\""],
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
fn a_body_with_a_redacted_secret_had_another_length() {
    let of = |length: &str, text: &str| {
        let body = Value::map([("json", tree(&format!(r#"{{"token":"{text}"}}"#)))]);
        http(200, &[("Content-Length", length)], body)
    };
    let secret = "redacted-0123456789abcdef01234567";
    assert_eq!(
        compare(&of("50", secret), &of("45", secret)).differences,
        []
    );
    let found = compare(&of("50", "a"), &of("45", "a"));
    assert_eq!(found.differences.len(), 1);
}

#[test]
fn a_status_without_a_body_has_no_length() {
    let of = |status, headers: &[(&str, &str)]| {
        let Value::Map(mut fields) = http(status, headers, Value::Null) else {
            return Value::Null;
        };
        fields.retain(|(name, _)| name != "body");
        Value::Map(fields)
    };
    let (none, empty) = (of(204, &[]), of(200, &[("Content-Length", "0")]));
    for (a, b, status) in [(&none, &empty, "204 -> 200"), (&empty, &none, "200 -> 204")] {
        let found = compare(a, b);
        assert_eq!(
            lines(&found.differences),
            [format!("Changed status: {status}")]
        );
    }
    let (bare, told) = (of(200, &[]), of(200, &[("Content-Length", "0")]));
    assert_eq!(compare(&bare, &told).differences.len(), 1);
}

#[test]
fn a_tag_may_be_made_of_what_an_answer_has_and_the_body_does_not_show() {
    let (recorded, candidate) = ("2026-03-01 09:20:30.434051", "2026-03-01 09:20:30.434907");
    let of = |etag: &str, digest: &str| {
        let body = Value::map([("text", "09:20:30.434".into())]);
        http(200, &[("ETag", etag), ("Content-Digest", digest)], body)
    };
    let check = |answer: &str, a: (&str, &str), b: (&str, &str), expected: &[&str]| {
        let rows = Value::map([("rows", Value::List(vec![answer.into()]))]);
        let test = TestCase {
            calls: vec![call(rows)],
            ..test_case(of(a.0, a.1))
        };
        let mut values = ValueMap::new();
        values.bind(TokenKind::Timestamp, recorded, candidate);
        let around = Around::of(&test, None);
        let rules = RuleSet::new([]).expect("built-in rules");
        let observed = of(b.0, b.1);
        let found = compare_response(&test.response, &observed, around, &rules, &mut values);
        assert_eq!(lines(&found.differences), expected);
        // What later requests say again.
        let tied = values.candidate_of(a.0).is_some();
        assert_eq!(tied, expected.is_empty() && a.0 != b.0);
    };
    check(recorded, ("x", "d"), ("y", "d"), &[]);
    // Where the call is kept with another test, the mocks tell.
    let test = test_case(of("x", "d"));
    let around = Around::of(&test, None).with_new_values(true);
    let rules = RuleSet::new([]).expect("built-in rules");
    let observed = of("y", "d");
    let found = compare_response(
        &test.response,
        &observed,
        around,
        &rules,
        &mut ValueMap::new(),
    );
    assert_eq!(found.differences, []);
    let other = ["Changed headers.etag: \"x\" -> \"y\""];
    check("2026-03-01 09:20:31", ("x", "d"), ("y", "d"), &other);
    let weak = ["Changed headers.etag: \"x\" -> \"W/y\""];
    check(recorded, ("x", "d"), ("W/y", "d"), &weak);
    let digest = ["Changed headers.content-digest: \"d\" -> \"e\""];
    check(recorded, ("x", "d"), ("x", "e"), &digest);
}

#[test]
fn a_session_is_sent_again_where_its_cookie_has_other_attributes() {
    let secret = "redacted-0123456789abcdef01234567";
    let (recorded, candidate) = (
        format!("sid={secret}; Max-Age=2592000; HttpOnly"),
        "sid=LHWhsAWShb2Cy%2FbA7PhL; Max-Age=25920000; HttpOnly",
    );
    let of = |cookie: &str| http(200, &[("Set-Cookie", cookie)], Value::Null);
    let rules = RuleSet::new([]).expect("built-in rules");
    let mut values = ValueMap::new();
    let found = compare_response(&of(&recorded), &of(candidate), &[], &rules, &mut values);
    assert_eq!(
        lines(&found.differences),
        [
            "Changed headers.set-cookie: \"sid=LHWhsAWShb2Cy%2FbA7PhL; Max-Age=2592000; HttpOnly\" -> \
          \"sid=LHWhsAWShb2Cy%2FbA7PhL; Max-Age=25920000; HttpOnly\""
        ]
    );
    assert_eq!(values.candidate_of(secret), Some("LHWhsAWShb2Cy%2FbA7PhL"));
}

#[test]
fn a_client_keeps_the_session_that_a_failed_response_does_not_renew() {
    let (old, new) = (
        "redacted-0123456789abcdef01234567",
        "redacted-89abcdef0123456701234567",
    );
    let of = |status: u16, cookie: Option<&str>| {
        let cookie = cookie.map(|cookie| ("Set-Cookie", cookie));
        http(status, cookie.as_slice(), Value::Null)
    };
    let check = |sent: &str, set: Option<&str>, expected: Option<&str>| {
        let headers = Value::List(vec![Value::map([("Cookie", Value::from(sent))])]);
        let test = TestCase {
            request: Value::map([("headers", headers)]),
            ..test_case(of(200, Some(&format!("sid={new}; HttpOnly"))))
        };
        let mut values = ValueMap::new();
        values.bind(TokenKind::Secret, old, "session-of-the-candidate");
        let rules = RuleSet::new([]).expect("built-in rules");
        let around = Around::of(&test, None);
        compare_response(&test.response, &of(500, set), around, &rules, &mut values);
        assert_eq!(values.candidate_of(new), expected, "{sent} {set:?}");
    };
    let sent = format!("a=b; sid={old}");
    check(&sent, None, Some("session-of-the-candidate"));
    check(
        &sent,
        Some("sid=another-session-of-it; HttpOnly"),
        Some("another-session-of-it"),
    );
    check("a=b", None, None);
    check(&format!("other={old}"), None, None);
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
        ..crate::test_cases::test_case()
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
                pairs: Vec::new(),
                call: ObservedCall {
                    conn: retake_model::ConnId(0),
                    transaction: None,
                    to: "payments".into(),
                    at: Timestamp(0),
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
            sorted: 0,
            entered: Vec::new(),
            left: Vec::new(),
            overflow: 0,
            sharers: Vec::new(),
        };
        let rules = RuleSet::new([]).expect("built-in rules");
        let found = crate::diff::compare_calls(&test, &outcome, None, &rules, &mut ValueMap::new());
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

#[test]
fn what_is_left_of_a_tokens_lifetime_may_be_a_second_less() {
    let check = |name: &str, a: u32, b: u32, differences: usize| {
        let of = |seconds: u32| body(&format!("{{\"{name}\": {seconds}}}"));
        let found = compare(&of(a), &of(b)).differences;
        assert_eq!(found.len(), differences, "{name} {a} {b}");
    };
    check("expires_in", 3600, 3599, 0);
    check("refresh_expires_in", 1799, 1800, 0);
    check("expires_in", 3600, 3598, 1);
    check("expires_in", 3600, 7200, 1);
    check("left", 3600, 3599, 1);
}
