//! Names for dependencies that are known by an address alone: the server's name, as the client
//! says it when it begins TLS.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use retake_model::DependencyInfo;

/// Which dependencies are called something else than the relay calls them.
#[derive(Debug, Clone, Default)]
pub struct Aliases {
    names: BTreeMap<Arc<str>, Arc<str>>,
    /// Addresses under which calls were recorded: they keep their names.
    used: BTreeSet<Arc<str>>,
    /// The ports of the names that were given.
    ports: BTreeMap<Arc<str>, u16>,
}

impl Aliases {
    /// What a dependency is called.
    pub(super) fn of(&self, dependency: &Arc<str>) -> Arc<str> {
        self.names.get(dependency).unwrap_or(dependency).clone()
    }

    /// A call to a dependency is recorded.
    pub(super) fn used(&mut self, dependency: &Arc<str>) {
        let may_be_address = dependency.starts_with(|c: char| c.is_ascii_digit() || c == '[');
        if may_be_address && !self.used.contains(dependency) {
            self.used.insert(dependency.clone());
        }
    }

    /// A client said the name of the server when it began TLS. Gives the new name of the
    /// dependency, where that was known by its address alone, and nothing was recorded so.
    pub(super) fn learn(&mut self, dependency: &Arc<str>, said: &str) -> Option<Arc<str>> {
        let port = dependency.parse::<SocketAddr>().ok()?.port();
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let is_name = !said.is_empty() && said.bytes().all(good);
        if !is_name || self.used.contains(dependency) || self.names.contains_key(dependency) {
            return None;
        }
        let name: Arc<str> = match *self.ports.entry(said.into()).or_insert(port) {
            known if known == port => said.into(),
            _ => format!("{said}:{port}").into(),
        };
        self.names.insert(dependency.clone(), name.clone());
        Some(name)
    }

    /// Gives dependencies their names; those of one name become one.
    pub(super) fn rename(&self, dependencies: &mut Vec<DependencyInfo>) {
        let mut named: Vec<DependencyInfo> = Vec::with_capacity(dependencies.len());
        for mut dependency in dependencies.drain(..) {
            dependency.name = self.of(&dependency.name);
            match named.iter_mut().find(|known| known.name == dependency.name) {
                Some(known) => {
                    let new = |list: &[String], text: &String| !list.contains(text);
                    for host in dependency.hosts {
                        if new(&known.hosts, &host) {
                            known.hosts.push(host);
                        }
                    }
                    for address in dependency.addresses {
                        if new(&known.addresses, &address) {
                            known.addresses.push(address);
                        }
                    }
                }
                None => named.push(dependency),
            }
        }
        *dependencies = named;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_called_by_the_name_that_was_said_there() {
        let mut aliases = Aliases::default();
        let mut learn = |address: &str, said| {
            let name = aliases.learn(&address.into(), said);
            name.map(|name| name.to_string())
        };
        assert_eq!(
            learn("10.0.0.1:443", "api.example").as_deref(),
            Some("api.example")
        );
        assert_eq!(
            learn("10.0.0.2:443", "api.example").as_deref(),
            Some("api.example")
        );
        assert_eq!(
            learn("10.0.0.1:8443", "api.example").as_deref(),
            Some("api.example:8443")
        );
        assert_eq!(
            learn("10.0.0.1:443", "other.example"),
            None,
            "the first name stays"
        );
        assert_eq!(learn("payments", "api.example"), None, "it has a name");
        assert_eq!(learn("10.0.0.9:443", "no name"), None);
    }

    #[test]
    fn what_was_recorded_keeps_its_name() {
        let mut aliases = Aliases::default();
        let address: Arc<str> = "10.0.0.1:5432".into();
        aliases.used(&address);
        assert_eq!(aliases.learn(&address, "db.example"), None);
        assert_eq!(aliases.of(&address), address);
    }

    #[test]
    fn addresses_of_one_name_are_one_dependency() {
        let mut aliases = Aliases::default();
        let mut dependencies = Vec::new();
        for address in ["10.0.0.1:443", "10.0.0.2:443"] {
            aliases.learn(&address.into(), "api.example");
            dependencies.push(DependencyInfo {
                name: address.into(),
                addresses: vec![address.to_owned()],
                ..DependencyInfo::default()
            });
        }
        aliases.rename(&mut dependencies);
        assert_eq!(dependencies.len(), 1);
        assert_eq!(&*dependencies[0].name, "api.example");
        assert_eq!(dependencies[0].addresses, ["10.0.0.1:443", "10.0.0.2:443"]);
    }
}
