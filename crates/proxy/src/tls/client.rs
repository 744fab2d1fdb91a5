//! Our end towards a real server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::provider::provider;
use super::verify::{Judge, Verdict};
use super::{Roots, Tls, identity};

/// A real server that shook hands.
pub(crate) struct Answered {
    pub(crate) stream: TlsStream<TcpStream>,
    /// The protocol that it chose.
    pub(crate) alpn: Option<Vec<u8>>,
    /// What its certificate is worth.
    pub(crate) verdict: Verdict,
}

/// Why a handshake with a real server did not succeed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It asks for a certificate of the client, and there is none to show.
    WantsCertificate,
    /// It and we have no TLS in common, or it is no TLS at all.
    Handshake(String),
    /// A certificate or key of the settings cannot be used.
    Settings(io::Error),
    /// The connection was lost.
    Lost(io::Error),
}

/// The name to ask a server for.
pub(crate) fn server_name(host: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).ok()
}

/// Shakes hands with a real server.
pub(crate) async fn dial(
    tls: &Tls,
    socket: TcpStream,
    name: ServerName<'static>,
    alpn: &[Vec<u8>],
) -> Result<Answered, Refusal> {
    let host = name.to_str().into_owned();
    let (key, may_be_none) = match identity::for_host(&tls.settings().clients, &host) {
        Some(client) => match &client.identity {
            Some(identity) => (Some(identity.load().map_err(Refusal::Settings)?), true),
            None => (None, true),
        },
        None => (None, false),
    };
    let shown = Arc::new(Shown {
        key,
        asked: AtomicBool::new(false),
    });
    let judge = Arc::new(Judge::new(tls.roots()));
    let config = config(Arc::clone(&judge), Arc::clone(&shown), alpn).map_err(handshake)?;
    let connected = TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await;
    if shown.asked.load(Ordering::Relaxed) && !may_be_none {
        return Err(Refusal::WantsCertificate);
    }
    let stream = connected.map_err(|error| match is_tls(&error) {
        true => Refusal::Handshake(error.to_string()),
        false => Refusal::Lost(error),
    })?;
    let verdict = judge
        .verdict()
        .ok_or_else(|| Refusal::Handshake("it showed no certificate".to_owned()))?;
    Ok(Answered {
        alpn: stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec),
        stream,
        verdict,
    })
}

/// A connector that takes any certificate: for the service under test, which is known by its
/// address and shows whatever its settings say.
pub(crate) fn connector(alpn: &[&[u8]]) -> io::Result<TlsConnector> {
    let shown = Arc::new(Shown {
        key: None,
        asked: AtomicBool::new(false),
    });
    let alpn: Vec<Vec<u8>> = alpn.iter().map(|name| name.to_vec()).collect();
    let judge = Arc::new(Judge::new(Arc::new(Roots::default())));
    let config = config(judge, shown, &alpn).map_err(io::Error::other)?;
    Ok(TlsConnector::from(Arc::new(config)))
}

fn config(
    judge: Arc<Judge>,
    shown: Arc<Shown>,
    alpn: &[Vec<u8>],
) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(judge)
        .with_client_cert_resolver(shown);
    // A resumed session shows no certificate, and each is to be judged.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = alpn.to_vec();
    Ok(config)
}

fn handshake(error: rustls::Error) -> Refusal {
    Refusal::Handshake(error.to_string())
}

/// Whether TLS itself failed, and not the connection below it. A server that hangs up within a
/// handshake refuses it too.
fn is_tls(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(|inner| inner.is::<rustls::Error>())
        || error.kind() == io::ErrorKind::UnexpectedEof
}

/// The certificate that is shown to a server that asks, and whether it did.
#[derive(Debug)]
struct Shown {
    key: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
}

impl ResolvesClientCert for Shown {
    fn resolve(
        &self,
        _issuers: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}
