//! The replaying client and the mock servers over real sockets, with scripted peers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

mod client;
mod mock;
