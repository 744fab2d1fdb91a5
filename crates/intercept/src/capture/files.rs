//! Which files the app gets others for: its files of authorities, with ours at their end, and the
//! settings of c-ares, with our name server.
//!
//! A file is known by what is in it, not by where it stands: any PEM file whose first certificate
//! is an authority's (the system's bundle, certifi's, grpc's, a company's own, the one that
//! `sslrootcert` names), and Java's store by its name. What the app opens is a file in memory, with
//! a position of its own.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Resolver;
use super::call::Call;
use super::supervisor::Core;
use super::sys::tell::{Tell, When};
use super::trust::{Trust, pem, read};

/// How a file of certificates is named. A name with none of these is not even opened.
const ENDINGS: &[&[u8]] = &[b".pem", b".crt", b".cer", b".cert", b".ca-bundle"];

/// Where resolvers look for name servers.
const RESOLVERS: &str = "/etc/resolv.conf";

/// How Java's stores are named.
const JAVA: &[&[u8]] = &[b"/security/cacerts", b"/java/cacerts"];

/// The longest path, in bytes (`PATH_MAX`).
const MAX_PATH: usize = 4096;

/// How many substitutes are kept. A system has one or two files that clients read.
const MAX_KEPT: usize = 64;

/// The substitutes.
#[derive(Debug)]
pub struct Files {
    trust: Trust,
    kept: Mutex<HashMap<Key, Option<File>>>,
}

/// A file as it was: the same inode with another time or size is another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    device: u64,
    inode: u64,
    size: u64,
    seconds: i64,
    nanos: i64,
}

impl Files {
    /// Substitutes that trust this authority.
    pub fn new(trust: Trust) -> Self {
        Files {
            trust,
            kept: Mutex::default(),
        }
    }

    /// What process `pid` gets for `path`, which it opens for reading; `None` where it gets the
    /// file itself. `folder` is the descriptor that a relative path begins at, negative for the
    /// current folder.
    pub fn instead_of(&self, pid: u32, folder: i32, path: &[u8]) -> Option<File> {
        if !ENDINGS.iter().chain(JAVA).any(|end| path.ends_with(end)) {
            return None;
        }
        let path = seen_by(pid, folder, path);
        let metadata = std::fs::metadata(&path).ok().filter(Metadata::is_file)?;
        // What not everybody may read is no file of authorities, and we may be able to read what
        // the app may not.
        if metadata.mode() & 0o004 == 0 {
            return None;
        }
        let key = Key {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            seconds: metadata.mtime(),
            nanos: metadata.mtime_nsec(),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.contains_key(&key) {
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
            let made = self
                .make(&path)
                .and_then(|content| in_memory(&content).ok());
            kept.insert(key, made);
        }
        let file = kept.get(&key)?.as_ref()?;
        // Opened anew, so that each reader has a position of its own.
        File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
    }

    /// The calls that are told to us: opening for reading, as it is done for a certificate's sake.
    ///
    /// OpenSSL and Java open files without `O_CLOEXEC`; what programs open much of (Python its
    /// modules, Node its packages, the linker its libraries) they open with it. So of the calls
    /// with it only those of programs at a fixed address are told, which Go's are. Who opens a file
    /// of authorities otherwise is told of ours by a variable (GnuTLS in wget and git, Rust).
    pub(super) fn tells() -> Vec<Tell> {
        let others = libc::O_ACCMODE | libc::O_CREAT | libc::O_DIRECTORY | libc::O_PATH;
        let others = others.cast_unsigned();
        let on_exec = libc::O_CLOEXEC.cast_unsigned();
        let flags = |index| {
            vec![
                When::Lacks(index, others),
                When::LacksUnlessFixed(index, on_exec),
            ]
        };
        vec![
            Tell {
                call: libc::SYS_openat,
                when: flags(2),
            },
            #[cfg(target_arch = "x86_64")]
            Tell {
                call: libc::SYS_open,
                when: flags(1),
            },
        ]
    }

    fn make(&self, path: &Path) -> Option<Vec<u8>> {
        if JAVA
            .iter()
            .any(|end| path.as_os_str().as_bytes().ends_with(end))
        {
            return read(&self.trust.java_store);
        }
        let content = read(path)?;
        let ours = memchr::memmem::find(&content, &self.trust.authority).is_some();
        (!ours && pem::is_of_authorities(&content)).then(|| self.trust.with_ours(&content))
    }
}

/// `openat`.
pub(super) fn openat(core: &Core, call: Call) {
    let (folder, path, flags) = (call.int(0), call.argument(1), call.int(2));
    substitute(core, call, folder, path, flags);
}

/// `open`, which old programs and those without a C library use.
#[cfg(target_arch = "x86_64")]
pub(super) fn open(core: &Core, call: Call) {
    let (path, flags) = (call.argument(0), call.int(1));
    substitute(core, call, libc::AT_FDCWD, path, flags);
}

fn substitute(core: &Core, call: Call, folder: i32, path: u64, flags: i32) {
    let plan = &core.plan;
    let instead = read_path(&call, path).and_then(|path| match (&plan.names, &plan.files) {
        (Some(names), _) if path == RESOLVERS.as_bytes() => resolvers(names, call.by()),
        (_, Some(files)) => files.instead_of(call.by(), folder, &path),
        _ => None,
    });
    match instead {
        Some(file) => {
            let close_on_exec = flags & libc::O_CLOEXEC != 0;
            if let Err(error) = call.give(file.as_fd(), close_on_exec) {
                tracing::debug!(%error, "the service opens its own file");
            }
        }
        None => call.proceed(),
    }
}

/// The settings that c-ares reads to find its name servers; others are left theirs, who may not
/// know a port behind an address.
fn resolvers(names: &Resolver, pid: u32) -> Option<File> {
    if !has_c_ares(pid) {
        return None;
    }
    let theirs = std::fs::read_to_string(seen_by(pid, 0, RESOLVERS.as_bytes())).ok()?;
    in_memory(names.settings(&theirs)?.as_bytes()).ok()
}

/// Whether c-ares is in a process: as a library, in gRPC's, or in Node's own program.
fn has_c_ares(pid: u32) -> bool {
    let is_node = std::fs::read_link(format!("/proc/{pid}/exe"))
        .is_ok_and(|exe| exe.file_name().is_some_and(|name| name == "node"));
    is_node
        || std::fs::read_to_string(format!("/proc/{pid}/maps"))
            .is_ok_and(|maps| maps.contains("libcares") || maps.contains("grpc"))
}

/// A path in the memory of the caller. It may end right before memory that is not there, so it is
/// read page by page.
fn read_path(call: &Call, address: u64) -> Option<Vec<u8>> {
    const PAGE: u64 = 4096;
    let mut path = Vec::new();
    while path.len() < MAX_PATH {
        let at = address.checked_add(path.len() as u64)?;
        let rest = usize::try_from(PAGE - at % PAGE).ok()?.min(256);
        let mut piece = vec![0; rest];
        let length = call.read(at, &mut piece).ok().filter(|n| *n > 0)?;
        piece.truncate(length);
        if let Some(end) = piece.iter().position(|b| *b == 0) {
            piece.truncate(end);
            path.append(&mut piece);
            return Some(path);
        }
        path.append(&mut piece);
    }
    None
}

/// A path as we reach what the process means: in its own root, from its own folder.
fn seen_by(pid: u32, folder: i32, path: &[u8]) -> PathBuf {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    match path.strip_prefix("/") {
        Ok(inside) => PathBuf::from(format!("/proc/{pid}/root")).join(inside),
        Err(_) if folder < 0 => PathBuf::from(format!("/proc/{pid}/cwd")).join(path),
        Err(_) => PathBuf::from(format!("/proc/{pid}/fd/{folder}")).join(path),
    }
}

fn in_memory(content: &[u8]) -> io::Result<File> {
    // It has no name any more, so it is gone with the last who reads it.
    let mut file = tempfile::tempfile()?;
    file.write_all(content)?;
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const OURS: &str = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";

    #[test]
    fn files_of_authorities_get_ours_and_others_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::new(Trust {
            authority: OURS.into(),
            authority_file: "".into(),
            bundle: "".into(),
            java_store: folder.path().join("store.jks"),
            folder: folder.path().to_owned(),
        });
        std::fs::write(folder.path().join("store.jks"), "java's and ours").expect("written");
        std::fs::create_dir(folder.path().join("java")).expect("made");
        let me = std::process::id();
        // basicConstraints with cA TRUE, and nothing else of a certificate.
        let root = "-----BEGIN CERTIFICATE-----\nBgNVHRMBAf8EBTADAQH/\n-----END CERTIFICATE-----";
        let put = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("written");
            path.into_os_string().into_encoded_bytes()
        };
        let given = |path: &[u8]| {
            files.instead_of(me, libc::AT_FDCWD, path).map(|mut file| {
                let mut text = String::new();
                file.read_to_string(&mut text).expect("readable");
                text
            })
        };
        let path = put("roots.pem", root);
        for _ in 0..2 {
            assert_eq!(given(&path), Some(format!("{root}\n{OURS}")));
        }
        // Written anew, it is read anew.
        let path = put("roots.pem", &format!("# new\n{root}"));
        assert_eq!(given(&path), Some(format!("# new\n{root}\n{OURS}")));
        assert_eq!(given(&put("roots.txt", root)), None);
        assert_eq!(given(&put("leaf.pem", OURS)), None);
        assert_eq!(given(&put("both.pem", &format!("{root}\n{OURS}"))), None);
        let store = given(&put("java/cacerts", "java's"));
        assert_eq!(store.as_deref(), Some("java's and ours"));
        assert_eq!(given(b"/no/such/file.pem"), None);
        assert_eq!(given(b""), None);
    }
}
