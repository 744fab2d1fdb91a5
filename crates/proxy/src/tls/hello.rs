//! The first message of a client.

use std::io::Cursor;

use rustls::server::Acceptor;

use super::Alpn;

/// A ClientHello is looked at up to this length. With post-quantum keys it has about 2 KB.
const MAX_HELLO: usize = 64 << 10;

/// What a client says in clear before anything is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    /// The server's name, where the client says it: for addresses it does not (RFC 6066,
    /// section 3).
    pub(crate) name: Option<String>,
    /// The protocols that it wants.
    pub(crate) alpn: Alpn,
}

/// What bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// The beginning of a ClientHello.
    NeedMore,
    /// A ClientHello.
    Hello(Hello),
    /// Something that rustls does not understand, such as a version of old.
    Strange(String),
}

/// Whether the first bytes of a client begin TLS: a handshake record of any version (RFC 8446,
/// section 5.1). None where there are too few to tell.
pub(crate) fn begins_tls(first: &[u8]) -> Option<bool> {
    match first {
        [] | [0x16] => None,
        [0x16, 0x03, ..] => Some(true),
        _ => Some(false),
    }
}

/// Reads a ClientHello.
pub(crate) fn parse(first: &[u8]) -> Parsed {
    let mut acceptor = Acceptor::default();
    let mut rest = Cursor::new(first);
    loop {
        match acceptor.read_tls(&mut rest) {
            Ok(0) if first.len() > MAX_HELLO => {
                return Parsed::Strange("its first message is too long".to_owned());
            }
            Ok(0) => return Parsed::NeedMore,
            Ok(_) => {}
            Err(error) => return Parsed::Strange(error.to_string()),
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                let hello = accepted.client_hello();
                return Parsed::Hello(Hello {
                    name: hello.server_name().map(str::to_ascii_lowercase),
                    alpn: Alpn::of(hello.alpn()),
                });
            }
            Ok(None) => {}
            Err((error, _)) => return Parsed::Strange(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::provider::provider;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};
    use std::sync::Arc;

    fn hello(name: &str, alpn: &[&str]) -> Vec<u8> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = name.to_owned().try_into().unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_name_and_the_protocols_are_read_at_every_split() {
        let bytes = hello("Api.Example", &["h2", "http/1.1"]);
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Parsed::NeedMore, "{cut}");
        }
        let expect = Hello {
            name: Some("api.example".to_owned()),
            alpn: Alpn::Offer(vec![b"http/1.1".to_vec()]),
        };
        assert_eq!(parse(&bytes), Parsed::Hello(expect));
        let silent = Hello {
            name: None,
            alpn: Alpn::Silent,
        };
        assert_eq!(parse(&hello("127.0.0.1", &[])), Parsed::Hello(silent));
    }

    #[test]
    fn what_is_no_hello_is_told() {
        assert_eq!(begins_tls(b""), None);
        assert_eq!(begins_tls(&[0x16]), None);
        assert_eq!(begins_tls(&[0x16, 3, 1]), Some(true));
        assert_eq!(begins_tls(b"GET / HTTP/1.1"), Some(false));
        assert_eq!(begins_tls(&[0, 0, 0, 8]), Some(false));
        let garbage = [&[0x16, 3, 1, 0, 4][..], &[0xff; 600]].concat();
        assert!(matches!(parse(&garbage), Parsed::Strange(_)));
    }
}
