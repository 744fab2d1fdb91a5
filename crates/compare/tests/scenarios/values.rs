//! Values that the service makes.

use retake_model::{Number, TokenKind, Value};

use crate::build::{Run, call, http, id, ok, row, set, sql, test, told};

const R1: &str = "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";
const R2: &str = "1c8be3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b";
const C1: &str = "aaaad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";
const C2: &str = "bbbbe3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b";
const C3: &str = "ccccf400-4b5e-4f20-9d3c-7b809fae1d2c";

const INSERT: &str = "insert into orders (id) values ($1)";
const EVENT: &str = "insert into events (order_id) values ($1)";

fn order(id: &str) -> Value {
    ok(Value::map([("id", Value::from(id))]))
}

/// Makes an id, stores it, tells another service of it, returns it.
fn create() -> retake_model::TestCase {
    let notify = http("POST", &format!("/orders/{R1}/notify"), None);
    test(
        "create",
        http("POST", "/orders", None),
        order(R1),
        vec![
            call(1, sql(INSERT, &[R1]), Value::Null),
            call(2, sql(EVENT, &[R1]), Value::Null),
            call(3, notify, order(R1)),
        ],
    )
}

#[test]
fn scenario_26_an_id_that_the_service_makes_flows_through_its_calls() {
    let mut run = Run::of(set(vec![create()], vec![]));
    run.begin("create");
    run.ask(sql(INSERT, &[C1])).unwrap();
    run.ask(sql(EVENT, &[C1])).unwrap();
    let answer = run.ask(http("POST", &format!("/orders/{C1}/notify"), None));
    assert_eq!(answer, Ok(order(C1)), "the answer has the candidate's id");
    run.end("create");
    let outcome = run.finish_one();
    assert_eq!(
        told(&outcome),
        "matched 0,1,2 extra 0 unknown 0 missing  reordered "
    );
    let by_kind: Vec<u64> = outcome.matched.iter().map(|m| m.by_kind).collect();
    assert_eq!(by_kind, [1, 0, 0]);
    assert_eq!(run.mocks.values().candidate_of(R1), Some(C1));
}

/// Takes a moment from an answer, and writes it in a form of its own: the very same in each run.
#[test]
fn a_made_value_that_is_the_recorded_one_is_found_in_order() {
    let moment = "2026-03-01T10:20:30.123000";
    let touch = |n| call(n, sql(EVENT, &[moment]), row(&n.to_string()));
    let case = test(
        "touch",
        http("POST", "/touch", None),
        ok(Value::Null),
        vec![touch(1), touch(2), touch(3)],
    );
    for asked in [moment, "2026-03-01T10:20:31.456000"] {
        let mut run = Run::of(set(vec![case.clone()], vec![]));
        run.begin("touch");
        for n in ["1", "2", "3"] {
            assert_eq!(run.ask(sql(EVENT, &[asked])), Ok(row(n)), "{asked}");
        }
        run.end("touch");
        let expected = "matched 0,1,2 extra 0 unknown 0 missing  reordered ";
        assert_eq!(told(&run.finish_one()), expected, "{asked}");
    }
}

#[test]
fn an_id_that_is_not_the_one_made_before_is_a_miss() {
    let mut run = Run::of(set(vec![create()], vec![]));
    run.begin("create");
    run.ask(sql(INSERT, &[C1])).unwrap();
    assert!(run.ask(sql(EVENT, &[C2])).is_err(), "another id");
    assert!(run.ask(sql(EVENT, &[R1])).is_err(), "the recorded one");
    assert!(run.ask(sql(EVENT, &[C1])).is_ok());
}

#[test]
fn a_frozen_id_is_the_same_id() {
    let mut run = Run::of(set(vec![create()], vec![]));
    run.begin("create");
    run.ask(sql(INSERT, &[R1])).unwrap();
    run.ask(sql(EVENT, &[R1])).unwrap();
    run.ask(http("POST", &format!("/orders/{R1}/notify"), None))
        .unwrap();
    run.end("create");
    let outcome = run.finish_one();
    assert_eq!(
        told(&outcome),
        "matched 0,1,2 extra 0 unknown 0 missing  reordered "
    );
    assert!(outcome.matched.iter().all(|m| m.by_kind == 0));
}

#[test]
fn made_ids_are_found_in_another_order() {
    let mut run = Run::of(set(vec![create()], vec![]));
    run.begin("create");
    let notify = http("POST", &format!("/orders/{C1}/notify"), None);
    assert_eq!(run.ask(notify), Ok(order(C1)));
    run.ask(sql(EVENT, &[C1])).unwrap();
    run.ask(sql(INSERT, &[C1])).unwrap();
    run.end("create");
    assert_eq!(
        told(&run.finish_one()),
        "matched 2,1,0 extra 0 unknown 0 missing  reordered 1"
    );
}

#[test]
fn two_ids_of_one_request_are_not_one() {
    let link = "insert into links values ($1, $2)";
    let case = test(
        "t",
        http("POST", "/", None),
        ok(Value::Null),
        vec![call(1, sql(link, &[R1, R2]), row("1"))],
    );
    let ask = |a: &str, b: &str| {
        let mut run = Run::of(set(vec![case.clone()], vec![]));
        run.begin("t");
        run.ask(sql(link, &[a, b])).is_ok()
    };
    assert!(ask(C1, C2));
    assert!(ask(R1, C2));
    assert!(!ask(C1, C1));
    assert!(!ask("x", C1));
}

#[test]
fn a_given_id_is_never_taken_for_a_made_one() {
    let text = "select * from orders where id = $1 and user_id = $2";
    let path = format!("/users/{R1}");
    let case = test(
        "t",
        http("GET", &path, None),
        ok(Value::Null),
        vec![call(1, sql(text, &[R2, R1]), row("1"))],
    );
    let ask = |order: &str, user: &str| {
        let mut run = Run::of(set(vec![case.clone()], vec![]));
        run.begin("t");
        run.ask(sql(text, &[order, user])).is_ok()
    };
    assert!(ask(C1, R1));
    assert!(!ask(C1, C2), "the user's id came with the request");
    assert!(!ask(R1, R1), "the user's id in the place of the order's");
}

#[test]
fn scenario_27_a_created_id_is_used_by_later_tests() {
    let path = format!("/orders/{R1}");
    let read = test(
        "read",
        http("GET", &path, None),
        order(R1),
        vec![call(
            1,
            sql("select * from orders where id = $1", &[R1]),
            row(R1),
        )],
    );
    let mut run = Run::of(set(vec![create(), read], vec![]));
    run.begin("create");
    run.ask(sql(INSERT, &[C1])).unwrap();
    run.end("create");
    let request = run.begin("read");
    assert_eq!(request, http("GET", &format!("/orders/{C1}"), None));
    assert_eq!(
        run.ask(sql("select * from orders where id = $1", &[C1])),
        Ok(row(C1))
    );
    assert!(
        run.ask(sql("select * from orders where id = $1", &[C2]))
            .is_err()
    );
    assert!(
        run.ask(sql("select * from orders where id = $1", &[R1]))
            .is_err()
    );
}

#[test]
fn scenario_27_a_token_that_only_the_response_has_is_tied_by_whoever_compares() {
    let recorded = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_w";
    let candidate = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.xxxxxJeZ4CVP-mB92K27uhbUJU1p1r_w";
    let login = test(
        "login",
        http("POST", "/login", None),
        order(recorded),
        vec![],
    );
    let mut request = http("GET", "/me", None);
    let bearer = |token: &str| {
        let header = Value::map([("authorization", Value::from(format!("Bearer {token}")))]);
        Value::List(vec![header])
    };
    request.push("headers", bearer(recorded));
    let me = test("me", request, order("1"), vec![]);
    let mut run = Run::of(set(vec![login, me], vec![]));
    run.begin("login");
    assert!(run.mocks.values().bind(TokenKind::Jwt, recorded, candidate));
    run.end("login");
    assert_eq!(run.begin("me").get("headers"), Some(&bearer(candidate)));
}

#[test]
fn scenario_26_times_are_compared_by_kind_wherever_they_stand() {
    let text = "insert into log (at, ms, day, note) values ($1, $2, $3, $4)";
    let recorded = [
        "2026-03-01 09:20:30.123456+00",
        "1772356830123",
        "2026-03-01",
        "born 1990-05-01T00:00:00Z",
    ];
    let case = test(
        "t",
        http("POST", "/", None),
        ok(Value::Null),
        vec![call(1, sql(text, &recorded), row(recorded[0]))],
    );
    let ask = |params: [&str; 4]| {
        let mut run = Run::of(set(vec![case.clone()], vec![]));
        run.begin("t");
        run.ask(sql(text, &params))
    };
    let now = [
        "2026-11-21 01:20:30.5+00",
        "1795224030500",
        "2026-11-21",
        recorded[3],
    ];
    assert_eq!(ask(now), Ok(row(now[0])));
    assert_eq!(ask(recorded), Ok(row(recorded[0])), "frozen time");
    for (i, changed) in [
        (0, "2026-11-21T01:20:30.5Z"),    // written in another way
        (0, "1999-01-01 00:00:00+00"),    // no time at which it could have been made
        (1, "42"),                        // no time
        (2, "2020-01-01"),                // a constant
        (3, "born 1991-05-01T00:00:00Z"), // another constant
    ] {
        let mut params = now;
        params[i] = changed;
        assert!(ask(params).is_err(), "{changed}");
    }
}

#[test]
fn scenario_26_two_times_may_fall_together_and_apart() {
    let text = "update t set created = $1, updated = $2";
    let (a, b) = ("2026-03-01T09:20:30Z", "2026-03-01T09:20:31Z");
    let (x, y) = ("2026-11-21T01:20:30Z", "2026-11-21T01:20:31Z");
    for (recorded, candidate) in [([a, a], [x, y]), ([a, b], [x, x]), ([a, b], [x, y])] {
        let calls = vec![
            call(1, sql(text, &recorded), row("1")),
            call(2, sql(text, &recorded), row("2")),
        ];
        let case = test("t", http("POST", "/", None), ok(Value::Null), calls);
        let mut run = Run::of(set(vec![case], vec![]));
        run.begin("t");
        assert_eq!(run.ask(sql(text, &candidate)), Ok(row("1")));
        assert_eq!(run.ask(sql(text, &candidate)), Ok(row("2")));
        run.end("t");
        assert_eq!(
            told(&run.finish_one()),
            "matched 0,1 extra 0 unknown 0 missing  reordered "
        );
    }
}

#[test]
fn a_number_that_happens_to_be_near_the_run_is_itself() {
    let text = "select * from t where id = $1 and due = $2";
    let params = ["1795224030", "2026-11-21"];
    let path = "/t/1795224030/2026-11-21";
    let case = test(
        "t",
        http("GET", path, None),
        ok(Value::Null),
        vec![call(1, sql(text, &params), row("1"))],
    );
    let mut run = Run::of(set(vec![case], vec![]));
    run.begin("t");
    assert_eq!(run.ask(sql(text, &params)), Ok(row("1")));
    assert!(run.ask(sql(text, &["1795224031", "2026-11-21"])).is_err());
}

#[test]
fn scenario_41_ids_in_literals_json_and_salted_hashes_are_compared_by_kind() {
    let recorded = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
    let candidate = "$2b$12$AAh/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
    let text = |id: &str, hash: &str| {
        format!("insert into users values ('{id}', '{hash}', '{{\"trace\": \"{id}\"}}', 7)")
    };
    let case = test(
        "t",
        http("POST", "/", None),
        ok(Value::Null),
        vec![call(1, sql(&text(R1, recorded), &[]), row(recorded))],
    );
    let mut run = Run::of(set(vec![case], vec![]));
    run.begin("t");
    assert_eq!(run.ask(sql(&text(C1, candidate), &[])), Ok(row(candidate)));
    run.end("t");
    assert_eq!(run.finish_one().matched[0].by_kind, 2);
}

#[test]
fn an_extra_call_with_a_new_id_is_extra_and_leaves_the_map_alone() {
    let mut run = Run::of(set(vec![create()], vec![]));
    run.begin("create");
    run.ask(sql(INSERT, &[C1])).unwrap();
    run.ask(sql(INSERT, &[C3])).unwrap();
    assert_eq!(run.mocks.values().candidate_of(R1), Some(C1));
    assert!(run.ask(sql(EVENT, &[C1])).is_ok());
    run.end("create");
    assert_eq!(
        told(&run.finish_one()),
        "matched 0,1 extra 1 unknown 0 missing 2 reordered "
    );
}

#[test]
fn a_redacted_secret_matches_whatever_the_service_sends() {
    let secret = "redacted-0123456789abcdef01234567";
    let body = |key: &str, amount: u32| {
        Some(Value::map([
            ("key", Value::from(key)),
            ("amount", amount.into()),
            ("id", R1.into()),
        ]))
    };
    let case = test(
        "t",
        http("POST", "/", None),
        ok(Value::Null),
        vec![call(1, http("POST", "/pay", body(secret, 5)), order("x"))],
    );
    let ask = |key: &str, amount: u32| {
        let mut run = Run::of(set(vec![case.clone()], vec![]));
        run.begin("t");
        run.ask(http("POST", "/pay", body(key, amount))).is_ok()
    };
    assert!(ask(secret, 5));
    assert!(ask("sk_live_something", 5));
    assert!(ask("redacted-aaaaaaaaaaaaaaaaaaaaaaaa", 5));
    assert!(!ask("sk_live_something", 6));
}

#[test]
fn an_answer_gives_back_the_secret_that_the_service_made() {
    let secret = "redacted-0123456789abcdef01234567";
    let insert = "insert into invites (token) values ($1) returning token";
    let case = test(
        "t",
        http("POST", "/invites", None),
        ok(Value::Null),
        vec![call(1, sql(insert, &[secret]), row(secret))],
    );
    for (sent, given) in [("Zm9vYmFyYmF6cXV4", "Zm9vYmFyYmF6cXV4"), ("short", secret)] {
        let mut run = Run::of(set(vec![case.clone()], vec![]));
        run.begin("t");
        let answer = run.ask(sql(insert, &[sent])).unwrap();
        assert_eq!(answer, row(given), "{sent}");
        assert_eq!(run.mocks.gave_new_values(&id("t")), given != secret);
    }
}

#[test]
fn numbers_in_json_bodies_are_moments_too() {
    let body = |ms: &str| {
        Some(Value::map([(
            "ms",
            Value::Number(Number::parse(ms).unwrap()),
        )]))
    };
    let case = test(
        "t",
        http("POST", "/", None),
        ok(Value::Null),
        vec![call(
            1,
            http("POST", "/e?t=1772356830", body("1772356830123")),
            row("1"),
        )],
    );
    let mut run = Run::of(set(vec![case], vec![]));
    run.begin("t");
    assert!(
        run.ask(http("POST", "/e?t=1795224030", body("1795224030999")))
            .is_ok()
    );
    assert!(
        run.ask(http("POST", "/e?t=7", body("1795224030999")))
            .is_err()
    );
}

#[test]
fn what_the_service_remembers_of_an_earlier_test_may_be_new_where_that_was_not_run() {
    let text = "insert into audit (instance) values ($1)";
    let case = |name| {
        let calls = vec![call(1, sql(text, &[R1]), row("1"))];
        test(name, http("POST", "/", None), ok(Value::Null), calls)
    };
    let recording = set(vec![case("a"), case("b")], vec![]);
    assert_eq!(recording.tests[1].made, []);
    let mut alone = Run::of(recording.clone());
    alone.begin("b");
    assert!(alone.ask(sql(text, &[C1])).is_ok());
    let mut both = Run::of(recording);
    both.begin("a");
    assert!(both.ask(sql(text, &[C1])).is_ok());
    both.end("a");
    both.begin("b");
    assert!(
        both.ask(sql(text, &[C2])).is_err(),
        "it is another one than before"
    );
    assert!(both.ask(sql(text, &[C1])).is_ok());
}

#[test]
fn a_given_date_that_is_the_day_of_the_run_is_itself() {
    let today = "insert into log (day) values ($1)";
    let book = "insert into bookings (day) values ($1)";
    let first = test(
        "first",
        http("POST", "/", None),
        ok(Value::Null),
        vec![call(1, sql(today, &["2026-03-01"]), row("1"))],
    );
    let second = test(
        "second",
        http("POST", "/book/2026-11-21", None),
        ok(Value::Null),
        vec![call(1, sql(book, &["2026-11-21"]), row("2"))],
    );
    let mut run = Run::of(set(vec![first, second], vec![]));
    run.begin("first");
    assert!(run.ask(sql(today, &["2026-11-21"])).is_ok());
    run.end("first");
    assert_eq!(run.begin("second"), http("POST", "/book/2026-11-21", None));
    assert_eq!(run.ask(sql(book, &["2026-11-21"])), Ok(row("2")));
}

/// A password's hash with a new salt, in the text of a statement and as a parameter: the next one
/// by kind, and the same one from then on. Another algorithm or cost is another call.
#[test]
fn scenario_41_a_salted_hash_is_compared_by_algorithm_and_cost() {
    const RECORDED: &str =
        "pbkdf2_sha256$870000$zhCb2cQKcXY6DYFO5pTGqm$+4beo7VBHjSclCfgwZHfUqVDyxri4Mg09hhaFnLuDT8=";
    const NEW: &str =
        "pbkdf2_sha256$870000$abCb2cQKcXY6DYFO5pTGqm$Eh179IeY95S0JO/sbE0EI5Twfs50S8rIFWo2NfrJK6E=";
    let written = |hash: &str| {
        sql(
            &format!("insert into users (password) values ('{hash}')"),
            &[],
        )
    };
    let sent = |hash: &str| sql("insert into users (password) values ($1)", &[hash]);
    let changed = |from: &str, to: &str| NEW.replacen(from, to, 1);
    for ask in [&written as &dyn Fn(&str) -> Value, &sent] {
        let recorded = || {
            let made = call(1, ask(RECORDED), Value::Null);
            let again = call(2, sql(EVENT, &[RECORDED]), Value::Null);
            set(
                vec![test(
                    "join",
                    http("POST", "/join", None),
                    ok(Value::Null),
                    vec![made, again],
                )],
                vec![],
            )
        };
        let mut run = Run::of(recorded());
        run.begin("join");
        run.ask(ask(NEW)).expect("another salt");
        assert!(
            run.ask(sql(EVENT, &[RECORDED])).is_err(),
            "the recorded one"
        );
        run.ask(sql(EVENT, &[NEW])).expect("the same hash again");
        for other in [
            changed("$870000$", "$600000$"),
            changed("pbkdf2_sha256", "pbkdf2_sha512"),
            changed("=", ""),
            "secret".to_owned(),
        ] {
            let mut run = Run::of(recorded());
            run.begin("join");
            assert!(run.ask(ask(&other)).is_err(), "{other}");
        }
    }
}

#[test]
fn random_text_of_no_known_form_flows_like_an_id() {
    const DIGEST: &str = "dcd4da622fdb932705d7b42b21751f6bf5cf7db5245c30a26a58569bcabb622e";
    const NEW: &str = "72ac7efe7d70c1a0572ae0b1159fc9eef9a198b7f7c54637319ff8ae48773da4";
    const SAVE: &str = "insert into sessions (digest) values ($1)";
    const FIND: &str = "select user_id from sessions where digest = $1";
    let login = test(
        "login",
        http("POST", "/login", None),
        ok(Value::Null),
        vec![call(1, sql(SAVE, &[DIGEST]), Value::Null)],
    );
    let me = test(
        "me",
        http("GET", "/me", None),
        ok(Value::Null),
        vec![call(1, sql(FIND, &[DIGEST]), row("7"))],
    );
    let mut run = Run::of(set(vec![login, me], vec![]));
    run.begin("login");
    let short = &NEW[..40];
    assert!(run.ask(sql(SAVE, &[short])).is_err(), "another length");
    let upper = NEW.to_uppercase();
    assert!(run.ask(sql(SAVE, &[&upper])).is_err(), "other letters");
    run.ask(sql(SAVE, &[NEW])).unwrap();
    run.end("login");
    run.begin("me");
    assert!(run.ask(sql(FIND, &[&NEW.replace("72", "73")])).is_err());
    assert_eq!(run.ask(sql(FIND, &[NEW])), Ok(row("7")));
}

#[test]
fn hex_digits_that_look_like_a_uuid_by_chance_stand_for_others() {
    const LIKE_V4: &str = "0b7ad2ee2f3c4d0e9b1a5f6e7d8c9b0a";
    const OTHER: &str = "72ac7efe7d70c1a0572ae0b1159fc9ee";
    const SAVE: &str = "insert into sessions (nonce) values ($1)";
    for (recorded, asked) in [(LIKE_V4, OTHER), (OTHER, LIKE_V4)] {
        let calls = vec![call(1, sql(SAVE, &[recorded]), Value::Null)];
        let login = test("t", http("POST", "/login", None), ok(Value::Null), calls);
        let mut run = Run::of(set(vec![login], vec![]));
        run.begin("t");
        assert!(run.ask(sql(SAVE, &[asked])).is_ok(), "{recorded} {asked}");
    }
}

#[test]
fn what_may_be_a_digest_and_is_shown_to_the_client_alone_is_not_made() {
    const DIGEST: &str = "dcd4da622fdb932705d7b42b21751f6bf5cf7db5245c30a26a58569bcabb622e";
    let shown = |text: &str, calls| {
        let answer = ok(Value::map([("sum", Value::from(text))]));
        let mut tests = set(
            vec![test("t", http("GET", "/", None), answer, calls)],
            vec![],
        )
        .tests;
        tests.remove(0).made.len()
    };
    assert_eq!(
        shown(DIGEST, vec![]),
        0,
        "a checksum of what the build computes"
    );
    assert_eq!(shown(&DIGEST[..40], vec![]), 0);
    // An id of a made-up form, and a key that is kept, are not.
    assert_eq!(shown("V1StGXR8_Z5jdHi6B-myT", vec![]), 1);
    let save = sql("insert into sessions (key) values ($1)", &[DIGEST]);
    assert_eq!(shown(DIGEST, vec![call(1, save, Value::Null)]), 1);
}

#[test]
fn ids_that_the_service_puts_in_order_may_fall_in_another_one_where_that_says_nothing() {
    falls_in_any_order(&|[a, b], shop| {
        let text = format!("select 1 from orders where id in ('{a}', '{b}') and shop = '{shop}'");
        sql(&text, &[])
    });
    for any in ["= any ('{}')", "<> all ('{}')", "= ANY('{}'::uuid[])"] {
        falls_in_any_order(&|[a, b], shop| {
            let any = any.replace("{}", &format!("{{{a},{b}}}"));
            let text = format!("select 1 from orders where id {any} and shop = '{shop}'");
            sql(&text, &[])
        });
    }
}

#[test]
fn an_array_of_ids_keeps_its_order_where_the_statement_may_show_it() {
    let case = |id: [&str; 2]| {
        let array = format!("{{{},{}}}", id[0], id[1]);
        sql(&format!("select unnest('{array}'::uuid[])"), &[])
    };
    let lock = |ids| {
        test(
            "t",
            http("GET", "/", None),
            ok(Value::Null),
            vec![call(1, case(ids), row("1"))],
        )
    };
    let request = http("GET", &format!("/{R1}/{R2}"), None);
    let with = |test: retake_model::TestCase| retake_model::TestCase {
        request: request.clone(),
        ..test
    };
    for (asked, fits) in [([R1, R2], true), ([R2, R1], false)] {
        let mut run = Run::of(set(vec![with(lock([R1, R2]))], vec![]));
        run.begin("t");
        assert_eq!(run.ask(case(asked)).is_ok(), fits, "{asked:?}");
    }
}

fn falls_in_any_order(select: &dyn Fn([&str; 2], &str) -> Value) {
    let make = |id| {
        test(
            "make",
            http("POST", "/orders", None),
            order(id),
            vec![call(1, sql(INSERT, &[id]), row("1"))],
        )
    };
    let (first, mut second) = (make(R1), make(R2));
    second.name = "again".to_owned();
    let lock = call(1, select([R1, R2], "a"), row("2"));
    let lock = test(
        "lock",
        http("POST", "/lock", None),
        ok(Value::Null),
        vec![lock],
    );
    let started = || {
        let mut run = Run::of(set(
            vec![first.clone(), second.clone(), lock.clone()],
            vec![],
        ));
        for (name, id) in [("make", C2), ("again", C1)] {
            run.begin(name);
            run.ask(sql(INSERT, &[id])).unwrap();
            run.end(name);
        }
        run.begin("lock");
        run
    };
    for ids in [[C1, C2], [C2, C1]] {
        let asked = select(ids, "a");
        assert!(started().ask(asked.clone()).is_ok(), "{asked:?}");
    }
    for (ids, shop) in [
        ([C1, C1], "a"),
        ([C1, C3], "a"),
        ([C2, C2], "a"),
        ([C1, C2], "b"),
    ] {
        assert!(started().ask(select(ids, shop)).is_err(), "{ids:?} {shop}");
    }
}

#[test]
fn a_short_random_id_flows_as_others_do_where_the_recording_tells_that_it_is_one() {
    const RECORDED: [&str; 3] = ["aDp3O98m22", "pYumV2kSfs", "WDns3wOtB8"];
    const OWN: [&str; 3] = ["Kx9PzQ2mB7", "bSWIjkcmnf", "t3Rz81LmQa"];
    const READ: &str = "select * from orders where id = $1 and kind = $2";
    let make = |(number, id): (usize, &&str)| {
        let calls = vec![call(1, sql(INSERT, &[id]), row("1"))];
        let request = http("POST", "/orders", None);
        test(&format!("make {number}"), request, order(id), calls)
    };
    let mut tests: Vec<retake_model::TestCase> = RECORDED.iter().enumerate().map(make).collect();
    let path = |id: &str| format!("/orders?where=%22{id}%22");
    let calls = vec![call(
        1,
        sql(READ, &[RECORDED[0], "Categories"]),
        row(RECORDED[0]),
    )];
    let request = http("GET", &path(RECORDED[0]), None);
    tests.push(test("read", request, order(RECORDED[0]), calls));
    let mut set = set(tests, vec![]);
    retake_compare::made::find_short(&mut set);
    let started = || {
        let mut run = Run::of(set.clone());
        for (number, id) in OWN.iter().enumerate() {
            let name = format!("make {number}");
            run.begin(&name);
            run.ask(sql(INSERT, &[id])).unwrap();
            run.end(&name);
        }
        let request = run.begin("read");
        assert_eq!(request, http("GET", &path(OWN[0]), None));
        run
    };
    let answer = started().ask(sql(READ, &[OWN[0], "Categories"]));
    assert_eq!(answer, Ok(row(OWN[0])));
    // Another id, the recorded one, and a word of the same length.
    for (id, kind) in [
        (OWN[1], "Categories"),
        (RECORDED[0], "Categories"),
        ("q8Yw2LpX0d", "Categories"),
        (OWN[0], "Collection"),
    ] {
        assert!(
            started().ask(sql(READ, &[id, kind])).is_err(),
            "{id} {kind}"
        );
    }
    // An id of another form is none.
    for id in ["0000000001", "Kx9PzQ2mB7a", "Kx9PzQ2mB", "deadbeef01"] {
        let mut run = Run::of(set.clone());
        run.begin("make 0");
        assert!(run.ask(sql(INSERT, &[id])).is_err(), "{id}");
    }
}
