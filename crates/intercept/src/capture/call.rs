//! One system call of the service that waits for an answer.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::Pid;
use super::sys::memory;
use super::sys::notify::{Listener, Notice};

/// A system call that waits. It is answered once, by one of the methods that take it; one that is
/// dropped goes on in the kernel as if we were not there.
#[derive(Debug)]
pub(super) struct Call {
    notice: Notice,
    listener: Arc<Listener>,
    answered: bool,
}

impl Call {
    pub(super) fn new(notice: Notice, listener: Arc<Listener>) -> Self {
        Call {
            notice,
            listener,
            answered: false,
        }
    }

    /// The number of the system call.
    pub(super) fn number(&self) -> i64 {
        i64::from(self.notice.call)
    }

    /// The thread that waits.
    pub(super) fn by(&self) -> Pid {
        self.notice.pid
    }

    /// An argument that is an address or a length; 0 where the call has none.
    pub(super) fn argument(&self, index: usize) -> u64 {
        self.notice.arguments.get(index).copied().unwrap_or(0)
    }

    /// An argument that is an `int`: its lower half, as the kernel reads it.
    pub(super) fn int(&self, index: usize) -> i32 {
        let [a, b, c, d, ..] = self.argument(index).to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    /// Whether it still waits. What was read of the caller before is then true.
    pub(super) fn still_waits(&self) -> bool {
        self.listener.still_waits(self.notice.id)
    }

    /// Reads memory of the caller; as many bytes as the buffer has, or fewer where it ends.
    pub(super) fn read(&self, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
        memory::read(self.by(), address, buffer)
    }

    /// Writes memory of the caller. See [`memory::write`] for when that is safe.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> io::Result<usize> {
        memory::write(self.by(), address, bytes)
    }

    /// The kernel runs it as it is.
    pub(super) fn proceed(self) {
        drop(self);
    }

    /// It returns this value. False where it no longer waits.
    pub(super) fn succeed(mut self, value: i64) -> bool {
        self.answered = true;
        self.listener.answer(self.notice.id, value, 0)
    }

    /// It fails with this error number; with 0 it succeeds. False where it no longer waits.
    pub(super) fn fail(mut self, errno: i32) -> bool {
        self.answered = true;
        self.listener.answer(self.notice.id, 0, errno)
    }

    /// It returns a new descriptor of the same open file. False where it no longer waits.
    ///
    /// # Errors
    /// The caller's limit of open files, for example; it then goes on in the kernel.
    pub(super) fn give(mut self, fd: BorrowedFd<'_>, close_on_exec: bool) -> io::Result<bool> {
        let given = self.listener.give(self.notice.id, fd, close_on_exec);
        match given {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            given => {
                self.answered = true;
                Ok(given.is_ok())
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.answered {
            self.listener.proceed(self.notice.id);
        }
    }
}
