use super::*;

fn redactor() -> Redactor {
    let more = RedactSettings {
        headers: vec!["X-Tenant-Key".to_owned()],
        fields: vec!["pass_phrase".to_owned(), "PIN".to_owned()],
    };
    Redactor::new([7; 32], &more)
}

fn redact(name: &str, value: &str) -> (String, Vec<String>) {
    let header = Value::map([(name, Value::text(value))]);
    let mut message = Value::map([("headers", Value::List(vec![header]))]);
    let mut found = Vec::new();
    redactor().http(&mut message, &mut found);
    let value = message
        .get("headers")
        .and_then(|h| h.as_list()?.first()?.get(name)?.as_str().map(str::to_owned));
    (value.expect("the header stays"), found)
}

#[test]
fn credentials_leave_their_scheme_and_a_token() {
    let token = redactor().token("abc.def");
    assert_eq!(token.len(), "redacted-".len() + 24);
    let check = |name: &str, value: &str, expected: &str, secrets: &[&str]| {
        assert_eq!(
            redact(name, value),
            (
                expected.to_owned(),
                secrets.iter().map(|s| (*s).to_owned()).collect()
            )
        );
    };
    check(
        "Authorization",
        "Bearer abc.def",
        &format!("Bearer {token}"),
        &["abc.def"],
    );
    check("x-api-key", "abc.def", &token, &["abc.def"]);
    check("X-TENANT-KEY", "abc.def", &token, &["abc.def"]);
    check("accept", "abc.def", "abc.def", &[]);
    check("authorization", "", "", &[]);
}

#[test]
fn only_cookies_that_carry_credentials_are_redacted() {
    let token = redactor().token("0123456789abcdef");
    let (cookie, found) = redact("Cookie", "theme=dark; id=0123456789abcdef; sid=1");
    let short = redactor().token("1");
    assert_eq!(cookie, format!("theme=dark; id={token}; sid={short}"));
    assert_eq!(found, ["0123456789abcdef", "1"]);
    let (cookie, _) = redact(
        "set-cookie",
        "id=0123456789abcdef; Path=/; Expires=Thu, 01 Jan 2026 00:00:00 GMT",
    );
    assert_eq!(
        cookie,
        format!("id={token}; Path=/; Expires=Thu, 01 Jan 2026 00:00:00 GMT")
    );
}

#[test]
fn the_same_secret_gives_the_same_token_everywhere() {
    let redactor = redactor();
    let mut call = Value::map([("sql", Value::text("select * from s where key = 'abc.defg'"))]);
    redactor.elsewhere(&mut call, &["abc.defg".to_owned()]);
    let expected = format!(
        "select * from s where key = '{}'",
        redactor.token("abc.defg")
    );
    assert_eq!(
        call.get("sql").and_then(Value::as_str),
        Some(expected.as_str())
    );
}

#[test]
fn query_keys_that_carry_credentials_are_redacted() {
    let mut message = Value::map([("path", Value::text("/a?x=1&access_token=tt&y="))]);
    redactor().http(&mut message, &mut Vec::new());
    let expected = format!("/a?x=1&access_token={}&y=", redactor().token("tt"));
    assert_eq!(
        message.get("path").and_then(Value::as_str),
        Some(expected.as_str())
    );
}

#[test]
fn fields_of_json_that_carry_credentials_are_redacted() {
    let secret = "2oXWczCWm-X9svlyUpOuWzkH";
    let field = |name: &str, value: &str| Value::map([(name, Value::text(value))]);
    let body = |fields: Value| {
        let json = Value::List(vec![fields]);
        let encoded = Value::Bytes(b"..".to_vec().into());
        let body = Value::map([("json", json), ("encoded", encoded)]);
        Value::map([("body", body)])
    };
    for name in [
        "token",
        "access_token",
        "refreshToken",
        "ID-Token",
        "refresh",
        "password_reset_token",
    ] {
        let mut message = body(field(name, secret));
        let mut found = Vec::new();
        redactor().http(&mut message, &mut found);
        assert_eq!(found, [secret]);
        let hidden = field(name, &redactor().token(secret));
        let expected = Value::map([("json", Value::List(vec![hidden]))]);
        assert_eq!(message.get("body"), Some(&expected));
    }
    for (name, value) in [
        ("token", "next:2"),
        ("password", secret),
        ("page_token", secret),
        ("nextPageToken", secret),
        ("access", secret),
    ] {
        let mut message = body(field(name, value));
        redactor().http(&mut message, &mut Vec::new());
        assert_eq!(message, body(field(name, value)));
    }
}

#[test]
fn fields_that_the_settings_name_are_redacted_whatever_their_place() {
    let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).into()).collect());
    let message = |secret: &str, pin: &str, query: &str| {
        let user = Value::map([("passPhrase", Value::text(secret)), ("pin", Value::Null)]);
        let json = Value::map([("user", user), ("other", Value::text("s3cr3t"))]);
        let form = Value::List(vec![
            list(&["pin", pin]),
            list(&["pin", ""]),
            list(&["pin"]),
        ]);
        let body = Value::map([("json", json), ("form", form)]);
        Value::map([
            ("path", Value::text(format!("/a?Pass-Phrase={query}"))),
            ("body", body),
        ])
    };
    let (redactor, mut found) = (redactor(), Vec::new());
    let mut before = message("s3cr3t", "1234", "abc");
    redactor.http(&mut before, &mut found);
    let [secret, pin, query] = ["s3cr3t", "1234", "abc"].map(|secret| redactor.token(secret));
    assert_eq!(before, message(&secret, &pin, &query));
    assert_eq!(found, ["s3cr3t", "1234", "abc"]);
}

#[test]
fn a_json_web_token_is_a_credential_whatever_its_name() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJlLW9mLXRoaXM";
    let json = Value::map([("access", Value::text(token)), ("other", "eyJh.b.c".into())]);
    let mut message = Value::map([("body", Value::map([("json", json)]))]);
    let mut found = Vec::new();
    redactor().http(&mut message, &mut found);
    assert_eq!(found, [token]);
    let hidden = redactor().token(token);
    let json = Value::map([
        ("access", Value::text(hidden)),
        ("other", "eyJh.b.c".into()),
    ]);
    let expected = Value::map([("json", json)]);
    assert_eq!(message.get("body"), Some(&expected));
}

#[test]
fn passwords_in_addresses_are_redacted() {
    let token = redactor().token("p@ss");
    assert_eq!(
        redactor().url("postgres://u:p@ss@h:5/d"),
        format!("postgres://u:{token}@h:5/d")
    );
    assert_eq!(redactor().url("http://h:5/d@e:f"), "http://h:5/d@e:f");
    assert_eq!(
        redactor().url("host=h password=p@ss"),
        format!("host=h password={token}")
    );
}
