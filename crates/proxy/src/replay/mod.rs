//! Replay: servers in place of the dependencies, and the client that sends recorded requests.

mod client;
mod live;
mod mock;
mod session;

pub use client::{Observed, ReplayClient, SendError};
pub use mock::{MockListen, MockServers, Oracle};
