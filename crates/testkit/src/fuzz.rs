//! What the fuzz targets (`crates/wire/fuzz`) do with their input.
//!
//! An input is a list of pieces: two bytes, of which the highest bit is the side and the rest a
//! length, and so many bytes. The end of the input is the end of both sides.

use std::sync::Arc;

use retake_model::{Answer, Miss, Side, Timestamp, Value};
use retake_wire::{Protocol, Reading};

use crate::{Piece, Transcript, conformance, serve, tap_pieces};

/// The bit that says that the server sent the piece.
const SERVER: u16 = 0x8000;

/// A tap reads the input as a conversation: it neither panics nor loses count.
pub fn tap(protocol: &dyn Protocol, input: &[u8]) {
    let mut pieces: Vec<_> = pieces(input)
        .map(|(side, bytes)| (Timestamp(1), side, bytes))
        .collect();
    pieces.push((Timestamp(2), Side::Client, &[]));
    pieces.push((Timestamp(2), Side::Server, &[]));
    let run = tap_pieces(protocol, pieces.into_iter());
    conformance::in_order(&run);
}

/// A responder reads the client's pieces, and is answered in all sorts of ways: it does not panic.
pub fn responder(protocol: &dyn Protocol, input: &[u8]) {
    let mut asked = 0;
    let client = pieces(input).filter(|(side, _)| *side == Side::Client);
    let chunks = client.map(|(_, bytes)| bytes).chain([&[][..]]);
    serve(protocol, chunks, |request, reading| {
        asked += 1;
        answer(asked, request, reading)
    });
}

/// A conversation as an input.
pub fn input(transcript: &Transcript) -> Vec<u8> {
    let mut input = Vec::new();
    for Piece { side, bytes } in &transcript.pieces {
        for part in bytes.chunks(usize::from(!SERVER)) {
            let length = u16::try_from(part.len()).unwrap_or(!SERVER);
            let flag = if *side == Side::Server { SERVER } else { 0 };
            input.extend((length | flag).to_be_bytes());
            input.extend(part);
        }
    }
    input
}

fn pieces(mut input: &[u8]) -> impl Iterator<Item = (Side, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = input.split_first_chunk()?;
        let head = u16::from_be_bytes(*head);
        let side = if head & SERVER == 0 {
            Side::Client
        } else {
            Side::Server
        };
        let length = usize::from(head & !SERVER).min(rest.len());
        let (bytes, rest) = rest.split_at_checked(length)?;
        input = rest;
        // An empty piece would be an end of stream, after which nothing may come.
        Some((side, if bytes.is_empty() { &[0] } else { bytes }))
    })
}

/// Answers of the forms that recordings have, some of them wrong, and misses.
fn answer(number: usize, request: &Value, reading: Reading) -> Answer {
    let miss = || {
        Answer::Miss(Box::new(Miss {
            test: None,
            to: "dependency".into(),
            summary: "a request".to_owned(),
            nearest: None,
        }))
    };
    let rows = |count| Value::List(vec![Value::List(vec!["7".into(), Value::Null]); count]);
    let columns = || Value::List(vec!["a int4".into(), "b text".into()]);
    let served = match number % 8 {
        0 => return miss(),
        1 => Value::map([("columns", columns()), ("rows", rows(3))]),
        2 => Value::map([("tag", Value::from("INSERT 0 1")), ("status", 200.into())]),
        3 => Value::map([(
            "error",
            Value::map([("severity", "ERROR"), ("code", "22012")].map(|(k, v)| (k, v.into()))),
        )]),
        4 => Value::map([("copy", "1\n2\n".into()), ("tag", Value::from("COPY 2"))]),
        5 => Value::map([("columns", rows(1)), ("rows", columns())]),
        6 => Value::map([
            ("status", 200.into()),
            ("headers", Value::List(Vec::new())),
            ("body", Value::map([("text", "hello".into())])),
        ]),
        _ if reading == Reading::Probe => return miss(),
        _ => request.clone(),
    };
    Answer::Serve(Arc::new(served))
}
