//! TLS: its settings, and `retake ca`.

use std::path::PathBuf;

use retake_proxy::tls::{ClientIdentity, Identity, Tls, TlsSettings};
use retake_runner::installation::CERTIFICATES_HINT;

use super::{Home, state_folder};
use crate::cli::CaArgs;
use crate::failure::{Failure, SURROUNDINGS};
use crate::output;

/// The settings of `retake.yaml`, and the certificate and key for clients of the service.
///
/// # Errors
/// A file cannot be read, or holds something else.
pub fn settings(
    settings: retake_store::TlsSettings,
    inbound: Option<(&PathBuf, &PathBuf)>,
) -> Result<TlsSettings, Failure> {
    let identity = |(cert, key): (PathBuf, PathBuf)| Identity { cert, key };
    let clients: Vec<ClientIdentity> = settings
        .clients
        .into_iter()
        .map(|client| ClientIdentity {
            host: client.host,
            identity: client.files.map(identity),
        })
        .collect();
    let inbound = inbound.map(|(cert, key)| identity((cert.clone(), key.clone())));
    let shown = clients.iter().filter_map(|c| c.identity.as_ref());
    for identity in shown.chain(&inbound) {
        identity.check().map_err(|error| {
            Failure::usage(error.to_string())
                .hint("name a certificate and its key, both as PEM, that belong together")
        })?;
    }
    Ok(TlsSettings {
        roots: settings.roots,
        clients,
        inbound,
    })
}

/// Prints where the certificates are that clients are to trust.
///
/// # Errors
/// The authority can neither be read nor made.
pub fn ca(home: &Home, args: &CaArgs) -> Result<u8, Failure> {
    let settings = settings(home.settings()?.tls, None)?;
    let failed =
        |error: std::io::Error| Failure::new(SURROUNDINGS, error.into()).hint(CERTIFICATES_HINT);
    let tls = Tls::open(&state_folder()?, settings).map_err(failed)?;
    if args.print {
        return output::print(tls.authority().pem()).map(|()| 0);
    }
    let path = if args.bundle {
        tls.bundle().map_err(failed)?
    } else if args.java {
        tls.java_trust_store().map_err(failed)?
    } else {
        tls.authority().certificate_file()
    };
    output::line(path.display()).map(|()| 0)
}
