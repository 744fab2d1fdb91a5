//! What a forward proxy reads and writes: requests for services elsewhere, in authority-form
//! (`CONNECT host:port`) and in absolute-form (`GET http://host/path`) (RFC 9112, sections 3.2.2
//! and 3.2.3).
//!
//! Bodies are stepped over, not held: whoever forwards passes them on as they come.

use super::framing::{Length, Method, request_facts, response_facts};
use super::head::{end_of_head, request_line, skip_empty_lines, status_line};
use super::message::Version;
use super::reader::BodyReader;

/// How many bytes the head of a message to a proxy, or through one, may have.
pub const HEAD_LIMIT: usize = 64 << 10;

/// The port of `http` (RFC 9110, section 4.2.1).
const HTTP_PORT: u16 = 80;

/// A host and a port, as a client named them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    /// A name or an address, without the brackets of the latter.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Authority {
    /// Reads `host:port` or `[address]:port`; `port` is that where none is written.
    pub fn read(text: &str, port: Option<u16>) -> Option<Self> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => match text.find(':') {
                Some(colon) => text.split_at_checked(colon)?,
                None => (text, ""),
            },
        };
        let port = match rest.strip_prefix(':') {
            Some("") => port?,
            None if rest.is_empty() => port?,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            _ => return None,
        };
        let good = |c: char| c.is_alphanumeric() || "-._:%~!$&'()*+,;=".contains(c);
        if host.is_empty() || host.len() > 255 || !host.chars().all(good) {
            return None;
        }
        let host = host.to_owned();
        Some(Authority { host, port })
    }
}

impl std::fmt::Display for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A request to a forward proxy.
#[derive(Debug)]
pub struct ForwardRequest {
    /// Where it leads.
    pub to: Authority,
    /// Whether a tunnel is asked for; else one request is to be passed on.
    pub tunnel: bool,
    /// The head in origin-form, as the server gets it. Empty for a tunnel.
    pub head: Vec<u8>,
    /// The body that follows.
    pub body: Passing,
    /// Whether the client wants the connection to stay open.
    pub keep_alive: bool,
    /// Whether it may be sent again without harm (RFC 9110, section 9.2.2), and has no body.
    pub repeatable: bool,
    /// How its responses are read.
    pub answers: Answers,
}

/// Reads the responses to one request.
#[derive(Debug, Clone, Copy)]
pub struct Answers(Method);

/// Why a request cannot be forwarded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotForwarded {
    /// It is meant for a server, not for a proxy.
    #[error("a request for {0} without a host: this is a proxy")]
    NoHost(String),
    /// It leads to something that is not plain HTTP.
    #[error("the scheme {0} cannot be forwarded: ask for a tunnel with CONNECT")]
    Scheme(String),
    /// It cannot be read for certain.
    #[error("{0}")]
    Unclear(&'static str),
}

/// Reads the request that the bytes begin with: how many bytes its head has, and the request.
/// None where more is needed.
///
/// # Errors
/// It cannot be forwarded. The rest of the connection cannot be read then.
pub fn request(bytes: &[u8]) -> Result<Option<(usize, ForwardRequest)>, NotForwarded> {
    let unclear = NotForwarded::Unclear;
    let begun = skip_empty_lines(bytes);
    let empty = bytes.len() - begun.len();
    let head = match end_of_head(begun, 0) {
        Ok(end) if end <= HEAD_LIMIT => begun.get(..end).unwrap_or_default(),
        Err(_) if begun.len() <= HEAD_LIMIT => return Ok(None),
        _ => return Err(unclear("a head larger than 64 KiB")),
    };
    let facts = request_facts(head).map_err(unclear)?;
    let (line, _) = request_line(head).map_err(unclear)?;
    let target = std::str::from_utf8(line.target)
        .map_err(|_| unclear("a request target that is not UTF-8"))?;
    let tunnel = facts.method == Method::Connect;
    let (to, new_head) = if tunnel {
        let to = Authority::read(target, None);
        let to = to.ok_or(unclear("CONNECT without a host and a port"))?;
        (to, Vec::new())
    } else {
        let (to, path) = absolute(target)?;
        let host = target_host(target);
        (to, origin_form(head, &line.method_and(path), host))
    };
    let length = match tunnel {
        true => Length::None,
        false => facts.length,
    };
    let idempotent: &[&[u8]] = &[b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"];
    let request = ForwardRequest {
        to,
        tunnel,
        head: new_head,
        body: Passing(BodyReader::passing(length)),
        keep_alive: facts.keep_alive,
        repeatable: length == Length::None && idempotent.contains(&line.method),
        answers: Answers(facts.method),
    };
    Ok(Some((empty + head.len(), request)))
}

impl Answers {
    /// Reads the head of the response that the bytes begin with: how many bytes it has, and what
    /// follows it. None where more is needed.
    ///
    /// # Errors
    /// Where it ends cannot be told.
    pub fn head(&self, bytes: &[u8]) -> Result<Option<(usize, Following)>, &'static str> {
        let begun = skip_empty_lines(bytes);
        let empty = bytes.len() - begun.len();
        let head = match end_of_head(begun, 0) {
            Ok(end) if end <= HEAD_LIMIT => begun.get(..end).unwrap_or_default(),
            Err(_) if begun.len() <= HEAD_LIMIT => return Ok(None),
            _ => return Err("a head larger than 64 KiB"),
        };
        let facts = response_facts(head, self.0)?;
        let (line, fields) = status_line(head)?;
        let mut closes = line.version == Version::Http10 || facts.length == Length::UntilClose;
        for field in fields {
            let field = field?;
            let says_close = |value: &[u8]| {
                let mut tokens = value.split(|b| *b == b',');
                tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
            };
            closes |= field.is("connection") && says_close(field.value);
        }
        let following = match facts {
            facts if facts.switches.is_some() => Following::Anything,
            facts if (100..200).contains(&facts.status) => Following::Response,
            facts => Following::Body {
                body: Passing(BodyReader::passing(facts.length)),
                closes,
            },
        };
        Ok(Some((empty + head.len(), following)))
    }
}

/// What follows the head of a response.
#[derive(Debug)]
pub enum Following {
    /// Another head: this response was an interim one.
    Response,
    /// Its body.
    Body {
        /// The body.
        body: Passing,
        /// Whether the server closes the connection after it.
        closes: bool,
    },
    /// The connection is another protocol's from here on.
    Anything,
}

/// A body that is stepped over.
#[derive(Debug)]
pub struct Passing(BodyReader);

impl Passing {
    /// How many of the bytes belong to the body, and whether it ends there.
    ///
    /// # Errors
    /// The reason why the chunks cannot be read.
    pub fn pass(&mut self, bytes: &[u8]) -> Result<(usize, bool), &'static str> {
        let mut rest = bytes;
        let whole = self.0.take(&mut rest, &mut 0)?;
        Ok((bytes.len() - rest.len(), whole))
    }

    /// Whether the body is whole where the connection ends here.
    pub fn may_end(&self) -> bool {
        self.0.end()
    }
}

/// Where an absolute-form target leads, and its path and query.
fn absolute(target: &str) -> Result<(Authority, &str), NotForwarded> {
    let Some((scheme, rest)) = target.split_once("://") else {
        return Err(NotForwarded::NoHost(target.to_owned()));
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("ws") {
        return Err(NotForwarded::Scheme(scheme.to_owned()));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let to = Authority::read(host, Some(HTTP_PORT));
    let to = to.ok_or(NotForwarded::Unclear("a request target without a host"))?;
    // A fragment is never sent (RFC 9110, section 7.1).
    let path = path.split_once('#').map_or(path, |(path, _)| path);
    Ok((to, path))
}

/// The host and port of an absolute-form target as they are written.
fn target_host(target: &str) -> &str {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest.get(..end).unwrap_or(rest);
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

impl super::head::RequestLine<'_> {
    /// The line's method and an origin-form target.
    fn method_and(&self, path: &str) -> String {
        let method = String::from_utf8_lossy(self.method);
        // RFC 9112, section 3.2.4: without a path, OPTIONS is about the server itself.
        let path = match path {
            "" if method == "OPTIONS" => "*".to_owned(),
            path if path.starts_with('/') => path.to_owned(),
            path => format!("/{path}"),
        };
        let version = match self.version {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
        };
        format!("{method} {path} HTTP/{version}")
    }
}

/// The head with another first line. The host is the target's (RFC 9112, section 3.2.2); what is
/// said to the proxy alone is left out; every other line stays as it came.
fn origin_form(head: &[u8], first: &str, host: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len());
    out.extend_from_slice(first.as_bytes());
    out.extend_from_slice(b"\r\n");
    let mut lines = head.split_inclusive(|b| *b == b'\n').skip(1).peekable();
    let mut told_host = false;
    let mut leaves_out = false;
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        let folded = matches!(line, [b' ' | b'\t', ..]);
        let name = line.split(|b| *b == b':').next().unwrap_or_default();
        let is = |known: &str| name.trim_ascii().eq_ignore_ascii_case(known.as_bytes());
        if !folded {
            let is_host = !is_last && is("host");
            leaves_out = is_host || is("proxy-connection") || is("proxy-authorization");
            if (is_host || is_last) && !told_host {
                told_host = true;
                let same = line.get(name.len() + 1..).map(<[u8]>::trim_ascii);
                if is_host && same == Some(host.as_bytes()) {
                    out.extend_from_slice(line);
                } else {
                    out.extend_from_slice(b"Host: ");
                    out.extend_from_slice(host.as_bytes());
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
        if !leaves_out {
            out.extend_from_slice(line);
        }
    }
    out
}

#[cfg(test)]
mod tests;
