//! Being the tracer of a thread for a moment (`ptrace(2)`).
//!
//! Some kernels let only a tracer write where a process itself may not
//! (`CONFIG_PROC_MEM_FORCE_PTRACE`, Linux 6.12; Debian's from 7.2 on). A tracer is a thread, and
//! what it traces is let go when it ends, whatever that does at the moment: so a thread of ours is
//! made for it. The other one is neither stopped nor told.
#![allow(unsafe_code)]

use std::io;

use super::process;

/// How often it is looked whether the tracer is gone, at most.
const LOOKS: usize = 10_000;

/// Does the work as the tracer of this thread, which waits for us meanwhile.
///
/// # Errors
/// It is traced already, or tracing it is not allowed; else those of the work.
pub fn while_tracing(thread: u32, work: impl FnOnce() -> io::Result<()> + Send) -> io::Result<()> {
    let done = std::thread::scope(|scope| {
        let tracer = std::thread::Builder::new().name("capture-trace".to_owned());
        let tracer = tracer.spawn_scoped(scope, || {
            seize(thread)?;
            work()
        })?;
        let panicked = |_| io::Error::other("the thread that traces panicked");
        tracer.join().map_err(panicked)?
    });
    // A thread is joined a moment before the kernel has let go what it traces.
    for _ in 0..LOOKS {
        if !process::is_traced(thread) {
            break;
        }
        std::thread::yield_now();
    }
    done
}

fn seize(thread: u32) -> io::Result<()> {
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request takes no pointers; its options, the last one, are none.
    let result =
        unsafe { libc::ptrace(libc::PTRACE_SEIZE, thread.cast_signed(), nothing, nothing) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
