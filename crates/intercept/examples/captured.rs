//! Runs a command with its outbound connections captured and relayed, for tests and for a look:
//! `captured [--inbound] [--serve | --refuse PORT] [--look-up] [--host NAME=ADDRESS]... [--quiet] --
//! COMMAND...`. Says on standard error what was captured; exits as the command did. With
//! `--look-up` names of addresses are learned; with `--host` look-ups are answered so.
#![allow(clippy::expect_used, clippy::print_stderr)]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use retake_intercept::capture::{
    Arrived, Director, Names, Pid, Plan, Resolver, Route, Source, Uncaptured, arm, probe,
};

/// Relays with two threads per connection: simple, and nothing to measure.
#[derive(Default)]
struct Threads {
    inbound: bool,
    serve: bool,
    refuse: Option<u16>,
    quiet: bool,
    names: Arc<Names>,
    connections: AtomicU64,
}

impl Director for Threads {
    fn connect(&self, wanted: SocketAddr, _: Pid) -> Route {
        match self.refuse {
            Some(port) if port == wanted.port() => Route::Refuse(libc::ECONNREFUSED),
            _ if self.serve => Route::Serve,
            _ => Route::Relay,
        }
    }

    fn adopt(&self, arrived: Arrived) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        if !self.quiet {
            let name = self.names.of(arrived.wanted.ip());
            eprintln!(
                "captured: {:?} {} by {}{}",
                arrived.direction,
                arrived.wanted,
                arrived.by,
                name.map_or_else(String::new, |name| format!(" named {name}"))
            );
        }
        let client = arrived.client;
        client.set_nonblocking(false).expect("a socket");
        let Some(upstream) = arrived.upstream else {
            // An echo of what was asked, for tests of serving.
            thread::spawn(move || {
                let back = client.try_clone().expect("a descriptor");
                copy(client, back);
            });
            return;
        };
        upstream.set_nonblocking(false).expect("a socket");
        let (a, b) = (
            client.try_clone().expect("a descriptor"),
            upstream.try_clone().expect("a descriptor"),
        );
        let small = || thread::Builder::new().stack_size(256 << 10);
        small()
            .spawn(move || copy(client, upstream))
            .expect("a thread");
        small().spawn(move || copy(b, a)).expect("a thread");
    }

    fn listens(&self, addr: SocketAddr, by: Pid) {
        if !self.quiet {
            eprintln!("listens: {addr} by {by}");
        }
    }

    fn records(&self, _: SocketAddr) -> bool {
        self.inbound
    }

    fn passed(&self, what: Uncaptured) {
        if !self.quiet {
            eprintln!("passed: {what:?}");
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                if to.write_all(buffer.get(..n).unwrap_or_default()).is_err() {
                    break;
                }
            }
            Err(_) => {
                let _ = socket2::SockRef::from(&to).set_linger(Some(std::time::Duration::ZERO));
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Adds `NAME=ADDRESS` to the recorded names.
fn add(source: &mut Option<Source>, host: &str) {
    let (name, address) = host.split_once('=').expect("NAME=ADDRESS");
    let address: IpAddr = address.parse().expect("an address");
    let mut hosts = match source.take() {
        Some(Source::Recorded { hosts, .. }) => hosts,
        _ => HashMap::new(),
    };
    hosts.entry(name.to_owned()).or_default().push(address);
    let others_real = false;
    *source = Some(Source::Recorded { hosts, others_real });
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut director = Threads::default();
    let mut source = None;
    loop {
        match arguments.next().as_deref() {
            Some("--inbound") => director.inbound = true,
            Some("--serve") => director.serve = true,
            Some("--quiet") => director.quiet = true,
            Some("--look-up") => source = Some(Source::Real),
            Some("--host") => add(&mut source, &arguments.next().expect("a host")),
            Some("--refuse") => director.refuse = arguments.next().and_then(|p| p.parse().ok()),
            Some("--") => break,
            other => {
                eprintln!("unknown option {other:?}");
                return ExitCode::from(2);
            }
        }
    }
    let program = arguments.next().expect("a command");
    let mut command = Command::new(program);
    command.args(arguments);
    let ability = probe();
    eprintln!("{ability}");
    let plan = Plan {
        ability,
        inbound: director.inbound,
        names: source.map(|source| {
            let miss = |name: &str| eprintln!("unknown: {name}");
            let names = Arc::clone(&director.names);
            Arc::new(Resolver::start(names, source, Box::new(miss)).expect("a port"))
        }),
        ..Plan::default()
    };
    let armed = arm(&mut command, &plan).expect("armed");
    let mut child = command.spawn().expect("started");
    let director = Arc::new(director);
    let supervisor = armed
        .start(child.id(), director.clone())
        .expect("a listener");
    let status = child.wait().expect("a status");
    drop(supervisor);
    let connections = director.connections.load(Ordering::Relaxed);
    eprintln!("{connections} connections captured; {status}");
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::from(99), ExitCode::from)
}
