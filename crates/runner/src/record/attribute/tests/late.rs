//! What one client's requests leave to be done after their responses (scenario 36).

use super::crowd::{answered, of_client};
use super::*;

const AUDIT: &str = "insert into audit values ($1, $2)";
const BUMP: &str = "update counters set n = n + 1";
const OWN: &str = "select * from items where id = $1";

/// The requests of one client: the path, and when they began and ended.
fn requests(of: &[(&str, u64, u64)]) -> Attributor {
    let mut a = Attributor::default();
    for ((path, began, ended), index) in of.iter().zip(0..) {
        let request = of_client(1, index, ("PUT", path, "t"), (*began, *ended), &[]);
        a.inbound(Box::new(request));
    }
    a
}

#[test]
fn scenario_36_late_work_that_falls_into_the_next_request_is_of_the_one_that_knows_its_values() {
    use Attribution::{Alone, Values};
    let mut a = requests(&[
        ("/items/4711", 10, 40),
        ("/items/4712", 60, 90),
        ("/items/4713", 100, 190),
    ]);
    // It is seen after a response, while nobody is open, ...
    a.outbound(answered(9, 1, 50, (AUDIT, &["put", "4711"]), &[]));
    a.outbound(answered(8, 2, 70, (OWN, &["4712"]), &[]));
    // ... and then beside the next request's own calls.
    a.outbound(answered(9, 3, 110, (AUDIT, &["put", "4712"]), &[]));
    a.outbound(answered(8, 4, 120, (OWN, &["4713"]), &[]));
    let tests = vec![
        vec![(1, Alone)],
        vec![(2, Alone), (3, Values)],
        vec![(4, Alone)],
    ];
    assert_eq!(outcome(a), (tests, vec![]));
}

#[test]
fn scenario_36_what_fell_into_a_request_before_it_was_known_for_late_is_taken_back() {
    use Attribution::{Alone, Values};
    let mut a = requests(&[
        ("/items/4711", 10, 40),
        ("/items/4712", 50, 90),
        ("/items/4713", 500, 590),
    ]);
    a.outbound(answered(9, 1, 60, (AUDIT, &["put", "4711"]), &[]));
    a.outbound(answered(8, 2, 70, (OWN, &["4712"]), &[]));
    a.outbound(answered(9, 3, 595, (AUDIT, &["put", "4713"]), &[]));
    let tests = vec![vec![(1, Values)], vec![(2, Alone)], vec![(3, Alone)]];
    // The last one is alone: nobody else was answered within half a second.
    assert_eq!(outcome(a), (tests, vec![]));
}

#[test]
fn scenario_36_what_nothing_tells_is_shared_and_never_certain() {
    use Attribution::{Alone, Shared};
    let mut a = requests(&[("/a", 10, 40), ("/b", 60, 90)]);
    a.outbound(answered(9, 1, 50, (BUMP, &[]), &[]));
    a.outbound(answered(9, 2, 70, (BUMP, &[]), &[]));
    let tests = vec![vec![(1, Alone)], vec![(2, Shared)]];
    let (found, shared) = outcome(a);
    let by = |tests: &[Vec<(u8, Attribution)>]| -> Vec<Attribution> {
        tests.iter().flatten().map(|(_, by)| *by).collect()
    };
    assert_eq!((by(&found), shared), (by(&tests), vec![]));
}

#[test]
fn scenario_36_a_late_transaction_that_goes_on_in_the_next_request_stays_together() {
    let mut a = requests(&[("/items/4711", 10, 40), ("/items/4712", 60, 90)]);
    a.outbound(statement(9, 1, 50, "BEGIN", &[]));
    a.outbound(answered(9, 2, 52, ("select n from totals", &[]), &["5"]));
    // It goes on while the next one is open, with something that was not seen late.
    a.outbound(answered(
        9,
        3,
        65,
        ("update totals set n = $1", &["6"]),
        &[],
    ));
    a.outbound(statement(9, 4, 70, "COMMIT", &[]));
    a.outbound(answered(8, 5, 75, (OWN, &["4712"]), &[]));
    let (tests, shared) = outcome(a);
    let keys: Vec<Vec<u8>> = tests
        .iter()
        .map(|calls| calls.iter().map(|(key, _)| *key).collect())
        .collect();
    assert_eq!((keys, shared), (vec![vec![1, 2, 3, 4], vec![5]], vec![]));
}

#[test]
fn a_client_whose_requests_leave_nothing_to_be_done_is_certain_of_every_call() {
    let paths: Vec<String> = (0..20).map(|n| format!("/items/47{n:02}")).collect();
    let spans = (0..20).map(|n| 10 + n * 20);
    let of: Vec<(&str, u64, u64)> = paths
        .iter()
        .zip(spans)
        .map(|(path, began)| (path.as_str(), began, began + 15))
        .collect();
    let mut a = requests(&of);
    for ((path, began, _), key) in of.iter().zip(0..) {
        let id = path.rsplit('/').next().unwrap_or_default();
        // What it says the request before knows as well as anybody.
        a.outbound(answered(9, key, began + 3, (OWN, &[id]), &["4700"]));
        a.outbound(answered(9, key, began + 6, (AUDIT, &["put", "4700"]), &[]));
    }
    let (tests, shared) = outcome(a);
    let alone: Vec<Vec<(u8, Attribution)>> = (0..20)
        .map(|key| vec![(key, Attribution::Alone); 2])
        .collect();
    assert_eq!((tests, shared), (alone, vec![]));
}
