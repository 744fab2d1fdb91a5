//! Replay: servers in place of the dependencies, and the client that sends recorded requests.

mod adopt;
mod awake;
mod client;
mod connection;
mod live;
mod mock;
mod request;
mod session;
mod shake;

pub use adopt::MockAdopter;
pub use awake::Awake;
pub use client::{Observed, ReplayClient, SendError};
pub use mock::{MockListen, MockServers, Oracle};
