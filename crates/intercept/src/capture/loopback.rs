//! The ends on this machine that captured sockets are connected to.
//!
//! A socket of the service is connected to [`Loopback`], and our end is accepted at once and told
//! by its source port: no table of destinations, and nothing that waits in a queue.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::sys::address::plain;

/// How long a connection of this machine to itself may take. It takes microseconds.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Our ends, for one family of addresses.
struct Ends {
    /// Where captured sockets are connected to.
    door: Socket,
    door_at: SocketAddr,
    /// Bound, and never listening: whoever connects there is refused.
    _dead: Socket,
    dead_at: SocketAddr,
    /// Listening with a full queue: the kernel drops what comes, so whoever connects there waits.
    _waits: Vec<Socket>,
    waits_at: SocketAddr,
}

/// Our ends for both families.
pub(super) struct Loopback {
    v4: Ends,
    /// None where the machine has no IPv6.
    v6: Option<Ends>,
    /// One socket at a time is connected and accepted.
    pair: Mutex<()>,
}

impl Loopback {
    /// Opens them.
    ///
    /// # Errors
    /// The machine has no 127.0.0.1, or no descriptors are left.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Loopback {
            v4: Ends::open(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?,
            v6: Ends::open(SocketAddr::from((Ipv6Addr::LOCALHOST, 0))).ok(),
            pair: Mutex::new(()),
        })
    }

    fn ends(&self, given: SocketAddr) -> io::Result<&Ends> {
        if plain(given).is_ipv4() {
            return Ok(&self.v4);
        }
        let missing = || io::Error::from_raw_os_error(libc::ENETUNREACH);
        self.v6.as_ref().ok_or_else(missing)
    }

    /// Connects the service's socket to us in place of `given`, and gives our end with what the
    /// service's `connect` is to return.
    ///
    /// # Errors
    /// What its `connect` is to fail with.
    pub(super) fn join(&self, socket: &OwnedFd, given: SocketAddr) -> io::Result<(TcpStream, i32)> {
        let ends = self.ends(given)?;
        let one_at_a_time = self.pair.lock().unwrap_or_else(PoisonError::into_inner);
        let result = start(socket, like(ends.door_at, given))?;
        let from = local_addr(socket)?;
        let ours = ends.accept(from.port()).inspect_err(|_| {
            // Without descriptors of our own it must not stay connected to nobody.
            let _ = rustix::net::connect_unspec(socket);
        })?;
        drop(one_at_a_time);
        ours.set_nonblocking(true)?;
        Ok((ours.into(), result))
    }

    /// The second `connect` of a socket that is connected already, or nearly so: the kernel knows
    /// what to say.
    pub(super) fn again(&self, socket: &OwnedFd, given: SocketAddr) -> i32 {
        let connected = self
            .ends(given)
            .and_then(|ends| start(socket, like(ends.door_at, given)));
        connected.unwrap_or_else(|error| errno(&error))
    }

    /// Connects a non-blocking socket to where it is refused.
    pub(super) fn refuse(&self, socket: &OwnedFd, given: SocketAddr) -> i32 {
        let refused = self
            .ends(given)
            .and_then(|ends| start(socket, like(ends.dead_at, given)));
        refused.unwrap_or_else(|error| errno(&error))
    }

    /// Lets a non-blocking socket wait as if for a slow destination. Gives what
    /// [`complete`](Self::complete) needs, and what `connect` is to return.
    ///
    /// # Errors
    /// What its `connect` is to fail with.
    pub(super) fn delay(&self, socket: &OwnedFd, given: SocketAddr) -> io::Result<(Delayed, i32)> {
        let ends = self.ends(given)?;
        let result = start(socket, like(ends.waits_at, given))?;
        let delayed = Delayed {
            from: plain(local_addr(socket)?),
            to: ends.waits_at,
        };
        Ok((delayed, result))
    }

    /// Connects back to a socket that waits: both ends have then opened at the same time
    /// (RFC 9293, section 3.5), and ours is given.
    ///
    /// # Errors
    /// The service closed its socket meanwhile.
    pub(super) fn complete(&self, delayed: &Delayed) -> io::Result<TcpStream> {
        let ours = Socket::new(
            Domain::for_address(delayed.to),
            Type::STREAM.cloexec().nonblocking(),
            Some(Protocol::TCP),
        )?;
        ours.set_reuse_address(true)?;
        ours.set_reuse_port(true)?;
        ours.bind(&delayed.to.into())?;
        match ours.connect(&delayed.from.into()) {
            Err(error) if !in_progress(&error) => return Err(error),
            _ => {}
        }
        wait(&ours, PollFlags::OUT, AT_ONCE);
        if let Some(error) = ours.take_error()? {
            return Err(error);
        }
        // Not there yet: the error of this call is the result.
        ours.peer_addr()?;
        Ok(ours.into())
    }
}

/// A socket of the service that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delayed {
    from: SocketAddr,
    to: SocketAddr,
}

impl Ends {
    fn open(any: SocketAddr) -> io::Result<Ends> {
        let door = bound(any)?;
        door.set_nonblocking(true)?;
        door.listen(4096)?;
        let dead = bound(any)?;
        let (waits, waits_at) = full_queue(any)?;
        Ok(Ends {
            door_at: local_addr(&door)?,
            door,
            dead_at: local_addr(&dead)?,
            _dead: dead,
            _waits: waits,
            waits_at,
        })
    }

    /// The connection that came from this port; others are strangers and closed.
    fn accept(&self, port: u16) -> io::Result<Socket> {
        loop {
            match self.door.accept() {
                Ok((ours, from)) if from.as_socket().is_some_and(|from| from.port() == port) => {
                    return Ok(ours);
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !wait(&self.door, PollFlags::IN, AT_ONCE) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A new socket of the family, bound to any port.
fn bound(any: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(any),
        Type::STREAM.cloexec(),
        Some(Protocol::TCP),
    )?;
    socket.bind(&any.into())?;
    Ok(socket)
}

/// A listening socket whose queue is full, and what fills it.
fn full_queue(any: SocketAddr) -> io::Result<(Vec<Socket>, SocketAddr)> {
    let socket = Socket::new(
        Domain::for_address(any),
        Type::STREAM.cloexec(),
        Some(Protocol::TCP),
    )?;
    // So that `complete` can connect from the same port.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&any.into())?;
    socket.listen(0)?;
    let at = local_addr(&socket)?;
    let mut all = vec![socket];
    for _ in 0..2 {
        let fill = Socket::new(
            Domain::for_address(any),
            Type::STREAM.cloexec().nonblocking(),
            Some(Protocol::TCP),
        )?;
        match fill.connect(&at.into()) {
            Err(error) if !in_progress(&error) => return Err(error),
            _ => all.push(fill),
        }
    }
    Ok((all, at))
}

/// An upstream connection that began.
pub(super) enum Dialled {
    /// It stands.
    Ready(Socket),
    /// It takes its time.
    Waits(Socket),
}

/// Begins to connect to where the service really wants to go.
///
/// # Errors
/// The destination refuses at once, or cannot be reached.
pub(super) fn dial(wanted: SocketAddr) -> io::Result<Dialled> {
    let socket = Socket::new(
        Domain::for_address(wanted),
        Type::STREAM.cloexec().nonblocking(),
        Some(Protocol::TCP),
    )?;
    match socket.connect(&wanted.into()) {
        Err(error) if !in_progress(&error) => return Err(error),
        _ => {}
    }
    if !wait(&socket, PollFlags::OUT, Duration::ZERO) {
        return Ok(Dialled::Waits(socket));
    }
    match socket.take_error()? {
        Some(error) => Err(error),
        None => Ok(Dialled::Ready(socket)),
    }
}

/// `connect`; gives 0 or `EINPROGRESS`.
fn start(socket: &OwnedFd, to: SocketAddr) -> io::Result<i32> {
    match SockRef::from(socket).connect(&SockAddr::from(to)) {
        Ok(()) => Ok(0),
        Err(error) if in_progress(&error) => Ok(libc::EINPROGRESS),
        Err(error) => Err(error),
    }
}

/// Our address, written as the family of the service's socket needs it.
fn like(ours: SocketAddr, given: SocketAddr) -> SocketAddr {
    match (ours, given) {
        (SocketAddr::V4(v4), SocketAddr::V6(_)) => {
            SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port()))
        }
        _ => ours,
    }
}

fn local_addr(socket: &impl std::os::fd::AsFd) -> io::Result<SocketAddr> {
    let local = SockRef::from(socket).local_addr()?;
    local
        .as_socket()
        .ok_or(io::ErrorKind::AddrNotAvailable.into())
}

fn in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// The number of an error of the system.
pub(super) fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// Waits until the socket is ready; false after the time.
fn wait(socket: &Socket, ready: PollFlags, at_most: Duration) -> bool {
    let time = Timespec::try_from(at_most).ok();
    let mut fds = [PollFd::new(socket, ready)];
    loop {
        match poll(&mut fds, time.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(n) => return n > 0,
            Err(_) => return false,
        }
    }
}
