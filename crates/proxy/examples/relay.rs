//! A relay whose events are counted and forgotten: `relay LISTEN=UPSTREAM[=PROTOCOL]... [workers]`.
//!
//! For looking at the relay alone (`perf`, `scripts/bench`); it prints its counts at the end of
//! its input.

use std::collections::BTreeMap;
use std::time::Duration;

use retake_intercept::Listen;
use retake_proxy::record::{RecordOptions, RecordProxy, RelayEvent};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = RecordOptions::default();
    let mut listens = Vec::new();
    for argument in std::env::args().skip(1) {
        let mut parts = argument.split('=');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(addr), Some(upstream), protocol) => {
                let mut listen = Listen::inbound(addr.parse()?, upstream);
                listen.protocol = protocol
                    .and_then(retake_wire::protocol)
                    .map(retake_wire::Protocol::id);
                listens.push(listen);
            }
            _ => options.workers = argument.parse()?,
        }
    }
    let (proxy, mut events) = RecordProxy::start(listens, options)?;
    let reader = std::thread::spawn(move || {
        let mut kinds = BTreeMap::<&str, u64>::new();
        while let Some(batch) = events.recv(Duration::from_secs(1)) {
            for event in &batch.events {
                let kind = match event {
                    RelayEvent::Opened(_) => "opened",
                    RelayEvent::Began { .. } => "began",
                    RelayEvent::Ended(exchange) if exchange.flaw.is_some() => "flawed",
                    RelayEvent::Ended(_) => "ended",
                    RelayEvent::Lost { .. } => "lost",
                    RelayEvent::Opaque { .. } => "opaque",
                    RelayEvent::Note { .. } => "note",
                    RelayEvent::Closed { .. } => "closed",
                };
                *kinds.entry(kind).or_default() += 1;
            }
        }
        kinds
    });
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    let counters = proxy.stop(Duration::from_millis(200));
    println!("{counters:#?}\n{:#?}", reader.join());
    Ok(())
}
