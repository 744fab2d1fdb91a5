//! What every protocol's reader must stand: any chunks, any end, any garbage.
//!
//! The functions panic with what was expected where a reader does not stand it, as a test does.

use std::collections::BTreeMap;

use retake_model::{Exchange, Side, Timestamp};
use retake_wire::{Protocol, Tapped};

use crate::{Piece, Random, TapEnd, TapRun, Transcript, tap, tap_pieces};

/// Up to this many bytes every cut and every split is tried; beyond it, so many of them.
const EVERY: usize = 3_000;

/// All of the below.
pub fn tap_stands(protocol: &dyn Protocol, transcript: &Transcript) {
    tap_does_not_mind_chunks(protocol, transcript);
    tap_stands_the_end_anywhere(protocol, transcript);
    tap_stands_garbage(protocol, transcript);
    tap_gives_what_is_right(protocol, transcript);
}

/// What a tap gives is as a hand should write it: nothing is wrong in it, and nothing has to be put
/// into another form.
pub fn tap_gives_what_is_right(protocol: &dyn Protocol, transcript: &Transcript) {
    for exchange in tap(protocol, transcript).exchanges() {
        let trees = (exchange.request.tree(), exchange.response.tree());
        if let ((Some(request), Some(response)), None) = (trees, &exchange.flaw) {
            let (mut asked, mut answered) = (request.clone(), response.clone());
            let faults = protocol.check(&mut asked, &mut answered);
            let wrong: Vec<_> = faults.iter().filter(|fault| !fault.usable).collect();
            assert!(
                wrong.is_empty(),
                "{wrong:#?} in {request:?} and {response:?}"
            );
            assert_eq!(
                (&asked, &answered),
                (request, response),
                "nothing was put right"
            );
        }
    }
}

/// A tap finds the same exchanges, times and all, whatever chunks the bytes come in.
pub fn tap_does_not_mind_chunks(protocol: &dyn Protocol, transcript: &Transcript) {
    let whole = tap(protocol, transcript);
    in_order(&whole);
    let check = |cut: &dyn Fn(usize, &[u8]) -> Vec<usize>, how: &str| {
        let run = tap_pieces(protocol, cut_pieces(transcript, cut).into_iter());
        in_order(&run);
        assert_eq!(run.exchanges(), whole.exchanges(), "{how}");
        if let (TapEnd::Read, end) | (end, TapEnd::Read) = (&run.end, &whole.end) {
            assert_eq!(*end, TapEnd::Read, "{how}");
        }
    };
    check(&|_, bytes| (1..bytes.len()).collect(), "byte by byte");
    for at in places(transcript.len()) {
        let cut = |before: usize, bytes: &[u8]| {
            let at = at.checked_sub(before).filter(|at| *at < bytes.len());
            at.into_iter().collect()
        };
        check(&cut, &format!("split at byte {at}"));
    }
    for seed in 0..50 {
        let cut = |before: usize, bytes: &[u8]| random_cuts(seed, before, bytes.len());
        check(&cut, &format!("random chunks {seed}"));
    }
}

/// A tap whose connection ends anywhere says nothing else than before it ended: what it says is
/// whole is as in the whole conversation. (Only the last exchange may differ: its end may be
/// told by the end of the connection.)
pub fn tap_stands_the_end_anywhere(protocol: &dyn Protocol, transcript: &Transcript) {
    let whole = tap(protocol, transcript);
    let whole: BTreeMap<u64, &Exchange> = whole.exchanges().iter().map(|e| (e.index, *e)).collect();
    for at in places(transcript.len()) {
        let mut pieces = Vec::new();
        let mut before = 0;
        for (piece, time) in transcript.pieces.iter().zip(0_u64..) {
            let kept = piece.bytes.len().min(at.saturating_sub(before));
            before += piece.bytes.len();
            if let Some(bytes @ [_, ..]) = piece.bytes.get(..kept) {
                pieces.push((Timestamp(time), piece.side, bytes));
            }
        }
        let end = Timestamp(u64::MAX);
        pieces.push((end, Side::Client, &[]));
        pieces.push((end, Side::Server, &[]));
        let run = tap_pieces(protocol, pieces.into_iter());
        in_order(&run);
        let exchanges = run.exchanges();
        for (number, exchange) in exchanges.iter().enumerate() {
            let last = number + 1 == exchanges.len();
            if exchange.flaw.is_none() && !last {
                let expected = whole.get(&exchange.index).copied();
                assert_eq!(Some(*exchange), expected, "ended at byte {at}");
            }
        }
    }
}

/// A tap neither panics nor loses count, whatever was done to the bytes.
pub fn tap_stands_garbage(protocol: &dyn Protocol, transcript: &Transcript) {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let mut mangled = transcript.clone();
        for _ in 0..=random.below(4) {
            mangle(&mut mangled, &mut random);
        }
        // A byte may have come into a piece that was the end of a side.
        for side in [Side::Client, Side::Server] {
            let bytes = Vec::new();
            mangled.pieces.push(Piece { side, bytes });
        }
        let cut = |before: usize, bytes: &[u8]| random_cuts(seed, before, bytes.len());
        let run = tap_pieces(protocol, cut_pieces(&mangled, &cut).into_iter());
        in_order(&run);
    }
}

/// What holds of every run: each number begins once, before it ends, and ends once.
pub fn in_order(run: &TapRun) {
    let mut open: BTreeMap<u64, Timestamp> = BTreeMap::new();
    let mut next = 0;
    for tapped in &run.tapped {
        match tapped {
            Tapped::Began { index, at } => {
                assert_eq!(*index, next, "numbers go up by one");
                next += 1;
                open.insert(*index, *at);
            }
            Tapped::Ended(exchange) => {
                let began = open.remove(&exchange.index);
                let index = exchange.index;
                assert_eq!(began, Some(exchange.began), "exchange {index} began once");
                assert!(
                    exchange.began <= exchange.ended,
                    "exchange {index} ends after it began"
                );
            }
        }
    }
    if run.end == TapEnd::Read {
        assert!(open.is_empty(), "what began ended, if only with a flaw");
    }
}

/// One change for the worse.
fn mangle(transcript: &mut Transcript, random: &mut Random) {
    let number = random.below(transcript.pieces.len());
    let other = random.below(transcript.pieces.len());
    let Some(piece) = transcript.pieces.get_mut(number) else {
        return;
    };
    let at = random.below(piece.bytes.len());
    match random.below(6) {
        0 | 1 => {
            if let Some(byte) = piece.bytes.get_mut(at) {
                *byte = random.byte();
            }
        }
        2 => {
            if let Some(byte) = piece.bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        3 => {
            let end = (at + random.below(20)).min(piece.bytes.len());
            piece.bytes.drain(at..end);
        }
        4 => piece.bytes.insert(at, random.byte()),
        _ => transcript.pieces.swap(number, other),
    }
}

/// A transcript's pieces, cut where `cut` says: it is given how many bytes went before a piece,
/// and the piece, and gives places in it, rising.
fn cut_pieces<'a>(
    transcript: &'a Transcript,
    cut: &dyn Fn(usize, &[u8]) -> Vec<usize>,
) -> Vec<(Timestamp, Side, &'a [u8])> {
    let mut pieces = Vec::new();
    let mut before = 0;
    for (piece, time) in transcript.pieces.iter().zip(0_u64..) {
        let mut rest = piece.bytes.as_slice();
        let mut done = 0;
        for at in cut(before, &piece.bytes) {
            if let Some((front @ [_, ..], back @ [_, ..])) =
                rest.split_at_checked(at.saturating_sub(done))
            {
                pieces.push((Timestamp(time), piece.side, front));
                rest = back;
                done = at;
            }
        }
        pieces.push((Timestamp(time), piece.side, rest));
        before += piece.bytes.len();
    }
    pieces
}

fn random_cuts(seed: u64, before: usize, length: usize) -> Vec<usize> {
    let mut random = Random::new(seed ^ (before as u64) << 20);
    let most = 1 + random.below(60);
    let mut cuts = Vec::new();
    let mut at = 0;
    loop {
        at += 1 + random.below(most);
        if at >= length {
            return cuts;
        }
        cuts.push(at);
    }
}

/// Every place in so many bytes, or enough of them.
fn places(length: usize) -> Vec<usize> {
    if length <= EVERY {
        return (0..=length).collect();
    }
    let mut random = Random::new(length as u64);
    (0..EVERY).map(|_| random.below(length + 1)).collect()
}
