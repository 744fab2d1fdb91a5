//! `--dep NAME=URL@ADDR`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use retake_model::ProtocolId;

use crate::address::host_port;
use crate::error::{blot, wrong};
use crate::url::locate;
use crate::{AddressError, HostPort};

const HINT: &str = "write db=postgres://127.0.0.1:5432@127.0.0.1:15432: the name, where the \
                    dependency is, where retake is to listen for it";

/// A dependency: its name, where it really is, and where retake listens for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepSpec {
    /// The name.
    pub name: Arc<str>,
    /// The protocol, where its URL named one.
    pub protocol: Option<ProtocolId>,
    /// Where it really is.
    pub upstream: HostPort,
    /// Where retake listens; port 0 for any free one.
    pub listen: SocketAddr,
    /// Whether TLS is spoken there from the first byte, as its URL says (`https`).
    pub tls: bool,
}

impl DepSpec {
    /// Reads `db=postgres://127.0.0.1:5432@127.0.0.1:15432`: a name, a URL (whose user, path and
    /// query are allowed and not used), and the address to listen on.
    ///
    /// # Errors
    /// A part is missing or cannot be used; the hint says how to write it.
    pub fn parse(text: &str) -> Result<DepSpec, AddressError> {
        let wrong = |what: &str| wrong(text, what, HINT);
        let (name, rest) = text
            .split_once('=')
            .ok_or_else(|| wrong("expected NAME=URL@ADDR"))?;
        let usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if name.is_empty() || !name.bytes().all(usual) {
            return Err(wrong(
                "the name is to be of letters, digits, `-`, `_` and `.`",
            ));
        }
        let (url, listen) = rest
            .rsplit_once('@')
            .ok_or_else(|| wrong("the address to listen on is missing"))?;
        let whole = |error: AddressError| AddressError {
            text: blot(text),
            ..error
        };
        let listen = listen_address(listen).ok_or_else(|| {
            wrong("what follows the last `@` is no address to listen on, such as 127.0.0.1:15432")
        })?;
        let (protocol, tls, upstream) = if url.contains("://") {
            let located = locate(url).map_err(whole)?;
            (located.scheme.protocol, located.scheme.tls, located.address)
        } else {
            (None, false, host_port(url, None).map_err(whole)?)
        };
        Ok(DepSpec {
            name: name.into(),
            protocol,
            upstream,
            listen,
            tls,
        })
    }
}

/// Reads `ip:port`, `localhost:port`, or a port of 127.0.0.1.
fn listen_address(text: &str) -> Option<SocketAddr> {
    if let Ok(addr) = text.parse() {
        return Some(addr);
    }
    let port = text
        .strip_prefix("localhost:")
        .or_else(|| text.strip_prefix(':'))
        .unwrap_or(text);
    let port: u16 = port.parse().ok()?;
    Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<(&str, Option<&str>, &str, &str), &str>) {
        let got = DepSpec::parse(text);
        match (&got, expect) {
            (Ok(dep), Ok((name, protocol, upstream, listen))) => {
                assert_eq!(&*dep.name, name);
                assert_eq!(dep.protocol.map(|id| id.0), protocol);
                assert_eq!(dep.upstream.to_string(), upstream);
                assert_eq!(dep.listen.to_string(), listen);
            }
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{error}");
                assert!(!error.hint.is_empty());
            }
            _ => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn reads_name_url_and_address() {
        let v4 = "127.0.0.1:15432";
        check(
            "db=postgres://127.0.0.1:5432@127.0.0.1:15432",
            Ok(("db", Some("postgres"), "127.0.0.1:5432", v4)),
        );
        check(
            "db=postgresql://u:p@w@db.local/shop?x=1@127.0.0.1:15432",
            Ok(("db", Some("postgres"), "db.local:5432", v4)),
        );
        check(
            "pay=http://[::1]:8080/v1@[::1]:0",
            Ok(("pay", Some("http"), "[::1]:8080", "[::1]:0")),
        );
        check("x=10.0.0.1:7@15432", Ok(("x", None, "10.0.0.1:7", v4)));
        check("x=tcp://h:7@localhost:15432", Ok(("x", None, "h:7", v4)));
        check(
            "api=https://api.example/v1@127.0.0.1:15432",
            Ok(("api", Some("http"), "api.example:443", v4)),
        );
        let tls = |text| DepSpec::parse(text).map(|dep| dep.tls);
        assert_eq!(tls("a=https://h@1"), Ok(true));
        assert_eq!(tls("a=rediss://h@1"), Ok(true));
        assert_eq!(tls("a=http://h@1"), Ok(false));
    }

    #[test]
    fn says_what_is_wrong_and_what_to_write() {
        check("db", Err("expected NAME=URL@ADDR"));
        check("=h:1@1", Err("the name"));
        check("a b=h:1@1", Err("the name"));
        check(
            "db=postgres://h:5432",
            Err("address to listen on is missing"),
        );
        check("db=postgres://u:pw@h:x", Err("`db=postgres://u:***@h:x`"));
        check("db=postgres://h:99999@1", Err("port is not a number"));
        check("db=tcp://h@1", Err("the port is missing"));
        check("db=gopher://h@1", Err("unknown scheme `gopher`"));
        check("db=postgres://a:1,b:2/db@1", Err("several hosts"));
        check("db=postgres://:5432@1", Err("host is missing"));
        check("db=postgres://::1:5432@1", Err("needs brackets"));
    }
}
