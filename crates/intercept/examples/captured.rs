//! Runs a command with its outbound connections captured and relayed, for tests and for a look:
//! `captured [--inbound] [--serve | --refuse PORT] [--look-up] [--host NAME=ADDRESS]... [--quiet] --
//! COMMAND...`. Says on standard error what was captured; exits as the command did. With
//! `--look-up` names of addresses are learned; with `--host` look-ups are answered so.
#![allow(clippy::expect_used, clippy::print_stderr)]

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use retake_intercept::capture::{
    Arrived, Director, Names, Pid, Plan, Resolver, Route, Source, Uncaptured, arm, probe,
};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// Relays with two tasks per connection: simple, and nothing to measure.
struct Relays {
    runtime: Runtime,
    inbound: bool,
    serve: bool,
    refuse: Option<u16>,
    quiet: bool,
    names: Arc<Names>,
    connections: AtomicU64,
}

impl Director for Relays {
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
                "captured: {:?} {} by process {}{}",
                arrived.direction,
                arrived.wanted,
                arrived.process.unwrap_or(0),
                name.map_or_else(String::new, |name| format!(" named {name}"))
            );
        }
        let _inside = self.runtime.enter();
        let client = Arc::new(TcpStream::from_std(arrived.client).expect("a socket"));
        let Some(upstream) = arrived.upstream else {
            // An echo of what was asked, for tests of serving.
            self.runtime.spawn(copy(Arc::clone(&client), client));
            return;
        };
        let upstream = Arc::new(TcpStream::from_std(upstream).expect("a socket"));
        self.runtime
            .spawn(copy(Arc::clone(&client), Arc::clone(&upstream)));
        self.runtime.spawn(copy(upstream, client));
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

async fn copy(from: Arc<TcpStream>, to: Arc<TcpStream>) {
    let mut buffer = vec![0; 16 << 10];
    let relayed = async {
        loop {
            from.readable().await?;
            match from.try_read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => write(&to, buffer.get(..n).unwrap_or_default()).await?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    };
    let relayed: io::Result<()> = relayed.await;
    let to = socket2::SockRef::from(&*to);
    let _ = match relayed {
        Ok(()) => to.shutdown(Shutdown::Write),
        Err(_) => {
            let _ = to.set_linger(Some(std::time::Duration::ZERO));
            to.shutdown(Shutdown::Both)
        }
    };
}

async fn write(to: &TcpStream, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        to.writable().await?;
        match to.try_write(rest) {
            Ok(n) => rest = rest.get(n..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
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
    let mut director = Relays {
        runtime: Runtime::new().expect("threads"),
        inbound: false,
        serve: false,
        refuse: None,
        quiet: false,
        names: Arc::default(),
        connections: AtomicU64::new(0),
    };
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
