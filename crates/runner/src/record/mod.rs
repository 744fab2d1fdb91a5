//! A session of `record`.

mod attribute;
mod redact;

pub use attribute::{Attributor, OutboundCall, Placed, PlacedCall};
pub use redact::Redactor;
