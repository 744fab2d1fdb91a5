//! What a worker lets go of.

use std::net::TcpStream;
use std::sync::Arc;

use retake_intercept::Listen;
use retake_model::{ConnInfo, Direction};

use super::super::counters::Live;
use super::super::reader::Reader;
use super::super::renaming::Renaming;

/// What becomes of TLS on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Way {
    /// It is not looked into.
    Off,
    /// It is not looked into, since nobody said that the service's clients may be shown another
    /// certificate; that it was there is said.
    Unopened,
    /// It is ended where the client begins it. The client was told our address in place of the
    /// real server's.
    Sight,
    /// It is ended where the client begins it. The client wanted the real server's address, or
    /// the service's, and does not know of us.
    Captured,
    /// The upstream speaks it, whether the client does or not.
    Upstream,
}

impl Way {
    /// What becomes of TLS on a connection that was accepted elsewhere, of which the upstream
    /// speaks it where the client does.
    pub(in super::super) fn of_adopted(direction: Direction, ends_service_tls: bool) -> Way {
        match direction {
            Direction::Inbound if !ends_service_tls => Way::Unopened,
            Direction::Inbound | Direction::Outbound => Way::Captured,
        }
    }

    /// What becomes of TLS at an address.
    pub(in super::super) fn of(listen: &Listen) -> Way {
        match (listen.direction, listen.upstream_tls, listen.serves_tls) {
            (_, true, _) => Way::Upstream,
            (Direction::Inbound, false, false) => Way::Unopened,
            (Direction::Inbound, false, true) | (Direction::Outbound, false, _) => Way::Sight,
        }
    }
}

/// Where a conversation stands when it is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Start {
    /// Nothing was passed on; `held` has what the client sent.
    Now,
    /// The server was asked for TLS and agreed; the client has not been told.
    Agreed {
        /// What it was asked with.
        question: Vec<u8>,
        /// What it answered, and the client waits for.
        agreed: &'static [u8],
    },
}

/// A connection with everything that is known of it.
pub(in super::super) struct Handover {
    pub(in super::super) way: Way,
    pub(in super::super) start: Start,
    pub(in super::super) info: ConnInfo,
    pub(in super::super) counters: Arc<Live>,
    pub(in super::super) reader: Reader,
    pub(in super::super) client: TcpStream,
    pub(in super::super) server: TcpStream,
    /// What the client sent and nobody has yet.
    pub(in super::super) held: Vec<u8>,
    /// What the client is still to be sent.
    pub(in super::super) to_client: Vec<u8>,
    /// What the server is still to be sent.
    pub(in super::super) to_server: Vec<u8>,
    /// Bytes that were read so far.
    pub(in super::super) from_client: u64,
    pub(in super::super) from_server: u64,
    /// How it gets another name, where it may.
    pub(in super::super) renaming: Option<Renaming>,
}
