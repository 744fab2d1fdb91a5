//! Names for captured connections, by what their clients say.
//!
//! Several servers may stand behind one address, and one name lead to several of them. What a
//! client says first tells which it means: the server's name within TLS, or the host of HTTP.

use std::sync::Arc;

use retake_model::ConnInfo;

/// What a client says of the server that it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// The server's name, where it begins TLS (RFC 6066, section 3).
    Tls(&'a str),
    /// The host of its first request, without the port (RFC 9110, section 7.2). Clients may put
    /// there what they like, and reverse proxies pass on that of their own client.
    Host(&'a str),
    /// No name: it speaks neither TLS nor HTTP, or says none there.
    Nothing,
}

/// Names the dependency of a connection.
pub trait Namer: Send + Sync {
    /// The dependency that a connection leads to, now that its client has said this; none where it
    /// is the one that was taken for it.
    fn named(&self, conn: &ConnInfo, said: Said<'_>) -> Option<Arc<str>>;
}

/// Whether the head of a request is all there (RFC 9112, section 2.1).
pub(crate) fn has_head(first: &[u8]) -> bool {
    end_of_head(first).is_some()
}

fn end_of_head(first: &[u8]) -> Option<usize> {
    first.windows(4).position(|four| four == b"\r\n\r\n")
}

/// The host that a request in HTTP/1 asks for, without the port; none where that is not all there
/// yet, or is no HTTP.
pub(crate) fn host_of(first: &[u8]) -> Option<&str> {
    let head = std::str::from_utf8(first.get(..end_of_head(first)?)?).ok()?;
    let mut lines = head.split("\r\n");
    let is_http = lines.next()?.rsplit_once(" HTTP/1.").is_some();
    let mut fields = lines
        .filter(|_| is_http)
        .filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case("host"))?;
    let value = value.trim();
    // An address in brackets has colons of its own.
    let host = match value.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => value,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_host_of_the_first_request_is_read() {
        for (first, expected) in [
            ("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", Some("a.test")),
            (
                "POST /x HTTP/1.0\r\nx: y\r\nhOST:a.test:80 \r\n\r\nhost: b",
                Some("a.test"),
            ),
            ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", Some("[::1]")),
            ("GET / HTTP/1.1\r\nHost: a.test\r\n", None),
            ("GET / HTTP/1.1\r\n\r\nHost: a.test\r\n\r\n", None),
            ("HELLO a\r\nHost: a.test\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", None),
            ("", None),
        ] {
            assert_eq!(host_of(first.as_bytes()), expected, "{first:?}");
        }
        assert_eq!(host_of(b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n"), None);
    }
}
