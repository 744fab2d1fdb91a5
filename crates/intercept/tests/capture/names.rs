//! Look-ups by datagrams: led to a name server of ours on replay, followed while recording.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::process::Command;
use std::thread;

use super::support::{World, can_run, python, ran};

const ASKS: &str = include_str!("names.py");
/// Documentation addresses (RFC 5737): nobody answers there.
const NOWHERE: &str = "192.0.2.53";

/// Every way finds the recorded address, from whom it asked.
const FOUND: &str = "\
as_dnspython ((0, ['10.9.8.7']), True)
as_musl ((0, ['10.9.8.7']), [], 0, True)
as_musl_with_both_families ((0, ['10.9.8.7']), True)
as_netty [((0, ['10.9.8.7']), True), ((0, ['10.9.8.7']), True), ((0, ['10.9.8.7']), True)]
as_dnsjava ((0, ['10.9.8.7']), True)
as_c_ares ((0, ['10.9.8.7']), True)
blocking_without_a_limit ((0, ['10.9.8.7']), True)
waiting_before_it_is_asked ((0, ['10.9.8.7']), True)
with_little_room (20, True, 12, True, True, True, True)
nothing_is_there nothing, twice
from_others (b'hello', True)
many_after_each_other ((0, ['10.9.8.7']), True)
";

fn asks(world: &World, refused: &str, name: &str) -> (String, String) {
    std::fs::write(world.folder().join("names.py"), ASKS).expect("a file");
    let host = ["--host", "db.internal=10.9.8.7"];
    let words = [&host[..], &["--", python(), "names.py", NOWHERE, name]].concat();
    let mut command = world.capturing(&words);
    let (text, output) = ran(command.env("RETAKE_TEST_REFUSE", refused));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}{said}");
    (text, said)
}

#[test]
fn whoever_asks_by_datagrams_is_answered_from_the_recording() {
    if !can_run() {
        return;
    }
    for world in [World::new(), World::new().of_nobody()] {
        for refused in ["", "pidfd_getfd"] {
            let (text, said) = asks(&world, refused, "db.internal");
            assert_eq!(text, FOUND, "without {refused}: {said}");
        }
    }
}

#[test]
fn a_name_that_was_not_recorded_does_not_exist() {
    if can_run() {
        let world = World::new();
        let (text, said) = asks(&world, "", "other.internal");
        let code_of_no_such_name = FOUND.replace("(0, ['10.9.8.7'])", "(3, [])");
        assert_eq!(text, code_of_no_such_name, "{said}");
        assert!(said.contains("unknown: other.internal"), "{said}");
    }
}

/// While recording, the real server is asked by the client itself, or through us: it answers both.
#[test]
fn what_was_looked_up_by_datagrams_is_known_when_it_is_connected_to() {
    // Port 53 is root's; elsewhere there is no server to ask.
    // The address is one that no other run of this test has.
    let [.., high, low] = std::process::id().to_be_bytes();
    let at = Ipv4Addr::new(127, 78, high, low);
    let Ok(server) = UdpSocket::bind((at, 53)) else {
        eprintln!("skipped: nobody but root may listen on port 53");
        return;
    };
    if !can_run() {
        return;
    }
    thread::spawn(move || serve(&server, [127, 0, 0, 1].into()));
    let world = World::new();
    for (name, call) in [
        ("sent.internal", "s.sendto(q, (server, 53))"),
        ("connected.internal", "(s.connect((server, 53)), s.send(q))"),
    ] {
        let script = format!(
            "import os, socket\n\
             server, q = '{at}', {}\n\
             s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
             {call}\n\
             answer, who = s.recvfrom(512)\n\
             assert who == (server, 53), who\n\
             socket.create_connection((socket.inet_ntoa(answer[-4:]), int(os.environ['ECHO'])))\n",
            literal(&query(name)),
        );
        let words = ["--look-up", "--", python(), "-c", &script];
        let (_, output) = ran(&mut world.capturing(&words));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains(&format!("named {name}")), "{call}: {said}");
    }
}

/// The C library of Alpine Linux, in a static program, where it can be built here.
#[test]
fn musl_finds_what_was_recorded() {
    const PROGRAM: &str = r#"
        #include <arpa/inet.h>
        #include <netdb.h>
        #include <stdio.h>
        int main(int count, char **words) {
            struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
            int error = getaddrinfo(words[1], "80", &hints, &found);
            if (error) return printf("%s\n", gai_strerror(error)), 0;
            for (; found; found = found->ai_next) {
                char text[64];
                getnameinfo(found->ai_addr, found->ai_addrlen, text, 64, 0, 0, NI_NUMERICHOST);
                printf("%s\n", text);
            }
        }"#;
    let world = World::new();
    std::fs::write(world.folder().join("look-up.c"), PROGRAM).expect("a file");
    let built = Command::new("musl-gcc")
        .args(["-static", "-o", "look-up", "look-up.c"])
        .current_dir(world.folder())
        .status();
    if !built.is_ok_and(|status| status.success()) || !can_run() {
        eprintln!("skipped: no musl-gcc");
        return;
    }
    let host = [
        "--host",
        "db.internal=10.9.8.7",
        "--host",
        "db.internal=2001:db8::7",
    ];
    for (name, expect) in [
        ("db.internal", "10.9.8.7\n2001:db8::7\n"),
        ("other.internal", "Name does not resolve\n"),
    ] {
        let words = [&host[..], &["--", "./look-up", name]].concat();
        let (text, output) = ran(&mut world.capturing(&words));
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines.join("\n") + "\n", expect, "{output:?}");
    }
}

fn query(name: &str) -> Vec<u8> {
    let mut message = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).expect("short"));
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// Bytes as Python writes them.
fn literal(bytes: &[u8]) -> String {
    format!("bytes({bytes:?})")
}

/// Answers every question with one address.
fn serve(server: &UdpSocket, address: IpAddr) {
    let IpAddr::V4(address) = address else { return };
    let mut message = [0; 512];
    while let Ok((length, client)) = server.recv_from(&mut message) {
        let mut answer = message[..length].to_vec();
        answer[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1]);
        answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(address.octets());
        let _ = server.send_to(&answer, client);
    }
}
