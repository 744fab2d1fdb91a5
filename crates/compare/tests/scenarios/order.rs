//! The order of calls of which nothing told whose they are, and transactions that calls left or entered.

use retake_compare::matching::CallsOutcome;
use retake_model::{Answer, Attribution, ConnId, Mock, TestCase, Timestamp, Value};

use crate::build::{RECORDED, Run, call, http, ok, row, set, sql, test};

const MS: u64 = 1_000_000;

/// A test that was open for 500 ms, with calls at these times after its request. All of them may be
/// another test's.
fn crowded(name: &str, at: u64, calls: &[(u64, &str)]) -> TestCase {
    let shared = |(after, text): &(u64, &str)| Mock {
        by: Attribution::Transaction,
        after: after * MS,
        took: MS / 10,
        ..call(0, sql(text, &[]), row(text))
    };
    let calls = calls.iter().map(shared).collect();
    let mut case = test(name, http("POST", name, None), ok(Value::Null), calls);
    (case.at, case.took) = (Timestamp(RECORDED + at * MS), 500 * MS);
    case
}

/// Statements, one each 10 ms.
fn each(texts: &[&'static str]) -> Vec<(u64, &'static str)> {
    (1..).map(|n| n * 10).zip(texts.iter().copied()).collect()
}

/// The statements of the test `a` that were moved, that entered a transaction and that left one, when
/// it asks that on these connections.
fn moved(tests: Vec<TestCase>, asked: &[(u64, &str)]) -> String {
    let mut run = Run::of(set(tests, vec![]));
    run.begin("a");
    for (conn, text) in asked {
        let mut call = run.call(sql(text, &[]), None);
        call.conn = ConnId(*conn);
        let answer = run.mocks.ask(call, false);
        assert!(matches!(answer, Answer::Serve(_)), "{text} of {asked:?}");
    }
    run.end("a");
    let all = run.mocks.finish();
    let of_a = |outcome: &&CallsOutcome| &*outcome.test.name == "a";
    let a = all.iter().find(of_a).expect("a");
    let said = |places: &[usize]| {
        let places = places.iter().filter_map(|place| a.matched.get(*place));
        let said: Vec<&str> = places.map(|made| made.call.summary.as_str()).collect();
        said.join(", ")
    };
    format!(
        "order: {}; entered: {}; left: {}",
        said(&a.reordered),
        said(&a.entered),
        said(&a.left)
    )
}

fn on_one(texts: &[&'static str]) -> Vec<(u64, &'static str)> {
    texts.iter().map(|text| (1, *text)).collect()
}

const NONE: &str = "order: ; entered: ; left: ";

const BEGIN: &str = "begin";
const ORDER: &str = "insert into orders values (4711)";
const STOCK: &str = "update items set stock = stock - 1";
const AUDIT: &str = "insert into audits values (4711)";
const USER: &str = "select name from users where id = 16";
const COMMIT: &str = "commit";

#[test]
fn scenario_20_statements_of_a_transaction_have_an_order_whosever_it_is() {
    let recorded = [BEGIN, ORDER, STOCK, AUDIT, COMMIT];
    let swapped = [BEGIN, AUDIT, ORDER, STOCK, COMMIT];
    // Kept with the test, or with the other one.
    for kept_with in ["a", "b"] {
        let tests = || {
            let calls = |name| {
                if name == kept_with {
                    each(&recorded)
                } else {
                    vec![]
                }
            };
            vec![crowded("a", 1, &calls("a")), crowded("b", 3, &calls("b"))]
        };
        assert_eq!(moved(tests(), &on_one(&recorded)), NONE);
        let told = format!("order: {AUDIT}; entered: ; left: ");
        assert_eq!(moved(tests(), &on_one(&swapped)), told, "{kept_with}");
    }
    // Another test that writes the same in another order has its own transaction.
    let tests = vec![
        crowded("a", 1, &each(&recorded)),
        crowded("b", 3, &each(&swapped)),
    ];
    assert_eq!(moved(tests, &on_one(&recorded)), NONE);
}

#[test]
fn scenario_20_transactions_of_one_moment_have_no_order_between_them() {
    // Kept with one test, and begun while the other one was open.
    let calls = [
        (10, BEGIN),
        (20, STOCK),
        (25, BEGIN),
        (30, AUDIT),
        (40, STOCK),
        (50, COMMIT),
        (60, COMMIT),
    ];
    let tests = || vec![crowded("a", 1, &calls), crowded("b", 3, &[])];
    for asked in [[BEGIN, AUDIT, STOCK, COMMIT], [BEGIN, STOCK, AUDIT, COMMIT]] {
        assert_eq!(moved(tests(), &on_one(&asked)), NONE);
    }
}

#[test]
fn scenario_20_what_was_asked_at_one_time_only_has_an_order_on_its_connection() {
    let check = |beside: &[(u64, &str)], asked: &[(u64, &str)], expected: &str| {
        let calls = [(10, USER), (20, ORDER), (30, AUDIT)];
        let tests = vec![crowded("a", 1, &calls), crowded("b", 1, beside)];
        assert_eq!(moved(tests, asked), expected, "{asked:?}");
    };
    let told = format!("order: {AUDIT}; entered: ; left: ");
    check(&[], &on_one(&[USER, ORDER, AUDIT]), NONE);
    check(&[], &on_one(&[AUDIT, USER, ORDER]), &told);
    // A read that passed a write.
    let read = format!("order: {ORDER}; entered: ; left: ");
    check(&[], &on_one(&[ORDER, USER, AUDIT]), &read);
    // Asked by the other test as well: which of the two times was whose?
    check(&[(5, AUDIT)], &on_one(&[AUDIT, USER, ORDER]), NONE);
    check(&[(25, AUDIT)], &on_one(&[AUDIT, USER, ORDER]), &told);
    // Of several connections nothing is known.
    check(&[], &[(2, AUDIT), (1, USER), (1, ORDER)], NONE);
    // What is left to be done comes whenever it does.
    check(&[(600, AUDIT)], &on_one(&[AUDIT, USER, ORDER]), NONE);
}

#[test]
fn a_statement_that_left_its_transaction_or_entered_one_is_told() {
    let inside = [BEGIN, ORDER, AUDIT, COMMIT];
    let outside = [USER, BEGIN, ORDER, COMMIT, AUDIT];
    let tests = |calls: &[(u64, &str)], beside: &[(u64, &str)]| {
        vec![crowded("a", 1, calls), crowded("b", 1, beside)]
    };
    let check = |tests: Vec<TestCase>, asked: &[&'static str], expected: &str| {
        assert_eq!(moved(tests, &on_one(asked)), expected, "{asked:?}");
    };
    let left = format!("order: ; entered: ; left: {AUDIT}");
    let after = [BEGIN, ORDER, COMMIT, AUDIT];
    check(tests(&each(&inside), &[]), &inside, NONE);
    check(tests(&each(&inside), &[]), &after, &left);
    check(
        tests(&each(&inside), &[]),
        &[AUDIT, BEGIN, ORDER, COMMIT],
        &left,
    );
    let entered = format!("order: ; entered: {AUDIT}; left: ");
    check(tests(&each(&outside), &[]), &outside, NONE);
    check(
        tests(&each(&outside), &[]),
        &[USER, BEGIN, ORDER, AUDIT, COMMIT],
        &entered,
    );
    // Others ask it so as well.
    check(tests(&each(&inside), &[(15, AUDIT)]), &after, NONE);
    // Another connection asked it while the transaction was open.
    let asked = [(1, BEGIN), (1, ORDER), (1, COMMIT), (2, AUDIT)];
    assert_eq!(moved(tests(&each(&inside), &[]), &asked), NONE);
}

#[test]
fn scenario_36_the_transaction_that_a_request_leaves_to_be_done_has_an_order() {
    // Kept with the next request, which was alone.
    let calls = each(&[BEGIN, ORDER, AUDIT, COMMIT]);
    let tests = || vec![crowded("a", 2_000, &calls), crowded("b", 9_000, &[])];
    assert_eq!(
        moved(tests(), &on_one(&[BEGIN, ORDER, AUDIT, COMMIT])),
        NONE
    );
    let told = format!("order: {AUDIT}; entered: ; left: ");
    let swapped = on_one(&[BEGIN, AUDIT, ORDER, COMMIT]);
    assert_eq!(moved(tests(), &swapped), told);
}

#[test]
fn scenario_20_a_call_that_waited_for_one_to_another_dependency_comes_behind_it() {
    const PAID: &str = "update orders set paid = true";
    // When the charge began and how long it took, and when the order was marked.
    type Times = (u64, u64, u64);
    let paying = |number: u64, (began, took, marked): Times| {
        let mut charge = call(0, http("POST", "/charge", None), ok(Value::Null));
        (charge.after, charge.took) = (began * MS, took * MS);
        let mut paid = call(0, sql(PAID, &[]), row("1"));
        (paid.after, paid.took) = (marked * MS, MS);
        let name = if number == 0 {
            "a".to_owned()
        } else {
            format!("t{number}")
        };
        let path = http("POST", "/orders", None);
        let mut case = test(&name, path, ok(Value::Null), vec![charge, paid]);
        (case.at, case.took) = (Timestamp(RECORDED + number * 2_000 * MS), 500 * MS);
        case
    };
    let check = |times: &[Times], swapped: bool, expected: bool| {
        let tests = (0..)
            .zip(times)
            .map(|(number, times)| paying(number, *times));
        let mut run = Run::of(set(tests.collect(), vec![]));
        run.begin("a");
        let mut asked = vec![http("POST", "/charge", None), sql(PAID, &[])];
        if swapped {
            asked.reverse();
        }
        for (conn, request) in (0..).zip(asked) {
            let mut call = run.call(request, None);
            call.conn = ConnId(conn);
            assert!(matches!(run.mocks.ask(call, false), Answer::Serve(_)));
        }
        run.end("a");
        let outcome = run.finish_one();
        assert_eq!(
            !outcome.reordered.is_empty(),
            expected,
            "{times:?} {swapped}"
        );
    };
    let waits = [(1, 2, 4), (1, 9, 11), (1, 5, 7), (1, 20, 22), (1, 6, 8)];
    check(&waits, false, false);
    check(&waits, true, true);
    // Too few to tell.
    check(&waits[..3], true, false);
    // It was begun while the other one was under way.
    let at_once = [waits[0], waits[1], waits[2], waits[3], waits[4], (1, 9, 5)];
    check(&at_once, true, false);
    // By chance: what it waits for takes longer than the other call ever did.
    let apart = [(1, 2, 14), (1, 9, 13), (1, 5, 13), (1, 8, 14), (1, 6, 13)];
    check(&apart, true, false);
}
