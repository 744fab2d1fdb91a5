//! The little of DNS that naming dependencies needs (RFC 1035, section 4): what was asked, which
//! addresses were answered, and answers of our own.
//!
//! Pure: bytes in, bytes out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Record type A (RFC 1035, 3.2.2).
const A: u16 = 1;
/// Record type AAAA (RFC 3596).
const AAAA: u16 = 28;
/// Class IN.
const IN: u16 = 1;
/// Where the question begins: after the header.
const HEADER: usize = 12;
/// A name has at most 255 bytes (RFC 1035, 2.3.4).
const MAX_NAME: usize = 255;
/// How many addresses one answer of ours has, so that it stays below 512 bytes.
const MAX_ANSWERS: usize = 12;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The name in lower case, without the dot at its end.
    pub name: String,
    kind: u16,
    class: u16,
    /// Where the question ends in the message.
    end: usize,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The name exists and has these addresses; those of the family asked for are given.
    Addresses(&'a [IpAddr]),
    /// There is no such name.
    NoSuchName,
    /// The server cannot answer.
    Failure,
}

/// The question of a message that has exactly one, as all in use have.
pub fn question(message: &[u8]) -> Option<Question> {
    if half(message, 4)? != 1 {
        return None;
    }
    let mut name = Vec::new();
    let mut at = HEADER;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        match length {
            0 => break,
            1..=63 => {
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend(message.get(at..at + length)?);
                at += length;
            }
            // A question comes first: there is nothing that it could point to.
            _ => return None,
        }
        if name.len() > MAX_NAME {
            return None;
        }
    }
    name.make_ascii_lowercase();
    Some(Question {
        name: String::from_utf8(name).ok()?,
        kind: half(message, at)?,
        class: half(message, at + 2)?,
        end: at + 4,
    })
}

/// The addresses that a message answers with, whatever aliases lead to them.
pub fn addresses(message: &[u8]) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let is_answer = message.get(2).is_some_and(|flags| flags & 0x80 != 0);
    if let (true, Some(question), Some(count)) = (is_answer, question(message), half(message, 6)) {
        let mut at = question.end;
        for _ in 0..count {
            let Some(next) = record(message, at, &mut found) else {
                break;
            };
            at = next;
        }
    }
    found
}

/// An answer to the question of `query`.
pub fn answer(query: &[u8], question: &Question, reply: Reply<'_>) -> Vec<u8> {
    let wanted: Vec<_> = match reply {
        Reply::Addresses(all) if question.class == IN => all
            .iter()
            .filter(|address| match address {
                IpAddr::V4(_) => question.kind == A,
                IpAddr::V6(_) => question.kind == AAAA,
            })
            .take(MAX_ANSWERS)
            .collect(),
        _ => Vec::new(),
    };
    let code = match reply {
        Reply::Addresses(_) => 0,
        Reply::Failure => 2,
        Reply::NoSuchName => 3,
    };
    let recursion_wanted = query.get(2).map_or(0, |flags| flags & 1);
    let mut message = query.get(..2).unwrap_or_default().to_vec();
    message.extend([0x80 | recursion_wanted, 0x80 | code, 0, 1, 0]);
    message.push(u8::try_from(wanted.len()).unwrap_or(0));
    message.extend([0; 4]);
    message.extend(query.get(HEADER..question.end).unwrap_or_default());
    for address in wanted {
        // The name: a pointer to the question's.
        message.extend([0xc0, 0x0c]);
        let (kind, octets) = match address {
            IpAddr::V4(v4) => (A, v4.octets().to_vec()),
            IpAddr::V6(v6) => (AAAA, v6.octets().to_vec()),
        };
        message.extend(kind.to_be_bytes());
        message.extend(IN.to_be_bytes());
        message.extend(60_u32.to_be_bytes()); // for how many seconds it holds
        message.extend(u16::try_from(octets.len()).unwrap_or(0).to_be_bytes());
        message.extend(octets);
    }
    message
}

/// Reads one record; gives where the next begins.
fn record(message: &[u8], at: usize, found: &mut Vec<IpAddr>) -> Option<usize> {
    let at = skip_name(message, at)?;
    let (kind, class) = (half(message, at)?, half(message, at + 2)?);
    let length = usize::from(half(message, at + 8)?);
    let data = message.get(at + 10..at + 10 + length)?;
    if class == IN && kind == A {
        found.extend(
            <[u8; 4]>::try_from(data)
                .ok()
                .map(|b| IpAddr::from(Ipv4Addr::from(b))),
        );
    } else if class == IN && kind == AAAA {
        found.extend(
            <[u8; 16]>::try_from(data)
                .ok()
                .map(|b| IpAddr::from(Ipv6Addr::from(b))),
        );
    }
    Some(at + 10 + length)
}

fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match usize::from(*message.get(at)?) {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + length,
            0xc0.. => return Some(at + 2),
            _ => return None,
        }
    }
}

fn half(message: &[u8], at: usize) -> Option<u16> {
    message
        .get(at..)?
        .first_chunk()
        .map(|b| u16::from_be_bytes(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).expect("short"));
            message.extend(label.as_bytes());
        }
        message.push(0);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
        message
    }

    #[test]
    fn a_question_is_read_in_lower_case() {
        let asked = question(&query("Db.Example.COM", A)).expect("a question");
        assert_eq!(asked.name, "db.example.com");
        assert_eq!((asked.kind, asked.class), (A, IN));
        let whole = query("a.b", A);
        for end in 0..whole.len() {
            assert_eq!(question(whole.get(..end).expect("shorter")), None, "{end}");
        }
    }

    #[test]
    fn an_answer_gives_the_addresses_of_the_family_asked_for() {
        let v4: IpAddr = [10, 1, 2, 3].into();
        let v6: IpAddr = Ipv6Addr::LOCALHOST.into();
        fn check(kind: u16, reply: Reply<'_>, code: u8, expect: &[IpAddr]) {
            let query = query("db.example.com", kind);
            let answer = answer(&query, &question(&query).expect("asked"), reply);
            assert_eq!(answer.get(..2), query.get(..2), "the same number");
            assert_eq!(answer.get(3).map(|b| b & 0xf), Some(code));
            assert_eq!(addresses(&answer), expect);
            assert_eq!(question(&answer).expect("repeated").name, "db.example.com");
        }
        check(A, Reply::Addresses(&[v4, v6]), 0, &[v4]);
        check(AAAA, Reply::Addresses(&[v4, v6]), 0, &[v6]);
        check(AAAA, Reply::Addresses(&[v4]), 0, &[]);
        check(65, Reply::Addresses(&[v4]), 0, &[]);
        check(A, Reply::NoSuchName, 3, &[]);
        check(A, Reply::Failure, 2, &[]);
    }

    #[test]
    fn aliases_lead_to_the_name_that_was_asked_for() {
        // www.a -> CNAME b -> A 1.2.3.4, as a server answers it.
        let mut message = query("www.a", A);
        message[2..4].copy_from_slice(&[0x81, 0x80]);
        message[7] = 2;
        message.extend([0xc0, 0x0c, 0, 5, 0, 1, 0, 0, 0, 60, 0, 3, 1, b'b', 0]);
        message.extend([0xc0, 0x23, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4]);
        assert_eq!(addresses(&message), [IpAddr::from([1, 2, 3, 4])]);
        // Cut short, it gives what is whole, and never fails.
        for end in 0..message.len() {
            let cut = message.get(..end).expect("shorter");
            assert!(addresses(cut).is_empty(), "{end}");
        }
        // A question is no answer.
        assert!(addresses(&query("a", A)).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_harmless(bytes: Vec<u8>) {
            let _ = addresses(&bytes);
            if let Some(asked) = question(&bytes) {
                let _ = answer(&bytes, &asked, Reply::NoSuchName);
            }
        }
    }
}
