//! The first bytes of a connection: whose they are, and offers of encryption.

use super::frame::MAX_STARTUP;
use super::message::Startup;
use crate::{Detect, Preface};

/// SSLRequest: length 8, code 80877103 ("SSLRequest", protocol message formats, section 55.7).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// GSSENCRequest: length 8, code 80877104 (same section).
const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];

/// Declines TLS and GSSAPI encryption with `N`, upon which a client goes on in clear, or, where
/// it insists (`sslmode=require`), goes away. Who can end TLS lets the server agree to it with
/// `S`.
pub(super) fn preface(first: &[u8]) -> Preface {
    let decline = |asked, agreed| Preface::Decline {
        bytes: SSL_REQUEST.len(),
        reply: b"N",
        asked,
        agreed,
    };
    if first.starts_with(&SSL_REQUEST) {
        decline("TLS", Some(b"S"))
    } else if first.starts_with(&GSSENC_REQUEST) {
        decline("GSSAPI encryption", None)
    } else if SSL_REQUEST.starts_with(first) || GSSENC_REQUEST.starts_with(first) {
        Preface::NeedMore
    } else {
        Preface::Pass
    }
}

/// Whether the first bytes of a client are a start-up packet: a length of 8 to
/// [`MAX_STARTUP`], and a code that is known.
pub(super) fn detect(first: &[u8]) -> Detect {
    let Some((length, rest)) = first.split_first_chunk() else {
        // The upper half of the length is zero.
        let fits = first.iter().take(2).all(|byte| *byte == 0);
        return if fits { Detect::NeedMore } else { Detect::No };
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if !(8..=MAX_STARTUP).contains(&length) {
        return Detect::No;
    }
    match (rest.get(..4), rest.get(..length - 4)) {
        (None, _)
            if [b"\x00\x03", b"\x04\xd2"]
                .iter()
                .any(|code| starts_alike(rest, *code)) =>
        {
            Detect::NeedMore
        }
        (Some([0, 3, ..]), None) => Detect::Yes,
        (Some(_), Some(body)) if Startup::parse(body).is_ok() => Detect::Yes,
        (Some([0x04, 0xd2, 0x16, 0x2e..=0x30]), None) => Detect::NeedMore,
        _ => Detect::No,
    }
}

fn starts_alike(bytes: &[u8], code: &[u8]) -> bool {
    bytes.iter().zip(code).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declines_encryption_at_every_split_and_passes_the_rest() {
        for (request, asked, agreed) in [
            (SSL_REQUEST, "TLS", Some(&b"S"[..])),
            (GSSENC_REQUEST, "GSSAPI encryption", None),
        ] {
            for cut in 0..request.len() {
                assert_eq!(preface(&request[..cut]), Preface::NeedMore, "{cut}");
            }
            let declined = Preface::Decline {
                bytes: 8,
                reply: b"N",
                asked,
                agreed,
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

    #[test]
    fn detects_start_up_packets_at_every_split_and_nothing_else() {
        let start = [&[0, 0, 0, 18, 0, 3, 0, 2][..], b"user\0ann\0\0"].concat();
        for packet in [&start[..], &SSL_REQUEST, &GSSENC_REQUEST] {
            for cut in 0..packet.len() {
                assert_ne!(detect(&packet[..cut]), Detect::No, "{cut}");
            }
            assert_eq!(detect(packet), Detect::Yes);
        }
        for other in [
            &b"GET / HTTP/1.1\r\n"[..],
            &[0x16, 3, 1, 2, 0, 1],
            b"*1\r\n",
            &[0, 0, 0, 7, 0, 3, 0, 0],
            &[0, 0, 0, 8, 0, 2, 0, 0],
            &[0, 0, 0x70, 0, 0, 3, 0, 0],
        ] {
            assert_eq!(detect(other), Detect::No, "{other:?}");
        }
    }
}
