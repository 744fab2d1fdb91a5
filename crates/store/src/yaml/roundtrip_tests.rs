//! Whatever a value holds, it is read back as it was written, wherever in a file it stands.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use retake_model::{Number, Value};
use serde::Deserialize;

use super::{Limits, Node, Tree, document, guard, read_direct, tree};

#[derive(Deserialize)]
struct Doc {
    before: Tree,
    list: Vec<Tree>,
    block: Tree,
    after: Tree,
}

fn node<'v>(value: &'v Value, blobs: &mut Vec<tree::BlobOf<'v>>) -> Node<'v> {
    tree::node(value, blobs).expect("not too deep")
}

/// Writes `value` in several positions, reads the text, and compares.
fn check(value: &Value) -> String {
    let mut blobs = Vec::new();
    let fields = [
        (Cow::Borrowed("before"), node(value, &mut blobs)),
        (
            Cow::Borrowed("list"),
            Node::Block(Box::new(Node::List(vec![
                node(value, &mut blobs),
                node(value, &mut blobs),
            ]))),
        ),
        (
            Cow::Borrowed("block"),
            Node::Block(Box::new(Node::Map(vec![
                (Cow::Borrowed("x"), node(value, &mut blobs)),
                (Cow::Borrowed("y"), node(value, &mut blobs)),
            ]))),
        ),
        (Cow::Borrowed("after"), node(value, &mut blobs)),
    ];
    let text = document(&fields);
    let blobs: HashMap<String, Vec<u8>> = blobs
        .into_iter()
        .map(|blob| (blob.name, blob.bytes.to_vec()))
        .collect();
    let mut load = |name: &str, is_text: bool| -> Result<Value, String> {
        let bytes = blobs.get(name).ok_or("no blob")?;
        Ok(if is_text {
            Value::String(String::from_utf8(bytes.clone()).map_err(|e| e.to_string())?)
        } else {
            Value::Bytes(Bytes::from(bytes.clone()))
        })
    };
    guard(text.as_bytes(), Limits::RECORDING).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    let direct: Option<Tree> = read_direct(&text);
    let general: Result<Tree, _> = serde_yaml::from_str(&text);
    assert!(
        direct.is_some() && direct == general.ok(),
        "{direct:?}\n{text}"
    );
    let doc: Doc = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let mut same = |tree: Tree| {
        let got = tree.into_value(&mut load).expect("blobs are there");
        assert!(got == *value, "{value:?}\n{got:?}\n{text}");
    };
    same(doc.before);
    same(doc.after);
    for item in doc.list {
        same(item);
    }
    let Tree::Map(fields) = doc.block else {
        panic!("{text}")
    };
    for (_, item) in fields {
        same(item);
    }
    text
}

/// Pieces that have a meaning in YAML, or are hard on editors and readers.
pub(crate) const PIECES: &[&str] = &[
    "a",
    "Z",
    "0",
    "1",
    "9",
    "-",
    "--",
    "---",
    "...",
    ".",
    ":",
    ": ",
    " :",
    "#",
    " #",
    "# ",
    "&",
    "*",
    "!",
    "!!str",
    "|",
    ">",
    "%",
    "@",
    "`",
    "\"",
    "'",
    "''",
    "\\",
    "\\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    ", ",
    "?",
    "? ",
    "- ",
    "~",
    "=",
    "<<",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    " \n",
    "\n ",
    "\n\t",
    "\u{0}",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{200b}",
    "\u{202e}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{10ffff}",
    "😀",
    "é",
    "e\u{301}",
    "null",
    "Null",
    "true",
    "NO",
    "yes",
    "on",
    "0x1",
    "0o7",
    "1e3",
    ".inf",
    ".nan",
    "1:30",
    "1_0",
    "2026-03-01",
    "+1",
    "-1",
    "1.50",
    "\u{1b}[0m",
    "key: value",
    "- item",
    "\u{e000}",
    "\u{1fffe}",
];

fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::collection::vec(prop::sample::select(PIECES), 0..6).prop_map(|p| p.concat()),
        1 => prop::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter),
        1 => "[ -~]{0,110}",
        1 => prop::collection::vec("[ a-z:#-]{0,12}", 1..6).prop_map(|lines| lines.join("\n")),
    ]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(|f| Number::parse(&format!("{f:?}")).expect("a float is a number")),
        "-?(0|[1-9][0-9]{0,30})([.][0-9]{1,20})?([eE][+-]?[0-9]{1,4})?"
            .prop_map(|text| Number::parse(&text).expect("the grammar of JSON")),
        "-?[0-9][.][0-9]{1,2}".prop_map(|text| Number::parse(&text).expect("a number")),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        3 => number().prop_map(Value::Number),
        8 => nasty().prop_map(Value::String),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(|b| Value::Bytes(b.into())),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::vec((nasty(), inner), 0..6).prop_map(Value::Map),
        ]
    })
}

/// How many cases: `RETAKE_CASES` asks for more than a quick run has.
pub(crate) fn cases(default: u32) -> u32 {
    let asked = std::env::var("RETAKE_CASES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn any_value_is_read_back_as_it_was_written() {
    let config = Config {
        cases: cases(2_000),
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&value(), |value| {
            check(&value);
            Ok(())
        })
        .expect("every value comes back");
}

/// Every string of up to three pieces, as value and as key: with `RETAKE_CASES`, else two: 83 + 83² + 83³ strings, of which
/// each file holds many.
#[test]
fn every_combination_of_nasty_pieces_comes_back() {
    let longest = if cases(0) > 0 { 3 } else { 2 };
    let mut all = vec![String::new()];
    let mut last = vec![String::new()];
    for _ in 0..longest {
        last = last
            .iter()
            .flat_map(|start| PIECES.iter().map(move |piece| format!("{start}{piece}")))
            .collect();
        all.extend(last.iter().cloned());
    }
    all.sort();
    all.dedup();
    for some in all.chunks(500) {
        check(&Value::List(some.iter().map(Value::text).collect()));
        let fields = some.iter().map(|text| (text.clone(), Value::text(text)));
        check(&Value::map(fields));
        check(&Value::List(
            some.iter()
                .map(|text| Value::List(vec![Value::text(text), Value::text("x")]))
                .collect(),
        ));
        check(&Value::List(
            some.iter()
                .map(|text| Value::map([(text.clone(), Value::text(text))]))
                .collect(),
        ));
    }
}

#[test]
fn deep_values_are_written_flat_and_come_back() {
    for depth in [60, 63, 64, 65, 66, 100, 500] {
        let mut list = Value::text("end");
        let mut map = Value::List(vec![]);
        let mut pairs = Value::Map(vec![]);
        for i in 0..depth {
            list = Value::List(vec![Value::from(i), list, Value::Bytes(vec![0].into())]);
            map = Value::map([
                ("a: b", Value::Null),
                ("c", map),
                ("d", Value::List(vec![])),
            ]);
            pairs = Value::map([("a", Value::Null), ("a", pairs)]);
        }
        check(&list);
        check(&map);
        check(&pairs);
    }
    let mut deeper = Value::Null;
    for _ in 0..1_000 {
        deeper = Value::List(vec![deeper]);
    }
    assert_eq!(tree::node(&deeper, &mut Vec::new()), Err(tree::TooDeep));
}

#[test]
fn what_is_large_is_kept_beside_the_file() {
    let check = |value: Value, blob: bool| {
        let text = check(&value);
        assert_eq!(text.contains("!blob"), blob, "{}", text.len());
    };
    check(Value::text("x".repeat(64 * 1024)), false);
    check(Value::text("x".repeat(64 * 1024 + 1)), true);
    check(Value::text("\u{1}".repeat(4 * 1024)), false);
    check(Value::text("\u{1}".repeat(4 * 1024 + 1)), true);
    check(Value::text("line\n".repeat(4 * 1024)), false);
    check(Value::Bytes(vec![7; 4 * 1024].into()), false);
    check(Value::Bytes(vec![7; 4 * 1024 + 1].into()), true);
    check(Value::map([("k".repeat(5000), Value::Null)]), false);
}
