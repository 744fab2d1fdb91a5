//! The installation's certificate authority, and the certificates that it issues on the fly.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use tempfile::NamedTempFile;

use super::provider::provider;
use super::{Fault, Roots, jks, roots};

/// The file with the authority's key and certificate, for its owner alone.
const KEY_FILE: &str = "ca.key";
/// The file with its certificate.
const CERTIFICATE_FILE: &str = "ca.pem";
/// Certificates that are kept. More are issued anew, which takes some microseconds.
const MAX_LEAVES: usize = 1024;
/// How long a certificate is good for: more than 398 days are refused by some clients.
const VALID: Duration = Duration::from_secs(397 * DAY);
/// How long before this moment it begins: clocks differ.
const BEFORE: Duration = Duration::from_secs(DAY);
const DAY: u64 = 24 * 60 * 60;
/// A common name has at most 64 characters (RFC 5280, appendix A.1, ub-common-name).
const COMMON_NAME: usize = 64;

/// An authority that this installation alone has. Its key never leaves the folder it is kept in.
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// Issues what no client is to trust; its key is forgotten with the process.
    stranger: Issuer<'static, KeyPair>,
    /// The key of every certificate that is issued; forgotten with the process too.
    leaf: KeyPair,
    leaves: Mutex<HashMap<Issue, Arc<CertifiedKey>>>,
    /// A moment at which certificates are to be good beside this one.
    also_at: Mutex<Option<SystemTime>>,
}

/// What a certificate is to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Issue {
    pub(crate) names: Names,
    /// What is to be wrong with it, as it is with the real server's.
    pub(crate) fault: Option<Fault>,
}

/// Whose certificate it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Names {
    /// The common name, which old clients look at where there are no alternatives.
    pub(crate) common: String,
    /// Host names and addresses.
    pub(crate) alternatives: Vec<String>,
}

impl Names {
    /// The names of a server that is known by these; the first is the common one.
    pub(crate) fn of(names: impl IntoIterator<Item = String>) -> Names {
        let mut alternatives: Vec<String> = Vec::new();
        for name in names {
            if !name.is_empty() && !alternatives.contains(&name) {
                alternatives.push(name);
            }
        }
        Names {
            common: alternatives.first().cloned().unwrap_or_default(),
            alternatives,
        }
    }
}

impl Authority {
    /// The authority of that folder; made, with mode 0600, where there is none yet.
    ///
    /// # Errors
    /// The folder or its files can neither be read nor made, or they are damaged.
    pub fn open(folder: &Path) -> io::Result<Authority> {
        let path = folder.join(KEY_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(folder, &path)?,
            Err(error) => return Err(error),
        };
        let damaged = |what: String| {
            let what = format!(
                "{}: {what}: move it away, a new one is made (clients that trusted the old one \
                 by hand have to be told)",
                path.display()
            );
            io::Error::new(io::ErrorKind::InvalidData, what)
        };
        let key = KeyPair::from_pem(&text).map_err(|error| damaged(error.to_string()))?;
        let certificate = CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|error| damaged(error.to_string()))?;
        publish(folder, &certificate)?;
        Ok(Authority {
            folder: folder.to_owned(),
            issuer: Issuer::new(authority(&key), key),
            certificate,
            stranger: stranger()?,
            leaf: KeyPair::generate().map_err(io::Error::other)?,
            leaves: Mutex::default(),
            also_at: Mutex::default(),
        })
    }

    /// The authority's certificate (PEM).
    pub fn pem(&self) -> String {
        roots::to_pem(&self.certificate)
    }

    /// The file with the authority's certificate (PEM).
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join(CERTIFICATE_FILE)
    }

    /// Certificates are to be good at that moment too: an application whose time is frozen checks
    /// them by its own clock.
    pub fn also_at(&self, moment: SystemTime) {
        *self.also_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(moment);
        self.leaves
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(super) fn bundle_pem(&self, roots: &Roots) -> Vec<u8> {
        let mut pem = roots.pem();
        pem.push_str(&self.pem());
        pem.into_bytes()
    }

    pub(super) fn bundle(&self, roots: &Roots) -> io::Result<PathBuf> {
        self.keep_trust("pem", &self.bundle_pem(roots))
    }

    pub(super) fn java_trust_store(&self, roots: &Roots) -> io::Result<PathBuf> {
        let certificates = roots.certificates().iter().chain([&self.certificate]);
        self.keep_trust("jks", &jks::trust_store(certificates))
    }

    /// Writes a file that depends on nothing but its content, under a name of it: several
    /// processes may do so at once, and a running service keeps the file that it was given.
    fn keep_trust(&self, ending: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let folder = self.folder.join("trust");
        let path = folder.join(format!("{}.{ending}", hex(&sha256(bytes), 8)));
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == bytes.len() as u64) {
            return Ok(path);
        }
        fs::create_dir_all(&folder)?;
        write_whole(&path, bytes, 0o644)?;
        Ok(path)
    }

    /// A certificate with its key.
    ///
    /// # Errors
    /// A name can stand in no certificate.
    pub(crate) fn issue(&self, issue: &Issue) -> io::Result<Arc<CertifiedKey>> {
        let known = |leaves: &HashMap<_, _>| leaves.get(issue).map(Arc::clone);
        if let Some(leaf) = known(&self.leaves.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(leaf);
        }
        let leaf = Arc::new(self.sign(issue).map_err(io::Error::other)?);
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if leaves.len() >= MAX_LEAVES {
            leaves.clear();
        }
        leaves.insert(issue.clone(), Arc::clone(&leaf));
        Ok(leaf)
    }

    fn sign(
        &self,
        issue: &Issue,
    ) -> Result<CertifiedKey, Box<dyn std::error::Error + Send + Sync>> {
        let mut params = CertificateParams::default();
        let also = *self.also_at.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, until) = window(SystemTime::now(), also, issue.fault.as_ref());
        params.not_before = from.into();
        params.not_after = until.into();
        params.serial_number = Some(serial()?);
        params.distinguished_name = Default::default();
        let common: String = issue.names.common.chars().take(COMMON_NAME).collect();
        params.distinguished_name.push(DnType::CommonName, common);
        for name in &issue.names.alternatives {
            let alternative = match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(name.as_str().try_into()?),
            };
            params.subject_alt_names.push(alternative);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let issuer = match issue.fault {
            Some(Fault::Untrusted) => &self.stranger,
            _ => &self.issuer,
        };
        let certificate = params.signed_by(&self.leaf, issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.leaf.serialize_der()));
        let chain = vec![certificate.der().clone()];
        Ok(CertifiedKey::from_der(chain, key, &provider())?)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// From when until when a certificate is good.
fn window(
    now: SystemTime,
    also: Option<SystemTime>,
    fault: Option<&Fault>,
) -> (SystemTime, SystemTime) {
    let also = also.unwrap_or(now);
    let (first, last) = (now.min(also), now.max(also));
    match fault {
        Some(Fault::Expired) => (first - VALID, first - BEFORE),
        Some(Fault::NotYetValid) => (last + BEFORE, last + VALID),
        _ => {
            let from = first - BEFORE;
            (from, (from + VALID).max(last + BEFORE))
        }
    }
}

/// Makes an authority; gives what its file holds.
fn make(folder: &Path, path: &Path) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = authority(&key)
        .self_signed(&key)
        .map_err(io::Error::other)?;
    let text = format!(
        "{}{}",
        key.serialize_pem(),
        roots::to_pem(certificate.der())
    );
    // It replaces no file: of several that are made at once the first stays.
    match unfinished(folder, text.as_bytes(), 0o600)?.persist_noclobber(path) {
        Ok(_) => Ok(text),
        Err(there) if there.error.kind() == io::ErrorKind::AlreadyExists => {
            fs::read_to_string(path)
        }
        Err(failed) => Err(failed.error),
    }
}

/// What the authority's certificate says. It is the same for the same key, so that the issuer
/// can be had from the key alone.
fn authority(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    // An application whose time is frozen may live in any year.
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params.distinguished_name = Default::default();
    let name = format!(
        "retake, of this installation alone ({})",
        hex(&sha256(&key.subject_public_key_info()), 4)
    );
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params.use_authority_key_identifier_extension = true;
    params
}

/// An issuer whom nobody trusts.
fn stranger() -> io::Result<Issuer<'static, KeyPair>> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let mut params = authority(&key);
    params.distinguished_name = Default::default();
    params.distinguished_name.push(
        DnType::CommonName,
        "retake: the real certificate could not be verified",
    );
    Ok(Issuer::new(params, key))
}

/// Keeps the certificate beside the key, where it is not there yet.
fn publish(folder: &Path, certificate: &CertificateDer<'_>) -> io::Result<()> {
    let path = folder.join(CERTIFICATE_FILE);
    let pem = roots::to_pem(certificate);
    if fs::read(&path).is_ok_and(|there| there == pem.as_bytes()) {
        return Ok(());
    }
    write_whole(&path, pem.as_bytes(), 0o644)
}

/// Writes a file so that nobody sees half of it.
fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    unfinished(folder, bytes, mode)?
        .persist(path)
        .map(drop)
        .map_err(|failed| failed.error)
}

/// A file that is not yet under its name; dropped, it is gone.
fn unfinished(folder: &Path, bytes: &[u8], mode: u32) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn serial() -> io::Result<SerialNumber> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(io::Error::other)?;
    // A serial number is positive (RFC 5280, section 4.1.2.2).
    if let Some(first) = bytes.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().to_vec()
}

fn hex(bytes: &[u8], count: usize) -> String {
    let digit = |byte: &u8| format!("{byte:02x}");
    bytes.iter().take(count).map(digit).collect()
}

#[cfg(test)]
#[path = "authority/tests.rs"]
mod tests;
