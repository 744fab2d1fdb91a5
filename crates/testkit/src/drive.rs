//! Feeds taps and responders.

use std::collections::VecDeque;

use retake_model::{
    Answer, Chunk, ConnId, ConnInfo, Direction, Exchange, Side, Timestamp, TraceId, Value,
};
use retake_wire::{Flow, Protocol, Reading, Step, Tapped, WireError};

use crate::{Piece, Transcript};

/// What a tap made of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct TapRun {
    /// What it recognised, in its order.
    pub tapped: Vec<Tapped>,
    /// Where it ended.
    pub end: TapEnd,
}

/// How far a tap read.
#[derive(Debug, Clone, PartialEq)]
pub enum TapEnd {
    /// To the end.
    Read,
    /// Until TLS begins, after so many more bytes of that side.
    Tls(Side, usize),
    /// Until it said that the rest is not to be read.
    Opaque(&'static str),
    /// Until it failed.
    Failed(WireError),
}

impl TapRun {
    /// The exchanges that ended, in the order in which they began.
    pub fn exchanges(&self) -> Vec<&Exchange> {
        let mut exchanges: Vec<&Exchange> = self
            .tapped
            .iter()
            .filter_map(|tapped| match tapped {
                Tapped::Ended(exchange) => Some(&**exchange),
                Tapped::Began { .. } => None,
            })
            .collect();
        exchanges.sort_by_key(|exchange| exchange.index);
        exchanges
    }
}

/// What the protocol's tap makes of a conversation. The time of a piece is its number in the
/// transcript.
pub fn tap(protocol: &dyn Protocol, transcript: &Transcript) -> TapRun {
    let pieces = transcript.pieces.iter().zip(0_u64..);
    let pieces = pieces.map(|(Piece { side, bytes }, at)| (Timestamp(at), *side, bytes.as_slice()));
    tap_pieces(protocol, pieces)
}

/// What the protocol's tap makes of these pieces. Exchanges come described.
pub fn tap_pieces<'a>(
    protocol: &dyn Protocol,
    pieces: impl Iterator<Item = (Timestamp, Side, &'a [u8])>,
) -> TapRun {
    let mut tap = protocol.tap(&connection());
    let mut tapped = Vec::new();
    let mut end = TapEnd::Read;
    for (at, side, bytes) in pieces {
        let flow = tap.feed(&Chunk { at, side, bytes });
        while let Some(mut found) = tap.poll() {
            if let Tapped::Ended(exchange) = &mut found {
                protocol.describe(exchange);
            }
            tapped.push(found);
        }
        end = match flow {
            Ok(Flow::Pass) => continue,
            Ok(Flow::TlsAfter(after)) => TapEnd::Tls(side, after),
            Ok(Flow::Opaque(why)) => TapEnd::Opaque(why),
            Err(error) => TapEnd::Failed(error),
        };
        break;
    }
    TapRun { tapped, end }
}

/// What a responder did with a client's bytes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Served {
    /// Everything that it sent.
    pub sent: Vec<u8>,
    /// Everything that it asked.
    pub asked: Vec<(Value, Option<TraceId>, Reading)>,
    /// Whether it closed the connection, or would start TLS.
    pub over: bool,
    /// Why it failed.
    pub failed: Option<WireError>,
}

/// What the protocol's responder does with a client's bytes, which come in these chunks, when
/// its questions are answered so.
pub fn serve<'a>(
    protocol: &dyn Protocol,
    chunks: impl Iterator<Item = &'a [u8]>,
    mut oracle: impl FnMut(&Value, Reading) -> Answer,
) -> Served {
    let mut responder = protocol.responder(&connection());
    let mut served = Served::default();
    let mut chunks: VecDeque<&[u8]> = chunks.collect();
    while let Some(bytes) = chunks.pop_front() {
        let side = Side::Client;
        let at = Timestamp(0);
        let fed = responder.feed(&Chunk { at, side, bytes });
        while let Some(step) = responder.poll() {
            match step {
                Step::Send(bytes) => served.sent.extend(bytes),
                Step::Ask {
                    request,
                    trace,
                    reading,
                } => {
                    let answer = oracle(&request, reading);
                    served.asked.push((request, trace, reading));
                    // A recording at fault is the answer's own affair: the connection goes on.
                    let _ = responder.answer(&answer);
                }
                Step::StartTls | Step::Close => served.over = true,
                Step::Wait(_) | Step::GiveUp(_) => {}
            }
            if served.over {
                return served;
            }
        }
        if let Err(error) = fed {
            served.failed = Some(error);
            return served;
        }
    }
    served
}

fn connection() -> ConnInfo {
    ConnInfo {
        id: ConnId(1),
        direction: Direction::Outbound,
        dependency: Some("dependency".into()),
        protocol: None,
        peer: None,
        target: None,
        process: None,
        opened: Timestamp(0),
    }
}
