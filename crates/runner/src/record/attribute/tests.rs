use super::*;
use retake_compare::matching::Key;
use retake_model::{Message, ProtocolId, Value};

mod crowd;
mod late;
mod many;

pub(super) const MS: u64 = 1_000_000;

pub(super) fn exchange(conn: u64, index: u64, began: u64, ended: u64) -> Exchange {
    Exchange {
        conn: ConnId(conn),
        index,
        protocol: ProtocolId("test"),
        began: Timestamp(began * MS),
        ended: Timestamp(ended * MS),
        request: Message::Tree(Value::Null),
        response: Message::Tree(Value::Null),
        trace: None,
        scope: None,
        flaw: None,
    }
}

pub(super) fn call(conn: u64, key: u8, began: u64, ended: u64) -> OutboundCall {
    OutboundCall {
        to: "db".into(),
        exchange: exchange(conn, 0, began, ended),
        recurring: Recurring {
            key: ("db".into(), Key([key; 16])),
            plain: true,
            transaction: false,
        },
        process: None,
        step: Step::Within,
    }
}

/// A call that writes, or has an id in it.
fn varying(conn: u64, key: u8, began: u64, ended: u64) -> OutboundCall {
    let mut call = call(conn, key, began, ended);
    call.recurring.plain = false;
    call
}

/// The keys of each test's calls with how they came there, and the shared calls' keys and scopes.
pub(super) type Outcome = (Vec<Vec<(u8, Attribution)>>, Vec<(u8, Scope)>);

pub(super) fn outcome(mut attributor: Attributor) -> Outcome {
    attributor.finish();
    let (mut tests, mut shared) = (Vec::new(), Vec::new());
    while let Some(placed) = attributor.poll() {
        match placed {
            Placed::Test(PlacedTest { calls, .. }) => {
                tests.push(
                    calls
                        .iter()
                        .map(|c| (c.call.recurring.key.1.0[0], c.by))
                        .collect(),
                );
            }
            Placed::Shared(call) => shared.push((call.call.recurring.key.1.0[0], call.scope)),
        }
    }
    (tests, shared)
}

#[test]
fn scenario_03_a_call_before_the_first_request_is_startup() {
    let mut a = Attributor::default();
    a.outbound(call(9, 1, 5, 6));
    a.began(ConnId(1), 0, Timestamp(10 * MS));
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    assert_eq!(outcome(a), (vec![vec![]], vec![(1, Scope::Startup)]));
}

#[test]
fn a_call_while_one_request_was_open_is_its_own() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    a.inbound(Box::new(exchange(1, 1, 30, 40)));
    a.outbound(call(9, 1, 12, 13));
    a.outbound(call(9, 2, 31, 45));
    let own = |key| vec![(key, Attribution::Alone)];
    assert_eq!(outcome(a), (vec![own(1), own(2)], vec![]));
}

#[test]
fn scenario_22_a_call_while_several_were_open_is_shared_and_marked() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(1, 0, 10, 40)));
    a.inbound(Box::new(exchange(2, 0, 20, 30)));
    a.outbound(call(9, 1, 25, 26));
    assert_eq!(
        outcome(a),
        (vec![vec![], vec![(1, Attribution::Shared)]], vec![])
    );
}

#[test]
fn scenario_22_a_trace_id_tells_the_test_among_several() {
    let mut a = Attributor::default();
    let trace = Some(TraceId("aa".into()));
    a.began(ConnId(1), 0, Timestamp(10 * MS));
    a.began(ConnId(2), 0, Timestamp(20 * MS));
    let mut traced = call(9, 1, 25, 26);
    traced.exchange.trace = trace.clone();
    a.outbound(traced);
    a.advance(Timestamp(500 * MS));
    a.inbound(Box::new(exchange(1, 0, 10, 600)));
    a.inbound(Box::new(Exchange {
        trace,
        ..exchange(2, 0, 20, 601)
    }));
    assert_eq!(
        outcome(a),
        (vec![vec![], vec![(1, Attribution::Trace)]], vec![])
    );
}

#[test]
fn a_long_request_keeps_the_calls_that_settled_before_it_ended() {
    let mut a = Attributor::default();
    a.began(ConnId(1), 0, Timestamp(10 * MS));
    a.outbound(call(9, 1, 20, 21));
    a.advance(Timestamp(5_000 * MS));
    a.inbound(Box::new(exchange(1, 0, 10, 6_000)));
    assert_eq!(outcome(a), (vec![vec![(1, Attribution::Alone)]], vec![]));
}

#[test]
fn scenario_36_a_call_just_after_the_response_belongs_to_its_test() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    a.outbound(call(9, 1, 50, 51));
    assert_eq!(outcome(a), (vec![vec![(1, Attribution::Alone)]], vec![]));
}

#[test]
fn scenario_35_what_is_asked_while_idle_is_background_also_during_a_request() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    a.outbound(call(9, 7, 3_000, 3_001));
    a.inbound(Box::new(exchange(1, 1, 5_000, 5_010)));
    a.outbound(call(9, 7, 5_002, 5_003));
    let (tests, shared) = outcome(a);
    assert_eq!(tests, vec![vec![], vec![]]);
    assert_eq!(shared, vec![(7, Scope::Background), (7, Scope::Background)]);
}

#[test]
fn scenario_35_what_turns_out_to_be_background_is_taken_from_tests_that_wait() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    a.outbound(call(9, 7, 12, 13));
    a.outbound(call(9, 1, 14, 15));
    a.outbound(call(9, 7, 530, 531));
    let (tests, shared) = outcome(a);
    assert_eq!(tests, vec![vec![(1, Attribution::Alone)]]);
    assert_eq!(shared, vec![(7, Scope::Background), (7, Scope::Background)]);
}

#[test]
fn a_late_write_of_one_test_makes_no_other_test_s_write_background() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    a.outbound(varying(9, 7, 3_000, 3_001));
    a.inbound(Box::new(exchange(1, 1, 5_000, 5_010)));
    a.outbound(varying(9, 7, 5_002, 5_003));
    let (tests, shared) = outcome(a);
    assert_eq!(tests, vec![vec![], vec![(7, Attribution::Alone)]]);
    assert_eq!(shared, vec![(7, Scope::Background)]);
}

#[test]
fn events_of_other_threads_may_come_late() {
    let mut a = Attributor::default();
    a.outbound(call(9, 1, 12, 13));
    a.advance(Timestamp(100 * MS));
    a.began(ConnId(1), 0, Timestamp(10 * MS));
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    assert_eq!(outcome(a).0, vec![vec![(1, Attribution::Alone)]]);
}

#[test]
fn a_request_that_never_ends_frees_its_calls_when_its_connection_closes() {
    let mut a = Attributor::default();
    a.began(ConnId(1), 0, Timestamp(10 * MS));
    a.outbound(call(9, 1, 20, 21));
    a.advance(Timestamp(5_000 * MS));
    a.closed(ConnId(1));
    assert_eq!(outcome(a), (vec![], vec![(1, Scope::Background)]));
}

#[test]
fn requests_are_handed_on_in_time_and_in_order() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(2, 0, 10, 30)));
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    a.advance(Timestamp(1_325 * MS));
    assert!(matches!(a.poll(), Some(Placed::Test(t)) if t.exchange.conn == ConnId(1)));
    assert!(a.poll().is_none());
    assert_eq!(a.waiting(), 1);
}

#[test]
fn requests_are_in_doubt_where_a_call_may_be_of_several_and_nothing_tells() {
    let select =
        |conn, at, id: &str| statement(conn, 7, at, "select 1 from t where id = $1", &[id]);
    let none = [false; 4];
    let both = [false, true, true, false];
    let cases: [(&str, &str, Vec<OutboundCall>, [bool; 4]); 5] = [
        ("no call", "third-3", vec![], none),
        (
            "each says its own",
            "third-3",
            vec![select(9, 45, "second-2"), select(8, 46, "third-3")],
            none,
        ),
        (
            "one says nothing of either",
            "third-3",
            vec![call(9, 7, 45, 46)],
            both,
        ),
        (
            "both ask the very same",
            "second-2",
            vec![select(9, 45, "second-2"), select(8, 46, "second-2")],
            both,
        ),
        ("alone", "third-3", vec![call(9, 7, 15, 16)], none),
    ];
    for (name, third, calls, expected) in cases {
        let mut a = Attributor::default();
        let requests = [
            asked(1, "/items/first-1", 10, 20),
            asked(2, "/items/second-2", 30, 50),
            asked(3, &format!("/items/{third}"), 40, 60),
            asked(4, "/items/fourth-4", 70, 80),
        ];
        for request in requests {
            a.began(request.conn, request.index, request.began);
            a.inbound(request);
        }
        for call in calls {
            a.outbound(call);
        }
        a.finish();
        let doubts = std::iter::from_fn(|| a.poll()).filter_map(|placed| match placed {
            Placed::Test(test) => Some(test.in_doubt),
            Placed::Shared(_) => None,
        });
        assert_eq!(doubts.collect::<Vec<_>>(), expected, "{name}");
    }
}

/// A request, by HTTP, with this path.
fn asked(conn: u64, path: &str, began: u64, ended: u64) -> Box<Exchange> {
    let mut exchange = exchange(conn, 0, began, ended);
    exchange.protocol = ProtocolId("http");
    exchange.request = Message::Tree(Value::map([
        ("method", "GET".into()),
        ("path", path.into()),
    ]));
    Box::new(exchange)
}

/// A statement with its parameters.
fn statement(conn: u64, key: u8, at: u64, sql: &str, params: &[&str]) -> OutboundCall {
    let mut call = call(conn, key, at, at + 1);
    call.exchange.protocol = ProtocolId("postgres");
    let params = params.iter().map(|param| (*param).into()).collect();
    let request = Value::map([("sql", sql.into()), ("params", Value::List(params))]);
    call.exchange.request = Message::Tree(request);
    call.step = Step::of(sql);
    call.recurring.transaction = call.step != Step::Within;
    call
}

/// The attributions of calls that were made while `/items/17` and `/items/23` were open; those of
/// the first, which began and ended before the other, and those of the second.
#[track_caller]
fn check_evidence(
    calls: &[(u64, &str, &[&str])],
    first: &[(u8, Attribution)],
    second: &[(u8, Attribution)],
) {
    let mut a = Attributor::default();
    a.inbound(asked(1, "/items/17?page=2", 10, 90));
    a.inbound(asked(2, "/items/23?page=2", 12, 95));
    for ((conn, sql, params), n) in calls.iter().zip(0..) {
        a.outbound(statement(*conn, n, 20 + 2 * u64::from(n), sql, params));
    }
    let (tests, background) = outcome(a);
    assert_eq!(tests, [first.to_vec(), second.to_vec()]);
    assert_eq!(background, []);
}

#[test]
fn scenario_22_a_value_that_one_request_alone_has_tells_whose_a_call_is() {
    use Attribution::{Shared, Values};
    check_evidence(
        &[
            (9, "select a from t where id = $1", &["23"]),
            (9, "select a from t where id = 17", &[]),
            // Both have it, and neither.
            (9, "select a from t where page = $1", &["2"]),
            (9, "select a from t where id = $1", &["99"]),
            // One each.
            (9, "select a from t where id in ($1, $2)", &["17", "23"]),
        ],
        &[(1, Values), (2, Shared), (3, Shared), (4, Shared)],
        &[(0, Values)],
    );
}

#[test]
fn scenario_22_the_calls_of_a_transaction_are_of_one_request() {
    use Attribution::{Shared, Transaction, Values};
    check_evidence(
        &[
            (9, "BEGIN", &[]),
            (8, "BEGIN", &[]),
            (9, "insert into t values ($1)", &["23"]),
            (8, "insert into t values ($1)", &["17"]),
            (9, "insert into log values ('x')", &[]),
            (9, "COMMIT", &[]),
            (8, "ROLLBACK TO SAVEPOINT a", &[]),
            (8, "COMMIT", &[]),
            // Behind its end.
            (9, "select 1 from log", &[]),
        ],
        &[
            (1, Transaction),
            (3, Values),
            (6, Transaction),
            (7, Transaction),
            (8, Shared),
        ],
        &[
            (0, Transaction),
            (2, Values),
            (4, Transaction),
            (5, Transaction),
        ],
    );
    // What disagrees tells nothing.
    check_evidence(
        &[
            (9, "BEGIN", &[]),
            (9, "insert into t values ($1)", &["23"]),
            (9, "insert into t values ($1)", &["17"]),
            (9, "COMMIT", &[]),
        ],
        &[(0, Shared), (1, Shared), (2, Shared), (3, Shared)],
        &[],
    );
}

#[test]
fn scenario_22_a_request_that_is_not_answered_may_have_the_same_values() {
    let mut a = Attributor::default();
    a.began(ConnId(3), 0, Timestamp(5 * MS));
    a.inbound(asked(1, "/items/17", 10, 90));
    a.outbound(statement(
        9,
        1,
        20,
        "select a from t where id = $1",
        &["17"],
    ));
    a.advance(Timestamp(3_000 * MS));
    let placed = std::iter::from_fn(|| a.poll());
    let by: Vec<Attribution> = placed
        .filter_map(|placed| match placed {
            Placed::Test(test) => Some(test.calls.into_iter().map(|call| call.by)),
            Placed::Shared(_) => None,
        })
        .flatten()
        .collect();
    assert_eq!(by, [Attribution::Shared]);
}

/// Two streams that stay open: every call beside them may be of either.
#[test]
fn calls_beside_requests_that_are_never_answered_have_a_bound() {
    const BEYOND: u64 = 5;
    let many = u64::try_from(doubt::MAX_DOUBTFUL).expect("a small number");
    let mut a = Attributor::default();
    a.began(ConnId(1), 0, Timestamp(MS));
    a.began(ConnId(2), 0, Timestamp(MS));
    for n in 0..many + BEYOND {
        a.outbound(varying(9, 1, 10 + n, 10 + n));
    }
    a.advance(Timestamp((many + 1_000) * MS));
    assert_eq!(a.hurried(), BEYOND);
    let ready = std::iter::from_fn(|| a.poll());
    let began: Vec<u64> = ready
        .map(|placed| match placed {
            Placed::Shared(call) => call.call.exchange.began.0 / MS,
            Placed::Test(_) => panic!("no request was answered"),
        })
        .collect();
    assert_eq!(began, [10, 11, 12, 13, 14], "the oldest");
    let (tests, shared) = outcome(a);
    assert_eq!(
        (tests.len(), shared.len()),
        (0, doubt::MAX_DOUBTFUL),
        "the rest at the end"
    );
}

#[test]
fn the_transaction_that_the_clock_begins_is_background_as_a_whole() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    a.outbound(call(9, 7, 3_000, 3_001));
    a.inbound(Box::new(exchange(1, 1, 5_000, 5_100)));
    let mut poll = call(9, 7, 5_002, 5_003);
    poll.exchange.conn = ConnId(9);
    a.outbound(statement(9, 1, 5_001, "BEGIN", &[]));
    a.outbound(poll);
    a.outbound(statement(8, 2, 5_010, "BEGIN", &[]));
    a.outbound(statement(8, 3, 5_020, "update items set n = 1", &[]));
    let mut update = statement(9, 4, 5_030, "update jobs set done = true", &[]);
    update.recurring.plain = false;
    a.outbound(update);
    a.outbound(statement(9, 5, 5_040, "COMMIT", &[]));
    a.outbound(statement(8, 6, 5_050, "COMMIT", &[]));
    let (tests, shared) = outcome(a);
    let own = |key| (key, Attribution::Alone);
    assert_eq!(tests, [vec![], vec![own(2), own(3), own(6)]]);
    let clock = |key| (key, Scope::Background);
    assert_eq!(shared, [7, 1, 7, 4, 5].map(clock));
}

#[test]
fn a_transaction_with_nothing_in_it_is_of_the_session() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(1, 0, 10, 90)));
    a.outbound(statement(9, 1, 20, "BEGIN", &[]));
    let mut ping = statement(9, 2, 30, ";", &[]);
    ping.exchange.scope = Some(Scope::Session);
    a.outbound(ping);
    a.outbound(statement(9, 3, 40, "ROLLBACK", &[]));
    let session = |key| (key, Scope::Session);
    let expect: (Vec<Vec<(u8, Attribution)>>, _) = (vec![vec![]], [1, 2, 3].map(session).to_vec());
    assert_eq!(outcome(a), expect);
}

#[test]
fn a_read_in_even_pauses_before_the_first_request_is_asked_by_the_clock() {
    let check = |at: [u64; 3], expect: Scope| {
        let mut a = Attributor::default();
        for at in at {
            a.outbound(call(9, 7, at, at + 1));
        }
        a.inbound(Box::new(exchange(1, 0, 5_000, 5_010)));
        a.outbound(call(9, 7, 5_002, 5_003));
        let (tests, shared) = outcome(a);
        let last = shared.get(3).map(|(_, scope)| *scope);
        let of_test = tests.iter().flatten().count();
        assert_eq!(
            (last.unwrap_or(Scope::Test), of_test == 1),
            (expect, expect == Scope::Test)
        );
    };
    check([1_000, 1_700, 2_450], Scope::Background);
    check([1_000, 1_700, 4_000], Scope::Test);
    check([1_000, 1_010, 1_020], Scope::Test);
}

#[test]
fn scenario_36_a_transaction_begins_and_ends_with_the_request_that_it_is_of() {
    let mut a = Attributor::default();
    a.inbound(Box::new(exchange(1, 0, 10, 20)));
    a.inbound(Box::new(exchange(1, 1, 30, 90)));
    a.outbound(statement(9, 1, 12, "BEGIN", &[]));
    a.outbound(statement(9, 2, 14, "select 7", &[]));
    // Something that goes on after the first response, of which a statement falls into the second.
    a.outbound(statement(8, 3, 25, "BEGIN", &[]));
    a.outbound(statement(8, 4, 35, "insert into audit values (1)", &[]));
    a.outbound(statement(9, 5, 40, "ROLLBACK", &[]));
    a.outbound(statement(8, 6, 45, "COMMIT", &[]));
    let own = |key| (key, Attribution::Alone);
    let tests = vec![[1, 2, 5].map(own).to_vec(), [3, 4, 6].map(own).to_vec()];
    assert_eq!(outcome(a), (tests, vec![]));
}
