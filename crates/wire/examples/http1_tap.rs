//! How fast the HTTP tap is: `cargo run --release -p retake-wire --example http1_tap`.
//!
//! Feeds one connection's tap with the exchange of a small JSON service, again and again, and
//! prints the time for each. What describing costs stands apart: it runs on another thread.

use std::hint::black_box;
use std::time::Instant;

use retake_model::{Chunk, ConnId, ConnInfo, Direction, Side, Timestamp};
use retake_wire::http1::Http1;
use retake_wire::{Protocol, Tapped};

const REQUEST: &[u8] = b"POST /orders?page=1&size=50 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: python-requests/2.34.2\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n{\"sku\": \"A1\", \"qty\": 2, \"x\": 1.50}";
const RESPONSE: &[u8] = b"HTTP/1.1 201 Created\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 01:58:19 GMT\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n2c\r\n{\"id\":\"7f3c\",\"total\":39.98,\"items\":[1,2,3]}\n\r\n0\r\n\r\n";
const ROUNDS: u32 = 500_000;

fn main() {
    let conn = ConnInfo {
        id: ConnId(1),
        direction: Direction::Inbound,
        dependency: None,
        protocol: None,
        peer: None,
        target: None,
        process: None,
        opened: Timestamp(0),
    };
    let mut tap = Http1.tap(&conn);
    let mut kept = Vec::new();
    let mut ended = 0;
    let start = Instant::now();
    for round in 0..ROUNDS {
        let at = Timestamp(round.into());
        for (side, bytes) in [(Side::Client, REQUEST), (Side::Server, RESPONSE)] {
            let flow = tap.feed(&Chunk { at, side, bytes });
            assert_eq!(flow, Ok(retake_wire::Flow::Pass));
            while let Some(tapped) = tap.poll() {
                if let Tapped::Ended(exchange) = black_box(tapped) {
                    ended += 1;
                    if kept.len() < 10_000 {
                        kept.push(exchange);
                    }
                }
            }
        }
    }
    println!(
        "tap: {:?} an exchange ({ended} exchanges)",
        start.elapsed() / ROUNDS
    );

    let count = u32::try_from(kept.len()).unwrap_or(1);
    let start = Instant::now();
    for exchange in &mut kept {
        Http1.describe(exchange);
    }
    println!("describe: {:?} an exchange", start.elapsed() / count);
    black_box(kept);
}
