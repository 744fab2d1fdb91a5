//! How the next command is called: as this one was, so that it can be copied.

use std::path::Path;

use retake_report::Again;
use retake_store::Store;

use crate::cli::DIR;

/// The next commands for the recordings in that store, and for a run that is in a folder of its own.
pub fn again(store: &Store, run: Option<&Path>) -> Again {
    Again {
        retake: retake(store),
        run: run.map(|run| word(&run.to_string_lossy())),
    }
}

/// The program as it was called, with the folder of the recordings where that is not the usual one.
pub fn retake(store: &Store) -> String {
    let program = std::env::args().next();
    let program = word(program.as_deref().unwrap_or("retake"));
    match store.root() == Path::new(DIR) {
        true => program,
        false => format!("{program} --dir {}", word(&store.root().to_string_lossy())),
    }
}

/// One word for a POSIX shell.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_it_otherwise() {
        for (text, expect) in [
            ("target/release/retake", "target/release/retake"),
            ("my recordings", "'my recordings'"),
            ("it's", r"'it'\''s'"),
            ("$HOME/*", "'$HOME/*'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), expect, "{text}");
        }
    }

    #[test]
    fn another_folder_of_recordings_is_named() {
        let usual = again(&Store::new(DIR), None);
        assert!(!usual.retake.contains("--dir"), "{usual:?}");
        assert_eq!(usual.run, None);
        let other = again(&Store::new("my recordings"), Some(Path::new("out/run 1")));
        assert!(
            other.retake.ends_with(" --dir 'my recordings'"),
            "{other:?}"
        );
        assert_eq!(other.run.as_deref(), Some("'out/run 1'"));
    }
}
