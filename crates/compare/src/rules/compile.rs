//! A set of rules, checked once.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use retake_model::{NoiseRule, PathPattern, RuleAction, RuleUse};

use super::built_in::{BUILT_IN, MOMENTS};

/// The rules that hold for a test: the built-in ones, those of the project, the set, the test.
/// Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Arc<Vec<Rule>>,
    /// Whether any of them may have a say on calls.
    on_calls: bool,
}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: rule `{rule}`: {what}")]
pub struct RuleError {
    /// Where it was written: `file:line`.
    pub at: String,
    /// Its pattern, as written.
    pub rule: String,
    /// What is wrong, and what was expected.
    pub what: String,
}

/// One rule, checked.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) pattern: PathPattern,
    pub(crate) action: Action,
    pub(crate) source: String,
}

/// What a rule does, ready to be done.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Ignore,
    Type,
    Pattern(Regex),
    Tolerance(f64),
    Unordered,
    /// A list between commas that is a set: its order is no difference, nor are repeats and the
    /// case of its members.
    SetOfNames,
    /// A header that is computed from the body: it is no difference of its own where the bodies
    /// differ.
    FollowsBody,
    /// An entity tag: as [`Action::FollowsBody`], and it may be made of what the response does not
    /// show of an answer (the time of a row to the microsecond).
    FollowsAnswers,
    /// `content-length`: as [`Action::FollowsBody`], and its absence is a matter of framing where
    /// there is a body.
    FramesBody,
}

/// The most memory that one compiled expression may take, in bytes. An expression of ordinary
/// length takes a few KiB.
const REGEX_LIMIT: usize = 1 << 20;

impl RuleSet {
    /// The built-in rules (see `docs/noise.md`) and these, in this order.
    ///
    /// # Errors
    /// [`RuleError`] for the first rule that cannot be used.
    pub fn new<'r>(rules: impl IntoIterator<Item = &'r NoiseRule>) -> Result<Self, RuleError> {
        let built_in = BUILT_IN.iter().filter_map(|(place, action, why)| {
            Some(Rule {
                // The test `built_in_places_are_patterns` reads every one of them.
                pattern: PathPattern::parse(place).ok()?,
                action: action.clone(),
                source: format!("built in: {why}"),
            })
        });
        RuleSet::of(built_in.collect()).with(rules)
    }

    /// These rules and some more, for one test.
    ///
    /// # Errors
    /// [`RuleError`] for the first rule that cannot be used.
    pub fn with<'r>(
        &self,
        more: impl IntoIterator<Item = &'r NoiseRule>,
    ) -> Result<Self, RuleError> {
        let mut more = more.into_iter().peekable();
        if more.peek().is_none() {
            return Ok(self.clone());
        }
        let mut rules = self.rules.as_ref().clone();
        for rule in more {
            rules.push(compile(rule)?);
        }
        Ok(RuleSet::of(rules))
    }

    fn of(rules: Vec<Rule>) -> Self {
        let on_calls = |rule: &Rule| {
            let pattern = &rule.pattern;
            !pattern.enter_key(pattern.start(), "calls").is_dead()
        };
        RuleSet {
            on_calls: rules.iter().any(on_calls),
            rules: Arc::new(rules),
        }
    }

    /// Whether any of the rules may have a say on calls.
    pub(crate) fn on_calls(&self) -> bool {
        self.on_calls
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The built-in rules for moments, where it is chance whether both are the same.
    pub(crate) fn by_chance(&self) -> Vec<usize> {
        let is_moment = |rule: &Rule| {
            rule.source.starts_with("built in") && MOMENTS.contains(&rule.pattern.as_str())
        };
        let rules = self.rules.iter().enumerate();
        rules
            .filter(|(_, rule)| is_moment(rule))
            .map(|(at, _)| at)
            .collect()
    }

    /// What the rules hid, from one count per rule; rules that hid nothing are left out.
    pub(crate) fn uses(&self, hits: &[u64]) -> Vec<RuleUse> {
        self.rules
            .iter()
            .zip(hits)
            .filter(|(_, hidden)| **hidden > 0)
            .map(|(rule, hidden)| RuleUse {
                rule: rule.pattern.as_str().to_owned(),
                source: rule.source.clone(),
                hidden: *hidden,
            })
            .collect()
    }
}

fn compile(rule: &NoiseRule) -> Result<Rule, RuleError> {
    let fail = |what: String| RuleError {
        at: rule.source.clone(),
        rule: rule.at.as_str().to_owned(),
        what,
    };
    let action = match &rule.action {
        RuleAction::Ignore => Action::Ignore,
        RuleAction::Type => Action::Type,
        RuleAction::Unordered => Action::Unordered,
        RuleAction::Pattern(text) => RegexBuilder::new(text)
            .size_limit(REGEX_LIMIT)
            .dfa_size_limit(REGEX_LIMIT)
            .build()
            .map(Action::Pattern)
            .map_err(|e| {
                let why = e.to_string();
                // What the library draws around it needs several lines.
                let why = why.rsplit("error: ").next().unwrap_or(&why).trim();
                fail(format!("`{text}` is no regular expression: {why}"))
            })?,
        RuleAction::Tolerance(by) if !by.is_finite() || *by < 0.0 => {
            return Err(fail(format!(
                "a tolerance is a number from 0 up, not `{by}`"
            )));
        }
        RuleAction::Tolerance(_) if is_for_calls(rule.at.as_str()) => {
            return Err(fail(
                "a tolerance does not apply to calls, whose values find their answer \
                 (hint: `pattern`, `type` or `ignore` do)"
                    .to_owned(),
            ));
        }
        RuleAction::Tolerance(by) => Action::Tolerance(*by),
    };
    Ok(Rule {
        pattern: rule.at.clone(),
        action,
        source: rule.source.clone(),
    })
}

fn is_for_calls(pattern: &str) -> bool {
    pattern == "calls" || pattern.starts_with("calls.") || pattern.starts_with("calls[")
}
