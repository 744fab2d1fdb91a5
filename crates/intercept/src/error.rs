//! What can be wrong with an address.

use std::net::SocketAddr;

/// An address in an option or an environment variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {what}")]
pub struct AddressError {
    /// The text, with a password in it blotted out.
    pub text: String,
    /// What is wrong, as a lowercase fragment.
    pub what: String,
    /// The next step for the user.
    pub hint: String,
}

/// An address that could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr} for {whom}")]
pub struct ListenError {
    /// The address.
    pub addr: SocketAddr,
    /// The dependency's name, or `the service`.
    pub whom: String,
    /// The next step for the user.
    pub hint: String,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}

pub(crate) fn wrong(text: &str, what: impl Into<String>, hint: &str) -> AddressError {
    AddressError {
        text: blot(text),
        what: what.into(),
        hint: hint.to_owned(),
    }
}

/// The text without its passwords: those between a user's name and `@`, and those behind
/// `password=` or `pwd=`.
pub(crate) fn blot(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(start) = text.find("://").map(|at| at + 3) {
        let rest = text.get(start..).unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        // A password may hold what ends an authority: then everything up to the last `@` goes.
        let user = authority
            .rfind('@')
            .or_else(|| rest.rfind('@').filter(|_| authority.contains(':')));
        if let Some(end) = user
            && let Some(colon) = rest.get(..end).and_then(|user| user.find(':'))
        {
            text.replace_range(start + colon + 1..start + end, "***");
        }
    }
    for key in ["password=", "pwd="] {
        let mut from = 0;
        while let Some(at) = text
            .get(from..)
            .and_then(|rest| rest.to_ascii_lowercase().find(key))
        {
            let start = from + at + key.len();
            let rest = text.get(start..).unwrap_or_default();
            let quoted = rest.starts_with('\'').then(|| rest.get(1..)?.find('\''));
            let len = match quoted {
                Some(end) => end.map_or(rest.len(), |end| end + 2),
                None => rest.find([' ', ';', '&']).unwrap_or(rest.len()),
            };
            text.replace_range(start..start + len, "***");
            from = start;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::blot;

    #[test]
    fn no_password_is_shown() {
        for (text, shown) in [
            ("postgres://u:pw@h:1/db", "postgres://u:***@h:1/db"),
            ("postgres://u:p/w@h:1/db", "postgres://u:***@h:1/db"),
            (
                "db=postgres://u:p@w@h@127.0.0.1:1",
                "db=postgres://u:***@127.0.0.1:1",
            ),
            (
                "postgres://h:1/db?password=pw&a=b",
                "postgres://h:1/db?password=***&a=b",
            ),
            ("host=h password=pw port=1", "host=h password=*** port=1"),
            ("host=h password='p w' port=1", "host=h password=*** port=1"),
            ("Host=h;Password=pw;Port=1", "Host=h;Password=***;Port=1"),
            ("Host=h;Pwd=pw", "Host=h;Pwd=***"),
            ("http://h:1/a@b:c", "http://h:***@b:c"),
            ("127.0.0.1:80", "127.0.0.1:80"),
        ] {
            assert_eq!(blot(text), shown);
        }
    }
}
