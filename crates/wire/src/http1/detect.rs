//! Whether a connection begins as HTTP/1.x does.

use super::head::{is_token_byte, skip_empty_lines};
use crate::Detect;

/// How long the longest method is that is waited for (`VERSION-CONTROL` and `BASELINE-CONTROL`
/// of WebDAV have 15 and 16 characters).
const METHOD_LIMIT: usize = 20;

/// How many bytes of the first line are looked at.
const LINE_LIMIT: usize = 16 << 10;

/// A method, a space, and a request target: a path, `*`, or an absolute URI for a proxy. With any
/// other target (CONNECT's authority) the end of the line must say `HTTP/1.`. The target tells
/// HTTP from the inline commands of other protocols (`GET key` of Redis).
pub(super) fn detect(first: &[u8]) -> Detect {
    let line = skip_empty_lines(first);
    let method = line.iter().take_while(|b| is_token_byte(**b)).count();
    if method > METHOD_LIMIT {
        return Detect::No;
    }
    let (name, rest) = line.split_at_checked(method).unwrap_or((line, &[]));
    if name.iter().any(u8::is_ascii_lowercase) || name == b"PRI" {
        return Detect::No; // `PRI * HTTP/2.0` opens HTTP/2.
    }
    match rest {
        [] => Detect::NeedMore,
        _ if name.is_empty() => Detect::No,
        [b' '] => Detect::NeedMore,
        [b' ', target @ ..] => detect_target(target),
        _ => Detect::No,
    }
}

fn detect_target(target: &[u8]) -> Detect {
    if matches!(target, [b'/', ..]) {
        return Detect::Yes;
    }
    for scheme in [&b"http://"[..], b"https://"] {
        if target.starts_with(scheme) {
            return Detect::Yes;
        }
    }
    match target.iter().position(|b| *b == b'\n') {
        Some(end) => {
            let line = target.get(..end).unwrap_or_default().trim_ascii_end();
            let version = line.rsplit(|b| *b == b' ').next().unwrap_or_default();
            match version {
                b"HTTP/1.1" | b"HTTP/1.0" => Detect::Yes,
                _ => Detect::No,
            }
        }
        None if target.len() > LINE_LIMIT => Detect::No,
        None if target.iter().any(|b| *b < b' ' && *b != b'\r') => Detect::No,
        None => Detect::NeedMore,
    }
}
