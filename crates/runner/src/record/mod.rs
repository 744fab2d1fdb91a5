//! A session of `record`: from the relay's events to files and a ledger.

mod attribute;
mod fingerprint;
mod recorder;
mod redact;
mod session;

pub use attribute::{Attributor, OutboundCall, Placed, PlacedCall};
pub use recorder::{Keeping, Recorder};
pub use redact::Redactor;
pub(crate) use session::rewritten;
pub use session::{Progress, RecordError, RecordOptions, Recorded, record};
