//! Where a message's body ends (RFC 9112, section 6.3).

use super::head::{RawField, RequestLine, StatusLine, request_line, status_line};
use super::message::Version;

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// There is none.
    None,
    /// It has that many bytes.
    Exactly(u64),
    /// It comes in chunks.
    Chunked,
    /// It ends with the connection.
    UntilClose,
}

/// What a request's head says of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestFacts {
    pub(super) length: Length,
    pub(super) version: Version,
    pub(super) method: Method,
    /// The client waits for `100 Continue` before it sends the body (RFC 9110, section 10.1.1).
    pub(super) expects_continue: bool,
    /// The client wants the connection to stay open (RFC 9112, section 9.3).
    pub(super) keep_alive: bool,
}

/// What a response's head says of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResponseFacts {
    pub(super) length: Length,
    pub(super) status: u16,
    /// The connection is another protocol from here on, and how that is said in a ledger.
    pub(super) switches: Option<&'static str>,
}

/// The methods that change how a response is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Method {
    /// Its response has no body.
    Head,
    /// Its successful response makes the connection a tunnel.
    Connect,
    /// Any other.
    #[default]
    Other,
}

impl Method {
    pub(super) fn of(method: &[u8]) -> Self {
        match method {
            b"HEAD" => Method::Head,
            b"CONNECT" => Method::Connect,
            _ => Method::Other,
        }
    }
}

/// Reads how a request is framed.
///
/// # Errors
/// The reason why it cannot be told for certain: what servers are known to read differently is
/// not guessed.
pub(super) fn request_facts(head: &[u8]) -> Result<RequestFacts, &'static str> {
    let (line, fields) = request_line(head)?;
    let RequestLine {
        version, method, ..
    } = line;
    let mut framing = FramingFields::default();
    let mut expects_continue = false;
    for field in fields {
        let field = field?;
        if field.spaced {
            return Err("white space before the colon of a request's header");
        }
        framing.note(&field)?;
        expects_continue |= field.is("expect") && field.value.eq_ignore_ascii_case(b"100-continue");
    }
    let length = match (framing.transfer, framing.length) {
        (Some(_), _) if version == Version::Http10 => return Err(CODED_1_0),
        (Some(Transfer::Chunked), _) => Length::Chunked,
        (Some(Transfer::Other), _) => {
            return Err("a request with a transfer-encoding that does not end in chunked");
        }
        (None, Some(0) | None) => Length::None,
        (None, Some(length)) => Length::Exactly(length),
    };
    Ok(RequestFacts {
        length,
        version,
        method: Method::of(method),
        // Clients of 1.0 do not know it (RFC 9110, section 10.1.1).
        expects_continue: expects_continue && version == Version::Http11,
        keep_alive: match version {
            Version::Http11 => !framing.close,
            Version::Http10 => framing.keep_alive && !framing.close,
        },
    })
}

/// Reads how a response to a request of that method is framed.
///
/// # Errors
/// The reason why it cannot be told for certain.
pub(super) fn response_facts(head: &[u8], method: Method) -> Result<ResponseFacts, &'static str> {
    let (line, fields) = status_line(head)?;
    let StatusLine {
        version, status, ..
    } = line;
    let mut framing = FramingFields::default();
    let mut upgrade: &[u8] = b"";
    for field in fields {
        let field = field?;
        framing.note(&field)?;
        if field.is("upgrade") {
            upgrade = field.value;
        }
    }
    let switches = match (status, method) {
        (101, _) if upgrade.eq_ignore_ascii_case(b"websocket") => Some("upgraded to websocket"),
        (101, _) if upgrade.eq_ignore_ascii_case(b"h2c") => Some("upgraded to HTTP/2"),
        (101, _) => Some("upgraded to another protocol"),
        (200..300, Method::Connect) => Some("a tunnel made by CONNECT"),
        _ => None,
    };
    let bodiless =
        matches!(status, 100..200 | 204 | 304) || method == Method::Head || switches.is_some();
    let length = match (framing.transfer, framing.length) {
        _ if bodiless => Length::None,
        (Some(_), _) if version == Version::Http10 => return Err(CODED_1_0),
        (Some(Transfer::Chunked), _) => Length::Chunked,
        (Some(Transfer::Other), Some(_)) => {
            return Err("content-length beside a transfer-encoding that does not end in chunked");
        }
        (None, Some(0)) => Length::None,
        (None, Some(length)) => Length::Exactly(length),
        (Some(Transfer::Other) | None, None) => Length::UntilClose,
    };
    Ok(ResponseFacts {
        length,
        status,
        switches,
    })
}

const CODED_1_0: &str = "transfer-encoding in HTTP/1.0";

/// The fields that say where a body ends.
#[derive(Debug, Default)]
struct FramingFields {
    length: Option<u64>,
    transfer: Option<Transfer>,
    close: bool,
    keep_alive: bool,
}

/// What the transfer codings of a message end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transfer {
    Chunked,
    Other,
}

impl FramingFields {
    fn note(&mut self, field: &RawField<'_>) -> Result<(), &'static str> {
        match field.name.len() {
            14 if field.is("content-length") => self.content_length(field),
            17 if field.is("transfer-encoding") => self.transfer_encoding(field),
            10 if field.is("connection") => {
                for token in field.value.split(|b| *b == b',') {
                    let token = token.trim_ascii();
                    self.close |= token.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A list of the same number is that number (RFC 9110, section 8.6).
    fn content_length(&mut self, field: &RawField<'_>) -> Result<(), &'static str> {
        if field.folded {
            return Err("a folded content-length");
        }
        for item in field.value.split(|b| *b == b',') {
            let item = item.trim_ascii();
            let digits = std::str::from_utf8(item)
                .ok()
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
            let length = digits
                .and_then(|digits| digits.parse().ok())
                .ok_or("a content-length that is no number")?;
            if self.length.is_some_and(|before| before != length) {
                return Err("several content-lengths that differ");
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn transfer_encoding(&mut self, field: &RawField<'_>) -> Result<(), &'static str> {
        if field.folded {
            return Err("a folded transfer-encoding");
        }
        for item in field.value.split(|b| *b == b',') {
            if self.transfer == Some(Transfer::Chunked) {
                return Err("a transfer-encoding that goes on after chunked");
            }
            let chunked = item.trim_ascii().eq_ignore_ascii_case(b"chunked");
            self.transfer = Some(if chunked {
                Transfer::Chunked
            } else {
                Transfer::Other
            });
        }
        Ok(())
    }
}
