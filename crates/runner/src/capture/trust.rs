//! How the service comes to trust our certificate authority: files, and variables that name them.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use retake_intercept::capture::{Files, Trust};
use retake_proxy::tls::Tls;
use tempfile::TempDir;

use super::Capture;

/// What a service is given so that it trusts our authority. The files are gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Trusted {
    /// For the service's environment.
    pub(crate) variables: Vec<(String, String)>,
    _folder: TempDir,
}

/// Makes the files, and has the capture give them in place of the service's own. `set` are
/// variables that the service gets beside ours.
///
/// None where that fails: the service then trusts whom it always trusted.
pub(crate) fn trust(
    tls: &Tls,
    capture: Option<&mut Capture>,
    set: &[(String, String)],
) -> Option<Trusted> {
    trust_in(tls, capture, set)
        .inspect_err(
            |error| tracing::warn!(%error, "the service does not trust retake's authority"),
        )
        .ok()
}

/// A name that no other folder has. What makes it so is a UUID, which is another one in each run to
/// whoever compares texts: a service may show its settings, and these variables among them.
fn folder_name() -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let number = u128::from_be_bytes(random);
    // RFC 9562, 5.4: version 4, variant 0b10.
    let number = number & !(0xF000 << 64) | 0x4000 << 64;
    let number = number & !(0b11 << 62) | 0b10 << 62;
    let digits = format!("{number:032x}");
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
    let groups = groups.map(|group| digits.get(group).unwrap_or_default());
    Ok(format!("retake-trust-{}", groups.join("-")))
}

fn trust_in(
    tls: &Tls,
    capture: Option<&mut Capture>,
    set: &[(String, String)],
) -> io::Result<Trusted> {
    // The service may run as another user than we, who cannot look into our own folders.
    let folder = tempfile::Builder::new()
        .prefix(&folder_name()?)
        .rand_bytes(0)
        .tempdir()?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    let copy = |name: &str, content: Vec<u8>| {
        let path = folder.path().join(name);
        fs::write(&path, content).map(|()| path)
    };
    let authority = tls.authority().pem().into_bytes();
    let trust = Trust {
        authority_file: copy("authority.pem", authority.clone())?,
        authority,
        bundle: copy("bundle.pem", tls.bundle_pem())?,
        java_store: copy("cacerts", fs::read(tls.java_trust_store()?)?)?,
        folder: folder.path().to_owned(),
    };
    let user = |name: &str| {
        let set = set.iter().rev().find(|(known, _)| known == name);
        set.map(|(_, value)| OsString::from(value))
            .or_else(|| std::env::var_os(name))
    };
    let variables = trust.variables(&user, capture.is_some())?;
    if let Some(capture) = capture {
        capture.plan.files = Some(Arc::new(Files::new(trust)));
    }
    let variables = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.into_string().ok()?)));
    Ok(Trusted {
        variables: variables.collect(),
        _folder: folder,
    })
}

#[cfg(test)]
mod tests {
    use retake_compare::made::{Near, each_leaf_token};
    use retake_model::{Timestamp, TokenKind};

    use super::*;

    #[test]
    fn a_folder_that_a_service_shows_is_another_one_of_its_kind_in_each_run() {
        let (one, other) = (
            folder_name().expect("a name"),
            folder_name().expect("a name"),
        );
        assert_ne!(one, other);
        let near = Near::recorded(Timestamp(1_772_356_830_000_000_000));
        let path = format!("/tmp/{one}/bundle.pem");
        let mut kinds = Vec::new();
        each_leaf_token(&path, near, |token| kinds.push(token.kind));
        assert_eq!(kinds, [TokenKind::Uuid], "{path}");
    }
}
