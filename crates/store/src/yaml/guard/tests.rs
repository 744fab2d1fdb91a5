use super::*;

fn check(text: &str, expected: Option<(&str, usize, usize)>) {
    match (guard(text.as_bytes(), Limits::RECORDING), expected) {
        (Ok(_), None) => {}
        (Err(problem), Some((message, line, column))) => {
            assert!(problem.message.contains(message), "{text:?}: {problem:?}");
            assert_eq!((problem.line, problem.column), (line, column), "{text:?}");
        }
        (got, expected) => panic!("{text:?}: {got:?}, expected {expected:?}"),
    }
}

#[test]
fn what_the_format_does_not_use_is_refused_where_it_stands() {
    for (text, message, line, column) in [
        ("a: &x 1\n", "anchor", 1, 4),
        ("a: *x\n", "alias", 1, 4),
        ("- [1, *x]\n", "alias", 1, 7),
        ("a:\n  - é: &x\n", "anchor", 2, 8),
        ("&x a: 1\n", "anchor", 1, 1),
        ("a: !num &x 1\n", "anchor", 1, 9),
        ("a: {b: &x c}", "anchor", 1, 8),
        ("a: {\"b\":*x}", "alias", 1, 9),
        ("{#\n&a}", "anchor", 2, 1),
        ("[\"a\"#\n, *a]", "alias", 2, 3),
        ("a: |\n  text\nb: *x\n", "alias", 3, 4),
        ("a: |2-\n   text\n\n\nb: *x\n", "alias", 5, 4),
        ("a: 'it''s'\nb: *x\n", "alias", 2, 4),
        ("a: \"x\\\"\n  y\" \nb: *x\n", "alias", 3, 4),
        ("<<: {a: 1}\n", "merge", 1, 3),
        ("a: {<<: b}\n", "merge", 1, 7),
        ("a: 1\n---\nb: 2\n", "second document", 2, 1),
        ("---\n---\n", "second document", 2, 1),
        ("%YAML 1.2\n---\n", "directive", 1, 1),
        ("a: 1\n...\n", "end of the document", 2, 1),
        ("? a\n: b\n", "explicit key", 1, 1),
        ("a: 1.50\n", "lose its digits", 1, 4),
        ("a: [1, 0x1F]\n", "lose its digits", 1, 8),
        ("a: 1e400\nb: +1", "lose its digits", 2, 4),
        ("a: 1\nb: .nan\n", "lose its digits", 2, 4),
    ] {
        check(text, Some((message, line, column)));
    }
}

#[test]
fn what_only_looks_like_it_is_left_alone() {
    for text in [
        "",
        "# &x *x\na: b # *x\n",
        "a: b & c * d\n",
        "a: 'x &y *z'\n",
        "a: \"*x\"\n",
        "a: |\n  *x\n  &y\n\n  --- \nb: 1\n",
        "a: >-\n *x\n",
        "a: text that\n  *goes* on\n  &more\nb: 1\n",
        "- a\n- b *c\n",
        "\"<<\": 1\n",
        "'<<': 1\n",
        "a: http://x/*y\n",
        "a: [b, c*d, \"e\"]\n",
        "---\na: 1\n",
        "a: !num \"1.50\"\n",
        "a: !num 1.50\n",
        "a: 1.5\nb: -3\nc: 10:30\nd: 2026-03-01T00:00:00Z\ne: 12.3ms\nf: 007\n",
        "1.50: a\n",
        "rules:\n  - tolerance: 1e-6\n",
        "rules: [{path: a, tolerance: 0.10}]\n",
        "a:\n- b\n- c:\n  - |\n    *x\n  - d\n",
        "a: x-- ---\n",
    ] {
        check(text, None);
    }
}

#[test]
fn nesting_has_an_end() {
    let levels = 100_000;
    for text in [
        "[".repeat(levels),
        "{a: ".repeat(levels),
        "- ".repeat(levels),
        format!("a: {}", "[".repeat(levels)),
        "!map [".repeat(levels),
    ] {
        let problem = guard(text.as_bytes(), Limits::RECORDING).expect_err("too deep");
        assert!(problem.message.contains("nest"), "{problem:?}");
    }
    let nested: String = (0..200).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    let problem = guard(nested.as_bytes(), Limits::RECORDING).expect_err("too deep");
    assert_eq!((problem.line, problem.column), (101, 102), "{problem:?}");
}

/// How many bytes of the text are looked at, counted as often as they are.
fn looked(text: &str) -> usize {
    let mut scanner = Scanner::new(text, Limits::RECORDING);
    let _ = scanner.run();
    scanner.looked.get()
}

/// Twelve looks at a byte are enough, whatever the text: a file twice as long takes twice as long.
fn check_looks(text: &str) {
    let (looked, most) = (looked(text), 12 * (text.len() + 10));
    let begins: String = text.chars().take(60).collect();
    assert!(looked <= most, "{looked} of {most}: {begins:?}");
}

#[test]
fn each_byte_is_looked_at_a_few_times_only() {
    let many = 20_000;
    let long = " ".repeat(many);
    for piece in [
        "[",
        "{a: ",
        "- ",
        "!map [",
        "[]",
        "a: b\n",
        "a: 1.5\n",
        "\n",
        " ",
        "\t",
        "#\n",
        "# ",
        "'",
        "''",
        "'a' ",
        "\"",
        "\\\"",
        "\"a\" ",
        "|\n",
        "|\n\n",
        "- |\n  a\n",
        "a\n",
        "a\n ",
        "a \n\n",
        "1\n",
        ": ",
        "x: \n",
        "!a ",
        "é ",
        "[a, b]\n",
        "a b\n",
        "? ",
        ", ",
        "1.5 ",
        "- a\n",
    ] {
        check_looks(&piece.repeat(many));
        // Behind an indentation as long as all the rest, and before one.
        check_looks(&format!("a:\n{long}{}", piece.repeat(many)));
        check_looks(&format!("{}{long}b", piece.repeat(many)));
        check_looks(&format!("[{}", piece.repeat(many)));
        check_looks(&format!("a: |\n  {}", piece.repeat(many)));
    }
}

#[test]
fn what_is_no_text_is_refused_where_it_stops_being_text() {
    let problem = guard(b"a: b\nc: \xff\xfe", Limits::RECORDING).expect_err("not UTF-8");
    assert_eq!((problem.line, problem.column), (2, 4));
}

/// What the guard lets pass has no anchor and no alias, whatever else it is: then `&` and `*`
/// stand in text only, and with other letters in their place the parser finds the same.
#[test]
fn nothing_that_passes_has_anchors_or_aliases() {
    use proptest::prelude::*;
    const PIECES: &[&str] = &[
        "&a", "*a", "&", "*", "a", "b", ":", ": ", " ", "  ", "\n", "\n  ", "\n    ", "- ", "-",
        "\"", "'", "''", "\\", "\\\"", "[", "]", "{", "}", ", ", ",", "#", " #", "|", "|\n",
        ">-\n", "|2\n", "|+\n", "!t ", "!num ", "? ", "a: ", "a: |\n  ", "a: \"", "a: [", "- a: ",
        "\t", "\r\n", "---", "\n---\n", "é", "a: &a b", "\n*a", "b: *a\n", "a: x\n", "- x\n",
        "<<: ", "%",
    ];
    let text = prop::collection::vec(prop::sample::select(PIECES), 0..14).prop_map(|p| p.concat());
    let cases = std::env::var("RETAKE_CASES").ok();
    let config = proptest::test_runner::Config {
        cases: cases.and_then(|n| n.parse().ok()).unwrap_or(20_000),
        failure_persistence: None,
        ..Default::default()
    };
    let other = |text: &str| text.replace(['&', '*'], "x");
    proptest::test_runner::TestRunner::new(config)
        .run(&text, |text| {
            if guard(text.as_bytes(), Limits::SETTINGS).is_err() {
                return Ok(());
            }
            let found = serde_yaml::from_str::<serde_yaml::Value>(&text);
            let without = serde_yaml::from_str::<serde_yaml::Value>(&other(&text));
            if let (Ok(found), without) = (found, without) {
                let found = other(&format!("{found:?}"));
                let without = without.map(|v| format!("{v:?}"));
                prop_assert_eq!(Ok(found), without.map_err(|e| e.to_string()), "{:?}", text);
            }
            Ok(())
        })
        .expect("the guard sees every anchor");
}
