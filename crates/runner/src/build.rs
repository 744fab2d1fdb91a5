//! Which build of a service runs: hashes of the files that its command names, and of its sources
//! where these are run as they are.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use retake_model::SOURCES;

mod sources;

/// The largest file that is read, in bytes. A build with a larger one has no fingerprint.
const LARGEST: u64 = 512 << 20;

/// The files that a command names, by the word that names each: its program, as the system finds
/// it, and every argument that is a file. The value is the BLAKE3 hash of the content, in hex.
/// Where the program is none of the service's own (an interpreter, a starter), or is a script, the
/// source files below the folder in which it runs are in it, too, as [`SOURCES`]. Empty where
/// something of it cannot be read: half a fingerprint would say more than is known.
///
/// What they load from elsewhere (libraries, modules) is not in it, nor is the environment.
///
/// [`SOURCES`]: retake_model::SOURCES
pub fn build_of(command: &[String]) -> BTreeMap<String, String> {
    build_in(Path::new("."), command)
}

fn build_in(folder: &Path, command: &[String]) -> BTreeMap<String, String> {
    let mut build = BTreeMap::new();
    for (number, word) in command.iter().enumerate() {
        let path = match number {
            0 => program(word),
            _ => Some(PathBuf::from(word)),
        };
        // An argument that is no file names none.
        let Some(path) = path.filter(|path| path.is_file()) else {
            if number == 0 {
                return BTreeMap::new();
            }
            continue;
        };
        match hash(&path) {
            Some(hash) => build.insert(word.clone(), hash),
            None => return BTreeMap::new(),
        };
        if number == 0 && !is_compiled_here(&path, folder) {
            match sources::hash(folder) {
                Some(hash) => build.insert(SOURCES.to_owned(), hash),
                None => return BTreeMap::new(),
            };
        }
    }
    build
}

/// Whether a program is a file of machine code below the folder in which it runs: all of the service.
fn is_compiled_here(program: &Path, folder: &Path) -> bool {
    let below = match (program.canonicalize(), folder.canonicalize()) {
        (Ok(program), Ok(folder)) => program.starts_with(folder),
        _ => false,
    };
    let mut first = [0; 2];
    let read = File::open(program).and_then(|mut file| file.read_exact(&mut first));
    below && read.is_ok() && first != *b"#!"
}

/// Where the system finds a program: as it does itself (POSIX, `execvp`).
fn program(word: &str) -> Option<PathBuf> {
    if word.contains('/') {
        return Some(PathBuf::from(word));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(word))
        .find(|candidate| candidate.is_file())
}

fn hash(path: &Path) -> Option<String> {
    let length = fs::metadata(path).ok()?.len();
    if length > LARGEST {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path).ok()?).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_its_program_and_the_files_among_its_arguments() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("app.py");
        fs::write(&script, "one").expect("written");
        let word = script.display().to_string();
        let command = |words: &[&str]| -> Vec<String> {
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        let of = |words: &[&str]| build_in(folder.path(), &command(words));
        let first = of(&["sh", &word, "--port", "8080"]);
        let words: Vec<&str> = first.keys().map(String::as_str).collect();
        assert_eq!(words, [SOURCES, &*word, "sh"]);
        assert_eq!(first, of(&["sh", &word, "--port", "9090"]));
        fs::write(&script, "two").expect("written");
        assert_ne!(first, of(&["sh", &word]));
        fs::write(&script, "one").expect("written");
        assert_eq!(first, of(&["sh", &word]));
        assert!(of(&["no-such-program-here", &word]).is_empty());
        assert!(of(&[]).is_empty());
    }

    #[test]
    fn a_program_of_machine_code_in_its_folder_is_all_of_the_service() {
        let folder = tempfile::tempdir().expect("a folder");
        let of = |content: &str| {
            let program = folder.path().join("app");
            fs::write(&program, content).expect("written");
            fs::write(folder.path().join("app.py"), content).expect("written");
            build_in(folder.path(), &[program.display().to_string()])
        };
        assert_eq!(of("\u{7f}ELF").len(), 1);
        assert_eq!(of("#!/usr/bin/env python3").len(), 2);
    }
}
