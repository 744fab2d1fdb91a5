//! Recordings without a test, and what to do about them.

use std::net::SocketAddr;

use retake_model::Ledger;
use retake_runner::record::Recorded;

/// Whether nothing is all that was recorded.
pub fn is_all(ledger: &Ledger) -> bool {
    ledger.inbound.kept + ledger.outbound.values().map(|t| t.kept).sum::<u64>() == 0
}

/// What to do where no request was recorded. `front` is where clients were to connect, where that
/// was named; without it their connections may be captured.
pub fn hint(
    recorded: &Recorded,
    front: Option<SocketAddr>,
    inbound_captured: bool,
) -> Option<String> {
    let inbound = &recorded.ledger.inbound;
    if inbound.connections > 0 || inbound.seen > 0 {
        return None;
    }
    if recorded.command_ended.is_some() {
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
        Some(format!(
            "no request came: send some to {to} while it records"
        ))
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

    fn check(change: impl FnOnce(&mut Recorded), front: Option<&str>, expected: Option<&str>) {
        let mut recorded = Recorded {
            ledger: Ledger::default(),
            listening: Vec::new(),
            command_ended: None,
            failed: None,
        };
        change(&mut recorded);
        let front = front.map(|text| text.parse().expect("an address"));
        match (hint(&recorded, front, true), expected) {
            (None, None) => {}
            (Some(hint), Some(expected)) => assert!(hint.contains(expected), "{hint}"),
            (hint, expected) => panic!("{hint:?}, expected {expected:?}"),
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
        check(|r| r.ledger.inbound.connections = 1, None, None);
    }
}
