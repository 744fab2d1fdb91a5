//! Values beside a name that says what they are: the token of a form, a nonce.

/// Parts of names whose values are made anew.
const WORDS: &[&str] = &["csrf", "xsrf", "token", "nonce", "session", "secret"];

/// Names of attributes that hold a value of which another attribute of the same tag says what it is.
const HOLDERS: &[&str] = &["value", "content"];

/// How many bytes of a tag are looked at on each side of a value.
const TAG: usize = 256;

/// Whether a name says that its value is made anew.
pub(super) fn says_token(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// Whether a value in a text stands behind such a name: `csrf = 'VALUE'`, `"nonce": "VALUE"`,
/// `?token=VALUE`, `<input name="_token" value="VALUE">`.
pub(super) fn is_named_token(text: &str, value: &str) -> bool {
    text.match_indices(value).any(|(at, _)| {
        let (before, after) = text.split_at(at);
        let after = after.get(value.len()..).unwrap_or_default();
        let Some(name) = name_before(before) else {
            return false;
        };
        says_token(name) || HOLDERS.contains(&name) && tag_says_token(before, after)
    })
}

/// The word that `=` or `:` gives a value, with quotes or without.
fn name_before(before: &str) -> Option<&str> {
    let quoted = |c: char| matches!(c, '"' | '\'' | ' ');
    let named = before.trim_end_matches(quoted).strip_suffix(['=', ':'])?;
    let named = named.trim_end_matches(quoted);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let start = named.trim_end_matches(is_name).len();
    named.get(start..).filter(|name| !name.is_empty())
}

/// Whether the `name` or `id` of the tag that a value stands in says so.
fn tag_says_token(before: &str, after: &str) -> bool {
    let start = before.rfind('<').filter(|at| before.len() - at <= TAG);
    let Some(before) = start.and_then(|at| before.get(at..)) else {
        return false;
    };
    let end = after.find('>').filter(|at| *at <= TAG);
    let after = end.and_then(|at| after.get(..at)).unwrap_or_default();
    let attributes = before.split_whitespace().chain(after.split_whitespace());
    attributes
        .filter_map(|attribute| attribute.split_once('='))
        .any(|(name, value)| matches!(name, "name" | "id") && says_token(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: bool) {
        assert_eq!(is_named_token(text, "5d41"), expect, "{text}");
    }

    #[test]
    fn a_value_behind_the_name_of_a_token_is_one() {
        check(r#"<meta name="csrf-token" content="5d41">"#, true);
        check(r#"<input value="5d41" type=hidden name='_token'>"#, true);
        check(r#"<script nonce="5d41" src="/a.js">"#, true);
        check(r#"{"csrfToken":"5d41"}"#, true);
        check("var XSRF = '5d41';", true);
        check("/reset?session=5d41&page=2", true);
    }

    #[test]
    fn a_value_beside_another_ones_name_is_none() {
        check(r#"<link nonce="a" href="/app-5d41.css">"#, false);
        check(r#"<link nonce="a" integrity="5d41">"#, false);
        check(r#"<meta name="build" content="5d41">"#, false);
        check(r#"<meta name="csrf-token"> <meta content="5d41">"#, false);
        check(r#"{"token":"a","sha256":"5d41"}"#, false);
        check("/reset?session=a&sig=5d41", false);
        check("5d41", false);
        check("the token 5d41", false);
    }
}
