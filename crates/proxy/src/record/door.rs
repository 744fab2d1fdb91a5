//! Addresses of the relay, where their connections really go, and what the workers share.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Poll, Token};
use retake_intercept::Listen;
use retake_model::{ConnInfo, Direction};
use retake_wire::Protocol;

use super::RelayEvent;
use super::counters::Live;
use super::look::Looking;
use super::queue::Queue;
use super::reader::Findings;
use super::tls::Floor;
use crate::Clock;
use crate::limits::raise_open_files;

/// The process has as many files open as it may (`connect(2)`).
const EMFILE: i32 = rustix::io::Errno::MFILE.raw_os_error();

/// What the workers share.
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) queue: Arc<Queue>,
    pub(super) protocols: &'static [&'static dyn Protocol],
    pub(super) connections: AtomicU64,
    /// Inbound connections that are open.
    pub(super) inbound: AtomicU64,
    pub(super) has_inbound: AtomicBool,
    /// Where TLS is ended; none where it is not to be.
    pub(super) floor: Option<Floor>,
    /// Whether TLS of captured clients of the service is ended too.
    pub(super) ends_service_tls: bool,
    /// Workers that may still hand connections over.
    pub(super) relaying: AtomicUsize,
    /// How many workers look at their sockets without sleeping.
    pub(super) looking: Looking,
    pub(super) stopping: AtomicBool,
    /// Milliseconds of the grace time, valid once `stopping` is set.
    pub(super) grace: AtomicU64,
}

/// An address of one worker.
pub(super) struct Door {
    /// None once it accepts no more.
    pub(super) socket: Option<TcpListener>,
    pub(super) listen: Listen,
    pub(super) upstream: Arc<Upstream>,
    pub(super) counters: Arc<Live>,
}

/// Where connections really go.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) addresses: Vec<SocketAddr>,
    /// The one that answered last: a name may have an address at which nobody listens.
    pub(super) best: AtomicUsize,
}

impl Upstream {
    /// Of connections whose counterpart was dialled elsewhere.
    pub(super) fn nowhere() -> Self {
        Upstream {
            addresses: Vec::new(),
            best: AtomicUsize::new(0),
        }
    }

    /// The address to try after `tried` others.
    pub(super) fn address(&self, tried: usize) -> Option<SocketAddr> {
        let count = self.addresses.len();
        if tried >= count {
            return None;
        }
        let at = (self.best.load(Ordering::Relaxed) + tried) % count;
        self.addresses.get(at).copied()
    }

    /// The address tried after `tried` others answered: it is the first from now on.
    pub(super) fn answered(&self, tried: usize) {
        if tried > 0 && !self.addresses.is_empty() {
            let best = self.best.load(Ordering::Relaxed) + tried;
            self.best
                .store(best % self.addresses.len(), Ordering::Relaxed);
        }
    }
}

/// Begins to connect.
pub(super) fn dial(address: SocketAddr, token: usize, poll: &Poll) -> io::Result<TcpStream> {
    let mut server = match TcpStream::connect(address) {
        // Where too many files are open, more may be allowed.
        Err(error) if error.raw_os_error() == Some(EMFILE) && raise_open_files() => {
            TcpStream::connect(address)?
        }
        connecting => connecting?,
    };
    poll.registry().register(
        &mut server,
        Token(token),
        Interest::READABLE | Interest::WRITABLE,
    )?;
    Ok(server)
}

/// Nobody can be reached: the client sees what it would have seen without us, as nearly as a
/// connection that was accepted allows.
pub(super) fn refuse(
    info: &ConnInfo,
    client: &TcpStream,
    findings: &mut Findings<'_>,
    shared: &Shared,
) {
    let _ = socket2::SockRef::from(client).set_linger(Some(Duration::ZERO));
    Live::add(&findings.counters.unreachable, 1);
    findings.counters.open.fetch_sub(1, Ordering::Relaxed);
    if info.direction == Direction::Inbound {
        shared.inbound.fetch_sub(1, Ordering::AcqRel);
    }
    findings.push(RelayEvent::Opened(Box::new(info.clone())));
    findings.push(RelayEvent::Closed {
        conn: info.id,
        at: shared.clock.now(),
        from_client: 0,
        from_server: 0,
    });
}
