//! What changed between an expected and an observed tree.
//!
//! Everything is compared but what a rule hides and what the service makes anew each time, and
//! both are counted. The order of map members and of different headers does not count; that of
//! list elements does. The work is bounded: see [`align`].

mod align;
mod around;
mod body;
mod by_kind;
mod calls;
mod differ;
mod fields;
mod fingerprint;
mod list;
mod moments;
mod places;
mod policy;
mod response;
mod sorted;
mod text;
mod tokens;
mod web_token;
mod xml;

pub use around::Around;
pub use calls::compare_calls;
pub use places::{places, places_of_call};
pub use response::{Compared, compare_response};

pub(crate) use align::equal_pairs;
pub(crate) use fingerprint::{fingerprint, general_place, general_text, hash, is_word};
pub(crate) use web_token::WebToken;

#[cfg(test)]
mod tests;
