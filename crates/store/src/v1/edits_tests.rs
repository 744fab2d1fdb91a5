//! Files that retake wrote, edited at random.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use retake_model::{
    Attribution, Made, Mock, NoiseRule, Path, PathPattern, ProtocolId, RuleAction, Scope, SetInfo,
    TestCase, Timestamp, TokenKind, TraceId, Value,
};

use super::both_ways::check;
use super::{SharedPart, write_set, write_test};
use crate::yaml::roundtrip_tests::{PIECES, cases, value};

fn mock() -> impl Strategy<Value = Mock> {
    let scope = prop::sample::select(vec![
        Scope::Startup,
        Scope::Session,
        Scope::Connection,
        Scope::Test,
        Scope::Background,
    ]);
    let by = prop::sample::select(vec![
        Attribution::Trace,
        Attribution::Alone,
        Attribution::Process,
        Attribution::Connection,
        Attribution::Shared,
        Attribution::Unattributed,
    ]);
    let spans = (any::<u32>(), 0..3_u64, 0..3_u64);
    (scope, by, spans, value(), value()).prop_map(|(scope, by, spans, request, response)| Mock {
        to: "db".into(),
        protocol: ProtocolId("postgres"),
        scope,
        by,
        after: spans.0.into(),
        took: spans.1,
        request,
        response,
        merged: spans.2,
    })
}

fn test_case() -> impl Strategy<Value = TestCase> {
    let message = || prop::collection::vec(("[a-z]{1,6}", value()), 0..4).prop_map(Value::Map);
    let calls = prop::collection::vec(mock(), 0..3);
    let extras = (any::<u64>(), any::<bool>(), "[ -~]{1,20}");
    (message(), message(), calls, extras).prop_map(|(request, response, calls, extras)| {
        let (at, more, word) = extras;
        let rule = |action| NoiseRule {
            at: PathPattern::parse("response.body.json.items[*].id").expect("a pattern"),
            action,
            why: more.then(|| word.clone()),
            source: String::new(),
        };
        TestCase {
            name: "a-test".into(),
            protocol: ProtocolId(if more { "http" } else { "other" }),
            at: Timestamp(at),
            took: at >> 20,
            trace: more.then(|| TraceId(word.clone())),
            merged: at % 3,
            port: None,
            request,
            response,
            calls,
            made: vec![Made {
                value: word.clone(),
                kind: TokenKind::Uuid,
                places: vec![Path::parse("response.body.json.id").expect("a path")],
            }],
            rules: vec![
                rule(RuleAction::Ignore),
                rule(RuleAction::Pattern(word.clone())),
                rule(RuleAction::Unordered),
            ],
        }
    })
}

/// One change that somebody, or something, makes.
#[derive(Debug, Clone)]
enum Edit {
    Byte(usize, u8),
    Insert(usize, String),
    Remove(usize, usize),
    RemoveLine(usize),
    RepeatLine(usize),
    SwapLines(usize, usize),
    Indent(usize, usize, usize),
    Dedent(usize, usize, usize),
    InsertLine(usize, String),
    AppendTo(usize, String),
    Quotes(usize),
}

/// What a person, or a merge, puts in.
const BY_HAND: &[&str] = &[
    "",
    " # why",
    "# why",
    "  # why",
    " ",
    "  ",
    "\t",
    "\r",
    ":",
    ": ",
    "- ",
    "-",
    "- a",
    "a: b",
    "  a: b",
    "    a: b",
    "      - a",
    "    - a: b",
    "a",
    "'a'",
    "\"a\"",
    "[]",
    "{}",
    "[a, b]",
    "{a: b}",
    "|",
    "|-",
    ">",
    "|2",
    "~",
    "null",
    "true",
    "yes",
    "1",
    "-1",
    "1.5",
    "1.50",
    "1e3",
    "0x1f",
    "12ms",
    "!num \"1\"",
    "!b64 AA==",
    "!map [[a, b]]",
    "!x",
    "&a b",
    "*a",
    "<<: a",
    "? a",
    "---",
    "...",
    "\"\\x41\"",
    "\"\\/\"",
    "\\",
    "\"",
    "'",
    "\u{85}",
    "\u{feff}",
    "é",
    "<<<<<<< ours",
    "merged: 2",
    "to: db",
    "took: 1s",
    "scope: test",
    "by: none",
    "rules: []",
    "calls: []",
    "request: {}",
];

fn edit() -> impl Strategy<Value = Edit> {
    let at = || any::<usize>();
    let by_hand = || prop::sample::select(BY_HAND).prop_map(str::to_owned);
    let piece = prop_oneof![
        prop::sample::select(PIECES).prop_map(str::to_owned),
        by_hand(),
        any::<char>().prop_map(String::from)
    ];
    let bytes = b" \n:-,[]{}\"'#!|>&*?%@`\\0159aZ~<=.\t\r\x00\x7f".to_vec();
    prop_oneof![
        (at(), prop::sample::select(bytes)).prop_map(|(at, byte)| Edit::Byte(at, byte)),
        (at(), piece).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (at(), 1..4_usize).prop_map(|(at, len)| Edit::Remove(at, len)),
        at().prop_map(Edit::RemoveLine),
        at().prop_map(Edit::RepeatLine),
        (at(), at()).prop_map(|(a, b)| Edit::SwapLines(a, b)),
        (at(), 1..6_usize, 1..4_usize).prop_map(|(at, len, by)| Edit::Indent(at, len, by)),
        (at(), 1..6_usize, 1..4_usize).prop_map(|(at, len, by)| Edit::Dedent(at, len, by)),
        (at(), by_hand()).prop_map(|(at, line)| Edit::InsertLine(at, line)),
        (at(), by_hand()).prop_map(|(at, end)| Edit::AppendTo(at, end)),
        at().prop_map(Edit::Quotes),
    ]
}

fn apply(text: &str, edit: &Edit) -> String {
    let boundary = |at: usize| {
        let at = at % (text.len() + 1);
        (at..=text.len())
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(text.len())
    };
    let splice = |from: usize, to: usize, new: &str| {
        let (before, after) = (text.get(..from), text.get(to..));
        [before.unwrap_or_default(), new, after.unwrap_or_default()].concat()
    };
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let count = lines.len();
    match edit {
        Edit::Byte(at, byte) => {
            let from = boundary(*at);
            let to = boundary((from + 1).min(text.len()));
            return splice(from, to, &char::from(*byte).to_string());
        }
        Edit::Insert(at, piece) => return splice(boundary(*at), boundary(*at), piece),
        Edit::Remove(at, len) => {
            let from = boundary(*at);
            return splice(from, boundary((from + len).min(text.len())), "");
        }
        Edit::RemoveLine(at) => drop(lines.remove(at % count)),
        Edit::RepeatLine(at) => {
            let line = lines.get(at % count).cloned().unwrap_or_default();
            lines.insert(at % count, line);
        }
        Edit::SwapLines(a, b) => lines.swap(a % count, b % count),
        Edit::Indent(at, len, by) => {
            for line in lines.iter_mut().skip(at % count).take(*len) {
                line.insert_str(0, &" ".repeat(*by));
            }
        }
        Edit::Dedent(at, len, by) => {
            for line in lines.iter_mut().skip(at % count).take(*len) {
                let spaces = line.bytes().take(*by).take_while(|b| *b == b' ').count();
                line.drain(..spaces);
            }
        }
        Edit::InsertLine(at, line) => lines.insert(at % count, line.clone()),
        Edit::AppendTo(at, end) => {
            if let Some(line) = lines.get_mut(at % count) {
                line.push_str(end);
            }
        }
        Edit::Quotes(at) => {
            if let Some(line) = lines.get_mut(at % count) {
                *line = line.replace('"', if at % 2 == 0 { "'" } else { "" });
            }
        }
    }
    lines.join("\n")
}

fn run<S: Strategy>(default: u32, strategy: &S, test: impl Fn(S::Value))
where
    S::Value: std::fmt::Debug,
{
    let config = Config {
        cases: cases(default),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let ran = TestRunner::new(config).run(strategy, |value| {
        test(value);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn tests_are_read_directly_as_they_are_read_in_general() {
    run(400, &test_case(), |test| {
        let text = write_test(&test, &test.name).expect("not too deep").text;
        assert_eq!(check(&text), 2, "as a test and as a tree: {text}");
        let calls: SharedPart = test.calls.iter().collect();
        let text = calls.file().expect("not too deep");
        assert!(check(&text) >= 2, "as shared calls and as a tree: {text}");
    });
}

#[test]
fn an_edited_file_is_never_read_otherwise() {
    let edits = || prop::collection::vec(edit(), 1..4);
    let one_after_the_other = |mut text: String, edits: Vec<Edit>| {
        for edit in edits {
            text = apply(&text, &edit);
            check(&text);
        }
    };
    run(1_500, &(test_case(), edits()), |(test, edits)| {
        let text = write_test(&test, &test.name).expect("not too deep").text;
        one_after_the_other(text, edits);
    });
    // The files that are frozen, among them one by hand, and what begins a set.
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v1/retake/shop");
    let mut texts = vec![write_set(&SetInfo::default())];
    for file in [
        "set",
        "startup",
        "tests/by-hand",
        "tests/post-orders-201",
        "tests/get-odd-id-200",
    ] {
        texts.push(std::fs::read_to_string(format!("{shop}/{file}.yaml")).expect("a fixture"));
    }
    for text in texts {
        check(&text);
        run(200, &edits(), |edits| {
            one_after_the_other(text.clone(), edits)
        });
    }
}

#[test]
fn the_frozen_files_that_retake_wrote_are_read_directly() {
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v1/retake/shop");
    for file in [
        "set",
        "startup",
        "tests/post-orders-201",
        "tests/get-odd-id-200",
    ] {
        let text = std::fs::read_to_string(format!("{shop}/{file}.yaml")).expect("a fixture");
        assert_eq!(check(&text), 2, "{file}");
    }
}
