//! Servers in place of the dependencies: addresses, threads, and who is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use retake_intercept::{Bound, Listen};
use retake_model::{Answer, Call, ConnId, ConnInfo, Exchange};
use retake_wire::{PROTOCOLS, Protocol, Reading, WireError};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot};

use super::adopt::MockAdopter;
use super::awake::Awake;
use super::live::Live;
use super::session::{Manner, serve};
use crate::Clock;
use crate::limits::raise_open_files;
use crate::record::StartError;
use crate::tls::Tls;

/// How long to wait before accepting again after the system refused.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Who knows the answers. Called from the servers' threads; it answers from memory, at once.
pub trait Oracle: Send + Sync {
    /// The answer to a call of the candidate.
    fn ask(&self, call: Call, reading: Reading) -> Answer;

    /// Where a call comes before what answers it: how far that has come. It is answered later then, for
    /// as long as that goes on.
    fn is_early(&self, _call: &Call, _reading: Reading) -> Option<u64> {
        None
    }

    /// A connection was accepted.
    fn opened(&self, _conn: &ConnInfo) {}

    /// A connection broke the protocol, or the recorded answer has not its form (then the blame
    /// in the error is the recording's). The text is for the run's notes.
    fn failed(&self, _conn: &ConnInfo, _error: &WireError) {}

    /// A dependency was asked in a protocol that has no mock server: it is not answered.
    fn unread(&self, conn: &ConnInfo, text: &str) {
        self.note(conn, text);
    }

    /// Something else worth a sentence: TLS that was asked for, a protocol without a server.
    fn note(&self, _conn: &ConnInfo, _text: &str) {}

    /// An exchange with a live dependency was seen; it was answered by the real one. Its messages
    /// are trees.
    fn live(&self, _to: &Arc<str>, _exchange: Box<Exchange>) {}
}

/// An address, and who answers there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockListen {
    /// The address and its dependency. Without a `protocol` the first bytes of the client tell
    /// it; `upstream` is not used unless it is live.
    pub listen: Listen,
    /// Whether the real dependency answers (`--live`).
    pub live: bool,
    /// Whether a client that asks for TLS is told that there is some, as the recorded one was.
    /// (A client that begins TLS unasked is answered in any case.)
    pub agrees_to_tls: bool,
}

/// Servers in place of the dependencies, on a thread of their own. Dropping it ends them.
#[derive(Debug)]
pub struct MockServers {
    listens: Vec<Listen>,
    handle: Handle,
    awake: Arc<Awake>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    live: Option<Live>,
    house: Arc<House>,
}

impl MockServers {
    /// Opens every address and begins to serve.
    ///
    /// # Errors
    /// An address cannot be listened on, or a live upstream's name cannot be resolved. Nothing is
    /// left running.
    pub fn start(
        listens: Vec<MockListen>,
        oracle: Arc<dyn Oracle>,
        clock: Clock,
    ) -> Result<MockServers, StartError> {
        MockServers::start_with(listens, oracle, clock, None, PROTOCOLS)
    }

    /// Like [`start`](Self::start), with clients that may speak TLS, and with other protocols than
    /// retake's own.
    ///
    /// # Errors
    /// As for `start`.
    pub fn start_with(
        listens: Vec<MockListen>,
        oracle: Arc<dyn Oracle>,
        clock: Clock,
        tls: Option<Arc<Tls>>,
        protocols: &'static [&'static dyn Protocol],
    ) -> Result<MockServers, StartError> {
        let mut addresses = Vec::with_capacity(listens.len());
        let (mut bound, mut real) = (Vec::new(), Vec::new());
        for MockListen {
            listen,
            live,
            agrees_to_tls,
        } in listens
        {
            if live {
                real.push((addresses.len(), listen.clone()));
                addresses.push(listen);
            } else {
                let door = listen.bind()?;
                addresses.push(door.listen.clone());
                bound.push((door, agrees_to_tls));
            }
        }
        let live = Live::start(
            &mut real,
            Arc::clone(&oracle),
            clock,
            tls.clone(),
            protocols,
        )?;
        for (at, listen) in real {
            if let Some(address) = addresses.get_mut(at) {
                *address = listen;
            }
        }
        let (end, ended) = oneshot::channel();
        let awake = Arc::new(Awake::new());
        let house = Arc::new(House {
            oracle,
            clock,
            protocols,
            awake: Arc::clone(&awake),
            tls,
            connections: AtomicU64::new(0),
            given_up: broadcast::Sender::new(64),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(StartError::Worker)?;
        let handle = runtime.handle().clone();
        let kept = Arc::clone(&house);
        let thread = std::thread::Builder::new()
            .name("mocks".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    for (door, agrees_to_tls) in bound {
                        tokio::spawn(accept(door, agrees_to_tls, Arc::clone(&house)));
                    }
                    let awake = Arc::clone(&house.awake);
                    tokio::spawn(async move { awake.look().await });
                    // An error means that the handle was dropped, which ends the servers too.
                    let _ = ended.await;
                });
            })
            .map_err(StartError::Worker)?;
        Ok(MockServers {
            listens: addresses,
            handle,
            awake,
            end: Some(end),
            thread: Some(thread),
            live,
            house: kept,
        })
    }

    /// The addresses in their order, with the ports that were free.
    pub fn listens(&self) -> &[Listen] {
        &self.listens
    }

    /// The runtime of the servers' thread. What is spawned there ends with the servers, and must
    /// not block: no call is answered meanwhile.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What keeps the servers' thread from sleeping between calls.
    pub fn awake(&self) -> &Arc<Awake> {
        &self.awake
    }

    /// What gives connections to these servers that were accepted elsewhere.
    pub fn adopter(&self) -> MockAdopter {
        MockAdopter {
            handle: self.handle.clone(),
            house: Arc::clone(&self.house),
            live: self.live.as_ref().map(Live::adopter),
        }
    }

    /// Closes everything. Blocks until all threads ended and every live exchange was told.
    pub fn stop(mut self) {
        self.close();
    }

    fn close(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the mock servers panicked");
        }
        if let Some(live) = self.live.take() {
            live.stop();
        }
    }
}

impl Drop for MockServers {
    fn drop(&mut self) {
        self.close();
    }
}

/// What all connections share.
pub(super) struct House {
    pub(super) oracle: Arc<dyn Oracle>,
    pub(super) clock: Clock,
    pub(super) protocols: &'static [&'static dyn Protocol],
    pub(super) awake: Arc<Awake>,
    /// How TLS is answered; none where it is not.
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) connections: AtomicU64,
    /// The numbers of connections on which clients give up waiting.
    pub(super) given_up: broadcast::Sender<u32>,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("House")
    }
}

async fn accept(door: Bound, agrees_to_tls: bool, house: Arc<House>) {
    let listener = match TcpListener::from_std(door.socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, addr = %door.listen.addr, "cannot serve an address");
            return;
        }
    };
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                if !raise_open_files() {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                continue;
            }
        };
        let info = ConnInfo {
            id: ConnId(house.connections.fetch_add(1, Ordering::Relaxed)),
            direction: door.listen.direction,
            dependency: door.listen.dependency.clone(),
            protocol: door.listen.protocol,
            peer: Some(peer),
            target: Some(door.listen.upstream.clone()),
            process: None,
            opened: house.clock.now(),
        };
        house.oracle.opened(&info);
        let manner = Manner {
            agrees_to_tls,
            namer: None,
        };
        tokio::spawn(serve(stream, info, manner, Arc::clone(&house)));
    }
}
