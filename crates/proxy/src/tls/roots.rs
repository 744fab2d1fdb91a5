//! The roots by which real servers are verified.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Variables by which clients are given roots. Whoever starts us with one of them started the
/// service with it too, and it trusts what stands there. (`SSL_CERT_FILE` and `SSL_CERT_DIR` take
/// the place of the system's own roots, as they do for OpenSSL.)
const VARIABLES: &[&str] = &[
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "PGSSLROOTCERT",
    "DENO_CERT",
];

/// Certificates that are trusted.
#[derive(Debug)]
pub struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    known: HashSet<Vec<u8>>,
    store: Arc<RootCertStore>,
    /// What could not be read, one sentence each.
    notes: Vec<String>,
}

impl Default for Roots {
    fn default() -> Self {
        Roots {
            certificates: Vec::new(),
            known: HashSet::new(),
            store: Arc::new(RootCertStore::empty()),
            notes: Vec::new(),
        }
    }
}

impl Roots {
    /// The roots of this system, those that the environment names, and further files.
    pub fn load(files: &[PathBuf]) -> Roots {
        let mut roots = Roots::default();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            roots.notes.push(format!("a root of the system: {error}"));
        }
        for certificate in system.certs {
            roots.add(certificate);
        }
        let named = VARIABLES
            .iter()
            .filter_map(std::env::var_os)
            .map(PathBuf::from)
            .filter(|path| path.is_file());
        let personal = std::env::var_os("HOME")
            .map(|home| Path::new(&home).join(".postgresql/root.crt"))
            .filter(|path| path.is_file());
        for path in named.chain(personal).chain(files.iter().cloned()) {
            match read(&path) {
                Ok(certificates) => certificates.into_iter().for_each(|c| roots.add(c)),
                Err(error) => roots.notes.push(error.to_string()),
            }
        }
        for note in &roots.notes {
            tracing::warn!("{note}");
        }
        roots
    }

    /// The certificates.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// What could not be read, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// All of them as text.
    pub fn pem(&self) -> String {
        self.certificates.iter().map(to_pem).collect()
    }

    pub(super) fn store(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.store)
    }

    /// Whether this very certificate is trusted.
    pub(super) fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.known.contains(certificate.as_ref())
    }

    fn add(&mut self, certificate: CertificateDer<'static>) {
        if self.known.insert(certificate.to_vec()) {
            // What rustls takes for no root may still be a server's own certificate.
            let _ = Arc::make_mut(&mut self.store).add(certificate.clone());
            self.certificates.push(certificate);
        }
    }
}

/// Reads a PEM file.
pub(super) fn read(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let fail = |what: String| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("roots in {}: {what}", file.display()),
        )
    };
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail(error.to_string()))?;
    if certificates.is_empty() {
        return Err(fail("there is no certificate in it".to_owned()));
    }
    Ok(certificates)
}

/// A certificate as text (RFC 7468).
pub(super) fn to_pem(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    let mut pem = String::with_capacity(text.len() + text.len() / 64 + 64);
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
