use proptest::prelude::*;

use super::*;

fn tree(content_type: &str, body: &[u8]) -> Value {
    let tree = to_tree(Some(content_type.as_bytes()), None, body);
    assert_eq!(to_bytes(&tree).as_deref(), Ok(body), "{content_type}");
    tree
}

#[test]
fn the_content_type_and_the_bytes_say_the_kind() {
    let check = |content_type: &str, body: &[u8], kind: &str| {
        let tree = tree(content_type, body);
        let first = tree
            .as_map()
            .and_then(<[_]>::first)
            .map(|(k, _)| k.as_str());
        assert_eq!(first, Some(kind), "{content_type} {body:?}");
    };
    check("application/json", b"{\"a\":1}", "json");
    check("application/json; charset=utf-8", b"\"x\"", "json");
    check("Application/Problem+JSON", b"{}", "json");
    check("application/json", b"oops", "text");
    check("application/json", b"\"\xff\"", "bytes");
    check("application/json", b" {}", "text");
    check("application/x-ndjson", b"{\"a\":1}\n", "text");
    check("text/html", b"{\"a\":1}", "json");
    check("text/html", b"{not json}", "text");
    check("application/x-www-form-urlencoded", b"{\"a\": 1}", "json");
    check("application/x-www-form-urlencoded", b"a=1&b=2", "form");
    check("application/x-www-form-urlencoded", b"100%", "text");
    check("text/xml; charset=utf-8", b"<a/>", "xml");
    check("image/svg+xml", b"<svg/>", "xml");
    check("text/plain", "é".as_bytes(), "text");
    check("text/plain; charset=latin1", b"\xe9", "bytes");
    check("application/octet-stream", b"abc\r\n\t", "text");
    check("application/octet-stream", b"abc\0", "bytes");
    check("image/png", b"abc", "bytes");
    check("application/grpc+proto", b"abc", "bytes");
    check("", b"abc", "text");
    check("", b"", "text");
}

#[test]
fn json_that_no_style_gives_back_is_kept_as_text_and_said_to_be_json() {
    assert_eq!(
        tree("application/json", b"{\"a\":1, \"b\":  2}"),
        Value::map([
            ("text", "{\"a\":1, \"b\":  2}".into()),
            ("as", Value::from("json"))
        ])
    );
    assert_eq!(
        tree("application/json", b"{\"a\": 1.50}\n"),
        Value::map([
            ("json", json::parse(b"{\"a\":1.50}").expect("JSON").0),
            (
                "style",
                Value::map([("spaced", true.into()), ("end", Value::from("\n"))])
            ),
        ])
    );
}

#[test]
fn forms_come_back_as_their_clients_wrote_them() {
    let check = |body: &str, pairs: &[&[&str]], style: Option<Value>| {
        let pairs = pairs
            .iter()
            .map(|p| Value::List(p.iter().map(|s| (*s).into()).collect()));
        let mut expected = Value::map([("form", Value::List(pairs.collect()))]);
        if let Some(style) = style {
            expected.push("style", style);
        }
        assert_eq!(
            tree("application/x-www-form-urlencoded", body.as_bytes()),
            expected,
            "{body}"
        );
    };
    // A browser, and JavaScript's URLSearchParams.
    check("a=1+2&b=%C3%A9%7E*", &[&["a", "1 2"], &["b", "é~*"]], None);
    // Python's urlencode leaves `~` and escapes `*`.
    check(
        "a=~%2A+",
        &[&["a", "~* "]],
        Some(Value::map(
            [("raw", "~"), ("escape", "*")].map(|(k, v)| (k, v.into())),
        )),
    );
    // JavaScript's encodeURIComponent.
    check(
        "a=b%20c",
        &[&["a", "b c"]],
        Some(Value::map([("space", Value::from("%20"))])),
    );
    // curl's --data, which sends what it is given.
    check(
        "q=a b/c=d",
        &[&["q", "a b/c=d"]],
        Some(Value::map([("raw", Value::from(" /="))])),
    );
    check(
        "a=%c3%a9",
        &[&["a", "é"]],
        Some(Value::map([("lower", true.into())])),
    );
    check(
        "a&b=&=c&&a=2",
        &[&["a"], &["b", ""], &["", "c"], &[""], &["a", "2"]],
        None,
    );
    check("a%3Db=c", &[&["a=b", "c"]], None);
}

#[test]
fn a_form_of_mixed_styles_is_kept_as_text_and_said_to_be_a_form() {
    for body in ["a=1+2%203", "a=%c3%A9", "a=~%7E"] {
        let tree = tree("application/x-www-form-urlencoded", body.as_bytes());
        assert_eq!(
            tree,
            Value::map([("text", body.into()), ("as", Value::from("form"))])
        );
    }
}

#[test]
fn encoded_bodies_are_shown_decoded_and_sent_as_they_came() {
    for encoding in ["gzip", "X-GZip", "deflate", "br", "zstd", "gzip, br"] {
        let lower = encoding.to_ascii_lowercase();
        let body = coding::encode(&lower, b"{\"id\":1}").expect("known");
        let mut tree = to_tree(Some(b"application/json"), Some(encoding.as_bytes()), &body);
        let expected = Value::map([
            ("json", Value::map([("id", Value::from(1))])),
            ("encoding", lower.as_str().into()),
            ("encoded", Value::Bytes(body.clone().into())),
        ]);
        assert_eq!(tree, expected);
        assert_eq!(to_bytes(&tree), Ok(body));

        // With another value in the tree, the recorded bytes no longer say the same.
        *tree.get_mut("json").expect("is there") = Value::map([("id", Value::from(2))]);
        let again = to_bytes(&tree).expect("can be encoded");
        assert_eq!(
            coding::decode(&lower, &again).as_deref(),
            Some(&b"{\"id\":2}"[..])
        );
    }
}

#[test]
fn a_body_that_cannot_be_decoded_is_bytes_as_it_came() {
    let gzip = coding::encode("gzip", b"hello").expect("known");
    let cut = &gzip[..gzip.len() - 1];
    let trailed = [&gzip[..], b"x"].concat();
    for (encoding, body) in [
        ("gzip", &b"hello"[..]),
        ("gzip", cut),
        ("gzip", &trailed),
        ("deflate", b"hello"),
        ("br", b"hello"),
        ("zstd", b"hello"),
        ("aws-chunked", b"hello"),
        ("gzip, gzip, gzip, gzip", &gzip),
    ] {
        let tree = to_tree(Some(b"text/plain"), Some(encoding.as_bytes()), body);
        assert_eq!(tree, as_bytes(body), "{encoding}");
    }
    assert_eq!(to_tree(None, Some(b"identity"), b"hello"), as_text("hello"));
    assert_eq!(to_tree(None, Some(b""), b"hello"), as_text("hello"));
}

#[test]
fn bare_deflate_is_read_too() {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, b"hello").expect("into memory");
    let bare = encoder.finish().expect("into memory");
    assert_eq!(
        coding::decode("deflate", &bare).as_deref(),
        Some(&b"hello"[..])
    );
}

#[test]
fn a_bomb_is_not_unpacked() {
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, br"] {
        let bomb = coding::encode(encoding, &vec![0; 100_001]).expect("known");
        assert!(bomb.len() < 1000);
        assert_eq!(
            coding::decode_within(encoding, &bomb, 100_000),
            None,
            "{encoding}"
        );
        assert!(
            coding::decode_within(encoding, &bomb, 100_001).is_some(),
            "{encoding}"
        );
    }
}

#[test]
fn a_tree_that_is_no_body_is_refused() {
    for tree in [
        Value::Null,
        Value::map([("jsom", Value::Null)]),
        Value::map([("text", Value::from(1))]),
        Value::map([
            ("json", Value::Null),
            ("style", Value::map([("x", Value::Null)])),
        ]),
        Value::map([("form", Value::from("a=1"))]),
        Value::map([("text", "a".into()), ("encoding", Value::from("rot13"))]),
    ] {
        assert!(to_bytes(&tree).is_err(), "{tree:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_of_any_type_come_back(
        content_type in prop_oneof![
            Just("application/json"), Just("application/x-www-form-urlencoded"),
            Just("text/xml"), Just("text/plain"), Just("image/png"), Just(""),
        ],
        encoding in prop_oneof![
            Just(""), Just("gzip"), Just("deflate"), Just("br"), Just("zstd"), Just("br,gzip"),
        ],
        is_encoded in any::<bool>(),
        body in prop_oneof![
            any::<Vec<u8>>(),
            "[a-c&=+%0-9A-Fa-f ~*é]{0,30}".prop_map(String::into_bytes),
            "(\\[|\\{\"a\": ?)[0-9\", ]{0,10}(\\]|\\})\n?".prop_map(String::into_bytes),
        ],
    ) {
        let body = if is_encoded && !encoding.is_empty() {
            coding::encode(encoding, &body).expect("known")
        } else {
            body
        };
        let tree = to_tree(Some(content_type.as_bytes()), Some(encoding.as_bytes()), &body);
        prop_assert_eq!(to_bytes(&tree), Ok(body));
    }
}
