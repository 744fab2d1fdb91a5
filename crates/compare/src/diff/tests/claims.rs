//! JSON web tokens that the service made: what they say is compared, their signatures are not.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::diff::Around;

const SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_w";
const OTHER_SIGNATURE: &str = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6y";
const ALG: &str = r#"{"alg":"HS256"}"#;

fn token(header: &str, claims: &str, signature: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// Two responses with these tokens in this text, where the test was given an id.
#[track_caller]
fn check_in(text: &str, a: (&str, &str), b: (&str, &str), expected: &[&str]) {
    let (recorded, candidate) = (token(a.0, a.1, SIGNATURE), token(b.0, b.1, OTHER_SIGNATURE));
    let body = |token: &str| body(&format!(r#"{{"t":"{}"}}"#, text.replace('*', token)));
    let test = TestCase {
        request: Value::map([("path", "/users/0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a".into())]),
        made: vec![made(TokenKind::Jwt, &recorded)],
        ..test_case(body(&recorded))
    };
    let rules = RuleSet::new([]).expect("built-in rules");
    let found = compare_response(
        &test.response,
        &body(&candidate),
        Around::of(&test, None),
        &rules,
        &mut ValueMap::new(),
    );
    let lines: Vec<_> = lines(&found.differences)
        .iter()
        .map(|line| line.replacen("body.json", "$", 1))
        .collect();
    assert_eq!(lines, expected, "{} {}", a.1, b.1);
}

#[track_caller]
fn check(a: &str, b: &str, expected: &[&str]) {
    check_in("*", (ALG, a), (ALG, b), expected);
}

#[test]
fn claims_are_compared_as_json() {
    check(r#"{"sub":"u1","n":1}"#, r#"{"n":1,"sub":"u1"}"#, &[]);
    check(
        r#"{"sub":"u1","scope":"read"}"#,
        r#"{"sub":"u1","scope":"read write"}"#,
        &[r#"Changed $.t.claims.scope: "read" -> "read write""#],
    );
    check(
        r#"{"sub":"u1","role":"admin"}"#,
        r#"{"sub":"u1"}"#,
        &[r#"Removed $.t.claims.role: "admin" -> nothing"#],
    );
    check(
        r#"{"sub":"u1"}"#,
        r#"{"sub":"u1","admin":true}"#,
        &["Added $.t.claims.admin: nothing -> true"],
    );
    check(
        r#"{"aud":["a","b"],"sub":"u1"}"#,
        r#"{"aud":["a"],"sub":"u1"}"#,
        &[r#"Removed $.t.claims.aud[1]: "b" -> nothing"#],
    );
    check(
        r#"{"sub":"u1"}"#,
        r#"{"sub":null}"#,
        &[r#"TypeChanged $.t.claims.sub: "u1" -> null"#],
    );
}

#[test]
fn the_header_of_a_token_is_compared_and_its_signature_is_not() {
    let claims = r#"{"sub":"u1"}"#;
    check(claims, claims, &[]);
    check_in(
        "*",
        (r#"{"alg":"RS256","kid":"a"}"#, claims),
        (r#"{"alg":"HS256","kid":"a"}"#, claims),
        &[r#"Changed $.t.header.alg: "RS256" -> "HS256""#],
    );
}

#[test]
fn what_is_made_with_a_token_is_compared_by_kind() {
    // Ids that were not given, the token's own id, a key's.
    let made = |id: &str, jti: &str| format!(r#"{{"sid":"{id}","jti":"{jti}"}}"#);
    check(
        &made("7f3c2a10-1b2c-4d3e-8f90-a1b2c3d4e5f6", "k2"),
        &made("0d9e8f70-6a5b-4c3d-9e2f-112233445566", "x7"),
        &[],
    );
    // Without the time of the test a moment is any near one.
    check(
        r#"{"iat":1772356830,"exp":1772360430}"#,
        r#"{"iat":1795224030,"exp":1795227630}"#,
        &[],
    );
    check(
        r#"{"iat":1772356830}"#,
        r#"{"iat":"1795224030"}"#,
        &[r#"TypeChanged $.t.claims.iat: 1772356830 -> "1795224030""#],
    );
    check(
        r#"{"iat":1772356830}"#,
        r#"{"iat":1795224030123}"#,
        &["Changed $.t.claims.iat: 1772356830 -> 1795224030123"],
    );
    // The id of the path is not just any id.
    check(
        r#"{"sub":"0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a"}"#,
        r#"{"sub":"0d9e8f70-6a5b-4c3d-9e2f-112233445566"}"#,
        &[
            r#"Changed $.t.claims.sub: "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a" -> "0d9e8f70-6a5b-4c3d-9e2f-112233445566""#,
        ],
    );
}

#[test]
fn a_token_within_a_text_has_claims_too() {
    let (a, b) = (r#"{"sub":"u1"}"#, r#"{"sub":"u2"}"#);
    let expected = [r#"Changed $.t.claims.sub: "u1" -> "u2""#];
    check_in("https://shop/invite?t=*&x=1", (ALG, a), (ALG, b), &expected);
    let expected = [
        r#"Changed $.t.claims[0].sub: "u1" -> "u2""#,
        r#"Changed $.t.claims[1].sub: "u1" -> "u2""#,
    ];
    check_in("* *", (ALG, a), (ALG, b), &expected);
}

#[test]
fn what_is_no_json_is_compared_by_kind() {
    check("encrypted, and so no JSON", "something else", &[]);
    check(
        r#"{"sub":"u1"}"#,
        "no JSON any more",
        &[
            r#"Removed $.t.header: {"alg":"HS256"} -> nothing"#,
            r#"Removed $.t.claims: {"sub":"u1"} -> nothing"#,
        ],
    );
}

#[test]
fn logins_of_one_second_that_got_one_token_may_get_two() {
    let secret = "redacted-0123456789abcdef01234567";
    let rules = RuleSet::new([]).expect("built-in rules");
    let check = |first: &str, second: &str, same: bool| {
        let response = |token: &str| body(&format!(r#"{{"access_token":"{token}"}}"#));
        let mut values = ValueMap::new();
        let mut login = |claims: &str, signature: &str| {
            let (expected, observed) = (response(secret), response(&token(ALG, claims, signature)));
            compare_response(&expected, &observed, &[], &rules, &mut values).differences
        };
        assert_eq!(login(first, SIGNATURE), []);
        let found = login(second, OTHER_SIGNATURE);
        assert_eq!(found.is_empty(), same, "{first} {second}: {found:?}");
        let sent = token(ALG, second, OTHER_SIGNATURE);
        assert_eq!(values.candidate_of(secret) == Some(&sent), same);
    };
    let claims = r#"{"id":"u1","n":7,"iat":1772356830,"exp":1772357730}"#;
    for (second, same) in [
        (
            r#"{"id":"u1","n":7,"iat":1772356832,"exp":1772357732}"#,
            true,
        ),
        (
            r#"{"id":"u1","n":7,"iat":1772356832,"exp":1772366732}"#,
            false,
        ),
        (
            r#"{"id":"u2","n":7,"iat":1772356832,"exp":1772357732}"#,
            false,
        ),
        (
            r#"{"id":"u1","n":9,"iat":1772356832,"exp":1772357732}"#,
            false,
        ),
        (r#"{"id":"u1","n":7,"iat":1772356832}"#, false),
        (claims, false),
    ] {
        check(claims, second, same);
    }
}
