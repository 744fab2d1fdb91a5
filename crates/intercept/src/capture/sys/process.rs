//! Processes and their descriptors, as `/proc` and pidfds show them.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

/// `PIDFD_THREAD` (6.9) is `O_EXCL`: a descriptor for a thread that leads no process.
const THREAD: u32 = libc::O_EXCL.cast_unsigned();

/// A descriptor for a thread, or for the process that it belongs to.
///
/// # Errors
/// It has ended, or the kernel has no such descriptors (before 5.3).
pub fn open(thread: u32) -> io::Result<OwnedFd> {
    let pid = |raw: u32| {
        Pid::from_raw(raw.cast_signed()).ok_or(io::Error::from(io::ErrorKind::InvalidInput))
    };
    let this = pid(thread)?;
    let flags = PidfdFlags::from_bits_retain(THREAD);
    if let Ok(fd) = pidfd_open(this, PidfdFlags::empty()).or_else(|_| pidfd_open(this, flags)) {
        return Ok(fd);
    }
    let leader = leader(thread).ok_or(io::Error::from(io::ErrorKind::NotFound))?;
    Ok(pidfd_open(pid(leader)?, PidfdFlags::empty())?)
}

/// A duplicate of a descriptor of the process: the same open file.
///
/// # Errors
/// There is none of this number, or it is not allowed.
pub fn duplicate(process: &OwnedFd, fd: i32) -> io::Result<OwnedFd> {
    Ok(pidfd_getfd(process, fd, PidfdGetfdFlags::empty())?)
}

/// The process that a thread belongs to.
pub fn leader(thread: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    field(&status, "Tgid:")?.parse().ok()
}

/// The name of a program.
pub fn name(thread: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{thread}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

/// The inode of a socket among the descriptors of a thread.
pub fn socket_inode(thread: u32, fd: i32) -> Option<u64> {
    let link = fs::read_link(format!("/proc/{thread}/fd/{fd}")).ok()?;
    let name = link.to_str()?.strip_prefix("socket:[")?;
    name.strip_suffix(']')?.parse().ok()
}

/// Whether a signal waits for the thread that it neither blocks nor ignores.
pub fn has_signal(thread: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{thread}/status")) else {
        return false;
    };
    let mask = |name| field(&status, name).and_then(|mask| u64::from_str_radix(mask, 16).ok());
    let pending = mask("SigPnd:").unwrap_or(0) | mask("ShdPnd:").unwrap_or(0);
    pending & !mask("SigBlk:").unwrap_or(0) & !mask("SigIgn:").unwrap_or(0) != 0
}

/// Whether a thread has a tracer.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub fn is_traced(thread: u32) -> bool {
    fs::read_to_string(format!("/proc/{thread}/status"))
        .is_ok_and(|status| field(&status, "TracerPid:").is_some_and(|tracer| tracer != "0"))
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim())
}
