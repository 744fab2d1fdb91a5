//! SCRAM with channel binding, where TLS is ended between client and server.
//!
//! `SCRAM-SHA-256-PLUS` signs the hash of the certificate that the client was shown (RFC 5802,
//! section 6; "SCRAM-SHA-256 Authentication", section 54.3.1 of PostgreSQL's documentation). That
//! is not the server's own here, so the mechanism is taken from the server's list: the client
//! goes on with `SCRAM-SHA-256`. One that is built to notice says so in its first message (`y`),
//! and the server then refuses it; one that insists goes away by itself. Neither can be helped
//! without its password; both are told apart here, so that their next connection is left alone.

use crate::Unbind;

/// AuthenticationSASL (message `R`, code 10).
const SASL: [u8; 4] = [0, 0, 0, 10];
const BOUND: &[u8] = b"SCRAM-SHA-256-PLUS";
/// What is looked at before the server's list of mechanisms, at most.
const MAX_HELD: usize = 16 << 10;
/// Bytes of a message before its body: its tag and its length.
const HEAD: usize = 5;

/// Takes channel binding from the beginning of a session.
#[derive(Debug, Default)]
pub(super) struct Unbound {
    /// Bytes of the server that are no whole message yet.
    held: Vec<u8>,
    /// The server's list has passed, or will not come.
    passed: bool,
    /// Something was taken from it.
    taken: bool,
    /// The first bytes of the client behind the list.
    answer: Vec<u8>,
    /// What the client said of channel binding (RFC 5802, section 7, `gs2-cbind-flag`).
    flag: Option<u8>,
}

impl Unbind for Unbound {
    fn server(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        // At the end of the stream nothing is whole that is not yet.
        self.passed |= bytes.is_empty();
        while !self.passed {
            let Some((message, rest)) = split(&self.held) else {
                self.passed = self.held.len() > MAX_HELD;
                break;
            };
            if let Some((b'R', body)) = parts(message) {
                self.passed = true;
                if let Some(list) = without_binding(body) {
                    self.taken = true;
                    out.extend_from_slice(&list);
                } else {
                    out.extend_from_slice(message);
                }
            } else {
                self.passed = message.first() == Some(&b'E');
                out.extend_from_slice(message);
            }
            self.held = rest.to_vec();
        }
        if self.passed {
            out.append(&mut self.held);
            self.held = Vec::new();
        }
    }

    fn client(&mut self, bytes: &[u8]) {
        if !self.taken || self.flag.is_some() {
            return;
        }
        let room = MAX_HELD.saturating_sub(self.answer.len());
        self.answer
            .extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
        self.flag = flag(&self.answer);
    }

    fn is_done(&self) -> bool {
        self.passed && (!self.taken || self.flag.is_some())
    }

    fn refused(&self) -> Option<&'static str> {
        match self.flag {
            Some(b'y') => Some(
                "the client noticed that SCRAM is without channel binding, which the server \
                 refuses (hint: channel_binding=disable, or PGCHANNELBINDING=disable, lets it be \
                 read)",
            ),
            None if self.taken => Some(
                "the client insists on channel binding (hint: channel_binding=prefer with \
                 PGCHANNELBINDING=disable while recording lets it be read)",
            ),
            _ => None,
        }
    }
}

/// The first whole message and what follows it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length: [u8; 4] = bytes.get(1..HEAD)?.try_into().ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    bytes.split_at_checked(length.checked_add(1)?.max(HEAD))
}

fn parts(message: &[u8]) -> Option<(u8, &[u8])> {
    Some((*message.first()?, message.get(HEAD..)?))
}

/// A server's list of mechanisms without the one that binds; none where it is not in it, or is
/// all there is.
fn without_binding(body: &[u8]) -> Option<Vec<u8>> {
    let names = body.strip_prefix(&SASL)?;
    let all = names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    let kept: Vec<&[u8]> = all.clone().filter(|name| *name != BOUND).collect();
    if kept.is_empty() || kept.len() == all.count() {
        return None;
    }
    let mut body = SASL.to_vec();
    for name in kept {
        body.extend_from_slice(name);
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).ok()?;
    let mut message = vec![b'R'];
    message.extend_from_slice(&length.to_be_bytes());
    message.append(&mut body);
    Some(message)
}

/// The first byte of what a client says in SASLInitialResponse: behind the mechanism's name and
/// the length.
fn flag(answer: &[u8]) -> Option<u8> {
    let body = answer.strip_prefix(b"p")?.get(4..)?;
    let end = body.iter().position(|byte| *byte == 0)?;
    body.get(end + 1 + 4).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut message = vec![tag];
        message.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        message.extend_from_slice(body);
        message
    }

    fn list(names: &[&str]) -> Vec<u8> {
        let mut body = SASL.to_vec();
        for name in names {
            body.extend_from_slice(name.as_bytes());
            body.push(0);
        }
        body.push(0);
        message(b'R', &body)
    }

    /// What the client gets at every split of what the server sends.
    #[track_caller]
    fn check(sent: &[u8], expect: &[u8]) -> Unbound {
        let mut last = Unbound::default();
        for cut in 0..=sent.len() {
            let mut unbound = Unbound::default();
            let mut out = Vec::new();
            for part in [&sent[..cut], &sent[cut..]] {
                if !part.is_empty() {
                    unbound.server(part, &mut out);
                }
            }
            assert_eq!(out, expect, "{cut}");
            last = unbound;
        }
        last
    }

    #[test]
    fn the_binding_mechanism_is_taken_from_the_list() {
        let version = message(b'v', &[0, 3, 0, 2, 0, 0, 0, 0]);
        let sent = [
            &version[..],
            &list(&["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]),
        ]
        .concat();
        let expect = [&version[..], &list(&["SCRAM-SHA-256"])].concat();
        let unbound = check(&sent, &expect);
        assert!(!unbound.is_done() && unbound.refused().is_some());
    }

    #[test]
    fn everything_else_passes() {
        let rest = message(b'Z', b"I");
        for first in [
            list(&["SCRAM-SHA-256"]),
            list(&["SCRAM-SHA-256-PLUS"]),
            message(b'R', &[0, 0, 0, 0]),
            message(b'R', &[0, 0, 0, 5, 1, 2, 3, 4]),
            message(b'E', b"SFATAL\0\0"),
        ] {
            let sent = [&first[..], &rest].concat();
            let unbound = check(&sent, &sent);
            assert!(unbound.is_done() && unbound.refused().is_none());
        }
        let mut unbound = Unbound::default();
        let (half, mut out) = (message(b'R', &SASL), Vec::new());
        unbound.server(&half[..7], &mut out);
        unbound.server(&[], &mut out);
        assert_eq!(out, half[..7]);
        let mut unbound = Unbound::default();
        let (long, mut out) = (vec![b'x'; MAX_HELD + 1], Vec::new());
        unbound.server(&long, &mut out);
        assert_eq!(out, long);
    }

    #[test]
    fn what_the_client_says_of_it_is_read_at_every_split() {
        for (start, refused) in [("n,,n=,r=x", false), ("y,,n=,r=x", true)] {
            let mut body = b"SCRAM-SHA-256\0".to_vec();
            body.extend_from_slice(&u32::try_from(start.len()).unwrap().to_be_bytes());
            body.extend_from_slice(start.as_bytes());
            let answer = message(b'p', &body);
            for cut in 0..=answer.len() {
                let mut unbound = Unbound::default();
                let offer = list(&["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
                unbound.server(&offer, &mut Vec::new());
                unbound.client(&answer[..cut]);
                unbound.client(&answer[cut..]);
                assert!(unbound.is_done());
                assert_eq!(unbound.refused().is_some(), refused);
            }
        }
    }
}
