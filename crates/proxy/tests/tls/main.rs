//! TLS through the relay and with mock servers: real handshakes on loopback, between rustls and
//! what retake does with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod mocks;
mod postgres;
mod relayed;
mod support;
mod untouched;
