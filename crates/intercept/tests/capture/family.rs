//! Programs of every kind: many connections, unreadable binaries, and a supervisor that dies.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use retake_intercept::capture::{Arrived, Director, Pid, Plan, Route, Uncaptured, arm, probe};

use rustix::process::{Resource, getrlimit};

use super::support::{How, World, can_run, copy as copy_program, python};

#[test]
fn thousands_of_connections_at_once_are_all_captured() {
    // Each takes two descriptors of ours.
    let few = getrlimit(Resource::Nofile)
        .maximum
        .is_some_and(|most| most < 2048);
    if few || !can_run() {
        eprintln!("skipped: few descriptors: {few}");
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

/// Also where a thread connects that is gone by then, or another process.
#[test]
fn each_connection_tells_the_process_that_made_it() {
    if !can_run() {
        return;
    }
    let script = "
import os, socket, threading
def connect():
    with socket.create_connection(('127.0.0.1', int(os.environ['ECHO']))) as s:
        s.send(b'x')
        assert s.recv(1) == b'x'
connect()
thread = threading.Thread(target=connect)
thread.start()
thread.join()
child = os.fork()
if child == 0:
    connect()
    os._exit(0)
os.waitpid(child, 0)
print(os.getpid(), child)
";
    let world = World::new();
    for way in ["", "pidfd_getfd"] {
        let mut command = world.capturing(&["--", python(), "-c", script]);
        let output = command
            .env("RETAKE_TEST_REFUSE", way)
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let text = String::from_utf8_lossy(&output.stdout);
        let pids: Vec<&str> = text.split_whitespace().collect();
        let [own, child] = pids[..] else {
            panic!("{text}{said}");
        };
        let by = |pid: &str| said.matches(&format!(" by process {pid}\n")).count();
        assert_eq!((by(own), by(child)), (2, 1), "{way}: {said}");
    }
}

/// A connection that is captured takes two descriptors of ours; the service has the same limit.
#[test]
fn connections_for_which_no_descriptor_is_left_go_past() {
    if !can_run() {
        return;
    }
    let script = "
import os, socket
all = [socket.create_connection(('127.0.0.1', int(os.environ['ECHO']))) for _ in range(100)]
for s in all: s.send(b'x')
print(sum(s.recv(1) == b'x' for s in all))
";
    let world = World::new();
    let (text, output) = world.run(How::Natively, &with_few(script));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text, "100\n", "{said}");
    assert!(said.contains("Too many open files"), "{said}");
    assert!(!said.contains("100 connections captured"), "{said}");
}

/// A Python script, captured where few descriptors may be open. The program is in the folder in
/// which it runs.
fn with_few(script: &str) -> [&str; 8] {
    let limited = "ulimit -n 128 && exec \"$0\" \"$@\"";
    [
        "sh",
        "-c",
        limited,
        "./captured",
        "--",
        python(),
        "-c",
        script,
    ]
}

/// What goes past may be taken out of the kernel's `connect` by a signal, and come again.
#[test]
fn connections_that_go_past_and_come_again_are_the_kernel_s() {
    if !can_run() {
        return;
    }
    let script = "
import ctypes, errno, os, signal, socket, struct, threading, time
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, False)
main = threading.get_ident()
held = [socket.create_connection(('127.0.0.1', int(os.environ['ECHO']))) for _ in range(80)]
s = socket.socket()
def interrupt():
    time.sleep(0.3)
    # There are descriptors again when the signal comes, which restarts the call.
    for one in held: one.close()
    time.sleep(0.3)
    signal.pthread_kill(main, signal.SIGALRM)
    time.sleep(0.3)
    print('waits', flush=True)
    os._exit(0)
threading.Thread(target=interrupt).start()
to = struct.pack('=HH4B8x', 2, socket.htons(int(os.environ['HOLE'])), 127, 0, 0, 1)
result = ctypes.CDLL(None, use_errno=True).connect(s.fileno(), to, 16)
print(result, errno.errorcode[ctypes.get_errno()], flush=True)
";
    let world = World::new();
    let (text, output) = world.run(How::Natively, &with_few(script));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text, "waits\n", "{said}");
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
