//! Calls in the order of ids that the service makes.

use retake_model::{TestCase, Value};

use crate::build::{Run, call, http, ok, row, set, sql, test, told};

/// Recorded ids, in their order.
const RECORDED: [&str; 3] = [
    "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a",
    "1c8be3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b",
    "2d8be3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b",
];

/// What a run makes in their place, in another order.
const OWN: [&str; 3] = [
    "5eee3ff0-4b5e-4f20-9d3c-7b809fae1d2c",
    "3aaad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a",
    "4bbbe3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b",
];

const INSERT: &str = "insert into orders (id) values ($1)";
const UPDATE: &str = "update orders set price = $2 where id = $1";
const LOG: &str = "insert into log (price, order_id) values ($2, $1)";
const MAIL: &str = "insert into mails (order_id) values ($1)";

fn make(number: usize) -> TestCase {
    let id = RECORDED[number];
    let calls = vec![call(1, sql(INSERT, &[id]), row("1"))];
    test(
        &format!("make {number}"),
        http("POST", "/orders", None),
        ok(Value::map([("id", Value::from(id))])),
        calls,
    )
}

/// What is done for the orders of these numbers, one after the other: the price is that of the
/// order. A mail goes out for some.
fn done(ids: &[&str; 3], order: &[usize], mails: &[usize]) -> Vec<Value> {
    let price = |number: &usize| (100 + number).to_string();
    let each = order.iter().flat_map(|number| {
        let id = ids[*number];
        let mut calls = vec![
            sql(UPDATE, &[id, &price(number)]),
            sql(LOG, &[id, &price(number)]),
        ];
        if mails.contains(number) {
            calls.push(sql(MAIL, &[id]));
        }
        calls
    });
    each.collect()
}

fn bulk(name: &str, path: &str, recorded: Vec<Value>) -> TestCase {
    let calls = (1..).zip(recorded);
    let calls = calls.map(|(place, request)| call(place, request, row("1")));
    test(
        name,
        http("PATCH", path, None),
        ok(Value::Null),
        calls.collect(),
    )
}

/// Replays the last of these tests, where the service does this, after all orders were made anew.
fn replayed(others: Vec<TestCase>, recorded: Vec<Value>, own: Vec<Value>) -> (String, usize) {
    let mut tests: Vec<TestCase> = (0..3).map(make).collect();
    tests.extend(others);
    tests.push(bulk("bulk", "/orders", recorded));
    let mut run = Run::of(set(tests, vec![]));
    for (number, id) in OWN.iter().enumerate() {
        let name = format!("make {number}");
        run.begin(&name);
        run.ask(sql(INSERT, &[id])).unwrap();
        run.end(&name);
    }
    run.begin("bulk");
    for request in own {
        run.ask(request).unwrap();
    }
    run.end("bulk");
    let outcome = run.finish_one();
    let told = told(&outcome);
    let (_, reordered) = told.split_once("reordered ").unwrap();
    (reordered.to_owned(), outcome.sorted)
}

#[test]
fn calls_in_the_order_of_ids_that_the_service_makes_are_in_another_one_in_each_run() {
    let check = |order: &[usize], mails: &[usize], own: &[usize], explained: bool| {
        let recorded = done(&RECORDED, order, mails);
        let (reordered, sorted) = replayed(vec![], recorded, done(&OWN, own, mails));
        assert_eq!(
            reordered.is_empty(),
            explained,
            "{order:?} {own:?} {reordered}"
        );
        assert_eq!(sorted > 0, explained, "{order:?} {own:?}");
    };
    check(&[0, 1, 2], &[], &[1, 2, 0], true);
    // What is done for some of them goes with them.
    check(&[0, 1, 2], &[0], &[1, 2, 0], true);
    check(&[0, 1, 2], &[1, 2], &[1, 2, 0], true);
    // From the greatest to the least is an order, too.
    check(&[2, 1, 0], &[], &[0, 2, 1], true);
    // Two are in an order by chance half of the time.
    check(&[0, 1], &[], &[1, 0], false);
    check(&[2, 0], &[], &[0, 2], false);
    // The candidate's are in no order, nor in that of the recording.
    check(&[0, 1, 2], &[], &[2, 1, 0], false);
    check(&[0, 1, 2], &[], &[0, 2, 1], false);
    // The recorded ones are in none.
    check(&[0, 2, 1], &[], &[1, 2, 0], false);
}

#[test]
fn a_call_that_passes_others_by_no_id_was_moved() {
    let recorded = done(&RECORDED, &[0, 1, 2], &[]);
    let own = done(&OWN, &[1, 2, 0], &[]);
    let count = sql("update totals set orders = $1", &["3"]);
    let with = |mut calls: Vec<Value>, at: usize| {
        calls.insert(at, count.clone());
        calls
    };
    let (reordered, sorted) = replayed(vec![], with(recorded.clone(), 6), with(own.clone(), 6));
    assert_eq!((reordered.as_str(), sorted > 0), ("", true));
    // It is told, and what the ids explain is not.
    let (reordered, _) = replayed(vec![], with(recorded.clone(), 6), with(own, 0));
    assert_eq!(reordered, "6");
    // Of one order the log was written before the price was.
    let mut own = done(&OWN, &[1, 2, 0], &[]);
    own.swap(0, 1);
    let (reordered, _) = replayed(vec![], recorded, own);
    assert!(!reordered.is_empty());
}

#[test]
fn what_another_test_of_the_route_does_in_no_order_is_not_meant_in_this_one() {
    let replayed = |path: &str, order: &[usize]| {
        let other = bulk("other", path, done(&RECORDED, order, &[]));
        let recorded = done(&RECORDED, &[0, 1, 2], &[]);
        replayed(vec![other], recorded, done(&OWN, &[1, 2, 0], &[])).0
    };
    assert_eq!(replayed("/orders", &[0, 2]), "");
    assert_ne!(replayed("/orders", &[2, 0]), "");
    assert_eq!(replayed("/lines", &[2, 0]), "");
}
