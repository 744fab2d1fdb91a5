//! How long a test set takes to read.

use std::time::Instant;

use anyhow::Result;
use retake_store::Store;
use retake_wire::PROTOCOLS;

/// Reads a set once; prints the seconds and how many tests there are.
pub fn load(folder: &str, set: &str) -> Result<()> {
    let protocols: Vec<_> = PROTOCOLS.iter().map(|protocol| protocol.id()).collect();
    let store = Store::new(folder).with_protocols(&protocols);
    let began = Instant::now();
    let set = store.load(set)?;
    println!("{:.6} {}", began.elapsed().as_secs_f64(), set.tests.len());
    Ok(())
}
