//! Rules that say what is noise, ready to be asked.

mod compile;

pub use compile::{RuleError, RuleSet};
