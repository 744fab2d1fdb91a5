use proptest::prelude::*;

use super::*;
use crate::Number;

fn number(text: &str) -> Value {
    Value::Number(Number::parse(text).expect(text))
}

fn style(change: impl FnOnce(&mut Style)) -> Style {
    let mut style = Style::default();
    change(&mut style);
    style
}

#[test]
fn reads_every_kind_of_value() {
    let check = |text: &str, expected: Value| {
        assert_eq!(
            parse(text.as_bytes()).map(|(v, _)| v),
            Ok(expected),
            "{text}"
        );
    };
    check("null", Value::Null);
    check(" true ", true.into());
    check("false", false.into());
    check(r#""""#, "".into());
    check(r#""a\"\\\/\b\f\n\r\tz""#, "a\"\\/\u{8}\u{c}\n\r\tz".into());
    check(r#""\u00e9\u20AC\ud83d\ude00\u0000""#, "é€😀\0".into());
    check("[]", Value::List(vec![]));
    check("{}", Value::Map(vec![]));
    check(
        "[[],[0]]",
        Value::List(vec![Value::List(vec![]), Value::List(vec![0.into()])]),
    );
    check(
        r#"{"b":1,"a":2,"b":3,"":null}"#,
        Value::map([
            ("b", 1.into()),
            ("a", 2.into()),
            ("b", 3.into()),
            ("", Value::Null),
        ]),
    );
}

#[test]
fn keeps_numbers_digit_for_digit() {
    for text in [
        "0",
        "-0",
        "-0.0",
        "1.50",
        "1E400",
        "1e+2",
        "123e-10000000",
        "0e0",
        "-1.0E-05",
        "123456789012345678901234567890.123456789012345678901234567890",
    ] {
        assert_eq!(parse(text.as_bytes()).map(|(v, _)| v), Ok(number(text)));
    }
}

#[test]
fn keeps_lone_surrogates_as_wtf8() {
    let check = |text: &str, bytes: &[u8]| {
        let (value, style) = parse(text.as_bytes()).expect(text);
        assert_eq!(value, Value::Bytes(bytes.to_vec().into()), "{text}");
        assert_eq!(write(&value, &style).as_deref(), Some(text.as_bytes()));
    };
    check(r#""\ud800""#, b"\xed\xa0\x80");
    check(r#""a\udfffz""#, b"a\xed\xbf\xbfz");
    check(r#""\udc00\ud800""#, b"\xed\xb0\x80\xed\xa0\x80");
    check(r#""\ud800\ud83d\ude00""#, b"\xed\xa0\x80\xf0\x9f\x98\x80");
    check(r#""\ud800\n""#, b"\xed\xa0\x80\n");
    check(r#""\uDABC\uD800""#, b"\xed\xaa\xbc\xed\xa0\x80");
}

#[test]
fn refuses_what_is_not_json_and_says_where() {
    let check = |text: &[u8], at: usize| {
        assert_eq!(
            parse(text).map_err(|e| e.at),
            Err(at),
            "{}",
            String::from_utf8_lossy(text)
        );
    };
    check(b"", 0);
    check(b"  ", 2);
    check(b"[", 1);
    check(b"[1", 2);
    check(b"[1,", 3);
    check(b"[1,]", 3);
    check(b"[,1]", 1);
    check(b"[1 2]", 3);
    check(b"[1]]", 3);
    check(b"{", 1);
    check(b"{\"a\"", 4);
    check(b"{\"a\":}", 5);
    check(b"{\"a\":1,}", 7);
    check(b"{a:1}", 1);
    check(b"{'a':1}", 1);
    check(b"{\"a\" 1}", 5);
    check(b"{1:1}", 1);
    check(b"{\"\\ud800\":1}", 1);
    check(b"nul", 0);
    check(b"NaN", 0);
    check(b"-Infinity", 1);
    check(b"+1", 0);
    check(b"01", 1);
    check(b"-01", 2);
    check(b"1.", 2);
    check(b".5", 0);
    check(b"1.e1", 2);
    check(b"1e", 2);
    check(b"1e+", 3);
    check(b"0x1", 1);
    check(b"1 2", 2);
    check(b"\"", 1);
    check(b"\"a", 2);
    check(b"\"\\", 2);
    check(b"\"\\x\"", 2);
    check(b"\"\\u12\"", 5);
    check(b"\"\\u12g4\"", 5);
    check(b"\"\\ud800\\u\"", 9);
    check(b"\"a\nb\"", 2);
    check(b"\"a\tb\"", 2);
    check(b"\"\x00\"", 1);
    check(b"\"\xff\"", 1);
    check(b"\"\xed\xa0\x80\"", 1);
    check(b"\xef\xbb\xbf1", 0);
    check(b"\xc2\xa01", 0);
    check(b"1\x0c", 1);
    check(b"// c\n1", 0);
}

#[test]
fn an_error_says_line_and_column() {
    let error = parse(b"{\n  \"a\": 1,\n  oops\n}").expect_err("not JSON");
    assert_eq!((error.line, error.column), (3, 3));
    assert_eq!(
        error.to_string(),
        "not JSON: expected a key in quotes at line 3, column 3"
    );
}

#[test]
fn refuses_to_nest_deeper_than_the_limit() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(exact(nested(DEPTH_LIMIT).as_bytes()).is_some());
    assert_eq!(
        parse(nested(DEPTH_LIMIT + 1).as_bytes()).map_err(|e| e.at),
        Err(DEPTH_LIMIT)
    );
    assert!(parse("[".repeat(1_000_000).as_bytes()).is_err());
    assert!(parse("{\"a\":".repeat(1_000_000).as_bytes()).is_err());
}

/// Each text is what that writer gives, and must come back byte for byte.
#[test]
fn gives_back_the_bytes_of_known_writers() {
    let check = |text: &str, expected: Style| {
        let (value, found) = parse(text.as_bytes()).expect(text);
        assert_eq!(found, expected, "{text}");
        let written = write(&value, &found).map(|b| String::from_utf8(b).expect("UTF-8"));
        assert_eq!(written.as_deref(), Some(text));
        let again = match found.to_value() {
            Some(value) => Style::from_value(&value),
            None => Some(Style::default()),
        };
        assert_eq!(again, Some(found), "{text}");
    };
    let bit = |chars: &str| chars.bytes().fold(0u128, |set, c| set | 1 << c);
    let indent = |width, tab, crlf| Layout::Indent(Indent { tab, width, crlf });

    // JavaScript: JSON.stringify(value), and with indentation.
    check(
        "{\"a\":[1,2],\"é\":\"</\\u001f\\b\u{7f}\"}",
        Style::default(),
    );
    check(
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}",
        style(|s| (s.layout, s.colon) = (indent(2, false, false), Colon::After)),
    );
    check(
        "[\n\t1\n]\n",
        style(|s| {
            s.layout = indent(1, true, false);
            s.colon = Colon::After;
            s.end = End::Lf;
        }),
    );
    // Python: json.dumps(value), with indent=0, and Flask's compact jsonify.
    let spaced = style(|s| (s.layout, s.colon) = (Layout::Spaced, Colon::After));
    check("{\"a\": 1, \"b\": [1, 2]}", spaced);
    check("{\"a\": 1}", spaced);
    check("[1, 2]", spaced);
    check(
        "{\"a\": \"\\u00e9\\ud83d\\ude00\", \"b\": \"/\"}",
        Style {
            ascii: true,
            ..spaced
        },
    );
    check(
        "[\n1,\n2\n]",
        style(|s| (s.layout, s.colon) = (indent(0, false, false), Colon::After)),
    );
    check("{\"a\":1}\n", style(|s| s.end = End::Lf));
    // PHP: json_encode(value), and with JSON_PRETTY_PRINT.
    check(
        r#"{"url":"http:\/\/x\/","n":"\u00e9"}"#,
        style(|s| (s.slash, s.ascii) = (true, true)),
    );
    // Go: json.NewEncoder(w).Encode(value).
    check(
        "{\"a\":\"\\u003cb\\u003e \\u0026 \\u2028\"}\n",
        style(|s| (s.end, s.escape, s.separators) = (End::Lf, bit("<>&"), true)),
    );
    check(
        "\"\\u0008\\u000c\"",
        style(|s| s.escape = bit("\u{8}\u{c}")),
    );
    // .NET: System.Text.Json.
    check(
        r#"{"a":"\u0022\u0027\u002B\u00E9\\"}"#,
        style(|s| (s.upper, s.ascii, s.escape) = (true, true, bit("\"'+"))),
    );
    // Newtonsoft, indented, on Windows.
    check(
        "{\r\n  \"a\": 1\r\n}\r\n",
        style(|s| {
            (s.layout, s.colon, s.end) = (indent(2, false, true), Colon::After, End::CrLf);
        }),
    );
    // PostgreSQL: json_build_object.
    check(
        "{\"a\" : 1, \"b\" : 2}",
        style(|s| (s.layout, s.colon) = (Layout::Spaced, Colon::Both)),
    );
    // Java: control characters in upper case.
    check("\"\\u001B\"", style(|s| s.upper = true));
}

#[test]
fn a_text_of_no_one_style_is_not_exact() {
    for text in [
        "[1,2, 3]",
        " [1]",
        "[1] ",
        "[ 1 ]",
        "{\"a\": 1,\"b\":2}",
        "\"/\\/\"",
        "\"\\u00e9é\"",
        "\"\\u003c<\"",
        "\"\\u00e9\\u00EA\"",
        "[\n  1,\n   2\n]",
        "[1]\n\n",
        "{\n}",
    ] {
        assert!(parse(text.as_bytes()).is_ok(), "{text}");
        assert!(exact(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn what_is_no_wtf8_cannot_be_written() {
    for bytes in [
        &b"\xff"[..],
        b"\xed\xa0",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"a\x80",
    ] {
        let value = Value::Bytes(bytes.to_vec().into());
        assert_eq!(write(&value, &Style::default()), None);
    }
}

#[test]
fn an_unknown_style_is_refused() {
    for (key, value) in [
        ("indented", Value::from(2)),
        ("indent", "x".into()),
        ("indent", Value::from(1000)),
        ("colon", "::".into()),
        ("escape", "é".into()),
        ("ascii", Value::from(1)),
    ] {
        assert_eq!(
            Style::from_value(&Value::map([(key, value)])),
            None,
            "{key}"
        );
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?".prop_map(|n| number(&n)),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            proptest::collection::vec((any::<String>(), inner), 0..5).prop_map(Value::Map),
        ]
    })
}

fn styles() -> impl Strategy<Value = Style> {
    (
        prop_oneof![
            Just((Layout::Compact, Colon::Tight)),
            Just((Layout::Spaced, Colon::After)),
            Just((Layout::Spaced, Colon::Both)),
            (0u8..5, any::<bool>(), any::<bool>()).prop_map(|(width, tab, crlf)| {
                (Layout::Indent(Indent { tab, width, crlf }), Colon::After)
            }),
        ],
        prop_oneof![Just(End::Nothing), Just(End::Lf), Just(End::CrLf)],
        any::<[bool; 4]>(),
        any::<u128>(),
    )
        .prop_map(
            |((layout, colon), end, [ascii, upper, slash, separators], escape)| Style {
                layout,
                colon,
                end,
                ascii,
                upper,
                slash,
                escape,
                separators,
            },
        )
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(value in values(), style in styles()) {
        let text = write(&value, &style).expect("no bytes in it");
        let (read, found) = parse(&text).expect("written as JSON");
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(write(&read, &found), Some(text));
    }

    #[test]
    fn a_style_is_read_back(style in styles()) {
        let mut style = style;
        if let Layout::Indent(indent) = &mut style.layout {
            indent.tab &= indent.width > 0;
        }
        let again = style.to_value().map_or(Some(Style::default()), |v| Style::from_value(&v));
        prop_assert_eq!(again, Some(style));
    }

    #[test]
    fn surrogates_of_any_order_come_back(units in proptest::collection::vec(0xd7f0u16..0xe010, 0..6)) {
        let text = units.iter().fold(String::from("\""), |t, u| format!("{t}\\u{u:04x}")) + "\"";
        prop_assert!(exact(text.as_bytes()).is_some(), "{}", text);
    }

    #[test]
    fn garbage_does_not_panic(text in "[\\[\\]{}:,\"\\\\u0-9a-f.\\-eE \n\ttrue]{0,40}", bytes in any::<Vec<u8>>()) {
        let _ = exact(text.as_bytes());
        let _ = parse(&bytes);
    }
}
