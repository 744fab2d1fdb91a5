use std::time::Duration;

use retake_model::{Blame, DiffKind, Difference, Number, Path, SetInfo, Value};
use retake_model::{TestCase, TestResult, Verdict};

use super::*;
use crate::causes::causes as all_causes;
use crate::diff::fingerprint;

fn id(name: &str) -> TestId {
    TestId {
        set: "shop".into(),
        name: name.into(),
    }
}

fn difference(
    place: Place,
    kind: DiffKind,
    baseline: Option<Value>,
    candidate: Option<Value>,
) -> Difference {
    Difference {
        cause: fingerprint(&place, kind, baseline.as_ref(), candidate.as_ref()),
        place,
        kind,
        baseline,
        candidate,
        detail: None,
        blame: Blame::App,
        follows: false,
    }
}

fn value(text: &str) -> Option<Value> {
    match text {
        "" => None,
        _ => Some(Number::parse(text).map_or_else(|| text.into(), Value::Number)),
    }
}

/// A difference of a response: its place, what was there (a number where it reads as one, nothing
/// where it is empty), and what came.
fn response(path: &str, a: &str, b: &str) -> Difference {
    let (a, b) = (value(a), value(b));
    let kind = match (&a, &b) {
        (None, _) => DiffKind::Added,
        (_, None) => DiffKind::Removed,
        (Some(a), Some(b)) if a.type_name() != b.type_name() => DiffKind::TypeChanged,
        _ => DiffKind::Changed,
    };
    let path = Path::parse(path).expect(path);
    difference(Place::Response(path), kind, a, b)
}

fn call(summary: &str, path: &str, kind: DiffKind, a: &str, b: &str) -> Difference {
    let place = Place::Call {
        to: "db".into(),
        index: None,
        summary: summary.into(),
        path: Path::parse(path).unwrap_or_else(|_| Path::root()),
    };
    let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    difference(place, kind, text(a), text(b))
}

fn missing(statement: &str) -> Difference {
    call(statement, "", DiffKind::CallMissing, "", "")
}

fn replaced(recorded: &str, asked: &str) -> Difference {
    call(asked, "sql", DiffKind::CallUnknown, recorded, asked)
}

fn result(name: &str, differences: &[Difference]) -> TestResult {
    TestResult {
        test: id(name),
        file: String::new(),
        title: String::new(),
        verdict: Verdict::Changed,
        differences: differences.to_vec(),
        hidden: Vec::new(),
        by_kind: 0,
        by_distance: 0,
        calls_recorded: 0,
        calls_matched: 0,
        took: Duration::ZERO,
        notes: Vec::new(),
    }
}

/// The titles of the causes of tests with these differences, and the titles of their parts.
fn told(tests: &[(&str, &[Difference])]) -> Vec<(String, Vec<String>)> {
    let results: Vec<TestResult> = tests.iter().map(|(name, all)| result(name, all)).collect();
    let causes = all_causes(&[], &results);
    let parts = |cause: &Cause| cause.parts.iter().map(|part| part.title.clone()).collect();
    causes.iter().map(|c| (c.title.clone(), parts(c))).collect()
}

/// That these differences, each in a test of its own, have causes with these titles.
fn check(differences: &[Difference], expected: &[&str]) {
    let names: Vec<String> = (0..differences.len()).map(|n| format!("t{n}")).collect();
    let tests = names.iter().zip(differences);
    let tests: Vec<(&str, &[Difference])> = tests
        .map(|(name, one)| (name.as_str(), std::slice::from_ref(one)))
        .collect();
    let mut titles: Vec<String> = told(&tests).into_iter().map(|(title, _)| title).collect();
    titles.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(titles, expected);
}

#[test]
fn transactions_that_are_lost_are_one_cause() {
    let (begin, commit, rollback) = (missing("BEGIN"), missing("COMMIT"), missing("ROLLBACK"));
    let tests: &[(&str, &[Difference])] = &[
        ("a", &[begin.clone(), commit.clone()]),
        ("b", &[begin.clone(), commit]),
        ("c", &[begin, rollback]),
    ];
    let expected =
        "db: transactions are no longer begun (BEGIN, COMMIT, ROLLBACK: no longer called)";
    let parts = ["BEGIN", "COMMIT", "ROLLBACK"];
    let parts = parts.map(|part| format!("db: {part}: no longer called"));
    assert_eq!(told(tests), [(expected.to_owned(), parts.to_vec())]);
}

#[test]
fn transactions_and_savepoints_are_told_apart_and_so_are_those_that_came() {
    let more = |statement: &str| call(statement, "", DiffKind::CallExtra, "", "");
    check(
        &[
            missing("SAVEPOINT a"),
            missing("RELEASE SAVEPOINT a"),
            more("BEGIN"),
            more("COMMIT"),
            missing("update t set a = 1"),
        ],
        &[
            "db: savepoints are no longer set (SAVEPOINT a, RELEASE SAVEPOINT a: no longer called)",
            "db: transactions are begun that were not (BEGIN, COMMIT: called more often)",
            "db: update t set a = 1: no longer called",
        ],
    );
}

#[test]
fn a_field_that_comes_or_goes_at_several_places_is_one_cause() {
    check(
        &[
            response("body.json.currency", "", "EUR"),
            response("body.json.items[0].currency", "", "EUR"),
            response("body.json.items[0].tags", "red", ""),
            response("body.json[0].tags", "red", ""),
            response("body.json.other", "", "EUR"),
        ],
        &[
            "response: `currency` added at 2 places (\"EUR\")",
            "response: `tags` removed at 2 places (\"red\")",
            "response.body.json.other: added (\"EUR\")",
        ],
    );
}

#[test]
fn changed_values_of_one_name_are_one_cause_only_where_it_is_the_same_change() {
    check(
        &[
            response("body.json.state", "OPEN", "DONE"),
            response("body.json.items[0].state", "OPEN", "DONE"),
            response("body.json.name", "Al Smith", "Al Smyth"),
            response("body.json.items[0].name", "Red Mug", "Blue Mug"),
            response("body.json.total", "3", "4"),
            response("body.json.items[0].total", "5", "9"),
        ],
        &[
            "response: `state`: \"OPEN\" -> \"DONE\" at 2 places",
            "response.body.json.name: \"Al Smith\" -> \"Al Smyth\"",
            "response.body.json.items[0].name: \"Red Mug\" -> \"Blue Mug\"",
            "response.body.json.total: 3 -> 4",
            "response.body.json.items[0].total: 5 -> 9",
        ],
    );
}

#[test]
fn values_that_are_written_otherwise_are_one_cause_whatever_their_names() {
    check(
        &[
            response("body.json.total", "3.35", "3.4"),
            response("body.json.items[0].price", "1.25", "1.2"),
            response("body.json.at", "2026-03-01T10:20:30Z", "01.03.2026 10:20"),
            response(
                "body.json.items[0].made",
                "2026-03-02T10:20:30Z",
                "02.03.2026 10:20",
            ),
            response(
                "body.json.items[0].seen",
                "2026-03-02T10:20:30Z",
                "03.03.2026 10:20",
            ),
        ],
        &[
            "response: numbers are rounded otherwise at 2 places (3.35 -> 3.4, …)",
            "response: moments are written in another form at 2 places (\"2026-03-01T10:20:30Z\" \
             -> \"01.03.2026 10:20\", …)",
            "response.body.json.items[0].seen: \"2026-03-02T10:20:30Z\" -> \"03.03.2026 10:20\"",
        ],
    );
}

#[test]
fn statements_that_were_changed_alike_are_one_cause() {
    check(
        &[
            replaced("select price from items", "select unit_price from items"),
            replaced(
                "select sku, price from items where sku = $1",
                "select sku, unit_price from items where sku = $1",
            ),
            replaced("select a from t", "select a from t order by a"),
        ],
        &[
            "db: 2 requests changed alike: `price` -> `unit_price`, which no recorded answer fits",
            "db: select a from t order by a: sql: \"select a from t\" -> \"select a from t order by \
             a\", which no recorded answer fits",
        ],
    );
}

#[test]
fn a_statement_without_a_recorded_one_in_its_place_joins_those_that_have_one() {
    let sql = "update items set sold = sold + $1";
    let of = |path: &str, a: &str, b: &str| call(sql, path, DiffKind::CallUnknown, a, b);
    let other = call("select 1 from t", "", DiffKind::CallUnknown, "", "");
    let gone = missing("select 1 from u");
    let found = told(&[
        ("a", &[of("params[0]", "5", "6")]),
        ("b", &[of("", "", "")]),
        ("c", &[of("params[0]", "open", "shut")]),
        ("d", &[missing(sql)]),
        ("e", &[other]),
        ("f", &[gone]),
    ]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0].1.len(), 4, "{found:?}");
    let expected = "which no recorded answer fits, and 3 changes like it";
    assert!(found[0].0.ends_with(expected), "{found:?}");
    // What was changed in it tells which recorded one is gone.
    let asked = "select 2 from t, u";
    let found = told(&[
        ("a", &[replaced("select 1 from t", asked)]),
        ("b", &[missing("select 1 from t")]),
        ("c", &[call(asked, "", DiffKind::CallUnknown, "", "")]),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn what_makes_a_test_red_comes_before_what_only_moved_calls() {
    let read = call("select a from t", "", DiffKind::CallMissing, "", "");
    let all = [
        result("a", std::slice::from_ref(&read)),
        result("b", std::slice::from_ref(&read)),
        result("c", &[response("body.json.total", "10", "20")]),
    ];
    let of = |verdict: Verdict| {
        let mut all = all.to_vec();
        for result in all.iter_mut().take(2) {
            result.verdict = verdict;
        }
        let causes = all_causes(&[], &all);
        causes
            .iter()
            .map(|cause| cause.tests.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Verdict::Changed), [2, 1]);
    assert_eq!(of(Verdict::Shifted), [1, 2]);
}

#[test]
fn a_setting_that_stands_in_many_statements_is_one_cause() {
    let asked = |statement: &str, a: &str, b: &str| {
        call(statement, "params[1]", DiffKind::CallUnknown, a, b)
    };
    let users = "select * from users limit $1";
    let posts = "select id from posts limit $1";
    let tags = "select t from tags where n = $1";
    let notes = "select n from notes where n = $1";
    check(
        &[asked(users, "100", "50"), asked(posts, "100", "50")],
        &[r#"db: "100" -> "50" in 2 requests, which no recorded answer fits"#],
    );
    let later = |statement: &str| {
        let (now, then) = ("the time of the request", "1 h after the request");
        call(statement, "params[2]", DiffKind::Changed, now, then)
    };
    check(
        &[later(users), later(posts)],
        &[r#"db: "the time of the request" -> "1 h after the request" in 2 requests"#],
    );
    // Of two settings each is its own, and one digit may be another one by chance.
    check(
        &[
            asked(users, "100", "50"),
            asked(posts, "100", "51"),
            asked(tags, "1", "2"),
            asked(notes, "1", "2"),
        ],
        &[
            r#"db: select * from users limit $1: params[1]: "100" -> "50", which no recorded answer fits"#,
            r#"db: select id from posts limit $1: params[1]: "100" -> "51", which no recorded answer fits"#,
            r#"db: select n from notes where n = $1: params[1]: "1" -> "2", which no recorded answer fits"#,
            r#"db: select t from tags where n = $1: params[1]: "1" -> "2", which no recorded answer fits"#,
        ],
    );
    // A value that is another one in each test is none.
    let each = told(&[
        ("a", &[asked(users, "10", "20"), asked(posts, "10", "20")]),
        ("b", &[asked(users, "11", "21")]),
    ]);
    assert_eq!(each.len(), 2, "{each:?}");
}

fn with_headers(name: &str, headers: &[&str]) -> TestCase {
    let field = |name: &&str| Value::map([(*name, "x".into())]);
    let headers = Value::List(headers.iter().map(field).collect());
    TestCase {
        name: name.into(),
        request: Value::map([("method", "GET".into()), ("path", "/".into())]),
        response: Value::map([("headers", headers)]),
        ..crate::test_cases::test_case()
    }
}

#[test]
fn headers_that_come_and_go_in_the_same_tests_are_one_cause() {
    let added = |name: &str| response(&format!("headers.{name}"), "", "x");
    let (csp, frame) = (added("csp"), added("x-frame"));
    let powered = response("headers.x-powered-by", "Express", "");
    // The page of an error had one of them when it was recorded.
    let set = TestSet {
        name: "shop".into(),
        tests: vec![
            with_headers("a", &["x-powered-by"]),
            with_headers("b", &["x-powered-by"]),
            with_headers("c", &["x-powered-by", "x-frame"]),
        ],
        shared: Vec::new(),
        info: SetInfo::default(),
    };
    let whole = [csp.clone(), frame.clone(), powered.clone()];
    let results = [
        result("a", &whole),
        result("b", &whole),
        result("c", &[csp.clone(), powered, added("alone")]),
    ];
    let found = all_causes(&[Arc::new(set)], &results);
    let titles: Vec<&str> = found.iter().map(|cause| cause.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "response headers: csp, x-frame added; x-powered-by removed",
            "response.headers.alone: added (\"x\")",
        ]
    );
    assert_eq!(found[0].tests.len(), 3);
    let parts: Vec<usize> = found[0].parts.iter().map(|part| part.tests.len()).collect();
    assert_eq!(parts, [3, 3, 2]);
    // Elsewhere it could have come, and did not: it is another change.
    let apart = [result("a", &[csp.clone(), frame]), result("b", &[csp])];
    assert_eq!(all_causes(&[], &apart).len(), 2);
}

#[test]
fn every_difference_is_explained_by_the_cause_that_lists_it() {
    let results = [
        result("a", &[missing("BEGIN"), missing("COMMIT")]),
        result("b", &[missing("BEGIN")]),
    ];
    let found = all_causes(&[], &results);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].tests.len(), 2);
    let explained: Vec<u64> = found[0].fingerprints().collect();
    for difference in results.iter().flat_map(|result| &result.differences) {
        assert!(explained.contains(&difference.cause));
    }
}

#[test]
fn fields_of_one_object_that_come_and_go_together_are_one_cause() {
    let kind = response(
        "headers.content-type",
        "application/json",
        "application/problem+json",
    );
    let error = |text: &str| {
        let gone = response("body.json.error", text, "");
        let title = response("body.json.title", "", text);
        [
            kind.clone(),
            gone,
            title,
            response("body.json.status", "", "404"),
        ]
    };
    let (a, b) = (error("no item"), error("no order"));
    let other = [response("body.json.other", "", "x")];
    let found = told(&[("a", &a), ("b", &b), ("c", &other)]);
    let titles: Vec<&str> = found.iter().map(|(title, _)| title.as_str()).collect();
    let expected = "response.body.json: content-type changed; status, title added; error removed";
    assert_eq!(
        titles,
        [expected, "response.body.json.other: added (\"x\")"]
    );
    // In an object in the same tests, and in another one as well.
    let two = [
        response("body.json.new", "", "x"),
        response("body.json.old", "x", ""),
    ];
    let one = [response("body.json.items[0].new", "", "x")];
    assert_eq!(told(&[("a", &two), ("b", &one)]).len(), 2);
    // One of them elsewhere, too: it is no part of that.
    let also = [response("body.json.status", "", "404")];
    assert_eq!(told(&[("a", &a), ("b", &b), ("c", &also)]).len(), 2);
}

#[test]
fn several_values_at_one_place_are_told_by_the_place() {
    let error = |text: &str| response("body.json.error", text, "");
    let found = told(&[("a", &[error("no item")]), ("b", &[error("no order")])]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].0,
        "response.body.json.error: removed (\"no item\")"
    );
    assert_eq!(found[0].1.len(), 2);
}

#[test]
fn calls_that_change_in_the_same_tests_are_one_cause_where_there_are_several() {
    let lost = [
        missing("insert into audit values (1)"),
        missing("select 1 from audit"),
    ];
    let title = |tests: &[(&str, &[Difference])]| {
        let found = told(tests);
        found
            .first()
            .map(|(title, parts)| (found.len(), title.clone(), parts.len()))
    };
    let both: &[(&str, &[Difference])] = &[("a", &lost), ("b", &lost)];
    let (causes, told_as, parts) = title(both).expect("a cause");
    assert_eq!((causes, parts), (1, 2));
    let expected = "no longer called, and one more call changed in the same tests";
    assert!(told_as.ends_with(expected), "{told_as}");
    // One test says nothing of what goes together, nor do other tests of one of them.
    assert_eq!(told(&[("a", &lost)]).len(), 2);
    assert_eq!(told(&[("a", &lost), ("b", &lost[..1])]).len(), 2);
    // Nor does a transaction that is lost.
    let frame = [missing("BEGIN"), missing("insert into audit values (1)")];
    assert_eq!(told(&[("a", &frame), ("b", &frame)]).len(), 2);
}

#[test]
fn savepoints_that_are_lost_with_their_transactions_are_one_cause_with_them() {
    let whole = ["BEGIN", "SAVEPOINT a", "RELEASE a", "COMMIT"].map(missing);
    let short = [missing("BEGIN"), missing("COMMIT")];
    let found = told(&[("a", &whole), ("b", &short)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0]
            .0
            .starts_with("db: transactions are no longer begun (BEGIN, ")
    );
    assert_eq!(found[0].1.len(), 4);
}

#[test]
fn a_column_that_came_into_statements_of_all_kinds_is_one_cause() {
    check(
        &[
            replaced("select a from t", "select a, note from t"),
            replaced(
                "insert into t (a) values ($1)",
                "insert into t (a, note) values ($1, $2)",
            ),
        ],
        &["db: 2 requests with `note` added, which no recorded answer fits"],
    );
}
