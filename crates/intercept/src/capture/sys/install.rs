//! What happens in the child between `fork` and `exec`, and how its listener reaches us.
//!
//! Only what POSIX calls async-signal-safe may be done in the child: other threads of ours may
//! have held any lock at the moment of the fork. So nothing here allocates.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::filter::Instruction;

const SET_MODE_FILTER: libc::c_uint = 1;
const GET_ACTION_AVAIL: libc::c_uint = 2;
const RET_USER_NOTIF: u32 = 0x7fc0_0000;

const SPEC_ALLOW: libc::c_ulong = 1 << 2;
const NEW_LISTENER: libc::c_ulong = 1 << 3;
const WAIT_KILLABLE_RECV: libc::c_ulong = 1 << 5;

#[repr(C)]
struct Program {
    len: libc::c_ushort,
    filter: *const Instruction,
}

/// Whether the kernel knows notifications (5.0), and waits that only a fatal signal ends (5.19).
///
/// # Errors
/// The first is not there, or `seccomp` is forbidden.
pub fn kernel() -> io::Result<bool> {
    let action = RET_USER_NOTIF;
    // SAFETY: the kernel reads four bytes at the pointer, which outlives the call.
    let known = unsafe { libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAIL, 0, &raw const action) };
    if known < 0 {
        return Err(io::Error::last_os_error());
    }
    // Known flags without a program are a bad address; unknown flags are an invalid argument.
    let flags = NEW_LISTENER | WAIT_KILLABLE_RECV;
    let nothing: *const Program = std::ptr::null();
    // SAFETY: the kernel refuses the null pointer; no filter is installed.
    unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, flags, nothing) };
    Ok(io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT))
}

/// Installs the filter for this process and all that come from it, and sends the listener through
/// `to`. To be called in the child, before `exec`; allocates nothing.
///
/// # Errors
/// `EBUSY`: a listener is there already. Anything else: notifications are not allowed here.
pub fn install(program: &[Instruction], killable: bool, to: RawFd) -> io::Result<()> {
    let program = Program {
        len: libc::c_ushort::try_from(program.len()).unwrap_or(libc::c_ushort::MAX),
        filter: program.as_ptr(),
    };
    let mut flags = NEW_LISTENER | SPEC_ALLOW;
    if killable {
        flags |= WAIT_KILLABLE_RECV;
    }
    // Who may do without `no_new_privs` (root) does: it would disable file capabilities and sudo.
    let mut listener = set_filter(flags, &program);
    if matches!(&listener, Err(e) if e.raw_os_error() == Some(libc::EACCES)) {
        // SAFETY: takes no pointers.
        if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
        listener = set_filter(flags, &program);
    }
    // Dropped, and so closed, at the end: the service does not keep it.
    let listener = listener?;
    send(to, listener.as_raw_fd())
}

fn set_filter(flags: libc::c_ulong, program: &Program) -> io::Result<OwnedFd> {
    // SAFETY: the program's pointer and length are those of a slice that outlives the call.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            SET_MODE_FILTER,
            flags,
            std::ptr::from_ref(program),
        )
    };
    match RawFd::try_from(fd) {
        // SAFETY: the kernel gave the descriptor to us alone.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The control message of one descriptor, as large and aligned as `CMSG_SPACE` asks for.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    fd: RawFd,
    padding: u32,
}

fn send(to: RawFd, fd: RawFd) -> io::Result<()> {
    let mut byte = 1_u8;
    let mut piece = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    // SAFETY: zero is a valid value of every field of these plain C structures.
    let (mut control, mut message): (Control, libc::msghdr) = unsafe { std::mem::zeroed() };
    control.header.cmsg_level = libc::SOL_SOCKET;
    control.header.cmsg_type = libc::SCM_RIGHTS;
    control.header.cmsg_len = (size_of::<libc::cmsghdr>() + size_of::<RawFd>()) as _;
    control.fd = fd;
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    // SAFETY: the message points to locals that outlive the call.
    if unsafe { libc::sendmsg(to, &raw const message, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Takes what [`install`] sent.
///
/// # Errors
/// Nothing was sent: the child did not come so far.
pub fn receive(from: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut byte = 0_u8;
    let mut piece = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    // SAFETY: zero is a valid value of every field of these plain C structures.
    let (mut control, mut message): (Control, libc::msghdr) = unsafe { std::mem::zeroed() };
    control.fd = -1;
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    // SAFETY: the message points to locals that outlive the call.
    let got = unsafe { libc::recvmsg(from.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    if got < 0 {
        return Err(io::Error::last_os_error());
    }
    let whole = message.msg_flags & libc::MSG_CTRUNC == 0
        && control.header.cmsg_type == libc::SCM_RIGHTS
        && control.header.cmsg_level == libc::SOL_SOCKET;
    if got == 0 || !whole || control.fd < 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // SAFETY: the kernel put the descriptor there for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(control.fd) })
}
