use super::client::*;
use super::*;

/// A table of items, as recorded.
fn items(request: &Value) -> Option<Value> {
    let described = request.get("describe").and_then(Value::as_str);
    if described == Some("select id, price from items where id > $1") {
        let mut tree = Value::map([("parameters", Value::List(vec!["int4".into()]))]);
        tree.push(
            "columns",
            rows(&["id int4", "price numeric"], &[])
                .get("columns")?
                .clone(),
        );
        return Some(tree);
    }
    let sql = request.get("sql")?.as_str()?;
    let params = request
        .get("params")
        .and_then(Value::as_list)
        .unwrap_or_default();
    (sql == "select id, price from items where id > $1" && params == ["1".into()]).then(|| {
        rows(
            &["id int4", "price numeric"],
            &[&["2", "1.50"], &["3", "20"]],
        )
    })
}

const SQL: &str = "select id, price from items where id > $1";

#[test]
fn scenario_18_a_client_that_was_told_text_sends_text_in_binary() {
    // The recorded driver gave no type; this one asks, is told that any text will do, and sends
    // it in its binary form.
    let mut talk = Talk::new(|request| {
        let described = request.get("describe").is_some();
        let parameters = Value::List(vec![Value::Null]);
        described.then(|| Value::map([("parameters", parameters)]))
    });
    talk.say(&[
        parse("s", "insert into t values ($1)", &[]),
        describe(b'S', "s"),
        sync(),
    ]);
    talk.say(&[
        bind("", "s", 1, &[Some(b"one")], &[]),
        execute("", 0),
        sync(),
    ]);
    let (asked, _) = talk.asked.last().unwrap();
    assert_eq!(asked.get("params"), Some(&Value::List(vec!["one".into()])));
}

#[test]
fn labels_of_enumerations_are_served_and_asked_in_either_format() {
    let mut talk = Talk::new(|_| Some(rows(&["mood 16390"], &[&["happy"]])));
    for format in [0, 1] {
        let said = talk.say(&[
            parse("", "select $1", &[16_390]),
            bind("", "", format, &[Some(b"happy")], &[format]),
            execute("", 0),
            sync(),
        ]);
        assert!(said.contains(&"row \"happy\"".to_owned()), "{said:?}");
        let (asked, _) = talk.asked.last().unwrap();
        assert_eq!(
            asked.get("params"),
            Some(&Value::List(vec!["happy".into()]))
        );
    }
    // A composite's text is not its binary form.
    let mut talk = Talk::new(|_| Some(rows(&["pair 16400"], &[&["(1,a)"]])));
    let said = talk.say(&[
        parse("", "select 1", &[]),
        bind("", "", 0, &[], &[1]),
        execute("", 0),
        sync(),
    ]);
    assert!(said.contains(&"ERROR RT500".to_owned()), "{said:?}");
}

#[test]
fn text_and_binary_parameters_ask_the_same() {
    let mut talk = Talk::new(items);
    let one: &[u8] = &[0, 0, 0, 1];
    for (types, format, param, described) in [
        (&[][..], 0, &b"1"[..], false),
        (&[23], 0, b"1", false),
        (&[23], 1, one, false),
        // The type of a binary parameter is not told: the recording is asked first.
        (&[], 1, one, true),
    ] {
        talk.asked.clear();
        let said = talk.say(&[
            parse("", SQL, types),
            bind("", "", format, &[Some(param)], &[]),
            execute("", 0),
            sync(),
        ]);
        assert_eq!(
            said,
            [
                "ParseComplete",
                "BindComplete",
                "row \"2\" \"1.50\"",
                "row \"3\" \"20\"",
                "SELECT 2",
                "ready I"
            ]
        );
        let (request, reading) = talk.asked.last().unwrap();
        assert_eq!(*reading, Reading::Call);
        assert_eq!(request.get("sql"), Some(&SQL.into()));
        assert_eq!(request.get("params"), Some(&Value::List(vec!["1".into()])));
        assert_eq!(talk.asked.len() == 2, described);
    }
}

#[test]
fn rows_come_in_the_formats_that_were_asked_for() {
    let mut talk = Talk::new(items);
    let said = talk.say(&[
        parse("s", SQL, &[]),
        describe(b'S', "s"),
        sync(),
        bind("p", "s", 0, &[Some(b"1")], &[1, 0]),
        describe(b'P', "p"),
        execute("p", 0),
        sync(),
    ]);
    assert_eq!(
        said,
        [
            "ParseComplete",
            "takes [23]",
            "columns id:23:t price:1700:t",
            "ready I",
            "BindComplete",
            "columns id:23:b price:1700:t",
            "row \"\\0\\0\\0\\u{2}\" \"1.50\"",
            "row \"\\0\\0\\0\\u{3}\" \"20\"",
            "SELECT 2",
            "ready I"
        ]
    );
    let readings: Vec<Reading> = talk.asked.iter().map(|(_, reading)| *reading).collect();
    assert_eq!(readings, [Reading::Probe, Reading::Call]);
}

#[test]
fn a_portal_that_is_not_executed_is_described_from_the_statement() {
    let mut talk = Talk::new(items);
    let said = talk.say(&[
        parse("", SQL, &[]),
        bind("", "", 0, &[Some(b"1")], &[1]),
        describe(b'P', ""),
        message(b'H', b""),
    ]);
    assert_eq!(
        said,
        [
            "ParseComplete",
            "BindComplete",
            "columns id:23:b price:1700:b"
        ]
    );
    assert_eq!(talk.asked.len(), 1);
    assert_eq!(talk.say(&[execute("", 0), sync()]).len(), 4);
}

#[test]
fn row_limits_suspend_and_go_on() {
    let mut talk = Talk::new(items);
    let begin = [parse("", SQL, &[]), bind("c", "", 0, &[Some(b"1")], &[])];
    talk.say(&begin);
    assert_eq!(
        talk.say(&[execute("c", 1)]),
        ["row \"2\" \"1.50\"", "PortalSuspended"]
    );
    assert_eq!(
        talk.say(&[execute("c", 1)]),
        ["row \"3\" \"20\"", "PortalSuspended"]
    );
    assert_eq!(talk.say(&[execute("c", 1)]), ["SELECT 0"]);
    assert_eq!(
        talk.say(&[execute("c", 1), sync()]),
        ["SELECT 0", "ready I"]
    );
    // It was asked once, and ended with its transaction.
    assert_eq!(talk.asked.len(), 1);
    assert_eq!(
        talk.say(&[execute("c", 1), sync()]),
        ["ERROR 34000", "ready I"]
    );
}

#[test]
fn rows_beyond_those_recorded_are_not_made_up() {
    let mut talk = Talk::new(|request| {
        let mut tree = items(request)?;
        tree.push("suspended", true.into());
        Some(tree)
    });
    talk.say(&[parse("", SQL, &[]), bind("c", "", 0, &[Some(b"1")], &[])]);
    assert_eq!(
        talk.say(&[execute("c", 2)]).last().unwrap(),
        "PortalSuspended"
    );
    assert_eq!(
        talk.say(&[execute("c", 2), sync()]),
        ["ERROR RT500", "ready I"]
    );
}

#[test]
fn after_an_error_messages_are_passed_over_up_to_sync() {
    let mut talk = Talk::new(items);
    let said = talk.say(&[
        parse("", "select unknown", &[]),
        bind("", "", 0, &[], &[]),
        describe(b'P', ""),
        execute("", 0),
        parse("", SQL, &[]),
        execute("", 0),
        sync(),
        parse("", SQL, &[]),
        bind("", "", 0, &[Some(b"1")], &[]),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(
        &said[..4],
        ["ParseComplete", "BindComplete", "ERROR RT404", "ready I"]
    );
    assert_eq!(said.last().unwrap(), "ready I");
    assert_eq!(said.len(), 10);
}

#[test]
fn an_unknown_statement_is_a_miss_that_counts_when_it_is_described() {
    let mut talk = Talk::new(items);
    let said = talk.say(&[parse("s", "select $1", &[]), describe(b'S', "s"), sync()]);
    assert_eq!(said, ["ParseComplete", "ERROR RT404", "ready I"]);
    let readings: Vec<Reading> = talk.asked.iter().map(|(_, reading)| *reading).collect();
    assert_eq!(readings, [Reading::Probe, Reading::Call]);
    assert_eq!(talk.asked[1].0.get("sql"), Some(&"select $1".into()));
    // What needs no recording is described as a server does.
    let said = talk.say(&[parse("b", "BEGIN", &[]), describe(b'S', "b"), sync()]);
    assert_eq!(said, ["ParseComplete", "takes []", "NoData", "ready I"]);
}

#[test]
fn names_are_used_as_a_server_does() {
    let mut talk = Talk::new(items);
    let check = |talk: &mut Talk, messages: &[Vec<u8>], expect: &str| {
        assert_eq!(talk.say(&[messages, &[sync()]].concat())[0], expect);
    };
    check(&mut talk, &[parse("s", SQL, &[])], "ParseComplete");
    check(&mut talk, &[parse("s", SQL, &[])], "ERROR 42P05");
    check(&mut talk, &[bind("", "t", 0, &[], &[])], "ERROR 26000");
    check(&mut talk, &[execute("p", 0)], "ERROR 34000");
    check(&mut talk, &[describe(b'P', "p")], "ERROR 34000");
    check(&mut talk, &[message(b'C', b"Ss\0")], "CloseComplete");
    check(&mut talk, &[message(b'C', b"Ss\0")], "CloseComplete");
    check(&mut talk, &[bind("", "s", 0, &[], &[])], "ERROR 26000");
    check(&mut talk, &[parse("S_1", SQL, &[])], "ParseComplete");
    talk.say(&[query("DEALLOCATE \"S_1\"")]);
    check(&mut talk, &[bind("", "S_1", 0, &[], &[])], "ERROR 26000");
}

#[test]
fn a_value_that_is_not_of_its_type_blames_the_recording() {
    let mut talk = Talk::new(|_| Some(rows(&["a int4"], &[&["many"]])));
    let ask = |format| {
        [
            parse("", "select a from t", &[]),
            bind("", "", 0, &[], &[format]),
            execute("", 0),
            sync(),
        ]
    };
    let said = talk.say(&ask(1));
    assert_eq!(&said[2..], ["ERROR RT500", "ready I"]);
    assert_eq!(talk.blamed.len(), 1);
    assert_eq!(talk.blamed[0].blame, retake_model::Blame::Recording);
    assert!(
        talk.blamed[0]
            .what
            .contains("`a` of type int4 has the value \"many\"")
    );
    assert_eq!(
        talk.say(&ask(0))[2..],
        ["row \"many\"", "SELECT 1", "ready I"]
    );
}

#[test]
fn answers_that_have_not_the_form_blame_the_recording() {
    let list = |texts: &[&str]| Value::List(texts.iter().map(|t| Value::from(*t)).collect());
    for bad in [
        Value::map([("columns", Value::from("a int4"))]),
        Value::map([("columns", list(&["nothing"]))]),
        Value::map([("columns", list(&["a int4"])), ("rows", list(&["1"]))]),
        Value::map([
            ("columns", list(&["a int4"])),
            ("rows", Value::List(vec![list(&["1", "2"])])),
        ]),
        Value::map([("tag", Value::Null)]),
        Value::map([("error", Value::from("no"))]),
        Value::map([("error", Value::map([("no field", Value::from("x"))]))]),
        Value::map([("notices", Value::from("x")), ("tag", "DO".into())]),
        Value::map([("copy", Value::Null)]),
    ] {
        let shown = format!("{bad:?}");
        let mut talk = Talk::new(move |_| Some(bad.clone()));
        let said = talk.say(&[query("select 1")]);
        assert_eq!(
            said[said.len() - 2..],
            ["ERROR RT500", "ready I"],
            "{shown}"
        );
        assert_eq!(talk.blamed.len(), 1, "{shown}");
    }
}

#[test]
fn a_copy_takes_its_data_also_behind_a_sync() {
    let mut talk = Talk::new(|request| request.get("copy").map(|_| tag("COPY 1")));
    let said = talk.say(&[
        parse("", "copy t from stdin", &[]),
        bind("", "", 0, &[], &[]),
        describe(b'P', ""),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(
        said,
        ["ParseComplete", "BindComplete", "NoData", "copy in 0"]
    );
    let said = talk.say(&[message(b'd', b"1\n"), message(b'c', b""), sync()]);
    assert_eq!(said, ["COPY 1", "ready I"]);
}

#[test]
fn a_cursor_that_sql_declared_is_described_by_its_declaration() {
    let declare = "declare \"Walk\" cursor for select 1";
    let mut talk = Talk::new(move |request| match request.get("describe") {
        Some(sql) => (*sql == declare.into()).then(|| rows(&["a int4"], &[])),
        None => Some(tag("DECLARE CURSOR")),
    });
    let said = talk.say(&[query(declare), describe(b'P', "Walk"), sync()]);
    assert_eq!(
        said,
        ["DECLARE CURSOR", "ready I", "columns a:23:t", "ready I"]
    );
    assert_eq!(
        talk.say(&[describe(b'P', "walk"), sync()])[0],
        "ERROR 34000"
    );
}

#[test]
fn a_cursor_whose_columns_were_not_recorded_is_an_error() {
    let mut talk = Talk::new(|_| Some(tag("DECLARE CURSOR")));
    talk.say(&[query("declare c cursor for select 1")]);
    let said = talk.say(&[describe(b'P', "c"), sync()]);
    assert_eq!(said, ["ERROR RT404", "ready I"]);
}
