use super::client::*;
use super::*;

#[test]
fn greets_with_defaults_where_nothing_was_recorded() {
    let mut talk = Talk::silent(|_| None);
    let ssl = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];
    talk.feed(&ssl).unwrap();
    assert_eq!(talk.sent, b"N");
    talk.sent.clear();
    let parameters = [
        "user",
        "ann",
        "client_encoding",
        "utf-8",
        "TimeZone",
        "Asia/Tokyo",
    ];
    talk.feed(&startup(&parameters)).unwrap();
    let lines = lines(&talk.sent);
    assert_eq!(lines.first().map(String::as_str), Some("authentication 0"));
    assert_eq!(lines.last().map(String::as_str), Some("ready I"));
    for wanted in [
        "client_encoding=UTF8",
        "TimeZone=Asia/Tokyo",
        "session_authorization=ann",
        "standard_conforming_strings=on",
        "key of 4",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted}");
    }
    let (request, reading) = &talk.asked[0];
    assert_eq!(*reading, Reading::Probe);
    let started = request.get("startup").unwrap();
    assert_eq!(started.get("TimeZone"), Some(&"Asia/Tokyo".into()));
}

#[test]
fn greets_as_recorded_but_for_what_the_client_decides() {
    let mut talk = Talk::silent(|_| {
        let recorded = [("server_version", "9.6.1"), ("application_name", "old")];
        let recorded = recorded.map(|(name, value)| (name, Value::from(value)));
        Some(Value::map([("parameters", Value::map(recorded))]))
    });
    talk.feed(&startup(&["user", "ann", "application_name", "new"]))
        .unwrap();
    assert_eq!(
        lines(&talk.sent),
        [
            "authentication 0",
            "server_version=9.6.1",
            "application_name=new",
            "key of 4",
            "ready I"
        ]
    );
}

#[test]
fn negotiates_what_it_does_not_know() {
    let mut talk = Talk::silent(|_| None);
    talk.feed(&startup_of(9, &["user", "ann", "_pq_.x", "1"]))
        .unwrap();
    assert_eq!(lines(&talk.sent)[0], "3.2 [\"_pq_.x\"]");
    let mut talk = Talk::silent(|_| None);
    talk.feed(&startup_of(2, &["user", "ann"])).unwrap();
    assert_eq!(lines(&talk.sent)[0], "authentication 0");
}

#[test]
fn a_recorded_refusal_is_served_and_ends_the_connection() {
    let mut talk = Talk::silent(|_| Some(error("3D000")));
    talk.feed(&startup(&["user", "ann"])).unwrap();
    assert_eq!(lines(&talk.sent), ["ERROR 3D000"]);
    assert!(talk.closed);
}

#[test]
fn a_cancel_request_is_closed_quietly() {
    let mut talk = Talk::silent(|_| None);
    talk.feed(&[0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2])
        .unwrap();
    assert!(talk.closed && talk.sent.is_empty() && talk.asked.is_empty());
    assert_eq!(talk.waits, [(Step::GiveUp(1), 0)]);
}

#[test]
fn what_a_client_gave_up_waiting_for_is_sent_once_it_gives_up_again() {
    let cancelled = |message: &'static str| {
        let mut talk = Talk::new(move |_| {
            let fields = [("code", "57014"), ("message", message)];
            let error = fields.map(|(name, text)| (name, Value::from(text)));
            Some(Value::map([("error", Value::map(error))]))
        });
        let said = talk.say(&[query("select pg_sleep(5)")]);
        assert_eq!(said, ["ERROR 57014", "ready I"]);
        talk.waits
    };
    let by_client = cancelled("canceling statement due to user request");
    assert!(matches!(by_client.as_slice(), [(Step::Wait(_), 0)]));
    let by_server = cancelled("canceling statement due to statement timeout");
    assert_eq!(by_server, []);
}

#[test]
fn scenario_24_simple_queries_give_text_and_the_session_goes_on_after_a_miss() {
    let mut talk = Talk::new(|request| {
        (request.get("sql")?.as_str()? == "select 1").then(|| rows(&["a int4"], &[&["1"]]))
    });
    assert_eq!(
        talk.say(&[query("select 1")]),
        ["columns a:23:t", "row \"1\"", "SELECT 1", "ready I"]
    );
    assert_eq!(talk.say(&[query("select 2")]), ["ERROR RT404", "ready I"]);
    assert_eq!(talk.say(&[query("select 1")]).len(), 4);
    let expect = Value::map([("sql", "select 1".into()), ("simple", true.into())]);
    assert_eq!(talk.asked[0], (expect, Reading::Call));
}

#[test]
fn strings_of_statements_give_their_results_up_to_an_error() {
    let mut talk = Talk::new(|_| {
        let results = vec![tag("BEGIN"), rows(&["a int4"], &[]), error("22012")];
        Some(Value::map([("results", Value::List(results))]))
    });
    assert_eq!(
        talk.say(&[query("begin; select 1 where false; select 1/0; commit")]),
        [
            "BEGIN",
            "columns a:23:t",
            "SELECT 0",
            "ERROR 22012",
            "ready E"
        ]
    );
}

#[test]
fn transactions_are_followed() {
    let mut talk = Talk::new(|request| match request.get("sql")?.as_str()? {
        "select 1/0" => Some(error("22012")),
        "select 1" => Some(rows(&["a int4"], &[&["1"]])),
        "select 2" => Some(error("25P02")),
        "commit" => Some(tag("COMMIT")),
        _ => None,
    });
    let mut check =
        |sql: &str, expect: &[&str]| assert_eq!(talk.say(&[query(sql)]), expect, "{sql}");
    check("begin", &["BEGIN", "ready T"]);
    check("savepoint a", &["SAVEPOINT", "ready T"]);
    check("select 1/0", &["ERROR 22012", "ready E"]);
    // Recorded outside of a failed transaction: not an answer here.
    check("select 1", &["ERROR 25P02", "ready E"]);
    check("select 2", &["ERROR 25P02", "ready E"]);
    check("select 3", &["ERROR 25P02", "ready E"]);
    check("rollback to a", &["ROLLBACK", "ready T"]);
    check("select 1/0", &["ERROR 22012", "ready E"]);
    check("commit", &["ROLLBACK", "ready I"]);
    check("begin", &["BEGIN", "ready T"]);
    check("commit and chain", &["COMMIT", "ready T"]);
    check("rollback", &["ROLLBACK", "ready I"]);
    check("select 1/0", &["ERROR 22012", "ready I"]);
}

#[test]
fn scenario_24_a_transaction_that_failed_by_a_miss_ends_where_the_next_begins() {
    let mut talk = Talk::new(|request| match request.get("sql")?.as_str()? {
        _ if request.get("aborted").is_some() => None,
        "select 1/0" => Some(error("22012")),
        "select 1" => Some(rows(&["a int4"], &[&["1"]])),
        _ => None,
    });
    let mut check =
        |sql: &str, expect: &[&str]| assert_eq!(talk.say(&[query(sql)]), expect, "{sql}");
    check("begin", &["BEGIN", "ready T"]);
    check("select 7", &["ERROR RT404", "ready E"]);
    // What the service does in it is refused, as ever.
    check("select 1", &["ERROR 25P02", "ready E"]);
    // A service that gave the connection back as it was gets its next transaction all the same.
    check("begin", &["BEGIN", "ready T"]);
    let one = ["columns a:23:t", "row \"1\"", "SELECT 1", "ready T"];
    check("select 1", &one);
    // An error that was recorded is the service's to clear up.
    check("select 1/0", &["ERROR 22012", "ready E"]);
    check("begin", &["ERROR 25P02", "ready E"]);
    check("rollback", &["ROLLBACK", "ready I"]);
}

#[test]
fn set_up_that_was_not_recorded_is_answered_and_does_not_count() {
    let mut talk = Talk::new(|_| None);
    assert_eq!(
        talk.say(&[query("SET client_encoding TO 'UTF-8'")]),
        ["SET", "client_encoding=UTF8", "ready I"]
    );
    assert_eq!(talk.asked[0].1, Reading::Probe);
    assert_eq!(
        talk.say(&[query("DEALLOCATE ALL")]),
        ["DEALLOCATE ALL", "ready I"]
    );
    assert_eq!(
        talk.say(&[query("set search_path to x")]),
        ["ERROR RT404", "ready I"]
    );
    assert_eq!(talk.asked[2].1, Reading::Call);
    assert_eq!(talk.say(&[query("")]), ["EmptyQueryResponse", "ready I"]);
}

#[test]
fn what_came_with_an_answer_is_sent_with_it() {
    let mut talk = Talk::new(|_| {
        let notice = Value::map(
            [("severity", "NOTICE"), ("code", "00000"), ("message", "n")]
                .map(|(n, t)| (n, Value::from(t))),
        );
        let note = Value::map([
            ("channel", Value::from("c")),
            ("payload", "p".into()),
            ("pid", 3.into()),
        ]);
        Some(Value::map([
            ("tag", Value::from("DO")),
            ("notices", Value::List(vec![notice])),
            ("status", Value::map([("TimeZone", Value::from("UTC"))])),
            ("notify", Value::List(vec![note])),
        ]))
    });
    assert_eq!(
        talk.say(&[query("do $$ $$")]),
        ["notice n", "DO", "TimeZone=UTC", "notify c p", "ready I"]
    );
}

#[test]
fn a_session_that_listens_is_told_what_is_due_while_it_is_quiet() {
    // Everything is due once.
    let mut told = Vec::new();
    let mut talk = Talk::new(move |request| {
        let channel = request.get("listening")?;
        if told.contains(channel) {
            return None;
        }
        told.push(channel.clone());
        let note = Value::map([
            ("channel", channel.clone()),
            ("payload", "p".into()),
            ("pid", 3.into()),
        ]);
        Some(Value::map([("notify", Value::List(vec![note]))]))
    });
    assert_eq!(talk.wake(), [""; 0]);
    let listen = |name: &str| query(&format!("listen {name};"));
    assert_eq!(talk.say(&[listen("News")]), ["LISTEN", "ready I"]);
    assert_eq!(talk.wake(), ["notify news p"]);
    assert_eq!(talk.wake(), [""; 0]);
    // LISTEN counts from the end of its transaction.
    talk.say(&[query("begin"), listen("\"A b\"")]);
    assert_eq!(talk.wake(), [""; 0]);
    talk.say(&[query("commit")]);
    assert_eq!(talk.wake(), ["notify A b p"]);
    // Between Parse and Sync a server sends none.
    talk.say(&[listen("c"), parse("s", "select 1", &[])]);
    assert_eq!(talk.wake(), [""; 0]);
    talk.say(&[sync(), query("unlisten c")]);
    assert_eq!(talk.wake(), [""; 0]);
    talk.say(&[listen("d"), query("unlisten *")]);
    assert_eq!(talk.wake(), [""; 0]);
}

#[test]
fn what_runs_a_prepared_statement_by_name_is_asked_with_its_text() {
    let mut talk = Talk::new(|request| {
        let sql = request.get("sql")?.as_str()?;
        Some(tag(if sql.starts_with("prepare") {
            "PREPARE"
        } else {
            "X"
        }))
    });
    talk.say(&[
        query("prepare s_1 as select n from t"),
        query("execute s_1"),
    ]);
    talk.say(&[parse("s_2", "select m from t", &[]), sync()]);
    talk.say(&[query("explain execute s_2"), query("execute s_3")]);
    let texts: Vec<_> = talk
        .asked
        .iter()
        .map(|(request, _)| request.get("prepared").and_then(Value::as_str))
        .collect();
    let expect = [None, Some("select n from t"), Some("select m from t"), None];
    assert_eq!(texts, expect);
}

#[test]
fn copy_in_is_asked_with_its_data() {
    let mut talk = Talk::new(|request| {
        let data = request.get("copy")?.as_str()?;
        (data == "1\ta\n2\tb\n").then(|| tag("COPY 2"))
    });
    let data = |text: &str| message(b'd', text.as_bytes());
    assert_eq!(
        talk.say(&[query("copy t (a, b) from stdin")]),
        ["copy in 2"]
    );
    assert_eq!(
        talk.say(&[data("1\ta"), data("\n2\tb\n"), message(b'c', b"")]),
        ["COPY 2", "ready I"]
    );
    assert_eq!(talk.say(&[query("copy t from stdin")]), ["copy in 0"]);
    assert_eq!(
        talk.say(&[data("1\ta"), message(b'f', b"gone\0")]),
        ["ERROR RT404", "ready I"]
    );
    let (request, _) = talk.asked.last().unwrap();
    assert_eq!(request.get("copy_failed"), Some(&"gone".into()));
}

#[test]
fn a_copy_that_was_refused_before_it_took_data_is_refused_again() {
    let mut talk = Talk::new(|request| {
        let error =
            Value::map([("code", "42P01"), ("message", "no t")].map(|(k, v)| (k, v.into())));
        request
            .get("copy")
            .is_none()
            .then(|| Value::map([("error", error)]))
    });
    assert_eq!(
        talk.say(&[query("copy t from stdin")]),
        ["ERROR 42P01", "ready I"]
    );
    // What a client sent at once, without waiting, is passed over.
    assert_eq!(
        talk.say(&[
            parse("", "copy t from stdin", &[]),
            bind("", "", 0, &[], &[]),
            execute("", 0),
            message(b'd', b"1\n"),
            message(b'c', b""),
            sync(),
        ]),
        ["ParseComplete", "BindComplete", "ERROR 42P01", "ready I"]
    );
}

#[test]
fn several_copies_in_one_string_are_asked_with_all_their_data() {
    let mut talk = Talk::new(|request| {
        let copies = Value::List(vec!["1\n".into(), "2\n".into()]);
        let results = ["BEGIN", "COPY 1", "COPY 1", "COMMIT"].map(tag);
        (request.get("copy") == Some(&copies))
            .then(|| Value::map([("results", Value::List(results.to_vec()))]))
    });
    let data = |text: &str| [message(b'd', text.as_bytes()), message(b'c', b"")].concat();
    assert_eq!(
        talk.say(&[
            query("begin; copy a (x) from stdin; copy b (x, y) from stdin; commit"),
            data("1\n"),
            data("2\n"),
        ]),
        [
            "copy in 1",
            "copy in 2",
            "BEGIN",
            "COPY 1",
            "COPY 1",
            "COMMIT",
            "ready I"
        ]
    );
    let calls = talk.asked.iter().filter(|(_, how)| *how == Reading::Call);
    assert_eq!(calls.count(), 1);
}

#[test]
fn copy_out_is_sent_row_by_row() {
    let mut talk = Talk::new(|_| {
        Some(Value::map([
            ("copy", Value::from("1\ta\n2\tb\n")),
            ("tag", "COPY 2".into()),
        ]))
    });
    assert_eq!(
        talk.say(&[query("copy t to stdout")]),
        [
            "copy out 2",
            "data \"1\\ta\\n\"",
            "data \"2\\tb\\n\"",
            "CopyDone",
            "COPY 2",
            "ready I"
        ]
    );
    let mut binary = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    let header = binary.len();
    binary.extend(b"\0\x02\0\0\0\x01a\xff\xff\xff\xff");
    binary.extend(b"\0\x02\0\0\0\x01b\0\0\0\0");
    binary.extend(b"\xff\xff");
    let mut talk = Talk::new(move |_| {
        Some(Value::map([
            ("copy", Value::Bytes(binary.clone().into())),
            ("tag", "COPY 2".into()),
        ]))
    });
    let said = talk.say(&[query("copy t to stdout binary")]);
    let data = said.iter().filter(|line| line.starts_with("data"));
    assert_eq!(
        (said[0].as_str(), data.count(), header),
        ("copy out 2", 3, 19)
    );
}

#[test]
fn functions_are_asked_by_their_number() {
    let mut talk = Talk::new(|request| {
        assert_eq!(request.get("function")?.as_i64(), Some(1598));
        Some(Value::map([("result", Value::from("0.5"))]))
    });
    let call = message(b'F', b"\0\0\x06\x3e\0\0\0\0\0\0");
    assert_eq!(talk.say(&[call]), ["result Some(\"0.5\")", "ready I"]);
}
