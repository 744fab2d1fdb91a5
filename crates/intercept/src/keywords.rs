//! Connection strings of keywords: libpq's `host=… port=…` (section 34.1.1.1 of PostgreSQL's
//! documentation) and the same with semicolons.

use std::ops::Range;

use retake_model::ProtocolId;

use crate::env::{Edit, Found, With};
use crate::error::wrong;
use crate::{AddressError, HostPort};

/// PostgreSQL's port where none is given.
const USUAL_PORT: u16 = 5432;

/// Finds host and port among the keywords.
pub(crate) fn find(text: &str) -> Result<Found, AddressError> {
    let separator = if text.contains(';') { ';' } else { ' ' };
    let pairs = pairs(text, separator)?;
    let pair = |names: &[&str]| {
        let named = |pair: &&Pair| names.iter().any(|n| pair.key.eq_ignore_ascii_case(n));
        pairs.iter().find(named)
    };
    let host = pair(&["hostaddr"])
        .or_else(|| pair(&["host", "server", "data source"]))
        .ok_or_else(|| {
            wrong(
                text,
                "no host in it",
                "write host=… and port=…, host:port, or a URL",
            )
        })?;
    let name = text.get(host.value.clone()).unwrap_or_default();
    if name.starts_with('/') || name.starts_with('@') {
        return Err(wrong(
            text,
            "a Unix socket cannot be recorded yet",
            "give the server's TCP address: host=127.0.0.1 port=5432",
        ));
    }
    if name.is_empty() || name.contains(',') {
        return Err(wrong(
            text,
            "several hosts, or none",
            "name one: retake listens for one server at a time",
        ));
    }
    let port = pair(&["port"]);
    let number = match port {
        None => USUAL_PORT,
        Some(port) => text
            .get(port.value.clone())
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| {
                wrong(
                    text,
                    "the port is not a number from 0 to 65535",
                    "write port=5432",
                )
            })?,
    };
    let mut edits = vec![Edit {
        range: host.value.clone(),
        with: With::Host,
    }];
    edits.push(match port {
        Some(port) => Edit {
            range: port.value.clone(),
            with: With::Port,
        },
        None => Edit {
            range: host.end..host.end,
            with: With::PortKeyword(separator),
        },
    });
    edits.sort_by_key(|edit| edit.range.start);
    Ok(Found {
        protocol: Some(ProtocolId("postgres")),
        tls: false,
        address: HostPort {
            host: name.to_owned(),
            port: number,
        },
        edits,
    })
}

struct Pair<'t> {
    key: &'t str,
    /// The value without its quotes.
    value: Range<usize>,
    /// Where the pair ends, quotes included.
    end: usize,
}

fn pairs(text: &str, separator: char) -> Result<Vec<Pair<'_>>, AddressError> {
    let bad = |what: &str| wrong(text, what, "write host=… port=…, host:port, or a URL");
    let mut pairs = Vec::new();
    let mut at = 0;
    let skip = |at: usize, what: &dyn Fn(char) -> bool| -> usize {
        let rest = text.get(at..).unwrap_or_default();
        at + (rest.len() - rest.trim_start_matches(what).len())
    };
    let space = |c: char| c.is_ascii_whitespace();
    loop {
        at = skip(at, &|c| space(c) || c == separator);
        let rest = text.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(pairs);
        }
        let equals = rest
            .find('=')
            .ok_or_else(|| bad("expected `=` after a keyword"))?;
        let key = rest.get(..equals).unwrap_or_default().trim_end();
        at = skip(at + equals + 1, &space);
        let rest = text.get(at..).unwrap_or_default();
        let (value, end) = match rest.strip_prefix('\'') {
            Some(quoted) if separator == ' ' => {
                let len = quoted_len(quoted).ok_or_else(|| bad("a quote is not closed"))?;
                (at + 1..at + 1 + len, at + len + 2)
            }
            _ => {
                let ends = |c: char| c == separator || (separator == ' ' && space(c));
                let len = rest.find(ends).unwrap_or(rest.len());
                (at..at + len, at + len)
            }
        };
        at = end;
        pairs.push(Pair { key, value, end });
    }
}

/// Bytes up to the closing quote; a backslash takes the next character's meaning.
fn quoted_len(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return Some(at),
            _ => {}
        }
    }
    None
}
