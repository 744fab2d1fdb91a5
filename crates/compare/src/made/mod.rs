//! Values that the service makes: ids, times, tokens.

mod moment;
mod scan;
mod values;

pub(crate) use moment::style;
pub use scan::{Near, Token, each_leaf_token, epoch_kind, leaf_tokens, scan, whole_token};
pub use values::ValueMap;
