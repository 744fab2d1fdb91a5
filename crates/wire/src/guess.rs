//! What a client may speak that is not read yet, by its first bytes: for the words of reports.

/// The name of a protocol that begins so; none where it could be anything.
///
/// Sources: Redis serialization protocol; MongoDB wire protocol, "Standard Message Header"; AMQP
/// 0-9-1, 4.2.2, and 1.0, 2.2; MQTT 5.0, 3.1.2.1; memcached's `doc/protocol.txt`.
pub fn guess(first: &[u8]) -> Option<&'static str> {
    if is_redis(first) {
        return Some("Redis");
    }
    if first.starts_with(b"AMQP") && first.len() >= 8 {
        return Some("AMQP");
    }
    let opcode = first.get(12..16).and_then(|code| code.try_into().ok());
    if let Some(2004 | 2010 | 2012 | 2013) = opcode.map(u32::from_le_bytes) {
        return Some("MongoDB");
    }
    if first.first() == Some(&0x10)
        && first
            .get(..16.min(first.len()))?
            .windows(6)
            .any(|window| window == b"\0\x04MQTT")
    {
        return Some("MQTT");
    }
    let memcached: [&[u8]; 4] = [b"version\r\n", b"get ", b"gets ", b"mg "];
    memcached
        .iter()
        .any(|word| first.starts_with(word))
        .then_some("memcached")
}

/// An array of bulk strings: `*1\r\n$4\r\nPING\r\n`.
fn is_redis(first: &[u8]) -> bool {
    let Some(rest) = first.strip_prefix(b"*") else {
        return false;
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let behind = rest.get(digits..).unwrap_or_default();
    (1..=6).contains(&digits) && behind.starts_with(b"\r\n$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_known_by_their_first_bytes() {
        let mongo = b"\x1a\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0";
        let all: [(&[u8], Option<&str>); 9] = [
            (b"*1\r\n$4\r\nPING\r\n", Some("Redis")),
            (b"*12345678\r\n$4", None),
            (b"*1", None),
            (b"AMQP\0\0\x09\x01", Some("AMQP")),
            (mongo, Some("MongoDB")),
            (b"\x10\x0f\0\x04MQTT\x04\x02\0\x3c", Some("MQTT")),
            (b"version\r\n", Some("memcached")),
            (b"", None),
            (b"\x10", None),
        ];
        for (first, expected) in all {
            assert_eq!(guess(first), expected, "{first:?}");
        }
    }
}
