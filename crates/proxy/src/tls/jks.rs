//! Java's own form of a trust store.
//!
//! The format is that of `sun.security.provider.JavaKeyStore`: a magic number, a version, a
//! count, the entries, and a digest that is keyed by a password. Java reads it under every type
//! name (`keystore.type.compat`), and without a password it does not look at the digest; it is
//! right for `changeit`, which is Java's own default.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use rustls::pki_types::CertificateDer;

const MAGIC: u32 = 0xFEED_FEED;
const VERSION: u32 = 2;
const TRUSTED_CERTIFICATE: u32 = 2;
const PASSWORD: &str = "changeit";
/// What is digested between the password and the content.
const SALT: &[u8] = b"Mighty Aphrodite";

/// A trust store of these certificates.
pub(super) fn trust_store<'a>(
    certificates: impl Iterator<Item = &'a CertificateDer<'static>>,
) -> Vec<u8> {
    let certificates: Vec<_> = certificates.collect();
    let mut out = Vec::new();
    put_u32(&mut out, MAGIC);
    put_u32(&mut out, VERSION);
    put_u32(
        &mut out,
        u32::try_from(certificates.len()).unwrap_or(u32::MAX),
    );
    for (at, certificate) in certificates.iter().enumerate() {
        put_u32(&mut out, TRUSTED_CERTIFICATE);
        put_text(&mut out, &format!("root-{at}"));
        // When it was added; the same content is to be the same file.
        out.extend_from_slice(&[0; 8]);
        put_text(&mut out, "X.509");
        put_u32(
            &mut out,
            u32::try_from(certificate.len()).unwrap_or(u32::MAX),
        );
        out.extend_from_slice(certificate);
    }
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for unit in PASSWORD.encode_utf16() {
        digest.update(&unit.to_be_bytes());
    }
    digest.update(SALT);
    digest.update(&out);
    out.extend_from_slice(digest.finish().as_ref());
    out
}

fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// Text as `DataOutput.writeUTF` writes it; all of ours is short ASCII.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_javas() {
        let certificate = CertificateDer::from(vec![1, 2, 3]);
        let store = trust_store([certificate].iter());
        let head = b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01\0\0\0\x02\0\x06root-0\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\x03\x01\x02\x03";
        assert_eq!(&store[..head.len()], head);
        assert_eq!(store.len(), head.len() + 20);
    }
}
