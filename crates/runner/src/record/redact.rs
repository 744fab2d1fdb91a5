//! Credentials are taken out before anything is written.
//!
//! A secret becomes `redacted-` and 24 hex digits of its keyed hash (BLAKE3, with a key that each
//! installation makes for itself), so the same secret gives the same token wherever it stands:
//! what was equal stays equal, and requests that carry it still match.

mod known;

use retake_compare::made::{Near, whole_token};
use retake_model::{TokenKind, Value};
use retake_store::RedactSettings;

pub use known::KnownSecrets;

/// Headers whose value is a credential.
const SECRET_HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-access-token",
    "x-amz-security-token",
];

/// Parts of cookie names that say that the cookie is a credential.
const SECRET_COOKIES: &[&str] = &[
    "sess", "sid", "auth", "token", "jwt", "csrf", "secret", "login",
];

/// Query keys whose value is a credential.
const SECRET_QUERY: &[&str] = &[
    "access_token",
    "api_key",
    "apikey",
    "auth_token",
    "client_secret",
    "password",
    "sig",
];

/// How the names of fields of JSON bodies end whose value is a credential, in lower case without
/// `_` and `-`. Not passwords: a service that is asked to check one again needs it. A JSON web
/// token is a credential whatever its name.
const SECRET_FIELDS: &[&str] = &["jwt", "token"];

/// What stands before `token` in the name of a field that is a place in a list.
const PLACES: &[&str] = &[
    "after",
    "before",
    "continuation",
    "cursor",
    "next",
    "page",
    "prev",
    "previous",
    "resume",
    "sync",
];

/// The shortest value of such a field that is taken for a credential, in bytes.
const SHORTEST_FIELD: usize = 16;

/// The length in bytes from which a cookie's value is taken for a credential whatever its name.
const LONG_COOKIE: usize = 16;

/// The shortest secret that is looked for in other places, in bytes: shorter ones would be found
/// where they do not stand.
const SHORTEST: usize = 8;

/// Takes credentials out of trees.
#[derive(Debug, Clone)]
pub struct Redactor {
    key: [u8; 32],
    headers: Vec<String>,
    /// Names of fields, [`bare`].
    fields: Vec<String>,
}

impl Redactor {
    /// A redactor with the installation's key, and further headers and fields to redact.
    pub fn new(key: [u8; 32], more: &RedactSettings) -> Self {
        let mut headers: Vec<String> = SECRET_HEADERS.iter().map(|h| (*h).to_owned()).collect();
        headers.extend(more.headers.iter().map(|h| h.to_ascii_lowercase()));
        let fields = more.fields.iter().map(|name| bare(name)).collect();
        Redactor {
            key,
            headers,
            fields,
        }
    }

    /// The token that stands for a secret.
    pub fn token(&self, secret: &str) -> String {
        let hash = blake3::keyed_hash(&self.key, secret.as_bytes()).to_hex();
        format!("redacted-{}", hash.as_str().get(..24).unwrap_or_default())
    }

    /// Takes the credentials out of an HTTP request or response; appends each to `found`.
    pub fn http(&self, message: &mut Value, found: &mut Vec<String>) {
        if let Some(Value::List(headers)) = message.get_mut("headers") {
            for header in headers {
                self.header(header, found);
            }
        }
        if let Some(body @ Value::Map(_)) = message.get_mut("body") {
            let before = found.len();
            if let Some(json) = body.get_mut("json") {
                self.fields(json, found);
            }
            if let Some(Value::List(pairs)) = body.get_mut("form") {
                pairs.iter_mut().for_each(|pair| self.pair(pair, found));
            }
            if let Value::Map(fields) = body
                && found.len() > before
            {
                // The exact encoded bytes would show what the decoded form hides.
                fields
                    .retain(|(name, value)| name != "encoded" || !matches!(value, Value::Bytes(_)));
            }
        }
        if let Some(Value::String(path)) = message.get_mut("path")
            && let Some((before, query)) = path.split_once('?')
        {
            let redacted = self.pairs(query, '&', found, |name, _| {
                SECRET_QUERY.contains(&name) || self.names(name)
            });
            if redacted != query {
                *path = format!("{before}?{redacted}");
            }
        }
    }

    /// Puts tokens in the place of these secrets wherever they stand in a tree; says whether
    /// there were any.
    pub fn elsewhere(&self, tree: &mut Value, secrets: &[String]) -> bool {
        match tree {
            Value::String(text) => {
                let before = text.len();
                let mut changed = false;
                for secret in secrets
                    .iter()
                    .filter(|s| s.len() >= SHORTEST && s.len() <= before)
                {
                    if text.contains(secret.as_str()) {
                        *text = text.replace(secret.as_str(), &self.token(secret));
                        changed = true;
                    }
                }
                changed
            }
            Value::List(items) => items
                .iter_mut()
                .fold(false, |any, item| self.elsewhere(item, secrets) | any),
            Value::Map(fields) => {
                let changed = fields.iter_mut().fold(false, |any, (_, value)| {
                    self.elsewhere(value, secrets) | any
                });
                if changed {
                    // The exact encoded bytes of a body would show what its decoded form hides.
                    fields.retain(|(name, value)| {
                        name != "encoded" || !matches!(value, Value::Bytes(_))
                    });
                }
                changed
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Bytes(_) => false,
        }
    }

    /// A URL with its password redacted, for `set.yaml`.
    pub fn url(&self, url: &str) -> String {
        let Some((scheme, rest)) = url.split_once("://") else {
            return self.keyword_password(url);
        };
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        match authority
            .rsplit_once('@')
            .and_then(|(user, host)| Some((user.split_once(':')?, host)))
        {
            Some(((user, password), host)) => {
                format!("{scheme}://{user}:{}@{host}{path}", self.token(password))
            }
            None => url.to_owned(),
        }
    }

    /// libpq's keyword form: `host=… password=…`.
    fn keyword_password(&self, text: &str) -> String {
        let words = text
            .split(' ')
            .map(|word| match word.strip_prefix("password=") {
                Some(password) => format!("password={}", self.token(password)),
                None => word.to_owned(),
            });
        words.collect::<Vec<_>>().join(" ")
    }

    /// The credentials in the fields of a JSON body.
    fn fields(&self, tree: &mut Value, found: &mut Vec<String>) {
        match tree {
            Value::Map(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text)
                            if is_secret_field(name, text) || self.is_named(name, text) =>
                        {
                            self.hide(text, found);
                        }
                        value => self.fields(value, found),
                    }
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.fields(item, found)),
            _ => {}
        }
    }

    /// A field of a form, `[name, value]`.
    fn pair(&self, pair: &mut Value, found: &mut Vec<String>) {
        if let Value::List(pair) = pair
            && let [Value::String(name), Value::String(text)] = pair.as_mut_slice()
            && self.is_named(name, text)
        {
            self.hide(text, found);
        }
    }

    fn hide(&self, text: &mut String, found: &mut Vec<String>) {
        let token = self.token(text);
        found.push(std::mem::replace(text, token));
    }

    /// Whether the settings name this field.
    fn names(&self, name: &str) -> bool {
        !self.fields.is_empty() && self.fields.contains(&bare(name))
    }

    /// The same of a field with something in it.
    fn is_named(&self, name: &str, text: &str) -> bool {
        !text.is_empty() && self.names(name)
    }

    fn header(&self, header: &mut Value, found: &mut Vec<String>) {
        let Value::Map(fields) = header else { return };
        for (name, value) in fields {
            let Value::String(text) = value else { continue };
            let name = name.to_ascii_lowercase();
            let redacted = match name.as_str() {
                "cookie" => self.pairs(text, ';', found, is_secret_cookie),
                "set-cookie" => {
                    let (pair, attributes) = match text.find(';') {
                        Some(end) => text.split_at(end),
                        None => (text.as_str(), ""),
                    };
                    format!(
                        "{}{attributes}",
                        self.pairs(pair, ';', found, is_secret_cookie)
                    )
                }
                name if self.headers.iter().any(|h| h == name) => self.credentials(text, found),
                _ => continue,
            };
            *text = redacted;
        }
    }

    /// RFC 9110, section 11.4: `scheme credentials`. The scheme stays readable.
    fn credentials(&self, text: &str, found: &mut Vec<String>) -> String {
        let (scheme, secret) = match text.split_once(' ') {
            Some((scheme, secret)) => (format!("{scheme} "), secret),
            None => (String::new(), text),
        };
        if secret.is_empty() {
            return text.to_owned();
        }
        found.push(secret.to_owned());
        format!("{scheme}{}", self.token(secret))
    }

    /// `name=value` pairs with the secret values replaced.
    fn pairs(
        &self,
        text: &str,
        separator: char,
        found: &mut Vec<String>,
        is_secret: impl Fn(&str, &str) -> bool,
    ) -> String {
        let pairs = text
            .split(separator)
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) if !value.is_empty() && is_secret(name.trim(), value) => {
                    found.push(value.to_owned());
                    format!("{name}={}", self.token(value))
                }
                _ => pair.to_owned(),
            });
        pairs.collect::<Vec<_>>().join(&separator.to_string())
    }
}

fn is_secret_field(name: &str, value: &str) -> bool {
    let bare = bare(name);
    let named = SECRET_FIELDS
        .iter()
        .filter_map(|end| bare.strip_suffix(end))
        .any(|before| !PLACES.iter().any(|place| before.ends_with(place)));
    let is_jwt = || whole_token(value, Near::default()) == Some(TokenKind::Jwt);
    value.len() >= SHORTEST_FIELD && (named || bare == "refresh" || is_jwt())
}

/// A name however it is written: `refreshToken`, `refresh_token`, `Refresh-Token`.
fn bare(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

fn is_secret_cookie(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    value.len() >= LONG_COOKIE || SECRET_COOKIES.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests;
