//! What is known of the service's sockets.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::fstat;

use super::call::Call;
use super::held::Held;
use super::sys::process;
use super::{Outbound, Pid, tcp_table};

/// Descriptors of processes that are kept, at most.
const PROCESSES: usize = 256;
/// Sockets that are known before those that are gone are looked for. It takes milliseconds where
/// many connections ended lately, so it is done seldom; a socket takes some 50 bytes until then.
const SWEEP_FROM: usize = 16_384;
/// The same for datagram and unix sockets that we made: each holds a descriptor, and a port.
const SWEEP_OTHERS_FROM: usize = 64;

/// A socket of the service.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    /// A duplicate of the service's descriptor: the same open socket.
    pub(super) socket: Arc<OwnedFd>,
    /// The number of the socket, the same in every process.
    pub(super) inode: u64,
}

/// What is known of the service's sockets.
pub(super) struct Sockets {
    way: Outbound,
    processes: Mutex<HashMap<Pid, Process>>,
    /// Where each captured socket really leads, as the service gave the address.
    known: Arc<Mutex<Swept<SocketAddr>>>,
    /// Sockets that we made and that the service did not use yet.
    made: Mutex<Swept<Made>>,
    /// The same of datagrams, which may be used without being connected, and of unix sockets: ours
    /// while they are open.
    made_others: Mutex<Swept<Made>>,
    /// Sockets that we made and that were bound.
    held: Held,
    /// Ports on which the service listens.
    listening: Mutex<HashSet<u16>>,
    /// Results that a signal kept from the caller, which asks again (kernels before 5.19).
    undelivered: Mutex<HashMap<u64, (SocketAddr, i32)>>,
}

/// A thread of the service.
struct Process {
    /// Of the thread, or of its process.
    fd: Arc<OwnedFd>,
    /// The process, once it was asked for.
    leader: Option<Pid>,
}

/// A socket that we made for the service.
struct Made {
    socket: Arc<OwnedFd>,
    by: Pid,
}

/// A map that is swept when it has doubled.
pub(super) struct Swept<T> {
    map: HashMap<u64, T>,
    from: usize,
    next: usize,
}

impl<T> Swept<T> {
    pub(super) fn new() -> Self {
        Self::from(SWEEP_FROM)
    }

    /// Swept first when it has so many.
    fn from(from: usize) -> Self {
        Swept {
            map: HashMap::new(),
            from,
            next: from,
        }
    }

    pub(super) fn get(&self, inode: u64) -> Option<&T> {
        self.map.get(&inode)
    }

    fn insert(&mut self, inode: u64, value: T, sweep: impl FnOnce(&mut HashMap<u64, T>)) {
        if self.map.len() >= self.next {
            sweep(&mut self.map);
            self.swept();
        }
        self.map.insert(inode, value);
    }

    fn swept(&mut self) {
        self.next = (self.map.len() * 2).max(self.from);
    }
}

impl<T: Send + 'static> Swept<T> {
    /// Adds one; where it is time, a thread of its own looks meanwhile which sockets are still
    /// there: on a busy machine that takes as long as thousands of connections.
    pub(super) fn add(this: &Arc<Mutex<Self>>, inode: u64, value: T) {
        let mut swept = lock(this);
        let due = swept.map.len() >= swept.next;
        // What is added from now on is not among them: it may be newer than what is read.
        let old: Vec<u64> = match due {
            true => swept.map.keys().copied().collect(),
            false => Vec::new(),
        };
        if due {
            swept.next = usize::MAX;
        }
        swept.map.insert(inode, value);
        drop(swept);
        if !due {
            return;
        }
        let these = Arc::clone(this);
        let sweep = move || {
            let open = tcp_table::in_use();
            let mut swept = lock(&these);
            for inode in old.iter().filter(|inode| !open.contains_key(inode)) {
                swept.map.remove(inode);
            }
            swept.swept();
        };
        let thread = std::thread::Builder::new().name("capture-sweep".to_owned());
        if let Err(error) = thread.spawn(sweep) {
            tracing::debug!(%error, "sockets that are gone are looked for later");
            lock(this).swept();
        }
    }
}

impl Sockets {
    pub(super) fn new(way: Outbound) -> Self {
        Sockets {
            way,
            processes: Mutex::default(),
            known: Arc::new(Mutex::new(Swept::new())),
            made: Mutex::new(Swept::new()),
            made_others: Mutex::new(Swept::from(SWEEP_OTHERS_FROM)),
            held: Held::default(),
            listening: Mutex::default(),
            undelivered: Mutex::default(),
        }
    }

    /// The socket that the call's first argument is.
    ///
    /// # Errors
    /// There is none of that number, or it cannot be had.
    pub(super) fn take(&self, call: &Call) -> io::Result<Taken> {
        self.at(call.by(), call.int(0))
    }

    /// The socket that a descriptor of a thread is.
    ///
    /// # Errors
    /// There is none of that number, or it cannot be had.
    pub(super) fn at(&self, by: Pid, fd: i32) -> io::Result<Taken> {
        if self.way == Outbound::Inject {
            let inode = process::socket_inode(by, fd).ok_or(io::ErrorKind::NotFound)?;
            let socket_in =
                |made: &Mutex<Swept<Made>>| Some(lock(made).map.get(&inode)?.socket.clone());
            let socket = socket_in(&self.made)
                .or_else(|| socket_in(&self.made_others))
                .or_else(|| self.held.get(inode));
            let socket = socket.ok_or(io::ErrorKind::NotFound)?;
            return Ok(Taken { socket, inode });
        }
        let socket = self.duplicate(by, fd)?;
        let inode = inode_of(&socket)?;
        Ok(Taken {
            socket: Arc::new(socket),
            inode,
        })
    }

    /// The number of the socket that the call's first argument is.
    pub(super) fn inode(&self, call: &Call) -> Option<u64> {
        if self.way == Outbound::Inject {
            return process::socket_inode(call.by(), call.int(0));
        }
        let socket = self.duplicate(call.by(), call.int(0)).ok()?;
        inode_of(&socket).ok()
    }

    /// Descriptors of processes are kept; one whose number was given to another process since is
    /// told by its error.
    fn duplicate(&self, by: Pid, fd: i32) -> io::Result<OwnedFd> {
        let kept = lock(&self.processes).get(&by).map(|kept| kept.fd.clone());
        if let Some(process) = kept {
            match process::duplicate(&process, fd) {
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                result => return result,
            }
        }
        let process = Arc::new(process::open(by)?);
        let mut processes = lock(&self.processes);
        if processes.len() >= PROCESSES {
            processes.clear();
        }
        let kept = Process {
            fd: Arc::clone(&process),
            leader: None,
        };
        processes.insert(by, kept);
        drop(processes);
        process::duplicate(&process, fd)
    }

    /// The process that a thread belongs to: read once, as it takes as long as all else of a connect.
    pub(super) fn process_of(&self, by: Pid) -> Option<Pid> {
        let known = |processes: &HashMap<Pid, Process>| processes.get(&by)?.leader;
        if let Some(leader) = known(&lock(&self.processes)) {
            return Some(leader);
        }
        let leader = process::leader(by)?;
        if let Some(kept) = lock(&self.processes).get_mut(&by) {
            kept.leader = Some(leader);
        }
        Some(leader)
    }

    /// A socket was connected on the way to this address.
    pub(super) fn remember(&self, inode: u64, given: SocketAddr) {
        Swept::add(&self.known, inode, given);
    }

    /// Where a captured socket leads, as the service gave it.
    pub(super) fn leads(&self, inode: u64) -> Option<SocketAddr> {
        lock(&self.known).map.get(&inode).copied()
    }

    /// The socket is no longer connected.
    pub(super) fn forget(&self, inode: u64) {
        lock(&self.known).map.remove(&inode);
    }

    /// A result did not reach the caller.
    pub(super) fn keep_result(&self, inode: u64, given: SocketAddr, errno: i32) {
        let mut undelivered = lock(&self.undelivered);
        if undelivered.len() >= SWEEP_FROM {
            undelivered.clear();
        }
        undelivered.insert(inode, (given, errno));
    }

    /// The result that did not reach the caller when it asked for the same before.
    pub(super) fn kept_result(&self, inode: u64, given: SocketAddr) -> Option<i32> {
        let (wanted, errno) = lock(&self.undelivered).remove(&inode)?;
        (wanted == given).then_some(errno)
    }

    /// The service listens there.
    pub(super) fn listens(&self, port: u16) {
        lock(&self.listening).insert(port);
    }

    /// Whether an address is one at which the service itself listens.
    pub(super) fn is_own(&self, addr: SocketAddr) -> bool {
        lock(&self.listening).contains(&addr.port()) && is_local(addr.ip())
    }

    /// We made a socket for the service. It stays ours too until it is used.
    pub(super) fn made(&self, socket: OwnedFd, by: Pid) -> io::Result<u64> {
        let inode = inode_of(&socket)?;
        let is_stream = is_tcp(&socket);
        let made = Made {
            socket: Arc::new(socket),
            // Threads come and go; whether a datagram socket is still open is asked of the process.
            by: match is_stream {
                true => by,
                false => process::leader(by).unwrap_or(by),
            },
        };
        let all = match is_stream {
            true => &self.made,
            false => &self.made_others,
        };
        lock(all).insert(inode, made, |made| {
            made.retain(|inode, made| has_socket(made.by, *inode));
        });
        Ok(inode)
    }

    /// A socket that we made is the service's alone from now on: while we hold it, the service's
    /// closing it would not free its port.
    pub(super) fn let_go(&self, inode: u64) -> Option<Arc<OwnedFd>> {
        match self.unused(inode) {
            Some(made) => Some(made.socket),
            None => self.held.let_go(inode),
        }
    }

    /// The same of the socket that the call's first argument is.
    pub(super) fn let_go_of(&self, call: &Call) {
        if self.way == Outbound::Inject
            && let Some(inode) = self.inode(call)
        {
            self.let_go(inode);
        }
    }

    /// A socket that we made is used now.
    fn unused(&self, inode: u64) -> Option<Made> {
        let made = lock(&self.made).map.remove(&inode);
        made.or_else(|| lock(&self.made_others).map.remove(&inode))
    }

    /// The socket that the call's first argument is, and that we made, stays ours while the service
    /// has it.
    pub(super) fn hold(&self, call: &Call, inode: u64) {
        if let Some(Made { socket, .. }) = self.unused(inode) {
            let by = process::leader(call.by()).unwrap_or(call.by());
            self.held.hold(inode, socket, by, call.int(0));
        }
    }

    /// The same of one that is about to be bound to a port, where what the service no longer has is
    /// let go.
    pub(super) fn bound(&self, call: &Call, inode: u64, port: u16) {
        self.hold(call, inode);
        if port != 0 {
            self.held.free(port);
        }
    }

    /// Lets go what the service has closed.
    pub(super) fn look_at_held(&self) {
        self.held.look();
    }
}

/// Whether a process, of which this is a thread, has a socket open. Where the thread is gone, the
/// process may have it.
fn has_socket(by: Pid, inode: u64) -> bool {
    fd_of(by, inode).is_some()
        || (fs::read_dir(format!("/proc/{by}/fd")).is_err() && process::leader(by).is_some())
}

/// The descriptor by which a process, of which this is a thread, has a socket open.
pub(super) fn fd_of(by: Pid, inode: u64) -> Option<i32> {
    let name = format!("socket:[{inode}]");
    let mut entries = fs::read_dir(format!("/proc/{by}/fd")).ok()?.flatten();
    let entry = entries.find(|entry| {
        fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == name.as_str())
    })?;
    entry.file_name().to_str()?.parse().ok()
}

/// The number of a socket of ours, the same in every process.
pub(super) fn inode_of(socket: &impl AsFd) -> io::Result<u64> {
    Ok(fstat(socket)?.st_ino)
}

/// Whether an address is one of this machine: only then can a socket be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

/// What a panic left behind is still whole: every change is one call.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether it is a stream of TCP or MPTCP.
pub(super) fn is_tcp(socket: &impl AsFd) -> bool {
    let socket = socket2::SockRef::from(socket);
    let is_stream = socket.r#type().is_ok_and(|t| t == socket2::Type::STREAM);
    is_stream
        && socket.protocol().is_ok_and(|protocol| {
            matches!(protocol, Some(p) if p == socket2::Protocol::TCP || p == socket2::Protocol::MPTCP)
        })
}
