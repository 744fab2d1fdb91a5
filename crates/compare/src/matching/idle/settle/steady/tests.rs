use retake_model::{SetInfo, Timestamp};

use super::*;
use crate::test_cases::{PATHS, STATEMENTS};

const POLL: &str = "update leader set beat = beat + 1";
const MS: u64 = 1_000_000;
const AT: u64 = 1_772_356_830_000_000_000;

/// A request at that time, in milliseconds, and when the call was made in it, if it was.
type Sent = (u64, String, Option<u64>);

/// How many of the calls of these requests are the clock's.
fn background(sent: Vec<Sent>) -> usize {
    let tests = sent.into_iter().map(|(at, path, asked)| TestCase {
        name: format!("t{at}"),
        at: Timestamp(AT + at * MS),
        took: 5 * MS,
        request: Value::map([("path", Value::from(path))]),
        response: Value::map([("status", Value::from(200))]),
        calls: asked
            .into_iter()
            .map(|asked| call((asked - at) * MS))
            .collect(),
        ..crate::test_cases::test_case()
    });
    let mut set = TestSet {
        name: "s".into(),
        info: SetInfo::default(),
        tests: tests.collect(),
        shared: Vec::new(),
    };
    settle_background(&mut set, |protocol| match protocol.0 {
        "http" => &PATHS,
        _ => &STATEMENTS,
    });
    let calls = set.tests.iter().flat_map(|test| &test.calls);
    calls.filter(|call| call.scope == Scope::Background).count()
}

fn call(after: u64) -> Mock {
    Mock {
        to: "db".into(),
        protocol: ProtocolId("postgres"),
        scope: Scope::Test,
        by: Attribution::Alone,
        after,
        took: 0,
        request: Value::map([("sql", Value::from(POLL))]),
        response: Value::Null,
        merged: 0,
    }
}

/// Requests of three routes, one each 7 ms, of which those ask that `ask`, by their number.
fn dense(ask: impl Fn(u64) -> bool) -> Vec<Sent> {
    let sent = (0..400u64).map(|n| {
        let path = match n % 3 {
            0 => "/stats".to_owned(),
            1 => "/feed".to_owned(),
            _ => format!("/items/{}", n % 20),
        };
        (n * 7, path, ask(n).then_some(n * 7 + 2))
    });
    sent.collect()
}

#[test]
fn scenario_35_what_is_asked_in_even_pauses_in_one_request_or_another_is_the_clocks() {
    // The pauses differ a little, and one of the polls is not seen.
    let polls = [3, 33, 62, 92, 121, 180, 209, 238, 268];
    assert_eq!(background(dense(|n| polls.contains(&n))), polls.len());
}

#[test]
fn scenario_35_what_requests_ask_is_theirs_however_even_it_is() {
    // Requests that are sent evenly, one each 200 ms, and each asks it.
    let even = (0..20u64).map(|n| {
        let path = ["/stats", "/feed", "/mine"][usize::try_from(n % 3).unwrap_or_default()];
        (n * 200, path.to_owned(), Some(n * 200 + 2))
    });
    assert_eq!(background(even.collect()), 0, "sent evenly");
    // Of one route, which most of its requests do not ask.
    assert_eq!(background(dense(|n| n % 30 == 0)), 0, "one route");
    // Of a route that is rarely asked, but asks it each time.
    let admin = dense(|n| n % 29 == 0).into_iter().map(|(at, path, asked)| {
        let path = if asked.is_some() {
            "/admin".to_owned()
        } else {
            path
        };
        (at, path, asked)
    });
    assert_eq!(background(admin.collect()), 0, "each of one route");
    // Of two routes, but of the very same request each time.
    let same = dense(|n| n % 29 == 0).into_iter().map(|(at, path, asked)| {
        let own = if at % 2 == 0 {
            "/items/7777"
        } else {
            "/stats?all=1"
        };
        let path = if asked.is_some() {
            own.to_owned()
        } else {
            path
        };
        (at, path, asked)
    });
    assert_eq!(background(same.collect()), 0, "one request");
    // In pauses of any length.
    let any = [3, 10, 62, 70, 121, 180, 190, 238, 268];
    assert_eq!(background(dense(|n| any.contains(&n))), 0, "uneven");
    // Too seldom to tell.
    assert_eq!(background(dense(|n| [3, 33, 62].contains(&n))), 0, "seldom");
}
