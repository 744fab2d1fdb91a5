//! The relay: bytes go through as they came, and a copy is read.

mod event;
mod proxy;

pub use event::{Batch, RelayEvent};
pub use proxy::{Counters, Events, RecordOptions, RecordProxy, StartError};
