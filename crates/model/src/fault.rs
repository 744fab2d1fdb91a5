//! What is wrong in a message that somebody may have written by hand.

use crate::Path;

/// What is wrong at a place of a message that somebody may have written by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which of the two messages of an exchange.
    pub part: Part,
    /// The place in the message's tree.
    pub at: Path,
    /// Whether it is about the name at the end of the place, and not about the value there.
    pub of_name: bool,
    /// What stands there, as a lowercase fragment.
    pub found: String,
    /// What was expected there; empty where that is said by `known`.
    pub expected: String,
    /// The next step; empty where there is none beside what `known` tells.
    pub hint: String,
    /// The words of which one was expected, where it is one of several: the one that was probably
    /// meant is told.
    pub known: Vec<&'static str>,
    /// Whether it can be used still, and is probably not meant so.
    pub usable: bool,
}

/// One of the two messages of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What was asked.
    Request,
    /// What was answered.
    Response,
}
