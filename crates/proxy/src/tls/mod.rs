//! TLS: the installation's own authority, the roots that real servers are verified by, and both
//! ends of a handshake.
//!
//! A connection that speaks TLS is ended here and begun anew towards the other side, so that its
//! plaintext can be read. Nobody is made to trust what the client would not have trusted: a real
//! server whose certificate cannot be verified is shown to the client with a certificate that
//! cannot be verified in the same way. Whatever cannot be ended without breaking it (a client
//! that knows its server's certificate, a server that wants the client's, HTTP/2 for now) goes
//! through untouched, under its name.

mod alpn;
mod authority;
mod certificate;
mod client;
mod hello;
mod identity;
mod jks;
mod known;
mod provider;
mod roots;
mod server;
mod stream;
mod verify;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::sign::CertifiedKey;

pub(crate) use alpn::{Alpn, READ as ALPN_READ};
pub use authority::Authority;
pub(crate) use authority::{Issue, Names};
pub(crate) use client::{Answered, Refusal, connector, dial, server_name};
pub(crate) use hello::{Hello, Parsed, begins_tls, parse};
pub use identity::{ClientIdentity, Identity};
pub(crate) use known::Known;
pub use roots::Roots;
pub(crate) use server::{Prefixed, Refused, accept, refused};
pub(crate) use stream::Stream;
pub use verify::Fault;

/// What TLS needs that is the user's to say. The default is right where the system's roots are.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// Files of further roots by which real servers are verified (PEM).
    pub roots: Vec<PathBuf>,
    /// Certificates to show to servers that ask for one.
    pub clients: Vec<ClientIdentity>,
    /// The certificate for clients of the service, where it is not to be one of our own.
    pub inbound: Option<Identity>,
}

/// Everything that TLS connections share. One of it serves a recording or a run.
#[derive(Debug)]
pub struct Tls {
    authority: Authority,
    settings: TlsSettings,
    roots: OnceLock<Arc<Roots>>,
    /// The certificate for clients of the service, once it was read.
    inbound: OnceLock<Arc<CertifiedKey>>,
    known: Known,
}

impl Tls {
    /// Opens the authority that is kept in `folder`, or makes it where there is none yet.
    ///
    /// # Errors
    /// The authority can neither be read nor made; a certificate or key of the settings cannot
    /// be read.
    pub fn open(folder: &std::path::Path, settings: TlsSettings) -> io::Result<Tls> {
        for file in &settings.roots {
            roots::read(file)?;
        }
        Ok(Tls {
            authority: Authority::open(folder)?,
            settings,
            roots: OnceLock::new(),
            inbound: OnceLock::new(),
            known: Known::default(),
        })
    }

    /// The authority.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The roots by which real servers are verified. Read when they are first needed.
    pub fn roots(&self) -> Arc<Roots> {
        let load = || Arc::new(Roots::load(&self.settings.roots));
        Arc::clone(self.roots.get_or_init(load))
    }

    /// The file that a client is to trust: the roots of this system and our authority's (PEM).
    ///
    /// # Errors
    /// It cannot be written.
    pub fn bundle(&self) -> io::Result<PathBuf> {
        self.authority.bundle(&self.roots())
    }

    /// The same as a trust store for Java (JKS, without a password).
    ///
    /// # Errors
    /// It cannot be written.
    pub fn java_trust_store(&self) -> io::Result<PathBuf> {
        self.authority.java_trust_store(&self.roots())
    }

    /// The bytes of the [`bundle`](Self::bundle).
    pub fn bundle_pem(&self) -> Vec<u8> {
        self.authority.bundle_pem(&self.roots())
    }

    pub(crate) fn settings(&self) -> &TlsSettings {
        &self.settings
    }

    /// The certificate for clients of the service, where the settings name one. It is read once.
    ///
    /// # Errors
    /// Its files cannot be read any more.
    pub(crate) fn shown_to_clients(&self) -> io::Result<Option<Arc<CertifiedKey>>> {
        let Some(files) = &self.settings.inbound else {
            return Ok(None);
        };
        if self.inbound.get().is_none() {
            let loaded = files.load()?;
            let _ = self.inbound.set(loaded);
        }
        Ok(self.inbound.get().cloned())
    }

    pub(crate) fn known(&self) -> &Known {
        &self.known
    }
}
