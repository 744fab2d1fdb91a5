//! Bodies that are no trees: forms, XML, text.

use super::*;

#[test]
fn json_that_is_laid_out_in_another_way_means_the_same() {
    let exact = Value::map([("text", "{\"a\" :1.0}\n\n".into()), ("as", "json".into())]);
    let indented = Value::map([
        ("json", tree(r#"{"a":1.0}"#)),
        ("style", Value::map([("indent", 2.into())])),
    ]);
    let of = |body: &Value| Value::map([("status", 200.into()), ("body", body.clone())]);
    assert_eq!(compare(&of(&exact), &of(&indented)).differences, []);
}

#[test]
fn forms_are_compared_by_name() {
    let form = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(a, b)| Value::List(vec![(*a).into(), (*b).into()]))
            .collect();
        Value::map([
            ("status", 200.into()),
            ("body", Value::map([("form", Value::List(pairs))])),
        ])
    };
    let found = compare(
        &form(&[("a", "1"), ("b", "2"), ("b", "3")]),
        &form(&[("b", "2"), ("b", "4"), ("a", "1")]),
    );
    assert_eq!(
        lines(&found.differences),
        ["Changed body.form.b[1]: \"3\" -> \"4\""]
    );
}

#[test]
fn xml_is_compared_by_its_elements() {
    let check = |a: &str, b: &str, expected: &[&str]| {
        let of = |text: &str| {
            Value::map([
                ("status", 200.into()),
                ("body", Value::map([("xml", text.into())])),
            ])
        };
        let found = lines(&compare(&of(a), &of(b)).differences);
        let found: Vec<_> = found
            .iter()
            .map(|line| line.replacen("body.xml", "$", 1))
            .collect();
        assert_eq!(found, expected, "{a} {b}");
    };
    check(
        "<?xml version='1.0'?><a x='1' y='2'>\n  <b>t</b>\n</a>",
        "<a y=\"2\" x=\"1\"><b>t</b></a>",
        &[],
    );
    check(
        "<a><b>1</b></a>",
        "<a><b>2</b></a>",
        &["Changed $.a.b: \"1\" -> \"2\""],
    );
    check(
        "<a><i>1</i><i>2</i><i>3</i></a>",
        "<a><i>2</i><i>3</i></a>",
        &["Removed $.a.i[0]: \"1\" -> nothing"],
    );
    check(
        "<a x='1'/>",
        "<a x='2' z='3'/>",
        &[
            "Changed $.a[\"@x\"]: \"1\" -> \"2\"",
            "Added $.a[\"@z\"]: nothing -> \"3\"",
        ],
    );
    check(
        "<p>one <b>two</b> three</p>",
        "<p>one<b>two</b> three</p>",
        &["Changed $.p[\"#text\"][0]: \"one \" -> \"one\""],
    );
    check("<a>&lt;&#65;<![CDATA[&]]></a>", "<a>&#60;A&amp;</a>", &[]);
    check(
        "<a><b>1</b><c>2</c></a>",
        "<a><c>2</c><b>1</b></a>",
        &["Reordered $: the same elements in another order"],
    );
    // What is no XML is text.
    check(
        "<a><b></a>",
        "<a></a>",
        &["Changed $: \"<a><b></a>\" -> \"<a></a>\""],
    );
}

#[test]
fn long_texts_are_shown_line_by_line() {
    let of = |text: String| {
        Value::map([
            ("status", 200.into()),
            ("body", Value::map([("text", text.into())])),
        ])
    };
    let text = |changed: usize| {
        let lines: Vec<String> = (0..50)
            .map(|n| format!("line {}", if n == changed { 900 } else { n }))
            .collect();
        lines.join("\n")
    };
    let found = compare(&of(text(99)), &of(text(20))).differences;
    let detail = found[0].detail.as_deref().expect("a detail");
    assert!(detail.contains("\n-line 20\n+line 900\n"), "{detail}");
    let many = |seed: usize| {
        (0..5_000)
            .map(|n| format!("{}\n", n * seed))
            .collect::<String>()
    };
    let found = compare(&of(many(3)), &of(many(7))).differences;
    assert_eq!(
        found[0].detail.as_deref(),
        Some("5000 lines, now 5000; the first difference is in line 2")
    );
}
