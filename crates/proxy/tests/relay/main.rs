//! The relay over real sockets of the loopback device, with scripted peers.

// The peers are scripted: what is not as scripted ends the test.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

mod adopted;
mod forwarding;
mod reading;
mod support;
