//! The listener of a filter: which calls wait, and what they are answered (`linux/seccomp.h`).
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// `struct seccomp_notif`, with `struct seccomp_data` in it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Notice {
    /// The number of this notification.
    pub id: u64,
    /// The thread whose call waits.
    pub pid: u32,
    flags: u32,
    /// The number of the call.
    pub call: i32,
    arch: u32,
    instruction: u64,
    /// The arguments.
    pub arguments: [u64; 6],
}

#[repr(C)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

#[repr(C)]
struct AddFd {
    id: u64,
    flags: u32,
    source: u32,
    target: u32,
    target_flags: u32,
}

const RECV: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;
const ID_VALID: libc::c_ulong = 0x4008_2102;
const ADD_FD: libc::c_ulong = 0x4018_2103;
const SET_FLAGS: libc::c_ulong = 0x4008_2104;

const CONTINUE: u32 = 1;
const ADD_FD_SEND: u32 = 2;
const SYNC_WAKE_UP: u64 = 1;

/// The listener.
#[derive(Debug)]
pub struct Listener(OwnedFd);

impl Listener {
    /// Takes the descriptor that the child sent.
    pub fn new(fd: OwnedFd) -> Self {
        Listener(fd)
    }

    /// Asks for the wake-up that stays on one processor; true where the kernel has it (6.6).
    pub fn sync_wake_up(&self) -> bool {
        // SAFETY: the flags are the argument itself, no pointer.
        unsafe { libc::ioctl(self.0.as_raw_fd(), SET_FLAGS as _, SYNC_WAKE_UP) == 0 }
    }

    /// Takes the next call that waits.
    ///
    /// # Errors
    /// `NotFound`: it was withdrawn meanwhile.
    pub fn receive(&self) -> io::Result<Notice> {
        let mut notice = Notice::default();
        // SAFETY: the kernel writes a `struct seccomp_notif`, of which Notice is the layout.
        done(unsafe { libc::ioctl(self.0.as_raw_fd(), RECV as _, &raw mut notice) })?;
        Ok(notice)
    }

    /// Answers with a value, or with an error number where that is not 0. False where the call no
    /// longer waits.
    pub fn answer(&self, id: u64, value: i64, error: i32) -> bool {
        self.send(&Answer {
            id,
            value,
            error: -error,
            flags: 0,
        })
    }

    /// Lets the kernel run the call as it is.
    pub fn proceed(&self, id: u64) -> bool {
        self.send(&Answer {
            id,
            value: 0,
            error: 0,
            flags: CONTINUE,
        })
    }

    /// Whether the call still waits: then its thread is the one that asked, and its memory and its
    /// descriptors are what they were.
    pub fn still_waits(&self, id: u64) -> bool {
        // SAFETY: the kernel reads the eight bytes of the number.
        unsafe { libc::ioctl(self.0.as_raw_fd(), ID_VALID as _, &raw const id) == 0 }
    }

    /// Gives the caller this descriptor as the call's result (5.14).
    ///
    /// # Errors
    /// `NotFound`: the call no longer waits. Else the caller's own limit, for example.
    pub fn give(&self, id: u64, fd: BorrowedFd<'_>, close_on_exec: bool) -> io::Result<()> {
        let add = AddFd {
            id,
            flags: ADD_FD_SEND,
            source: fd.as_raw_fd().cast_unsigned(),
            target: 0,
            target_flags: if close_on_exec {
                libc::O_CLOEXEC.cast_unsigned()
            } else {
                0
            },
        };
        // SAFETY: the kernel reads a `struct seccomp_notif_addfd`, of which AddFd is the layout.
        done(unsafe { libc::ioctl(self.0.as_raw_fd(), ADD_FD as _, &raw const add) })
    }

    fn send(&self, answer: &Answer) -> bool {
        // SAFETY: the kernel reads a `struct seccomp_notif_resp`, of which Answer is the layout.
        unsafe { libc::ioctl(self.0.as_raw_fd(), SEND as _, std::ptr::from_ref(answer)) == 0 }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
