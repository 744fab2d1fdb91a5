//! `rules:`, the same in `retake.yaml`, `set.yaml` and tests.

use retake_model::{NoiseRule, PathPattern, RuleAction, Segment};
use serde::Deserialize;

use crate::yaml::{Problem, locate};

/// One of `rules`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleDoc {
    path: String,
    ignore: Option<bool>,
    #[serde(rename = "type")]
    same_type: Option<bool>,
    pattern: Option<String>,
    tolerance: Option<f64>,
    unordered: Option<bool>,
    why: Option<String>,
}

const ACTIONS: &str =
    "one of `ignore: true`, `type: true`, `pattern`, `tolerance`, `unordered: true`";

/// The rules of the list at `list` in the file `file`, whose text is `text`.
pub(crate) fn read_rules(
    docs: Vec<RuleDoc>,
    list: &[Segment],
    file: &str,
    text: &str,
) -> Result<Vec<NoiseRule>, Problem> {
    let mut rules = Vec::with_capacity(docs.len());
    for (index, doc) in docs.into_iter().enumerate() {
        let mut place = list.to_vec();
        place.push(Segment::Index(index));
        let (line, column) = locate(text, &place).unwrap_or_default();
        let source = format!("{file}:{line}");
        let rule = read_rule(doc, source).map_err(|(key, problem)| {
            let (line, column) = key
                .and_then(|key| {
                    place.push(Segment::Key(key.to_owned()));
                    locate(text, &place)
                })
                .unwrap_or((line, column));
            problem.at(line, column)
        })?;
        rules.push(rule);
    }
    Ok(rules)
}

/// The key that says what a rule does.
pub(crate) fn action_key(action: &RuleAction) -> &'static str {
    match action {
        RuleAction::Ignore => "ignore",
        RuleAction::Type => "type",
        RuleAction::Pattern(_) => "pattern",
        RuleAction::Tolerance(_) => "tolerance",
        RuleAction::Unordered => "unordered",
    }
}

fn read_rule(doc: RuleDoc, source: String) -> Result<NoiseRule, (Option<&'static str>, Problem)> {
    let at = PathPattern::parse(&doc.path).map_err(|error| {
        let problem = Problem::new(format!("`{}` is no pattern of places", doc.path))
            .expected(format!("{} at its byte {}", error.expected, error.at))
            .hint("write it like `response.body.json.items[*].id` or `calls.db.params[0]`");
        (Some("path"), problem)
    })?;
    if !["response", "calls", "*", "**"].contains(&doc.path.split(['.', '[']).next().unwrap_or(""))
    {
        let problem = Problem::new(format!("`{}` is no place that is compared", doc.path))
            .expected("a path below `response` or `calls.<dependency>`")
            .hint("begin it with `response.` or `calls.`");
        return Err((Some("path"), problem));
    }
    if let Some(tolerance) = doc.tolerance
        && !(tolerance.is_finite() && tolerance >= 0.0)
    {
        let problem = Problem::new(format!("`{tolerance}` stands here"))
            .expected("a number, 0 or more")
            .hint("the most by which two numbers may differ");
        return Err((Some("tolerance"), problem));
    }
    let flag = |flag: Option<bool>, action| flag.unwrap_or(false).then_some(action);
    let actions = [
        flag(doc.ignore, RuleAction::Ignore),
        flag(doc.same_type, RuleAction::Type),
        doc.pattern.map(RuleAction::Pattern),
        doc.tolerance.map(RuleAction::Tolerance),
        flag(doc.unordered, RuleAction::Unordered),
    ];
    let mut actions = actions.into_iter().flatten();
    match (actions.next(), actions.next()) {
        (Some(action), None) => Ok(NoiseRule {
            at,
            action,
            why: doc.why,
            source,
        }),
        (None, _) => {
            let problem = Problem::new("this rule does nothing")
                .expected(ACTIONS)
                .hint("say what it does, or remove it");
            Err((None, problem))
        }
        (Some(_), Some(_)) => {
            let problem = Problem::new("this rule does several things at once")
                .expected(ACTIONS)
                .hint("write a rule for each");
            Err((None, problem))
        }
    }
}
