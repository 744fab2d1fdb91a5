//! Hosts and ports in files.

use crate::yaml::{Problem, cut};

/// Whether a text is a host with a port.
#[derive(Debug)]
pub(crate) enum HostPort {
    /// It is.
    Is,
    /// It is not, and why.
    Not(Problem),
}

/// Reads `host:port`, `[v6]:port`; `https://` may stand before it.
pub(crate) fn host_port(text: &str) -> HostPort {
    const EXPECTED: &str = "host and port, such as 127.0.0.1:8080";
    let wrong = |hint: &str| {
        let problem = Problem::new(format!("`{}` is no address", cut(text))).expected(EXPECTED);
        HostPort::Not(problem.hint(hint))
    };
    let bare = text.strip_prefix("https://").unwrap_or(text);
    if bare.contains("://") || bare.ends_with('/') {
        return wrong("leave out the scheme and the path");
    }
    let Some((host, port)) = bare.rsplit_once(':') else {
        return wrong("add the port");
    };
    let v6 = host.strip_prefix('[').map(|rest| rest.strip_suffix(']'));
    let host = match v6 {
        Some(Some(host)) => host,
        Some(None) => return wrong("write an IPv6 address as [::1]:8080"),
        None if host.contains(':') => return wrong("write an IPv6 address as [::1]:8080"),
        None => host,
    };
    if host.is_empty() {
        return wrong("add the host");
    }
    if host.contains(char::is_whitespace) {
        return wrong("remove the white space");
    }
    match port.parse::<u16>() {
        Ok(_) => HostPort::Is,
        Err(_) => wrong("a port is a number from 0 to 65535"),
    }
}
