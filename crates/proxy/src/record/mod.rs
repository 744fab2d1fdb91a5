//! The relay: bytes go through as they came, and a copy is read.

mod counters;
mod door;
mod end;
mod event;
mod proxy;
mod queue;
mod reader;
mod session;
mod worker;

pub use counters::Counters;
pub use event::{Batch, RelayEvent};
pub use proxy::{RecordOptions, RecordProxy, StartError};
pub use queue::Events;
