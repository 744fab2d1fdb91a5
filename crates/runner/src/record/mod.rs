//! A session of `record`.

mod attribute;

pub use attribute::{Attributor, OutboundCall, Placed, PlacedCall};
