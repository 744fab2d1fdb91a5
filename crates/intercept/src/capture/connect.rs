//! `connect`: the service's socket is connected to us in place of where it wanted to go.
//!
//! The real destination is dialled first, so that the service gets the true error. Its own socket
//! (a duplicate of it) is then connected, so options, readiness and everything registered for it
//! stay as they are.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use retake_model::Direction;
use rustix::process::{Resource, getrlimit};
use socket2::{SockRef, Type};

use super::call::Call;
use super::loopback::{Dialled, dial, errno};
use super::pending;
use super::resolve::takes_any_answer;
use super::sockets::{Taken, is_tcp};
use super::supervisor::Core;
use super::sys::address::{self, Given, plain};
use super::sys::options::{has_error_queue, is_underway};
use super::sys::process;
use super::{Arrived, Route, Uncaptured, unix};

pub(super) fn connect(core: &Arc<Core>, call: Call) {
    match given(&call) {
        Some(Given::Inet(given)) => inet(core, call, given),
        Some(Given::Unix(name)) => unix::connect(core, call, &name),
        Some(Given::Unspecified) => {
            if let Some(inode) = core.sockets.inode(&call) {
                core.sockets.forget(inode);
                core.pending.forget(inode);
            }
            call.proceed();
        }
        Some(Given::Other) => call.proceed(),
        None => {
            if !may_read(&call) {
                core.director
                    .passed(Uncaptured::Program(process::name(call.by())));
            }
            call.proceed();
        }
    }
}

/// The address that the service gave. None where it cannot be read: the kernel will say why.
pub(super) fn given(call: &Call) -> Option<Given> {
    let len = usize::try_from(call.int(2)).ok()?;
    let mut bytes = [0; address::LARGEST];
    let bytes = bytes.get_mut(..len)?;
    (call.read(call.argument(1), bytes).ok()? == len).then(|| address::read(bytes))
}

/// Whether its caller's memory is closed to us, rather than the address wrong.
fn may_read(call: &Call) -> bool {
    let refused = call.read(call.argument(1), &mut [0; 2]);
    !refused.is_err_and(|error| error.raw_os_error() == Some(libc::EPERM))
}

fn inet(core: &Arc<Core>, call: Call, given: SocketAddr) {
    let given = reachable(given);
    let taken = match core.sockets.take(&call) {
        Ok(taken) => taken,
        Err(error) => {
            if matches!(
                error.raw_os_error(),
                Some(libc::EPERM | libc::EMFILE | libc::ENFILE)
            ) {
                passed(core, given, format!("its socket cannot be had: {error}"));
            }
            return call.proceed();
        }
    };
    if !is_tcp(&taken.socket) {
        return other(core, call, &taken, given);
    }
    let socket = SockRef::from(&taken.socket);
    let family = socket.domain().ok() == Some(socket2::Domain::for_address(given));
    // The kernel says what is wrong with an address of another family.
    if !family {
        return call.proceed();
    }
    if core.sockets.is_own(plain(given)) {
        if let Some(inbound) = &core.inbound
            && call.still_waits()
        {
            core.director.calls_itself();
            inbound.to_itself(&taken.socket, given);
        }
        return call.proceed();
    }
    if let Ok(Some(device)) = socket.device() {
        let device = String::from_utf8_lossy(&device).into_owned();
        passed(core, given, format!("it is tied to the device {device}"));
        return call.proceed();
    }
    // What was read above is of the caller only while it waits.
    if !call.still_waits() {
        return call.proceed();
    }
    if let Some(errno) = core.sockets.kept_result(taken.inode, given)
        && (errno != 0 || socket.peer_addr().is_ok())
    {
        return finish(core, call, taken, given, errno);
    }
    let Some(call) = core.pending.again(call, &taken) else {
        return;
    };
    if core.sockets.leads(taken.inode).is_some() && socket.peer_addr().is_ok() {
        let result = core.loopback.again(&taken.socket, given);
        return finish(core, call, taken, given, result);
    }
    // It went past us before, and a signal took it out of the kernel's `connect`: the kernel knows.
    if is_underway(&taken.socket) {
        return call.proceed();
    }
    let wanted = plain(given);
    if let Some(names) = &core.plan.names {
        names.settle(wanted.ip());
    }
    match core.director.connect(wanted, call.by()) {
        Route::Leave => call.proceed(),
        Route::Refuse(errno) => refuse(core, call, taken, given, errno),
        Route::Serve => join(core, call, taken, given, None),
        Route::Relay => match spared(&taken).and_then(|()| dial(wanted)) {
            Err(error) if of_ours(&error) => go_past(core, call, given, &error),
            Err(error) => {
                let errno = errno(&error);
                core.director.refused(wanted, errno, call.by());
                refuse(core, call, taken, given, errno);
            }
            Ok(Dialled::Ready(upstream)) => {
                join(core, call, taken, given, Some(upstream.into()));
            }
            Ok(Dialled::Waits(upstream)) => {
                pending::begin(core, call, &taken, given, upstream);
            }
        },
    }
}

/// The address of no host is this one's own, as the kernel takes it.
pub(super) fn reachable(given: SocketAddr) -> SocketAddr {
    match given {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            SocketAddr::from((Ipv4Addr::LOCALHOST, v4.port()))
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            SocketAddr::from((Ipv6Addr::LOCALHOST, v6.port()))
        }
        _ => given,
    }
}

/// Connects the service's socket to us and hands both ends over.
///
/// Our duplicate is closed before the answer: from then on the service's close is the last one.
/// What need not be waited for comes after it.
fn join(core: &Core, call: Call, taken: Taken, given: SocketAddr, upstream: Option<TcpStream>) {
    let joined = match core.loopback.join(&taken.socket, given) {
        Ok(joined) => joined,
        Err(error) if upstream.is_some() && of_ours(&error) => {
            return go_past(core, call, given, &error);
        }
        Err(error) => return finish(core, call, taken, given, errno(&error)),
    };
    core.sockets.remember(taken.inode, given);
    core.sockets.let_go(taken.inode);
    let Taken { socket, inode } = taken;
    drop(socket);
    let by = call.by();
    answer(core, call, inode, given, joined.result);
    adopt(core, joined.ours, upstream, joined.from, given, by);
}

/// Some descriptors are left for what else a recording needs, its files first of all.
///
/// # Errors
/// There are no more: the newest of ours, the service's socket, is one of the last.
fn spared(taken: &Taken) -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let used = u64::try_from(taken.socket.as_raw_fd()).unwrap_or(u64::MAX);
    if used >= limit - (limit / 4).min(SPARE) {
        return Err(io::Error::from_raw_os_error(libc::EMFILE));
    }
    Ok(())
}

/// Whether it is we who have no descriptor left, or whom the service's socket did not reach in time,
/// which is no matter of the service's.
fn of_ours(error: &io::Error) -> bool {
    match error.raw_os_error() {
        Some(errno) => matches!(errno, libc::EMFILE | libc::ENFILE),
        None => error.kind() == io::ErrorKind::TimedOut,
    }
}

/// The service connects by itself, which is told: recording breaks nothing.
fn go_past(core: &Core, call: Call, given: SocketAddr, error: &io::Error) {
    passed(core, given, format!("retake could not take it: {error}"));
    call.proceed();
}

/// Hands a connection over.
pub(super) fn adopt(
    core: &Core,
    client: TcpStream,
    upstream: Option<TcpStream>,
    from: SocketAddr,
    given: SocketAddr,
    by: super::Pid,
) {
    core.director.adopt(Arrived {
        client,
        upstream,
        peer: Some(from),
        wanted: plain(given),
        name: None,
        process: core.sockets.process_of(by),
        direction: Direction::Outbound,
    });
}

/// A non-blocking socket that is refused is told so later, as the kernel does.
fn refuse(core: &Core, call: Call, taken: Taken, given: SocketAddr, errno: i32) {
    let later =
        errno == libc::ECONNREFUSED && SockRef::from(&taken.socket).nonblocking().unwrap_or(false);
    let result = if later {
        core.loopback.refuse(&taken.socket, given)
    } else {
        errno
    };
    finish(core, call, taken, given, result);
}

/// Answers, with the socket let go before.
fn finish(core: &Core, call: Call, taken: Taken, given: SocketAddr, errno: i32) {
    let Taken { socket, inode } = taken;
    drop(socket);
    answer(core, call, inode, given, errno);
}

/// Answers. What a signal kept from the caller is kept for when it asks again. A success always
/// is: a signal that comes at the same time may win without our being told, and the kernel would
/// say to the call that comes again that the socket is connected.
fn answer(core: &Core, call: Call, inode: u64, given: SocketAddr, errno: i32) {
    let told = call.fail(errno);
    if !core.plan.ability.killable && (!told || errno == 0) {
        core.sockets.keep_result(inode, given, errno);
    }
}

/// A socket that is none of TCP.
fn other(core: &Core, call: Call, taken: &Taken, given: SocketAddr) {
    let is_datagram = SockRef::from(&taken.socket)
        .r#type()
        .is_ok_and(|t| t == Type::DGRAM);
    if is_datagram && given.port() == DNS {
        return look_up(core, call, taken, given);
    }
    if core.plan.names.as_ref().is_some_and(|n| n.is_at(given)) {
        return call.proceed();
    }
    if is_datagram {
        // It asks no name server, so it is the service's alone.
        core.sockets.let_go(taken.inode);
    }
    if is_datagram && !PROBES.contains(&given.port()) {
        core.director.passed(Uncaptured::Datagrams(plain(given)));
    }
    call.proceed();
}

/// A client of a name server is led to ours, where it takes the answer of any, or where we can tell
/// it that the answer came from the one that it asked.
fn look_up(core: &Core, call: Call, taken: &Taken, wanted: SocketAddr) {
    let socket = SockRef::from(&taken.socket);
    let broadcast = socket.broadcast().unwrap_or(false);
    let ours = core
        .plan
        .names
        .as_ref()
        .filter(|_| {
            core.plan.leads_datagrams()
                || takes_any_answer(has_error_queue(&taken.socket), broadcast)
        })
        .and_then(|names| Some((names, names.instead_of(wanted)?)));
    let Some((names, ours)) = ours.filter(|_| call.still_waits()) else {
        return call.proceed();
    };
    let led = socket.connect(&ours.into()).and_then(|()| {
        let client = socket.local_addr()?.as_socket();
        names.client_wants(client.ok_or(io::ErrorKind::AddrNotAvailable)?, wanted);
        core.datagrams.connected(taken.inode, wanted);
        core.sockets.remember(taken.inode, wanted);
        Ok(())
    });
    match led {
        Ok(()) => {
            call.fail(0);
        }
        Err(_) => call.proceed(),
    }
}

/// The port of name servers.
pub(super) const DNS: u16 = 53;

/// How many descriptors no connection takes.
const SPARE: u64 = 64;

/// Ports to which a datagram socket is connected only to find its own address (glibc's and musl's
/// `getaddrinfo` sort addresses by that): nothing is sent there.
const PROBES: [u16; 2] = [0, 65_535];

fn passed(core: &Core, given: SocketAddr, why: String) {
    core.director
        .passed(Uncaptured::Connection(plain(given), why));
}
