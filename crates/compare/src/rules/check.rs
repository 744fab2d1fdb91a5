//! What is wrong with rules, before they are used.

use retake_model::{NoiseRule, RuleAction, Value};

use super::RuleSet;
use super::request::leaf_text;

/// What is wrong with a rule, as [`RuleSet::new`] would say it, and the next step.
///
/// # Errors
/// What is wrong.
pub fn check_rule(rule: &NoiseRule) -> Result<(), (String, &'static str)> {
    let Err(error) = RuleSet::new([rule]) else {
        return Ok(());
    };
    let hint = match &rule.action {
        RuleAction::Pattern(_) => "write `\\` before a character that is meant as it stands",
        _ => "`pattern`, `type` or `ignore` do",
    };
    let what = error.what.split(" (hint: ").next().unwrap_or_default();
    Err((what.to_owned(), hint))
}

/// Whether a rule could hide a difference at a place that holds this.
///
/// # Errors
/// Why it could not, as the end of a sentence that begins with the place.
pub fn applies(rule: &NoiseRule, value: &Value) -> Result<(), String> {
    let number = || leaf_text(value).and_then(|text| text.parse::<f64>().ok());
    match &rule.action {
        RuleAction::Ignore | RuleAction::Type => Ok(()),
        RuleAction::Unordered if value.as_list().is_none() => {
            Err(format!("holds a {}, which has no order", value.type_name()))
        }
        RuleAction::Unordered => Ok(()),
        RuleAction::Tolerance(_) if number().is_none() => Err("holds no number".to_owned()),
        RuleAction::Tolerance(_) => Ok(()),
        RuleAction::Pattern(pattern) => match (leaf_text(value), regex::Regex::new(pattern)) {
            (Some(text), Ok(regex)) if regex.is_match(text) => Ok(()),
            (_, Err(_)) => Ok(()),
            (Some(_), _) => Err("holds a value that does not match the pattern".to_owned()),
            (None, _) => Err(format!("holds a {}, which is no text", value.type_name())),
        },
    }
}
