//! Addresses that retake listens on.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use retake_model::{Direction, ProtocolId};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{DepSpec, ListenError};

/// How many connections may wait to be accepted. The kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// An address to listen on, and what is known of the connections that arrive there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address; port 0 for any free one.
    pub addr: SocketAddr,
    /// Which way its connections go.
    pub direction: Direction,
    /// The dependency that its connections are for; none for the service itself.
    pub dependency: Option<Arc<str>>,
    /// The protocol, where it was named.
    pub protocol: Option<ProtocolId>,
    /// Where its connections really go, `host:port`.
    pub upstream: String,
    /// Whether TLS is spoken there from the first byte.
    pub upstream_tls: bool,
    /// Whether clients that begin TLS are answered here in place of there: for the service
    /// itself. (TLS towards dependencies is always looked into.)
    pub serves_tls: bool,
}

impl Listen {
    /// The reverse proxy in front of the service under test, which is at `host:port`, or at
    /// `https://host:port` where it serves TLS itself.
    pub fn inbound(addr: SocketAddr, upstream: impl Into<String>) -> Self {
        let upstream = upstream.into();
        let (upstream_tls, upstream) = match upstream.strip_prefix("https://") {
            Some(address) => (true, address.trim_end_matches('/').to_owned()),
            None => (false, upstream),
        };
        Listen {
            addr,
            direction: Direction::Inbound,
            dependency: None,
            protocol: None,
            upstream,
            upstream_tls,
            serves_tls: false,
        }
    }

    /// The stand-in for a dependency.
    pub fn outbound(dep: &DepSpec) -> Self {
        Listen {
            addr: dep.listen,
            direction: Direction::Outbound,
            dependency: Some(dep.name.clone()),
            protocol: dep.protocol,
            upstream: dep.upstream.to_string(),
            upstream_tls: dep.tls,
            serves_tls: false,
        }
    }

    /// Opens the socket. The address is refused when somebody listens there already, another
    /// retake included: `SO_REUSEPORT` would split the traffic between the two in silence.
    ///
    /// # Errors
    /// The address is taken, not of this machine, or not allowed.
    pub fn bind(mut self) -> Result<Bound, ListenError> {
        match open(self.addr).and_then(|socket| Ok((socket.local_addr()?, socket))) {
            Ok((addr, socket)) => {
                self.addr = addr;
                Ok(Bound {
                    listen: self,
                    socket,
                })
            }
            Err(source) => Err(ListenError {
                addr: self.addr,
                whom: self
                    .dependency
                    .as_deref()
                    .unwrap_or("the service")
                    .to_owned(),
                hint: hint(&source),
                source,
            }),
        }
    }
}

/// An open listening socket.
#[derive(Debug)]
pub struct Bound {
    /// What it was opened for; `addr` has the real port.
    pub listen: Listen,
    /// The socket, non-blocking.
    pub socket: TcpListener,
}

fn open(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(addr),
        Type::STREAM.nonblocking().cloexec(),
        Some(Protocol::TCP),
    )?;
    // A port whose last connections are in TIME_WAIT is free (RFC 9293, section 3.6.1).
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn hint(source: &std::io::Error) -> String {
    match source.kind() {
        ErrorKind::AddrInUse => {
            "another program listens there: stop it, or choose another port (0 for any free one)"
        }
        ErrorKind::AddrNotAvailable => {
            "the address is not one of this machine: use 127.0.0.1, or an address of its own"
        }
        ErrorKind::PermissionDenied => "ports below 1024 need rights: choose a higher one",
        _ => "choose another address",
    }
    .to_owned()
}
