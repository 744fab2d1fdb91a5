//! SCRAM with channel binding, where TLS is ended between client and server.
//!
//! `SCRAM-SHA-256-PLUS` signs the hash of the certificate that the client was shown (RFC 5802,
//! section 6; "SCRAM-SHA-256 Authentication", section 54.3.1 of PostgreSQL's documentation). That
//! is not the server's own here. To take the mechanism from the server's list does not do: many
//! clients (libpq, pgx, pgjdbc) then say that they would have bound (`y`), which the server takes
//! for an attack. So the client is asked for its password in place of the server, within TLS, and
//! the server is answered by that, without binding. The password is forgotten at once. A client
//! that insists on binding goes away by itself, and is left alone the next time.

use super::scram::Scram;
use crate::{Unbind, Untied, Untying};

/// Codes of authentication messages (`R`).
const CLEARTEXT: u32 = 3;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;
const BOUND: &[u8] = b"SCRAM-SHA-256-PLUS";
const PLAIN: &[u8] = b"SCRAM-SHA-256";
/// What is held of each side before its message is whole, at most.
const MAX_HELD: usize = 16 << 10;
/// Bytes of a message before its body: its tag and its length.
const HEAD: usize = 5;

/// Takes channel binding from the beginning of a session.
#[derive(Debug)]
pub(super) struct Unbound {
    stage: Stage,
    nonce: String,
    /// Bytes of the server that are no whole message yet.
    server: Vec<u8>,
    /// Bytes of the client that are no whole message yet.
    client: Vec<u8>,
    downgraded: bool,
}

#[derive(Debug)]
enum Stage {
    /// The server has not named its mechanisms.
    Listing,
    /// It did, and the client was asked for its password.
    Asking,
    /// The server was sent the first message of ours.
    First(Scram),
    /// And the last one.
    Last(Scram),
    /// Everything goes through as it is.
    Passing,
}

impl Unbound {
    /// For one session; the nonce is printable and never used again.
    pub(super) fn new(nonce: String) -> Self {
        Unbound {
            stage: Stage::Listing,
            nonce,
            server: Vec::new(),
            client: Vec::new(),
            downgraded: false,
        }
    }

    fn server_said(&mut self, message: &[u8], to: &mut Untied) {
        let stage = std::mem::replace(&mut self.stage, Stage::Passing);
        let (code, body) = authentication(message);
        self.stage = match (stage, code) {
            (Stage::Listing, Some(SASL)) if may_go_without(body) => {
                put(&mut to.client, b'R', &[&CLEARTEXT.to_be_bytes()]);
                self.stage = Stage::Asking;
                return;
            }
            (Stage::First(mut scram), Some(SASL_CONTINUE)) => match scram.last(body) {
                Some(last) => {
                    put(&mut to.server, b'p', &[last.as_bytes()]);
                    self.stage = Stage::Last(scram);
                    return;
                }
                None => return put(&mut to.client, b'E', &[BROKEN]),
            },
            (Stage::Last(scram), Some(SASL_FINAL)) => {
                if !scram.verify(body) {
                    put(&mut to.client, b'E', &[BROKEN]);
                }
                return;
            }
            (_, Some(_)) => Stage::Passing,
            (_, None) if message.first() == Some(&b'E') => Stage::Passing,
            (stage, None) => stage,
        };
        to.client.extend_from_slice(message);
    }

    fn client_said(&mut self, message: &[u8], to: &mut Untied) {
        let body = message.get(HEAD..).unwrap_or_default();
        let answers = message.first() == Some(&b'p');
        match self.stage {
            Stage::Asking if answers => {
                let password = body.strip_suffix(&[0]).unwrap_or(body);
                let scram = Scram::new("", password, std::mem::take(&mut self.nonce));
                let first = scram.first();
                let length = u32::try_from(first.len()).unwrap_or_default().to_be_bytes();
                put(
                    &mut to.server,
                    b'p',
                    &[PLAIN, &[0], &length, first.as_bytes()],
                );
                self.stage = Stage::First(scram);
                self.downgraded = true;
            }
            _ => to.server.extend_from_slice(message),
        }
    }

    /// Whether the client's messages matter.
    fn hears_client(&self) -> bool {
        matches!(self.stage, Stage::Asking)
    }
}

impl Unbind for Unbound {
    fn server(&mut self, bytes: &[u8], to: &mut Untied) {
        self.server.extend_from_slice(bytes);
        // At the end of the stream nothing is whole that is not yet.
        if !bytes.is_empty() {
            while !self.is_done() {
                let held = std::mem::take(&mut self.server);
                let Some((message, rest)) = split(&held) else {
                    self.server = held;
                    break;
                };
                self.server = rest.to_vec();
                self.server_said(message, to);
            }
        }
        if self.is_done() || bytes.is_empty() || self.server.len() > MAX_HELD {
            to.client.append(&mut self.server);
            if !self.hears_client() {
                self.stage = Stage::Passing;
            }
        }
    }

    fn client(&mut self, bytes: &[u8], to: &mut Untied) {
        self.client.extend_from_slice(bytes);
        while self.hears_client() {
            let held = std::mem::take(&mut self.client);
            let Some((message, rest)) = split(&held) else {
                self.client = held;
                break;
            };
            self.client = rest.to_vec();
            self.client_said(message, to);
        }
        if !self.hears_client() || bytes.is_empty() || self.client.len() > MAX_HELD {
            to.server.append(&mut self.client);
        }
    }

    fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Passing)
    }

    fn outcome(&self) -> Untying {
        match self.stage {
            Stage::Asking => Untying::Refused(
                "the client gave no password where SCRAM without channel binding needs it (hint: \
                 channel_binding=prefer and no require_auth while recording)",
            ),
            _ if self.downgraded => Untying::Downgraded(
                "SCRAM would be bound to the server's certificate, which clients do not see: they \
                 were asked for their passwords within TLS, which were used once and kept nowhere",
            ),
            _ => Untying::Untouched,
        }
    }
}

/// What the client is told of a server that broke the rules of SCRAM.
const BROKEN: &[u8] =
    b"SFATAL\0VFATAL\0C08P01\0Mthe server broke the rules of SCRAM, or does not know the password\0\0";

/// The first whole message and what follows it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length: [u8; 4] = bytes.get(1..HEAD)?.try_into().ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    bytes.split_at_checked(length.checked_add(1)?.max(HEAD))
}

/// The code of an authentication message, and what follows it.
fn authentication(message: &[u8]) -> (Option<u32>, &[u8]) {
    let rest = message
        .strip_prefix(b"R")
        .and_then(|rest| rest.get(4..)?.split_first_chunk());
    match rest {
        Some((code, rest)) => (Some(u32::from_be_bytes(*code)), rest),
        None => (None, &[]),
    }
}

/// Whether a server's list of mechanisms has the one that binds, and the same without.
fn may_go_without(names: &[u8]) -> bool {
    let mut names = names.split(|byte| *byte == 0);
    names.clone().any(|name| name == BOUND) && names.any(|name| name == PLAIN)
}

/// Appends a message.
fn put(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    let length: usize = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    out.push(tag);
    out.extend_from_slice(&u32::try_from(length).unwrap_or_default().to_be_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
#[path = "unbind/tests.rs"]
mod tests;
