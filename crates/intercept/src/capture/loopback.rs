//! The ends on this machine that captured sockets are connected to.
//!
//! A socket of the service is connected to [`Loopback`], and our end is accepted at once and told
//! by its source port: no table of destinations, and nothing that waits in a queue.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SocketFlags, acceptfrom_with};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::sockets::lock;
use super::sys::address::plain;

/// How long a connection of this machine to itself may take. It takes microseconds; but a machine
/// that is too busy drops packets on its loopback too, and TCP sends what began a connection again
/// after 1 s and after 3 s (RFC 6298, section 5.7).
const AT_ONCE: Duration = Duration::from_secs(4);

/// How many captured sockets are connected to us at a time, for each family of addresses.
const DOORS: usize = 4;

/// Where captured sockets are connected to.
struct Door {
    socket: Socket,
    at: SocketAddr,
    /// One socket at a time is connected and accepted.
    pair: Mutex<()>,
}

/// Our ends, for one family of addresses.
struct Ends {
    /// The first, and those for when it is busy.
    door: Door,
    more: Vec<Door>,
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
        })
    }

    fn ends(&self, given: SocketAddr) -> io::Result<&Ends> {
        if plain(given).is_ipv4() {
            return Ok(&self.v4);
        }
        let missing = || io::Error::from_raw_os_error(libc::ENETUNREACH);
        self.v6.as_ref().ok_or_else(missing)
    }

    /// Connects the service's socket to us in place of `given`.
    ///
    /// # Errors
    /// What its `connect` is to fail with.
    pub(super) fn join(&self, socket: &OwnedFd, given: SocketAddr) -> io::Result<Joined> {
        let ends = self.ends(given)?;
        ends.through_a_door(|door| {
            let result = start(socket, like(door.at, given))?;
            let from = local_addr(socket)?;
            let ours = door.accept(from.port()).inspect_err(|_| {
                // Without descriptors of our own it must not stay connected to nobody.
                let _ = rustix::net::connect_unspec(socket);
            })?;
            Ok(Joined {
                ours: ours.into(),
                from: plain(from),
                result,
            })
        })
    }

    /// The second `connect` of a socket that is connected already, or nearly so: the kernel knows
    /// what to say.
    pub(super) fn again(&self, socket: &OwnedFd, given: SocketAddr) -> i32 {
        let connected = self
            .ends(given)
            .and_then(|ends| start(socket, like(ends.door.at, given)));
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

/// A socket of the service that was connected to us.
pub(super) struct Joined {
    /// Our end, non-blocking.
    pub(super) ours: TcpStream,
    /// The service's end.
    pub(super) from: SocketAddr,
    /// What the service's `connect` is to return.
    pub(super) result: i32,
}

/// A socket of the service that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delayed {
    pub(super) from: SocketAddr,
    to: SocketAddr,
}

impl Ends {
    fn open(any: SocketAddr) -> io::Result<Ends> {
        let dead = bound(any)?;
        let (waits, waits_at) = full_queue(any)?;
        Ok(Ends {
            door: Door::open(any)?,
            more: (1..DOORS)
                .map(|_| Door::open(any))
                .collect::<io::Result<_>>()?,
            dead_at: local_addr(&dead)?,
            _dead: dead,
            _waits: waits,
            waits_at,
        })
    }

    fn through_a_door<T>(&self, go: impl FnOnce(&Door) -> T) -> T {
        for door in std::iter::once(&self.door).chain(&self.more) {
            if let Ok(_one_at_a_time) = door.pair.try_lock() {
                return go(door);
            }
        }
        let _one_at_a_time = lock(&self.door.pair);
        go(&self.door)
    }
}

impl Door {
    fn open(any: SocketAddr) -> io::Result<Door> {
        let socket = bound(any)?;
        socket.set_nonblocking(true)?;
        socket.listen(4096)?;
        Ok(Door {
            at: local_addr(&socket)?,
            socket,
            pair: Mutex::new(()),
        })
    }

    /// The connection that came from this port, non-blocking; others are strangers and closed.
    fn accept(&self, port: u16) -> io::Result<OwnedFd> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        loop {
            match acceptfrom_with(&self.socket, flags) {
                Ok((ours, from)) => {
                    let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                    if from.is_some_and(|from| from.port() == port) {
                        return Ok(ours);
                    }
                }
                Err(rustix::io::Errno::AGAIN) => {
                    if !wait(&self.socket, PollFlags::IN, AT_ONCE) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
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
    let wanted = SockAddr::from(wanted);
    match socket.connect(&wanted) {
        Ok(()) => return Ok(Dialled::Ready(socket)),
        Err(error) if !in_progress(&error) => return Err(error),
        Err(_) => {}
    }
    // A destination on this machine has answered by now: asked again, the kernel says what.
    match socket.connect(&wanted) {
        Ok(()) => Ok(Dialled::Ready(socket)),
        Err(error) => match error.raw_os_error() {
            Some(libc::EISCONN) => Ok(Dialled::Ready(socket)),
            Some(libc::EALREADY | libc::EINPROGRESS) => Ok(Dialled::Waits(socket)),
            _ => Err(error),
        },
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
    let of_kind = match error.kind() {
        io::ErrorKind::TimedOut => libc::ETIMEDOUT,
        _ => libc::EIO,
    };
    error.raw_os_error().unwrap_or(of_kind)
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn join(loopback: &Loopback, given: SocketAddr) -> (TcpStream, TcpStream) {
        let family = Domain::for_address(given);
        let theirs = Socket::new(family, Type::STREAM, None).expect("a socket");
        let theirs = OwnedFd::from(theirs);
        let joined = loopback.join(&theirs, given).expect("joined");
        assert_eq!(joined.result, 0, "a socket that blocks");
        let theirs = TcpStream::from(theirs);
        assert_eq!(theirs.local_addr().ok().map(plain), Some(joined.from));
        (theirs, joined.ours)
    }

    #[test]
    fn sockets_that_are_joined_at_the_same_time_get_their_own_ends() {
        let loopback = Loopback::open().expect("sockets");
        std::thread::scope(|scope| {
            for thread in 0..16_u8 {
                let loopback = &loopback;
                scope.spawn(move || {
                    let given = match thread % 3 {
                        0 => "10.0.0.1:80",
                        1 => "[::ffff:10.0.0.1]:80",
                        _ => "10.0.0.2:90",
                    };
                    let given = given.parse().expect("an address");
                    for round in 0..50_u8 {
                        let (mut theirs, mut ours) = join(loopback, given);
                        ours.set_nonblocking(false).expect("a socket");
                        theirs.write_all(&[thread, round]).expect("room");
                        let mut got = [0; 2];
                        ours.read_exact(&mut got).expect("two bytes");
                        assert_eq!(got, [thread, round]);
                    }
                });
            }
        });
    }
}
