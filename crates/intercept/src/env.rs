//! `--dep-env VAR`: addresses that a service takes from its environment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;

use retake_model::ProtocolId;

use crate::address::host_port;
use crate::error::{blot, wrong};
use crate::keywords;
use crate::url::locate;
use crate::{AddressError, DepSpec, HostPort};

/// A dependency whose address stands in an environment variable.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvDependency {
    /// The variable.
    pub variable: String,
    /// The dependency; it listens on a free port of 127.0.0.1. Its name is the variable's in
    /// lower case without an ending such as `_URL`: `DATABASE_URL` is `database`.
    pub dep: DepSpec,
    /// What may go wrong although the value could be read (a certificate that is looked at, a
    /// host by name), with a hint.
    pub warning: Option<String>,
    value: String,
    /// What is replaced, in the order of the text.
    edits: Vec<Edit>,
}

impl EnvDependency {
    /// The variable's value, as it was. It may hold a password.
    pub fn original(&self) -> &str {
        &self.value
    }

    /// The variable's value with host and port replaced, and every other byte as it was.
    pub fn rewritten(&self, listening: SocketAddr) -> String {
        let mut text = String::with_capacity(self.value.len() + 16);
        let mut done = 0;
        for edit in &self.edits {
            text.push_str(self.value.get(done..edit.range.start).unwrap_or_default());
            match edit.with {
                With::HostPort => text.push_str(&listening.to_string()),
                With::Host => text.push_str(&listening.ip().to_string()),
                With::Port => text.push_str(&listening.port().to_string()),
                With::PortKeyword(before) => {
                    text.push_str(&format!("{before}port={}", listening.port()));
                }
            }
            done = edit.range.end;
        }
        text.push_str(self.value.get(done..).unwrap_or_default());
        text
    }
}

/// The value may hold a password: it is not shown.
impl std::fmt::Debug for EnvDependency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvDependency")
            .field("variable", &self.variable)
            .field("dep", &self.dep)
            .field("value", &blot(&self.value))
            .finish_non_exhaustive()
    }
}

/// A part of the value that is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) with: With,
}

/// What stands there afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    /// `host:port`, as in a URL.
    HostPort,
    /// The address alone.
    Host,
    /// The port alone.
    Port,
    /// `port=` and the port, after this separator.
    PortKeyword(char),
}

/// Reads the value of an environment variable: a URL, `host:port`, libpq's `host=… port=…`, or
/// the same with semicolons.
///
/// # Errors
/// No address can be found in the value.
pub fn env_dependency(variable: &str, value: &str) -> Result<EnvDependency, AddressError> {
    let found = find(value).map_err(|error| AddressError {
        text: format!("{variable}={}", blot(value)),
        ..error
    })?;
    let dep = DepSpec {
        name: name_of(variable).into(),
        protocol: found.protocol,
        tls: found.tls,
        upstream: found.address,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    };
    Ok(EnvDependency {
        variable: variable.to_owned(),
        warning: tls_warning(value).or_else(|| name_warning(&dep)),
        dep,
        value: value.to_owned(),
        edits: found.edits,
    })
}

/// An address in a value.
pub(crate) struct Found {
    pub(crate) protocol: Option<ProtocolId>,
    /// Whether TLS is spoken from the first byte.
    pub(crate) tls: bool,
    pub(crate) address: HostPort,
    pub(crate) edits: Vec<Edit>,
}

fn find(value: &str) -> Result<Found, AddressError> {
    if value.trim().is_empty() {
        return Err(wrong(
            value,
            "the variable is empty",
            "set it to the dependency's address, as the service needs it",
        ));
    }
    let whole = |range| {
        vec![Edit {
            range,
            with: With::HostPort,
        }]
    };
    if value.contains("://") {
        let located = locate(value)?;
        return Ok(Found {
            protocol: located.scheme.protocol,
            tls: located.scheme.tls,
            address: located.address,
            edits: whole(located.range),
        });
    }
    if value.contains('=') {
        return keywords::find(value);
    }
    if value.contains(',') {
        return Err(wrong(
            value,
            "several hosts",
            "name one: retake listens for one server at a time",
        ));
    }
    let trimmed = value.trim();
    let start = value.find(trimmed).unwrap_or_default();
    Ok(Found {
        protocol: None,
        tls: false,
        address: host_port(trimmed, None)?,
        edits: whole(start..start + trimmed.len()),
    })
}

/// Endings of variables that say that an address follows, not whose it is.
const ENDINGS: &[&str] = &[
    "_CONNECTION_STRING",
    "_CONNECTION_URL",
    "_BASE_URL",
    "_ENDPOINT",
    "_ADDRESS",
    "_SERVER",
    "_URL",
    "_URI",
    "_DSN",
    "_ADDR",
    "_HOST",
];

fn name_of(variable: &str) -> String {
    let base = ENDINGS
        .iter()
        .find_map(|ending| variable.strip_suffix(ending))
        .filter(|base| !base.is_empty())
        .unwrap_or(variable);
    base.to_ascii_lowercase().replace('_', "-")
}

/// Settings that name the certificates a client trusts: retake's own is not among them.
const TRUST_SETTINGS: &[&str] = &["sslrootcert=", "root certificate="];

fn tls_warning(value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let setting = TRUST_SETTINGS.iter().find(|s| lower.contains(*s))?;
    Some(format!(
        "`{setting}` names what the service trusts, and the certificate that retake shows is not \
         from there (hint: take it out while recording, so that PGSSLROOTCERT counts, or name the \
         file that `retake ca --bundle` prints)"
    ))
}

fn name_warning(dep: &DepSpec) -> Option<String> {
    let host = dep.upstream.host.as_str();
    let is_http = dep.protocol.is_some_and(|id| id.0 == "http");
    let plain = host == "localhost" || host.parse::<IpAddr>().is_ok();
    (is_http && !plain).then(|| {
        format!(
            "the service will send `host: 127.0.0.1:…` in place of `{host}` to {}, which a server \
             of several sites may not know (hint: give it the server's own address)",
            dep.name
        )
    })
}

#[cfg(test)]
mod tests;
