//! Lists in the order of ids that the service makes.

use super::super::Around;
use super::*;
use crate::test_cases;

const RECORDED: [&str; 3] = [
    "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a",
    "1c8be3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b",
    "2d8be3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b",
];
const OWN: [&str; 3] = [
    "5eee3ff0-4b5e-4f20-9d3c-7b809fae1d2c",
    "3aaad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a",
    "4bbbe3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b",
];

/// A list of the elements of these numbers, as `element` writes one with its id.
fn list(ids: &[&str; 3], order: &[usize], element: &dyn Fn(&str, usize) -> String) -> Value {
    let items: Vec<String> = order.iter().map(|n| element(ids[*n], *n)).collect();
    body(&format!(r#"{{"items":[{}]}}"#, items.join(",")))
}

fn plain(id: &str, _: usize) -> String {
    format!("\"{id}\"")
}

fn object(id: &str, number: usize) -> String {
    format!(r#"{{"n":{number},"id":"{id}","name":"x{number}"}}"#)
}

fn edge(id: &str, number: usize) -> String {
    format!(r#"{{"node":{{"order":"{id}","n":{number}}}}}"#)
}

/// The differences of two responses of a run in which the ids are known, and how many elements an
/// order explains; `others` are recorded responses of the route.
fn compared(expected: Value, observed: &Value, others: &[Value]) -> (Vec<String>, u64) {
    let mut values = ValueMap::new();
    for (recorded, own) in RECORDED.iter().zip(OWN) {
        assert!(values.bind(TokenKind::Uuid, recorded, own));
    }
    let of = |response: &Value| TestCase {
        request: Value::map([("method", "GET".into()), ("path", "/items?x=1".into())]),
        response: response.clone(),
        ..test_cases::test_case()
    };
    let tests: Vec<TestCase> = std::iter::once(&expected).chain(others).map(of).collect();
    let rules = RuleSet::new([]).expect("built-in rules");
    let around = Around::of(&tests[0], None).among(&tests);
    let found = compare_response(&tests[0].response, observed, around, &rules, &mut values);
    let hidden = found.hidden.iter();
    let order = hidden.filter(|used| used.rule == "response.*.order");
    (
        lines(&found.differences),
        order.map(|used| used.hidden).sum(),
    )
}

#[test]
fn a_list_in_the_order_of_ids_that_the_service_makes_is_in_another_one_in_each_run() {
    let check = |recorded: &[usize], own: &[usize], explained: bool| {
        for element in [&plain as &dyn Fn(&str, usize) -> String, &object, &edge] {
            let expected = list(&RECORDED, recorded, element);
            let observed = list(&OWN, own, element);
            let (differences, order) = compared(expected, &observed, &[]);
            let told = (differences.is_empty(), order > 0);
            assert_eq!(
                told,
                (explained, explained),
                "{recorded:?} {own:?} {differences:?}"
            );
        }
    };
    check(&[0, 1, 2], &[1, 2, 0], true);
    check(&[2, 1, 0], &[0, 2, 1], true);
    // Neither the candidate's ids nor the recorded ones are in an order, or in the same one.
    check(&[0, 1, 2], &[0, 2, 1], false);
    check(&[0, 1, 2], &[2, 1, 0], false);
    check(&[0, 2, 1], &[1, 2, 0], false);
    check(&[1, 0], &[0, 1], false);
    // Two are in an order by chance half of the time.
    check(&[0, 1], &[1, 0], false);
    // One came, or went.
    check(&[0, 1], &[1, 2, 0], false);
    check(&[0, 1, 2], &[1, 0], false);
}

#[test]
fn elements_of_a_sorted_list_are_compared() {
    let expected = list(&RECORDED, &[0, 1, 2], &object);
    let other = |id: &str, number: usize| object(id, number).replace("x2", "y2");
    let (differences, order) = compared(expected, &list(&OWN, &[1, 2, 0], &other), &[]);
    assert_eq!(
        differences,
        ["Changed body.json.items[2].name: \"x2\" -> \"y2\""]
    );
    assert!(order > 0);
}

#[test]
fn another_response_of_the_route_in_no_order_says_that_none_is_meant() {
    let observed = list(&OWN, &[1, 2, 0], &object);
    let differs = |other: &[usize]| {
        let expected = list(&RECORDED, &[0, 1, 2], &object);
        let other = list(&RECORDED, other, &object);
        !compared(expected, &observed, &[other]).0.is_empty()
    };
    assert!(!differs(&[0, 2]));
    assert!(differs(&[2, 0]));
}
