//! How long a test set takes to read.

use std::time::Instant;

use anyhow::Result;

/// Reads a set once; prints the seconds and how many tests there are.
pub fn load(folder: &str, set: &str) -> Result<()> {
    let store = retake_runner::store(folder);
    let began = Instant::now();
    let set = store.load(set)?;
    println!("{:.6} {}", began.elapsed().as_secs_f64(), set.tests.len());
    Ok(())
}
