//! The memory of a process whose call waits for us.
#![allow(unsafe_code)]

use std::io;

/// Reads at most as many bytes as the buffer has; fewer where the memory ends before.
///
/// # Errors
/// The address is not of the process, or reading it is not allowed.
pub fn read(pid: u32, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
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
    let ours = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let theirs = remote(address, bytes.len())?;
    // SAFETY: the kernel only reads our bytes; the other address is checked by the kernel, in the
    // other process.
    done(unsafe { libc::process_vm_writev(raw(pid), &raw const ours, 1, &raw const theirs, 1, 0) })
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
