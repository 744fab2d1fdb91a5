//! What is answered, what is missed, and what is said of it.

use retake_compare::matching::Effect;
use retake_model::{Answer, ConnId, Mock, Path, Scope, Value};

use crate::build::{Run, call, http, ok, row, scoped, set, sql, test, told};

pub fn one(calls: Vec<retake_model::Mock>) -> Run {
    let request = http("GET", "/", None);
    Run::of(set(
        vec![test("t", request, ok(Value::Null), calls)],
        vec![],
    ))
}

pub fn query(n: u64, text: &str, params: &[&str]) -> retake_model::Mock {
    call(n, sql(text, params), row(&n.to_string()))
}

#[test]
fn scenario_17_the_same_statement_with_other_rows_is_answered_in_recorded_order() {
    let mut run = one(vec![
        query(1, "select n from t", &[]),
        query(2, "select n from t", &[]),
        query(3, "select n from t", &[]),
    ]);
    run.begin("t");
    for n in ["1", "2", "3", "3"] {
        assert_eq!(run.ask(sql("select n from t", &[])), Ok(row(n)));
    }
    run.end("t");
    let outcome = run.finish_one();
    assert_eq!(
        told(&outcome),
        "matched 0,1,2 extra 1 unknown 0 missing  reordered "
    );
    assert_eq!(outcome.extra[0].index, Some(2));
    assert_eq!(outcome.recorded, 3);
}

#[test]
fn scenario_18_connections_and_set_up_do_not_count() {
    let shared = vec![
        scoped(Scope::Session, sql("SET TIME ZONE 'UTC'", &[]), Value::Null),
        scoped(
            Scope::Session,
            Value::map(
                [("describe", "select a from t where b = $1")].map(|(k, v)| (k, Value::from(v))),
            ),
            Value::Null,
        ),
    ];
    let calls = vec![query(1, "select a from t where b = $1", &["x"])];
    let case = test("t", http("GET", "/", None), ok(Value::Null), calls);
    for connections in [1, 5] {
        let mut run = Run::of(set(vec![case.clone()], shared.clone()));
        run.begin("t");
        for _ in 0..connections {
            assert!(run.ask(sql("SET TIME ZONE 'UTC'", &[])).is_ok());
        }
        assert!(run.ask(sql("select a from t where b = $1", &["x"])).is_ok());
        run.end("t");
        assert_eq!(
            told(&run.finish_one()),
            "matched 0 extra 0 unknown 0 missing  reordered "
        );
    }
}

#[test]
fn a_notification_is_told_to_each_listener_once_after_the_call_that_it_followed() {
    let heard = |place: u64, payload: &str| {
        let answer = Value::map([("notify", Value::List(vec![payload.into()]))]);
        call(place, Value::map([("listening", "news".into())]), answer)
    };
    let mut run = one(vec![
        query(1, "notify news, 'a'", &[]),
        // Two connections heard the same.
        heard(2, "a"),
        heard(3, "a"),
        query(4, "notify news, 'b'", &[]),
        heard(5, "b"),
    ]);
    let listen = |run: &mut Run, conn: u64| {
        let mut call = run.call(Value::map([("listening", "news".into())]), None);
        call.conn = ConnId(conn);
        match run.mocks.ask(call, true) {
            Answer::Serve(answer) => answer.get("notify").cloned(),
            Answer::Miss(_) => None,
        }
    };
    let news = |payload: &str| Some(Value::List(vec![payload.into()]));
    assert_eq!(listen(&mut run, 1), None);
    run.begin("t");
    assert_eq!(listen(&mut run, 1), None);
    run.ask(sql("notify news, 'a'", &[])).unwrap();
    assert_eq!(listen(&mut run, 1), news("a"));
    assert_eq!(listen(&mut run, 1), None);
    assert_eq!(listen(&mut run, 2), news("a"));
    run.ask(sql("notify news, 'b'", &[])).unwrap();
    assert_eq!(listen(&mut run, 1), news("b"));
    run.end("t");
    // On which side of the response it comes does not matter, nor whether anybody listens.
    assert_eq!(listen(&mut run, 2), news("b"));
    assert_eq!(
        told(&run.finish_one()),
        "matched 0,3 extra 0 unknown 0 missing  reordered "
    );
}

#[test]
fn scenario_19_a_changed_value_is_a_miss_with_the_field_that_differs() {
    let mut run = one(vec![
        query(1, "select price from items where sku = $1", &["A1"]),
        query(2, "select qty from stock where sku = $1", &["A1"]),
        call(
            3,
            http(
                "POST",
                "/charge?cur=EUR",
                Some(Value::map([("amount", 3998.into()), ("b", 1.into())])),
            ),
            ok(Value::Null),
        ),
        query(4, "update t set a = 'old' where id = 7", &[]),
    ]);
    run.begin("t");
    let mut check = |request: Value, path: &str, recorded: Value, asked: Value| {
        let miss = run.ask(request).expect_err(path);
        let nearest = miss.nearest.expect("a nearest one");
        assert_eq!(
            nearest.differs,
            [(Path::parse(path).unwrap(), Some(recorded), Some(asked))],
            "{}",
            nearest.summary
        );
    };
    check(
        sql("select price from items where sku = $1", &["B2"]),
        "params[0]",
        "A1".into(),
        "B2".into(),
    );
    let charge = |path: &str, amount: u32| {
        http(
            "POST",
            path,
            Some(Value::map([("b", 1.into()), ("amount", amount.into())])),
        )
    };
    check(
        charge("/charge?cur=EUR", 4098),
        "body.json.amount",
        3998.into(),
        4098.into(),
    );
    check(
        charge("/charge?cur=USD", 3998),
        "path.query.cur",
        "EUR".into(),
        "USD".into(),
    );
    check(
        sql("update t set a = 'new' where id = 7", &[]),
        "sql.literals[0]",
        "old".into(),
        "new".into(),
    );
    run.end("t");
    assert_eq!(
        told(&run.finish_one()),
        "matched  extra 0 unknown 4 missing 0,1,2,3 reordered "
    );
}

#[test]
fn scenario_19_a_made_value_beside_the_changed_one_is_no_difference() {
    let charge = |id: &str, amount: u32| {
        let body = Value::map([("order", id.into()), ("amount", amount.into())]);
        http("POST", "/charge", Some(body))
    };
    let (recorded, made) = (
        "6786f9d7-8d6c-4a02-9049-d7806556b711",
        "102a1e4a-39b3-4752-89f7-f10feaad3994",
    );
    let mut run = one(vec![call(1, charge(recorded, 3998), ok(Value::Null))]);
    run.begin("t");
    let miss = run.ask(charge(made, 4098)).expect_err("another amount");
    let path = Path::parse("body.json.amount").unwrap();
    assert_eq!(
        miss.nearest.expect("a nearest one").differs,
        [(path, Some(3998.into()), Some(4098.into()))]
    );
}

#[test]
fn scenario_19_what_is_no_difference_is_not_told_beside_the_changed_value() {
    let text = "insert into users (session, hash, id) values ($1, $2, $3)";
    let (cheap, dear) = (
        "$2b$06$keod6xZ1XVFu30xcpkXXquKcw11Ee.1LYn6Ivn0GqLW/xeOrB0cii",
        "$2b$07$bxFcKKAbpcKglHVO.MCvgu22y6KWibd8Gtg/iFtG5XrR98MmY.YhC",
    );
    let recorded = [
        "redacted-0123456789abcdef01234567",
        cheap,
        "aks27f7ofmwqro3i8vdq3382",
    ];
    let asked = ["a-session", dear, "shacyz4bmnwif5v99fbkf4fz"];
    let mut run = one(vec![query(1, text, &recorded)]);
    run.begin("t");
    let miss = run.ask(sql(text, &asked)).expect_err("a dearer hash");
    let path = Path::parse("params[1]").unwrap();
    assert_eq!(
        miss.nearest.expect("a nearest one").differs,
        [(path, Some(cheap.into()), Some(dear.into()))]
    );
}

#[test]
fn scenario_19_a_statement_that_is_nothing_like_the_asked_one_is_not_near() {
    let mut run = one(vec![query(1, "select * from current_schema()", &[])]);
    run.begin("t");
    for asked in [
        "insert into authors (id, name) values (default, $1) returning id, name, born",
        "select id, topic, payload from outbox where sent_at is null order by id limit $1",
    ] {
        assert_eq!(run.ask(sql(asked, &["x"])).unwrap_err().nearest, None);
    }
    let other = run.ask(sql("select * from current_user", &[])).unwrap_err();
    assert!(other.nearest.is_some());
}

#[test]
fn scenario_18_a_pool_that_asks_nothing_to_see_whether_a_connection_is_alive_is_no_difference() {
    let empty = Value::map([("empty", true.into())]);
    let read = query(1, "select a from t", &[]);
    let check = |calls: Vec<retake_model::Mock>, pings: usize, expected: &str| {
        let mut run = one(calls);
        run.begin("t");
        for _ in 0..pings {
            assert_eq!(run.ask(sql("", &[])), Ok(empty.clone()));
        }
        run.ask(sql("select a from t", &[])).unwrap();
        run.end("t");
        assert_eq!(told(&run.finish_one()), expected);
    };
    check(
        vec![read.clone()],
        2,
        "matched 0 extra 0 unknown 0 missing  reordered ",
    );
    let ping = call(0, sql("", &[]), empty.clone());
    check(
        vec![ping, read],
        0,
        "matched 1 extra 0 unknown 0 missing  reordered ",
    );
}

#[test]
fn scenario_20_one_more_one_fewer_another_order() {
    let texts = ["select a from t", "select b from t", "select c from t"];
    let calls: Vec<_> = (0u64..)
        .zip(texts)
        .map(|(n, text)| query(n, text, &[]))
        .collect();
    let check = |asked: &[usize], expected: &str| {
        let mut run = one(calls.clone());
        run.begin("t");
        for n in asked {
            assert_eq!(run.ask(sql(texts[*n], &[])), Ok(row(&n.to_string())));
        }
        run.end("t");
        assert_eq!(told(&run.finish_one()), expected);
    };
    check(
        &[0, 1, 2],
        "matched 0,1,2 extra 0 unknown 0 missing  reordered ",
    );
    check(
        &[0, 0, 1, 2],
        "matched 0,1,2 extra 1 unknown 0 missing  reordered ",
    );
    check(
        &[0, 2],
        "matched 0,2 extra 0 unknown 0 missing 1 reordered ",
    );
    check(
        &[2, 0, 1],
        "matched 2,0,1 extra 0 unknown 0 missing  reordered 2",
    );
    check(&[], "matched  extra 0 unknown 0 missing 0,1,2 reordered ");
}

#[test]
fn scenario_20_calls_recorded_at_one_time_have_no_order() {
    let mut a = query(1, "select a from t", &[]);
    a.took = 1_000_000;
    let mut run = one(vec![a, query(2, "select b from t", &[])]);
    run.begin("t");
    run.ask(sql("select b from t", &[])).unwrap();
    run.ask(sql("select a from t", &[])).unwrap();
    run.end("t");
    assert_eq!(
        told(&run.finish_one()),
        "matched 1,0 extra 0 unknown 0 missing  reordered "
    );
}

#[test]
fn scenario_37_a_read_that_is_left_out_is_told_from_a_write() {
    let mut run = one(vec![
        query(1, "select a from t", &[]),
        query(2, "update t set a = 1", &[]),
        call(3, http("GET", "/x", None), ok(Value::Null)),
        call(4, http("POST", "/x", None), ok(Value::Null)),
        query(5, "commit", &[]),
    ]);
    run.begin("t");
    run.end("t");
    let effects: Vec<Effect> = run.finish_one().missing.iter().map(|m| m.effect).collect();
    assert_eq!(
        effects,
        [
            Effect::Read,
            Effect::Write,
            Effect::Read,
            Effect::Write,
            Effect::Transaction
        ]
    );
}

#[test]
fn scenario_39_catalogue_reads_are_answered_at_any_time() {
    let catalogue = sql("select oid from pg_type", &[]);
    let shared = vec![scoped(Scope::Session, catalogue.clone(), row("16"))];
    let case = test("t", http("GET", "/", None), ok(Value::Null), vec![]);
    let mut run = Run::of(set(vec![case], shared));
    assert_eq!(run.ask(catalogue.clone()), Ok(row("16")), "before any test");
    run.begin("t");
    for _ in 0..3 {
        assert_eq!(run.ask(catalogue.clone()), Ok(row("16")));
    }
    run.end("t");
    assert_eq!(
        told(&run.finish_one()),
        "matched  extra 0 unknown 0 missing  reordered "
    );
    assert_eq!(run.mocks.unused(), []);
}

#[test]
fn scenario_42_a_retry_is_answered_as_it_was_recorded() {
    let failed = Value::map([("error", Value::map([("code", Value::from("40001"))]))]);
    let texts = [
        "begin",
        "update t set a = 1",
        "rollback",
        "begin",
        "update t set a = 1",
        "commit",
    ];
    let calls = (0u64..)
        .zip(texts)
        .map(|(n, text)| {
            call(
                n,
                sql(text, &[]),
                if n == 1 {
                    failed.clone()
                } else {
                    Value::from(n)
                },
            )
        })
        .collect();
    let mut run = one(calls);
    run.begin("t");
    let answers: Vec<Value> = texts
        .iter()
        .map(|text| run.ask(sql(text, &[])).unwrap())
        .collect();
    assert_eq!(answers[1], failed);
    assert_eq!(answers[4], Value::from(4));
    run.end("t");
    assert_eq!(
        told(&run.finish_one()),
        "matched 0,1,2,3,4,5 extra 0 unknown 0 missing  reordered "
    );
}

#[test]
fn scenario_43_a_call_that_nobody_recorded_says_so_and_the_rest_goes_on() {
    // The service reads a file that the recording's run had written: it asks for something else.
    let mut run = one(vec![query(1, "select a from t", &[])]);
    run.begin("t");
    let miss = run.ask(http("GET", "/upload/17", None)).unwrap_err();
    assert_eq!(miss.summary, "GET /upload/17");
    assert_eq!(
        miss.nearest, None,
        "nothing of that dependency was recorded"
    );
    assert!(run.ask(sql("select a from t", &[])).is_ok());
    run.end("t");
    assert_eq!(
        told(&run.finish_one()),
        "matched 0 extra 0 unknown 1 missing  reordered "
    );
}

#[test]
fn scenario_44_what_was_refused_at_the_start_is_a_miss_of_no_test() {
    let case = test("t", http("GET", "/", None), ok(Value::Null), vec![]);
    let mut run = Run::of(set(
        vec![case],
        vec![scoped(Scope::Startup, sql("select 1", &[]), row("1"))],
    ));
    assert!(run.ask(sql("select 1", &[])).is_ok());
    let miss = run.ask(sql("select 2", &[])).unwrap_err();
    assert_eq!(miss.test, None);
    assert_eq!(run.mocks.orphans(), (&[*miss][..], 0));
}

#[test]
fn a_write_of_the_start_is_said_when_it_comes_during_a_test() {
    let startup = vec![
        scoped(
            Scope::Startup,
            sql("insert into log values (1)", &[]),
            Value::Null,
        ),
        scoped(Scope::Startup, sql("select 1", &[]), row("1")),
    ];
    let case = test("t", http("GET", "/", None), ok(Value::Null), vec![]);
    let mut run = Run::of(set(vec![case], startup));
    run.begin("t");
    assert!(run.ask(sql("select 1", &[])).is_ok());
    assert!(run.ask(sql("insert into log values (1)", &[])).is_ok());
    run.end("t");
    assert_eq!(
        told(&run.finish_one()),
        "matched  extra 1 unknown 0 missing  reordered "
    );
}

#[test]
fn a_read_of_the_start_that_takes_until_a_test_is_no_more_of_that_test() {
    let write = "insert into log values (1)";
    let startup = vec![
        scoped(Scope::Startup, sql("select 1", &[]), row("1")),
        scoped(Scope::Startup, sql(write, &[]), Value::Null),
    ];
    let calls = vec![
        call(1, sql("select 1", &[]), row("2")),
        call(2, sql(write, &[]), Value::Null),
    ];
    let case = test("t", http("GET", "/", None), ok(Value::Null), calls);
    let mut run = Run::of(set(vec![case], startup));
    run.begin("t");
    for answer in ["2", "1", "2"] {
        assert_eq!(run.ask(sql("select 1", &[])), Ok(row(answer)));
    }
    for _ in 0..2 {
        assert!(run.ask(sql(write, &[])).is_ok());
    }
    run.end("t");
    // A third read, and a second write.
    assert_eq!(
        told(&run.finish_one()),
        "matched 0,1 extra 2 unknown 0 missing  reordered "
    );
}

#[test]
fn scenario_37_a_miss_names_the_test_that_asked_the_same_long_before() {
    let rate = |code: &str| http("GET", &format!("/rates/{code}"), None);
    let ask = |name: &str, calls| test(name, http("GET", "/", None), ok(Value::Null), calls);
    let mut run = Run::of(set(
        vec![
            ask("first", vec![call(1, rate("GBP"), row("1"))]),
            ask("second", vec![call(1, rate("EUR"), row("2"))]),
            ask("third", vec![]),
            ask("fourth", vec![call(1, rate("JPY"), row("3"))]),
        ],
        vec![],
    ));
    for (name, code) in [("first", "GBP"), ("second", "EUR")] {
        run.begin(name);
        run.ask(rate(code)).unwrap();
        run.end(name);
    }
    let mut nearest = |name: &str| {
        run.begin(name);
        let miss = run.ask(rate("GBP")).unwrap_err();
        run.end(name);
        let nearest = miss.nearest.unwrap();
        (
            nearest.test.unwrap().name.to_string(),
            nearest.differs.len(),
        )
    };
    assert_eq!(nearest("third"), ("first".to_owned(), 0));
    let own = ("fourth".to_owned(), 1);
    assert_eq!(nearest("fourth"), own, "it asks that in other words");
}

#[test]
fn scenario_18_a_transaction_with_nothing_in_it_takes_nothing_from_a_test() {
    let of_session = |text| retake_model::Mock {
        scope: Scope::Session,
        ..call(0, sql(text, &[]), Value::Null)
    };
    let recorded = || {
        let calls = ["BEGIN", "insert into t values (1)", "ROLLBACK"];
        let calls = calls.map(|text| call(1, sql(text, &[]), Value::Null));
        let test = test("t", http("POST", "/", None), ok(Value::Null), calls.into());
        set(
            vec![test],
            ["BEGIN", ";", "ROLLBACK", "COMMIT"].map(of_session).into(),
        )
    };
    let check = |asked: &[&str], expect: &str| {
        let mut run = Run::of(recorded());
        run.begin("t");
        for text in asked {
            run.ask(sql(text, &[])).unwrap();
        }
        run.end("t");
        assert_eq!(told(&run.finish_one()), expect, "{asked:?}");
    };
    let work = ["BEGIN", "insert into t values (1)", "ROLLBACK"];
    let same = "matched 0,1,2 extra 0 unknown 0 missing  reordered ";
    check(&work, same);
    check(&[&["BEGIN", "ROLLBACK"], &work[..]].concat(), same);
    check(&[&["BEGIN", ";", "ROLLBACK"], &work[..]].concat(), same);
    check(
        &["BEGIN", ";", "ROLLBACK", work[0], work[1], "COMMIT"],
        "matched 0,1 extra 0 unknown 0 missing 2 reordered ",
    );
}

#[test]
fn scenario_20_transactions_of_several_connections_have_no_order_between_them() {
    let recorded = |texts: &[&str]| {
        let calls = (1..)
            .zip(texts)
            .map(|(n, text)| call(n * 10, sql(text, &[]), Value::Null));
        one(calls.collect())
    };
    let check = |texts: &[&str], asked: &[(u64, &str)], reordered: bool| {
        let mut run = recorded(texts);
        run.begin("t");
        for (conn, text) in asked {
            let mut asked = run.call(sql(text, &[]), None);
            asked.conn = ConnId(*conn);
            assert!(
                matches!(run.mocks.ask(asked, false), Answer::Serve(_)),
                "{text}"
            );
        }
        run.end("t");
        let outcome = run.finish_one();
        assert!(outcome.missing.is_empty() && outcome.extra.is_empty());
        assert_eq!(!outcome.reordered.is_empty(), reordered, "{asked:?}");
    };
    let interleaved = [
        "begin", "insert 1", "begin", "insert 2", "insert 3", "commit", "commit",
    ];
    let mine = [
        (1, "begin"),
        (1, "insert 2"),
        (1, "insert 3"),
        (1, "commit"),
    ];
    let other = [(2, "begin"), (2, "insert 1"), (2, "commit")];
    check(&interleaved, &[&mine[..], &other[..]].concat(), false);
    check(&interleaved, &[&other[..], &mine[..]].concat(), false);
    let swapped = [mine[0], mine[2], mine[1], mine[3]];
    check(&interleaved, &[&other[..], &swapped[..]].concat(), true);
    let one_by_one = [
        "begin", "insert 1", "commit", "begin", "insert 2", "insert 3", "commit",
    ];
    check(&one_by_one, &[&mine[..], &other[..]].concat(), true);
    let at_once = [&mine[..2], &other[..], &mine[2..]].concat();
    check(&one_by_one, &at_once, false);
}

#[test]
fn what_was_asked_again_before_it_changed_is_answered_as_often_on_replay() {
    for scope in [Scope::Startup, Scope::Session] {
        let exists = |answer, merged| Mock {
            merged,
            ..scoped(scope, sql("select exists (select 1)", &[]), row(answer))
        };
        let startup = vec![exists("f", 2), exists("t", 1)];
        let mut run = Run::of(set(vec![], startup));
        for answer in ["f", "f", "f", "t", "t", "t"] {
            let given = run.ask(sql("select exists (select 1)", &[]));
            assert_eq!(given.expect("an answer"), row(answer));
        }
    }
}
