//! The PostgreSQL tap where real conversations seldom go.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking

use retake_model::{Exchange, Flaw, Message, Scope, Side, Value};
use retake_testkit::{Piece, TapEnd, TapRun, Transcript, conformance, tap};
use retake_wire::Tapped;
use retake_wire::postgres::Postgres;

/// A conversation being written.
#[derive(Default)]
struct Talk(Vec<Piece>);

impl Talk {
    /// A session that has begun.
    fn begun() -> Self {
        Talk::default()
            .client(&[startup(b"\0\x03\0\0user\0ann\0\0")])
            .server(&[frame(b'R', b"\0\0\0\0"), ready(b'I')])
    }

    fn client(self, frames: &[Vec<u8>]) -> Self {
        self.piece(Side::Client, frames.concat())
    }

    fn server(self, frames: &[Vec<u8>]) -> Self {
        self.piece(Side::Server, frames.concat())
    }

    fn piece(mut self, side: Side, bytes: Vec<u8>) -> Self {
        self.0.push(Piece { side, bytes });
        self
    }

    /// The exchanges after the start, once everything that a tap must stand was tried.
    fn exchanges(self) -> Vec<Exchange> {
        let run = self.run();
        assert_eq!(run.end, TapEnd::Read);
        let exchanges = run.exchanges().into_iter().cloned();
        exchanges
            .filter(|e| tree(&e.request).get("startup").is_none())
            .collect()
    }

    fn run(self) -> TapRun {
        let talk = self
            .piece(Side::Client, Vec::new())
            .piece(Side::Server, Vec::new());
        let transcript = Transcript { pieces: talk.0 };
        conformance::tap_stands(&Postgres, &transcript);
        tap(&Postgres, &transcript)
    }
}

fn startup(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&length.to_be_bytes(), body].concat()
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    [vec![tag], startup(body)].concat()
}

fn ready(state: u8) -> Vec<u8> {
    frame(b'Z', &[state])
}

fn query(sql: &str) -> Vec<u8> {
    frame(b'Q', &[sql.as_bytes(), b"\0"].concat())
}

fn parse(name: &str, sql: &str) -> Vec<u8> {
    let body = [name.as_bytes(), b"\0", sql.as_bytes(), b"\0\0\0"].concat();
    frame(b'P', &body)
}

fn bind(portal: &str, statement: &str) -> Vec<u8> {
    let body = [portal.as_bytes(), b"\0", statement.as_bytes(), b"\0"];
    frame(b'B', &[&body.concat()[..], &[0; 6]].concat())
}

fn execute(portal: &str, limit: u8) -> Vec<u8> {
    let body = [portal.as_bytes(), b"\0\0\0\0", &[limit]].concat();
    frame(b'E', &body)
}

fn sync() -> Vec<u8> {
    frame(b'S', b"")
}

fn complete(tag: &str) -> Vec<u8> {
    frame(b'C', &[tag.as_bytes(), b"\0"].concat())
}

/// One column `n` of type int4.
fn columns() -> Vec<u8> {
    frame(
        b'T',
        b"\0\x01n\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0",
    )
}

fn row(value: u8) -> Vec<u8> {
    frame(b'D', &[0, 1, 0, 0, 0, 1, value])
}

fn error(code: &str) -> Vec<u8> {
    let body = [b"SERROR\0C", code.as_bytes(), b"\0Mno\0\0"].concat();
    frame(b'E', &body)
}

fn tree(message: &Message) -> &Value {
    message.tree().expect("the tap gives trees")
}

fn request<'a>(exchange: &'a Exchange, field: &str) -> Option<&'a str> {
    tree(&exchange.request).get(field).and_then(Value::as_str)
}

fn flaw(exchange: &Exchange) -> String {
    format!("{:?}", exchange.flaw)
}

#[test]
fn requests_for_encryption_that_are_declined_are_no_exchange() {
    let ssl = startup(b"\x04\xd2\x16\x2f");
    let gss = startup(b"\x04\xd2\x16\x30");
    let run = Talk::default()
        .client(&[gss])
        .server(&[b"N".to_vec()])
        .client(&[ssl])
        .server(&[b"N".to_vec()])
        .client(&[startup(b"\0\x03\0\0user\0ann\0\0")])
        .server(&[frame(b'R', b"\0\0\0\0"), ready(b'I')])
        .run();
    assert_eq!((run.end.clone(), run.exchanges().len()), (TapEnd::Read, 1));
}

#[test]
fn encryption_that_is_accepted_is_told_to_the_relay() {
    let accept = |request: &[u8], answer: &[u8]| {
        let talk = Talk::default()
            .client(&[startup(request)])
            .piece(Side::Server, answer.to_vec());
        tap(&Postgres, &Transcript { pieces: talk.0 }).end
    };
    assert_eq!(
        accept(b"\x04\xd2\x16\x2f", b"S"),
        TapEnd::Tls(Side::Server, 0)
    );
    assert_eq!(
        accept(b"\x04\xd2\x16\x30", b"G"),
        TapEnd::Opaque("encryption by GSSAPI")
    );
    // Bytes before TLS begins would be read as if they were protected.
    let stuffed = accept(b"\x04\xd2\x16\x2f", b"SE");
    assert!(matches!(stuffed, TapEnd::Failed(_)), "{stuffed:?}");
}

#[test]
fn a_cancel_request_is_no_exchange() {
    let run = Talk::default()
        .client(&[startup(b"\x04\xd2\x16\x2e\0\0\0\x07\0\0\0\x09")])
        .run();
    assert_eq!((run.end.clone(), run.tapped), (TapEnd::Read, Vec::new()));
}

#[test]
fn secrets_among_the_start_up_parameters_are_left_out() {
    let run = Talk::default()
        .client(&[startup(b"\0\x03\0\0user\0ann\0db_password\0x\0\0")])
        .server(&[ready(b'I')])
        .run();
    let shown = format!("{:?}", run.exchanges());
    assert!(shown.contains("ann") && !shown.contains("db_password"));
}

#[test]
fn a_function_call_is_an_exchange() {
    let call = frame(b'F', b"\0\0\x07\x08\0\x01\0\0\0\x01\0\0\0\x012\0\0");
    let exchanges = Talk::begun()
        .client(&[call])
        .server(&[frame(b'V', b"\0\0\0\x014"), ready(b'I')])
        .exchanges();
    assert_eq!(
        tree(&exchanges[0].request),
        &Value::map([
            ("function", 0x0708.into()),
            ("params", Value::List(vec!["2".into()])),
        ])
    );
    assert_eq!(
        tree(&exchanges[0].response),
        &Value::map([("result", "4".into())])
    );
}

#[test]
fn after_an_error_everything_is_passed_over_until_sync_even_what_comes_later() {
    let exchanges = Talk::begun()
        .client(&[parse("", "select 1/0"), bind("", ""), execute("", 0)])
        .server(&[frame(b'1', b""), frame(b'2', b""), error("22012")])
        .client(&[
            parse("", "select 2"),
            bind("", ""),
            execute("", 0),
            query("select 3"),
        ])
        .client(&[sync(), query("select n from t")])
        .server(&[
            ready(b'I'),
            columns(),
            row(b'7'),
            complete("SELECT 1"),
            ready(b'I'),
        ])
        .exchanges();
    let asked: Vec<_> = exchanges.iter().map(|e| request(e, "sql")).collect();
    assert_eq!(asked, [Some("select 1/0"), Some("select n from t")]);
    assert!(exchanges.iter().all(|e| e.flaw.is_none()));
}

#[test]
fn a_named_portal_goes_on_where_it_was_suspended() {
    let described = frame(b'D', b"Pp\0");
    let steps = [parse("s", "select n from t"), bind("p", "s"), described];
    let exchanges = Talk::begun()
        .client(&[query("begin")])
        .server(&[complete("BEGIN"), ready(b'T')])
        .client(&[steps.concat(), execute("p", 2), sync()])
        .server(&[frame(b'1', b""), frame(b'2', b""), columns()])
        .server(&[row(b'1'), row(b'2'), frame(b's', b""), ready(b'T')])
        .client(&[query("select other")])
        .server(&[complete("SELECT 0"), ready(b'T')])
        .client(&[execute("p", 2), sync()])
        .server(&[row(b'3'), complete("SELECT 1"), ready(b'T')])
        .client(&[execute("p", 2), sync()])
        .server(&[complete("SELECT 0"), ready(b'T')])
        .exchanges();
    let asked: Vec<_> = exchanges.iter().map(|e| request(e, "sql")).collect();
    assert_eq!(
        asked,
        [Some("begin"), Some("select n from t"), Some("select other")]
    );
    let rows = ["1", "2", "3"].map(|n| Value::List(vec![n.into()]));
    assert_eq!(
        tree(&exchanges[1].response),
        &Value::map([
            ("columns", Value::List(vec!["n int4".into()])),
            ("rows", Value::List(rows.to_vec())),
        ])
    );
    assert_eq!(
        tree(&exchanges[1].request).get("rows_limit"),
        Some(&2.into())
    );
}

#[test]
fn a_suspended_portal_is_answered_before_what_is_asked_next() {
    let run = |sql: &str| [parse("", sql), bind("", ""), execute("", 1), sync()];
    let suspended = || {
        let frames = [frame(b'1', b""), frame(b'2', b""), row(b'1')];
        [frames.concat(), frame(b's', b""), ready(b'T')]
    };
    let exchanges = Talk::begun()
        .client(&[query("begin")])
        .server(&[complete("BEGIN"), ready(b'T')])
        .client(&run("update t set n = 1 returning n"))
        .server(&suspended())
        .client(&run("select n from t"))
        .server(&suspended())
        .client(&[query("commit")])
        .server(&[complete("COMMIT"), ready(b'I')])
        .exchanges();
    let asked: Vec<_> = exchanges.iter().map(|e| request(e, "sql")).collect();
    assert_eq!(asked.len(), 4, "{asked:?}");
    for two in exchanges.windows(2) {
        assert!(two[0].ended < two[1].began, "{asked:?}");
    }
}

#[test]
fn a_portal_that_is_described_and_never_run_is_a_describe() {
    let steps = [
        parse("", "select n from t"),
        bind("", ""),
        frame(b'D', b"P\0"),
    ];
    let exchanges = Talk::begun()
        .client(&[steps.concat(), sync()])
        .server(&[frame(b'1', b""), frame(b'2', b""), columns(), ready(b'I')])
        .exchanges();
    assert_eq!(request(&exchanges[0], "describe"), Some("select n from t"));
    assert_eq!(exchanges[0].scope, Some(Scope::Session));
}

#[test]
fn rows_that_were_never_described_are_undecodable() {
    let exchanges = Talk::begun()
        .client(&[
            parse("", "select n from t"),
            bind("", ""),
            execute("", 0),
            sync(),
        ])
        .server(&[frame(b'1', b""), frame(b'2', b""), row(b'1')])
        .server(&[complete("SELECT 1"), ready(b'I')])
        .exchanges();
    assert!(flaw(&exchanges[0]).contains("never described"));
}

#[test]
fn what_is_run_of_an_unknown_statement_or_portal_is_undecodable() {
    let exchanges = Talk::begun()
        .client(&[bind("", "gone"), execute("", 0), execute("lost", 0), sync()])
        .server(&[frame(b'2', b""), row(b'1'), complete("SELECT 1")])
        .server(&[complete("SELECT 0"), ready(b'I')])
        .client(&[query("select n from t")])
        .server(&[columns(), complete("SELECT 0"), ready(b'I')])
        .exchanges();
    assert!(flaw(&exchanges[0]).contains("its statement was prepared before"));
    assert!(flaw(&exchanges[1]).contains("its portal was made before"));
    assert_eq!(exchanges[2].flaw, None);
}

#[test]
fn a_stream_of_replication_is_passed_over_in_step() {
    let copied = frame(b'd', b"wal");
    let exchanges = Talk::begun()
        .client(&[query("START_REPLICATION SLOT s LOGICAL 0/0")])
        .server(&[frame(b'W', b"\0\0\0"), copied.clone()])
        .client(std::slice::from_ref(&copied))
        .server(&[copied])
        .client(&[frame(b'c', b"")])
        .server(&[frame(b'c', b""), complete("COPY 0"), ready(b'I')])
        .client(&[query("select n from t")])
        .server(&[columns(), complete("SELECT 0"), ready(b'I')])
        .exchanges();
    assert!(flaw(&exchanges[0]).contains("replication"));
    assert_eq!(exchanges[1].flaw, None);
}

#[test]
fn copy_in_the_extended_protocol_passes_over_the_sync_before_its_data() {
    let steps = [parse("", "copy t from stdin"), bind("", ""), execute("", 0)];
    let exchanges = Talk::begun()
        .client(&[steps.concat(), sync()])
        .server(&[frame(b'1', b""), frame(b'2', b""), frame(b'G', b"\0\0\0")])
        .client(&[
            frame(b'd', b"1\n"),
            frame(b'd', b"2\n"),
            frame(b'c', b""),
            sync(),
        ])
        .server(&[complete("COPY 2"), ready(b'I')])
        .client(&[query("select n from t")])
        .server(&[columns(), complete("SELECT 0"), ready(b'I')])
        .exchanges();
    assert_eq!(request(&exchanges[0], "copy"), Some("1\n2\n"));
    assert_eq!(exchanges.len(), 2);
}

#[test]
fn what_an_idle_session_hears_is_an_exchange_of_its_own() {
    let notification = |payload: &str| {
        let body = [b"\0\0\0\x07jobs\0", payload.as_bytes(), b"\0"].concat();
        frame(b'A', &body)
    };
    let exchanges = Talk::begun()
        .server(&[notification("go")])
        .client(&[query("select n from t")])
        .server(&[columns(), notification("within")])
        .server(&[complete("SELECT 0"), ready(b'I')])
        .server(&[notification("on")])
        .client(&[frame(b'X', b"")])
        .exchanges();
    let notes = |exchange: &Exchange| {
        let notes = tree(&exchange.response).get("notify").unwrap();
        let payload = |note: &Value| note.get("payload").unwrap().clone();
        let notes = notes.as_list().unwrap().iter().map(payload);
        notes.collect::<Vec<_>>()
    };
    let heard: Vec<_> = exchanges
        .iter()
        .map(|e| (request(e, "listening"), notes(e), e.scope))
        .collect();
    // It has the scope of its time, and is told in its place.
    let expect = [
        (Some("jobs"), vec!["go".into()], None),
        (None, vec!["within".into()], None),
        (Some("jobs"), vec!["on".into()], None),
    ];
    assert_eq!(heard, expect);
}

#[test]
fn what_runs_a_prepared_statement_by_name_has_its_text_beside_it() {
    let done = |tag: &str| [complete(tag), ready(b'I')].concat();
    let exchanges = Talk::begun()
        .client(&[query("prepare s_1 as select n from t")])
        .server(&[done("PREPARE")])
        .client(&[query("execute s_1")])
        .server(&[done("X")])
        .client(&[parse("s_2", "select m from t"), frame(b'S', b"")])
        .server(&[frame(b'1', b""), ready(b'I')])
        .client(&[query("explain execute s_2")])
        .server(&[done("EXPLAIN")])
        .client(&[query("execute s_3")])
        .server(&[done("X")])
        .exchanges();
    let texts: Vec<_> = exchanges.iter().map(|e| request(e, "prepared")).collect();
    let expect = [None, Some("select n from t"), Some("select m from t"), None];
    assert_eq!(texts, expect);
}

#[test]
fn set_up_counts_as_such_only_before_the_first_other_statement() {
    let mut talk = Talk::begun();
    for sql in [
        "set role a",
        "set datestyle to iso",
        "insert",
        "set role b",
        "show x",
    ] {
        talk = talk
            .client(&[query(sql)])
            .server(&[complete("X"), ready(b'I')]);
    }
    let scopes: Vec<_> = talk.exchanges().iter().map(|e| e.scope).collect();
    let session = Some(Scope::Session);
    assert_eq!(scopes, [session, session, None, None, session]);
}

#[test]
fn an_answer_to_nothing_ends_the_reading_and_everything_open_is_counted() {
    let run = Talk::begun()
        .client(&[query("select n from t"), query("select 2")])
        .server(&[columns(), frame(b'1', b"")])
        .run();
    let TapEnd::Failed(error) = &run.end else {
        panic!("{:?}", run.end)
    };
    assert!(error.what.contains("'1'"), "{error}");
    let exchanges = run.exchanges();
    assert_eq!(exchanges.len(), 3);
    assert!(
        exchanges[1..]
            .iter()
            .all(|e| flaw(e).contains("could not be read any further"))
    );
}

#[test]
fn what_is_open_when_the_connection_ends_is_cut() {
    let exchanges = Talk::begun()
        .client(&[
            parse("", "select a"),
            bind("", ""),
            execute("", 0),
            sync(),
            query("select b"),
        ])
        .server(&[frame(b'1', b"")])
        .exchanges();
    let asked: Vec<_> = exchanges.iter().map(|e| request(e, "sql")).collect();
    assert_eq!(asked, [Some("select a"), Some("select b")]);
    assert!(exchanges.iter().all(|e| e.flaw == Some(Flaw::Cut)));
}

#[test]
fn an_exchange_larger_than_may_be_held_is_counted_and_the_tap_goes_on() {
    let conn = retake_model::ConnInfo {
        id: retake_model::ConnId(1),
        direction: retake_model::Direction::Outbound,
        dependency: None,
        protocol: None,
        peer: None,
        target: None,
        process: None,
        opened: retake_model::Timestamp(0),
    };
    let mut tap = retake_wire::Protocol::tap(&Postgres, &conn);
    let mut ended = Vec::new();
    let mut feed = |side, bytes: &[u8]| {
        let at = retake_model::Timestamp(1);
        tap.feed(&retake_model::Chunk { at, side, bytes }).unwrap();
        while let Some(tapped) = tap.poll() {
            if let Tapped::Ended(exchange) = tapped {
                ended.push(exchange);
            }
        }
    };
    for piece in Talk::begun().0 {
        feed(piece.side, &piece.bytes);
    }
    let large = vec![b'x'; 1 << 20];
    let long = [&[0, 1, 0, 0x10, 0, 0][..], &large].concat();
    feed(Side::Client, &query("select n from t"));
    feed(Side::Server, &columns());
    for _ in 0..70 {
        feed(Side::Server, &frame(b'D', &long));
    }
    feed(Side::Server, &[complete("SELECT 70"), ready(b'I')].concat());
    // One frame that is too long by itself.
    feed(Side::Client, &query("select n from t"));
    feed(Side::Server, &columns());
    feed(Side::Server, &[b'D', 0x05, 0, 0, 0]);
    for _ in 0..79 {
        feed(Side::Server, &large);
    }
    feed(Side::Server, &large[4..]);
    feed(Side::Server, &[complete("SELECT 1"), ready(b'I')].concat());
    feed(Side::Client, &query("select n from t"));
    feed(
        Side::Server,
        &[columns(), row(b'1'), complete("SELECT 1"), ready(b'I')].concat(),
    );
    let flaws: Vec<_> = ended.iter().map(|e| &e.flaw).collect();
    assert!(
        matches!(flaws[..], [None, Some(Flaw::TooLarge(a)), Some(Flaw::TooLarge(b)), None] if *a >= 70 << 20 && *b >= (80 << 20) - 4),
        "{flaws:?}"
    );
}
