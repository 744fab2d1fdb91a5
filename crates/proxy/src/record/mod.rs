//! The relay: bytes go through as they came, and a copy is read.

mod adopt;
mod counters;
mod door;
mod end;
mod event;
mod look;
mod proxy;
mod queue;
mod reader;
mod renaming;
mod session;
mod tls;
mod worker;

pub use adopt::{Adopter, Arrived};
pub use counters::Counters;
pub use event::{Batch, RelayEvent};
pub use proxy::{RecordOptions, RecordProxy, StartError};
pub use queue::Events;
