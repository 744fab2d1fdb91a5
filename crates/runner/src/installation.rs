//! What belongs to this installation alone: the key by which secrets are hashed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What to do where the certificates of TLS cannot be had.
pub const CERTIFICATES_HINT: &str = "make the folder of the installation's state writable, or set \
     XDG_STATE_HOME; the files of `tls:` in retake.yaml are to be PEM";

/// The folder of this installation's state: `$XDG_STATE_HOME/retake`, else
/// `~/.local/state/retake` (XDG Base Directory Specification 0.8).
pub fn state_folder() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("retake"))
}

/// The installation's key: read, or made with mode 0600 where there is none yet.
///
/// # Errors
/// The folder or the file can neither be read nor made, or the file does not hold 32 bytes.
pub fn key(folder: &Path) -> io::Result<[u8; 32]> {
    let path = folder.join("redaction.key");
    match fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_| {
            let what = format!(
                "{} does not hold 32 bytes: move it away, a new one is made",
                path.display()
            );
            io::Error::new(io::ErrorKind::InvalidData, what)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(io::Error::other)?;
            let whole = folder.join(format!("redaction.key.{}", std::process::id()));
            // One that was left behind by a process of the same number may have another mode.
            let _ = fs::remove_file(&whole);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&whole)?;
            file.write_all(&key)?;
            // A link is there at once, whole, and cannot replace a file: of several recorders
            // that make the key in one moment the first one's stays.
            let linked = fs::hard_link(&whole, &path);
            fs::remove_file(&whole)?;
            match linked {
                Ok(()) => Ok(key),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self::key(folder),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = folder.path().join("a/b");
        let made = key(&state).expect("made");
        assert_eq!(key(&state).expect("read"), made);
        let mode = fs::metadata(state.join("redaction.key"))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("redaction.key"), b"short").expect("written");
        assert!(
            key(folder.path())
                .expect_err("damaged")
                .to_string()
                .contains("32 bytes")
        );
    }
}
