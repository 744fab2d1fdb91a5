//! Hosts, ports and schemes.

use retake_model::ProtocolId;

use crate::AddressError;

/// A host and a port. An IPv6 host is held without its brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A scheme that retake knows: its protocol, its usual port, and whether it starts with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// The scheme's name in a URL, lower case.
    pub name: &'static str,
    /// The protocol; none for a plain stream whose protocol is told by its first bytes.
    pub protocol: Option<ProtocolId>,
    /// The port where the URL has none.
    pub port: Option<u16>,
    /// Whether the connection is encrypted from its first byte.
    pub tls: bool,
}

/// Every scheme that retake knows.
pub static SCHEMES: &[Scheme] = &[
    plain("http", Some("http"), 80),
    tls("https", Some("http"), 443),
    plain("postgres", Some("postgres"), 5432),
    plain("postgresql", Some("postgres"), 5432),
    plain("mysql", Some("mysql"), 3306),
    plain("mariadb", Some("mysql"), 3306),
    plain("redis", Some("redis"), 6379),
    tls("rediss", Some("redis"), 6379),
    plain("mongodb", Some("mongodb"), 27017),
    plain("amqp", Some("amqp"), 5672),
    tls("amqps", Some("amqp"), 5671),
    plain("kafka", Some("kafka"), 9092),
    plain("nats", Some("nats"), 4222),
    Scheme {
        name: "tcp",
        protocol: None,
        port: None,
        tls: false,
    },
];

/// The scheme of that name, in any case. A driver's suffix does not count:
/// `postgresql+psycopg2` is `postgresql`.
pub fn scheme(name: &str) -> Option<&'static Scheme> {
    let base = name.split('+').next().unwrap_or(name);
    SCHEMES
        .iter()
        .find(|scheme| scheme.name.eq_ignore_ascii_case(base))
}

/// Whether TLS with a server of that protocol begins with the first byte, and is not asked for
/// within the protocol.
pub fn starts_with_tls(protocol: Option<ProtocolId>) -> bool {
    protocol.is_some()
        && SCHEMES
            .iter()
            .any(|scheme| scheme.tls && scheme.protocol == protocol)
}

const fn plain(name: &'static str, protocol: Option<&'static str>, port: u16) -> Scheme {
    Scheme {
        name,
        protocol: match protocol {
            Some(id) => Some(ProtocolId(id)),
            None => None,
        },
        port: Some(port),
        tls: false,
    }
}

const fn tls(name: &'static str, protocol: Option<&'static str>, port: u16) -> Scheme {
    Scheme {
        tls: true,
        ..plain(name, protocol, port)
    }
}

/// Reads `host:port`, `[v6]:port`, or a host alone where there is a usual port.
pub(crate) fn host_port(text: &str, usual: Option<u16>) -> Result<HostPort, AddressError> {
    let wrong = |what: &str, hint: &str| AddressError {
        text: text.to_owned(),
        what: what.to_owned(),
        hint: hint.to_owned(),
    };
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| wrong("`[` without `]`", "write an IPv6 address as [::1]:5432"))?;
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => {
                    return Err(wrong(
                        "expected `:port` after `]`",
                        "write an IPv6 address as [::1]:5432",
                    ));
                }
            }
        }
        None => match text.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => {
                return Err(wrong(
                    "an IPv6 address needs brackets",
                    "write it as [::1]:5432",
                ));
            }
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() {
        return Err(wrong("the host is missing", "write host:port"));
    }
    let port = match port {
        Some(digits) => digits.parse::<u16>().map_err(|_| {
            wrong(
                "the port is not a number from 0 to 65535",
                "write host:port, such as 127.0.0.1:5432",
            )
        })?,
        None => usual.ok_or_else(|| wrong("the port is missing", "write host:port"))?,
    };
    Ok(HostPort {
        host: host.to_owned(),
        port,
    })
}
