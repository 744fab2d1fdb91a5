//! What a real server's certificate is worth.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::certificate::facts;
use super::provider::provider;
use super::{Names, Roots};

/// What is wrong with a certificate, as a client can be shown it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nobody that is trusted vouches for it, or it is damaged.
    Untrusted,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
}

/// What was found of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What is wrong with it, beside its names.
    pub(crate) fault: Option<Fault>,
    /// Whether it is one for the name that was asked for.
    pub(crate) is_named: bool,
    /// The names that stand in it.
    pub(crate) names: Names,
    /// What is wrong, for people; empty where nothing is.
    pub(crate) why: String,
}

/// Judges one server's certificate, and lets the handshake go on in any case: it is for the
/// client to refuse.
#[derive(Debug)]
pub(super) struct Judge {
    roots: Arc<Roots>,
    verdict: Mutex<Option<Verdict>>,
}

impl Judge {
    pub(super) fn new(roots: Arc<Roots>) -> Self {
        Judge {
            roots,
            verdict: Mutex::default(),
        }
    }

    /// What was found; none where no certificate was shown.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.verdict
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn judge(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Verdict {
        let facts = facts(shown);
        let (mut fault, mut why) = (None, String::new());
        if self.roots.contains(shown) {
            // A server's own certificate, given as a root: webpki knows no such thing.
            let (from, until) = facts
                .as_ref()
                .map_or((0, 0), |facts| (facts.not_before, facts.not_after));
            if now.as_secs() > until {
                (fault, why) = (Some(Fault::Expired), "it has expired".to_owned());
            } else if now.as_secs() < from {
                (fault, why) = (Some(Fault::NotYetValid), "it is not valid yet".to_owned());
            }
        } else if let Err(error) = self.chain(shown, between, name, now) {
            fault = fault_of(&error);
            why = told(&error);
        }
        let is_named = ParsedCertificate::try_from(shown)
            .and_then(|parsed| rustls::client::verify_server_name(&parsed, name))
            .is_ok();
        if !is_named && why.is_empty() {
            why = format!("it is not one for {}", name.to_str());
        }
        Verdict {
            fault,
            is_named,
            names: facts.map(|facts| facts.names).unwrap_or_default(),
            why,
        }
    }

    fn chain(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let verifier = WebPkiServerVerifier::builder_with_provider(self.roots.store(), provider())
            .build()
            .map_err(|_| Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        verifier
            .verify_server_cert(shown, between, name, &[], now)
            .map(drop)
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.judge(shown, between, name, now);
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, &known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, &known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn fault_of(error: &Error) -> Option<Fault> {
    let Error::InvalidCertificate(error) = error else {
        return Some(Fault::Untrusted);
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some(Fault::Expired),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Some(Fault::NotYetValid)
        }
        // It is trusted; its names are shown to the client as they are.
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => None,
        _ => Some(Fault::Untrusted),
    }
}

fn told(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "nobody who is trusted vouches for it".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "it has expired".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "it is not valid yet".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => String::new(),
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            let what = other.0.to_string();
            match what.as_str() {
                "CaUsedAsEndEntity" => "it signed itself, and is not among the roots".to_owned(),
                _ => what,
            }
        }
        other => other.to_string(),
    }
}
