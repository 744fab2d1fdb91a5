use super::*;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    put(&mut message, tag, &[body]);
    message
}

fn list(names: &[&str]) -> Vec<u8> {
    let mut body = SASL.to_be_bytes().to_vec();
    for name in names {
        body.extend_from_slice(name.as_bytes());
        body.push(0);
    }
    body.push(0);
    message(b'R', &body)
}

fn both() -> Vec<u8> {
    list(&["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"])
}

fn initial(start: &str) -> Vec<u8> {
    let mut body = b"SCRAM-SHA-256\0".to_vec();
    body.extend_from_slice(&u32::try_from(start.len()).unwrap().to_be_bytes());
    body.extend_from_slice(start.as_bytes());
    message(b'p', &body)
}

fn new() -> Unbound {
    Unbound::new("nonce".to_owned())
}

fn server(unbound: &mut Unbound, bytes: &[u8]) -> Untied {
    let mut to = Untied::default();
    unbound.server(bytes, &mut to);
    to
}

fn client(unbound: &mut Unbound, bytes: &[u8]) -> Untied {
    let mut to = Untied::default();
    unbound.client(bytes, &mut to);
    to
}

/// What the client gets at every split of what the server sends.
#[track_caller]
fn check(sent: &[u8], expect: &[u8]) -> Unbound {
    let mut last = new();
    for cut in 0..=sent.len() {
        let mut unbound = new();
        let mut to = Untied::default();
        for part in [&sent[..cut], &sent[cut..]] {
            if !part.is_empty() {
                unbound.server(part, &mut to);
            }
        }
        assert_eq!(to.client, expect, "{cut}");
        assert_eq!(to.server, b"");
        last = unbound;
    }
    last
}

#[test]
fn the_client_is_asked_for_its_password_where_the_server_offers_binding() {
    let version = message(b'v', &[0, 3, 0, 2, 0, 0, 0, 0]);
    let sent = [&version[..], &both()].concat();
    let expect = [&version[..], &message(b'R', &[0, 0, 0, 3])].concat();
    let unbound = check(&sent, &expect);
    assert!(!unbound.is_done() && matches!(unbound.outcome(), Untying::Refused(_)));
}

#[test]
fn everything_else_passes() {
    let rest = message(b'Z', b"I");
    for first in [
        list(&["SCRAM-SHA-256"]),
        list(&["SCRAM-SHA-256-PLUS"]),
        message(b'R', &[0, 0, 0, 0]),
        message(b'R', &[0, 0, 0, 5, 1, 2, 3, 4]),
        message(b'E', b"SFATAL\0\0"),
    ] {
        let sent = [&first[..], &rest].concat();
        let unbound = check(&sent, &sent);
        assert!(unbound.is_done() && unbound.outcome() == Untying::Untouched);
    }
    let mut unbound = new();
    let half = &both()[..7];
    assert_eq!(server(&mut unbound, half).client, b"");
    assert_eq!(server(&mut unbound, &[]).client, half);
    let long = vec![b'x'; MAX_HELD + 1];
    assert_eq!(server(&mut new(), &long).client, long);
    assert_eq!(client(&mut new(), b"start-up").server, b"start-up");
}

#[test]
fn the_server_is_answered_by_the_password() {
    let mut unbound = new();
    server(&mut unbound, &both());
    assert_eq!(
        client(&mut unbound, &message(b'p', b"pencil\0")[..9]),
        Untied::default()
    );
    let to = client(&mut unbound, &message(b'p', b"pencil\0")[9..]);
    assert_eq!(to.server, initial("n,,n=,r=nonce"));
    let first = [
        &[0, 0, 0, 11][..],
        b"r=nonce1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    ]
    .concat();
    let to = server(&mut unbound, &message(b'R', &first));
    assert_eq!(to.client, b"");
    assert!(to.server.starts_with(b"p") && to.server[5..].starts_with(b"c=biws,r=nonce1,p="));
    // Whether the signature is right is tested with SCRAM itself; this one is not.
    let last = [&[0, 0, 0, 12][..], b"v=AAAA"].concat();
    let to = server(&mut unbound, &message(b'R', &last));
    assert_eq!(to.client, message(b'E', BROKEN));
    assert!(unbound.is_done());
    assert!(matches!(unbound.outcome(), Untying::Downgraded(_)));
}

#[test]
fn a_wrong_password_is_the_servers_to_tell() {
    let mut unbound = new();
    server(&mut unbound, &both());
    client(&mut unbound, &message(b'p', b"wrong\0"));
    let error = message(b'E', b"SFATAL\0C28P01\0\0");
    assert_eq!(server(&mut unbound, &error).client, error);
    assert!(unbound.is_done());
}
