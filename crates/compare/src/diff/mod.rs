//! What changed between an expected and an observed tree.

mod align;
mod response;

pub use response::{Compared, compare_response};
