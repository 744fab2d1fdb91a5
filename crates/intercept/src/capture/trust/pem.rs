//! Certificates in PEM files (RFC 7468): enough to know a file of authorities when one is opened.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const BEGIN_TRUSTED: &[u8] = b"-----BEGIN TRUSTED CERTIFICATE-----";
const END: &[u8] = b"-----END ";

/// The certificates of a file, as DER. What is no certificate is passed over.
pub fn certificates(file: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = file;
    std::iter::from_fn(move || {
        loop {
            let at = memchr::memmem::find(rest, BEGIN)?;
            rest = rest.get(at + BEGIN.len()..)?;
            let end = memchr::memmem::find(rest, END)?;
            let text: Vec<u8> = rest
                .get(..end)?
                .iter()
                .copied()
                .filter(|b| !b.is_ascii_whitespace())
                .collect();
            rest = rest.get(end..)?;
            if let Ok(der) = STANDARD.decode(text) {
                return Some(der);
            }
        }
    })
}

/// Whether a file is one of authorities, rather than a server's or a client's own certificate with
/// those that signed it: its first certificate is an authority's, and there is no key in it.
pub fn is_of_authorities(file: &[u8]) -> bool {
    let has = |what: &[u8]| memchr::memmem::find(file, what).is_some();
    !has(b"PRIVATE KEY-----")
        && !has(BEGIN_TRUSTED)
        && certificates(file)
            .next()
            .is_some_and(|der| is_authority(&der))
}

/// Whether a certificate says that it may sign others: the extension `basicConstraints` with
/// `cA TRUE` (RFC 5280, 4.2.1.9), found by its bytes.
fn is_authority(der: &[u8]) -> bool {
    // OBJECT IDENTIFIER 2.5.29.19
    const BASIC_CONSTRAINTS: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x13];
    let Some(at) = memchr::memmem::find(der, BASIC_CONSTRAINTS) else {
        return false;
    };
    let value = der.get(at + BASIC_CONSTRAINTS.len()..).unwrap_or_default();
    // BOOLEAN critical, where it is there
    let value = value.strip_prefix(&[0x01, 0x01, 0xff]).unwrap_or(value);
    // OCTET STRING { SEQUENCE { BOOLEAN TRUE .. } }
    matches!(value, [0x04, _, 0x30, _, 0x01, 0x01, 0xff, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(der: &[u8]) -> String {
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(der)
        )
    }

    /// The bytes that count of a certificate.
    fn certificate(authority: bool) -> Vec<u8> {
        let mut der = vec![0x30, 0x20, 1, 2, 3];
        der.extend([0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff]);
        der.extend(if authority {
            &[0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0xff][..]
        } else {
            &[0x04, 0x02, 0x30, 0x00][..]
        });
        der
    }

    #[test]
    fn authorities_are_told_from_a_server_s_chain() {
        let (root, leaf) = (pem(&certificate(true)), pem(&certificate(false)));
        let key = "-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n";
        for (file, expect) in [
            (root.clone(), true),
            (format!("# Our roots\n{root}{root}"), true),
            (format!("{leaf}{root}"), false),
            (format!("{root}{key}"), false),
            (leaf, false),
            (String::new(), false),
            ("-----BEGIN CERTIFICATE-----".to_owned(), false),
            (
                "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----".to_owned(),
                false,
            ),
        ] {
            assert_eq!(is_of_authorities(file.as_bytes()), expect, "{file}");
        }
    }

    #[test]
    fn the_authorities_of_this_system_are_read() {
        let Ok(file) = std::fs::read("/etc/ssl/certs/ca-certificates.crt") else {
            return;
        };
        assert!(is_of_authorities(&file));
        let text = String::from_utf8_lossy(&file);
        assert_eq!(
            certificates(&file).count(),
            text.matches("-----BEGIN CERTIFICATE-----").count()
        );
    }
}
