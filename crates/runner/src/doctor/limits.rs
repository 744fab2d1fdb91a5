//! How much there may be at a time.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

use rustix::process::{Resource, getrlimit};

use super::{Finding, State, Topic};

/// Descriptors that each captured connection takes.
const OF_A_CONNECTION: u64 = 2;
/// Below this many open files a service of some size is short of them.
const FEW: u64 = 4096;

/// What was found, and whether there is a loopback at all.
pub(super) fn findings() -> (Vec<Finding>, bool) {
    let new = |name, state, says: String| Finding::new(Topic::Limits, name, state, says);
    let limit = getrlimit(Resource::Nofile);
    let mut all = vec![open_files(limit.current, limit.maximum)];
    let loopback = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let works = loopback.is_ok();
    all.push(
        match (loopback, TcpListener::bind((Ipv6Addr::LOCALHOST, 0))) {
            (Ok(_), Ok(_)) => new("loopback", State::Good, "127.0.0.1 and ::1".to_owned()),
            (Ok(_), Err(_)) => new(
                "loopback",
                State::Less,
                "127.0.0.1 alone: connections by IPv6 fail, as they do without retake".to_owned(),
            ),
            (Err(error), _) => new(
                "loopback",
                State::No,
                format!("127.0.0.1 cannot be listened on: {error}"),
            )
            .hint("bring the interface up: `ip link set lo up`"),
        },
    );
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let ports: Vec<u32> = range
        .split_ascii_whitespace()
        .filter_map(|n| n.parse().ok())
        .collect();
    if let [first, last] = *ports {
        let count = (last + 1).saturating_sub(first);
        all.push(new(
            "ports",
            State::Fact,
            format!("{count} for connections at a time ({first} to {last})"),
        ));
    }
    (all, works)
}

fn open_files(now: Option<u64>, most: Option<u64>) -> Finding {
    let new = |state, says: String| Finding::new(Topic::Limits, "open files", state, says);
    let Some(most) = most else {
        return new(State::Good, "no limit".to_owned());
    };
    let raised = match now {
        Some(now) if now < most => format!(" (raised from {now})"),
        _ => String::new(),
    };
    let says = format!(
        "{most}{raised}, so about {} captured connections at a time",
        most / OF_A_CONNECTION
    );
    if most < FEW {
        return new(State::Less, says).hint("raise it: `ulimit -Hn 65536` as root, LimitNOFILE= of systemd, or --ulimit nofile=65536 of Docker");
    }
    new(State::Good, says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_open_files_are_said_with_what_to_do() {
        assert_eq!(open_files(Some(1024), Some(524_288)).state, State::Good);
        assert!(
            open_files(Some(1024), Some(524_288))
                .says
                .contains("raised from 1024")
        );
        let few = open_files(Some(256), Some(256));
        assert_eq!(few.state, State::Less);
        assert!(few.hint.is_some());
        assert_eq!(open_files(None, None).state, State::Good);
    }
}
