//! Rules that say what is noise, as users write them.

use crate::PathPattern;

/// A rule that says which differences are noise. Every rule reports how much it hid.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseRule {
    /// The places: a pattern over the tree `{response, calls}`, where `calls` has one key for
    /// each dependency: `response.body.json.items[*].seen_at`, `calls.db.params[1]`.
    pub at: PathPattern,
    /// What is done there.
    pub action: RuleAction,
    /// The reason, in the user's words.
    pub why: Option<String>,
    /// Where it was written: `file:line`, for reports. Empty for built-in rules.
    pub source: String,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleAction {
    /// Nothing below the place is compared.
    Ignore,
    /// The types must be the same, the values need not.
    Type,
    /// Both values, as text, match the regular expression.
    Pattern(String),
    /// Both are numbers that differ by this much at most.
    Tolerance(f64),
    /// A list whose order does not count; its elements do.
    Unordered,
}

/// How much a rule hid in one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleUse {
    /// The rule's pattern, as written.
    pub rule: String,
    /// Where the rule was written.
    pub source: String,
    /// How many differences it hid.
    pub hidden: u64,
}
