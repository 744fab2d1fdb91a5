//! Calls over HTTP.

use super::*;

#[test]
fn changed_calls_over_http_are_red() {
    let one = |method: &str, path: &str| asks(&[sends(method, path, &[], "")]);
    let with = |name: &str, value: &str| asks(&[sends("POST", "/x", &[(name, value)], "1")]);
    let without = || asks(&[sends("POST", "/x", &[], "1")]);
    let body = |text: &str| asks(&[sends("POST", "/x", &[], text)]);
    let key = |key: &str| sends("POST", "/charge", &[("idempotency-key", key)], r#"{"n":1}"#);
    let text_body = |text: &str| {
        let mut request = http("POST", "/x", None);
        request.push("body", Value::map([("text", text.into())]));
        asks(&[request])
    };
    let rows = vec![
        ("another method", one("GET", "/x"), one("HEAD", "/x")),
        ("another path", one("GET", "/x/1"), one("GET", "/x/2")),
        ("a slash at the end", one("GET", "/x"), one("GET", "/x/")),
        ("another query", one("GET", "/x?a=1"), one("GET", "/x?a=2")),
        (
            "a query lost",
            one("GET", "/x?a=1&b=2"),
            one("GET", "/x?a=1"),
        ),
        (
            "a key of the query twice",
            one("GET", "/x?a=1"),
            one("GET", "/x?a=1&a=1"),
        ),
        (
            "a repeated key in another order",
            one("GET", "/x?a=1&a=2"),
            one("GET", "/x?a=2&a=1"),
        ),
        (
            "a query encoded twice",
            one("GET", "/x?a=b%20c"),
            one("GET", "/x?a=b%2520c"),
        ),
        (
            "no authorization",
            with("authorization", "Bearer redacted-0123456789abcdef01234567"),
            without(),
        ),
        (
            "authorization by another scheme",
            with("authorization", "Bearer redacted-0123456789abcdef01234567"),
            with("authorization", "Basic abcdefgh"),
        ),
        (
            "authorization with nothing",
            with("authorization", "Bearer redacted-0123456789abcdef01234567"),
            with("authorization", "Bearer undefined"),
        ),
        (
            "another type",
            with("content-type", "application/json"),
            with("content-type", "text/plain"),
        ),
        (
            "another tenant",
            with("x-tenant", "a"),
            with("x-tenant", "b"),
        ),
        ("a header more", without(), with("x-debug", "1")),
        (
            "a text for a number",
            body(r#"{"n":1}"#),
            body(r#"{"n":"1"}"#),
        ),
        (
            "null for a value",
            body(r#"{"n":1}"#),
            body(r#"{"n":null}"#),
        ),
        (
            "no field for null",
            body(r#"{"n":null,"m":1}"#),
            body(r#"{"m":1}"#),
        ),
        ("a field more", body(r#"{"n":1}"#), body(r#"{"n":1,"m":1}"#)),
        ("another order of a list", body("[1,2]"), body("[2,1]")),
        ("a fraction", body(r#"{"n":10}"#), body(r#"{"n":10.0}"#)),
        ("no body", body("1"), asks(&[sends("POST", "/x", &[], "")])),
        ("a call twice", asks(&[key(V4)]), asks(&[key(V4), key(V4)])),
        (
            "no key that makes it one call",
            asks(&[key(V4)]),
            asks(&[sends("POST", "/charge", &[], r#"{"n":1}"#)]),
        ),
        (
            "one key for two calls",
            asks(&[key(V4), key(OTHER_V4)]),
            asks(&[key(V4), key(V4)]),
        ),
        (
            "a key for each try",
            asks(&[key(V4), key(V4)]),
            asks(&[key(V4), key(OTHER_V4)]),
        ),
        (
            "a key that was given",
            asks(&[key(V4)]),
            asks(&[key(GIVEN)]),
        ),
        ("a call lost", asks(&[key(V4)]), asks(&[])),
        (
            "a text beside a secret",
            text_body("<pay key='redacted-0123456789abcdef01234567' amount='1'/>"),
            text_body("<pay key='abcdefghijklmnopqrst' amount='100'/>"),
        ),
        (
            "a scheme before a secret",
            body(r#"{"auth":"Bearer redacted-0123456789abcdef01234567"}"#),
            body(r#"{"auth":"Basic abcdefghijklmnopqrst"}"#),
        ),
        (
            "nothing for a secret",
            body(r#"{"auth":"redacted-0123456789abcdef01234567"}"#),
            body(r#"{"auth":"undefined"}"#),
        ),
        (
            "an empty text for a secret",
            body(r#"{"auth":"redacted-0123456789abcdef01234567"}"#),
            body(r#"{"auth":""}"#),
        ),
    ];
    assert_eq!(green(rows), [""; 0]);
}
