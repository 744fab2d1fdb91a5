//! What capture asks of whoever uses it: what is to become of a connection, never how.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use retake_model::Direction;

/// The number of a process or a thread.
pub type Pid = u32;

/// Decides, and takes what was captured. It is called on capture's own threads, while the service
/// waits: it must neither block nor connect anywhere.
pub trait Director: Send + Sync {
    /// What is to become of a connection that the service wants to open.
    fn connect(&self, wanted: SocketAddr, by: Pid) -> Route;

    /// What is to become of a connection to the unix socket of a database. Where it is captured,
    /// [`Arrived::name`] is the path, and [`Arrived::wanted`] the loopback with the usual port.
    fn connect_unix(&self, _path: &Path, _by: Pid) -> Route {
        Route::Leave
    }

    /// Takes a connection that was captured.
    fn adopt(&self, arrived: Arrived);

    /// A connection for which [`Route::Relay`] was chosen was refused, with this error number, by
    /// where it was to lead.
    fn refused(&self, _wanted: SocketAddr, _errno: i32, _by: Pid) {}

    /// A process of the service listens there now.
    fn listens(&self, addr: SocketAddr, by: Pid);

    /// Whether the clients of an address at which the service listens are to be handed over
    /// ([`adopt`](Self::adopt)). It is asked once per listening socket, after
    /// [`listens`](Self::listens), where the plan says `inbound`.
    fn records(&self, _addr: SocketAddr) -> bool {
        false
    }

    /// The service connects to itself, as processes that serve each other do. That is not recorded.
    fn calls_itself(&self) {}

    /// Something went past.
    fn passed(&self, what: Uncaptured);
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The real destination is connected first, then both ends are handed over.
    Relay,
    /// The service's end is handed over at once; nobody else is asked.
    Serve,
    /// The service gets this error number.
    Refuse(i32),
    /// It connects by itself; we do not see it.
    Leave,
}

/// A connection that was captured.
#[derive(Debug)]
pub struct Arrived {
    /// Our end of the service's connection. Non-blocking.
    pub client: TcpStream,
    /// The connection to where it really leads. Non-blocking; none where nobody was asked.
    pub upstream: Option<TcpStream>,
    /// Who connected, where it has an address.
    pub peer: Option<SocketAddr>,
    /// Where the service wanted to go; for an inbound connection, where its client did.
    pub wanted: SocketAddr,
    /// The path of the unix socket, where it is one.
    pub name: Option<Arc<str>>,
    /// The process of the service that connected, or accepted; none where it is gone already.
    pub process: Option<Pid>,
    /// Which way it goes.
    pub direction: Direction,
}

/// What went past without being captured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Uncaptured {
    /// A unix socket: its path, or its abstract name behind `@`.
    Unix(PathBuf),
    /// Datagrams to this address.
    Datagrams(SocketAddr),
    /// A connection that could not be taken over: where to, and why.
    Connection(SocketAddr, String),
    /// A program has a filter of its own whose listener the system refused: its name.
    Filter(String),
    /// A program of another architecture: its name, and what it is.
    Foreign(String, String),
    /// What a program connects to that we may not look into (it is not readable, or has more
    /// rights than we have): its name.
    Program(String),
}
