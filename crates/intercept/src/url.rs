//! Where host and port stand in a URL.

use std::ops::Range;

use crate::address::{HostPort, SCHEMES, Scheme, host_port, scheme};
use crate::{AddressError, error};

/// A URL's scheme and address, and where they stand in the text.
pub(crate) struct Located {
    pub(crate) scheme: &'static Scheme,
    pub(crate) address: HostPort,
    /// Host and port as written; with the brackets of an IPv6 address.
    pub(crate) range: Range<usize>,
}

/// Finds the address in a URL: `postgres://user:pw@host:5432/db?sslmode=disable`,
/// `jdbc:postgresql://host/db`. User, path and query are allowed and not used.
pub(crate) fn locate(text: &str) -> Result<Located, AddressError> {
    let wrong = |what: String, hint: &str| error::wrong(text, what, hint);
    let Some((before, after)) = text.split_once("://") else {
        return Err(wrong(
            "expected a URL".to_owned(),
            "write scheme://host:port",
        ));
    };
    let name = before.rsplit(':').next().unwrap_or(before);
    let scheme = scheme(name).ok_or_else(|| {
        let known: Vec<&str> = SCHEMES.iter().map(|scheme| scheme.name).collect();
        wrong(
            format!(
                "unknown scheme `{name}` (known schemes: {})",
                known.join(", ")
            ),
            "use tcp:// for a protocol that retake is to relay without reading",
        )
    })?;
    let start = before.len() + "://".len();
    let authority = after.split(['/', '?', '#']).next().unwrap_or(after);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user.len() + 1, host),
        None => (0, authority),
    };
    if host.contains(',') {
        return Err(wrong(
            "several hosts".to_owned(),
            "name one: retake listens for one server at a time",
        ));
    }
    let address = host_port(host, scheme.port).map_err(|error| AddressError {
        text: error::blot(text),
        ..error
    })?;
    let start = start + user;
    Ok(Located {
        scheme,
        address,
        range: start..start + host.len(),
    })
}
