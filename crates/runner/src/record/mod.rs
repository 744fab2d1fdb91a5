//! A session of `record`: from the relay's events to files and a ledger.

mod alias;
mod attribute;
mod exclude;
mod fingerprint;
mod forward;
mod options;
mod recorder;
mod redact;
mod served;
mod session;
mod shared;
mod unread;
mod writers;

pub use alias::Aliases;
pub use attribute::{Attributor, OutboundCall, Placed, PlacedCall, PlacedTest, Step};
pub use forward::ForwardOptions;
pub(crate) use forward::{add_led, door, variables};
pub use options::{Progress, RecordError, RecordOptions, Recorded};
pub use recorder::{Keeping, Recorder};
pub use redact::{KnownSecrets, Redactor};
pub use served::Served;
pub use session::record;
pub(crate) use session::rewritten;
