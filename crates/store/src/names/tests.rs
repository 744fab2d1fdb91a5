use retake_model::{ProtocolId, Timestamp};

use super::*;

fn test(method: &str, path: &str, status: u16) -> TestCase {
    TestCase {
        name: String::new(),
        protocol: ProtocolId("http"),
        at: Timestamp(0),
        took: 0,
        trace: None,
        merged: 0,
        port: None,
        request: Value::map([("method", method), ("path", path)].map(|(k, v)| (k, v.into()))),
        response: Value::map([("status", Value::from(status))]),
        calls: Vec::new(),
        made: Vec::new(),
        rules: Vec::new(),
    }
}

#[test]
fn names_are_made_of_method_route_and_outcome() {
    for (method, path, status, name) in [
        ("POST", "/orders", 201, "post-orders-201"),
        ("GET", "/orders/17?x=1", 200, "get-orders-id-200"),
        (
            "GET",
            "/orders/7f3c1a2b-0000-4000-8000-0123456789ab",
            404,
            "get-orders-id-404",
        ),
        (
            "GET",
            "/v1/users/507f1f77bcf86cd799439011/x",
            200,
            "get-v1-users-id-x-200",
        ),
        ("GET", "/", 200, "get-root-200"),
        ("GET", "http://host:80/a/b", 200, "get-a-b-200"),
        ("OPTIONS", "*", 200, "options-200"),
        ("GET", "/../../etc/passwd", 200, "get-etc-passwd-200"),
        ("GET", "/a%2Fb\\c:d|e", 200, "get-a-2fb-c-d-e-200"),
        ("GET", "/Größe", 200, "get-gr-e-200"),
        ("GET", "/face/added", 200, "get-face-added-200"),
        ("GET", "/day/2026-03-01", 200, "get-day-id-200"),
        ("POST", "/api/2.0/runs", 200, "post-api-2-0-runs-200"),
    ] {
        assert_eq!(base_name(&test(method, path, status)), name);
    }
    let long = base_name(&test("GET", &format!("/{}", "ab/".repeat(1000)), 200));
    assert!(long.len() <= LONGEST && long.ends_with("-200"), "{long}");
}

#[test]
fn the_same_request_keeps_the_name_that_it_had() {
    let mut names = Names::default();
    let (a, b, c) = (
        test("GET", "/x/1", 200),
        test("GET", "/x/2", 200),
        test("GET", "/x/3", 200),
    );
    for (name, test) in [("get-x-id-200", &a), ("get-x-id-200-2", &b)] {
        names.remember(&TestCase {
            name: name.to_owned(),
            ..test.clone()
        });
    }
    assert_eq!(names.give(&b), "get-x-id-200-2");
    assert_eq!(names.give(&a), "get-x-id-200");
    assert_eq!(names.give(&c), "get-x-id-200-3");
    assert_eq!(names.give(&a), "get-x-id-200-4");
}

#[test]
fn a_name_with_a_number_is_no_other_tests_name() {
    let named = |path: &str, status: &str| TestCase {
        response: Value::map([("status", Value::from(status))]),
        ..test("GET", path, 0)
    };
    let mut names = Names::default();
    names.take("get-a-ok-3");
    for (path, status, name) in [
        ("/a/ok", "2", "get-a-ok-2"),
        ("/a", "ok", "get-a-ok"),
        ("/a", "ok", "get-a-ok-4"),
        ("/a/ok", "4", "get-a-ok-4-2"),
        ("/a", "ok", "get-a-ok-5"),
        ("/a/ok", "02", "get-a-ok-02"),
        ("/a/ok", "2", "get-a-ok-2-2"),
    ] {
        assert_eq!(names.give(&named(path, status)), name);
    }
}

#[test]
fn names_of_sets_cannot_leave_the_folder() {
    for good in ["default", "smoke-1", "a.b", "Z_9"] {
        assert!(check_set_name(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "runs",
        ".new",
        "con",
        "NUL.txt",
        "com1",
        "a.",
        "ä",
        "-x",
        &"x".repeat(101),
    ] {
        assert!(check_set_name(bad).is_err(), "{bad}");
    }
}
