//! Values that the service makes: ids, times, tokens.

mod scan;
mod values;

pub use scan::{Near, Token, epoch_kind, leaf_tokens, scan, whole_token};
pub use values::ValueMap;
