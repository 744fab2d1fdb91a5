//! Beginnings and ends of transactions.

use super::*;
use crate::sql::Statement;

fn effect(sql: &str) -> Effect {
    Statement::read(sql).effect
}

/// What a test whose calls were recorded as `recorded` shows, each difference with the number of
/// its cause: those of these statements that are `gone`, that were made `more` often, and that
/// nothing but the server itself answers (`own`).
fn told(
    recorded: &[&str],
    gone: &[usize],
    more: &[&str],
    own: &[&str],
    status: i64,
) -> (Verdict, Vec<String>) {
    let mut test = test_case();
    let one = test.calls.remove(0);
    let mock = |sql: &&str| Mock {
        request: Value::map([("sql", (*sql).into())]),
        ..one.clone()
    };
    test.calls = recorded.iter().map(mock).collect();
    let absent = gone.iter().map(|at| MissingCall {
        index: *at,
        summary: recorded[*at].into(),
        effect: effect(recorded[*at]),
        ..missing(0)
    });
    let mut outcome = as_recorded();
    let made = (0..recorded.len()).filter(|at| !gone.contains(at));
    let made = made.map(|at| MatchedCall {
        index: Some(at),
        call: call(recorded[at], effect(recorded[at])),
        ..matched(0)
    });
    outcome.matched = made.collect();
    outcome.missing = absent.collect();
    let extra = more.iter().map(|sql| ExtraCall {
        index: None,
        call: call(sql, effect(sql)),
    });
    outcome.extra = extra.collect();
    let unknown = own.iter().map(|sql| UnknownCall {
        call: call(sql, effect(sql)),
        ambiguous: false,
        miss: Miss {
            test: Some(id("a")),
            to: "db".into(),
            summary: (*sql).into(),
            nearest: None,
        },
    });
    outcome.unknown = unknown.collect();
    let now = Value::map([("status", status.into()), ("body", Value::Null)]);
    let before = Value::map([("status", 201.into()), ("body", Value::Null)]);
    let rules = RuleSet::new([]).expect("rules");
    let compared = compare_response(&before, &now, &[], &rules, &mut ValueMap::new());
    let info = complete();
    let result = judge(&test, &id("a"), compared, &outcome, &setting(&info));
    let mut causes: Vec<u64> = Vec::new();
    let mut lines = Vec::new();
    for difference in &result.differences {
        if !difference.follows && !causes.contains(&difference.cause) {
            causes.push(difference.cause);
        }
        let number = causes.iter().position(|own| *own == difference.cause);
        let number = number.map_or_else(|| "?".to_owned(), |n| (n + 1).to_string());
        let follows = if difference.follows { " follows" } else { "" };
        let what = match &difference.place {
            Place::Call { summary, .. } => summary.clone(),
            place => place.to_string(),
        };
        let kind = difference.kind;
        lines.push(format!("[{number}] {kind:?} {what}{follows}"));
    }
    // What comes before its cause has a number, too.
    lines.sort();
    (result.verdict, lines)
}

const RECORDED: &[&str] = &[
    "BEGIN",
    "select 1 from a",
    "COMMIT",
    "BEGIN",
    WRITE,
    "COMMIT",
];

#[test]
fn the_beginning_and_the_end_follow_from_what_stood_between_them() {
    let (verdict, lines) = told(RECORDED, &[3, 4, 5], &[], &[], 201);
    assert_eq!(verdict, Verdict::Changed);
    let rest: Vec<&String> = lines
        .iter()
        .filter(|line| line.ends_with("follows"))
        .collect();
    assert_eq!(rest.len(), 2, "{lines:?}");
    assert!(lines.contains(&format!("[1] CallMissing {WRITE}")));
    // As many as there are transactions of which nothing was asked; one more is a change.
    let (_, lines) = told(RECORDED, &[0, 3, 4, 5], &[], &[], 201);
    let rest = lines.iter().filter(|line| line.ends_with("follows"));
    assert_eq!(rest.count(), 2, "{lines:?}");
    let (_, lines) = told(RECORDED, &[0, 2, 3, 5], &[], &[], 201);
    assert!(lines.iter().all(|line| !line.ends_with("follows")));
    // A part of a transaction has none of its own.
    let (_, lines) = told(
        &["BEGIN", WRITE, "select 1 from a", "COMMIT"],
        &[0, 1, 3],
        &[],
        &[],
        201,
    );
    assert!(lines.iter().all(|line| !line.ends_with("follows")));
}

#[test]
fn a_call_that_is_made_again_brings_its_transaction() {
    let (_, lines) = told(
        RECORDED,
        &[],
        &["BEGIN", "select 1 from a", "COMMIT"],
        &[],
        201,
    );
    let expected = [
        "[1] CallExtra select 1 from a",
        "[?] CallExtra BEGIN follows",
        "[1] CallExtra COMMIT follows",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    let rest = lines.iter().filter(|line| line.ends_with("follows"));
    assert_eq!(rest.count(), 2, "{lines:?}");
}

#[test]
fn a_rollback_that_was_not_recorded_is_answered_and_hides_nothing() {
    // The status is the cause.
    let (verdict, lines) = told(RECORDED, &[4, 5], &[], &["ROLLBACK"], 502);
    assert_eq!(verdict, Verdict::Changed);
    let causes = lines.iter().filter(|line| !line.ends_with("follows"));
    let causes: Vec<&String> = causes.collect();
    assert_eq!(causes, ["[1] Changed response.status"], "{lines:?}");
    // Without it the transaction that is not committed is.
    let (verdict, lines) = told(RECORDED, &[5], &[], &["ROLLBACK"], 201);
    assert_eq!(verdict, Verdict::Changed);
    assert_eq!(lines, ["[1] Changed ROLLBACK"]);
    let own = "BEGIN ISOLATION LEVEL REPEATABLE READ;";
    let (_, lines) = told(RECORDED, &[3], &[], &[own], 201);
    assert_eq!(lines, [format!("[1] Changed {own}")]);
    let (verdict, lines) = told(&[WRITE], &[], &[], &["BEGIN", "COMMIT"], 201);
    assert_eq!(verdict, Verdict::Changed);
    assert_eq!(lines, ["[1] CallExtra BEGIN", "[2] CallExtra COMMIT"]);
}

#[test]
fn a_frame_that_was_found_for_another_test_was_made() {
    for own in [&["COMMIT"][..], &[]] {
        let more: &[&str] = if own.is_empty() { &["COMMIT"] } else { &[] };
        let (verdict, lines) = told(RECORDED, &[5], more, own, 201);
        assert_eq!(
            (verdict, lines.len()),
            (Verdict::Passed, 0),
            "{own:?} {lines:?}"
        );
    }
    let (verdict, _) = told(RECORDED, &[4], &[WRITE], &[], 201);
    assert_eq!(verdict, Verdict::Changed);
}

/// The verdict of a test that was recorded with one read and made these calls: the number of each
/// among the recorded ones, its statement, and the number of its transaction.
fn verdict_of(recorded: &[&str], made: &[(Option<usize>, &str, u64)]) -> Verdict {
    let mut test = test_case();
    let one = test.calls.remove(0);
    let mock = |sql: &&str| Mock {
        request: Value::map([("sql", (*sql).into())]),
        by: Attribution::Shared,
        ..one.clone()
    };
    test.calls = recorded.iter().map(mock).collect();
    let mut outcome = as_recorded();
    let made = made.iter().map(|(index, sql, transaction)| MatchedCall {
        index: *index,
        call: ObservedCall {
            transaction: Some(*transaction),
            ..call(sql, effect(sql))
        },
        ..matched(0)
    });
    outcome.matched = made.collect();
    let info = complete();
    judge(&test, &id("a"), compared("1"), &outcome, &setting(&info)).verdict
}

#[test]
fn frames_of_another_test_around_a_statement_of_this_one_are_made_more_often() {
    let own = ["BEGIN", READ, "COMMIT"];
    let others = |n| [(None, "BEGIN", n), (None, WRITE, n), (None, "COMMIT", n)];
    let whole = |n| {
        [
            (Some(0), "BEGIN", n),
            (Some(1), READ, n),
            (Some(2), "COMMIT", n),
        ]
    };
    let mixed = |n| {
        [
            (None, "BEGIN", n),
            (Some(1), READ, n),
            (Some(2), "COMMIT", n),
        ]
    };
    let taken = |n| [(Some(0), "BEGIN", n), (None, WRITE, n), (None, "COMMIT", n)];
    assert_eq!(verdict_of(&own, &whole(1)), Verdict::Passed);
    // What another test did late, and which of two that say the same was found.
    assert_eq!(
        verdict_of(&own, &[others(1), whole(2)].concat()),
        Verdict::Passed
    );
    assert_eq!(
        verdict_of(&own, &[taken(1), mixed(2)].concat()),
        Verdict::Passed
    );
    // It was recorded without a transaction.
    let read = [(None, "BEGIN", 1), (Some(0), READ, 1), (None, "COMMIT", 1)];
    assert_eq!(verdict_of(&[READ], &read), Verdict::Changed);
}
