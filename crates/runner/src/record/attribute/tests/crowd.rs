//! Several clients at once (scenario 22), and what goes on after a response (scenario 36).

use super::*;

/// A request of a client with a token, and what it was answered.
pub(super) fn of_client(
    conn: u64,
    index: u64,
    (method, path, token): (&str, &str, &str),
    (began, ended): (u64, u64),
    shows: &[&str],
) -> Exchange {
    let mut exchange = *asked(conn, path, began, ended);
    exchange.index = index;
    let headers = [
        Value::map([("content-length", "17".into())]),
        Value::map([("x-token", token.into())]),
    ];
    exchange.request = Message::Tree(Value::map([
        ("method", method.into()),
        ("path", path.into()),
        ("headers", Value::List(headers.to_vec())),
    ]));
    let shows = shows.iter().map(|value| (*value).into()).collect();
    exchange.response = Message::Tree(Value::map([
        ("status", "200".into()),
        ("body", Value::map([("json", Value::List(shows))])),
    ]));
    exchange
}

/// A statement that is answered with a row.
pub(super) fn answered(
    conn: u64,
    key: u8,
    at: u64,
    (sql, params): (&str, &[&str]),
    row: &[&str],
) -> OutboundCall {
    let mut call = statement(conn, key, at, sql, params);
    call.recurring.plain = false;
    let row = row.iter().map(|value| (*value).into()).collect();
    let rows = Value::List(vec![Value::List(row)]);
    call.exchange.response = Message::Tree(Value::map([("rows", rows)]));
    call
}

/// The keys of the calls of each test, in the order in which they are handed on.
#[track_caller]
fn check(requests: Vec<Exchange>, calls: Vec<OutboundCall>, expected: &[&[u8]]) {
    check_closed(requests, calls, &[], expected);
}

/// The same, where these connections to dependencies ended at these times.
#[track_caller]
fn check_closed(
    requests: Vec<Exchange>,
    calls: Vec<OutboundCall>,
    closed: &[(u64, u64)],
    expected: &[&[u8]],
) {
    let mut a = Attributor::default();
    for request in requests {
        a.inbound(Box::new(request));
    }
    for call in calls {
        a.outbound(call);
    }
    for (conn, at) in closed {
        a.disconnected(ConnId(*conn), Timestamp(at * MS));
    }
    let (tests, shared) = outcome(a);
    let keys: Vec<Vec<u8>> = tests
        .iter()
        .map(|calls| calls.iter().map(|(key, _)| *key).collect())
        .collect();
    assert_eq!(keys, expected);
    assert_eq!(shared, []);
}

const SESSION: &str = "select user_id from sessions where token = $1";
const OWN: &str = "select * from items where owner = $1";
const TOTAL: &str = "select count(*) from items";
const AUDIT: &str = "insert into audit values ($1, $2)";

#[test]
fn scenario_22_a_token_in_a_header_tells_and_so_does_what_it_led_to() {
    let (first, second) = ("aaaa-token-of-one", "bbbb-token-of-two");
    check(
        vec![
            of_client(1, 0, ("GET", "/items", first), (10, 90), &[]),
            of_client(2, 0, ("GET", "/items", second), (12, 95), &[]),
        ],
        vec![
            answered(9, 1, 20, (SESSION, &[second]), &["17"]),
            answered(8, 2, 22, (SESSION, &[first]), &["23"]),
            answered(7, 3, 30, (OWN, &["17"]), &["x"]),
            answered(6, 4, 32, (OWN, &["23"]), &["y"]),
        ],
        &[&[2, 4], &[1, 3]],
    );
}

#[test]
fn scenario_22_an_answer_that_one_response_alone_shows_tells() {
    check(
        vec![
            of_client(1, 0, ("GET", "/stats", "t"), (10, 90), &["4711"]),
            of_client(2, 0, ("GET", "/stats", "t"), (12, 95), &["4712"]),
        ],
        vec![
            answered(9, 1, 20, (TOTAL, &[]), &["4712"]),
            answered(8, 2, 22, (TOTAL, &[]), &["4711"]),
        ],
        &[&[2], &[1]],
    );
}

#[test]
fn scenario_22_what_one_call_of_a_connection_tells_is_true_of_all_where_it_served_one_request() {
    let (first, second) = ("aaaa-token-of-one", "bbbb-token-of-two");
    let requests = || {
        vec![
            of_client(1, 0, ("GET", "/items", first), (10, 90), &[]),
            of_client(2, 0, ("GET", "/items", second), (12, 95), &[]),
        ]
    };
    let calls = || {
        vec![
            answered(9, 1, 20, (TOTAL, &[]), &["5"]),
            answered(8, 2, 22, (TOTAL, &[]), &["5"]),
            answered(9, 3, 30, (SESSION, &[second]), &["17"]),
            answered(8, 4, 32, (SESSION, &[first]), &["23"]),
        ]
    };
    let closed = [(9, 96), (8, 91)];
    check_closed(requests(), calls(), &closed, &[&[2, 4], &[1, 3]]);
    // A pool's goes on to serve others.
    check(requests(), calls(), &[&[1, 4], &[2, 3]]);
}

#[test]
fn scenario_22_of_two_that_nothing_tells_apart_each_has_one() {
    check(
        vec![
            of_client(1, 0, ("GET", "/stats", "t"), (10, 90), &[]),
            of_client(2, 0, ("GET", "/stats", "t"), (12, 95), &[]),
        ],
        vec![
            answered(9, 1, 20, (TOTAL, &[]), &["5"]),
            answered(8, 2, 22, (TOTAL, &[]), &["6"]),
        ],
        &[&[1], &[2]],
    );
}

#[test]
fn scenario_36_what_is_done_after_a_response_is_of_the_request_that_knows_its_values() {
    check(
        vec![
            of_client(1, 0, ("PUT", "/items/4711", "t"), (10, 40), &[]),
            // These are open meanwhile.
            of_client(2, 0, ("GET", "/items/4712", "t"), (12, 95), &[]),
            of_client(1, 1, ("GET", "/items/4713", "t"), (45, 96), &[]),
        ],
        vec![
            answered(9, 1, 50, (AUDIT, &["put", "4711"]), &[]),
            // Nobody who was answered knows it.
            answered(9, 2, 60, (AUDIT, &["get", "9999"]), &[]),
        ],
        &[&[1], &[2], &[]],
    );
}

#[test]
fn scenario_36_a_transaction_after_a_response_stays_together() {
    check(
        vec![
            of_client(1, 0, ("PUT", "/items/4711", "t"), (10, 40), &[]),
            of_client(2, 0, ("GET", "/items/4712", "t"), (12, 95), &[]),
        ],
        vec![
            statement(9, 1, 50, "BEGIN", &[]),
            answered(9, 2, 52, (AUDIT, &["put", "4711"]), &[]),
            answered(9, 3, 54, ("update counters set n = n + 1", &[]), &[]),
            statement(9, 4, 56, "COMMIT", &[]),
        ],
        &[&[1, 2, 3, 4], &[]],
    );
}

#[test]
fn scenario_22_what_always_stands_in_a_statement_says_nothing() {
    let latest = "select * from items order by id limit 5";
    check(
        vec![
            of_client(1, 0, ("GET", "/items/1", "t"), (10, 90), &["4711"]),
            // Who asks for item 5 has nothing to do with a limit of 5.
            of_client(2, 0, ("GET", "/items/5", "t"), (12, 95), &[]),
        ],
        vec![
            answered(9, 1, 20, (latest, &[]), &["4711"]),
            answered(8, 2, 22, (latest, &[]), &["4711"]),
        ],
        &[&[1, 2], &[]],
    );
}

#[test]
fn scenario_22_requests_of_one_route_ask_alike() {
    let refresh = "update cache set fresh = now()";
    let (mut requests, mut calls, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    // What is seen while a value tells it ...
    for n in 0..4u64 {
        let (at, key) = (n * 2_000, u8::try_from(n).expect("a small number"));
        let id = format!("47{n}1");
        let (put, get) = (format!("/items/{id}"), "/stats");
        requests.push(of_client(1, n, ("PUT", &put, "t"), (at + 10, at + 90), &[]));
        requests.push(of_client(2, n, ("GET", get, "t"), (at + 5, at + 95), &[]));
        calls.push(statement(9, key, at + 20, "BEGIN", &[]));
        calls.push(answered(9, key, at + 22, (AUDIT, &["x", &id]), &[]));
        calls.push(answered(9, key, at + 24, (refresh, &[]), &[]));
        calls.push(statement(9, key, at + 26, "COMMIT", &[]));
        expected.push(vec![key; 4]);
        expected.push(vec![]);
    }
    // ... is known where nothing does.
    requests.push(of_client(
        1,
        9,
        ("PUT", "/items/9", "t"),
        (9_010, 9_090),
        &[],
    ));
    requests.push(of_client(2, 9, ("GET", "/stats", "t"), (9_005, 9_095), &[]));
    calls.push(answered(9, 77, 9_024, (refresh, &[]), &[]));
    expected.push(vec![77]);
    expected.push(vec![]);
    let expected: Vec<&[u8]> = expected.iter().map(Vec::as_slice).collect();
    check(requests, calls, &expected);
}

#[test]
fn serial_requests_keep_what_was_made_while_they_were_alone() {
    // As before: who is alone owns what is asked, whoever knows the value.
    let mut a = Attributor::default();
    a.inbound(Box::new(of_client(
        1,
        0,
        ("PUT", "/items/4711", "t"),
        (10, 40),
        &[],
    )));
    a.inbound(Box::new(of_client(
        1,
        1,
        ("GET", "/stats", "t"),
        (50, 90),
        &[],
    )));
    a.outbound(answered(9, 1, 60, (AUDIT, &["put", "4711"]), &[]));
    assert_eq!(
        outcome(a),
        (vec![vec![], vec![(1, Attribution::Alone)]], vec![])
    );
}

/// Small numbers that differ in every run of the test alike: no clock, no chance.
fn random(seed: &mut u64, below: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

/// Clients with tokens of their own that ask and write at random, each at its own pace: every call
/// is found to be of the request that made it, also where it came after the response.
#[test]
fn scenario_22_however_requests_overlap_their_values_tell_whose_the_calls_are() {
    for seed in 0..40u64 {
        let mut random_state = seed;
        let mut next = |below| random(&mut random_state, below);
        let (mut requests, mut calls, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        for client in 1..=4u64 {
            let token = format!("token-of-client-{client}");
            let user = format!("user-{client}");
            let mut at = 10 + next(30);
            for index in 0..6u64 {
                let id = format!("item-{client}-{index}");
                let key = u8::try_from(client * 10 + index).expect("a small number");
                let (path, length) = (format!("/items/{id}"), 40 + next(60));
                requests.push(of_client(
                    client,
                    index,
                    ("PUT", &path, &token),
                    (at, at + length),
                    &[&id],
                ));
                let conn = 100 + client;
                calls.push(answered(
                    conn,
                    key,
                    at + 2 + next(8),
                    (SESSION, &[&token]),
                    &[&user],
                ));
                calls.push(answered(
                    conn,
                    key,
                    at + 15 + next(8),
                    (OWN, &[&user]),
                    &[&id],
                ));
                calls.push(answered(
                    conn,
                    key,
                    at + length + 1 + next(9),
                    (AUDIT, &[&user, &id]),
                    &[],
                ));
                expected.push((at + length, client, vec![key; 3]));
                at += length + 10 + next(20);
            }
        }
        calls.sort_by_key(|call| call.exchange.ended);
        let mut a = Attributor::default();
        requests
            .into_iter()
            .for_each(|request| a.inbound(Box::new(request)));
        calls.into_iter().for_each(|call| a.outbound(call));
        let (tests, shared) = outcome(a);
        assert_eq!(shared, []);
        let mut found: Vec<Vec<u8>> = tests
            .iter()
            .map(|calls| calls.iter().map(|(key, _)| *key).collect())
            .collect();
        let mut expected: Vec<Vec<u8>> = expected.into_iter().map(|(.., keys)| keys).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "seed {seed}");
    }
}
