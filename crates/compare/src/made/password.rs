//! Salted hashes of passwords, as the usual libraries write them.
//!
//! Only whole forms are taken: the name of the algorithm, its costs as numbers, a salt of its
//! alphabet, and a hash of just the length that the algorithm gives. The salt is new each time;
//! the algorithm, its costs and the lengths are the service's choice.

use std::ops::RangeInclusive;

/// The length in bytes of the hash with its algorithm, costs and salt that begins there: at a `$`,
/// or at the word that names the algorithm.
pub(super) fn length(rest: &[u8]) -> Option<usize> {
    read(rest).map(|found| found.length)
}

/// A number for the algorithm, its costs and the lengths of salt and hash; none for a text that is
/// no hash. Hashes with different numbers do not stand for each other.
pub(super) fn style(text: &str) -> Option<u64> {
    let found = read(text.as_bytes()).filter(|found| found.length == text.len())?;
    let lengths = [found.salt, found.length];
    let lengths = lengths.iter().flat_map(|length| length.to_le_bytes());
    // FNV-1a. The number stays within a process.
    Some(
        text.bytes()
            .take(found.costs)
            .chain(lengths)
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            }),
    )
}

struct Found {
    /// The length of everything.
    length: usize,
    /// The length of what stands before the salt: algorithm and costs.
    costs: usize,
    /// The length of the salt.
    salt: usize,
}

fn read(rest: &[u8]) -> Option<Found> {
    let mut reader = Reader { rest, at: 0 };
    match rest.first()? {
        b'$' if reader.word("$2") => bcrypt(reader),
        b'$' if reader.word("$argon2") => argon2(reader),
        b'$' if reader.word("$pbkdf2") => passlib(reader),
        b'$' if reader.word("$scrypt$ln=") => scrypt(reader),
        b'$' if reader.word("$5$") => sha_crypt(reader, 43),
        b'$' if reader.word("$6$") => sha_crypt(reader, 86),
        b'$' if reader.word("$y$") => yescrypt(reader),
        b'p' if reader.word("pbkdf2_") => django(reader),
        b'p' if reader.word("pbkdf2:") => werkzeug_pbkdf2(reader),
        b's' if reader.word("scrypt:") => werkzeug_scrypt(reader),
        _ => None,
    }
}

/// `$2b$12$`, 22 characters of salt, 31 of hash (crypt(5), "bcrypt").
fn bcrypt(mut reader: Reader<'_>) -> Option<Found> {
    reader.one_of(&["a$", "b$", "y$"])?;
    reader.run(|b| b.is_ascii_digit(), 2..=2)?;
    reader.expect("$")?;
    let costs = reader.at;
    reader.run(is_crypt, 53..=53)?;
    reader.found(costs, 22)
}

/// `$argon2id$v=19$m=65536,t=3,p=4$salt$hash` (the reference implementation's encoded form).
fn argon2(mut reader: Reader<'_>) -> Option<Found> {
    reader.one_of(&["id$v=", "i$v=", "d$v="])?;
    for behind in ["$m=", ",t=", ",p=", "$"] {
        reader.number()?;
        reader.expect(behind)?;
    }
    reader.salted(is_base64, 11..=86, is_base64, 22..=86, "")
}

/// `$scrypt$ln=16,r=8,p=1$salt$hash` (the PHC's string format; Passlib, Ory).
fn scrypt(mut reader: Reader<'_>) -> Option<Found> {
    for behind in [",r=", ",p=", "$"] {
        reader.number()?;
        reader.expect(behind)?;
    }
    reader.salted(is_base64, 11..=86, is_base64, 22..=128, "")
}

/// `$pbkdf2-sha256$29000$salt$hash` (Passlib): base 64 with `.` for `+`, without padding. Or
/// `$pbkdf2-sha256$i=25000,l=32$salt$hash` (the PHC's string format; Ory).
fn passlib(mut reader: Reader<'_>) -> Option<Found> {
    let digest = match reader.one_of(&["-sha256$", "-sha512$", "$"])? {
        "-sha256$" => 43,
        "-sha512$" => 86,
        _ => 27,
    };
    if reader.word("i=") {
        for behind in [",l=", "$"] {
            reader.number()?;
            reader.expect(behind)?;
        }
        return reader.salted(is_base64, 11..=86, is_base64, 22..=128, "");
    }
    reader.number()?;
    reader.expect("$")?;
    reader.salted(is_crypt, 1..=128, is_crypt, digest..=digest, "")
}

/// `$5$rounds=5000$salt$hash`, where the rounds may be left out (crypt(5), "sha256crypt").
fn sha_crypt(mut reader: Reader<'_>, digest: usize) -> Option<Found> {
    if reader.word("rounds=") {
        reader.number()?;
        reader.expect("$")?;
    }
    reader.salted(is_crypt, 1..=16, is_crypt, digest..=digest, "")
}

/// `$y$j9T$salt$hash` (crypt(5), "yescrypt").
fn yescrypt(mut reader: Reader<'_>) -> Option<Found> {
    reader.run(is_crypt, 3..=24)?;
    reader.expect("$")?;
    reader.salted(is_crypt, 1..=86, is_crypt, 43..=43, "")
}

/// `pbkdf2_sha256$870000$salt$hash=`: base 64 with its padding.
fn django(mut reader: Reader<'_>) -> Option<Found> {
    let digest = match reader.one_of(&["sha256$", "sha1$"])? {
        "sha256$" => 43,
        _ => 27,
    };
    reader.number()?;
    reader.expect("$")?;
    reader.salted(is_alphanumeric, 1..=128, is_base64, digest..=digest, "=")
}

/// `pbkdf2:sha256:1000000$salt$hex`.
fn werkzeug_pbkdf2(mut reader: Reader<'_>) -> Option<Found> {
    let digest = match reader.one_of(&["sha256:", "sha512:", "sha1:"])? {
        "sha256:" => 64,
        "sha512:" => 128,
        _ => 40,
    };
    reader.number()?;
    reader.expect("$")?;
    reader.salted(is_alphanumeric, 1..=128, is_hex, digest..=digest, "")
}

/// `scrypt:32768:8:1$salt$hex`.
fn werkzeug_scrypt(mut reader: Reader<'_>) -> Option<Found> {
    for behind in [":", ":", "$"] {
        reader.number()?;
        reader.expect(behind)?;
    }
    reader.salted(is_alphanumeric, 1..=128, is_hex, 128..=128, "")
}

fn is_base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')
}

fn is_crypt(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/')
}

fn is_alphanumeric(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn is_hex(b: u8) -> bool {
    b.is_ascii_digit() || (b'a'..=b'f').contains(&b)
}

struct Reader<'t> {
    rest: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    /// Whether this stands here, which is passed then.
    fn word(&mut self, word: &str) -> bool {
        let here = self.rest.get(self.at..).unwrap_or_default();
        let is = here.starts_with(word.as_bytes());
        self.at += if is { word.len() } else { 0 };
        is
    }

    fn expect(&mut self, word: &str) -> Option<()> {
        self.word(word).then_some(())
    }

    fn one_of(&mut self, words: &[&'static str]) -> Option<&'static str> {
        words.iter().copied().find(|word| self.word(word))
    }

    /// A whole number of at most ten digits, without leading zeros.
    fn number(&mut self) -> Option<()> {
        let first = self.rest.get(self.at)?;
        self.run(|b| b.is_ascii_digit(), 1..=10)
            .filter(|length| *first != b'0' || *length == 1)
            .map(|_| ())
    }

    /// As many bytes of these as there are; their number, where it is one of the lengths.
    fn run(&mut self, is: impl Fn(u8) -> bool, lengths: RangeInclusive<usize>) -> Option<usize> {
        let here = self.rest.get(self.at..)?;
        // One byte more than the longest is enough to know that it is too long.
        let most = here.iter().take(lengths.end() + 1);
        let length = most.take_while(|b| is(**b)).count();
        self.at += length;
        lengths.contains(&length).then_some(length)
    }

    /// The salt, a `$`, the hash, and the padding that it always has.
    fn salted(
        mut self,
        in_salt: impl Fn(u8) -> bool,
        salt: RangeInclusive<usize>,
        in_digest: impl Fn(u8) -> bool,
        digest: RangeInclusive<usize>,
        padding: &str,
    ) -> Option<Found> {
        let costs = self.at;
        let salt = self.run(in_salt, salt)?;
        self.expect("$")?;
        self.run(in_digest, digest)?;
        self.expect(padding)?;
        self.found(costs, salt)
    }

    /// What was read, where nothing that could belong to it follows.
    fn found(self, costs: usize, salt: usize) -> Option<Found> {
        let goes_on = matches!(self.rest.get(self.at), Some(b'$' | b'=' | b'+' | b'/'));
        (!goes_on).then_some(Found {
            length: self.at,
            costs,
            salt,
        })
    }
}

#[cfg(test)]
mod tests;
