//! Values that the service makes: ids, times, tokens.

mod der;
mod digest;
mod instant;
mod moment;
mod named;
mod password;
mod provenance;
mod random;
mod scan;
mod secret;
mod short;
mod signed;
mod unlike;
mod values;

pub(crate) use instant::Instant;
pub(crate) use moment::civil;
pub use provenance::{Known, find_made};
pub(crate) use provenance::{each_text, each_token};
pub use scan::{Near, Token, each_leaf_token, epoch_kind, leaf_tokens, scan, whole_token};
pub(crate) use scan::{compared_as, scan_widely, style, tokens_and_constants};
pub(crate) use secret::is_nothing;
pub use short::{Short, find_short};
pub(crate) use unlike::is_unlike_words;
pub(crate) use values::AllMade;
pub use values::ValueMap;
