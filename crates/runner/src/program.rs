//! Why a program cannot be started, as its file shows.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::machine;

/// How much of a first line is read, in bytes (`execve(2)`).
const HEAD: usize = 256;

/// Why the system would not start this command, and what to do; none where no reason is known.
pub(crate) fn hint(program: &str) -> Option<String> {
    let Some(path) = machine::find(program).filter(|path| path.exists()) else {
        return Some(match program.contains('/') {
            true => "there is no such file: check the spelling, and the folder it is started in"
                .to_owned(),
            false => format!(
                "no program of this name is in the PATH: check the spelling; one in this folder is written `./{program}`"
            ),
        });
    };
    let shown = path.display();
    let about = fs::metadata(&path).ok()?;
    if about.is_dir() {
        return Some("it is a folder: name the program in it".to_owned());
    }
    if about.permissions().mode() & 0o111 == 0 {
        return Some(format!(
            "it is not executable: `chmod +x {shown}`, or start it by its interpreter (`python3 {shown}`)"
        ));
    }
    if let Some(interpreter) = interpreter(&path).filter(|path| !path.exists()) {
        let interpreter = interpreter.display();
        return Some(format!(
            "its first line names the interpreter {interpreter}, which is not there: install it or correct the line"
        ));
    }
    None
}

/// The interpreter of a script (`execve(2)`).
fn interpreter(path: &Path) -> Option<PathBuf> {
    let mut head = Vec::with_capacity(HEAD);
    let file = fs::File::open(path).ok()?;
    let limit = u64::try_from(HEAD).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut head).ok()?;
    let line = head
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let text = std::str::from_utf8(line).ok()?;
    text.split_ascii_whitespace().next().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], mode: u32, expected: Option<&str>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("app");
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        let found = hint(path.to_str().expect("text"));
        match (found, expected) {
            (None, None) => {}
            (Some(found), Some(expected)) => assert!(found.contains(expected), "{found}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn the_reason_why_a_program_does_not_start_is_found_in_its_file() {
        check(b"#!/bin/sh\n", 0o755, None);
        check(b"echo no first line\n", 0o755, None);
        check(b"", 0o755, None);
        check(b"\x7fELF\x02\x01", 0o755, None);
        check(b"print(1)\n", 0o644, Some("chmod +x"));
        check(
            b"#!/no/such/python3 -u\n",
            0o755,
            Some("/no/such/python3, which is not there"),
        );
        assert!(hint("/tmp").is_some_and(|hint| hint.contains("folder")));
        assert!(hint("./no-such-file").is_some_and(|hint| hint.contains("no such file")));
        assert!(hint("no-such-program").is_some_and(|hint| hint.contains("./no-such-program")));
    }
}
