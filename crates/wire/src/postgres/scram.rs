//! The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Rounds that are computed at most. Servers ask for 4096 unless told otherwise.
const MAX_ROUNDS: u32 = 1_000_000;

type Key = [u8; 32];

/// One authentication.
pub(super) struct Scram {
    password: Vec<u8>,
    nonce: String,
    /// The first message without its header.
    bare: String,
    /// What the server has to sign with.
    signed: Option<(Key, String)>,
}

/// The password is not shown.
impl std::fmt::Debug for Scram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scram")
    }
}

impl Scram {
    /// An authentication by that password. PostgreSQL takes the user from the start-up packet,
    /// and leaves it empty here. The nonce is printable and never used again.
    pub(super) fn new(user: &str, password: &[u8], nonce: String) -> Self {
        // As PostgreSQL does: what is no text, or may not be prepared, is taken as it is.
        let prepared = std::str::from_utf8(password)
            .ok()
            .and_then(|text| stringprep::saslprep(text).ok())
            .map(|text| text.into_owned().into_bytes());
        Scram {
            password: prepared.unwrap_or_else(|| password.to_vec()),
            bare: format!("n={user},r={nonce}"),
            nonce,
            signed: None,
        }
    }

    /// The first message.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// The last message, in answer to the server's first; none where that is none.
    pub(super) fn last(&mut self, server_first: &[u8]) -> Option<String> {
        let server_first = std::str::from_utf8(server_first).ok()?;
        let mut fields = server_first.split(',');
        let nonce = fields.next()?.strip_prefix("r=")?;
        let salt = STANDARD.decode(fields.next()?.strip_prefix("s=")?).ok()?;
        let rounds: u32 = fields.next()?.strip_prefix("i=")?.parse().ok()?;
        let is_ours = nonce.len() > self.nonce.len() && nonce.starts_with(&self.nonce);
        if !is_ours || !(1..=MAX_ROUNDS).contains(&rounds) {
            return None;
        }
        let salted = derive(&self.password, &salt, rounds);
        let client = sign(&salted, b"Client Key");
        let stored: Key = Sha256::digest(client).into();
        // `biws` is the header `n,,` again.
        let without_proof = format!("c=biws,r={nonce}");
        let message = format!("{},{server_first},{without_proof}", self.bare);
        let signature = sign(&stored, message.as_bytes());
        let proof = STANDARD.encode(xor(client, &signature));
        self.signed = Some((sign(&salted, b"Server Key"), message));
        Some(format!("{without_proof},p={proof}"))
    }

    /// Whether the server knows the password too.
    pub(super) fn verify(&self, server_final: &[u8]) -> bool {
        let Some((key, message)) = &self.signed else {
            return false;
        };
        let signature = STANDARD.encode(sign(key, message.as_bytes()));
        server_final.strip_prefix(b"v=") == Some(signature.as_bytes())
    }
}

/// PBKDF2 with HMAC-SHA-256, one block (RFC 8018, section 5.2).
fn derive(password: &[u8], salt: &[u8], rounds: u32) -> Key {
    let mut block = sign(password, &[salt, &[0, 0, 0, 1]].concat());
    let mut key = block;
    for _ in 1..rounds {
        block = sign(password, &block);
        key = xor(key, &block);
    }
    key
}

fn sign(key: &[u8], message: &[u8]) -> Key {
    let mut mac = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        // HMAC takes keys of any length.
        Err(_) => return [0; 32],
    };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn xor(mut a: Key, b: &Key) -> Key {
    a.iter_mut().zip(b).for_each(|(a, b)| *a ^= b);
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The conversation of RFC 7677, section 3.
    #[test]
    fn the_rfcs_conversation_is_had() {
        let mut scram = Scram::new("user", b"pencil", "rOprNGfwEbeRWgbNEkqO".to_owned());
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        assert_eq!(
            scram.last(server).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!scram.verify(b"v=AAAA"));
    }

    #[test]
    fn a_server_that_breaks_the_rules_is_refused() {
        for server in [
            &b"r=other,s=AAAA,i=4096"[..],
            b"r=nonce,s=AAAA,i=4096",
            b"r=nonce1,s=AAAA,i=0",
            b"r=nonce1,s=AAAA,i=4000000000",
            b"r=nonce1,s=!,i=4096",
            b"e=other-error",
            b"\xff",
        ] {
            let mut scram = Scram::new("", b"x", "nonce".to_owned());
            assert_eq!(scram.last(server), None);
        }
    }
}
