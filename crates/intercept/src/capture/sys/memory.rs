//! The memory of a process whose call waits for us.
//!
//! By the system calls that are made for it; where those alone are forbidden (Docker's profile
//! before 23.0, Podman's and others' older ones), by `/proc/PID/mem`, for which the kernel asks for
//! the same right (`PTRACE_MODE_ATTACH`) and no seccomp filter is asked.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the system calls are known to be forbidden, so that they are not tried each time.
static FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// Takes the system calls for forbidden, as a test simulates it.
pub fn forbid_calls() {
    FORBIDDEN.store(true, Ordering::Relaxed);
}

/// Reads at most as many bytes as the buffer has; fewer where the memory ends before.
///
/// # Errors
/// The address is not of the process, or reading it is not allowed.
pub fn read(pid: u32, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let called = match FORBIDDEN.load(Ordering::Relaxed) {
        false => by_call(pid, address, buffer),
        true => Err(io::Error::from_raw_os_error(libc::EPERM)),
    };
    or_by_file(called, || File::open(path(pid))?.read_at(buffer, address))
}

fn by_call(pid: u32, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let ours = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let theirs = remote(address, buffer.len())?;
    // SAFETY: the kernel writes into the buffer at most its length; the other address is checked
    // by the kernel, in the other process.
    done(unsafe { libc::process_vm_readv(raw(pid), &raw const ours, 1, &raw const theirs, 1, 0) })
}

/// Writes the bytes; only while the caller is sure to wait (a kernel with waits that only a fatal
/// signal ends), for its memory may be used again otherwise.
///
/// # Errors
/// The address is not of the process, not writable, or writing it is not allowed.
pub fn write(pid: u32, address: u64, bytes: &[u8]) -> io::Result<usize> {
    let called = match FORBIDDEN.load(Ordering::Relaxed) {
        false => write_by_call(pid, address, bytes),
        true => Err(io::Error::from_raw_os_error(libc::EPERM)),
    };
    // The file writes also where the process itself may not, as into its constants: such a wrong
    // address of a program's is then no error.
    or_by_file(called, || {
        let memory = OpenOptions::new().write(true).open(path(pid))?;
        memory.write_at(bytes, address)
    })
}

fn write_by_call(pid: u32, address: u64, bytes: &[u8]) -> io::Result<usize> {
    let ours = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let theirs = remote(address, bytes.len())?;
    // SAFETY: the kernel only reads our bytes; the other address is checked by the kernel, in the
    // other process.
    done(unsafe { libc::process_vm_writev(raw(pid), &raw const ours, 1, &raw const theirs, 1, 0) })
}

fn path(pid: u32) -> String {
    format!("/proc/{pid}/mem")
}

/// What the call came to; where it is forbidden, what the file comes to, if that may be opened.
fn or_by_file(
    called: io::Result<usize>,
    by_file: impl FnOnce() -> io::Result<usize>,
) -> io::Result<usize> {
    match called {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOSYS)) => {
            let done = by_file().map_err(|from_file| match from_file.raw_os_error() {
                // Nothing is mapped there; the call has another name for it.
                Some(libc::EIO) => io::Error::from_raw_os_error(libc::EFAULT),
                _ => error,
            })?;
            forbid_calls();
            Ok(done)
        }
        called => called,
    }
}

fn remote(address: u64, len: usize) -> io::Result<libc::iovec> {
    let address = usize::try_from(address).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(libc::iovec {
        iov_base: std::ptr::without_provenance_mut(address),
        iov_len: len,
    })
}

fn raw(pid: u32) -> libc::pid_t {
    pid.cast_signed()
}

fn done(count: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}
