//! Version 1 of the format: what stands in its files, and how that becomes the model's types and
//! is made of them.
//!
//! The types of the files are private to this module, so that a later version can change the
//! model without touching how old files are read.

#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod both_ways;
mod part;
mod read;
mod rules;
mod types;
mod write;

pub use part::SharedPart;
pub(crate) use read::{Reader, read_set, read_shared, read_test};
pub(crate) use rules::{RuleDoc, action_key, read_rules};
pub(crate) use write::{write_set, write_test};

#[cfg(test)]
mod edits_tests;
