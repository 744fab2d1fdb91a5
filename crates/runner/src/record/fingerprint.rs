//! Telling exact repeats: hashes of what a test or a mock is.

use std::hash::{Hash, Hasher};

use retake_model::{Exchange, Message, Mock, TestCase, Value};

/// Headers that differ between repeats without meaning anything.
const PASSING: &[&str] = &[
    "date",
    "traceparent",
    "tracestate",
    "x-request-id",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
];

/// The first 128 bits of a BLAKE3 hash.
#[derive(Debug)]
pub struct Fingerprint {
    /// Once there is more than is collected.
    hasher: Option<Box<blake3::Hasher>>,
    /// Small pieces, collected: the hash of many is slow, that of their sum is fast.
    pieces: Vec<u8>,
}

/// How many bytes of small pieces are collected.
const COLLECTED: usize = 4 * 1024;

impl Fingerprint {
    /// Of an exchange's exact bytes, where nobody has read them yet, and of the port that they came
    /// to, where that is not the service's first.
    pub fn raw(port: Option<u16>, exchange: &Exchange) -> Option<u128> {
        let mut print = Fingerprint::new();
        port.hash(&mut print);
        print.of_raw(exchange)
    }

    /// The same, with the dependency that was asked.
    pub fn raw_to(to: &str, exchange: &Exchange) -> Option<u128> {
        let mut print = Fingerprint::new();
        to.hash(&mut print);
        print.of_raw(exchange)
    }

    /// Whether other bytes nearly always mean another mock: they hold nothing that differs each
    /// time, as the headers of HTTP do.
    pub fn raw_is_exact(exchange: &Exchange) -> bool {
        exchange.protocol.0 != "http"
    }

    fn of_raw(mut self, exchange: &Exchange) -> Option<u128> {
        for message in [&exchange.request, &exchange.response] {
            let Message::Raw(raw) = message else {
                return None;
            };
            for part in [&raw.head, &raw.body, &raw.trailers] {
                part.hash(&mut self);
            }
        }
        exchange.flaw.is_none().then(|| self.so_far())
    }

    /// Of a test: what is sent, what is expected, and its calls; not its times.
    pub fn test(test: &TestCase) -> u128 {
        let mut print = Fingerprint::new();
        test.port.hash(&mut print);
        print.message(&test.request);
        print.message(&test.response);
        for call in &test.calls {
            print.asked(call);
            print.message(&call.response);
        }
        print.so_far()
    }

    /// Of what a mock was asked, and when it may be served; and of the mock, which is that and
    /// what was answered. Not of its times.
    pub fn asked_and_mock(mock: &Mock) -> (u128, u128) {
        let mut print = Fingerprint::new();
        print.asked(mock);
        let asked = print.so_far();
        print.message(&mock.response);
        (asked, print.so_far())
    }

    fn new() -> Self {
        Fingerprint {
            hasher: None,
            pieces: Vec::with_capacity(1024),
        }
    }

    fn so_far(&self) -> u128 {
        let hash = match &self.hasher {
            None => blake3::hash(&self.pieces),
            Some(hasher) => hasher.clone().update(&self.pieces).finalize(),
        };
        let first = hash.as_bytes().first_chunk();
        first.map_or(0, |first| u128::from_le_bytes(*first))
    }

    fn asked(&mut self, call: &Mock) {
        call.to.hash(self);
        call.scope.hash(self);
        self.message(&call.request);
    }

    /// A request or response without the headers that differ each time.
    fn message(&mut self, message: &Value) {
        let Value::Map(fields) = message else {
            return message.hash(self);
        };
        for (name, value) in fields {
            name.hash(self);
            match value {
                Value::List(headers) if name == "headers" => {
                    headers
                        .iter()
                        .filter(|h| !is_passing(h))
                        .for_each(|h| h.hash(self));
                }
                value => value.hash(self),
            }
        }
    }
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        0 // Never asked for: `so_far` gives the hash.
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.pieces.len() + bytes.len() <= COLLECTED {
            return self.pieces.extend_from_slice(bytes);
        }
        let hasher = self.hasher.get_or_insert_default();
        hasher.update(&self.pieces);
        self.pieces.clear();
        if bytes.len() > COLLECTED {
            hasher.update(bytes);
        } else {
            self.pieces.extend_from_slice(bytes);
        }
    }
}

fn is_passing(header: &Value) -> bool {
    let name = header
        .as_map()
        .and_then(<[_]>::first)
        .map(|(name, _)| name.as_str());
    name.is_some_and(|name| PASSING.iter().any(|p| p.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_headers(headers: &[(&str, &str)]) -> Value {
        let headers = headers
            .iter()
            .map(|(n, v)| Value::map([(*n, Value::text(*v))]))
            .collect();
        Value::map([
            ("headers", Value::List(headers)),
            ("status", Value::from(200)),
        ])
    }

    fn print(message: &Value) -> u128 {
        let mut print = Fingerprint::new();
        print.message(message);
        print.so_far()
    }

    #[test]
    fn large_and_small_pieces_count_in_their_order() {
        let print = |parts: &[usize]| {
            let mut print = Fingerprint::new();
            for (n, length) in parts.iter().enumerate() {
                print.write(&vec![u8::try_from(n).expect("few"); *length]);
            }
            print.so_far()
        };
        assert_eq!(print(&[10, 5_000, 10]), print(&[10, 5_000, 10]));
        assert_ne!(print(&[10, 5_000, 10]), print(&[10, 5_001, 10]));
        assert_ne!(print(&[3_000, 3_000]), print(&[3_000, 3_001]));
    }

    #[test]
    fn repeats_differ_only_in_passing_headers() {
        let first = with_headers(&[("Date", "Mon"), ("a", "1")]);
        assert_eq!(
            print(&first),
            print(&with_headers(&[("Date", "Tue"), ("a", "1")]))
        );
        assert_ne!(
            print(&first),
            print(&with_headers(&[("Date", "Mon"), ("a", "2")]))
        );
        assert_ne!(
            print(&first),
            print(&with_headers(&[("a", "1"), ("a", "1")]))
        );
    }
}
