//! Values in a response.

use super::*;

#[test]
fn changed_values_are_red() {
    let two = |a: &str, b: &str| body(&format!(r#"{{"a":"{a}","b":"{b}"}}"#));
    let one = |value: &str| body(&format!(r#"{{"v":{value}}}"#));
    let stores = |params: &[&str], json: &str| Does {
        calls: params
            .iter()
            .map(|param| sql("insert into t values ($1)", &[param]))
            .collect(),
        ..body(json)
    };
    let rows = vec![
        ("another value", one("1"), one("2")),
        ("a text for a number", one("1"), one(r#""1""#)),
        ("a text for a truth value", one("true"), one(r#""true""#)),
        ("null for a value", one("1"), one("null")),
        ("no field for null", one("null"), body("{}")),
        ("a field more", one("1"), body(r#"{"v":1,"w":1}"#)),
        ("a field renamed", one("1"), body(r#"{"V":1}"#)),
        ("another order", one("[1,2,3]"), one("[1,3,2]")),
        ("an element twice", one("[1,2]"), one("[1,2,2]")),
        ("an element lost", one("[1,2]"), one("[1]")),
        ("no list for an empty one", one("[]"), one("null")),
        ("an empty list", one(r#"[{"id":1}]"#), one("[]")),
        (
            "an object for a list of one",
            one(r#"[{"id":1}]"#),
            one(r#"{"id":1}"#),
        ),
        ("precision lost", one("0.30000000000000004"), one("0.3")),
        ("digits of money lost", one("1.50"), one("1.5")),
        ("a fraction for a whole number", one("42"), one("42.0")),
        (
            "a large number rounded",
            one("9007199254740993"),
            one("9007199254740992"),
        ),
        ("another way to write a number", one("1000"), one("1e3")),
        ("white space", one(r#""a""#), one(r#""a ""#)),
        ("another case", one(r#""Ann""#), one(r#""ann""#)),
        ("characters decomposed", one(r#""é""#), one(r#""e\u0301""#)),
        ("characters damaged", one(r#""é""#), one(r#""Ã©""#)),
        ("escaped twice", one(r#""a&b""#), one(r#""a&amp;b""#)),
        (
            "a member twice",
            body(r#"{"a":2}"#),
            body(r#"{"a":1,"a":2}"#),
        ),
        (
            "no next page",
            body(r#"{"next":"/items?page=2"}"#),
            body(r#"{"next":null}"#),
        ),
        (
            "a cursor of another page",
            body(r#"{"next":"eyJwYWdlIjozLCJzb3J0IjoibmFtZSJ9"}"#),
            body(r#"{"next":"eyJwYWdlIjo0LCJzb3J0IjoibmFtZSJ9"}"#),
        ),
        ("an id that was given", two(V4, "x"), two(GIVEN, "x")),
        (
            "one id where there were two",
            two(V4, OTHER_V4),
            two(V4, V4),
        ),
        (
            "two ids where there was one",
            two(V4, V4),
            two(V4, OTHER_V4),
        ),
        ("a UUID of another version", two(V4, "x"), two(V7, "x")),
        (
            "a UUID in capitals",
            two(V4, "x"),
            two(&V4.to_uppercase(), "x"),
        ),
        (
            "a UUID without hyphens",
            two(V4, "x"),
            two(&OTHER_V4.replace('-', ""), "x"),
        ),
        (
            "the nil UUID",
            two(V4, "x"),
            two("00000000-0000-0000-0000-000000000000", "x"),
        ),
        ("no id", two(V4, "x"), two("undefined", "x")),
        (
            "a word beside an id",
            two(&format!("order {V4}"), "x"),
            two(&format!("cart {OTHER_V4}"), "x"),
        ),
        (
            "a ULID in small letters",
            two("01KJTCSZ90R4ZV0WK3D9Z5FXQ7", "x"),
            two("01kjtcsz90r4zv0wk3d9z5fxqa", "x"),
        ),
        (
            "shorter random text",
            two("V1StGXR8_Z5jdHi6B-myT", "x"),
            two("V1StGXR8_Z5jdHi6B-my", "x"),
        ),
        (
            "a moment without its fraction",
            two("2026-03-01T09:20:30.123Z", "x"),
            two("2026-03-01T09:20:30Z", "x"),
        ),
        (
            "a moment in another zone",
            two("2026-03-01T09:20:30Z", "x"),
            two("2026-03-01T11:20:30+02:00", "x"),
        ),
        (
            "a moment without its zone",
            two("2026-03-01T09:20:30Z", "x"),
            two("2026-03-01T09:20:30", "x"),
        ),
        (
            "local time told as UTC",
            two("2026-03-01T09:20:30Z", "x"),
            two("2026-03-01T11:20:30Z", "x"),
        ),
        (
            "a count for a text",
            two("2026-03-01T09:20:30Z", "x"),
            body(r#"{"a":1772356830,"b":"x"}"#),
        ),
        (
            "milliseconds for seconds",
            body(r#"{"a":1772356830}"#),
            body(r#"{"a":1772356830000}"#),
        ),
        (
            "a moment at the beginning of time",
            two("2026-03-01T09:20:30Z", "x"),
            two("1970-01-01T00:00:00Z", "x"),
        ),
        (
            "another cost of a hash",
            two(
                "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
                "x",
            ),
            two(
                "$2b$04$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
                "x",
            ),
        ),
        (
            "a checksum",
            two("5d41402abc4b2a76b9719d911017c592", "x"),
            two("7d793037a0760186574b0282f2f435e7", "x"),
        ),
        (
            "a secret that is no more",
            two("redacted-0123456789abcdef01234567", "x"),
            two("undefined", "x"),
        ),
        (
            "a secret that is null in words",
            two("redacted-0123456789abcdef01234567", "x"),
            two("null", "x"),
        ),
        (
            "a secret that is empty",
            two("redacted-0123456789abcdef01234567", "x"),
            two("", "x"),
        ),
        (
            "ids in another order than they were stored in",
            stores(&[V4, OTHER_V4], &format!(r#"["{V4}","{OTHER_V4}"]"#)),
            stores(&[V4, OTHER_V4], &format!(r#"["{OTHER_V4}","{V4}"]"#)),
        ),
        (
            "an id that was not stored",
            stores(&[V4], &format!(r#"{{"id":"{V4}"}}"#)),
            stores(&[V4], &format!(r#"{{"id":"{OTHER_V4}"}}"#)),
        ),
        (
            "a link to another id",
            two(V4, &format!("/orders/{V4}")),
            two(OTHER_V4, "/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
        ),
        (
            "a name that is made twice",
            body(&format!(r#"{{"{V4}":1,"{OTHER_V4}":2}}"#)),
            body(&format!(r#"{{"{V4}":1,"{V4}":2}}"#)),
        ),
        (
            "a session that stays the same",
            two("V1StGXR8_Z5jdHi6B-myT", "n4bQgYhMfWWaL2qgxVrQF"),
            two("V1StGXR8_Z5jdHi6B-myT", "V1StGXR8_Z5jdHi6B-myT"),
        ),
        (
            "an expiry before the request",
            two("2026-03-01T10:20:30Z", "x"),
            two("2026-03-01T08:20:30Z", "x"),
        ),
        (
            "an expiry of another unit",
            body(r#"{"exp":1772360430000}"#),
            body(r#"{"exp":1772356833600}"#),
        ),
        (
            "the start of another day",
            two("2026-03-01T00:00:00Z", "x"),
            two("2026-03-02T00:00:00Z", "x"),
        ),
        (
            "the start of another month",
            two("2026-04-01T00:00:00Z", "x"),
            two("2026-05-01T00:00:00Z", "x"),
        ),
        (
            "another day",
            two("2026-03-02", "x"),
            two("2026-03-03", "x"),
        ),
    ];
    assert_eq!(green(rows), [""; 0]);
}
