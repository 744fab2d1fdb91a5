//! Rules on calls: applied to requests before they are hashed.

use std::borrow::Cow;

use retake_model::Value;

use super::{Action, RuleSet, Walk};
use crate::sql::with_literals;

impl RuleSet {
    /// A request to `to` with the places blanked that rules on `calls.<to>` hide, for hashing:
    /// done to the recorded and to the asked request alike. Borrowed where no rule applies.
    /// Ignored places become null, typed ones the name of their type, places with a pattern that
    /// they match the pattern, and lists without order are sorted.
    pub fn apply_to_request<'v>(&self, to: &str, request: &'v Value) -> Cow<'v, Value> {
        if !self.on_calls() {
            return Cow::Borrowed(request);
        }
        let mut walk = Walk::new(self.rules());
        walk.enter_key("calls");
        walk.enter_key(to);
        if !walk.is_alive() {
            return Cow::Borrowed(request);
        }
        let mut blanked = request.clone();
        blank(&mut walk, &mut blanked);
        if blanked == *request {
            Cow::Borrowed(request)
        } else {
            Cow::Owned(blanked)
        }
    }
}

fn blank(walk: &mut Walk<'_>, value: &mut Value) {
    if walk.ignored().is_some() {
        *value = Value::Null;
        return;
    }
    match value {
        Value::Map(fields) => {
            for (name, member) in fields {
                walk.enter_key(name);
                if walk.is_alive() {
                    blank(walk, member);
                }
                walk.leave();
            }
        }
        Value::List(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                walk.enter_index(i);
                if walk.is_alive() {
                    blank(walk, item);
                }
                walk.leave();
            }
            if walk.unordered().is_some() {
                items.sort_by_cached_key(|item| format!("{item:?}"));
            }
        }
        leaf => {
            let blanked = blank_leaf(walk, leaf).or_else(|| blank_literals(walk, leaf.as_str()?));
            if let Some(text) = blanked {
                *leaf = Value::String(text);
            }
        }
    }
}

/// The literals of a statement have places as the report tells them: `sql.literals[0]`.
fn blank_literals(walk: &mut Walk<'_>, sql: &str) -> Option<String> {
    walk.enter_key("literals");
    let blanked = walk.is_alive().then(|| {
        with_literals(sql, |number, text| {
            walk.enter_index(number);
            let blanked = match walk.ignored() {
                Some(_) => Some("<ignored>".to_owned()),
                None => blank_leaf(walk, &Value::String(text.to_owned())),
            };
            walk.leave();
            blanked
        })
    });
    walk.leave();
    blanked.flatten()
}

fn blank_leaf(walk: &Walk<'_>, leaf: &Value) -> Option<String> {
    if walk.typed().is_some() {
        return Some(format!("<{}>", leaf.type_name()));
    }
    let text = leaf_text(leaf)?;
    walk.here().find_map(|(_, action)| match action {
        Action::Pattern(pattern) if pattern.is_match(text) => Some(format!("</{pattern}/>")),
        _ => None,
    })
}

/// The text of a leaf that has one.
pub(crate) fn leaf_text(leaf: &Value) -> Option<&str> {
    match leaf {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.as_str()),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::Null | Value::Bytes(_) | Value::List(_) | Value::Map(_) => None,
    }
}
