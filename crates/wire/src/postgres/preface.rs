//! Offers of encryption before the startup message.

use crate::Preface;

/// SSLRequest: length 8, code 80877103 ("SSLRequest", protocol message formats, section 55.7).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// GSSENCRequest: length 8, code 80877104 (same section).
const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];

/// Declines TLS and GSSAPI encryption with `N`, upon which a client goes on in clear, or, where
/// it insists (`sslmode=require`), goes away.
pub(super) fn preface(first: &[u8]) -> Preface {
    let decline = |asked| Preface::Decline {
        bytes: SSL_REQUEST.len(),
        reply: b"N",
        asked,
    };
    if first.starts_with(&SSL_REQUEST) {
        decline("TLS")
    } else if first.starts_with(&GSSENC_REQUEST) {
        decline("GSSAPI encryption")
    } else if SSL_REQUEST.starts_with(first) || GSSENC_REQUEST.starts_with(first) {
        Preface::NeedMore
    } else {
        Preface::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declines_encryption_at_every_split_and_passes_the_rest() {
        for (request, asked) in [(SSL_REQUEST, "TLS"), (GSSENC_REQUEST, "GSSAPI encryption")] {
            for cut in 0..request.len() {
                assert_eq!(preface(&request[..cut]), Preface::NeedMore, "{cut}");
            }
            let declined = Preface::Decline {
                bytes: 8,
                reply: b"N",
                asked,
            };
            assert_eq!(preface(&request), declined);
            assert_eq!(preface(&[&request[..], &request[..]].concat()), declined);
        }
        for startup in [
            &[0, 0, 0, 9, 0, 3, 0, 0, 0][..],
            &[0x16, 3, 1],
            b"GET / HTTP/1.1\r\n",
        ] {
            assert_eq!(preface(startup), Preface::Pass);
        }
    }
}
