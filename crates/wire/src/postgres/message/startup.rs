//! What a client may send first: packets without a tag.

use super::{Fields, MessageError, Texts};

/// The code that asks for a cancellation.
const CANCEL: u32 = 80_877_102;
/// The code that asks for TLS.
const SSL: u32 = 80_877_103;
/// The code that asks for GSSAPI encryption.
const GSSENC: u32 = 80_877_104;

/// The longest cancel key, in bytes (protocol 3.2; it was always 4 before).
const MAX_KEY: usize = 256;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3 for every server since 2003.
    pub major: u16,
    /// 0, or 2 since PostgreSQL 18.
    pub minor: u16,
}

/// A start-up packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Startup<'a> {
    /// SSLRequest: the server answers with one byte, `S` or `N`.
    Ssl,
    /// GSSENCRequest: the server answers with one byte, `G` or `N`.
    Gss,
    /// CancelRequest. The server closes the connection without an answer.
    Cancel {
        /// The server process.
        pid: u32,
        /// Its secret key: 4 bytes in protocol 3.0, up to 256 in 3.2.
        key: &'a [u8],
    },
    /// StartupMessage.
    Start {
        /// The newest version that the client speaks.
        version: Version,
        /// Names and values, in turn.
        parameters: Texts<'a>,
    },
}

impl<'a> Startup<'a> {
    /// Reads the body of a start-up packet.
    ///
    /// # Errors
    /// It is none, or asks for a protocol before 3.0.
    pub fn parse(body: &'a [u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::new("StartupMessage", body);
        match fields.u32()? {
            SSL => fields.end(Startup::Ssl),
            GSSENC => fields.end(Startup::Gss),
            CANCEL => {
                let pid = fields.u32()?;
                let key = fields.rest();
                if key.is_empty() || key.len() > MAX_KEY {
                    return Err(fields.error("expected a cancel key of 1 to 256 bytes"));
                }
                Ok(Startup::Cancel { pid, key })
            }
            code => {
                let [a, b, c, d] = code.to_be_bytes();
                let version = Version {
                    major: u16::from_be_bytes([a, b]),
                    minor: u16::from_be_bytes([c, d]),
                };
                if version.major != 3 {
                    return Err(fields.error("expected protocol 3"));
                }
                let parameters = parameters(&mut fields)?;
                let message = Startup::Start {
                    version,
                    parameters,
                };
                fields.end(message)
            }
        }
    }

    /// The parameters by name; nothing for other packets.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let texts = match self {
            Startup::Start { parameters, .. } => *parameters,
            _ => Texts::default(),
        };
        let mut texts = texts.iter();
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
    }
}

/// Names and values in turn, until an empty name.
fn parameters<'a>(fields: &mut Fields<'a>) -> Result<Texts<'a>, MessageError> {
    let mut ahead = *fields;
    let mut count = 0;
    while !ahead.text()?.is_empty() {
        ahead.text()?;
        count += 2;
    }
    let texts = fields.texts(count)?;
    fields.text()?;
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_in_pairs_until_an_empty_name() {
        let start = Startup::parse(b"\0\x03\0\x02user\0ann\0database\0\0\0").unwrap();
        assert_eq!(
            start.parameters().collect::<Vec<_>>(),
            [(b"user".as_slice(), b"ann".as_slice()), (b"database", b"")]
        );
    }

    #[test]
    fn broken_packets_are_errors() {
        for bad in [
            b"".as_slice(),
            b"\0\x03\0",
            b"\0\x02\0\0user\0\0",
            b"\0\x03\0\0",
            b"\0\x03\0\0user\0",
            b"\0\x03\0\0user\0ann\0",
            b"\0\x03\0\0user\0ann\0\0more",
            b"\x04\xd2\x16\x2fx",
            b"\x04\xd2\x16\x2e\0\0\0\x01",
        ] {
            assert!(Startup::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn cancel_keys_may_be_long() {
        let mut body = b"\x04\xd2\x16\x2e\0\0\0\x07".to_vec();
        body.extend_from_slice(&[9; 32]);
        let key = [9; 32].as_slice();
        assert_eq!(Startup::parse(&body), Ok(Startup::Cancel { pid: 7, key }));
    }
}
