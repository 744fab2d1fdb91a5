//! What answers the calls of a service: threads that take them, and hand each to its handler.
//!
//! One of them waits for calls at a time (the kernel wakes whoever waits, so that more would only
//! be in each other's way), and goes on to answer the call that it took. It lets another one wait
//! meanwhile only where a call waits already: a service that connects from one thread is answered
//! by one thread, without a wake-up between threads of ours.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::process::Signal;

use super::accept::{self, Inbound};
use super::arm::NEW_LISTENER;
use super::call::Call;
use super::datagram::{self, Datagrams};
use super::family::{Family, Reaper};
use super::loopback::Loopback;
use super::pending::{self, Pending};
use super::sockets::{Sockets, lock};
use super::sys::interrupt::{self, Thread};
use super::sys::notify::Listener;
use super::sys::process;
use super::{Director, Pid, Plan, Uncaptured};
use super::{connect, files, inject, listen, names, unix};

/// How often it is looked whether orphans have ended.
const REAP_EVERY: Duration = Duration::from_millis(250);
/// Threads that answer, at most.
const THREADS: usize = 4;
/// How often whoever waits is told to stop, until it has heard.
const STOP_EVERY: Duration = Duration::from_millis(1);

/// Answers the calls of one service and of all that it starts. Dropping it ends that: further
/// calls of them fail with `ENOSYS`.
#[derive(Debug)]
pub struct Supervisor {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
    family: Family,
}

/// What the handlers share.
pub(super) struct Core {
    pub(super) listener: Arc<Listener>,
    pub(super) director: Arc<dyn Director>,
    pub(super) plan: Plan,
    pub(super) sockets: Sockets,
    pub(super) loopback: Loopback,
    pub(super) pending: Pending,
    pub(super) unix: unix::Door,
    pub(super) datagrams: Datagrams,
    /// None where inbound connections are not recorded.
    pub(super) inbound: Option<Inbound>,
}

impl Supervisor {
    pub(super) fn start(
        listener: Listener,
        plan: Plan,
        service: u32,
        director: Arc<dyn Director>,
    ) -> io::Result<Self> {
        interrupt::prepare()?;
        let together = listener.sync_wake_up();
        tracing::debug!(together, ability = %plan.ability, "answering system calls");
        let core = Arc::new(Core {
            listener: Arc::new(listener),
            director,
            inbound: (plan.inbound && plan.ability.inbound())
                .then(Inbound::new)
                .transpose()?,
            sockets: Sockets::new(plan.ability.outbound),
            plan,
            loopback: Loopback::open()?,
            pending: Pending::new()?,
            unix: unix::Door::open()?,
            datagrams: Datagrams::default(),
        });
        pending::start(&core)?;
        if core.inbound.is_some() {
            accept::start(&core)?;
        }
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || {
                answer_all(&core, &stopped);
                if let Some(inbound) = &core.inbound {
                    inbound.end();
                }
            })?;
        Ok(Supervisor {
            stop,
            thread: Some(thread),
            family: Family::new(service),
        })
    }

    /// Whether a process of the service may still run, also one that left its parent.
    pub fn has_processes(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Ends every process of the service that is left: with SIGTERM, or at once. Gives how many
    /// there were.
    pub fn end(&self, at_once: bool) -> usize {
        self.family
            .signal(if at_once { Signal::KILL } else { Signal::TERM })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Err(error) = rustix::io::write(&self.stop, &1_u64.to_ne_bytes()) {
            tracing::error!(%error, "cannot end the thread of capture");
            return;
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of capture panicked");
        }
    }
}

/// What the threads that answer share.
struct Crew {
    /// Held by the one that waits: whose call was taken last.
    turn: Mutex<Pid>,
    /// The thread that waits, for who ends its wait.
    waits: AtomicI32,
    over: AtomicBool,
}

/// Answers until it is told to stop, or nobody is left who could ask.
fn answer_all(core: &Arc<Core>, stop: &OwnedFd) {
    let crew = Crew {
        turn: Mutex::default(),
        waits: AtomicI32::new(0),
        over: AtomicBool::new(false),
    };
    let threads = match core.plan.ability.killable {
        true => thread::available_parallelism().map_or(1, |n| n.get().min(THREADS)),
        // A signal takes a call away while it is being answered, and the same call comes again: it
        // is to find what became of the first.
        false => 1,
    };
    thread::scope(|scope| {
        let answering: Vec<_> = (0..threads)
            .filter_map(|_| {
                let name = "capture-call".to_owned();
                let thread = thread::Builder::new().name(name);
                // With fewer of them it takes longer, no more.
                let thread = thread.spawn_scoped(scope, || answer(core, &crew));
                thread
                    .inspect_err(|error| tracing::error!(%error, "a thread of capture is missing"))
                    .ok()
            })
            .collect();
        if !answering.is_empty() {
            watch(core, stop);
        }
        crew.over.store(true, Ordering::Release);
        while answering.iter().any(|thread| !thread.is_finished()) {
            Thread(crew.waits.load(Ordering::Acquire)).interrupt();
            thread::sleep(STOP_EVERY);
        }
    });
}

/// Looks after orphans until it is to stop, or nobody is left who could ask.
fn watch(core: &Core, stop: &OwnedFd) {
    let mut reaper = Reaper::default();
    let mut looked = Instant::now();
    let every = Timespec::try_from(REAP_EVERY).ok();
    loop {
        let mut ready = [
            // Only for its end: calls wake who takes them.
            PollFd::from_borrowed_fd(core.listener.as_fd(), PollFlags::empty()),
            PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN),
        ];
        match poll(&mut ready, every.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "cannot wait for the end of the service");
                return;
            }
        }
        if ready.iter().any(|fd| !fd.revents().is_empty()) {
            return;
        }
        if looked.elapsed() >= REAP_EVERY {
            reaper.look();
            core.sockets.look_at_held();
            looked = Instant::now();
        }
    }
}

/// Takes calls and answers them, in turn with the others.
fn answer(core: &Arc<Core>, crew: &Crew) {
    let Thread(this) = interrupt::here();
    let mut kept = None;
    loop {
        let mut turn = kept.take().unwrap_or_else(|| lock(&crew.turn));
        crew.waits.store(this, Ordering::Release);
        if crew.over.load(Ordering::Acquire) {
            return;
        }
        match core.listener.receive() {
            Ok(notice) => {
                // A thread alone has one call at a time.
                let alone = std::mem::replace(&mut *turn, notice.pid) == notice.pid;
                if alone || !has_call(core) {
                    kept = Some(turn);
                } else {
                    drop(turn);
                }
                dispatch(core, Call::new(notice, Arc::clone(&core.listener)));
            }
            // Withdrawn meanwhile: its thread was killed, or took a signal. Or nobody is left, or
            // we are to stop, of which the next round hears.
            Err(error) if withdrawn(&error) => {
                thread::yield_now();
                kept = Some(turn);
            }
            Err(error) => {
                tracing::error!(%error, "cannot take system calls");
                return;
            }
        }
    }
}

/// Whether one more call waits.
fn has_call(core: &Core) -> bool {
    let mut ready = [PollFd::from_borrowed_fd(
        core.listener.as_fd(),
        PollFlags::IN,
    )];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let [calls] = match poll(&mut ready, Some(&now)) {
        Ok(_) => ready.map(|fd| fd.revents()),
        Err(_) => return false,
    };
    calls.contains(PollFlags::IN)
}

fn withdrawn(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::Interrupted
    )
}

/// One handler per system call, each in its file.
fn dispatch(core: &Arc<Core>, call: Call) {
    if call.number() == libc::SYS_seccomp && call.argument(1) & u64::from(NEW_LISTENER) != 0 {
        let program = process::name(call.by());
        core.director.passed(Uncaptured::Filter(program));
    }
    match call.number() {
        libc::SYS_connect => connect::connect(core, call),
        libc::SYS_socket => inject::socket(core, call),
        libc::SYS_bind => inject::bind(core, call),
        libc::SYS_listen => listen::listen(core, call),
        libc::SYS_accept4 => accept::accept(core, call),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_accept => accept::accept(core, call),
        libc::SYS_sendto => datagram::sendto(core, call),
        libc::SYS_recvfrom | libc::SYS_recvmsg => datagram::receive(core, call),
        libc::SYS_getpeername => names::getpeername(core, call),
        libc::SYS_getsockname => names::getsockname(core, call),
        libc::SYS_openat => files::openat(core, call),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open => files::open(core, call),
        _ => match &core.plan.clock {
            Some(clock) => clock.answer(call),
            None => call.proceed(),
        },
    }
}
