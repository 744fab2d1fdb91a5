//! Replaces the time functions in a process's vDSO, so that any program, static ones too, reads the
//! time that a page of ours tells.
//!
//! The kernel maps the same vDSO into every process, as private memory: what is written there
//! through `/proc/PID/mem` concerns that process (and those that it forks) alone, and is gone with
//! the next `exec`. [`Patch::of_this_kernel`] reads our own vDSO once and works out what to write;
//! [`Patch::apply`] writes it into a process that has just been started.
//!
//! Three entries are overwritten by a jump into the [hook](hook): `clock_gettime`, `gettimeofday`
//! and `time`. The kernel's own `clock_gettime` stays usable through a copy of its first
//! instructions, so every other clock costs two comparisons more than before.

pub mod hook;
mod image;
mod relocate;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ability::is_refused;
use super::sys::trace;
use hook::{ORIGINAL_SPACE, hook};
use image::{Function, Image};
use relocate::{branches_into, distance, relocate};

/// `jmp` to a distance of 32 bits.
const JUMP: usize = 5;

/// The end of a jump's place in an entry that nothing of the function is kept of.
const NOP: u8 = 0x90;

/// What is written into a process's vDSO.
#[derive(Debug, Clone)]
pub struct Patch {
    /// Offset and bytes.
    writes: Vec<(u64, Vec<u8>)>,
    /// Where the kernel's `clock_gettime` begins, and the bytes that must stand there.
    guard: (u64, Vec<u8>),
    /// Where the address of the page goes.
    page: u64,
    /// Whether only a tracer may write there, as was found.
    only_traced: Arc<AtomicBool>,
}

/// Why a process could not be given another time.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// The kernel maps no vDSO, or one without the time functions.
    #[error("this kernel's vDSO cannot be read: {0}")]
    Image(&'static str),
    /// The code of the kernel's `clock_gettime` is not as we know it.
    #[error("this kernel's clock_gettime begins in a way that cannot be moved")]
    Code,
    /// There is no place for our code.
    #[error("this kernel's vDSO has no room for {0} bytes")]
    Room(usize),
    /// The process has another vDSO than we.
    #[error("process {0} has another vDSO")]
    Other(u32),
    /// The process's memory could not be written.
    #[error("failed to write into the vDSO of process {pid}: {source}")]
    Memory {
        /// The process.
        pid: u32,
        /// What the system said.
        source: io::Error,
    },
}

impl Patch {
    /// Works out what to write on this kernel.
    ///
    /// # Errors
    /// The vDSO is not as expected; see [`PatchError`].
    pub fn of_this_kernel() -> Result<Self, PatchError> {
        Self::of(&Image::own()?)
    }

    fn of(image: &Image) -> Result<Self, PatchError> {
        let hook = hook();
        let clock_gettime = image.function("__vdso_clock_gettime")?;
        let length = hook.code.len();
        // Nothing is left of `gettimeofday` behind the jump at its entry, so its body is room too.
        let place = image
            .room(length)
            .or_else(|| within(&image.function("__vdso_gettimeofday").ok()?, length))
            .ok_or(PatchError::Room(length))?;
        let original = place + hook.original as u64;
        let moved = relocate(clock_gettime.code, JUMP, clock_gettime.at, original)
            .filter(|moved| moved.code.len() + JUMP <= ORIGINAL_SPACE)
            .filter(|moved| !branches_into(clock_gettime.code, moved.taken))
            .ok_or(PatchError::Code)?;

        let mut code = hook.code.to_vec();
        let mut back = moved.code;
        let from = original + back.len() as u64;
        back.extend(jump(from, clock_gettime.at + moved.taken as u64)?);
        if let Some(space) = code.get_mut(hook.original..hook.original + back.len()) {
            space.copy_from_slice(&back);
        }

        let mut writes = vec![(place, code)];
        // `clock_gettime` comes last: until then nothing has changed for the process.
        for (name, entry) in [
            ("__vdso_time", hook.time),
            ("__vdso_gettimeofday", hook.gettimeofday),
            ("__vdso_clock_gettime", hook.clock_gettime),
        ] {
            let function = image.function(name)?;
            if function.code.len() < JUMP {
                return Err(PatchError::Code);
            }
            let mut bytes = jump(function.at, place + entry as u64)?.to_vec();
            if name == "__vdso_clock_gettime" {
                bytes.resize(moved.taken, NOP);
            }
            writes.push((function.at, bytes));
        }
        let guard = clock_gettime.code.iter().take(32).copied().collect();
        Ok(Patch {
            writes,
            guard: (clock_gettime.at, guard),
            page: place + hook.page as u64,
            only_traced: Arc::new(AtomicBool::new(is_refused("proc_mem"))),
        })
    }

    /// Writes it into a process that executes nothing at the moment. Gives whether there was
    /// anything to write: not where it has been written before.
    ///
    /// # Errors
    /// The process's memory cannot be written, or its vDSO is another one.
    pub fn apply(&self, pid: u32) -> Result<bool, PatchError> {
        let fail = |source| PatchError::Memory { pid, source };
        let Some((base, memory)) = open(pid).map_err(fail)? else {
            return Err(PatchError::Image("the process has none"));
        };
        let mut there = vec![0; self.guard.1.len()];
        memory
            .read_exact_at(&mut there, base + self.guard.0)
            .map_err(fail)?;
        if there != self.guard.1 {
            let ours = self
                .writes
                .last()
                .is_some_and(|(_, jump)| there.starts_with(jump));
            return if ours {
                Ok(false)
            } else {
                Err(PatchError::Other(pid))
            };
        }
        let writes = self.writes.iter();
        let writes = writes.map(|(offset, bytes)| (base + offset, bytes.as_slice()));
        self.write(pid, &memory, writes).map_err(fail)?;
        Ok(true)
    }

    /// Tells the code in a process where it mapped the page, or [`hook::REAL_TIME`].
    ///
    /// # Errors
    /// The process's memory cannot be written.
    pub fn tell(&self, pid: u32, page: u64) -> Result<(), PatchError> {
        let fail = |source| PatchError::Memory { pid, source };
        let Some((base, memory)) = open(pid).map_err(fail)? else {
            return Err(PatchError::Image("the process has none"));
        };
        let bytes = page.to_le_bytes();
        let write = std::iter::once((base + self.page, bytes.as_slice()));
        self.write(pid, &memory, write).map_err(fail)
    }

    /// Writes where the process itself may not: as its tracer, where the kernel asks for one.
    fn write<'b>(
        &self,
        pid: u32,
        memory: &File,
        writes: impl Iterator<Item = (u64, &'b [u8])> + Clone + Send + Sync,
    ) -> io::Result<()> {
        let all = || {
            let mut writes = writes.clone();
            writes.try_for_each(|(at, bytes)| memory.write_all_at(bytes, at))
        };
        if !self.only_traced.load(Ordering::Relaxed) {
            match all() {
                Err(error) if error.raw_os_error() == Some(libc::EIO) => {}
                done => return done,
            }
        }
        trace::while_tracing(pid, all)?;
        self.only_traced.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the code in a process knows a page already.
    pub fn knows_page(&self, pid: u32) -> bool {
        let mut word = [0; 8];
        matches!(open(pid), Ok(Some((base, memory)))
            if memory.read_exact_at(&mut word, base + self.page).is_ok() && word != [0; 8])
    }
}

/// A process's memory and where its vDSO stands.
fn open(pid: u32) -> io::Result<Option<(u64, File)>> {
    let Some(base) = image::vdso_of(&format!("/proc/{pid}/auxv"))? else {
        return Ok(None);
    };
    let memory = OpenOptions::new()
        .read(true)
        .write(true)
        .open(format!("/proc/{pid}/mem"))?;
    Ok(Some((base, memory)))
}

/// An offset behind the entry of a function where its own code has room for `length` bytes.
fn within(function: &Function<'_>, length: usize) -> Option<u64> {
    let begin = function.at.checked_add(JUMP as u64)?;
    let place = begin.checked_next_multiple_of(16)?;
    let end = function.at.checked_add(function.code.len() as u64)?;
    (place.checked_add(length as u64)? <= end).then_some(place)
}

fn jump(from: u64, to: u64) -> Result<[u8; JUMP], PatchError> {
    let [a, b, c, d] = distance(from + JUMP as u64, to).ok_or(PatchError::Code)?;
    Ok([0xe9, a, b, c, d])
}

#[cfg(test)]
mod tests;
