use super::*;

#[track_caller]
fn check(value: &str, protocol: Option<&str>, upstream: &str, rewritten: &str) {
    let found = env_dependency("ORDER_DB_URL", value).unwrap();
    assert_eq!(&*found.dep.name, "order-db");
    assert_eq!(found.dep.protocol.map(|id| id.0), protocol);
    assert_eq!(found.dep.upstream.to_string(), upstream);
    assert_eq!(
        found.rewritten("127.0.0.1:19999".parse().unwrap()),
        rewritten
    );
}

#[test]
fn only_host_and_port_are_replaced() {
    let pg = Some("postgres");
    check(
        "postgres://us%40er:p%3Aw@db.local:5433/shop?sslmode=disable#x",
        pg,
        "db.local:5433",
        "postgres://us%40er:p%3Aw@127.0.0.1:19999/shop?sslmode=disable#x",
    );
    check(
        "postgresql+psycopg2://u@[::1]/db",
        pg,
        "[::1]:5432",
        "postgresql+psycopg2://u@127.0.0.1:19999/db",
    );
    check(
        "jdbc:postgresql://h:1/db?user=u",
        pg,
        "h:1",
        "jdbc:postgresql://127.0.0.1:19999/db?user=u",
    );
    check(
        "http://127.0.0.1:8080/v1?to=http://x:1/",
        Some("http"),
        "127.0.0.1:8080",
        "http://127.0.0.1:19999/v1?to=http://x:1/",
    );
    check("HTTP://h", Some("http"), "h:80", "HTTP://127.0.0.1:19999");
    check(
        "https://api.example/v1",
        Some("http"),
        "api.example:443",
        "https://127.0.0.1:19999/v1",
    );
    check(" h:7 ", None, "h:7", " 127.0.0.1:19999 ");
    check("[::1]:7", None, "[::1]:7", "127.0.0.1:19999");
}

#[test]
fn keyword_forms_keep_their_order_and_quotes() {
    let pg = Some("postgres");
    check(
        "user=u host=db.local port=5433 password='a host=b' dbname=d",
        pg,
        "db.local:5433",
        "user=u host=127.0.0.1 port=19999 password='a host=b' dbname=d",
    );
    check(
        "port = 5433  host = 'h'",
        pg,
        "h:5433",
        "port = 19999  host = '127.0.0.1'",
    );
    check(
        "host=h dbname=d",
        pg,
        "h:5432",
        "host=127.0.0.1 port=19999 dbname=d",
    );
    check(
        "Host=h;Username=u;Password=p w",
        pg,
        "h:5432",
        "Host=127.0.0.1;port=19999;Username=u;Password=p w",
    );
    check(
        "host=name hostaddr=10.0.0.1 port=1",
        pg,
        "10.0.0.1:1",
        "host=name hostaddr=127.0.0.1 port=19999",
    );
}

#[test]
fn names_come_from_the_variable() {
    for (variable, name) in [
        ("DATABASE_URL", "database"),
        ("PAYMENTS_BASE_URL", "payments"),
        ("REDIS", "redis"),
        ("_URL", "-url"),
    ] {
        assert_eq!(name_of(variable), name);
    }
}

#[test]
fn what_cannot_be_used_is_an_error_with_a_hint_and_without_the_password() {
    for (value, part) in [
        ("", "empty"),
        ("postgres://u:secret@a,b/db", "several hosts"),
        ("a:1,b:2", "several hosts"),
        ("h", "port is missing"),
        ("dbname=d", "no host"),
        ("host=/var/run/postgresql password=secret", "Unix socket"),
        ("host=h port=x", "port is not a number"),
        ("host='h", "quote"),
    ] {
        let error = env_dependency("V", value).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(!error.hint.is_empty());
    }
}

#[test]
fn warns_where_a_client_trusts_other_certificates_or_a_host_name_is_lost() {
    let warning = |value| env_dependency("V", value).unwrap().warning;
    for value in [
        "postgres://h/db?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "Host=h;SSL Mode=VerifyFull;Root Certificate=/etc/ca.pem",
    ] {
        assert!(warning(value).is_some_and(|w| w.contains("names what the service trusts")));
    }
    assert!(warning("http://pay.local/").is_some_and(|w| w.contains("host:")));
    for value in ["postgres://h/db?sslmode=require", "https://localhost:1"] {
        assert_eq!(warning(value), None);
    }
}
