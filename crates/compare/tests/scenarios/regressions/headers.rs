//! Status and headers.

use super::*;

#[test]
fn changed_headers_are_red() {
    let one = |name: &str, value: &str| headers(&[(name, value)]);
    let none = || headers(&[]);
    let cookie = |attributes: &str| one("set-cookie", &format!("seen=1{attributes}"));
    let json = |text: &str| Value::map([("json", json::parse(text.as_bytes()).expect(text).0)]);
    let moment = |of: &str, fields: &[(&str, &str)]| {
        headers_and(fields, json(&format!(r#"{{"at":"{of}"}}"#)))
    };
    let (then, now) = ("2026-03-01T09:20:30.5Z", "2026-03-01T09:20:30.75Z");
    let rows = vec![
        (
            "another status",
            body("1"),
            answers(Value::map([("status", 201.into()), ("body", json("1"))])),
        ),
        (
            "cache-control",
            one("cache-control", "no-store"),
            one("cache-control", "max-age=60"),
        ),
        ("no cache-control", one("cache-control", "no-store"), none()),
        (
            "no charset",
            one("content-type", "text/html; charset=utf-8"),
            one("content-type", "text/html"),
        ),
        (
            "another type",
            one("content-type", "application/json"),
            one("content-type", "text/plain"),
        ),
        (
            "another location",
            one("location", "/orders/1"),
            one("location", "/orders/2"),
        ),
        (
            "a location of another host",
            one("location", "https://a/x"),
            one("location", "http://a/x"),
        ),
        (
            "HttpOnly lost",
            cookie("; HttpOnly; Path=/"),
            cookie("; Path=/"),
        ),
        ("Secure lost", cookie("; Secure"), cookie("")),
        (
            "SameSite",
            cookie("; SameSite=Strict"),
            cookie("; SameSite=None"),
        ),
        (
            "Max-Age",
            cookie("; Max-Age=3600"),
            cookie("; Max-Age=36000"),
        ),
        (
            "Expires",
            cookie("; Expires=Sun, 08 Mar 2026 09:20:30 GMT"),
            cookie("; Expires=Sat, 08 Aug 2026 09:20:30 GMT"),
        ),
        (
            "the attributes of a cookie with a secret",
            one(
                "set-cookie",
                "sid=redacted-0123456789abcdef01234567; HttpOnly",
            ),
            one("set-cookie", "sid=abcdefghijklmnopqrst"),
        ),
        (
            "a cookie lost",
            headers(&[("set-cookie", "a=1"), ("set-cookie", "b=1")]),
            one("set-cookie", "a=1"),
        ),
        (
            "CORS for all",
            one("access-control-allow-origin", "https://a"),
            one("access-control-allow-origin", "*"),
        ),
        ("no CORS", one("access-control-allow-origin", "*"), none()),
        (
            "methods of CORS",
            one("access-control-allow-methods", "GET, POST"),
            one("access-control-allow-methods", "GET"),
        ),
        ("vary", one("vary", "accept, origin"), one("vary", "accept")),
        (
            "a policy lost",
            one("content-security-policy", "default-src 'self'"),
            none(),
        ),
        (
            "a count",
            one("x-total-count", "7"),
            one("x-total-count", "8"),
        ),
        (
            "a link to the next page",
            one("link", "</x?page=2>; rel=next"),
            none(),
        ),
        (
            "retry-after",
            one("retry-after", "1"),
            one("retry-after", "100"),
        ),
        (
            "www-authenticate",
            one("www-authenticate", "Bearer"),
            one("www-authenticate", "Basic"),
        ),
        ("not encoded", one("content-encoding", "gzip"), none()),
        (
            "a header twice",
            one("x-a", "1"),
            headers(&[("x-a", "1"), ("x-a", "1")]),
        ),
        (
            "an etag of the same body",
            one("etag", "\"1\""),
            one("etag", "\"2\""),
        ),
        (
            "no etag, of another body",
            moment(then, &[("etag", "\"1\"")]),
            moment(now, &[]),
        ),
        (
            "an etag more, of another body",
            moment(then, &[]),
            moment(now, &[("etag", "\"1\"")]),
        ),
        (
            "a weak etag for a strong one",
            moment(then, &[("etag", "\"1\"")]),
            moment(now, &[("etag", "W/\"2\"")]),
        ),
        (
            "no digest, of another body",
            moment(then, &[("content-digest", "sha-256=:x:")]),
            moment(now, &[]),
        ),
        ("no server-timing", one("server-timing", "db;dur=1"), none()),
        (
            "last-modified",
            one("last-modified", "Sun, 01 Mar 2026 09:20:30 GMT"),
            one("last-modified", "Sun, 01 Mar 2026 21:20:30 GMT"),
        ),
    ];
    assert_eq!(green(rows), [""; 0]);
}
