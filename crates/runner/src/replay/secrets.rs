//! Redacted credentials in what is sent.

use std::collections::HashSet;
use std::sync::OnceLock;

use retake_compare::made::scan;
use retake_model::{TestSet, TokenKind, Value};

/// The redacted credentials that the tests of a set give out: what the new build gives out in their
/// place is sent, and no setting is needed. Looked for when the first one is refused.
#[derive(Debug, Default)]
pub(super) struct Given(OnceLock<HashSet<String>>);

impl Given {
    /// Whether a test of the set gives it out.
    pub(super) fn has(&self, set: &TestSet, token: &str) -> bool {
        let given = self.0.get_or_init(|| {
            let mut given = HashSet::new();
            for test in &set.tests {
                each_secret(&test.response, &mut |token| {
                    given.insert(token.to_owned());
                });
            }
            given
        });
        given.contains(token)
    }
}

/// What to do where the service refuses a request whose credentials were redacted, and nothing
/// was given in their place; with the first of these. `headers` are those that the settings put in
/// place of recorded ones. A request that was refused when it was recorded, too, counts where
/// the response `differs`: what is wrong with a credential is another matter than with its token.
pub(super) fn refused(
    request: &Value,
    headers: &[(String, String)],
    expected: &Value,
    observed: &Value,
    differs: bool,
) -> Option<(String, String)> {
    let status = |response: &Value| response.get("status")?.as_i64();
    let (recorded, came) = (status(expected), status(observed)?);
    if !matches!(came, 401 | 403) || recorded == Some(came) && !differs {
        return None;
    }
    let token = token_in(request, headers)?;
    let hint = format!(
        "its request has a credential that was redacted; hint: say in retake.yaml what to send in \
         its place: `replay: {{secrets: {{{token}: \"${{NAME}}\"}}}}`, where NAME is a variable that \
         holds it"
    );
    Some((token, hint))
}

/// Calls `each` for every redacted credential in a tree.
fn each_secret(tree: &Value, each: &mut impl FnMut(&str)) {
    match tree {
        Value::String(text) => scan(text, |token| {
            if token.kind == TokenKind::Secret {
                each(token.text);
            }
        }),
        Value::List(items) => items.iter().for_each(|item| each_secret(item, each)),
        Value::Map(fields) => fields
            .iter()
            .for_each(|(_, value)| each_secret(value, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Bytes(_) => {}
    }
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
        let said = refused(&request, given, &status(200), &status(came), true);
        assert_eq!(said.is_some(), hinted, "{text} {came}: {said:?}");
        assert!(said.is_none_or(|(_, said)| said.contains("{redacted-0123456789abcdef01234567: ")));
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

    #[test]
    fn a_request_that_was_refused_when_it_was_recorded_is_hinted_at_where_the_refusal_reads_otherwise()
     {
        let header = Value::map([(
            "Authorization",
            Value::text("Bearer redacted-0123456789abcdef01234567"),
        )]);
        let request = Value::map([("headers", Value::List(vec![header]))]);
        let refusal = Value::map([("status", Value::from(401))]);
        for differs in [true, false] {
            let said = refused(&request, &[], &refusal, &refusal, differs);
            assert_eq!(said.is_some(), differs);
        }
    }
}
