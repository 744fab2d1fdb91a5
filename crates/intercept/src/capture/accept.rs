//! `accept` and `accept4`: the service gets one end of a loopback pair, and the recorder stands
//! between the other end and the client.
//!
//! The port stays where it is, and so does its queue: several processes may accept from it, and
//! whoever waits for it by `poll` is woken by the kernel as always. What the service asks of the
//! names of its end is answered with those of the client's connection.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use retake_model::Direction;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use socket2::SockRef;

use super::call::Call;
use super::client::{Client, Names, has_client, inherit, take};
use super::loopback::errno;
use super::names;
use super::pair::{Pair, Pairs};
use super::sockets::{Swept, Taken, is_tcp, lock};
use super::supervisor::Core;
use super::sys::{address::plain, process};
use super::{Arrived, Uncaptured, tcp_table};

/// How often calls that wait for a client are asked whether they still do: a signal of the service
/// ends `accept`, and only `/proc` tells of it.
const LOOK: Duration = Duration::from_millis(20);

/// Connections of the service to itself that nobody accepted yet; beyond, they are forgotten.
const TO_ITSELF: usize = 4096;

/// The kernel restarts the call, or ends it with `EINTR`, as the handler of the signal wants
/// (`ERESTARTSYS` of `linux/errno.h`).
const RESTART: i32 = 512;

/// What is known of the sockets that the service listens on, and of those that it was given.
pub(super) struct Inbound {
    pairs: Pairs,
    /// Whether we stand before the clients of a listening socket, by its inode.
    listening: Mutex<HashMap<u64, bool>>,
    /// By the inode of the service's end of a pair.
    names: Arc<Mutex<Swept<Names>>>,
    /// From where the service connects to itself.
    own: Mutex<HashSet<SocketAddr>>,
    /// Held from looking at a queue until its first client is taken: a socket that blocks is never
    /// accepted from in vain, for nobody else takes what was seen.
    queue: Mutex<Kept>,
    waiting: Mutex<Vec<Waiting>>,
    /// Tells the thread that waits that there is more to wait for, or nothing any more.
    wake: OwnedFd,
    over: AtomicBool,
}

/// Clients that could not be given to the service, which had too many files open, by the inode of
/// their listening socket.
type Kept = HashMap<u64, Vec<Client>>;

/// A call that waits for a client.
#[derive(Debug)]
struct Waiting {
    call: Call,
    socket: Arc<OwnedFd>,
    inode: u64,
    /// When the socket's own timeout ends (`SO_RCVTIMEO`).
    until: Option<Instant>,
}

impl Inbound {
    /// # Errors
    /// The system gives no sockets or threads.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Inbound {
            pairs: Pairs::new()?,
            listening: Mutex::default(),
            names: Arc::new(Mutex::new(Swept::new())),
            own: Mutex::default(),
            queue: Mutex::default(),
            waiting: Mutex::default(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            over: AtomicBool::new(false),
        })
    }

    /// The names that the service is to see of its socket.
    pub(super) fn names(&self, inode: u64) -> Option<Names> {
        lock(&self.names).get(inode).copied()
    }

    /// Remembers what is to become of the clients of a listening socket.
    pub(super) fn listens(&self, inode: u64, recorded: bool) {
        lock(&self.listening).insert(inode, recorded);
    }

    /// A listening socket cannot be had: where we duplicate none, one that we did not make.
    fn missed(&self, core: &Core, call: &Call) {
        if let Some(inode) = core.sockets.inode(call)
            && lock(&self.listening).insert(inode, false).is_none()
            && let Some(addr) = tcp_table::listening_at(inode)
        {
            let why = "its clients: the service was given the socket, or holds too many";
            core.director
                .passed(Uncaptured::Connection(addr, why.to_owned()));
        }
    }

    /// The service is about to connect to itself: what it says to itself is not recorded. Its
    /// socket gets its own address now, by which it is known when it is accepted.
    pub(super) fn to_itself(&self, socket: &impl AsFd, given: SocketAddr) {
        let socket = SockRef::from(socket);
        let from = || socket.local_addr().ok()?.as_socket();
        if from().is_none_or(|from| from.port() == 0) {
            let mut any = given;
            any.set_port(0);
            // Refused, the kernel chooses as always, and the connection is recorded.
            let _ = socket.bind(&any.into());
        }
        if let Some(from) = from() {
            let mut own = lock(&self.own);
            if own.len() >= TO_ITSELF {
                own.clear();
            }
            own.insert(plain(from));
        }
    }

    fn remember(&self, inode: u64, given: Names) {
        Swept::add(&self.names, inode, given);
    }

    /// Nobody asks any more.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.wake();
    }

    fn wait(&self, waiting: Waiting) {
        lock(&self.waiting).push(waiting);
        self.wake();
    }

    fn wake(&self) {
        // Full means that it was told already.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

/// `accept4(socket, address, length, flags)`; `accept` has no flags.
pub(super) fn accept(core: &Arc<Core>, call: Call) {
    let Some(inbound) = &core.inbound else {
        return call.proceed();
    };
    let Ok(taken) = core.sockets.take(&call) else {
        inbound.missed(core, &call);
        return call.proceed();
    };
    if !is_recorded(core, inbound, &call, &taken) || !call.still_waits() {
        return call.proceed();
    }
    let socket = SockRef::from(&taken.socket);
    let blocks = !socket.nonblocking().unwrap_or(false);
    let until = match socket.read_timeout() {
        Ok(Some(timeout)) if blocks => Some(Instant::now() + timeout),
        _ => None,
    };
    let waiting = Waiting {
        call,
        socket: taken.socket,
        inode: taken.inode,
        until,
    };
    match waiting.try_take(core, inbound) {
        Some(waiting) if blocks => inbound.wait(waiting),
        Some(waiting) => waiting.fail(libc::EAGAIN),
        None => {}
    }
}

/// Serves the calls that wait, until the service is gone.
///
/// # Errors
/// The system gives no thread.
pub(super) fn start(core: &Arc<Core>) -> io::Result<()> {
    let core = Arc::clone(core);
    thread::Builder::new()
        .name("capture-accept".to_owned())
        .spawn(move || {
            let Some(inbound) = &core.inbound else {
                return;
            };
            while !inbound.over.load(Ordering::Acquire) {
                serve(&core, inbound);
            }
        })?;
    Ok(())
}

fn serve(core: &Core, inbound: &Inbound) {
    let calls = std::mem::take(&mut *lock(&inbound.waiting));
    let mut ready: Vec<PollFd<'_>> = calls
        .iter()
        .map(|waiting| PollFd::new(&*waiting.socket, PollFlags::IN))
        .collect();
    ready.push(PollFd::new(&inbound.wake, PollFlags::IN));
    let look = Timespec {
        tv_sec: 0,
        tv_nsec: LOOK.subsec_nanos().into(),
    };
    let pause = if calls.is_empty() { None } else { Some(&look) };
    let _ = poll(&mut ready, pause);
    let mut told = [0; 8];
    let _ = rustix::io::read(&inbound.wake, &mut told);
    let left = calls
        .into_iter()
        .filter_map(|waiting| waiting.look(core, inbound))
        .collect::<Vec<_>>();
    lock(&inbound.waiting).extend(left);
}

/// Whether the clients of a listening socket are recorded.
fn is_recorded(core: &Core, inbound: &Inbound, call: &Call, taken: &Taken) -> bool {
    let known = lock(&inbound.listening).get(&taken.inode).copied();
    // One that is not known began to listen before us: it was inherited.
    known.unwrap_or_else(|| {
        let socket = SockRef::from(&taken.socket);
        let addr = socket.local_addr().ok().and_then(|addr| addr.as_socket());
        let recorded = match addr.filter(|_| is_tcp(&taken.socket)) {
            Some(addr) => {
                core.director.listens(addr, call.by());
                core.director.records(addr)
            }
            None => false,
        };
        inbound.listens(taken.inode, recorded);
        recorded
    })
}

impl Waiting {
    /// After a while: a client, a signal, or the end of its time.
    fn look(self, core: &Core, inbound: &Inbound) -> Option<Waiting> {
        if !self.call.still_waits() {
            // It was withdrawn; answering it is answering nobody.
            return None;
        }
        let waiting = self.try_take(core, inbound)?;
        if waiting.until.is_some_and(|until| Instant::now() >= until) {
            waiting.fail(libc::EAGAIN);
            return None;
        }
        // A wait that only fatal signals end takes no others: we end it for them.
        if core.plan.ability.killable && process::has_signal(waiting.call.by()) {
            waiting.fail(RESTART);
            return None;
        }
        Some(waiting)
    }

    /// Gives the service a client; itself again where there is none yet.
    fn try_take(self, core: &Core, inbound: &Inbound) -> Option<Waiting> {
        let mut queue = lock(&inbound.queue);
        let kept = queue.get_mut(&self.inode).and_then(Vec::pop);
        let client = match kept {
            Some(client) => client,
            None if !has_client(&self.socket) => return Some(self),
            None => match take(&self.socket) {
                Ok(client) => client,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some(self),
                Err(error) => {
                    self.fail(errno(&error));
                    return None;
                }
            },
        };
        drop(queue);
        self.give(client, core, inbound);
        None
    }

    fn give(self, client: Client, core: &Core, inbound: &Inbound) {
        if lock(&inbound.own).remove(&plain(client.names.peer)) {
            let to_itself = client.stream.try_clone();
            return match to_itself {
                Ok(end) => self.hand(&end, client, core, inbound, |_| {}),
                Err(error) => self.refuse(&error, client, inbound),
            };
        }
        let Pair { theirs, ours } = match inbound.pairs.take(client.names.local) {
            Ok(pair) => pair,
            Err(error) => return self.refuse(&error, client, inbound),
        };
        inherit(&client.stream, &theirs);
        if let Ok(stat) = rustix::fs::fstat(&theirs) {
            inbound.remember(stat.st_ino, client.names);
        }
        let by = self.call.by();
        self.hand(&theirs, client, core, inbound, |client| {
            // The relay waits for no socket.
            let _ = client.stream.set_nonblocking(true);
            core.director.adopt(Arrived {
                wanted: plain(client.names.local),
                client: client.stream,
                upstream: Some(ours),
                peer: Some(client.names.peer),
                name: None,
                process: core.sockets.process_of(by),
                direction: Direction::Inbound,
            });
        });
    }

    /// Gives the service this socket as its client's; the client goes to `given` then.
    fn hand(
        self,
        end: &TcpStream,
        client: Client,
        core: &Core,
        inbound: &Inbound,
        given: impl FnOnce(Client),
    ) {
        let flags = match self.call.number() {
            libc::SYS_accept4 => self.call.int(3),
            _ => 0,
        };
        let nonblocking = flags & libc::SOCK_NONBLOCK != 0;
        if let Err(error) = end.set_nonblocking(nonblocking) {
            return self.refuse(&error, client, inbound);
        }
        if core.plan.ability.killable && self.call.argument(1) != 0 {
            // Where the service has no room for the name, it gets none, as from the kernel.
            let _ = names::write_name(&self.call, client.names.peer);
        }
        let close_on_exec = flags & libc::SOCK_CLOEXEC != 0;
        let Waiting {
            call,
            socket,
            inode,
            ..
        } = self;
        drop(socket);
        match call.give(end.as_fd(), close_on_exec) {
            Ok(true) => given(client),
            // It no longer waits, or has too many files open, which the kernel tells it: the next
            // who asks gets the client.
            Ok(false) | Err(_) => keep(inbound, inode, client),
        }
    }

    /// The listening socket is let go before the answer: from then on the service's closing it
    /// frees the port.
    fn fail(self, errno: i32) {
        let Waiting { call, socket, .. } = self;
        drop(socket);
        call.fail(errno);
    }

    fn refuse(self, error: &io::Error, client: Client, inbound: &Inbound) {
        tracing::error!(%error, "cannot stand before a connection");
        keep(inbound, self.inode, client);
        self.fail(errno(error));
    }
}

fn keep(inbound: &Inbound, inode: u64, client: Client) {
    lock(&inbound.queue).entry(inode).or_default().push(client);
}
