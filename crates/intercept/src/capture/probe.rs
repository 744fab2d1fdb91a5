//! What this machine allows: a child tries it, as the service will.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::ability::is_refused;
use super::call::Call;
use super::connect::given;
use super::sys::address::Given;
use super::sys::notify::Listener;
use super::sys::{attempt, filter, install, memory, process};
use super::{Ability, Clock, Examined, Outbound};

/// How long the child may take between two calls.
const PATIENCE: Duration = Duration::from_secs(2);

/// Finds what this machine allows. Takes a few milliseconds.
pub fn probe() -> Ability {
    examine().ability
}

/// The same, with what each attempt came to.
pub fn examine() -> Examined {
    let mut examined = Examined::default();
    let known = refusable("seccomp", install::kernel);
    examined.seccomp = Some(told(&known));
    let ability = &mut examined.ability;
    match known {
        Ok(killable) => ability.killable = killable && !is_refused("wait_killable"),
        Err(error) => {
            let why = format!("the system forbids to watch system calls (seccomp): {error}");
            ability.reasons.push(why);
            return examined;
        }
    }
    match try_child(ability.killable) {
        Ok(tried) => {
            examined.memory = Some(told(&tried.memory));
            examined.duplicate = Some(told(&tried.duplicate));
            examined.inject = Some(told(&tried.inject));
            decide(&mut examined.ability, tried);
        }
        Err(error) => {
            let why = match error.raw_os_error() {
                Some(libc::EBUSY) => {
                    examined.ability.watched = true;
                    "another program watches these system calls already".to_owned()
                }
                _ => format!("a child's system calls cannot be watched (seccomp): {error}"),
            };
            examined.seccomp = Some(Err(why.clone()));
            examined.ability.reasons.push(why);
        }
    }
    examined
}

fn told<T>(result: &io::Result<T>) -> Result<(), String> {
    result.as_ref().map(drop).map_err(ToString::to_string)
}

/// What a child's calls could be answered with.
#[derive(Debug)]
struct Tried {
    /// Its memory could be read (`process_vm_readv`, or `/proc/PID/mem`).
    memory: io::Result<()>,
    /// Its socket could be duplicated (`pidfd_getfd`).
    duplicate: io::Result<()>,
    /// A socket could be given to it (`SECCOMP_IOCTL_NOTIF_ADDFD`).
    inject: io::Result<()>,
    /// Its time could be made another.
    time: Result<(), String>,
}

fn decide(ability: &mut Ability, tried: Tried) {
    ability.real_time = tried.time.err();
    if let Err(error) = tried.memory {
        let why = format!(
            "the memory of a child cannot be read (process_vm_readv, /proc/PID/mem): {error}"
        );
        ability.reasons.push(why);
        return;
    }
    let Err(error) = tried.duplicate else {
        ability.outbound = Outbound::Duplicate;
        return;
    };
    let why = format!("the sockets of a child cannot be duplicated (pidfd_getfd): {error}");
    ability.reasons.push(why);
    match tried.inject {
        Ok(()) => ability.outbound = Outbound::Inject,
        Err(error) => {
            let why = format!("nor can sockets be given to it (seccomp addfd): {error}");
            ability.reasons.push(why);
        }
    }
}

/// Starts a child that makes a socket and connects it, and tries what it can be answered with. The
/// child ends before it would exec, so nothing is run.
fn try_child(killable: bool) -> io::Result<Tried> {
    let program = filter::program(&[libc::SYS_connect], true, &[]);
    let (ours, theirs) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let mut command = Command::new("/");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    attempt::instead_of_exec(&mut command, program, killable, &theirs);
    // Starting it returns once it has ended, so its calls are answered by another thread.
    let answers = std::thread::Builder::new()
        .name("probe".to_owned())
        .spawn(move || answer(&ours))?;
    let started = command.spawn();
    drop(theirs);
    let answered = answers
        .join()
        .map_err(|_| io::Error::other("the thread that tries it panicked"))?;
    // Its own error says more than that it sent nothing.
    let mut child = started?;
    let _ = child.wait();
    answered
}

fn answer(from: &OwnedFd) -> io::Result<Tried> {
    if !is_ready(from) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let listener = Arc::new(Listener::new(install::receive(from.as_fd())?));
    let next = || {
        if !is_ready(&listener) {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        Ok(Call::new(listener.receive()?, Arc::clone(&listener)))
    };
    let socket = next()?;
    let inject = refusable("addfd", || {
        let made = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.give(made.as_fd(), true).map(drop)
    });
    let connect = next()?;
    if is_refused("process_vm_readv") {
        memory::forbid_calls();
    }
    let memory = refusable("memory", || match given(&connect) {
        Some(Given::Inet(_)) => Ok(()),
        _ => {
            let mut bytes = [0; 16];
            let read = connect.read(connect.argument(1), &mut bytes);
            Err(read.err().unwrap_or(io::ErrorKind::InvalidData.into()))
        }
    });
    let duplicate = refusable("pidfd_getfd", || {
        let process = process::open(connect.by())?;
        process::duplicate(&process, connect.int(0)).map(drop)
    });
    let time = Clock::attempt(connect.by()).map_err(|error| error.to_string());
    connect.fail(libc::ECONNREFUSED);
    Ok(Tried {
        memory,
        duplicate,
        inject,
        time,
    })
}

/// Tries it, unless a test says that it is refused.
fn refusable<T>(what: &str, attempt: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if is_refused(what) {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    attempt()
}

fn is_ready(fd: &impl AsFd) -> bool {
    let time = Timespec::try_from(PATIENCE).ok();
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    poll(&mut fds, time.as_ref()).is_ok_and(|n| n > 0)
}
