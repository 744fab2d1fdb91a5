//! Certificates that the user gives, with their keys.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::provider::provider;

/// A certificate and its key, in PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, then those that vouch for it.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A certificate to show to servers that ask for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The server's name; every server where there is none.
    pub host: Option<String>,
    /// What is shown; none where a server that asks is to be told that there is no certificate.
    /// (Where nothing is said of a server that asks, its connections are left alone: the client
    /// may have a certificate.)
    pub identity: Option<Identity>,
}

impl Identity {
    /// Reads both files.
    ///
    /// # Errors
    /// One of them cannot be read, holds no PEM, or they do not belong together.
    pub(crate) fn load(&self) -> io::Result<Arc<CertifiedKey>> {
        let fail = |file: &PathBuf, what: String| {
            let what = format!("{}: {what}", file.display());
            io::Error::new(io::ErrorKind::InvalidData, what)
        };
        let chain = CertificateDer::pem_file_iter(&self.cert)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| fail(&self.cert, error.to_string()))?;
        if chain.is_empty() {
            return Err(fail(&self.cert, "holds no certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| fail(&self.key, error.to_string()))?;
        let key = CertifiedKey::from_der(chain, key, &provider())
            .map_err(|error| fail(&self.key, error.to_string()))?;
        Ok(Arc::new(key))
    }

    /// Checks that both files can be used.
    ///
    /// # Errors
    /// One of them cannot be read, holds no PEM, or they do not belong together.
    pub fn check(&self) -> io::Result<()> {
        self.load().map(drop)
    }
}

/// The identity for a server of that name.
pub(super) fn for_host<'a>(
    clients: &'a [ClientIdentity],
    host: &str,
) -> Option<&'a ClientIdentity> {
    let named = |client: &&ClientIdentity| {
        let wanted = client.host.as_deref();
        wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case(host))
    };
    clients
        .iter()
        .find(named)
        .or_else(|| clients.iter().find(|client| client.host.is_none()))
}
