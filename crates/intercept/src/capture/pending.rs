//! Connections whose destination takes its time.
//!
//! The service's socket waits as natively: it is connecting, to a listener of ours whose queue is
//! full. Once the destination answers, we connect back to it from that listener's port, and both
//! ends have opened at the same time. A blocking caller is held meanwhile, and let go when a
//! signal comes, as the kernel would. One thread waits for all of them.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use socket2::{SockRef, Socket};

use super::Pid;
use super::call::Call;
use super::connect::adopt;
use super::loopback::{Delayed, errno};
use super::sockets::{Taken, lock};
use super::supervisor::Core;
use super::sys::address::plain;
use super::sys::process;
use super::tcp_table;

/// What the kernel itself answers a call that a signal interrupted: it is restarted, or fails with
/// `EINTR`, as the program has asked for.
const RESTART: i32 = 512;
/// How often held callers are looked at for signals, while they are few.
const HELD_EVERY: Duration = Duration::from_millis(20);
/// How often it is looked whether the service closed what waits.
const CLOSED_EVERY: Duration = Duration::from_millis(250);
/// The token of the wake-up call: no socket has this number.
const WAKE: u64 = 0;

/// The connections that wait.
pub(super) struct Pending {
    waiting: Mutex<HashMap<u64, Waiting>>,
    epoll: OwnedFd,
    wake: Arc<OwnedFd>,
}

/// A connection that waits.
struct Waiting {
    upstream: Socket,
    given: SocketAddr,
    delayed: Delayed,
    by: Pid,
    fd: i32,
    /// The caller, where it is held.
    held: Option<Held>,
    /// The service's socket, where it cannot be had again later.
    kept: Option<Arc<OwnedFd>>,
}

struct Held {
    call: Call,
    /// When `SO_SNDTIMEO` ends its wait.
    until: Option<Instant>,
}

impl Pending {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let data = epoll::EventData::new_u64(WAKE);
        epoll::add(&epoll, &wake, data, epoll::EventFlags::IN)?;
        Ok(Pending {
            waiting: Mutex::default(),
            epoll,
            wake,
        })
    }

    /// Whether a socket waits.
    pub(super) fn has(&self, inode: u64) -> bool {
        lock(&self.waiting).contains_key(&inode)
    }

    /// The service gave the connection up.
    pub(super) fn forget(&self, inode: u64) {
        lock(&self.waiting).remove(&inode);
    }

    /// A second `connect` of a socket that waits: it is answered here, and the call comes back for
    /// every other socket.
    pub(super) fn again(&self, call: Call, taken: &Taken) -> Option<Call> {
        let mut waiting = lock(&self.waiting);
        let Some(this) = waiting.get_mut(&taken.inode) else {
            return Some(call);
        };
        if SockRef::from(&taken.socket).nonblocking().unwrap_or(true) {
            call.fail(libc::EALREADY);
        } else {
            this.held = Some(Held::new(call, taken));
            drop(waiting);
            self.wake_up();
        }
        None
    }

    fn wake_up(&self) {
        if let Err(error) = rustix::io::write(&self.wake, &1_u64.to_ne_bytes()) {
            tracing::error!(%error, "cannot wake the thread of slow connections");
        }
    }
}

impl Held {
    fn new(call: Call, taken: &Taken) -> Self {
        let limit = SockRef::from(&taken.socket).write_timeout().ok().flatten();
        Held {
            call,
            until: limit.map(|limit| Instant::now() + limit),
        }
    }
}

/// Lets the service's socket wait for its destination.
pub(super) fn begin(core: &Core, call: Call, taken: &Taken, given: SocketAddr, upstream: Socket) {
    let socket = SockRef::from(&taken.socket);
    let blocks = !socket.nonblocking().unwrap_or(true);
    // Only for the length of a `connect` that does not wait: the flag is the service's own too.
    let delayed = if blocks {
        let made = socket.set_nonblocking(true);
        let delayed = made.and_then(|()| core.loopback.delay(&taken.socket, given));
        if let Err(error) = socket.set_nonblocking(false) {
            tracing::error!(%error, "a socket cannot be made to block again");
        }
        delayed
    } else {
        core.loopback.delay(&taken.socket, given)
    };
    let (delayed, result) = match delayed {
        Ok(delayed) => delayed,
        Err(error) => {
            call.fail(errno(&error));
            return;
        }
    };
    core.sockets.remember(taken.inode, given);
    let data = epoll::EventData::new_u64(taken.inode);
    // The thread that waits is to find it, however soon the destination answers.
    let mut waiting = lock(&core.pending.waiting);
    let added = epoll::add(
        &core.pending.epoll,
        &upstream,
        data,
        epoll::EventFlags::OUT | epoll::EventFlags::ONESHOT,
    );
    if let Err(error) = added {
        tracing::error!(%error, "cannot wait for a slow connection");
        call.fail(libc::ENOMEM);
        return;
    }
    let kept = core.sockets.let_go(taken.inode);
    let (by, fd) = (call.by(), call.int(0));
    let (answer, held) = if blocks {
        (None, Some(Held::new(call, taken)))
    } else {
        (Some(call), None)
    };
    waiting.insert(
        taken.inode,
        Waiting {
            upstream,
            given,
            delayed,
            by,
            fd,
            held,
            kept,
        },
    );
    drop(waiting);
    if let Some(call) = answer {
        call.fail(result);
    }
    core.pending.wake_up();
}

/// Starts the thread that waits for all of them. It ends when nobody else has the core any more.
pub(super) fn start(core: &Arc<Core>) -> io::Result<()> {
    let epoll = core.pending.epoll.try_clone()?;
    // Kept by the thread too: a closed one would wake nobody.
    let wake = Arc::clone(&core.pending.wake);
    let core = Arc::downgrade(core);
    thread::Builder::new()
        .name("capture-slow".to_owned())
        .spawn(move || {
            let mut events = Vec::with_capacity(256);
            let mut next_closed = Instant::now();
            let mut pause = None;
            loop {
                events.clear();
                let waited = epoll::wait(&epoll, spare_capacity(&mut events), pause.as_ref());
                let Some(core) = core.upgrade() else {
                    return;
                };
                if let Err(error) = waited
                    && error != rustix::io::Errno::INTR
                {
                    tracing::error!(%error, "cannot wait for slow connections");
                    return;
                }
                for event in &events {
                    match event.data.u64() {
                        WAKE => drain(&wake),
                        inode => answered(&core, inode),
                    }
                }
                if Instant::now() >= next_closed {
                    let began = Instant::now();
                    drop_closed(&core);
                    next_closed = Instant::now() + CLOSED_EVERY.max(began.elapsed() * 20);
                }
                pause = look_at_held(&core);
            }
        })?;
    Ok(())
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.wake_up();
    }
}

fn drain(wake: &impl AsFd) {
    let mut count = [0; 8];
    // Its only error is that there is nothing to read.
    let _ = rustix::io::read(wake, &mut count);
}

/// The destination answered, or refused.
fn answered(core: &Core, inode: u64) {
    let Some(this) = lock(&core.pending.waiting).remove(&inode) else {
        return;
    };
    let refused = match this.upstream.take_error() {
        Ok(None) => None,
        Ok(Some(error)) | Err(error) => Some(error),
    };
    match refused {
        None => complete(core, this),
        Some(error) => fail(core, inode, this, errno(&error)),
    }
}

fn complete(core: &Core, this: Waiting) {
    match core.loopback.complete(&this.delayed) {
        Ok(client) => {
            if let Some(held) = this.held {
                held.call.succeed(0);
            }
            adopt(
                core,
                client,
                Some(this.upstream.into()),
                this.delayed.from,
                this.given,
                this.by,
            );
        }
        // It was closed meanwhile.
        Err(error) => {
            tracing::debug!(%error, given = %this.given, "a slow connection is gone");
            if let Some(held) = this.held {
                held.call.fail(libc::ECONNREFUSED);
            }
        }
    }
}

/// Ends the wait with an error: at once for a caller that is held, else as a refusal. A wait that
/// took too long ends by itself as the service's own does.
fn fail(core: &Core, inode: u64, this: Waiting, errno: i32) {
    core.director.refused(plain(this.given), errno, this.by);
    let socket = match this.kept {
        Some(kept) => Some(kept),
        None => core
            .sockets
            .at(this.by, this.fd)
            .ok()
            .filter(|taken| taken.inode == inode)
            .map(|taken| taken.socket),
    };
    if let Some(socket) = socket
        && (this.held.is_some() || errno != libc::ETIMEDOUT)
    {
        if let Err(error) = rustix::net::connect_unspec(&socket) {
            tracing::debug!(%error, "a slow connection cannot be ended");
        }
        if this.held.is_none() {
            core.loopback.refuse(&socket, this.given);
        }
    }
    core.sockets.forget(inode);
    if let Some(held) = this.held {
        held.call.fail(errno);
    }
}

/// Ends the dialling for sockets that the service closed.
fn drop_closed(core: &Core) {
    let mut waiting = lock(&core.pending.waiting);
    if waiting.is_empty() {
        return;
    }
    let sockets = tcp_table::in_use();
    waiting.retain(|inode, this| this.held.is_some() || sockets.get(inode) == Some(&true));
}

/// Lets go of callers that a signal or their own limit ends. Gives how long to wait for the next
/// look.
fn look_at_held(core: &Core) -> Option<Timespec> {
    let mut waiting = lock(&core.pending.waiting);
    let mut count = 0;
    for this in waiting.values_mut() {
        let Some(held) = &this.held else {
            continue;
        };
        count += 1;
        let answer = if !held.call.still_waits() {
            None
        } else if core.plan.ability.killable && process::has_signal(held.call.by()) {
            Some(RESTART)
        } else if held.until.is_some_and(|until| Instant::now() >= until) {
            Some(libc::EINPROGRESS)
        } else {
            continue;
        };
        if let (Some(held), Some(answer)) = (this.held.take(), answer) {
            held.call.fail(answer);
        }
    }
    let pause = match (count, waiting.len()) {
        (_, 0) => return None,
        (0, _) => CLOSED_EVERY,
        // Each look reads a file.
        (count, _) => HELD_EVERY.max(Duration::from_micros(400) * count),
    };
    Timespec::try_from(pause).ok()
}
