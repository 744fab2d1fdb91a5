//! Our own vDSO, read as the ELF file that it is.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use super::PatchError;

/// `AT_SYSINFO_EHDR`: the auxiliary vector's entry for the vDSO's address (getauxval(3)).
const VDSO: u64 = 33;

/// More than any vDSO has; kernels map two pages.
const MAX: u64 = 64 * 1024;

/// The bytes that the kernel maps into every process.
#[derive(Debug)]
pub struct Image {
    bytes: Vec<u8>,
}

/// One function of it.
#[derive(Debug, Clone, Copy)]
pub struct Function<'i> {
    /// Its offset from the beginning of the image.
    pub at: u64,
    /// Its code.
    pub code: &'i [u8],
}

impl Image {
    /// Reads our own.
    pub fn own() -> Result<Self, PatchError> {
        let unreadable = |_| PatchError::Image("/proc/self cannot be read");
        let base = vdso_of("/proc/self/auxv")
            .map_err(unreadable)?
            .ok_or(PatchError::Image("there is none"))?;
        let maps = std::fs::read_to_string("/proc/self/maps").map_err(unreadable)?;
        let end = maps
            .lines()
            .find_map(|line| {
                let (from, to) = line.split(' ').next()?.split_once('-')?;
                (u64::from_str_radix(from, 16).ok()? == base)
                    .then(|| u64::from_str_radix(to, 16).ok())?
            })
            .ok_or(PatchError::Image("it is not among the mappings"))?;
        let length = usize::try_from(end.saturating_sub(base).min(MAX)).unwrap_or(0);
        let mut bytes = vec![0; length];
        File::open("/proc/self/mem")
            .and_then(|memory| memory.read_exact_at(&mut bytes, base))
            .map_err(unreadable)?;
        Ok(Image { bytes })
    }

    /// The same without room in its last page.
    #[cfg(test)]
    pub fn full(mut self) -> Self {
        self.bytes.reverse();
        self.bytes
            .iter_mut()
            .take_while(|b| **b == 0)
            .for_each(|b| *b = 0xff);
        self.bytes.reverse();
        self
    }

    /// A function by its name.
    pub fn function(&self, name: &str) -> Result<Function<'_>, PatchError> {
        self.symbol(name)
            .ok_or(PatchError::Image("a time function is not in it"))
    }

    /// An offset where `length` bytes are mapped and used by nothing: the rest of the last page.
    pub fn room(&self, length: usize) -> Option<u64> {
        let used = self.bytes.iter().rposition(|b| *b != 0)? + 1;
        let place = used.checked_next_multiple_of(16)?;
        (place.checked_add(length)? <= self.bytes.len()).then_some(place as u64)
    }

    /// ELF-64 object format, figures 2 to 9 (the program headers' dynamic segment leads to the
    /// symbols and their names; the names follow the symbols in every vDSO).
    fn symbol(&self, name: &str) -> Option<Function<'_>> {
        let headers = self.word(32)?;
        let dynamic = (0..u64::from(self.half(56)?))
            .map(|i| headers + i * 56)
            .find(|at| self.half(*at) == Some(2) && self.half(at + 2) == Some(0))
            .and_then(|at| self.word(at + 8))?;
        let entry = |tag: u64| {
            (0..64)
                .map(|i| dynamic + i * 16)
                .take_while(|at| self.word(*at).is_some_and(|t| t != 0))
                .find(|at| self.word(*at) == Some(tag))
                .and_then(|at| self.word(at + 8))
        };
        let (names, symbols) = (entry(5)?, entry(6)?);
        (symbols..names)
            .step_by(24)
            .find(|at| self.name(*at, names) == Some(name.as_bytes()))
            .and_then(|at| {
                let (begin, size) = (self.word(at + 8)?, self.word(at + 16)?);
                let (from, to) = (
                    usize::try_from(begin).ok()?,
                    usize::try_from(begin.checked_add(size)?).ok()?,
                );
                Some(Function {
                    at: begin,
                    code: self.bytes.get(from..to)?,
                })
            })
    }

    fn name(&self, symbol: u64, names: u64) -> Option<&[u8]> {
        let at = names + (u64::from(self.half(symbol)?) | u64::from(self.half(symbol + 2)?) << 16);
        let rest = self.bytes.get(usize::try_from(at).ok()?..)?;
        rest.get(..rest.iter().position(|b| *b == 0)?)
    }

    fn half(&self, at: u64) -> Option<u16> {
        let bytes = self.bytes.get(usize::try_from(at).ok()?..)?;
        bytes.first_chunk().map(|b| u16::from_le_bytes(*b))
    }

    fn word(&self, at: u64) -> Option<u64> {
        let bytes = self.bytes.get(usize::try_from(at).ok()?..)?;
        bytes.first_chunk().map(|b| u64::from_le_bytes(*b))
    }
}

/// The vDSO's address as an auxiliary vector tells it.
pub fn vdso_of(auxv: &str) -> io::Result<Option<u64>> {
    let mut bytes = Vec::new();
    File::open(auxv)?.read_to_end(&mut bytes)?;
    Ok(bytes.chunks_exact(16).find_map(|entry| {
        let (tag, value) = entry.split_first_chunk()?;
        (u64::from_le_bytes(*tag) == VDSO)
            .then(|| value.first_chunk().map(|v| u64::from_le_bytes(*v)))?
    }))
}
