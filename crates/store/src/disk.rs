//! Files that are there whole or not at all, and files that are what they seem.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// What the name of a file begins with until it is whole. Readers leave such files alone; the
/// next writer removes them.
pub(crate) const UNFINISHED: &str = ".tmp-";

/// Writes a file: beside its place first, then renamed into it. Whoever looks sees what was
/// there before, or all of `bytes`. The file may be read by whoever the umask allows.
///
/// The rename is atomic to every reader and survives the end of this process. What survives a
/// loss of power is up to [`sync`].
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o644));
    }
    let mut file = builder
        .tempfile_in(folder)
        .map_err(StoreError::io("write", path))?;
    file.as_file_mut()
        .write_all(bytes)
        .map_err(StoreError::io("write", path))?;
    match file.persist(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::io("write", path)(error.error)),
    }
}

/// Makes sure that these files survive a loss of power. Done once for all of them at the end:
/// by then the system has written most, while waiting for each would slow the recording down.
pub(crate) fn sync(files: &[PathBuf]) -> Result<(), StoreError> {
    for path in files {
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(StoreError::io("write", path))?;
    }
    Ok(())
}

/// Creates a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(StoreError::io("create", path))
}

/// Removes files that were never finished.
pub(crate) fn remove_unfinished(folder: &Path) {
    // What cannot be listed or removed does no harm: readers leave it alone.
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The names in a folder that do not begin with a point, sorted; none where there is no folder.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("read", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StoreError::io("read", folder))?;
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Why a file is not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// There is no such file.
    Missing,
    /// It is there, and is refused: why.
    Refused(String),
    /// The file system refused.
    Io(io::Error),
}

/// Reads a file that must lie below `folder` (links are followed, and must not lead out of it),
/// be an ordinary file, and be no longer than `most` bytes.
pub(crate) fn read_below(folder: &Path, path: &Path, most: u64) -> Result<Vec<u8>, Unread> {
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unread::Missing,
        _ => Unread::Io(error),
    };
    let real = path.canonicalize().map_err(missing)?;
    let folder = folder.canonicalize().map_err(missing)?;
    if !real.starts_with(&folder) {
        let what = format!("it is a link that leads out of {}", folder.display());
        return Err(Unread::Refused(what));
    }
    let kind = fs::metadata(&real).map_err(missing)?;
    // Opening a pipe would wait for its writer.
    if !kind.is_file() {
        return Err(Unread::Refused("it is not an ordinary file".to_owned()));
    }
    let too_long = || {
        let mib = most >> 20;
        Unread::Refused(format!("it is longer than {mib} MiB"))
    };
    if kind.len() > most {
        return Err(too_long());
    }
    let file = File::open(&real).map_err(missing)?;
    let mut bytes = Vec::with_capacity(usize::try_from(kind.len()).unwrap_or_default());
    // It may have grown since.
    let read = file.take(most + 1).read_to_end(&mut bytes);
    match read {
        Ok(_) if bytes.len() as u64 > most => Err(too_long()),
        Ok(_) => Ok(bytes),
        Err(error) => Err(Unread::Io(error)),
    }
}
