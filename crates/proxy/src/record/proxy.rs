//! Starting and stopping the relay.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Poll, Waker};
use retake_intercept::{Bound, Listen, ListenError};
use retake_model::Direction;
use retake_wire::{PROTOCOLS, Protocol};

use super::adopt::{Accounts, Adopter, Inbox};
use super::counters::{Counters, Live};
use super::door::{Door, Shared, Upstream};
use super::look::Looking;
use super::queue::{Events, Queue};
use super::tls::Floor;
use super::worker::{WAKE, Worker};
use crate::Clock;
use crate::tls::Tls;

/// How the relay works.
#[derive(Clone)]
pub struct RecordOptions {
    /// How many threads relay. At least 1.
    pub workers: usize,
    /// The clock of the recording.
    pub clock: Clock,
    /// How many bytes of exchanges may wait for the recorder. What is beyond is lost and counted.
    pub queue_bytes: usize,
    /// The number of the first connection.
    pub first_connection: u64,
    /// The protocols that are read.
    pub protocols: &'static [&'static dyn Protocol],
    /// How TLS is ended. Without it TLS is declined where a protocol can decline it, and relayed
    /// without being read elsewhere.
    pub tls: Option<Arc<Tls>>,
    /// Whether TLS is ended also where captured clients of the service begin it. Without it they
    /// are relayed without being read: they know another certificate than ours.
    pub ends_service_tls: bool,
}

impl Default for RecordOptions {
    fn default() -> Self {
        RecordOptions {
            workers: 1,
            clock: Clock::new(),
            queue_bytes: 24 << 20,
            first_connection: 0,
            protocols: PROTOCOLS,
            tls: None,
            ends_service_tls: false,
        }
    }
}

/// A relay that runs on its own threads. Dropping it ends them as [`stop`](Self::stop) without
/// grace does.
pub struct RecordProxy {
    listens: Vec<Listen>,
    accounts: Arc<Accounts>,
    shared: Arc<Shared>,
    wakers: Vec<Arc<Waker>>,
    inboxes: Vec<Arc<Inbox>>,
    threads: Vec<JoinHandle<()>>,
}

impl RecordProxy {
    /// Opens every address and begins to relay.
    ///
    /// # Errors
    /// An address cannot be listened on, or an upstream's name cannot be resolved. Nothing is
    /// left running.
    pub fn start(
        listens: Vec<Listen>,
        options: RecordOptions,
    ) -> Result<(RecordProxy, Events), StartError> {
        let mut bound = Vec::with_capacity(listens.len());
        let mut upstreams = Vec::with_capacity(listens.len());
        for listen in listens {
            upstreams.push(Arc::new(resolve(&listen.upstream)?));
            bound.push(listen.bind()?);
        }
        refuse_loops(&bound, &upstreams)?;
        let workers = options.workers.max(1);
        let tls_threads = if options.tls.is_some() { workers } else { 0 };
        let queue = Queue::new(options.queue_bytes, workers + tls_threads, options.clock);
        let (floor, staff) = Floor::build(options.tls, workers, tls_threads);
        let shared = Arc::new(Shared {
            clock: options.clock,
            queue: Arc::clone(&queue),
            protocols: options.protocols,
            connections: AtomicU64::new(options.first_connection),
            inbound: AtomicU64::new(0),
            has_inbound: AtomicBool::new(
                bound
                    .iter()
                    .any(|bound| bound.listen.direction == Direction::Inbound),
            ),
            floor,
            ends_service_tls: options.ends_service_tls,
            relaying: AtomicUsize::new(workers),
            looking: Looking::here(),
            stopping: AtomicBool::new(false),
            grace: AtomicU64::new(0),
        });
        let mut proxy = RecordProxy {
            listens: bound.iter().map(|bound| bound.listen.clone()).collect(),
            accounts: Arc::new(Accounts::new(
                bound
                    .iter()
                    .map(|bound| Arc::new(Live::new(bound.listen.dependency.clone())))
                    .collect(),
            )),
            shared,
            wakers: Vec::new(),
            inboxes: Vec::new(),
            threads: Vec::new(),
        };
        for index in 0..workers {
            proxy
                .start_worker(index, &bound, &upstreams)
                .map_err(StartError::Worker)?;
        }
        for member in staff {
            let thread = member
                .start(Arc::clone(&proxy.shared))
                .map_err(StartError::Worker)?;
            proxy.threads.push(thread);
        }
        Ok((proxy, Events::new(queue)))
    }

    /// The addresses, with the ports that were free.
    pub fn listens(&self) -> &[Listen] {
        &self.listens
    }

    /// The counts of each address so far, in the order of [`listens`](Self::listens); behind them
    /// those of adopted connections for which there is no address, by dependency.
    pub fn counters(&self) -> Vec<Counters> {
        self.accounts.snapshot()
    }

    /// What gives connections to this relay that were accepted elsewhere.
    pub fn adopter(&self) -> Adopter {
        Adopter {
            shared: Arc::clone(&self.shared),
            inboxes: self.inboxes.clone(),
            accounts: Arc::clone(&self.accounts),
        }
    }

    /// Accepts no more, lets open exchanges go on for at most `grace`, closes what is left, and
    /// hands over what the taps still have. Blocks until all threads ended; then [`Events::recv`]
    /// gives what is queued, and then none.
    pub fn stop(mut self, grace: Duration) -> Vec<Counters> {
        self.end(grace);
        self.counters()
    }

    fn end(&mut self, grace: Duration) {
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX >> 20);
        self.shared.grace.store(grace, Ordering::Release);
        self.shared.stopping.store(true, Ordering::Release);
        for waker in &self.wakers {
            if let Err(error) = waker.wake() {
                tracing::error!(%error, "cannot wake a relay thread");
            }
        }
        if let Some(floor) = &self.shared.floor {
            floor.wake();
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a relay thread panicked");
            }
        }
    }

    /// Every worker listens on the same sockets, and the one that is idle accepts first. (Sockets
    /// of their own by `SO_REUSEPORT` would let a second retake share the port unseen.)
    fn start_worker(
        &mut self,
        index: usize,
        bound: &[Bound],
        upstreams: &[Arc<Upstream>],
    ) -> io::Result<()> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let inbox = Arc::new(Inbox::new(Arc::clone(&waker), poll.registry().try_clone()?));
        let mut doors = Vec::with_capacity(bound.len());
        for ((bound, upstream), counters) in bound.iter().zip(upstreams).zip(self.accounts.fixed())
        {
            doors.push(Door {
                socket: Some(mio::net::TcpListener::from_std(bound.socket.try_clone()?)),
                listen: bound.listen.clone(),
                upstream: Arc::clone(upstream),
                counters: Arc::clone(counters),
            });
        }
        let worker = Worker::new(
            index,
            poll,
            doors,
            Arc::clone(&inbox),
            Arc::clone(&self.shared),
        )?;
        let thread = std::thread::Builder::new()
            .name(format!("relay-{index}"))
            .spawn(move || worker.run())?;
        self.wakers.push(waker);
        self.inboxes.push(inbox);
        self.threads.push(thread);
        Ok(())
    }
}

impl std::fmt::Debug for RecordProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordProxy")
            .field("listens", &self.listens)
            .finish_non_exhaustive()
    }
}

impl Drop for RecordProxy {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// Why the relay or the mock servers did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// An upstream's name cannot be resolved.
    #[error("cannot resolve `{upstream}`")]
    Resolve {
        /// The upstream as it was given.
        upstream: String,
        /// The next step for the user.
        hint: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An upstream is an address that retake itself listens on.
    #[error("{addr} is listened on by retake itself, and cannot be the upstream of {listen} too")]
    Loop {
        /// The upstream's address.
        addr: SocketAddr,
        /// The address whose upstream it is.
        listen: SocketAddr,
        /// The next step for the user.
        hint: String,
    },
    /// The system gave no thread or no event queue.
    #[error("cannot start a worker")]
    Worker(#[source] io::Error),
}

impl StartError {
    /// The next step for the user.
    pub fn hint(&self) -> &str {
        match self {
            StartError::Listen(error) => &error.hint,
            StartError::Resolve { hint, .. } | StartError::Loop { hint, .. } => hint,
            StartError::Worker(_) => "look at the limits of processes and open files (ulimit -a)",
        }
    }
}

fn resolve(upstream: &str) -> Result<Upstream, StartError> {
    let wrong = |source| StartError::Resolve {
        upstream: upstream.to_owned(),
        hint: "write host:port with a name that this machine knows, or an address".to_owned(),
        source,
    };
    let addresses: Vec<SocketAddr> = upstream.to_socket_addrs().map_err(wrong)?.collect();
    if addresses.is_empty() {
        return Err(wrong(io::Error::other("the name has no address")));
    }
    Ok(Upstream {
        addresses,
        best: AtomicUsize::new(0),
    })
}

/// A relay into itself would open connections until none are left.
fn refuse_loops(bound: &[Bound], upstreams: &[Arc<Upstream>]) -> Result<(), StartError> {
    for (own, upstream) in bound.iter().zip(upstreams) {
        let addresses = &upstream.addresses;
        if let Some(into) = bound.iter().find(|b| addresses.contains(&b.listen.addr)) {
            return Err(StartError::Loop {
                addr: into.listen.addr,
                listen: own.listen.addr,
                hint: "give the address at which the service or the dependency really listens"
                    .to_owned(),
            });
        }
    }
    Ok(())
}
