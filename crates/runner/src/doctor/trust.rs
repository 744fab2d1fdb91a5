//! Certificates: whom we trust, and the authority that clients are to trust.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use retake_proxy::tls::Roots;
use rustix::fs::{Access, access};

use super::{Finding, State, Topic};

/// Where systems keep the file of authorities that clients read.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];

/// The authority's key.
const KEY: &str = "ca.key";

/// What was found, and whether the folder of the keys is as it must be.
pub(super) fn findings(state: Option<&Path>, roots: &[PathBuf]) -> (Vec<Finding>, bool) {
    let (authority, usable) = authority(state);
    (vec![system(roots), authority], usable)
}

fn system(files: &[PathBuf]) -> Finding {
    let new = |state, says: String| Finding::new(Topic::Trust, "roots", state, says);
    let roots = Roots::load(files);
    let found = BUNDLES.iter().find(|path| Path::new(path).is_file());
    let count = roots.certificates().len();
    if count == 0 {
        return new(State::Less, "none: no server's certificate can be verified".to_owned())
            .hint("install the package ca-certificates, or name a file in retake.yaml: tls: {roots: [FILE]}");
    }
    let place = found.map_or_else(String::new, |path| format!(" ({path})"));
    let all = new(
        State::Good,
        format!("{count} authorities by which real servers are verified{place}"),
    );
    match roots.notes() {
        [] => all,
        notes => Finding {
            state: State::Less,
            ..all
        }
        .hint(notes.join("; ")),
    }
}

fn authority(folder: Option<&Path>) -> (Finding, bool) {
    let new = |state, says: String| Finding::new(Topic::Trust, "authority", state, says);
    let Some(folder) = folder else {
        let finding = new(State::No, "there is no folder for its key".to_owned());
        return (
            finding.hint("set HOME or XDG_STATE_HOME to an absolute path"),
            false,
        );
    };
    let key = folder.join(KEY);
    match fs::metadata(&key) {
        Ok(about) if about.permissions().mode() & 0o077 != 0 => {
            let mode = about.permissions().mode() & 0o777;
            let says = format!(
                "{} may be read by others: its mode is {mode:o}",
                key.display()
            );
            (
                new(State::Less, says).hint(format!("chmod 600 {}", key.display())),
                true,
            )
        }
        Ok(_) if fs::File::open(&key).is_ok() => (
            new(
                State::Good,
                format!("{}, for this user alone", key.display()),
            ),
            true,
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match made_in(folder) {
            Ok(()) => (
                new(State::Good, format!("will be made in {}", folder.display())),
                true,
            ),
            Err(why) => (
                new(State::No, why).hint("make the folder writable, or set XDG_STATE_HOME"),
                false,
            ),
        },
        Ok(_) | Err(_) => {
            let says = format!("{} cannot be read", key.display());
            (
                new(State::No, says).hint("make it readable for this user, or set XDG_STATE_HOME"),
                false,
            )
        }
    }
}

/// Whether files can be made in the folder, or the folder itself.
fn made_in(folder: &Path) -> Result<(), String> {
    let there = folder.ancestors().find(|at| at.exists()).unwrap_or(folder);
    let cannot = |why: &dyn std::fmt::Display| {
        format!(
            "{} cannot be made: {}: {why}",
            folder.display(),
            there.display()
        )
    };
    if !there.is_dir() {
        return Err(cannot(&"it is no folder"));
    }
    access(there, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| cannot(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authoritys_key_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = folder.path().join("a/retake");
        let (finding, usable) = authority(Some(&state));
        assert_eq!((finding.state, usable), (State::Good, true));
        assert!(
            finding.says.starts_with("will be made in"),
            "{}",
            finding.says
        );
        assert!(!state.exists(), "nothing is made");

        fs::create_dir_all(&state).expect("made");
        fs::write(state.join(KEY), "key").expect("written");
        let mode = |mode| {
            fs::set_permissions(state.join(KEY), fs::Permissions::from_mode(mode)).expect("set")
        };
        mode(0o644);
        let (finding, usable) = authority(Some(&state));
        assert_eq!((finding.state, usable), (State::Less, true));
        assert!(
            finding
                .hint
                .is_some_and(|hint| hint.starts_with("chmod 600"))
        );
        mode(0o600);
        assert_eq!(authority(Some(&state)).0.state, State::Good);
    }

    #[test]
    fn without_a_folder_nothing_can_be_recorded() {
        let (finding, usable) = authority(None);
        assert_eq!((finding.state, usable), (State::No, false));
        assert!(
            finding
                .hint
                .is_some_and(|hint| hint.contains("XDG_STATE_HOME"))
        );
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let (finding, usable) = authority(Some(&file.path().join("retake")));
        assert_eq!((finding.state, usable), (State::No, false));
    }
}
