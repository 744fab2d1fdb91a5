use super::client::*;
use super::*;
use proptest::prelude::*;

fn recorded(request: &Value) -> Option<Value> {
    if request.get("copy").is_some() {
        return Some(tag("COPY 1"));
    }
    match request.get("sql")?.as_str()? {
        "select 1" => Some(rows(&["a int4", "b text"], &[&["1", "x"], &["2", "y"]])),
        "begin" => Some(tag("BEGIN")),
        _ => None,
    }
}

/// A conversation of every kind.
fn conversation() -> Vec<u8> {
    [
        vec![0, 0, 0, 8, 4, 0xd2, 0x16, 0x30],
        vec![0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f],
        startup(&["user", "ann"]),
        query("begin"),
        parse("s", "select 1", &[23]),
        describe(b'S', "s"),
        bind("p", "s", 1, &[Some(&[0, 0, 0, 1])], &[1]),
        describe(b'P', "p"),
        execute("p", 1),
        execute("p", 1),
        message(b'H', b""),
        sync(),
        bind("", "s", 0, &[None], &[0, 1]),
        describe(b'P', ""),
        execute("", 0),
        message(b'C', b"Ps\0"),
        sync(),
        query("copy t from stdin"),
        message(b'd', b"1\n"),
        message(b'c', b""),
        query("select 1; select 2"),
        query("rollback"),
        message(b'F', b"\0\0\x06\x3e\0\0\0\0\0\0"),
        query("select 1"),
        message(b'X', b""),
    ]
    .concat()
}

fn run<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, usize, bool, bool) {
    let mut talk = Talk::silent(recorded);
    for chunk in chunks {
        if talk.feed(chunk).is_err() {
            return (talk.sent, talk.asked.len(), talk.closed, true);
        }
    }
    (talk.sent, talk.asked.len(), talk.closed, false)
}

#[test]
fn chunks_do_not_matter() {
    let bytes = conversation();
    let whole = run(std::iter::once(&bytes[..]));
    assert!(whole.2 && !whole.3);
    for at in 1..bytes.len() {
        let (front, back) = bytes.split_at(at);
        assert_eq!(run([front, back].into_iter()), whole, "split at byte {at}");
    }
    assert_eq!(run(bytes.chunks(1)), whole);
}

#[test]
fn a_client_that_goes_away_anywhere_leaves_no_error() {
    let bytes = conversation();
    for at in 0..bytes.len() {
        let (.., closed, failed) = run([&bytes[..at], &[]].into_iter());
        assert!(closed && !failed, "ended at byte {at}");
    }
}

#[test]
fn what_is_no_message_ends_the_connection() {
    for bad in [
        message(b'Q', b"no end"),
        message(b'?', b""),
        message(b'p', b"secret\0"),
        message(b'B', b"\0\0\0\0\xff\xff"),
        vec![b'Q', 0, 0, 0, 3],
        vec![b'Q', 0xff, 0xff, 0xff, 0xff],
    ] {
        let mut talk = Talk::new(recorded);
        let error = talk.feed(&bad).unwrap_err();
        assert_eq!(error.blame, retake_model::Blame::App);
        assert!(talk.closed);
        assert_eq!(lines(&talk.sent), ["FATAL 08P01"]);
    }
    let mut talk = Talk::silent(recorded);
    assert!(talk.feed(b"GET / HTTP/1.1\r\n\r\n").is_err() && talk.closed);
}

#[test]
fn a_message_that_is_too_long_is_refused_and_passed_over() {
    let mut talk = Talk::new(recorded);
    let length = u32::try_from(crate::postgres::frame::MAX_BODY + 5).unwrap();
    let mut header = vec![b'Q'];
    header.extend(length.to_be_bytes());
    talk.feed(&header).unwrap();
    assert_eq!(lines(&talk.sent), ["ERROR 54000", "ready I"]);
    let body = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        talk.feed(&body).unwrap();
    }
    talk.feed(b"x").unwrap();
    assert_eq!(talk.say(&[query("select 1")]).len(), 5);
}

proptest! {
    #[test]
    fn garbage_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        run(std::iter::once(&bytes[..]));
        let mut talk = Talk::new(recorded);
        let _ = talk.feed(&bytes);
    }

    #[test]
    fn damaged_conversations_do_not_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: prop::sample::Index,
    ) {
        let mut bytes = conversation();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let (front, back) = bytes.split_at(cut.index(bytes.len()));
        run([front, back].into_iter());
    }

    #[test]
    fn damaged_answers_do_not_panic(text in "[ -~]{0,12}", which in 0_usize..8, binary: bool) {
        let fields = ["columns", "rows", "tag", "error", "notices", "copy", "results", "status"];
        let field = fields[which];
        let mut talk = Talk::new(move |_| {
            let mut tree = rows(&["a int4"], &[&[&text]]);
            for value in [Value::from(text.as_str()), Value::List(vec![text.as_str().into()]), Value::map([("code", text.as_str().into())])] {
                if text.len() % 3 == 0 {
                    tree = Value::Map(Vec::new());
                }
                tree.push(field, value);
            }
            Some(tree)
        });
        let said = talk.say(&[
            parse("", "select 1", &[]),
            bind("", "", 0, &[], &[i16::from(binary)]),
            describe(b'P', ""),
            execute("", 0),
            sync(),
            query("select 1"),
        ]);
        prop_assert_eq!(said.last().map(String::as_str), Some("ready I"));
    }
}
