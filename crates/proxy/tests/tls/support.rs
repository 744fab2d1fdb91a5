//! An authority of the tests' own, servers and clients that speak TLS, and a relay between them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use retake_intercept::Listen;
use retake_model::{Direction, ProtocolId};
use retake_proxy::record::{Counters, Events, RecordOptions, RecordProxy, RelayEvent};
use retake_proxy::tls::{ClientIdentity, Identity, Tls, TlsSettings};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls::{Stream, StreamOwned};

/// Nothing on loopback takes this long.
pub const LIMIT: Duration = Duration::from_secs(20);

pub type TlsServer = StreamOwned<ServerConnection, TcpStream>;
pub type TlsClient = StreamOwned<ClientConnection, TcpStream>;

/// An authority, which real servers have their certificates from.
pub struct Pki {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    pub root: CertificateDer<'static>,
}

/// What is special about a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    Good,
    Expired,
    /// For another name.
    Other,
    /// Signed by itself.
    Own,
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

impl Pki {
    pub fn new() -> Pki {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.pem"), root.pem()).unwrap();
        Pki {
            folder,
            root: root.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    fn leaf(&self, leaf: Leaf) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let names = match leaf {
            Leaf::Other => vec!["other.example".to_owned()],
            _ => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        };
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names).unwrap();
        if leaf == Leaf::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let certificate = match leaf {
            Leaf::Own => params.self_signed(&key).unwrap(),
            _ => params.signed_by(&key, &self.issuer).unwrap(),
        };
        let der = PrivatePkcs8KeyDer::from(key.serialize_der());
        (vec![certificate.der().clone()], der.into())
    }

    pub fn server_config(&self, leaf: Leaf, alpn: &[&str], asks: bool) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match asks {
            true => {
                let roots = Arc::new(self.roots());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
            false => builder.with_no_client_auth(),
        };
        let (chain, key) = self.leaf(leaf);
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        roots
    }

    /// retake's own settings and authority; it trusts ours.
    pub fn tls(&self, change: impl FnOnce(&mut TlsSettings)) -> Arc<Tls> {
        let mut settings = TlsSettings {
            roots: vec![self.folder.path().join("root.pem")],
            ..TlsSettings::default()
        };
        change(&mut settings);
        Arc::new(Tls::open(&self.folder.path().join("state"), settings).unwrap())
    }

    /// A certificate for clients, in files.
    pub fn client_identity(&self) -> ClientIdentity {
        let (chain, key) = self.leaf(Leaf::Good);
        let files = Identity {
            cert: self.folder.path().join("client.pem"),
            key: self.folder.path().join("client.key"),
        };
        std::fs::write(&files.cert, pem("CERTIFICATE", &chain[0])).unwrap();
        std::fs::write(&files.key, pem("PRIVATE KEY", key.secret_der())).unwrap();
        ClientIdentity {
            host: None,
            identity: Some(files),
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// What retake's own authority vouches for.
pub fn roots_of(tls: &Tls) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let pem = tls.authority().pem();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .unwrap();
    roots
}

/// Accepts connections on a thread, and runs each on one more.
pub fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let each = Arc::new(each);
    std::thread::spawn(move || {
        while let Ok((socket, _)) = listener.accept() {
            let each = Arc::clone(&each);
            std::thread::spawn(move || each(bounded(socket)));
        }
    });
    address
}

/// A TLS server.
pub fn serve_tls(
    config: Arc<ServerConfig>,
    each: impl Fn(&mut TlsServer) -> std::io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    serve(move |socket| {
        let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), socket);
        // An error is the client's going away.
        let _ = each(&mut tls);
    })
}

/// Answers every HTTP request with its first line.
pub fn answer_http(stream: &mut (impl Read + Write)) -> std::io::Result<()> {
    let mut head = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
        if head.ends_with(b"\r\n\r\n") {
            let line = String::from_utf8_lossy(&head)
                .lines()
                .next()
                .unwrap()
                .to_owned();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{line}",
                line.len()
            )?;
            stream.flush()?;
            head.clear();
        }
    }
}

pub fn bounded(socket: TcpStream) -> TcpStream {
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.set_write_timeout(Some(LIMIT)).unwrap();
    socket
}

/// A client's handshake with whom it meets at that address.
pub fn connect(
    address: SocketAddr,
    name: &str,
    roots: RootCertStore,
    alpn: &[&str],
) -> std::io::Result<TlsClient> {
    shake_hands(TcpStream::connect(address)?, name, roots, alpn)
}

pub fn shake_hands(
    socket: TcpStream,
    name: &str,
    roots: RootCertStore,
    alpn: &[&str],
) -> std::io::Result<TlsClient> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = name.to_owned().try_into().unwrap();
    let mut socket = bounded(socket);
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    while client.is_handshaking() {
        client.complete_io(&mut socket)?;
    }
    let _ = Stream::new(&mut client, &mut socket).flush();
    Ok(StreamOwned::new(client, socket))
}

/// Asks for a path, and gives the body.
pub fn get(client: &mut (impl Read + Write), path: &str) -> std::io::Result<String> {
    write!(client, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")?;
    client.flush()?;
    let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
    let expect = format!("GET {path} HTTP/1.1");
    while !String::from_utf8_lossy(&got).ends_with(&expect) {
        match client.read(&mut buffer)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => got.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(expect)
}

/// A relay to one upstream.
pub struct Rig {
    proxy: RecordProxy,
    events: Events,
    pub address: SocketAddr,
}

impl Rig {
    pub fn start(tls: Arc<Tls>, upstream: SocketAddr, change: impl FnOnce(&mut Listen)) -> Rig {
        let mut listen = Listen {
            addr: "127.0.0.1:0".parse().unwrap(),
            direction: Direction::Outbound,
            dependency: Some("dep".into()),
            protocol: Some(ProtocolId("http")),
            upstream: upstream.to_string(),
            upstream_tls: true,
            serves_tls: false,
        };
        change(&mut listen);
        let options = RecordOptions {
            tls: Some(tls),
            ..RecordOptions::default()
        };
        let (proxy, events) = RecordProxy::start(vec![listen], options).unwrap();
        Rig {
            address: proxy.listens()[0].addr,
            proxy,
            events,
        }
    }

    pub fn end(mut self) -> Seen {
        let counters = self.proxy.stop(LIMIT).remove(0);
        let mut events = Vec::new();
        while let Some(batch) = self.events.recv(LIMIT) {
            events.extend(batch.events.into_iter().flatten());
        }
        Seen { events, counters }
    }
}

/// What the relay saw.
pub struct Seen {
    pub events: Vec<RelayEvent>,
    pub counters: Counters,
}

impl Seen {
    /// Exchanges that ended whole.
    pub fn exchanges(&self) -> usize {
        let whole = |event: &&RelayEvent| matches!(event, RelayEvent::Ended(e) if e.flaw.is_none());
        self.events.iter().filter(whole).count()
    }

    pub fn notes(&self) -> Vec<String> {
        let note = |event: &'_ RelayEvent| match event {
            RelayEvent::Note { text, .. } => Some(text.clone()),
            _ => None,
        };
        self.events.iter().filter_map(note).collect()
    }

    /// The reasons for which connections were not read, with their numbers.
    pub fn opaque(&self) -> Vec<(&str, u64)> {
        let all = self.counters.opaque.iter();
        all.map(|(why, count)| (why.as_str(), *count)).collect()
    }
}
