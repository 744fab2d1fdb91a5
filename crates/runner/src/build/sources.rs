//! The source files of a service that is run as it is written.

use std::fs;
use std::path::Path;

/// The endings of files that decide what a service does: of languages that are not compiled, and of
/// templates.
const ENDINGS: &[&str] = &[
    "cjs", "clj", "cts", "eex", "ejs", "erb", "ex", "exs", "graphql", "groovy", "haml", "hbs",
    "heex", "htm", "html", "j2", "jinja", "jinja2", "js", "jsx", "liquid", "lua", "mjs", "mts",
    "mustache", "php", "phtml", "pl", "pm", "psgi", "pug", "py", "rake", "rb", "ru", "slim", "sql",
    "tmpl", "ts", "tsx", "twig", "vue",
];

/// Folders of what others wrote, and of what is made of the sources.
const OTHERS: &[&str] = &[
    "__pycache__",
    "node_modules",
    "site-packages",
    "target",
    "vendor",
];

/// The file in the folder of a virtual environment of Python.
const ENVIRONMENT: &str = "pyvenv.cfg";

/// How many files and folders are looked at.
const MOST: usize = 20_000;

/// How much is read, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// How deep folders are entered.
const DEPTH: usize = 32;

/// The BLAKE3 hash, in hex, of the names and contents of the source files below a folder. Hidden
/// files are none, and no link is followed. Nothing where there are too many, or one cannot be read.
pub(super) fn hash(folder: &Path) -> Option<String> {
    let mut sources = Sources {
        hasher: blake3::Hasher::new(),
        seen: 0,
        bytes: 0,
    };
    sources.enter(folder, "", DEPTH)?;
    Some(sources.hasher.finalize().to_hex().to_string())
}

struct Sources {
    hasher: blake3::Hasher,
    seen: usize,
    bytes: u64,
}

impl Sources {
    /// Takes in what is in a folder, which is called so from where it was begun.
    fn enter(&mut self, folder: &Path, called: &str, depth: usize) -> Option<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).ok()? {
            self.seen += 1;
            if self.seen > MOST {
                return None;
            }
            entries.push(entry.ok()?);
        }
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let kind = entry.file_type().ok()?;
            let path = entry.path();
            let called = format!("{called}/{name}");
            if kind.is_dir() && !OTHERS.contains(&name) && !path.join(ENVIRONMENT).exists() {
                self.enter(&path, &called, depth.checked_sub(1)?)?;
            } else if kind.is_file() && is_source(name) {
                self.file(&path, &called)?;
            }
        }
        Some(())
    }

    fn file(&mut self, path: &Path, called: &str) -> Option<()> {
        self.bytes += fs::metadata(path).ok()?.len();
        if self.bytes > MOST_BYTES {
            return None;
        }
        let content = blake3::hash(&fs::read(path).ok()?);
        self.hasher.update(called.as_bytes());
        self.hasher.update(&[0]);
        self.hasher.update(content.as_bytes());
        Some(())
    }
}

fn is_source(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ENDINGS.iter().any(|e| e.eq_ignore_ascii_case(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_by_their_names_and_contents_and_nothing_else_is_in_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        let write = |path: &str, content: &str| {
            let path = at(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, content).expect("written");
            hash(folder.path())
        };
        let first = write("shop/views.py", "one");
        assert!(first.is_some());
        for (path, is_source) in [
            ("shop/urls.py", true),
            ("shop/page.HTML", true),
            ("log.txt", false),
            ("shop/db.sqlite3", false),
            (".git/hook.py", false),
            ("node_modules/left/index.js", false),
            ("env/pyvenv.cfg", false),
            ("env/lib/six.py", false),
            ("retake/recorded/set.yaml", false),
        ] {
            let before = hash(folder.path());
            assert_eq!(write(path, "x") != before, is_source, "{path}");
        }
        let before = hash(folder.path());
        assert_ne!(write("shop/views.py", "two"), before);
        assert_eq!(write("shop/views.py", "one"), before);
        fs::rename(at("shop/views.py"), at("shop/other.py")).expect("renamed");
        assert_ne!(hash(folder.path()), before);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let before = hash(folder.path());
        std::os::unix::fs::symlink("..", folder.path().join("up")).expect("linked");
        std::os::unix::fs::symlink("/etc/hosts", folder.path().join("x.py")).expect("linked");
        assert_eq!(hash(folder.path()), before);
    }
}
