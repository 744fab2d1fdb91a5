//! A client of the service, as the kernel gives it from the queue of a listening socket.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

/// The two names of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Names {
    /// Where the client connected to.
    pub(super) local: SocketAddr,
    /// The client.
    pub(super) peer: SocketAddr,
}

/// A client that was accepted.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) stream: TcpStream,
    pub(super) names: Names,
}

/// Whether `accept` would not wait. An error of the socket is for `accept` to tell.
pub(super) fn has_client(socket: &OwnedFd) -> bool {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut ready = [PollFd::new(socket, PollFlags::IN)];
    matches!(poll(&mut ready, Some(&now)), Ok(count) if count > 0)
}

/// The next client.
///
/// # Errors
/// As `accept(2)`.
pub(super) fn take(socket: &OwnedFd) -> io::Result<Client> {
    let (stream, peer) = SockRef::from(socket).accept()?;
    let none = || io::Error::from(io::ErrorKind::InvalidInput);
    let local = stream.local_addr()?.as_socket().ok_or_else(none)?;
    let peer = peer.as_socket().ok_or_else(none)?;
    Ok(Client {
        stream: stream.into(),
        names: Names { local, peer },
    })
}

/// What a connection takes over from the socket that it was accepted from, as far as it matters on
/// loopback.
pub(super) fn inherit(from: &TcpStream, to: &TcpStream) {
    let (from, to) = (SockRef::from(from), SockRef::from(to));
    if from.tcp_nodelay().unwrap_or(false) {
        let _ = to.set_tcp_nodelay(true);
    }
    if from.keepalive().unwrap_or(false) {
        let _ = to.set_keepalive(true);
    }
}
