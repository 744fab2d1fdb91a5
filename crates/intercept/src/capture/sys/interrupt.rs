//! Ends what a thread of ours waits for in the kernel, by a signal whose handler does nothing.
#![allow(unsafe_code)]

use std::io;

/// A thread of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thread(pub libc::pid_t);

/// The signal: one of those for programs' own use that nobody else takes first.
fn signal() -> libc::c_int {
    libc::SIGRTMAX() - 3
}

extern "C" fn nothing(_: libc::c_int) {}

/// Prepares this process: the signal then ends waits, and nothing else. Programs that are started
/// do not inherit that.
///
/// # Errors
/// None that is known.
pub fn prepare() -> io::Result<()> {
    // SAFETY: zero is a valid value of every field of this plain C structure.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(libc::c_int) = nothing;
    action.sa_sigaction = handler as libc::sighandler_t;
    // SAFETY: the action outlives the call; its handler does nothing, which is safe anywhere.
    if unsafe { libc::sigaction(signal(), &raw const action, std::ptr::null_mut()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// This thread.
pub fn here() -> Thread {
    // SAFETY: takes nothing, and always succeeds.
    Thread(unsafe { libc::gettid() })
}

impl Thread {
    /// Ends its wait with `EINTR`, if it waits; it is to be done again until the thread is seen to
    /// have noticed. A thread that has ended is let be.
    pub fn interrupt(self) {
        // SAFETY: numbers only; the signal goes to a thread of this process, where its handler is
        // the one of `prepare`.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), self.0, signal()) };
    }
}
