use std::time::Duration;

use crate::Checks;
use retake_model::RuleAction;

use super::*;

#[test]
fn every_key_is_read() {
    let text = r#"
# the shop
retake: v1
record:
  listen: 127.0.0.1:8081
  upstream: localhost:8080
  proxy: 127.0.0.1:18080
  upstream_proxy: none
  dependencies:
    - {name: db, url: "postgres://127.0.0.1:5432", listen: "127.0.0.1:15432"}
    - name: payments
      env: PAYMENTS_URL
  redact: {headers: [X-Shop-Key], fields: [password]}
  exclude:
    - dependency: otel
    - path: /health*
  workers: 2
replay:
  ready: {path: /health, timeout: 30s}
  timeout: 250ms
  jobs: 4
  headers: {authorization: "Bearer ${TOKEN}", a: "1"}
  secrets: {redacted-0123456789abcdef01234567: "${ANN}"}
  strict: true
  env: {B: "2", A: "1"}
rules:
  - path: response.body.json.at
    ignore: true
    why: the clock
  - {path: "response.body.json.total", tolerance: 0.010}
"#;
    let settings = Settings::parse("retake.yaml", text.as_bytes()).expect("good settings");
    let record = &settings.record;
    assert_eq!(record.listen.as_deref(), Some("127.0.0.1:8081"));
    assert_eq!(record.upstream.as_deref(), Some("localhost:8080"));
    assert_eq!(record.proxy.as_deref(), Some("127.0.0.1:18080"));
    assert_eq!(record.upstream_proxy.as_deref(), Some("none"));
    assert_eq!(record.dependencies.len(), 2);
    assert_eq!(record.dependencies[1].env.as_deref(), Some("PAYMENTS_URL"));
    assert_eq!(record.redact.headers, ["x-shop-key"]);
    assert_eq!(record.redact.fields, ["password"]);
    assert!(record.exclude[1].matches(None, Some("/healthz")));
    assert_eq!(record.workers, Some(2));
    let replay = &settings.replay;
    assert_eq!(replay.ready, Some(Ready::Path("/health".into())));
    assert_eq!(replay.ready_timeout, Some(Duration::from_secs(30)));
    assert_eq!(replay.timeout, Some(Duration::from_millis(250)));
    assert_eq!(replay.jobs, Some(4));
    assert_eq!(replay.headers[0].1, "Bearer ${TOKEN}");
    assert_eq!(replay.secrets[0].1, "${ANN}");
    assert_eq!(replay.strict, Some(true));
    assert_eq!(replay.env[0].0, "B");
    assert_eq!(settings.rules[0].source, "retake.yaml:27");
    assert_eq!(settings.rules[1].action, RuleAction::Tolerance(0.01));
}

#[test]
fn nothing_has_to_be_set() {
    for text in [
        "",
        "# nothing yet\n",
        "---\n",
        "record: {}\n",
        "retake: v1\n",
    ] {
        let settings = Settings::parse("retake.yaml", text.as_bytes()).expect(text);
        assert_eq!(settings, Settings::default());
    }
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    for (text, line, column, message, hint) in [
        (
            "recrod: {}",
            1,
            1,
            "unknown key `recrod`",
            "did you mean `record`?",
        ),
        (
            "record:\n  lisen: x",
            2,
            3,
            "unknown key `lisen`",
            "did you mean `listen`?",
        ),
        ("retake: v2", 1, 9, "newer retake", "install"),
        ("record: [1]", 1, 9, "a list stands here", ""),
        ("record:\n  listen: 8080", 2, 11, "`8080` is no address", ""),
        ("record:\n  listen: http://x:80", 2, 11, "is no address", ""),
        ("record:\n  workers: 0", 2, 12, "`0` stands here", ""),
        (
            "record:\n  workers: many",
            2,
            12,
            "the text `many` stands here",
            "",
        ),
        (
            "record:\n  dependencies:\n    - name: a/b",
            3,
            13,
            "`a/b` is no name",
            "",
        ),
        (
            "record:\n  dependencies:\n    - name: a\n",
            3,
            7,
            "not said where `a`",
            "",
        ),
        (
            "record:\n  dependencies:\n    - {name: a, env: A}\n    - {name: a, env: B}",
            4,
            14,
            "`a` stands here twice",
            "another name",
        ),
        (
            "record:\n  dependencies:\n    - {name: a, url: db}",
            3,
            22,
            "does not say its protocol",
            "",
        ),
        (
            "record:\n  dependencies:\n    - {url: a}",
            3,
            7,
            "`name` is missing",
            "add the key `name`",
        ),
        (
            "record: {redact: {headers: [a b]}}",
            1,
            29,
            "`a b` is no name of a header",
            "",
        ),
        (
            "record: {redact: {fields: [body.json.password]}}",
            1,
            28,
            "`body.json.password` stands here",
            "name the field alone, not the path to it",
        ),
        ("record: {exclude: [{}]}", 1, 20, "exclude nothing", ""),
        (
            "replay: {timeout: 30}",
            1,
            19,
            "`30` has no unit",
            "write `30s`",
        ),
        (
            "replay: {timeout: soon}",
            1,
            19,
            "the text `soon` stands here",
            "",
        ),
        (
            "replay: {strict: maybe}",
            1,
            18,
            "the text `maybe` stands here",
            "",
        ),
        ("replay: {jobs: -1}", 1, 16, "`-1` stands here", ""),
        (
            "replay: {ready: {port: 1, log: x}}",
            1,
            17,
            "several ways",
            "",
        ),
        (
            "replay: {ready: {port: 70000}}",
            1,
            24,
            "`70000` stands here",
            "",
        ),
        (
            "replay: {headers: {a: x, a: y}}",
            1,
            19,
            "`a` stands here twice",
            "remove",
        ),
        (
            "replay: {secrets: {redacted-12: x}}",
            1,
            33,
            "`redacted-12` stands for no redacted credential",
            "",
        ),
        (
            "replay: {env: {\"A=B\": x}}",
            1,
            23,
            "no name of a variable",
            "",
        ),
        (
            "rules: [{path: \"response..x\", ignore: true}]",
            1,
            16,
            "no pattern of places",
            "",
        ),
        (
            "rules: [{path: body.x, ignore: true}]",
            1,
            16,
            "no place that is compared",
            "",
        ),
        ("rules:\n  - path: response.x\n", 2, 5, "does nothing", ""),
        (
            "rules:\n  - {path: response.x, ignore: true, type: true}\n",
            2,
            5,
            "several things",
            "",
        ),
        (
            "rules: [{path: response.x, tolerance: -1}]",
            1,
            39,
            "`-1` stands here",
            "",
        ),
        (
            "record: {}\nrecord: {}",
            1,
            1,
            "`record` stands here twice",
            "remove",
        ),
        ("record: &a {}", 1, 9, "an anchor", ""),
        ("record: {", 2, 1, "not YAML", ""),
        ("just text", 1, 1, "the text `just text` stands here", ""),
    ] {
        let problem = Settings::parse("retake.yaml", text.as_bytes()).expect_err(text);
        assert!(problem.message.contains(message), "{text}: {problem:?}");
        assert_eq!(
            (problem.line, problem.column),
            (line, column),
            "{text}: {problem:?}"
        );
        let said = problem.hint.clone().unwrap_or_default();
        assert!(said.contains(hint), "{text}: {problem:?}");
    }
}

#[test]
fn an_absent_file_is_no_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("retake.yaml");
    assert_eq!(Settings::load(&path, &Checks::default()), Ok(None));
    std::fs::write(&path, "replay: {jobs: 3}\n").expect("written");
    let settings = Settings::load(&path, &Checks::default())
        .expect("good")
        .expect("there");
    assert_eq!(settings.replay.jobs, Some(3));
    std::fs::write(&path, b"replay: \xff\n").expect("written");
    let error = Settings::load(&path, &Checks::default()).expect_err("not UTF-8");
    assert_eq!((error.line, error.column, &error.file), (1, 9, &path));
}
