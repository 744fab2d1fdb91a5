//! What a program was built for.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The machines that are met, as `e_machine` of ELF numbers them.
const MACHINES: [(u16, &str); 10] = [
    (3, "x86 (32 bits)"),
    (8, "MIPS"),
    (20, "PowerPC"),
    (21, "PowerPC (64 bits)"),
    (22, "IBM Z"),
    (40, "ARM (32 bits)"),
    (62, "x86_64"),
    (183, "arm64"),
    (243, "RISC-V"),
    (258, "LoongArch"),
];

/// The machine that a command's program was built for, where that is another than ours. None for
/// scripts, and for what cannot be read.
pub(crate) fn foreign(program: &str) -> Option<&'static str> {
    let mut head = [0; 20];
    File::open(find(program)?)
        .ok()?
        .read_exact(&mut head)
        .ok()?;
    let built_for = name(&head)?;
    let ours = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        ours => ours,
    };
    (built_for != ours).then_some(built_for)
}

/// The machine of an ELF file, by its first bytes: the order of bytes is at 5, `e_machine` at 18.
fn name(head: &[u8; 20]) -> Option<&'static str> {
    let [0x7f, b'E', b'L', b'F', _, order, .., a, b] = *head else {
        return None;
    };
    let machine = match order {
        2 => u16::from_be_bytes([a, b]),
        _ => u16::from_le_bytes([a, b]),
    };
    let known = MACHINES.iter().find(|(number, _)| *number == machine);
    Some(known.map_or("another machine", |(_, name)| name))
}

/// Where the program is that the system would start.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Whether the system runs programs of other machines by an emulator (`binfmt_misc`).
pub(crate) fn has_emulators() -> bool {
    let Ok(entries) = Path::new("/proc/sys/fs/binfmt_misc").read_dir() else {
        return false;
    };
    let own = ["register", "status"];
    entries
        .flatten()
        .any(|entry| !own.iter().any(|name| entry.file_name() == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_stands_in_the_head() {
        let mut head = [0; 20];
        assert_eq!(name(&head), None);
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[18] = 183;
        assert_eq!(name(&head), Some("arm64"));
        head[5] = 2;
        assert_eq!(name(&head), Some("another machine"));
        head[18..].copy_from_slice(&[0, 22]);
        assert_eq!(name(&head), Some("IBM Z"));
    }

    #[test]
    fn programs_of_this_machine_are_not_foreign() {
        assert_eq!(foreign("sh"), None);
        assert_eq!(foreign("no-such-program"), None);
    }
}
