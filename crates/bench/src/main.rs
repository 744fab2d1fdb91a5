//! What `scripts/bench` measures with. Each command is one file.
//!
//! - `service`: answers at once; with `DATABASE_URL` after five queries
//! - `prepare`: fills the database that the service asks
//! - `drive`: sends the requests one by one and checks the answers, as a plain client would
//! - `files`: writes the same requests and checks for hurl and newman
//! - `load`: reads a test set
//! - `lookup`: looks mocks up in small and large sets

mod document;
mod drive;
mod files;
mod load;
mod lookup;
mod service;

use anyhow::{Context, Result, bail};

/// The allocator of retake, so that what is measured here is what it does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |at: usize, what: &str| {
        let found = arguments.get(at).cloned();
        found.with_context(|| format!("argument {at} is missing: {what}"))
    };
    let number = |at: usize, what: &str| -> Result<usize> {
        let found = text(at, what)?;
        found.parse().with_context(|| format!("{what}: {found}"))
    };
    match text(0, "a command")?.as_str() {
        "service" => service::serve(&text(1, "the address")?),
        "prepare" => service::prepare(number(1, "how many rows")?),
        "drive" => drive::drive(&text(1, "the address")?, number(2, "how many requests")?),
        "files" => files::write(
            &text(1, "the folder")?,
            &text(2, "the address")?,
            number(3, "how many requests")?,
        ),
        "load" => load::load(
            &text(1, "the folder of the recordings")?,
            &text(2, "the set")?,
        ),
        "lookup" => lookup::compare(number(1, "mocks of the large set")?),
        other => {
            bail!("unknown command: {other} (known: service, prepare, drive, files, load, lookup)")
        }
    }
}
