//! What is left out on purpose.

use retake_model::{Exchange, Value};
use retake_store::Exclude;

/// The rule that leaves an exchange out, as the ledger names it. `to` is its dependency; none for
/// an inbound one.
pub(super) fn excluded_by(
    rules: &[Exclude],
    to: Option<&str>,
    exchange: &Exchange,
) -> Option<String> {
    let path = exchange
        .request
        .tree()
        .and_then(|request| request.get("path"));
    let path = path.and_then(Value::as_str);
    let applies = |rule: &&Exclude| {
        rule.dependency
            .as_deref()
            .is_none_or(|name| to == Some(name))
            && rule
                .path
                .as_deref()
                .is_none_or(|p| path.is_some_and(|path| glob(p, path)))
    };
    let rule = rules.iter().find(applies)?;
    let named = [("dependency", &rule.dependency), ("path", &rule.path)];
    let words = named
        .iter()
        .filter_map(|(key, value)| Some(format!("{key} {}", value.as_ref()?)));
    Some(format!(
        "excluded: {}",
        words.collect::<Vec<_>>().join(", ")
    ))
}

/// Whether a text matches a pattern in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn stars_stand_for_any_text() {
        let check =
            |pattern, text, expected| assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        check("/health", "/health", true);
        check("/health", "/healthy", false);
        check("/v1/*", "/v1/traces?x=1", true);
        check("*/traces*", "/v1/traces?x=1", true);
        check("/a*b*c", "/a-b-c", true);
        check("/a*b*c", "/a-c-b", false);
        check("/ab*b", "/ab", false);
        check("*", "", true);
    }
}
