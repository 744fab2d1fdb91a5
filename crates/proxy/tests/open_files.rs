//! A relay goes on where its process may have more files open than it has asked for so far.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use retake_intercept::Listen;
use retake_proxy::record::{RecordOptions, RecordProxy};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Where the relay is to lead to, told to the process that has the small limit.
const UPSTREAM: &str = "RETAKE_TEST_UPSTREAM";

/// How many files that process may have open at first: fewer than the connections need.
const FILES: u64 = 64;
const CONNECTIONS: usize = 100;

/// Longer than anything here takes; reaching it fails the test.
const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn neither_accepting_nor_dialling_fails_for_want_of_files() {
    if let Ok(upstream) = std::env::var(UPSTREAM) {
        return relay(&upstream);
    }
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut relay = Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", "--exact"])
        .arg("neither_accepting_nor_dialling_fails_for_want_of_files")
        .env(UPSTREAM, upstream.local_addr().unwrap().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(relay.stdout.take().unwrap());
    let address = said
        .by_ref()
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("relay at ").map(|(_, at)| at.to_owned()))
        .expect("it listens");
    let (reaches, reached) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((server, _)) = upstream.accept() {
            let _ = reaches.send(server);
        }
    });
    let mut open = Vec::new();
    for number in 0..CONNECTIONS {
        let mut client = TcpStream::connect(&address).unwrap();
        let server = reached.recv_timeout(LIMIT);
        let mut server = server.unwrap_or_else(|_| panic!("connection {number} goes no further"));
        for socket in [&client, &server] {
            socket.set_read_timeout(Some(LIMIT)).unwrap();
        }
        client.write_all(b"ask").unwrap();
        let mut got = [0; 3];
        server
            .read_exact(&mut got)
            .unwrap_or_else(|error| panic!("connection {number}: {error}"));
        open.push((client, server));
    }
    drop(relay.stdin.take());
    assert!(relay.wait().unwrap().success());
    drop(said);
}

/// Relays until its input ends.
fn relay(upstream: &str) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(FILES);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    let listen = Listen::inbound("127.0.0.1:0".parse().unwrap(), upstream);
    let (proxy, _events) = RecordProxy::start(vec![listen], RecordOptions::default()).unwrap();
    println!("relay at {}", proxy.listens()[0].addr);
    let _ = std::io::stdin().read(&mut [0; 1]);
    proxy.stop(Duration::ZERO);
}
