//! The recorded time, for the app on replay.
//!
//! A process that starts a program makes the C library (or Go's runtime) set its thread pointer by
//! `arch_prctl`: a few calls for each program. There its [vDSO](super::vdso) is patched, and from
//! then on it reads the time from [a page](super::page) that [`Clock::set`] changes for all
//! processes at once.
//!
//! Two things ask the kernel's own clock and are answered here:
//! - system calls that tell the time, of programs that use no vDSO;
//! - waits until a moment of the wall clock (`pthread_cond_timedwait`, `sem_timedwait`,
//!   `clock_nanosleep`, `timerfd_settime`, …): the moment is moved to as far away on the kernel's
//!   clock, in the caller's memory, which the kernel reads when the call goes on.
//!
//! Everything else is real: the time stamps of files, for one.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::call::Call;
use super::page::TimePage;
use super::sys::tell::{Tell, When};
use super::timeline::{Moment, MonotonicNanos, Slot, UnixNanos};
use super::vdso::hook::{ASK, MAPPED, REAL_TIME};
use super::vdso::{Patch, PatchError};

const BILLION: i64 = 1_000_000_000;

/// How many moments that were given are remembered.
const MAX_GIVEN: usize = 256;

/// `arch_prctl` code: the thread pointer is set (asm/prctl.h). Once for each program.
pub const ARCH_SET_FS: u32 = 0x1002;

/// `prctl` code by which a process restricts its system calls (linux/prctl.h).
const PR_SET_SECCOMP: u32 = 22;

/// `futex`: the time is a moment of the wall clock (linux/futex.h).
const FUTEX_CLOCK_REALTIME: u32 = 256;

/// `futex` operations whose time is always such a moment.
const FUTEX_LOCK_PI: u32 = 6;
const FUTEX_LOCK_PI_PRIVATE: u32 = 128 | FUTEX_LOCK_PI;

/// The clocks that we answer for (linux/time.h).
const REALTIME: u32 = 0;
const REALTIME_COARSE: u32 = 5;

/// The system calls of futex2 (Linux 5.16 and 6.7), which libc does not name yet.
const SYS_FUTEX_WAITV: i64 = 449;
const SYS_FUTEX_WAIT: i64 = 455;

/// Why the time cannot be the recorded one.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// This kernel's code is not known.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// There is no memory to share.
    #[error("no page of memory to share the time by: {0}")]
    Page(#[from] io::Error),
}

/// The clock of all processes of the app.
#[derive(Debug)]
pub struct Clock {
    page: TimePage,
    patch: Patch,
    /// Moments that were written into the memory of callers, the last ones.
    given: Mutex<VecDeque<UnixNanos>>,
    failed: AtomicU64,
    reason: OnceLock<String>,
}

/// How many programs saw the real time all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfrozen {
    /// How many.
    pub programs: u64,
    /// Why the first of them did.
    pub reason: String,
}

impl Clock {
    /// A clock that begins at `time` and runs; `first` is when the first test was recorded, which
    /// it does not run past.
    ///
    /// # Errors
    /// This kernel does not allow it; see [`ClockError`].
    pub fn new(time: UnixNanos, first: Option<UnixNanos>) -> Result<Self, ClockError> {
        let mut slot = Slot::running(time, monotonic());
        if let Some(first) = first {
            slot.free = first.saturating_sub(time).max(0);
        }
        Ok(Clock {
            page: TimePage::new(slot)?,
            patch: Patch::of_this_kernel()?,
            given: Mutex::default(),
            failed: AtomicU64::new(0),
            reason: OnceLock::new(),
        })
    }

    /// Tries it on a process that waits for us, and that reads no time afterwards.
    pub(super) fn attempt(pid: u32) -> Result<(), PatchError> {
        Patch::of_this_kernel()?.apply(pid).map(drop)
    }

    /// A test begins.
    pub fn set(&self, test: Moment) {
        self.page.change(|slot| slot.for_test(test, monotonic()));
    }

    /// What the app sees now.
    pub fn now(&self) -> UnixNanos {
        self.page.slot().at(monotonic())
    }

    /// The programs that saw the real time; none where there was no such one.
    pub fn unfrozen(&self) -> Option<Unfrozen> {
        let programs = self.failed.load(Ordering::Relaxed);
        (programs > 0).then(|| Unfrozen {
            programs,
            reason: self.reason.get().cloned().unwrap_or_default(),
        })
    }

    /// The calls that are told to us for the clock's sake.
    ///
    /// `killable` says that a call which waits for us is never withdrawn: only then the memory of
    /// its caller may be written.
    pub(super) fn tells(killable: bool) -> Vec<Tell> {
        let mut tells = vec![
            Tell::new(libc::SYS_arch_prctl, &[When::Is(0, ARCH_SET_FS)]),
            Tell::new(libc::SYS_arch_prctl, &[When::Either(0, ASK, MAPPED)]),
            Tell::new(libc::SYS_seccomp, &[]),
            Tell::new(libc::SYS_prctl, &[When::Is(0, PR_SET_SECCOMP)]),
        ];
        if killable {
            let absolute = When::Has(1, 1);
            tells.extend([
                Tell::new(
                    libc::SYS_futex,
                    &[When::Has(1, FUTEX_CLOCK_REALTIME), When::Pointer(3)],
                ),
                Tell::new(
                    libc::SYS_futex,
                    &[
                        When::Either(1, FUTEX_LOCK_PI, FUTEX_LOCK_PI_PRIVATE),
                        When::Pointer(3),
                    ],
                ),
                Tell::new(
                    libc::SYS_clock_nanosleep,
                    &[When::Is(0, REALTIME), absolute],
                ),
                Tell::new(libc::SYS_timerfd_settime, &[absolute]),
                Tell::new(libc::SYS_timer_settime, &[absolute]),
                Tell::new(libc::SYS_mq_timedsend, &[When::Pointer(4)]),
                Tell::new(libc::SYS_mq_timedreceive, &[When::Pointer(4)]),
                Tell::new(SYS_FUTEX_WAITV, &[When::Pointer(3), When::Is(4, REALTIME)]),
                Tell::new(SYS_FUTEX_WAIT, &[When::Pointer(4), When::Is(5, REALTIME)]),
                Tell::new(
                    libc::SYS_clock_gettime,
                    &[When::Either(0, REALTIME, REALTIME_COARSE)],
                ),
                Tell::new(libc::SYS_gettimeofday, &[]),
                Tell::new(libc::SYS_time, &[]),
            ]);
        }
        tells
    }

    /// Answers one of them.
    pub(super) fn answer(&self, call: Call) {
        match call.number() {
            libc::SYS_arch_prctl => self.arch_prctl(call),
            libc::SYS_seccomp | libc::SYS_prctl => self.restricts(call),
            libc::SYS_clock_gettime | libc::SYS_gettimeofday | libc::SYS_time => self.tell(call),
            _ => self.wait(call),
        }
    }

    fn arch_prctl(&self, call: Call) {
        let address = call.argument(1);
        match u32::try_from(call.argument(0)) {
            Ok(ARCH_SET_FS) => {
                if let Err(error) = self.patch.apply(call.by()) {
                    self.fail(&error);
                }
                call.proceed();
            }
            Ok(ASK) => {
                let pid = call.by();
                if let Err(error) = call.give(self.page.file(), true) {
                    let _ = self.patch.tell(pid, REAL_TIME);
                    self.fail(&error);
                }
            }
            Ok(MAPPED) => {
                // The address of a mapping, or the error of `mmap` as the kernel returns it.
                let mapped = address.cast_signed() > 0;
                let page = if mapped { address } else { REAL_TIME };
                // Two threads may both have mapped it; either mapping serves.
                match self.patch.tell(call.by(), page) {
                    Ok(()) if mapped => {}
                    Ok(()) => self.fail(&"the program can map no memory"),
                    Err(error) => self.fail(&error),
                }
                call.succeed(0);
            }
            _ => call.proceed(),
        }
    }

    /// A process is about to restrict its own system calls: if it has not mapped the page yet, it
    /// might be killed for trying to.
    fn restricts(&self, call: Call) {
        let pid = call.by();
        if !self.patch.knows_page(pid) && self.patch.tell(pid, REAL_TIME).is_ok() {
            self.fail(&"it restricts its own system calls (seccomp) before it reads the time");
        }
        call.proceed();
    }

    /// A system call that tells the time, of a program that does not use the vDSO.
    fn tell(&self, call: Call) {
        let now = self.now();
        let (seconds, nanos) = (now.div_euclid(BILLION), now.rem_euclid(BILLION));
        let (first, second) = (call.argument(0), call.argument(1));
        let mut value = 0;
        let written = match call.number() {
            libc::SYS_clock_gettime => put(&call, second, [seconds, nanos]),
            libc::SYS_time => {
                value = seconds;
                match first {
                    0 => Ok(()),
                    into => write(&call, into, &seconds.to_ne_bytes()),
                }
            }
            _ => {
                let zone = match second {
                    0 => Ok(()),
                    into => write(&call, into, &[0; 8]), // UTC, no summer time
                };
                zone.and_then(|()| match first {
                    0 => Ok(()),
                    into => put(&call, into, [seconds, nanos / 1000]),
                })
            }
        };
        match written {
            Ok(()) => call.succeed(value),
            Err(_) => call.fail(libc::EFAULT),
        };
    }

    /// Moves the moment until which a call waits; the call then goes on.
    fn wait(&self, call: Call) {
        let mut bytes = [0; 16];
        if let Some(address) = waits_until(&call)
            && call
                .read(address, &mut bytes)
                .is_ok_and(|n| n == bytes.len())
            && call.still_waits()
        {
            self.move_moment(&call, address, bytes);
        }
        call.proceed();
    }

    fn move_moment(&self, call: &Call, address: u64, bytes: [u8; 16]) {
        let (seconds, nanos) = bytes.split_at(8);
        let word = |half: &[u8]| half.first_chunk().map_or(0, |b| i64::from_ne_bytes(*b));
        let (seconds, nanos) = (word(seconds), word(nanos));
        if !(0..BILLION).contains(&nanos) {
            return; // The kernel refuses it.
        }
        let wanted = seconds.saturating_mul(BILLION).saturating_add(nanos);
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.contains(&wanted) {
            return; // It is waited for again.
        }
        let Some(moved) = self.page.slot().deadline(wanted, monotonic(), real()) else {
            return;
        };
        if given.len() >= MAX_GIVEN {
            given.pop_front();
        }
        given.push_back(moved);
        let words = [moved.div_euclid(BILLION), moved.rem_euclid(BILLION)];
        if put(call, address, words).is_err() {
            // For the kernel the moment has passed: the wait ends at once.
            self.fail(&"it keeps the end of a wait in memory that cannot be written");
        }
    }

    fn fail(&self, reason: &dyn std::fmt::Display) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let _ = self.reason.set(reason.to_string());
    }
}

/// Where a call has the moment until which it waits, if that is one of the wall clock.
fn waits_until(call: &Call) -> Option<u64> {
    // The second half of `struct itimerspec`; the first is the interval.
    let value = |index| call.argument(index).checked_add(16);
    match call.number() {
        libc::SYS_futex | SYS_FUTEX_WAITV => Some(call.argument(3)),
        SYS_FUTEX_WAIT | libc::SYS_mq_timedsend | libc::SYS_mq_timedreceive => {
            Some(call.argument(4))
        }
        libc::SYS_clock_nanosleep => Some(call.argument(2)),
        libc::SYS_timerfd_settime if timerfd_is_realtime(call) => value(2),
        libc::SYS_timer_settime if timer_is_realtime(call) => value(2),
        _ => None,
    }
}

/// proc(5), `/proc/pid/fdinfo`: `clockid: 0` for a timer of the wall clock.
fn timerfd_is_realtime(call: &Call) -> bool {
    std::fs::read_to_string(format!("/proc/{}/fdinfo/{}", call.by(), call.int(0)))
        .is_ok_and(|text| text.lines().any(|line| line == "clockid: 0"))
}

/// proc(5), `/proc/pid/timers`: a block of lines for each timer, `ID:` first, `ClockID:` last.
fn timer_is_realtime(call: &Call) -> bool {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{}/timers", call.by())) else {
        return false;
    };
    let id = format!("ID: {}", call.int(0));
    text.lines()
        .skip_while(|line| *line != id)
        .find_map(|line| line.strip_prefix("ClockID: "))
        == Some("0")
}

fn put(call: &Call, address: u64, words: [i64; 2]) -> io::Result<()> {
    let mut bytes = [0; 16];
    for (into, word) in bytes.chunks_exact_mut(8).zip(words) {
        into.copy_from_slice(&word.to_ne_bytes());
    }
    write(call, address, &bytes)
}

fn write(call: &Call, address: u64, bytes: &[u8]) -> io::Result<()> {
    if call.write(address, bytes)? == bytes.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

fn monotonic() -> MonotonicNanos {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec * BILLION + time.tv_nsec
}

fn real() -> UnixNanos {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    time.tv_sec * BILLION + time.tv_nsec
}
