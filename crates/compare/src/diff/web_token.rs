//! JSON web tokens (RFC 7519): what they say.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use retake_model::{Value, json};

/// Claims that are another text in each token, by their definition: the token's own id (RFC 7519,
/// section 4.1.7), and digests of tokens that are made with it (OpenID Connect Core, 3.1.3.6).
const ANEW: &[&str] = &["jti", "at_hash", "c_hash", "s_hash"];

/// Header and claims of a token.
#[derive(Debug, PartialEq)]
pub(crate) struct WebToken {
    pub(super) header: Value,
    pub(crate) claims: Value,
}

impl WebToken {
    /// Reads a token in its compact form; none where a part is no JSON.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            Some(json::parse(&bytes).ok()?.0)
        });
        Some(WebToken {
            header: parts.next()??,
            claims: parts.next()??,
        })
    }

    /// Whether two tokens say the same, but for moments that are all later by the same time, and for
    /// what is another text in each token: two of one login that was done twice.
    pub(super) fn is_moved(one: &str, other: &str) -> bool {
        let (Some(one), Some(mut other)) = (WebToken::read(one), WebToken::read(other)) else {
            return false;
        };
        let anew = Self::take_anew(&one.claims, &mut other.claims);
        let (Value::Map(a), Value::Map(b)) = (&one.claims, &other.claims) else {
            return false;
        };
        let mut later = None;
        let is_later =
            |a: &Value, b: &Value, later: &mut Option<i128>| match (seconds(a), seconds(b)) {
                (Some(a), Some(b)) => *later.get_or_insert(b - a) == b - a,
                _ => false,
            };
        let alike = one.header == other.header
            && a.len() == b.len()
            && a.iter().zip(b).all(|((name, a), (other, b))| {
                name == other && (a == b || is_later(a, b, &mut later))
            });
        alike && (later.is_some() || anew > 0)
    }

    /// Writes the recorded text of claims that are another one each time in place of the
    /// candidate's, where both have such a text; gives how many.
    pub(super) fn take_anew(recorded: &Value, candidate: &mut Value) -> u64 {
        let Value::Map(fields) = candidate else {
            return 0;
        };
        let mut taken = 0;
        for (name, value) in fields
            .iter_mut()
            .filter(|(name, _)| ANEW.contains(&&**name))
        {
            if let (Some(Value::String(own)), Value::String(other)) = (recorded.get(name), value)
                && !own.is_empty()
                && !other.is_empty()
                && own != other
            {
                other.clone_from(own);
                taken += 1;
            }
        }
        taken
    }
}

/// A whole number of ten digits, as the seconds since 1970 have.
fn seconds(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) if number.as_str().len() == 10 => number.as_str().parse().ok(),
        _ => None,
    }
}
