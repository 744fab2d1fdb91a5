//! Servers to connect to, and programs that connect.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use retake_intercept::capture::probe;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// The program that captures another: the example `captured`.
pub fn captured() -> PathBuf {
    let test = std::env::current_exe().expect("this test's program");
    let folder = test.parent().and_then(Path::parent).expect("its folder");
    folder.join("examples").join("captured")
}

/// The interpreter: where there is one, that of the system, which every user may run.
pub fn python() -> &'static str {
    let of_system = "/usr/bin/python3";
    if Path::new(of_system).exists() {
        of_system
    } else {
        "python3"
    }
}

/// Whether there is what these tests need; said where there is not.
pub fn can_run() -> bool {
    let has_python = Command::new(python()).arg("-V").output().is_ok();
    let ability = probe();
    if !has_python || !ability.captures() {
        eprintln!("skipped: python3: {has_python}, {ability}");
    }
    has_python && ability.captures()
}

/// A folder that every user may read and write.
pub fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path(), 0o777);
    folder
}

/// Copies a program. Not in this process: a child of another test, forked meanwhile, would have the
/// copy open for writing, and it could not be run.
pub fn copy(from: &Path, to: &Path, mode: u32) {
    let copied = Command::new("cp").args([from, to]).status();
    assert!(
        copied.expect("cp").success(),
        "a copy of {}",
        from.display()
    );
    open(to, mode);
}

/// Sets the rights of a file.
pub fn open(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("rights");
}

/// How a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As it is.
    Natively,
    /// Captured, with these refusals of the system simulated.
    Captured(&'static str),
}

/// Servers that run as long as the test.
pub struct World {
    echo: SocketAddr,
    echo6: SocketAddr,
    other: SocketAddr,
    closed: SocketAddr,
    hole: SocketAddr,
    _closed: Socket,
    _hole: Vec<Socket>,
    nobody: bool,
    folder: tempfile::TempDir,
}

impl World {
    /// Starts them.
    pub fn new() -> World {
        let closed = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        closed.bind(&loopback().into()).expect("a port");
        let (hole, filled) = hole();
        let folder = open_folder();
        let program = folder.path().join("captured");
        copy(&captured(), &program, 0o755);
        World {
            echo: echo(loopback()),
            echo6: echo("[::1]:0".parse().expect("an address")),
            other: echo(loopback()),
            closed: address(&closed),
            _closed: closed,
            hole,
            _hole: filled,
            nobody: false,
            folder,
        }
    }

    /// Runs programs as the user nobody, where we are root.
    pub fn of_nobody(mut self) -> World {
        self.nobody = rustix::process::geteuid().is_root();
        self
    }

    /// A folder for the test's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command, captured with no more options than `--quiet`.
    pub fn command(&self, how: How, words: &[&str]) -> Command {
        match how {
            How::Natively => self.words(words),
            How::Captured(refused) => {
                let mut command = self.capturing(&[&["--quiet", "--"], words].concat());
                command.env("RETAKE_TEST_REFUSE", refused);
                command
            }
        }
    }

    /// The program that captures, with these options and what it captures behind `--`.
    pub fn capturing(&self, words: &[&str]) -> Command {
        let program = self.folder().join("captured");
        self.words(&[&[&*program.to_string_lossy()], words].concat())
    }

    fn words(&self, words: &[&str]) -> Command {
        let mut all: Vec<String> = Vec::new();
        if self.nobody {
            all.extend(
                [
                    "setpriv",
                    "--reuid=65534",
                    "--regid=65534",
                    "--clear-groups",
                    "--",
                ]
                .map(str::to_owned),
            );
        }
        all.extend(words.iter().map(|word| (*word).to_owned()));
        let mut command = Command::new(&all[0]);
        command.args(&all[1..]).current_dir(self.folder());
        for (name, addr) in [
            ("ECHO", self.echo),
            ("ECHO6", self.echo6),
            ("OTHER", self.other),
            ("CLOSED", self.closed),
            ("HOLE", self.hole),
        ] {
            command.env(name, addr.port().to_string());
        }
        command
    }

    /// Runs it to its end; its output is to be seen where a check fails.
    pub fn run(&self, how: How, words: &[&str]) -> (String, Output) {
        ran(&mut self.command(how, words))
    }
}

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> (String, Output) {
    let output = command.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, output)
}

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().expect("an address")
}

fn address(socket: &Socket) -> SocketAddr {
    let address = socket.local_addr().expect("bound");
    address.as_socket().expect("an address of TCP")
}

fn echo(addr: SocketAddr) -> SocketAddr {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None).expect("a socket");
    socket.bind(&addr.into()).expect("a port");
    socket.listen(4096).expect("it listens");
    let addr = address(&socket);
    socket.set_nonblocking(true).expect("a socket");
    // Its threads are few, however many connections there are.
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        // Every connection is one here, too, and a shell's limit is often 1,024.
        let maximum = getrlimit(Resource::Nofile).maximum;
        let current = maximum;
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
        Runtime::new().expect("threads")
    });
    let _inside = runtime.enter();
    let listener = TcpListener::from_std(socket.into()).expect("a socket");
    runtime.spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(give_back(stream))),
                // No descriptor is left: others give theirs back.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    addr
}

async fn give_back(stream: TcpStream) {
    let (mut from, mut to) = stream.into_split();
    // Whoever goes away in the middle has its reasons.
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// A port at which connections wait: its queue is full.
fn hole() -> (SocketAddr, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&loopback().into()).expect("a port");
    listener.listen(0).expect("it listens");
    let at = address(&listener);
    let mut all = vec![listener];
    for _ in 0..2 {
        let fill = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        fill.set_nonblocking(true).expect("a socket");
        let _ = fill.connect(&at.into());
        all.push(fill);
    }
    (at, all)
}
