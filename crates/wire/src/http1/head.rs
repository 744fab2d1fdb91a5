//! Heads: the bytes from the first line to the empty line (RFC 9112, sections 2 to 5).
//!
//! Written by hand and not with `httparse`, which refuses what has to be passed on and read here:
//! folded lines in requests, and values in any encoding.

use bytes::Bytes;

use super::message::Version;

/// How many bytes a head may have. Servers allow 8 to 64 KiB.
pub(super) const HEAD_LIMIT: usize = 256 << 10;

/// Collects a head from the pieces in which it comes.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    /// What came of a head that is not whole.
    partial: Vec<u8>,
    /// How much of it needs no second look for the empty line.
    looked: usize,
}

impl HeadReader {
    /// Whether nothing of a head has come yet.
    pub(super) fn is_idle(&self) -> bool {
        self.partial.is_empty()
    }

    /// What came of a head that is not whole.
    pub(super) fn partial(&self) -> &[u8] {
        &self.partial
    }

    /// Takes what belongs to the head from the front of `bytes`; gives the head once it is whole.
    ///
    /// # Errors
    /// The reason why the head cannot be read.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Bytes>, &'static str> {
        if self.partial.is_empty() {
            match end_of_head(bytes, 0) {
                Ok(end) if end <= HEAD_LIMIT => {
                    let (head, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
                    let head = Bytes::copy_from_slice(head);
                    *bytes = rest;
                    return Ok(Some(head));
                }
                Err(looked) if bytes.len() <= HEAD_LIMIT => {
                    self.looked = looked;
                    self.partial = bytes.to_vec();
                    *bytes = &[];
                    return Ok(None);
                }
                _ => return Err(TOO_LARGE),
            }
        }
        let before = self.partial.len();
        let room = (HEAD_LIMIT + 1).saturating_sub(before).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.partial.extend_from_slice(taken);
        match end_of_head(&self.partial, self.looked) {
            Ok(end) => {
                let used = end.saturating_sub(before);
                *bytes = bytes.get(used..).unwrap_or_default();
                self.partial.truncate(end);
                self.looked = 0;
                Ok(Some(Bytes::from(std::mem::take(&mut self.partial))))
            }
            Err(_) if self.partial.len() > HEAD_LIMIT => Err(TOO_LARGE),
            Err(looked) => {
                self.looked = looked;
                *bytes = rest;
                Ok(None)
            }
        }
    }
}

const TOO_LARGE: &str = "a head larger than 256 KiB";

/// Goes past the empty lines that may stand before a message (RFC 9112, section 2.2).
pub(super) fn skip_empty_lines(bytes: &[u8]) -> &[u8] {
    let empty = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n'));
    bytes.get(empty.count()..).unwrap_or_default()
}

/// The length of a head, its empty line included; else from where to look once there is more.
pub(super) fn end_of_head(bytes: &[u8], from: usize) -> Result<usize, usize> {
    let mut from = from;
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        let Some(n) = memchr::memchr(b'\n', rest) else {
            return Err(bytes.len().max(from));
        };
        let at = from + n;
        match rest.get(n + 1..).unwrap_or_default() {
            [b'\n', ..] => return Ok(at + 2),
            [b'\r', b'\n', ..] => return Ok(at + 3),
            [] | [b'\r'] => return Err(at),
            _ => from = at + 1,
        }
    }
}

/// The first line of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'h> {
    pub(super) method: &'h [u8],
    pub(super) target: &'h [u8],
    pub(super) version: Version,
}

/// The first line of a response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatusLine<'h> {
    pub(super) version: Version,
    pub(super) status: u16,
    pub(super) reason: &'h [u8],
}

/// Reads a request's head: the first line, and the fields that follow.
///
/// # Errors
/// The reason why the line cannot be read.
pub(super) fn request_line(head: &[u8]) -> Result<(RequestLine<'_>, Fields<'_>), &'static str> {
    const BAD: &str = "a request line that is not of HTTP/1.x";
    let (line, rest) = split_line(head);
    let space = |b: &u8| *b == b' ';
    let first = line.iter().position(space).ok_or(BAD)?;
    let last = line.iter().rposition(space).ok_or(BAD)?;
    let method = line.get(..first).unwrap_or_default();
    let target = line.get(first + 1..last).ok_or(BAD)?;
    let version = match line.get(last + 1..) {
        Some(b"HTTP/1.1") => Version::Http11,
        Some(b"HTTP/1.0") => Version::Http10,
        _ => return Err(BAD),
    };
    if method.is_empty() || !method.iter().all(|b| is_token_byte(*b)) || target.is_empty() {
        return Err(BAD);
    }
    if target.iter().any(|b| *b <= b' ' || *b == 0x7f) {
        return Err("white space in a request target");
    }
    let line = RequestLine {
        method,
        target,
        version,
    };
    Ok((line, Fields::of(rest)))
}

/// Reads a response's head: the first line, and the fields that follow.
///
/// # Errors
/// The reason why the line cannot be read.
pub(super) fn status_line(head: &[u8]) -> Result<(StatusLine<'_>, Fields<'_>), &'static str> {
    const BAD: &str = "a status line that is not of HTTP/1.x";
    let (line, rest) = split_line(head);
    let (version, line) = match line.split_at_checked(9) {
        Some((b"HTTP/1.1 ", line)) => (Version::Http11, line),
        Some((b"HTTP/1.0 ", line)) => (Version::Http10, line),
        _ => return Err(BAD),
    };
    let (digits, reason) = line.split_at_checked(3).ok_or(BAD)?;
    let status = std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|status| *status >= 100)
        .ok_or(BAD)?;
    let reason = match reason {
        [] => reason,
        [b' ', reason @ ..] => reason,
        _ => return Err(BAD),
    };
    if memchr::memchr2(b'\r', 0, reason).is_some() {
        return Err("a control character in a status line");
    }
    let line = StatusLine {
        version,
        status,
        reason,
    };
    Ok((line, Fields::of(rest)))
}

/// One field of a head, as it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawField<'h> {
    pub(super) name: &'h [u8],
    /// Without the white space around it; line breaks of folded lines still in it.
    pub(super) value: &'h [u8],
    /// It was continued on further lines (RFC 9112, section 5.2).
    pub(super) folded: bool,
    /// There was white space before the colon, which a server must refuse (section 5.1).
    pub(super) spaced: bool,
}

impl RawField<'_> {
    /// Whether this is the field of that name, which is given in lower case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value, folded lines joined by a space.
    pub(super) fn unfolded(&self) -> Vec<u8> {
        if !self.folded {
            return self.value.to_vec();
        }
        let lines = self.value.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
        lines.collect::<Vec<_>>().join(&b' ')
    }
}

/// The fields of a head or of a trailer section, in order.
#[derive(Debug, Clone)]
pub(super) struct Fields<'h> {
    rest: &'h [u8],
}

impl<'h> Fields<'h> {
    pub(super) fn of(rest: &'h [u8]) -> Self {
        Fields { rest }
    }
}

impl<'h> Iterator for Fields<'h> {
    type Item = Result<RawField<'h>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        let all = self.rest;
        let (mut line, mut rest) = split_line(all);
        if line.is_empty() {
            return None;
        }
        let mut folded = false;
        while let [b' ' | b'\t', ..] = rest {
            folded = true;
            let (more, after) = split_line(rest);
            let end = all.len() - rest.len() + more.len();
            line = all.get(..end).unwrap_or(line);
            rest = after;
        }
        self.rest = rest;
        Some(field(line, folded))
    }
}

fn field(line: &[u8], folded: bool) -> Result<RawField<'_>, &'static str> {
    let colon = memchr::memchr(b':', line).ok_or("a header line without a colon")?;
    let (name, value) = line.split_at_checked(colon).unwrap_or_default();
    let trimmed = name.trim_ascii_end();
    if trimmed.is_empty() || !trimmed.iter().all(|b| is_token_byte(*b)) {
        return Err("a header name that is no token");
    }
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    // A bare CR or NUL is read by some as the end of a line (section 2.2; RFC 9110, section 5.5).
    let bad = match memchr::memchr2(b'\r', 0, value) {
        Some(_) if folded => value.split(|b| *b == b'\n').any(|line| {
            memchr::memchr2(b'\r', 0, line.strip_suffix(b"\r").unwrap_or(line)).is_some()
        }),
        found => found.is_some(),
    };
    if bad {
        return Err("a bare CR or NUL in a header");
    }
    Ok(RawField {
        name: trimmed,
        value,
        folded,
        spaced: trimmed.len() != name.len(),
    })
}

/// The first line without its end, and what follows. A line ends with LF or CR LF.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return (bytes, &[]);
    };
    let line = bytes.get(..end).unwrap_or_default();
    let rest = bytes.get(end + 1..).unwrap_or_default();
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// Whether a request target is of one of the forms of RFC 9112, section 3.2: a path, a URL, `*`, or
/// the host and port of CONNECT.
pub(super) fn is_target(method: &str, target: &str) -> bool {
    target.starts_with('/') || target == "*" || method == "CONNECT" || {
        let scheme = target.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| {
            let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
            scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(part)
        })
    }
}

/// Whether a byte may stand in a token (RFC 9110, section 5.6.2).
pub(super) fn is_token_byte(b: u8) -> bool {
    const SET: u128 = {
        let mut set = 0u128;
        let bytes =
            b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut rest: &[u8] = bytes;
        while let [first, tail @ ..] = rest {
            set |= 1 << *first;
            rest = tail;
        }
        set
    };
    b < 128 && SET >> b & 1 == 1
}
