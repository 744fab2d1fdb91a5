//! What is read directly is what the general way reads, whatever somebody did to the file.

use std::fmt::Debug;

use super::read;
use crate::yaml::{Limits, Tree, guard};

/// What `text` holds, asked for both ways: the direct one may give up, and must not differ.
fn check(text: &str, is_direct: bool) {
    let direct: Option<Tree> = read(text);
    assert_eq!(direct.is_some(), is_direct, "{text:?}: {direct:?}");
    if direct.is_some() {
        guard(text.as_bytes(), Limits::RECORDING).expect("a text that is not refused");
        let general: Tree = serde_yaml::from_str(text).expect("a text that can be read");
        assert_eq!(direct, Some(general), "{text:?}");
    }
}

#[test]
fn what_the_emitter_writes_is_read_directly() {
    for text in [
        "a: b\n",
        "a: b c\nd: \"e: f\"\n",
        "a:\n  b:\n    c: d\n  e: f\n",
        "a:\n  - b\n  - c: d\n    e: f\n  - - g\n    - h: i\n",
        "a: [b, \"c\", {d: e, \"f g\": [1, -2, 0.5, null, true]}]\nb: {}\nc: []\n",
        "a: |\n  one\n\n    two\nb: |-\n  one\n  two\nc: |2+\n\n   one\n\n\nd: e\n",
        "a: !b64 AAEC\nb: !num \"1.50\"\nc: !map\n  - [a, b]\n  - [a, c]\nd: {e: !b64 \"AA==\"}\n",
        "at: 2026-03-01T10:20:30.123456789Z\ntook: 12.3ms\nid: 7f3c1a2b-0000-4000-8000-0123456789ab\n",
        "a: \"\\u0000\\U0010ffff\\n\\r\\t\\\\ \\\"\"\n",
        "größe: é\n",
        "url: http://localhost:80/x?y=1,2\n",
    ] {
        check(text, true);
    }
}

#[test]
fn what_is_written_otherwise_is_left_to_the_general_parser() {
    for text in [
        "a: b # comment\n",
        "# comment\na: b\n",
        "a: b\n\nc: d\n",
        "a: b",
        "a: b\r\nc: d\r\n",
        "a: 'b'\n",
        "a: >\n  b\n",
        "a:\n- b\n",
        "a:\n    b: c\n",
        "a: [b,c]\n",
        "a: [ b ]\n",
        "a: [b,\n  c]\n",
        "a: [b, ]\n",
        "a: [b: c]\n",
        "a: {b}\n",
        "a:\n",
        "a: ~\n",
        "a: no\n",
        "a: 1.50\n",
        "a: 0x1\n",
        "a: 12345678901234567890123\n",
        "a: b\n  c\n",
        "a: \"b\n  c\"\n",
        "a: \"\\x41\"\n",
        "a: \"\tb\"\n",
        "a:  b\n",
        "a : b\n",
        "a: b \n",
        "a: |\n  b \n",
        "a: |\n\n  b\n",
        "a: |\n    b\n  c\n",
        "a: |4\n      b\n",
        "a: |\n  b\n\n",
        "? a\n: b\n",
        "1: b\n",
        "a: &x b\n",
        "a: *x\n",
        "<<: b\n",
        "a: !other b\n",
        "a: !!str b\n",
        "a: !num 1.5\n",
        "a: b\na: c\n",
        "a: {b: c, b: d}\n",
        "--- \na: b\n",
        "a: b\n...\n",
        "a: b\n---\na: b\n",
        "%YAML 1.2\n",
        "\ta: b\n",
        "a: \u{85}b\n",
        "a: \"\u{2028}\"\n",
        "a: \"\u{feff}\"\n",
        "a: \"\u{7f}\"\n",
        "a: @b\n",
        "a: `b`\n",
        "a: b: c\n",
        "a: [b]: c\n",
        "a: \"b\" c\n",
        "a: [b] c\n",
        "a: - b\n",
        "b: c\n d: e\n",
        "a:\n  b: c\n d: e\n",
        "a:\n  - b\n  c: d\n",
        "a:\n  b: c\n  - d\n",
        " a: b\n",
        "a: !deep [[list, 2], 1]\n",
        "a: !map [[b, c, d]]\n",
        "a: !map [[b]]\n",
        "a: 1234567890123456789012345678901234567890123456789012345678901234\n",
        "a: \"\\ud800\"\n",
    ] {
        check(text, false);
    }
    let deep = format!("a: {}{}\n", "[".repeat(95), "]".repeat(95));
    check(&deep, false);
    check(&format!("{}: a\n", "k".repeat(1001)), false);
}

/// Both ways again, for the types of the files.
#[test]
fn types_are_read_as_strictly() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Doc {
        text: Option<String>,
        number: Option<u64>,
        truth: Option<bool>,
        size: Option<f64>,
        pair: Option<(String, Tree)>,
        texts: Option<Vec<String>>,
        word: Option<Word>,
        tree: Option<Tree>,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        One,
    }
    fn same<T: Debug + PartialEq + serde::de::DeserializeOwned>(text: &str, is_direct: bool) {
        let direct: Option<T> = read(text);
        assert_eq!(direct.is_some(), is_direct, "{text:?}: {direct:?}");
        if direct.is_some() {
            assert_eq!(direct, serde_yaml::from_str(text).ok(), "{text:?}");
        }
    }
    for (text, is_direct) in [
        ("text: a\nnumber: 7\ntruth: true\n", true),
        ("size: 0.01\n", true),
        ("size: 5.0\n", true),
        ("size: -7\n", true),
        (
            "pair: [a, [1, {b: c}]]\ntexts: [a, \"1\"]\nword: one\n",
            true,
        ),
        ("pair:\n  - a\n  - b: c\ntexts:\n  - a\n", true),
        ("tree: !b64 AAEC\n", true),
        ("tree: null\n", false),
        ("text: 1\n", false),
        ("text: null\n", false),
        ("text: true\n", false),
        ("text: [a]\n", false),
        ("text: !b64 a\n", false),
        ("number: \"7\"\n", false),
        ("number: -7\n", false),
        ("number: 7.0\n", false),
        ("truth: \"true\"\n", false),
        ("truth: 1\n", false),
        ("size: 1e3\n", false),
        ("size: \"1.5\"\n", false),
        ("pair: [a]\n", false),
        ("pair: [a, b, c]\n", false),
        ("pair:\n  - a\n  - b\n  - c\n", false),
        ("pair: {a: b}\n", false),
        ("texts: a\n", false),
        ("texts: [a, 1]\n", false),
        ("word: two\n", false),
        ("word: {one: 1}\n", false),
        ("word: !one a\n", false),
        ("other: a\n", false),
        ("text: a\ntext: b\n", false),
    ] {
        same::<Doc>(text, is_direct);
    }
}
