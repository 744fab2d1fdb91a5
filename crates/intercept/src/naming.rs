//! Names of dependencies that nobody named.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// How many dependencies get a name of their own; those beyond share [`Naming::REST`].
const MOST: usize = 1000;

/// Gives each host and port the name of a dependency: the host as it was asked for, in lower case.
/// The port stands behind it where the host is an address, and where the host was asked for by
/// another port before. The same host and port always have the same name.
#[derive(Debug, Default)]
pub struct Naming {
    names: BTreeMap<(String, u16), Arc<str>>,
    /// Names of hosts by whatever port.
    any_port: BTreeMap<String, Arc<str>>,
    taken: BTreeSet<Arc<str>>,
}

impl Naming {
    /// The name of what is beyond the bound.
    pub const REST: &'static str = "others";

    /// With names that are taken by other dependencies.
    pub fn new(taken: impl IntoIterator<Item = Arc<str>>) -> Self {
        Naming {
            names: BTreeMap::new(),
            any_port: BTreeMap::new(),
            taken: taken.into_iter().collect(),
        }
    }

    /// Has a host that the recording knows, or a rule names, keep its name; by every port where
    /// none is given.
    pub fn keep(&mut self, host: &str, port: Option<u16>, name: Arc<str>) {
        self.taken.insert(name.clone());
        match port {
            Some(port) => self.names.insert((lower(host), port), name),
            None => self.any_port.insert(lower(host), name),
        };
    }

    /// The name of a host and port, where it has one already.
    pub fn known(&self, host: &str, port: u16) -> Option<Arc<str>> {
        let host = lower(host);
        let any = self.any_port.get(&host);
        self.names.get(&(host, port)).or(any).cloned()
    }

    /// The name of a host and port.
    pub fn of(&mut self, host: &str, port: u16) -> Arc<str> {
        if let Some(known) = self.known(host, port) {
            return known;
        }
        let key = (lower(host), port);
        if self.names.len() >= MOST {
            return Naming::REST.into();
        }
        let with_port = match key.0.contains(':') {
            true => format!("[{}]:{port}", key.0),
            false => format!("{}:{port}", key.0),
        };
        let is_address = key.0.parse::<IpAddr>().is_ok();
        let name: Arc<str> = match is_address || self.taken.contains(key.0.as_str()) {
            true => with_port.into(),
            false => key.0.as_str().into(),
        };
        self.taken.insert(name.clone());
        self.names.insert(key, name.clone());
        name
    }
}

/// Names are the same in upper and lower case, and with the dot of the root (RFC 4343, RFC 1034).
fn lower(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_ports_tell_apart() {
        let mut naming = Naming::new(["db".into()]);
        naming.keep("10.0.0.7", Some(443), "payments".into());
        naming.keep("Cache.local", None, "cache".into());
        for (host, port, name) in [
            ("Api.Example.com", 443, "api.example.com"),
            ("api.example.com", 8443, "api.example.com:8443"),
            ("api.example.com.", 443, "api.example.com"),
            ("127.0.0.1", 5432, "127.0.0.1:5432"),
            ("::1", 80, "[::1]:80"),
            ("db", 5432, "db:5432"),
            ("10.0.0.7", 443, "payments"),
            ("cache.local", 6379, "cache"),
            ("10.0.0.7", 80, "10.0.0.7:80"),
        ] {
            assert_eq!(&*naming.of(host, port), name);
            assert_eq!(naming.known(host, port).as_deref(), Some(name));
        }
        assert_eq!(naming.known("other", 80), None);
    }

    #[test]
    fn there_is_an_end_of_names() {
        let mut naming = Naming::default();
        for n in 0..2000 {
            naming.of(&format!("host-{n}"), 80);
        }
        assert_eq!(&*naming.of("host-5", 80), "host-5");
        assert_eq!(&*naming.of("host-1999", 80), Naming::REST);
    }
}
