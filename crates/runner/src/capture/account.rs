//! What went past capture, and the words for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use retake_intercept::capture::Uncaptured;

/// How many different things that went past are counted by name.
const MOST: usize = 100;

/// What went past, counted.
#[derive(Debug, Default)]
pub(super) struct Account {
    counts: BTreeMap<Uncaptured, u64>,
    beyond: u64,
}

impl Account {
    pub(super) fn add(&mut self, what: Uncaptured) {
        if self.counts.len() < MOST || self.counts.contains_key(&what) {
            *self.counts.entry(what).or_default() += 1;
        } else {
            self.beyond += 1;
        }
    }

    /// A sentence for each. Datagrams to where a captured connection leads too, or where the service
    /// itself listens, are left out: they are how the C library finds the best of several addresses,
    /// and nothing is sent.
    pub(super) fn notes(&self, captured: &BTreeSet<String>, listens: &[SocketAddr]) -> Vec<String> {
        let own = |addr: &SocketAddr| {
            addr.ip().is_loopback() && listens.iter().any(|own| own.port() == addr.port())
        };
        let probed = |addr: &SocketAddr| captured.contains(&addr.to_string()) || own(addr);
        let mut notes: Vec<String> = self
            .counts
            .iter()
            .filter(|(what, _)| !matches!(what, Uncaptured::Datagrams(addr) if probed(addr)))
            .map(|(what, count)| sentence(what, *count))
            .collect();
        if self.beyond > 0 {
            notes.push(format!(
                "{} further connections were not captured",
                self.beyond
            ));
        }
        notes
    }
}

fn sentence(what: &Uncaptured, count: u64) -> String {
    let times = if count == 1 {
        String::new()
    } else {
        format!(" ({count} times)")
    };
    match what {
        Uncaptured::Unix(path) => format!(
            "not captured{times}: the unix socket {}{}",
            path.display(),
            hint(path)
        ),
        Uncaptured::Datagrams(addr) => format!("not captured{times}: datagrams (UDP) to {addr}"),
        Uncaptured::Filter(name) => format!(
            "`{name}` wanted to watch system calls itself{times}, which the system refuses (EBUSY) to a \
             captured program; hint: --no-capture, with --listen and --dep"
        ),
        Uncaptured::Foreign(name, machine) => format!(
            "not captured{times}: what `{name}` connects to, as it was built for {machine}; hint: name \
             its dependencies with --dep"
        ),
        Uncaptured::Program(name) => format!(
            "not captured{times}: what `{name}` connects to, as it may not be looked into; hint: \
             run it by a user who may read the program's file, without more rights than retake"
        ),
        Uncaptured::Connection(addr, why) => format!("not captured{times}: {addr}: {why}"),
    }
}

/// What to do for the sockets of databases.
fn hint(path: &Path) -> &'static str {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if name.starts_with(".s.PGSQL.") {
        "; hint: connect by 127.0.0.1 (PGHOST=127.0.0.1) to have PostgreSQL captured"
    } else if name.starts_with("mysql") {
        "; hint: connect by 127.0.0.1 in place of the socket to have MySQL captured"
    } else if name.starts_with("redis") {
        "; hint: connect by 127.0.0.1 in place of the socket to have Redis captured"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_past_is_said_once_with_its_count_and_a_hint() {
        let mut account = Account::default();
        let socket = || Uncaptured::Unix("/run/postgresql/.s.PGSQL.5432".into());
        account.add(socket());
        account.add(socket());
        let seen = "10.0.0.1:443".parse().expect("an address");
        account.add(Uncaptured::Datagrams(seen));
        let listens = "0.0.0.0:8000".parse().expect("an address");
        for own in ["[::1]:8000", "127.0.0.1:8000"] {
            account.add(Uncaptured::Datagrams(own.parse().expect("an address")));
        }
        let notes = account.notes(&BTreeSet::from(["10.0.0.1:443".to_owned()]), &[listens]);
        assert_eq!(
            notes,
            [
                "not captured (2 times): the unix socket /run/postgresql/.s.PGSQL.5432; hint: connect \
              by 127.0.0.1 (PGHOST=127.0.0.1) to have PostgreSQL captured"
            ]
        );
    }
}
