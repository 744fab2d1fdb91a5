use retake_model::{Mock, SetInfo};

use super::*;
use crate::test_cases::{mock, test_case};

const INSERT: &str = "insert into orders (note, id) values ($1, $2)";

fn insert(sql: &str, note: &str, id: &str) -> Mock {
    let params = Value::List(vec![note.into(), id.into()]);
    mock(Value::map([("sql", sql.into()), ("params", params)]))
}

/// A request that says something, after which the service writes a row and shows what it wrote.
fn creates(sql: &str, says: &str, id: &str) -> TestCase {
    let body = |name: &str, value: &str| Value::map([(name, value.into())]);
    TestCase {
        request: Value::map([("path", "/orders".into()), ("body", body("note", says))]),
        response: Value::map([("body", body("number", id))]),
        calls: vec![insert(sql, says, id)],
        took: 1_000,
        ..test_case()
    }
}

fn set(tests: Vec<TestCase>) -> TestSet {
    TestSet {
        name: "set".into(),
        info: SetInfo::default(),
        tests,
        shared: Vec::new(),
    }
}

/// The values that are found in tests of which each writes one of these.
fn found(tests: Vec<TestCase>) -> Vec<String> {
    let mut set = set(tests);
    find_short(&mut set);
    let made = set.tests.iter().flat_map(|test| &test.made);
    made.map(|made| made.value.clone()).collect()
}

fn found_of(ids: &[&str]) -> Vec<String> {
    found(ids.iter().map(|id| creates(INSERT, "a note", id)).collect())
}

const PARSE: [&str; 4] = ["aDp3O98m22", "pYumV2kSfs", "zvreHcMBwx", "WDns3wOtB8"];

#[test]
fn ids_of_one_place_that_are_as_different_as_they_can_be_are_made_at_random() {
    for ids in [
        &PARSE[..],
        &PARSE[..3],
        // Of eleven and twelve letters, with hyphens and underscores, and of one case.
        &["dQw4w9WgXcQ", "9bZkp7q19f0", "kJQP7kiw5Fk"],
        &["V1StGXR8_Z5j", "dHi6B-myTq2x", "x_K0aPz9-Rt4"],
        &["t7k2q9xw4m1b", "p0z8c3vn6r5d", "h1j4g7f2s9q3"],
    ] {
        assert_eq!(found_of(ids), ids, "{ids:?}");
    }
}

#[test]
fn names_words_codes_and_counts_are_not() {
    for ids in [
        // Too few.
        &PARSE[..2],
        // Words and names.
        &["Categories", "Production", "Collection", "Settlement"],
        &["UserCreated", "PostDeleted", "MailChecked"],
        &["getOrders2", "putOrders3", "setOrders4"],
        &["john-smith", "jane-doe-1", "max-power2"],
        // Codes of a fixed form, and numbers.
        &["AB12CD34EF", "QX98ZW76UV", "KL45MN23OP"],
        &["ORDa000001", "ORDa000002", "ORDa000003"],
        &["4815162342", "3141592653", "2718281828"],
        &["2026-03-01", "2026-04-17", "2025-12-31"],
        // What may be the digest of something.
        &["9f86d08188", "60303ae22b", "fd61a03af4"],
        // Of several lengths, and the same one twice.
        &["aDp3O98m22", "pYumV2kSfs1", "zvreHcMBwx"],
        &["aDp3O98m22", "pYumV2kSfs", "zvreHcMBwx", "aDp3O98m22"],
    ] {
        assert_eq!(found_of(ids), [""; 0], "{ids:?}");
    }
}

#[test]
fn what_came_from_elsewhere_was_not_made() {
    let given = |id: &&str| creates(INSERT, id, id);
    assert_eq!(found(PARSE.iter().map(given).collect()), [""; 0]);
    // One of them was said by somebody: the place has others, too.
    let mut tests: Vec<TestCase> = PARSE.iter().map(|id| creates(INSERT, "n", id)).collect();
    tests[2].request = Value::map([("path", format!("/orders/{}", PARSE[2]).into())]);
    assert_eq!(found(tests), [""; 0]);
}

#[test]
fn where_the_recording_has_few_the_form_and_the_field_tell() {
    const USER: &str = "insert into users (name, id) values ($1, $2)";
    let with = |id: &str| {
        let mut tests: Vec<TestCase> = PARSE.iter().map(|id| creates(INSERT, "n", id)).collect();
        tests.push(creates(USER, "n", id));
        found(tests).contains(&id.to_owned())
    };
    assert!(with("Kx9PzQ2mB7"), "looks made at random");
    assert!(with("bSWIjkcmnf"), "is shown where the others are");
    assert!(!with("Categories"));
    assert!(!with("Kx9PzQ2mB7a"), "of another length");
}

#[test]
fn every_place_of_a_short_id_is_listed_in_the_order_of_time() {
    let mut set = set(PARSE.iter().map(|id| creates(INSERT, "n", id)).collect());
    find_short(&mut set);
    let [made] = set.tests[0].made.as_slice() else {
        panic!("one value");
    };
    let places: Vec<String> = made.places.iter().map(ToString::to_string).collect();
    assert_eq!(places, ["calls[0].params[1]", "response.body.number"]);
    assert_eq!(made.kind, TokenKind::Random);
}

#[test]
fn what_addresses_have_at_one_name_is_made_at_random_where_clients_send_it_back() {
    let page = |query: &str| format!("<form action=\"/login?client=shop&amp;{query}\">");
    let shows = |query: String| TestCase {
        response: Value::map([("body", page(&query).into())]),
        took: 1_000,
        ..test_case()
    };
    let sends = |query: String| TestCase {
        request: Value::map([("path", format!("/login?{query}").into())]),
        ..test_case()
    };
    let ids = ["AG1blqqTG5I", "v-nIfGHlS7s", "MMuUgcxOryY"];
    let check = |ids: [&str; 3], sent: usize, others: &[&str], expected: bool| {
        let query = |id: &&str| format!("tab_id={id}");
        let mut tests: Vec<TestCase> = ids.iter().map(|id| shows(query(id))).collect();
        tests.extend(ids.iter().take(sent).map(|id| sends(query(id))));
        tests.extend(others.iter().map(|id| shows(query(id))));
        assert_eq!(
            !found(tests).is_empty(),
            expected,
            "{ids:?} {sent} {others:?}"
        );
    };
    check(ids, 3, &[], true);
    check(ids, 2, &["AG1blqqTG5I"], true);
    // Nobody sends them back, or something else stands there, too.
    check(ids, 0, &[], false);
    check(ids, 3, &["shop"], false);
    check(["Categories1", "Production2", "Settlements"], 3, &[], false);
}
