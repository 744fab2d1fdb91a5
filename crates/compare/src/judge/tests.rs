mod doubt;
mod frames;
mod gaps;
mod runs;

use std::collections::BTreeMap;

use retake_model::{
    Attribution, ConnId, DiffKind, Difference, Ledger, Miss, Mock, Nearest, Number, Path, Place,
    ProtocolId, SetInfo, Tally, TestCase, TestId, Timestamp, Value, Verdict,
};

use super::{Setting, judge, unanswered};
use crate::causes::{Totals, causes, summarise};
use crate::diff::{Compared, compare_response};
use crate::made::ValueMap;
use crate::matching::{
    CallsOutcome, Effect, ExtraCall, MatchedCall, MissingCall, ObservedCall, UnknownCall,
};
use crate::rules::RuleSet;
use crate::test_cases::mock;

const READ: &str = "select price from items where sku = $1";
const WRITE: &str = "insert into orders values ($1)";

fn id(name: &str) -> TestId {
    TestId {
        set: "shop".into(),
        name: name.into(),
    }
}

/// A test of two recorded calls: a read and a write.
fn test_case() -> TestCase {
    let call = |sql: &str| mock(Value::map([("sql", sql.into())]));
    TestCase {
        name: "post-orders-201".into(),
        request: Value::map([("method", "POST".into()), ("path", "/orders".into())]),
        response: response("1"),
        calls: vec![call(READ), call(WRITE)],
        ..crate::test_cases::test_case()
    }
}

fn response(total: &str) -> Value {
    let total = Value::Number(Number::parse(total).expect("a number"));
    let body = Value::map([("json", Value::map([("total", total)]))]);
    Value::map([("status", 201.into()), ("body", body)])
}

fn compared(total: &str) -> Compared {
    let rules = RuleSet::new([]).expect("built-in rules");
    compare_response(
        &response("1"),
        &response(total),
        &[],
        &rules,
        &mut ValueMap::new(),
    )
}

fn call(sql: &str, effect: Effect) -> ObservedCall {
    ObservedCall {
        conn: ConnId(0),
        transaction: None,
        to: "db".into(),
        at: Timestamp(0),
        protocol: ProtocolId("postgres"),
        summary: sql.into(),
        effect,
        shared: false,
        request: Value::map([("sql", sql.into())]),
    }
}

/// As recorded: the read and the write were made.
fn as_recorded() -> CallsOutcome {
    CallsOutcome {
        test: id("a"),
        recorded: 2,
        matched: vec![matched(0), matched(1)],
        extra: Vec::new(),
        unknown: Vec::new(),
        missing: Vec::new(),
        reordered: Vec::new(),
        sorted: 0,
        entered: Vec::new(),
        left: Vec::new(),
        overflow: 0,
        sharers: Vec::new(),
    }
}

fn matched(index: usize) -> MatchedCall {
    let (sql, effect) = [(READ, Effect::Read), (WRITE, Effect::Write)][index];
    MatchedCall {
        index: Some(index),
        by_kind: 0,
        pairs: Vec::new(),
        call: call(sql, effect),
    }
}

fn missing(index: usize) -> MissingCall {
    let (sql, effect) = [(READ, Effect::Read), (WRITE, Effect::Write)][index];
    MissingCall {
        index,
        to: "db".into(),
        summary: sql.into(),
        effect,
        shared: false,
    }
}

/// An unknown read, whose nearest recorded call is the read of `of` and differs at `differs`.
fn unknown(of: &str, differs: &[(&str, &str, &str)]) -> UnknownCall {
    let differs = differs
        .iter()
        .map(|(path, a, b)| {
            let path = Path::parse(path).expect("a path");
            (path, Some(Value::from(*a)), Some(Value::from(*b)))
        })
        .collect();
    UnknownCall {
        call: call(READ, Effect::Read),
        ambiguous: false,
        miss: Miss {
            test: Some(id("a")),
            to: "db".into(),
            summary: READ.into(),
            nearest: Some(Nearest {
                test: Some(id(of)),
                summary: READ.into(),
                differs,
            }),
        },
    }
}

fn complete() -> SetInfo {
    ledger(Tally::default())
}

fn ledger(db: Tally) -> SetInfo {
    SetInfo {
        ledger: Some(Ledger {
            outbound: BTreeMap::from([("db".to_owned(), db)]),
            ..Ledger::default()
        }),
        ..SetInfo::default()
    }
}

fn setting(info: &SetInfo) -> Setting<'_> {
    Setting {
        file: "retake/shop/tests/a.yaml",
        took: std::time::Duration::ZERO,
        info,
        live: &[],
        unread: &[],
        same_build: false,
    }
}

fn verdict(total: &str, calls: &CallsOutcome, info: &SetInfo) -> Verdict {
    judge(
        &test_case(),
        &id("a"),
        compared(total),
        calls,
        &setting(info),
    )
    .verdict
}

#[test]
fn a_verdict_follows_from_the_response_and_the_calls() {
    let check = |total: &str, calls: &dyn Fn(&mut CallsOutcome), expected: Verdict| {
        let mut outcome = as_recorded();
        calls(&mut outcome);
        assert_eq!(
            verdict(total, &outcome, &complete()),
            expected,
            "{outcome:?}"
        );
    };
    check("1", &|_| {}, Verdict::Passed);
    check("2", &|_| {}, Verdict::Changed);
    check("1", &|c| c.missing = vec![missing(1)], Verdict::Changed);
    check(
        "1",
        &|c| {
            c.extra = vec![ExtraCall {
                index: Some(1),
                call: call(WRITE, Effect::Write),
            }];
        },
        Verdict::Changed,
    );
    check(
        "1",
        &|c| c.unknown = vec![unknown("a", &[("params[0]", "A1", "a1")])],
        Verdict::Changed,
    );
    check("1", &|c| c.overflow = 3, Verdict::Gap);
}

#[test]
fn scenario_37_a_read_left_out_or_repeated_is_softer_than_a_changed_response() {
    let mut outcome = as_recorded();
    outcome.missing = vec![missing(0)];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Shifted);
    assert_eq!(verdict("2", &outcome, &complete()), Verdict::Changed);
    outcome.missing.clear();
    outcome.extra = vec![ExtraCall {
        index: Some(0),
        call: call(READ, Effect::Read),
    }];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Shifted);
}

#[test]
fn the_frame_of_a_transaction_weighs_as_much_as_what_is_in_it() {
    let frame = || MissingCall {
        summary: "begin".into(),
        effect: Effect::Transaction,
        ..missing(0)
    };
    let mut outcome = as_recorded();
    outcome.missing = vec![frame()];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Changed);
    outcome.missing = vec![frame(), missing(0)];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Shifted);
    outcome.missing = vec![frame(), missing(0), missing(1)];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Changed);
}

#[test]
fn what_is_asked_for_what_it_does_weighs_as_a_write() {
    let mut outcome = as_recorded();
    let mut lock = missing(0);
    lock.effect = Effect::Acts;
    outcome.missing = vec![lock];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Changed);
}

#[test]
fn a_read_that_passed_a_write_is_a_change_and_one_that_passed_a_read_is_none() {
    let mut outcome = as_recorded();
    outcome.matched.reverse();
    outcome.reordered = vec![1];
    assert_eq!(verdict("1", &outcome, &complete()), Verdict::Changed);
    let mut test = test_case();
    test.calls.swap_remove(1);
    test.calls.push(test.calls[0].clone());
    outcome.matched = vec![
        MatchedCall {
            index: Some(1),
            ..matched(0)
        },
        matched(0),
    ];
    let info = complete();
    let result = judge(&test, &id("a"), compared("1"), &outcome, &setting(&info));
    assert_eq!(result.verdict, Verdict::Passed);
    assert_eq!((result.differences.len(), result.notes.len()), (0, 0));
    // A transaction around a read, where nothing is written.
    outcome.matched[0].call.effect = Effect::Transaction;
    let result = judge(&test, &id("a"), compared("1"), &outcome, &setting(&info));
    assert_eq!(result.verdict, Verdict::Passed);
}

#[test]
fn a_changed_call_is_one_difference_at_the_field_and_the_cause_of_what_follows() {
    let mut outcome = as_recorded();
    outcome.matched.clear();
    outcome.unknown = vec![unknown("a", &[("params[0]", "A1", "a1")])];
    outcome.missing = vec![missing(0), missing(1)];
    let info = complete();
    let result = judge(
        &test_case(),
        &id("a"),
        compared("2"),
        &outcome,
        &setting(&info),
    );
    assert_eq!(result.verdict, Verdict::Changed);
    let kinds: Vec<_> = result.differences.iter().map(|d| d.kind).collect();
    assert_eq!(
        kinds,
        [
            DiffKind::Changed,
            DiffKind::CallUnknown,
            DiffKind::CallMissing
        ]
    );
    let unknown = &result.differences[1];
    assert!(
        matches!(&unknown.place, Place::Call { index: Some(0), path, .. }
            if path.to_string() == "params[0]")
    );
    assert_eq!(unknown.baseline, Some("A1".into()));
    assert!(
        result
            .differences
            .iter()
            .all(|d| d.cause == unknown.cause && d.blame == retake_model::Blame::App)
    );
    let causes = causes(&[], &[result]);
    assert_eq!(causes.len(), 1);
    assert_eq!(
        causes[0].title,
        "db: select price from items where sku = $1: params[0]: \"A1\" -> \"a1\", \
         which no recorded answer fits"
    );
}

#[test]
fn scenario_34_a_statement_after_an_unanswered_one_is_a_consequence() {
    let mut outcome = as_recorded();
    outcome.matched.clear();
    outcome.missing = vec![missing(0), missing(1)];
    let mut shorter = unknown("a", &[]);
    shorter.call.summary = "select * from stock where sku in ($1)".into();
    shorter.miss.nearest = None;
    outcome.unknown = vec![unknown("a", &[("params[0]", "A1", "a1")]), shorter];
    let info = complete();
    let result = judge(
        &test_case(),
        &id("a"),
        compared("1"),
        &outcome,
        &setting(&info),
    );
    assert_eq!(causes(&[], std::slice::from_ref(&result)).len(), 1);
    let follows = result.differences.iter().filter(|d| {
        d.detail
            .as_deref()
            .is_some_and(|text| text.starts_with("follows from the unanswered call to db"))
    });
    assert_eq!(follows.count(), 2);
}

#[test]
fn no_response_is_a_failure_of_the_surroundings() {
    let info = complete();
    let result = unanswered(
        &test_case(),
        &id("a"),
        "the connection was closed before a response came",
        &as_recorded(),
        &setting(&info),
    );
    assert_eq!(result.verdict, Verdict::Broken);
    assert_eq!(
        causes(&[], &[result])[0].title,
        "no response: the connection was closed before a response came"
    );
}

#[test]
fn a_response_that_shows_what_a_repeated_read_gave_before_a_write_follows_from_it() {
    let mut test = test_case();
    test.calls[0].response = Value::map([("rows", Value::List(vec!["2".into()]))]);
    let mut outcome = as_recorded();
    outcome.extra = vec![ExtraCall {
        index: Some(0),
        call: call(READ, Effect::Read),
    }];
    let info = complete();
    let check = |total: &str, outcome: &CallsOutcome, expected: bool| {
        let result = judge(&test, &id("a"), compared(total), outcome, &setting(&info));
        assert_eq!(result.verdict, Verdict::Changed);
        let of_response = |d: &&Difference| matches!(d.place, Place::Response(_));
        let shown = result.differences.iter().find(of_response).expect("one");
        assert_eq!(shown.follows, expected, "{total}");
    };
    check("2", &outcome, true);
    check("3", &outcome, false);
    // Without a write before it the answer is as good as the first one.
    outcome.matched.pop();
    check("2", &outcome, false);
}

#[test]
fn a_call_that_a_refused_request_makes_now_says_that_it_was_refused() {
    let info = complete();
    let mut outcome = as_recorded();
    outcome.unknown = vec![unknown("b", &[("params[0]", "A1", "a1")])];
    let detail = |status: i64| {
        let mut test = test_case();
        test.response = Value::map([("status", status.into())]);
        let result = judge(&test, &id("a"), compared("1"), &outcome, &setting(&info));
        let title = causes(&[], std::slice::from_ref(&result))[0].title.clone();
        let call = |d: &&Difference| d.kind == DiffKind::CallUnknown;
        let found = result.differences.iter().find(call).expect("the call");
        (found.detail.clone().unwrap_or_default(), title)
    };
    let (said, title) = detail(403);
    assert!(said.starts_with("the request was refused when it was recorded, with status 403\n"));
    assert!(
        title.ends_with(": a call that was not recorded, of a request that was refused (403)"),
        "{title}"
    );
    for status in [201, 404] {
        let (said, title) = detail(status);
        assert!(!said.contains("refused") && !title.contains("refused"));
    }
}

#[test]
fn a_changed_text_of_random_letters_says_which_rule_hides_it() {
    let info = complete();
    let detail = |a: &str, b: &str| {
        let mut compared = compared("2");
        for difference in &mut compared.differences {
            difference.baseline = Some(a.into());
            difference.candidate = Some(b.into());
        }
        let result = judge(
            &test_case(),
            &id("a"),
            compared,
            &as_recorded(),
            &setting(&info),
        );
        result.differences[0].detail.clone()
    };
    assert_eq!(
        detail("P4XWURiJ3enIgqSE", "jqV4QhUf0_hfPr54").as_deref(),
        Some(
            "hint: where the service makes this at random, say so in the test: rules: \
             [{path: 'response.body.json.total', type: true}]"
        )
    );
    assert_eq!(
        detail("TK-PKJPKBAKPW", "TK-HCM6MLW30Q").as_deref(),
        Some(
            "hint: where the service makes this at random, say so in retake.yaml: rules: \
             [{path: 'response.body.json.total', pattern: '^TK\\-[A-Z0-9]{10}$'}]"
        )
    );
    for (a, b) in [
        ("ORDER-pending", "ORDER-shipped"),
        ("TK-PKJPKBAKPW", "TX-HCM6MLW30Q"),
        ("INV-000017", "INV-000018"),
        ("P4XWURiJ3enIgqSE", "jqV4QhUf0"),
        ("administrator of all", "a customer of theirs"),
        ("internationalize", "denationalization"),
    ] {
        assert_eq!(detail(a, b), None, "{a} {b}");
    }
}

#[test]
fn calls_in_the_order_of_made_ids_are_counted() {
    let calls = CallsOutcome {
        sorted: 3,
        ..as_recorded()
    };
    let info = complete();
    let result = judge(
        &test_case(),
        &id("a"),
        compared("1"),
        &calls,
        &setting(&info),
    );
    let hidden = result.hidden.iter().map(|used| (&*used.rule, used.hidden));
    assert_eq!(hidden.collect::<Vec<_>>(), [("calls.*.order", 3)]);
    assert_eq!(result.verdict, Verdict::Passed);
}
