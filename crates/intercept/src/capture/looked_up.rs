//! Which names led to which addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many addresses have a name at most.
pub(super) const MAX_NAMES: usize = 16 * 1024;

/// How many names of one address are known at most.
const MAX_OF_ONE: usize = 64;

/// Names of addresses, as they were looked up.
#[derive(Debug, Default)]
pub struct Names(Mutex<HashMap<IpAddr, Of>>);

/// The names of one address.
#[derive(Debug, Default)]
struct Of {
    /// The one that it is called by.
    last: Option<Arc<str>>,
    /// All that are known to lead there.
    all: Vec<Arc<str>>,
}

impl Names {
    /// Those that stand in `/etc/hosts`. Addresses of this machine are not called by them, as
    /// `localhost` says nothing, but the other names are known to lead there.
    pub fn from_hosts(hosts: &str) -> Self {
        let names = Names::default();
        for line in hosts.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else {
                continue;
            };
            let mut all = words.filter(|name| !is_this_machine(name)).peekable();
            if let Some(first) = all.peek().filter(|_| !address.is_loopback()) {
                names.with(address, |of| {
                    of.last.get_or_insert_with(|| (*first).into());
                });
            }
            for name in all {
                names.with(address, |of| of.lead(name));
            }
        }
        names
    }

    /// The name that was last looked up and led to an address.
    pub fn of(&self, address: IpAddr) -> Option<Arc<str>> {
        let names = self.lock();
        names.get(&address.to_canonical())?.last.clone()
    }

    /// Whether a name is known to lead to an address.
    pub fn leads(&self, name: &str, address: IpAddr) -> bool {
        let names = self.lock();
        let of = names.get(&address.to_canonical());
        of.is_some_and(|of| of.all.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Remembers one.
    pub fn learn(&self, name: &str, address: IpAddr) {
        self.with(address, |of| {
            of.last = Some(name.into());
            of.lead(name);
        });
    }

    fn with(&self, address: IpAddr, change: impl FnOnce(&mut Of)) {
        let address = address.to_canonical();
        let mut names = self.lock();
        if names.len() < MAX_NAMES || names.contains_key(&address) {
            change(names.entry(address).or_default());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Of>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Of {
    fn lead(&mut self, name: &str) {
        let is_new = !self
            .all
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        if is_new && self.all.len() < MAX_OF_ONE {
            self.all.push(name.into());
        }
    }
}

/// Names that say no more than the loopback's address.
fn is_this_machine(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("ip6-") || name == "localhost" || name.starts_with("localhost.")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn names_of_other_machines_are_taken_from_the_hosts_file() {
        let names = Names::from_hosts(
            "127.0.0.1 localhost\n::1 ip6-localhost\n10.0.0.5 db db.lan # ours\n#10.0.0.6 x\nbad\n",
        );
        assert_eq!(names.of([10, 0, 0, 5].into()).as_deref(), Some("db"));
        assert_eq!(names.of([127, 0, 0, 1].into()), None);
        assert_eq!(names.of([10, 0, 0, 6].into()), None);
        let mapped = Ipv4Addr::new(10, 0, 0, 5).to_ipv6_mapped();
        assert_eq!(names.of(mapped.into()).as_deref(), Some("db"));
    }

    #[test]
    fn all_names_of_an_address_are_known() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let names = Names::from_hosts("127.0.0.1 localhost users.test\n127.0.0.1 orders.test\n");
        assert_eq!(
            names.of(here),
            None,
            "what leads to this machine names no other"
        );
        for (name, leads) in [
            ("users.test", true),
            ("ORDERS.test", true),
            ("localhost", false),
            ("other.test", false),
        ] {
            assert_eq!(names.leads(name, here), leads, "{name}");
        }
        let there = [10, 0, 0, 1].into();
        names.learn("a.example", there);
        names.learn("b.example", there);
        assert_eq!(names.of(there).as_deref(), Some("b.example"));
        assert!(names.leads("a.example", there));
    }
}
