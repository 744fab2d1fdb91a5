use retake_model::{SetInfo, Timestamp};

use super::*;
use crate::test_cases::{PATHS, STATEMENTS, mock as blank, test_case};

const MS: u64 = 1_000_000;
const AT: u64 = 1_772_356_830_000_000_000;
const POLL: &str = "update events set announced = true where not announced returning id";

fn call(sql: &str, after: u64, rows: &[&str]) -> Mock {
    let rows = rows.iter().map(|id| Value::List(vec![Value::from(*id)]));
    Mock {
        after,
        took: MS,
        response: Value::map([("rows", Value::List(rows.collect()))]),
        ..blank(Value::map([("sql", Value::from(sql))]))
    }
}

/// 48 requests of three routes, one each 100 ms, each of which reads a page, beside a poll that each second is told news while a
/// request is open: `(the number, its calls, with their times in milliseconds)`.
fn set(calls: impl Fn(u64) -> Vec<(String, u64)>) -> TestSet {
    let tests = (0..48u64).map(|n| {
        let path = match n % 3 {
            0 => "/stats".to_owned(),
            1 => "/feed".to_owned(),
            _ => format!("/items/{n}"),
        };
        TestCase {
            name: format!("t{n:02}"),
            at: Timestamp(AT + n * 100 * MS),
            took: 90 * MS,
            request: Value::map([("path", Value::from(path))]),
            response: Value::map([("status", Value::from(200))]),
            calls: (calls(n)
                .into_iter()
                .chain([("select 1 from pages".to_owned(), 88)]))
            .map(|(sql, at)| call(&sql, at * MS, &[]))
            .collect(),
            ..test_case()
        }
    });
    let poll = |n: u64| Mock {
        scope: Scope::Background,
        ..call(
            POLL,
            AT + n * 1_000 * MS + 5 * MS,
            &[&format!("{}", 70 + n)],
        )
    };
    TestSet {
        name: "s".into(),
        info: SetInfo::default(),
        tests: tests.collect(),
        shared: (0..5).map(poll).collect(),
    }
}

/// Which calls of the tests, by the number of the test and the statement, are a job's.
fn jobs(mut set: TestSet) -> Vec<String> {
    settle_background(&mut set, |protocol| match protocol.0 {
        "http" => &PATHS,
        _ => &STATEMENTS,
    });
    let calls = set.tests.iter().flat_map(|test| {
        let jobs = test.calls.iter().filter(|c| c.scope == Scope::Background);
        jobs.filter_map(|call| Some(format!("{} {}", test.name, text(&call.request)?)))
    });
    calls.collect()
}

fn text(request: &Value) -> Option<&str> {
    request.get("sql").and_then(Value::as_str)
}

fn insert(n: u64) -> String {
    format!("insert into stages values ('s{n}')")
}

#[test]
fn what_follows_what_a_poll_was_told_is_the_jobs() {
    // The third step comes long after the poll, and soon after the one before.
    let found = jobs(set(|n| match n % 10 {
        0 => vec![
            ("select name from features".to_owned(), 8),
            (insert(n), 60),
            ("insert into sent values (1)".to_owned(), 85),
        ],
        _ => Vec::new(),
    }));
    assert_eq!(found.len(), 15, "{found:?}");
}

#[test]
fn what_requests_do_at_any_time_is_theirs() {
    // As often, and in as few requests of each route, but whenever these come.
    let found = jobs(set(|n| match n % 10 {
        4 | 7 => vec![(insert(n), 60)],
        _ => Vec::new(),
    }));
    assert_eq!(found, [""; 0]);
    // After news, and in each request of its route.
    let found = jobs(set(|n| match n % 3 {
        0 => vec![(insert(n), 20)],
        _ => Vec::new(),
    }));
    assert_eq!(found, [""; 0]);
}

#[test]
fn what_follows_news_by_chance_is_the_requests() {
    // Three carts, each of which came right after news.
    let found = jobs(set(|n| match n {
        11 | 20 | 41 => vec![(format!("insert into carts values ({n}, 'x')"), 20)],
        _ => Vec::new(),
    }));
    assert_eq!(found, [""; 0]);
    // Three of five.
    let found = jobs(set(|n| match n {
        1 | 11 | 20 | 33 | 44 => vec![(insert(n), 20)],
        _ => Vec::new(),
    }));
    assert_eq!(found, [""; 0]);
}

#[test]
fn what_tidies_up_in_one_test_of_many_is_a_jobs_where_nothing_of_its_request_is_in_it() {
    let clean = "delete from nonces where at < now() - interval '1 day'";
    let found = jobs(set(|n| match n {
        17 => vec![(clean.to_owned(), 50)],
        _ => Vec::new(),
    }));
    assert_eq!(found, [format!("t17 {clean}")]);
    let found = jobs(set(|n| match n {
        17 => vec![("delete from items where id = 17".to_owned(), 50)],
        _ => Vec::new(),
    }));
    assert_eq!(found, [""; 0], "of its request");
    let found = jobs(set(|n| match n {
        17 | 20 | 23 => vec![(clean.to_owned(), 50)],
        _ => Vec::new(),
    }));
    assert_eq!(found, [""; 0], "not rare");
}

#[test]
fn a_write_of_one_request_of_many_stays_its_own_though_nothing_of_it_is_in_it() {
    for write in [
        "update totals set coupons = coupons + 1",
        "insert into audit (who, what) values (7, 'limit')",
        "delete from carts",
        "refresh materialized view totals",
    ] {
        let found = jobs(set(|n| match n {
            17 => vec![(write.to_owned(), 50)],
            _ => Vec::new(),
        }));
        assert_eq!(found, [""; 0], "{write}");
    }
}

#[test]
fn the_transaction_around_what_a_job_does_goes_with_it() {
    let of = |n: u64| {
        let own = [("begin", 2), ("insert into audit values (1)", 3)];
        let job = [("begin", 10), ("@", 11), ("commit", 12)];
        let end = [("commit", 40)];
        let all = match n % 10 {
            0 => [&own[..], &job[..], &end[..]].concat(),
            _ => [&own[..], &end[..]].concat(),
        };
        let all = all.into_iter().map(|(sql, at)| match sql {
            "@" => (insert(n), at),
            sql => (sql.to_owned(), at),
        });
        all.collect()
    };
    let found = jobs(set(of));
    let frames = found.iter().filter(|call| call.ends_with("begin")).count();
    let ends = found.iter().filter(|call| call.ends_with("commit")).count();
    assert_eq!((found.len(), frames, ends), (15, 5, 5), "{found:?}");
}

#[test]
fn of_two_requests_one_may_have_what_a_job_writes_once_where_it_has_no_value() {
    let check = |sql: &str, expected: &[String]| {
        let mut set = set(|n| match n {
            17 => vec![(sql.to_owned(), 50)],
            _ => Vec::new(),
        });
        // One other of its route is left.
        set.tests.retain(|test| {
            let path = test.request.get("path").and_then(Value::as_str);
            !path.is_some_and(|path| path.starts_with("/items/"))
                || ["t17", "t20"].contains(&&*test.name)
        });
        assert_eq!(jobs(set), expected, "{sql}");
    };
    let clean = "delete from nonces where at < now() - interval '1 day'";
    check(clean, &[format!("t17 {clean}")]);
    check("delete from nonces where at < now() and kind = 'feed'", &[]);
    // What was gathered of other requests; not what is of its own.
    let gathered = "insert into seen values ('stats'), ('feed')";
    check(gathered, &[format!("t17 {gathered}")]);
    check("insert into seen values ('stats'), ('feed'), ('17')", &[]);
}

#[test]
fn what_each_request_of_a_route_writes_is_its_own_though_a_poll_was_told_the_same_value() {
    let write = "insert into views values ('seventy')";
    let mut set = set(|n| match n % 3 {
        0 => vec![(POLL.to_owned(), 10), (write.to_owned(), 60)],
        _ => Vec::new(),
    });
    let calls = set.tests.iter_mut().flat_map(|test| &mut test.calls);
    for poll in calls.filter(|call| text(&call.request) == Some(POLL)) {
        poll.response = call(POLL, 0, &["seventy"]).response;
    }
    let found = jobs(set);
    assert!(!found.iter().any(|call| call.ends_with(write)), "{found:?}");
}
