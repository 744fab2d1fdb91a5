//! The recorder stands before a service's clients: a child listens, and tells its clients how it
//! sees them.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use retake_intercept::capture::{
    Arrived, Director, Outbound, Pid, Plan, Route, Supervisor, Uncaptured, arm, probe,
};
use retake_model::Direction;
use socket2::{Domain, Socket, Type};

/// What the service says of one client: how `accept`, `getpeername` and `getsockname` name it.
fn told(client: &TcpStream, accepted: SocketAddr) -> String {
    format!(
        "{accepted} {} {}",
        client.peer_addr().expect("a peer"),
        client.local_addr().expect("an address")
    )
}

/// Listens with a queue for all clients of any test here. Where it overflows, the kernel answers
/// with SYN cookies, and may refuse a client whose connection it has made already: the service
/// then waits for that client without end, captured or not.
fn listen(port: u16) -> TcpListener {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    // Connections that have ended keep no port.
    listener.set_reuse_address(true).expect("a socket");
    listener.bind(&at.into()).expect("a port");
    listener.listen(1024).expect("a queue");
    listener.into()
}

/// The service: says its port, then answers each client with what it sees and what was sent. A
/// client that sends `self` makes it connect to itself; `again` makes it close its listening socket
/// and listen at the same port anew, `close` close it for good.
#[test]
#[ignore = "a child of the other tests"]
fn child() {
    let mut listener = listen(0);
    let port = listener.local_addr().expect("an address").port();
    println!("\nport {port}");
    if std::env::var_os("CHILD_POLLS").is_some() {
        listener.set_nonblocking(true).expect("a socket");
    }
    loop {
        let (mut client, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        client.set_nonblocking(false).expect("a socket");
        let mut said = String::new();
        client.read_to_string(&mut said).expect("text");
        if said == "self" {
            let own = TcpStream::connect(("127.0.0.1", port)).expect("itself");
            listener.set_nonblocking(false).expect("a socket");
            let (_, from) = listener.accept().expect("itself");
            said = format!("self {}", from == own.local_addr().expect("an address"));
        }
        let answer = format!("{said} {}", told(&client, peer));
        if said == "again" || said == "close" {
            drop(listener);
            if said == "close" {
                drop(client);
                loop {
                    thread::park();
                }
            }
            listener = listen(port);
        }
        client.write_all(answer.as_bytes()).expect("room");
    }
}

/// Relays, and tells what it was given.
struct Relay {
    arrived: Mutex<Sender<(Direction, SocketAddr)>>,
    records: bool,
}

impl Director for Relay {
    fn connect(&self, _: SocketAddr, _: Pid) -> Route {
        Route::Relay
    }

    fn adopt(&self, arrived: Arrived) {
        let told = (arrived.direction, arrived.wanted);
        self.arrived.lock().unwrap().send(told).expect("a test");
        let (client, service) = (arrived.client, arrived.upstream.expect("both ends"));
        client.set_nonblocking(false).expect("a socket");
        service.set_nonblocking(false).expect("a socket");
        let back = (service.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || copy(client, service));
        thread::spawn(move || copy(back.0, back.1));
    }

    fn listens(&self, _: SocketAddr, _: Pid) {}

    fn records(&self, _: SocketAddr) -> bool {
        self.records
    }

    fn passed(&self, _: Uncaptured) {}
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

struct Service {
    child: Child,
    at: SocketAddr,
    arrived: Receiver<(Direction, SocketAddr)>,
    _supervisor: Supervisor,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How the service's listening socket is had.
const WAYS: [Outbound; 2] = [Outbound::Duplicate, Outbound::Inject];

/// None where the machine does not allow it.
fn start(way: Outbound, polls: bool, records: bool) -> Option<Service> {
    let mut ability = probe();
    // What may duplicate may make sockets as well.
    if ability.outbound == Outbound::Duplicate {
        ability.outbound = way;
    }
    if !ability.inbound() {
        eprintln!("skipped: {ability}");
        return None;
    }
    let (to, arrived) = channel();
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args(["--ignored", "--exact", "child", "--nocapture"])
        .stdout(Stdio::piped());
    if polls {
        command.env("CHILD_POLLS", "1");
    }
    let plan = Plan {
        ability,
        inbound: true,
        ..Plan::default()
    };
    let armed = arm(&mut command, &plan).expect("armed");
    let mut child = command.spawn().expect("started");
    let director = Relay {
        arrived: Mutex::new(to),
        records,
    };
    let supervisor = armed
        .start(child.id(), Arc::new(director))
        .expect("a listener");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let port = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("port ")?.parse::<u16>().ok())
        .expect("a port");
    Some(Service {
        child,
        at: SocketAddr::from(([127, 0, 0, 1], port)),
        arrived,
        _supervisor: supervisor,
    })
}

/// What the service answers, and how it should see this client.
fn ask(at: SocketAddr, say: &str) -> (String, String) {
    let mut client = TcpStream::connect(at).expect("the service");
    assert_eq!(client.peer_addr().expect("a peer"), at);
    let me = client.local_addr().expect("an address");
    client.write_all(say.as_bytes()).expect("room");
    client.shutdown(Shutdown::Write).expect("a connection");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    (answer, format!("{me} {me} {at}"))
}

#[track_caller]
fn clients_are_seen_as_they_are(polls: bool) {
    for service in WAYS.into_iter().filter_map(|way| start(way, polls, true)) {
        for say in ["one", "two", "three"] {
            let (answer, names) = ask(service.at, say);
            assert_eq!(answer, format!("{say} {names}"));
            let arrived = service.arrived.try_recv().expect("handed over");
            assert_eq!(arrived, (Direction::Inbound, service.at));
        }
    }
}

#[test]
fn a_service_that_blocks_sees_its_clients_as_they_are() {
    clients_are_seen_as_they_are(false);
}

#[test]
fn a_service_that_polls_sees_its_clients_as_they_are() {
    clients_are_seen_as_they_are(true);
}

#[test]
fn what_a_service_says_to_itself_is_not_handed_over() {
    for service in WAYS.into_iter().filter_map(|way| start(way, false, true)) {
        let (answer, names) = ask(service.at, "self");
        assert_eq!(answer, format!("self true {names}"));
        let arrived: Vec<_> = service.arrived.try_iter().collect();
        assert_eq!(arrived, [(Direction::Inbound, service.at)]);
    }
}

#[test]
fn clients_of_other_ports_stay_the_kernels() {
    for service in WAYS.into_iter().filter_map(|way| start(way, false, false)) {
        let (answer, names) = ask(service.at, "one");
        assert_eq!(answer, format!("one {names}"));
        assert!(service.arrived.try_recv().is_err(), "handed over");
    }
}

#[test]
fn a_port_that_the_service_no_longer_listens_on_can_be_had_again() {
    for service in WAYS.into_iter().filter_map(|way| start(way, false, true)) {
        for say in ["again", "again", "last"] {
            let (answer, names) = ask(service.at, say);
            assert_eq!(answer, format!("{say} {names}"));
            let arrived = service.arrived.try_recv().expect("handed over");
            assert_eq!(arrived, (Direction::Inbound, service.at));
        }
    }
}

#[test]
fn a_port_is_free_once_the_service_has_closed_it() {
    for service in WAYS.into_iter().filter_map(|way| start(way, false, true)) {
        ask(service.at, "close");
        let soon = Instant::now() + Duration::from_secs(10);
        while TcpListener::bind(service.at).is_err() {
            assert!(Instant::now() < soon, "the port is still taken");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn many_clients_at_once_are_all_served() {
    for service in WAYS.into_iter().filter_map(|way| start(way, false, true)) {
        let at = service.at;
        thread::scope(|scope| {
            for number in 0..200 {
                scope.spawn(move || {
                    let say = format!("client {number}");
                    let (answer, names) = ask(at, &say);
                    assert_eq!(answer, format!("{say} {names}"));
                });
            }
        });
        assert_eq!(service.arrived.try_iter().count(), 200);
    }
}
