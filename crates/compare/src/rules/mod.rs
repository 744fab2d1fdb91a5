//! Rules that say what is noise, ready to be asked.
//!
//! A rule never hides more than its place: it is asked about each difference, and says of each
//! that it hid. [`Walk`] follows all rules down a tree at once.

mod built_in;
mod check;
mod compile;
mod request;
mod walk;

pub use check::{applies, check_rule};
pub use compile::{RuleError, RuleSet};

pub(crate) use compile::{Action, Rule};
pub(crate) use request::leaf_text;
pub(crate) use walk::Walk;

#[cfg(test)]
mod tests;
