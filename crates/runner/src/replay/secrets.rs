//! Redacted credentials in what is sent.

use retake_compare::made::scan;
use retake_model::{TokenKind, Value};

/// What to do where the service refuses a request whose credentials were redacted, and nothing
/// was given in their place. `headers` are those that the settings put in place of recorded ones.
pub(super) fn refused(
    request: &Value,
    headers: &[(String, String)],
    expected: &Value,
    observed: &Value,
) -> Option<String> {
    let status = |response: &Value| response.get("status")?.as_i64();
    let (recorded, came) = (status(expected), status(observed)?);
    if !matches!(came, 401 | 403) || recorded == Some(came) {
        return None;
    }
    let token = token_in(request, headers)?;
    Some(format!(
        "its request has a credential that was redacted; hint: say in retake.yaml what to send in \
         its place: `replay: {{secrets: {{{token}: \"${{NAME}}\"}}}}`, where NAME is a variable that \
         holds it"
    ))
}

/// The first redacted credential in a tree, but for headers that others are put in place of.
fn token_in(tree: &Value, headers: &[(String, String)]) -> Option<String> {
    match tree {
        Value::String(text) => {
            let mut found = None;
            scan(text, |token| {
                if token.kind == TokenKind::Secret && found.is_none() {
                    found = Some(token.text.to_owned());
                }
            });
            found
        }
        Value::List(items) => items.iter().find_map(|item| token_in(item, headers)),
        Value::Map(fields) => {
            let sent = |name: &str| {
                !headers
                    .iter()
                    .any(|(own, _)| own.eq_ignore_ascii_case(name))
            };
            let mut fields = fields.iter().filter(|(name, _)| sent(name));
            fields.find_map(|(_, value)| token_in(value, headers))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Bytes(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, given: &[(String, String)], came: i64, hinted: bool) {
        let header = Value::map([("Authorization", Value::text(text))]);
        let request = Value::map([("headers", Value::List(vec![header]))]);
        let status = |status: i64| Value::map([("status", Value::from(status))]);
        let said = refused(&request, given, &status(200), &status(came));
        assert_eq!(said.is_some(), hinted, "{text} {came}: {said:?}");
        assert!(said.is_none_or(|said| said.contains("{redacted-0123456789abcdef01234567: ")));
    }

    #[test]
    fn a_refusal_of_a_redacted_credential_says_what_to_do() {
        let basic = "Basic redacted-0123456789abcdef01234567";
        check(basic, &[], 401, true);
        check(basic, &[], 403, true);
        check(basic, &[], 500, false);
        check("Basic YW5uOnNlY3JldA==", &[], 401, false);
        let given = ("authorization".to_owned(), "Basic x".to_owned());
        check(basic, &[given], 401, false);
    }
}
