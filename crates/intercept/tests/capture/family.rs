//! Programs of every kind: many connections, unreadable binaries, and a supervisor that dies.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use retake_intercept::capture::{Arrived, Director, Pid, Plan, Route, Uncaptured, arm, probe};

use super::support::{How, World, can_run, copy as copy_program, python};

#[test]
fn thousands_of_connections_at_once_are_all_captured() {
    if !can_run() {
        return;
    }
    let script = "
import os, socket
all = [socket.create_connection(('127.0.0.1', int(os.environ['ECHO']))) for _ in range(900)]
for s in all: s.send(b'x')
print(sum(s.recv(1) == b'x' for s in all))
";
    let world = World::new();
    let (text, output) = world.run(How::Captured(""), &[python(), "-c", script]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text, "900\n", "{said}");
    assert!(said.contains("900 connections captured"), "{said}");
}

#[test]
fn a_program_that_may_not_be_read_works() {
    if !can_run() {
        return;
    }
    let world = World::new().of_nobody();
    let python = std::fs::canonicalize(python()).expect("an interpreter");
    let copy = world.folder().join("unreadable");
    copy_program(&python, &copy, 0o711);
    let script = "
import os, socket
s = socket.create_connection(('127.0.0.1', int(os.environ['ECHO'])))
s.send(b'x')
print(s.recv(1))
";
    let program = copy.display().to_string();
    let (text, output) = world.run(How::Captured(""), &[&program, "-c", script]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text, "b'x'\n", "{said}");
}

#[test]
fn nobody_hangs_when_the_supervisor_dies() {
    if !can_run() {
        return;
    }
    let script = "
import os, socket, sys, time
for _ in range(200):
    try:
        socket.create_connection(('127.0.0.1', int(os.environ['ECHO'])), timeout=5).close()
        print('connected', flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
        sys.exit()
    time.sleep(0.01)
";
    let world = World::new();
    let mut command = world.command(How::Captured(""), &[python(), "-c", script]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert_eq!(lines.next().expect("a line").expect("text"), "connected");
    child.kill().expect("it runs");
    child.wait().expect("it has ended");
    let last = lines.map_while(Result::ok).last();
    assert_eq!(last.as_deref(), Some("Function not implemented"));
}

/// Leaves everything alone.
struct Leaves;

impl Director for Leaves {
    fn connect(&self, _: SocketAddr, _: Pid) -> Route {
        Route::Leave
    }

    fn adopt(&self, _: Arrived) {}

    fn listens(&self, _: SocketAddr, _: Pid) {}

    fn passed(&self, _: Uncaptured) {}
}

#[test]
fn capture_can_end_before_the_service_does() {
    if !can_run() {
        return;
    }
    let plan = Plan {
        ability: probe(),
        ..Plan::default()
    };
    for _ in 0..20 {
        let mut command = Command::new("sleep");
        command.arg("600");
        let armed = arm(&mut command, &plan).expect("armed");
        let mut child = command.spawn().expect("started");
        let supervisor = armed.start(child.id(), Arc::new(Leaves)).expect("started");
        assert!(supervisor.has_processes());
        let (ended, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(supervisor);
            let _ = ended.send(());
        });
        let ends = end.recv_timeout(Duration::from_secs(30));
        child.kill().expect("it runs on");
        child.wait().expect("a status");
        assert!(ends.is_ok(), "the threads of capture go on");
    }
}
