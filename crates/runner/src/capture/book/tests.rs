use retake_model::{ConnId, Direction, Timestamp};

use super::*;

const SHARED: &str = "10.0.0.1:443";

/// The name of a connection to the shared address, whose client says this.
#[track_caller]
fn check(book: &Book, said: Said<'_>, expected: &str) {
    let given = book.connected(SHARED.parse().expect("an address"));
    let conn = ConnInfo {
        id: ConnId(1),
        direction: Direction::Outbound,
        dependency: Some(given.clone()),
        protocol: None,
        peer: None,
        target: Some(SHARED.to_owned()),
        process: None,
        opened: Timestamp(0),
    };
    let name = book.named(&conn, said).unwrap_or(given);
    assert_eq!(&*name, expected, "{said:?}");
}

fn book(looked_up: &[&str], rules: &[(&str, &str)]) -> Book {
    let names = Names::default();
    for name in looked_up {
        names.learn(name, [10, 0, 0, 1].into());
    }
    let rules = rules.iter().map(|(name, host)| Known {
        name: (*name).into(),
        host: (*host).to_owned(),
        port: None,
    });
    Book::new(Vec::new(), rules.collect(), Arc::new(names))
}

fn shown(book: &Book) -> Vec<String> {
    let all = book.dependencies(&[]);
    all.iter()
        .map(|d| format!("{} {:?} {:?}", d.name, d.hosts, d.addresses))
        .collect()
}

#[test]
fn two_names_of_one_address_are_two_dependencies() {
    let book = book(&["a.test", "b.test"], &[]);
    check(&book, Said::Tls("a.test"), "a.test");
    check(&book, Said::Tls("B.test"), "b.test");
    check(&book, Said::Host("a.test"), "a.test");
    check(&book, Said::Host("elsewhere.test"), "b.test");
    assert_eq!(
        shown(&book),
        [
            r#"a.test ["a.test:443"] ["10.0.0.1:443"]"#,
            r#"b.test ["b.test:443"] ["10.0.0.1:443"]"#,
        ]
    );
}

#[test]
fn names_that_nobody_looked_up_are_taken_from_tls_alone() {
    let book = book(&[], &[]);
    check(&book, Said::Tls("a.test"), "a.test");
    check(&book, Said::Tls("b.test"), "b.test");
    check(&book, Said::Tls("no name"), SHARED);
    let all = shown(&book);
    assert_eq!(all.len(), 3, "{all:?}");
}

#[test]
fn who_says_nothing_means_what_was_said_before() {
    let book = book(&[], &[]);
    check(&book, Said::Tls("a.test"), "a.test");
    check(&book, Said::Nothing, "a.test");
    check(&book, Said::Host("elsewhere.test"), "a.test");
    assert_eq!(shown(&book), [r#"a.test ["a.test:443"] ["10.0.0.1:443"]"#]);
}

#[test]
fn one_server_is_one_dependency_whoever_comes_first() {
    let book = book(&[], &[]);
    check(&book, Said::Nothing, SHARED);
    check(&book, Said::Tls("a.test"), SHARED);
    check(&book, Said::Tls("b.test"), "b.test");
    check(&book, Said::Tls("a.test"), SHARED);
    check(&book, Said::Nothing, SHARED);
    assert_eq!(
        shown(&book),
        [
            r#"10.0.0.1:443 ["a.test:443"] ["10.0.0.1:443"]"#,
            r#"b.test ["b.test:443"] ["10.0.0.1:443"]"#,
        ]
    );
}

#[test]
fn an_address_whose_connections_all_have_names_is_no_dependency() {
    let book = book(&[], &[]);
    check(&book, Said::Tls("a.test"), "a.test");
    assert_eq!(shown(&book), [r#"a.test ["a.test:443"] ["10.0.0.1:443"]"#]);
}

#[test]
fn a_host_that_was_looked_up_is_kept_for_the_replay() {
    let book = book(&["alias.test"], &[]);
    check(&book, Said::Tls("a.test"), "a.test");
    assert_eq!(
        shown(&book),
        [
            r#"a.test ["a.test:443"] ["10.0.0.1:443"]"#,
            r#"alias.test ["alias.test:443"] ["10.0.0.1:443"]"#,
        ]
    );
}

#[test]
fn a_rule_goes_first() {
    let address = book(&["a.test", "b.test"], &[("gateway", "10.0.0.1")]);
    check(&address, Said::Tls("a.test"), "gateway");
    check(&address, Said::Tls("other.test"), "gateway");
    let both = book(&["b.test", "a.test"], &[("first", "a.test")]);
    check(&both, Said::Tls("a.test"), "first");
    check(&both, Said::Tls("b.test"), "b.test");
    check(&both, Said::Tls("unknown.test"), "first");
}
