//! Connections and what they carry.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::ProtocolId;

/// A moment, in nanoseconds since the Unix epoch.
///
/// Whoever makes one derives it from a monotonic clock that was set to wall time once, so that
/// moments of one recording never run backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Nanoseconds from `earlier` to this moment; 0 where `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The number of a connection, unique within one recording or run, in the order of acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ConnId(pub u64);

impl std::fmt::Display for ConnId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Which way a connection goes, as the service under test sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Into the service under test.
    Inbound,
    /// From the service under test to a dependency.
    Outbound,
}

/// Who sent something on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Whoever opened the connection.
    Client,
    /// Whoever accepted it.
    Server,
}

/// What is known of a connection when it opens.
#[derive(Debug, Clone)]
pub struct ConnInfo {
    /// Its number.
    pub id: ConnId,
    /// Which way it goes.
    pub direction: Direction,
    /// The name of the dependency, for outbound connections.
    pub dependency: Option<Arc<str>>,
    /// The protocol, where the user or the recording named it.
    pub protocol: Option<ProtocolId>,
    /// Where the client connected from.
    pub peer: Option<SocketAddr>,
    /// Where the client wanted to go.
    pub target: Option<String>,
    /// The process of the service that connected, or that accepted; where capture tells it.
    pub process: Option<u32>,
    /// When it was accepted.
    pub opened: Timestamp,
}

/// Some bytes of one side, as they were read from its socket.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// When they were read.
    pub at: Timestamp,
    /// Who sent them.
    pub side: Side,
    /// The bytes; empty when the side has closed its direction (end of stream).
    pub bytes: &'a [u8],
}
