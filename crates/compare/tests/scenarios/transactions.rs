//! Beginnings and ends of transactions, and whose they are.

use retake_compare::matching::{CallsOutcome, Effect};
use retake_model::{Attribution, Mock, TestCase, Timestamp, Value};

use crate::build::{RECORDED, Run, call, http, ok, row, set, sql, test};

const BEGIN: &str = "BEGIN";

const COMMIT: &str = "COMMIT";

fn case(name: &str, calls: Vec<Mock>) -> TestCase {
    test(name, http("GET", "/", None), ok(Value::Null), calls)
}

fn outcome<'o>(all: &'o [CallsOutcome], name: &str) -> &'o CallsOutcome {
    let mut all = all.iter();
    all.find(|outcome| *outcome.test.name == *name).expect(name)
}

#[test]
fn a_transaction_without_an_answer_takes_no_beginning_of_another_test() {
    let late = |n: u64, text: &str| Mock {
        by: Attribution::Shared,
        ..call(n, sql(text, &[]), row("b"))
    };
    let calls = [BEGIN, "insert into t values (1)", COMMIT];
    let mut a = case(
        "a",
        (60u64..).zip(calls).map(|(n, sql)| late(n, sql)).collect(),
    );
    let mut b = case("b", Vec::new());
    b.at = Timestamp(RECORDED + 1);
    a.at = Timestamp(RECORDED + 500_000);
    let mut run = Run::of(set(vec![b, a], Vec::new()));
    run.begin("b");
    let _begun = run.ask(sql(BEGIN, &[]));
    run.ask(sql("select secret from u", &[])).unwrap_err();
    let _ended = run.ask(sql("ROLLBACK", &[]));
    run.end("b");
    run.begin("a");
    for text in calls {
        run.ask(sql(text, &[])).expect(text);
    }
    run.end("a");
    let all = run.mocks.finish();
    let (a, b) = (outcome(&all, "a"), outcome(&all, "b"));
    assert_eq!((a.extra.len(), a.missing.len()), (0, 0), "{a:?}");
    let unknown: Vec<&str> = b.unknown.iter().map(|u| u.call.summary.as_str()).collect();
    assert_eq!(unknown, [BEGIN, "select secret from u", "ROLLBACK"]);
    assert_eq!(b.extra.len(), 0, "{b:?}");
}

#[test]
fn what_is_left_of_several_transactions_is_in_order() {
    let calls = [
        BEGIN,
        "update t set a = 1",
        COMMIT,
        BEGIN,
        "delete from t",
        COMMIT,
    ];
    let calls = (1u64..).zip(calls);
    let calls = calls.map(|(n, text)| call(n, sql(text, &[]), row("1")));
    let mut run = Run::of(set(vec![case("a", calls.collect())], Vec::new()));
    run.begin("a");
    for text in [BEGIN, "delete from t", COMMIT] {
        run.ask(sql(text, &[])).expect(text);
    }
    run.end("a");
    let outcome = run.finish_one();
    assert_eq!(outcome.missing.len(), 3);
    assert_eq!(outcome.reordered, Vec::<usize>::new());
}

#[test]
fn a_transaction_with_nothing_in_it_is_no_call_of_a_test() {
    let calls = [BEGIN, "delete from t", COMMIT];
    let recorded = (1u64..).zip(calls);
    let recorded = recorded.map(|(n, text)| call(n, sql(text, &[]), row("1")));
    let mut run = Run::of(set(vec![case("a", recorded.collect())], Vec::new()));
    run.begin("a");
    for text in calls {
        run.ask(sql(text, &[])).expect(text);
    }
    let _begun = run.ask(sql(BEGIN, &[]));
    let _ended = run.ask(sql(COMMIT, &[]));
    run.end("a");
    let outcome = run.finish_one();
    let more = (outcome.extra.len(), outcome.unknown.len());
    assert_eq!((more, outcome.matched.len()), ((0, 0), 3));
}

/// A query that gives nothing.
fn void() -> Value {
    let columns = Value::List(vec!["f void".into()]);
    let rows = Value::List(vec![Value::List(vec!["".into()])]);
    Value::map([("columns", columns), ("rows", rows)])
}

#[test]
fn a_lock_or_what_a_function_does_is_no_read() {
    const LOCK: &str = "select id from items where id = 1 for update";
    const NOTIFY: &str = "select pg_notify('orders', '1')";
    const SETTING: &str = "set local app.tenant = '5'";
    const READ: &str = "select name from items where id = 1";
    const WRITE: &str = "update items set stock = 1";
    let recorded = |texts: &[&'static str]| {
        let calls = (1..).zip(texts).map(|(n, text)| Mock {
            response: if *text == NOTIFY { void() } else { row("1") },
            ..call(n, sql(text, &[]), row("1"))
        });
        vec![test(
            "a",
            http("POST", "/", None),
            ok(Value::Null),
            calls.collect(),
        )]
    };
    let check = |made: &[&'static str], asked: &[&'static str], expected: &str| {
        let mut run = Run::of(set(recorded(made), vec![]));
        run.begin("a");
        for text in asked {
            run.ask(sql(text, &[])).expect(text);
        }
        run.end("a");
        let outcome = run.finish_one();
        let missing = outcome.missing.iter();
        let missing: Vec<_> = missing.map(|m| (m.summary.as_str(), m.effect)).collect();
        let extra = outcome.extra.iter();
        let extra: Vec<_> = extra
            .map(|e| (e.call.summary.as_str(), e.call.effect))
            .collect();
        let text = |calls: Vec<(&str, Effect)>| -> String {
            let calls = calls.into_iter().filter(|(_, e)| *e != Effect::Transaction);
            let calls: Vec<String> = calls.map(|(text, e)| format!("{text}: {e:?}")).collect();
            calls.join(", ")
        };
        assert_eq!(
            format!("{}; {}", text(missing), text(extra)),
            expected,
            "{asked:?}"
        );
    };
    let locked = [BEGIN, LOCK, WRITE, COMMIT];
    check(&locked, &[BEGIN, WRITE, COMMIT], &format!("{LOCK}: Acts; "));
    check(
        &locked,
        &[BEGIN, LOCK, LOCK, WRITE, COMMIT],
        &format!("; {LOCK}: Acts"),
    );
    check(&[NOTIFY, READ], &[READ], &format!("{NOTIFY}: Acts; "));
    check(&[NOTIFY], &[NOTIFY, NOTIFY], &format!("; {NOTIFY}: Acts"));
    let set_up = [BEGIN, SETTING, READ, COMMIT];
    check(
        &set_up,
        &[BEGIN, READ, COMMIT],
        &format!("{SETTING}: Acts; "),
    );
    // A cache leaves out the whole transaction, or it is made once more.
    check(&set_up, &[], &format!("{SETTING}: Read, {READ}: Read; "));
    let again = [set_up, set_up].concat();
    check(&set_up, &again, &format!("; {SETTING}: Read, {READ}: Read"));
    let writes = [BEGIN, SETTING, WRITE, COMMIT];
    check(&writes, &[], &format!("{SETTING}: Acts, {WRITE}: Write; "));
}
