//! A company's own proxy, through which the world is reached.

use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use retake_wire::http1::forward::Authority;

use super::recorded::is_at;

/// Which hosts are reached through which proxy.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    proxy: Option<Chained>,
    /// Hosts that are reached without it.
    direct: Vec<String>,
}

/// A proxy behind the proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Chained {
    /// Where it is.
    pub at: Authority,
    /// The value of `Proxy-Authorization`, where it wants one. Never shown.
    pub(super) authorization: Option<String>,
}

impl std::fmt::Debug for Chained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chained({})", self.at)
    }
}

/// Why the address of a proxy cannot be used. The address itself may hold a password, and is not
/// told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ChainError {
    what: String,
}

impl Chain {
    /// Through the proxy at a URL (`http://user:password@host:port`) but for the hosts of a
    /// NO_PROXY list: names (which stand for what is below them too), addresses, `host:port`, `*`.
    ///
    /// # Errors
    /// The URL is none of a plain HTTP proxy.
    pub fn new(url: &str, no_proxy: &str) -> Result<Self, ChainError> {
        let wrong = |what: &str| ChainError {
            what: what.to_owned(),
        };
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) => {
                let what = format!("a proxy that speaks {scheme} cannot be used, only http");
                return Err(wrong(&what));
            }
            None => url,
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let at = Authority::read(host, Some(80))
            .ok_or_else(|| wrong("expected http://host:port of a proxy"))?;
        let authorization =
            user.map(|user| format!("Basic {}", BASE64_STANDARD.encode(decoded(user))));
        Ok(Chain {
            proxy: Some(Chained { at, authorization }),
            direct: no_proxy
                .split([',', ' '])
                .map(|host| host.trim().trim_start_matches("*.").trim_start_matches('.'))
                .filter(|host| !host.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
        })
    }

    /// The same; but none where the proxy is the one that listens there itself: whoever set it for
    /// the service set it for us too.
    #[must_use]
    pub fn but_for(mut self, own: SocketAddr) -> Self {
        self.proxy = self.proxy.filter(|proxy| !is_at(&proxy.at, own));
        self
    }

    /// The proxy to go through to that host.
    pub fn of(&self, to: &Authority) -> Option<&Chained> {
        let host = to.host.to_ascii_lowercase();
        let with_port = Authority {
            host: host.clone(),
            port: to.port,
        }
        .to_string();
        let is_direct = self.direct.iter().any(|direct| {
            let below = host.strip_suffix(direct.as_str());
            direct == "*"
                || *direct == with_port
                || below.is_some_and(|b| b.is_empty() || b.ends_with('.'))
        });
        self.proxy.as_ref().filter(|_| !is_direct)
    }
}

/// What stands in a URL with its `%xx` read.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = match (first, behind) {
            (b'%', [high, low, ..]) => {
                let digit = |b: &u8| char::from(*b).to_digit(16);
                digit(high).zip(digit(low))
            }
            _ => None,
        };
        let byte = hex.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = match byte {
            Some(_) => behind.get(2..).unwrap_or_default(),
            None => behind,
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_no_proxy_are_reached_directly() {
        let no_proxy = "localhost, .corp.example,10.0.0.7:8080,*.star.test";
        let chain = Chain::new("http://proxy.corp:3128/", no_proxy).expect("a proxy");
        for (host, port, through) in [
            ("api.example.com", 443, true),
            ("LocalHost", 80, false),
            ("corp.example", 443, false),
            ("a.corp.example", 443, false),
            ("notcorp.example", 443, true),
            ("10.0.0.7", 8080, false),
            ("10.0.0.7", 80, true),
            ("x.star.test", 80, false),
        ] {
            let to = Authority {
                host: host.to_owned(),
                port,
            };
            assert_eq!(chain.of(&to).is_some(), through, "{to}");
        }
    }

    #[test]
    fn our_own_address_is_no_proxy_behind_us() {
        let own = "127.0.0.1:18080".parse().expect("an address");
        for (url, stays) in [
            ("http://127.0.0.1:18080", false),
            ("http://u:p@localhost:18080/", false),
            ("http://127.0.0.1:3128", true),
            ("http://proxy.corp:18080", true),
        ] {
            let chain = Chain::new(url, "").expect("a proxy").but_for(own);
            assert_eq!(chain.proxy.is_some(), stays, "{url}");
        }
    }

    #[test]
    fn a_proxy_has_an_address_and_maybe_a_user() {
        let of = |url| Chain::new(url, "").map(|chain| chain.proxy.expect("one"));
        let with_user = of("http://me:p%40ss@proxy:3128").expect("a proxy");
        assert_eq!(with_user.at.to_string(), "proxy:3128");
        assert_eq!(
            with_user.authorization.as_deref(),
            Some("Basic bWU6cEBzcw==")
        );
        assert!(!format!("{with_user:?}").contains("Basic"));
        assert_eq!(of("proxy").expect("a proxy").at.to_string(), "proxy:80");
        assert!(of("https://proxy:1").is_err());
        assert!(of("socks5://proxy:1").is_err());
        assert!(of("http://").is_err());
    }
}
