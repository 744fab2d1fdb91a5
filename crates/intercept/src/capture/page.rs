//! The page of memory from which every process under the clock reads the time.
//!
//! One memory file, mapped by us to write and by each process to read. A fork inherits the mapping,
//! so all processes follow one store of ours at once.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::timeline::{PAGE, SLOT, Slot};

/// How many slots the page has. A new time takes the next one, so that a reader that was stopped in
/// the middle of one still finds it whole: that many times have to be set before it is overwritten.
const SLOTS: usize = PAGE / SLOT - 1;

/// The page and its file.
#[derive(Debug)]
pub struct TimePage {
    file: OwnedFd,
    words: NonNull<AtomicU64>,
    in_force: Mutex<(usize, Slot)>,
}

// SAFETY: the pointer leads to a mapping of `PAGE` bytes that lives as long as the value, and is
// used for atomic accesses alone.
unsafe impl Send for TimePage {}
// SAFETY: as above; writers are ordered by the mutex.
unsafe impl Sync for TimePage {}

impl TimePage {
    /// A page with this time.
    ///
    /// # Errors
    /// The system has no memory file to give.
    pub fn new(slot: Slot) -> io::Result<Self> {
        // SAFETY: the name is a C string; the result is checked.
        let fd = unsafe { libc::memfd_create(c"retake-time".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let file = unsafe { OwnedFd::from_raw_fd(fd) };
        let length = libc::off_t::try_from(PAGE).map_err(io::Error::other)?;
        // SAFETY: the descriptor is open.
        if unsafe { libc::ftruncate(file.as_raw_fd(), length) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new shared mapping of a file of that length; the result is checked.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        let words = NonNull::new(address.cast::<AtomicU64>())
            .filter(|_| address != libc::MAP_FAILED)
            .ok_or_else(io::Error::last_os_error)?;
        let page = TimePage {
            file,
            words,
            in_force: Mutex::new((0, slot)),
        };
        page.change(|_| slot);
        Ok(page)
    }

    /// The file, for a process to map.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// What is in force.
    pub fn slot(&self) -> Slot {
        self.in_force
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
    }

    /// Puts another one in force, for every process at once.
    pub fn change(&self, next: impl FnOnce(Slot) -> Slot) {
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = next(in_force.1);
        let number = in_force.0 % SLOTS + 1;
        for (word, value) in slot.bytes().into_iter().enumerate() {
            self.word(number * SLOT / 8 + word)
                .store(value, Ordering::Relaxed);
        }
        self.word(0)
            .store((number * SLOT) as u64, Ordering::Release);
        *in_force = (number, slot);
    }

    fn word(&self, number: usize) -> &AtomicU64 {
        // SAFETY: `number` is below PAGE / 8: at most SLOTS * SLOT / 8 + 2. The mapping is aligned
        // to pages and lives as long as `self`.
        unsafe { self.words.add(number).as_ref() }
    }
}

impl Drop for TimePage {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no reference into it outlives `self`.
        unsafe { libc::munmap(self.words.as_ptr().cast::<c_void>(), PAGE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_takes_the_next_place_and_the_first_word_points_to_it() {
        let page = TimePage::new(Slot::running(1, 2)).expect("a page");
        let read = |word: usize| page.word(word).load(Ordering::Relaxed);
        for round in 0..300 {
            let offset = usize::try_from(read(0)).expect("small");
            assert_eq!(offset % SLOT, 0);
            assert!((SLOT..PAGE).contains(&offset), "{offset}");
            assert_eq!(read(offset / 8 + 1), 1 + round);
            page.change(|slot| Slot::running(slot.time + 1, 2));
        }
    }
}
