//! Recordings without a test, and what to do about them.

use std::net::SocketAddr;

use retake_model::Ledger;
use retake_runner::record::Recorded;

/// Whether nothing is all that was recorded.
pub fn is_all(ledger: &Ledger) -> bool {
    ledger.inbound.kept + ledger.outbound.values().map(|t| t.kept).sum::<u64>() == 0
}

/// Whether requests were to come and no test was made of any: a service that listens was asked
/// nothing, or nothing that was kept. A command that makes calls and ends by itself needs none.
pub fn lacks_tests(recorded: &Recorded, front: Option<SocketAddr>) -> bool {
    let inbound = &recorded.ledger.inbound;
    if inbound.kept + inbound.merged > 0 {
        return false;
    }
    let waited = recorded.command_ended.is_none() && !recorded.listening.is_empty();
    is_all(&recorded.ledger) || front.is_some() || waited || inbound.seen > 0
}

/// What to do where no request was recorded. `front` is where clients were to connect, where that
/// was named; without it their connections may be captured.
pub fn hint(
    recorded: &Recorded,
    front: Option<SocketAddr>,
    inbound_captured: bool,
) -> Option<String> {
    let inbound = &recorded.ledger.inbound;
    if inbound.seen > 0 && inbound.kept + inbound.merged == 0 {
        return Some(
            "requests came, and none was kept: the ledger says why; `record.exclude` in \
             retake.yaml leaves out on purpose"
                .to_owned(),
        );
    }
    if inbound.seen > 0 {
        return None;
    }
    if inbound.connections > 0 && !inbound.opaque.is_empty() {
        // The ledger says why they were not read.
        return None;
    }
    if recorded.command_ended.is_some() && inbound.connections == 0 {
        return Some(
            "it ended before a request came: try the command by itself first. It has no terminal: \
             one that asks for input ends, and one that starts others and goes away may need an \
             option to stay (`--foreground`)"
                .to_owned(),
        );
    }
    if front.is_none() && !inbound_captured {
        return Some(
            "name where clients connect and where the service listens: --listen 127.0.0.1:8080 \
             --upstream 127.0.0.1:3000"
                .to_owned(),
        );
    }
    let send = |to: String| {
        let came = match inbound.connections {
            0 => "no request came",
            _ => "clients connected, and no request came",
        };
        Some(format!("{came}: send some to {to} while it records"))
    };
    match (front, recorded.listening.as_slice()) {
        (Some(front), _) => send(front.to_string()),
        (None, []) => Some(
            "the command never listened on a port, so there was nobody to send a request to: is it \
             a service, and was it given the time to start?"
                .to_owned(),
        ),
        (None, all) => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            send(all.join(" or "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Recorded {
        Recorded {
            ledger: Ledger::default(),
            listening: Vec::new(),
            command_ended: None,
            failed: None,
        }
    }

    fn check(change: impl FnOnce(&mut Recorded), front: Option<&str>, expected: Option<&str>) {
        let mut recorded = nothing();
        change(&mut recorded);
        let front = front.map(|text| text.parse().expect("an address"));
        match (hint(&recorded, front, true), expected) {
            (None, None) => {}
            (Some(hint), Some(expected)) => assert!(hint.contains(expected), "{hint}"),
            (hint, expected) => panic!("{hint:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_recording_in_which_requests_were_to_come_needs_a_test() {
        type Change = fn(&mut Recorded);
        let listens: Change = |r| {
            r.listening
                .push("127.0.0.1:3000".parse().expect("an address"));
        };
        let calls: Change = |r| {
            let db = retake_model::Tally {
                seen: 1,
                kept: 1,
                ..Default::default()
            };
            r.ledger.outbound.insert("db".to_owned(), db);
        };
        let ended: Change = |r| r.command_ended = Some("ended with exit code 0".to_owned());
        let asked: Change = |r| (r.ledger.inbound.seen, r.ledger.inbound.connections) = (1, 1);
        let kept: Change = |r| r.ledger.inbound.kept = 1;
        let merged: Change = |r| r.ledger.inbound.merged = 1;
        let front = Some("127.0.0.1:8080".parse().expect("an address"));
        for (changes, front, lacks) in [
            (&[][..], None, true),
            (&[listens, calls], None, true),
            // A job that makes calls, with a listener of its own or not.
            (&[calls], None, false),
            (&[listens, calls, ended], None, false),
            (&[calls], front, true),
            (&[calls, asked], None, true),
            (&[kept, asked, listens], front, false),
            (&[merged, asked, listens], front, false),
        ] {
            let mut recorded = nothing();
            changes.iter().for_each(|change| change(&mut recorded));
            assert_eq!(lacks_tests(&recorded, front), lacks, "{recorded:?}");
        }
    }

    #[test]
    fn a_recording_without_a_request_says_what_to_do() {
        check(|_| {}, None, Some("never listened on a port"));
        check(
            |_| {},
            Some("127.0.0.1:8080"),
            Some("send some to 127.0.0.1:8080"),
        );
        let port = |r: &mut Recorded| {
            r.listening
                .push("127.0.0.1:3000".parse().expect("an address"))
        };
        check(port, None, Some("send some to 127.0.0.1:3000"));
        let ended = |r: &mut Recorded| r.command_ended = Some("ended with exit code 1".to_owned());
        check(ended, None, Some("try the command by itself"));
        let connected = |r: &mut Recorded| {
            port(r);
            r.ledger.inbound.connections = 1;
        };
        check(
            connected,
            None,
            Some("clients connected, and no request came: send some to 127.0.0.1:3000"),
        );
        check(
            |r| r.ledger.inbound.seen = 1,
            None,
            Some("the ledger says why"),
        );
    }
}
