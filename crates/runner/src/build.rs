//! Which build of a service runs: hashes of the files that its command names.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes. A build with a larger one has no fingerprint.
const LARGEST: u64 = 512 << 20;

/// The files that a command names, by the word that names each: its program, as the system finds
/// it, and every argument that is a file. The value is the BLAKE3 hash of the content, in hex.
/// Empty where one of them cannot be read: half a fingerprint would say more than is known.
///
/// What these files load beside themselves (libraries, modules) is not in it, nor is the
/// environment.
pub fn build_of(command: &[String]) -> BTreeMap<String, String> {
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
    }
    build
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
        let of = |words: &[&str]| build_of(&command(words));
        let first = of(&["sh", &word, "--port", "8080"]);
        let words: Vec<&str> = first.keys().map(String::as_str).collect();
        assert_eq!(words.len(), 2, "{words:?}");
        assert_eq!(first, of(&["sh", &word, "--port", "9090"]));
        fs::write(&script, "two").expect("written");
        assert_ne!(first, of(&["sh", &word]));
        fs::write(&script, "one").expect("written");
        assert_eq!(first, of(&["sh", &word]));
        assert!(of(&["no-such-program-here", &word]).is_empty());
        assert!(of(&[]).is_empty());
    }
}
