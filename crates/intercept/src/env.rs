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
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, protocol: Option<&str>, upstream: &str, rewritten: &str) {
        let found = env_dependency("ORDER_DB_URL", value).unwrap();
        assert_eq!(&*found.dep.name, "order-db");
        assert_eq!(found.dep.protocol.map(|id| id.0), protocol);
        assert_eq!(found.dep.upstream.to_string(), upstream);
        assert_eq!(
            found.rewritten("127.0.0.1:19999".parse().unwrap()),
            rewritten
        );
    }

    #[test]
    fn only_host_and_port_are_replaced() {
        let pg = Some("postgres");
        check(
            "postgres://us%40er:p%3Aw@db.local:5433/shop?sslmode=disable#x",
            pg,
            "db.local:5433",
            "postgres://us%40er:p%3Aw@127.0.0.1:19999/shop?sslmode=disable#x",
        );
        check(
            "postgresql+psycopg2://u@[::1]/db",
            pg,
            "[::1]:5432",
            "postgresql+psycopg2://u@127.0.0.1:19999/db",
        );
        check(
            "jdbc:postgresql://h:1/db?user=u",
            pg,
            "h:1",
            "jdbc:postgresql://127.0.0.1:19999/db?user=u",
        );
        check(
            "http://127.0.0.1:8080/v1?to=http://x:1/",
            Some("http"),
            "127.0.0.1:8080",
            "http://127.0.0.1:19999/v1?to=http://x:1/",
        );
        check("HTTP://h", Some("http"), "h:80", "HTTP://127.0.0.1:19999");
        check(
            "https://api.example/v1",
            Some("http"),
            "api.example:443",
            "https://127.0.0.1:19999/v1",
        );
        check(" h:7 ", None, "h:7", " 127.0.0.1:19999 ");
        check("[::1]:7", None, "[::1]:7", "127.0.0.1:19999");
    }

    #[test]
    fn keyword_forms_keep_their_order_and_quotes() {
        let pg = Some("postgres");
        check(
            "user=u host=db.local port=5433 password='a host=b' dbname=d",
            pg,
            "db.local:5433",
            "user=u host=127.0.0.1 port=19999 password='a host=b' dbname=d",
        );
        check(
            "port = 5433  host = 'h'",
            pg,
            "h:5433",
            "port = 19999  host = '127.0.0.1'",
        );
        check(
            "host=h dbname=d",
            pg,
            "h:5432",
            "host=127.0.0.1 port=19999 dbname=d",
        );
        check(
            "Host=h;Username=u;Password=p w",
            pg,
            "h:5432",
            "Host=127.0.0.1;port=19999;Username=u;Password=p w",
        );
        check(
            "host=name hostaddr=10.0.0.1 port=1",
            pg,
            "10.0.0.1:1",
            "host=name hostaddr=127.0.0.1 port=19999",
        );
    }

    #[test]
    fn names_come_from_the_variable() {
        for (variable, name) in [
            ("DATABASE_URL", "database"),
            ("PAYMENTS_BASE_URL", "payments"),
            ("REDIS", "redis"),
            ("_URL", "-url"),
        ] {
            assert_eq!(name_of(variable), name);
        }
    }

    #[test]
    fn what_cannot_be_used_is_an_error_with_a_hint_and_without_the_password() {
        for (value, part) in [
            ("", "empty"),
            ("postgres://u:secret@a,b/db", "several hosts"),
            ("a:1,b:2", "several hosts"),
            ("h", "port is missing"),
            ("dbname=d", "no host"),
            ("host=/var/run/postgresql password=secret", "Unix socket"),
            ("host=h port=x", "port is not a number"),
            ("host='h", "quote"),
        ] {
            let error = env_dependency("V", value).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
            assert!(!error.hint.is_empty());
        }
    }

    #[test]
    fn warns_where_a_client_trusts_other_certificates_or_a_host_name_is_lost() {
        let warning = |value| env_dependency("V", value).unwrap().warning;
        for value in [
            "postgres://h/db?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "Host=h;SSL Mode=VerifyFull;Root Certificate=/etc/ca.pem",
        ] {
            assert!(warning(value).is_some_and(|w| w.contains("names what the service trusts")));
        }
        assert!(warning("http://pay.local/").is_some_and(|w| w.contains("host:")));
        for value in ["postgres://h/db?sslmode=require", "https://localhost:1"] {
            assert_eq!(warning(value), None);
        }
    }
}
