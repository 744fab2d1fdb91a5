//! The handshakes: with the real server first, then with the client.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use retake_model::Direction;
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::RelayEvent;
use super::desk::Desk;
use super::refusal::{refused, told};
use super::serve::Conn;
use super::{Start, Way};
use crate::tls::{
    self, Alpn, Answered, Fault, Hello, Issue, Names, Parsed, Prefixed, Refusal, Stream,
};

/// Where a conversation stands.
pub(super) struct Setting {
    pub(super) way: Way,
    pub(super) start: Start,
    pub(super) held: Vec<u8>,
    pub(super) to_client: Vec<u8>,
    pub(super) to_server: Vec<u8>,
}

/// Both sides are ready for plaintext, or for bytes that nobody reads.
pub(super) struct Established {
    pub(super) client: Stream,
    pub(super) server: Stream,
    /// By what the server is remembered.
    pub(super) key: String,
    /// Whether the conversation is to be untied from the server's certificate.
    pub(super) untie: bool,
}

/// Why there is nothing to relay.
pub(super) enum Failed {
    /// It was ended in order.
    Closed,
    /// A connection was lost.
    Lost(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Failed::Lost(error)
    }
}

/// Shakes hands with both sides.
pub(super) async fn establish(
    desk: &Desk,
    conn: &mut Conn,
    setting: Setting,
    client: TcpStream,
    mut server: TcpStream,
) -> Result<Established, Failed> {
    let mut shake = Shake {
        peer: Peer::of(conn, setting.way, &server)?,
        desk,
        conn,
        client,
        held: setting.held,
        start: setting.start,
    };
    server.write_all(&setting.to_server).await?;
    shake.client.write_all(&setting.to_client).await?;
    shake.run(server).await
}

/// The real server.
struct Peer {
    way: Way,
    /// The host that it is known by, without the port.
    host: String,
    port: u16,
    /// Where a new connection to it leads. That of a captured client of the service goes through
    /// the service's own port, and is captured in turn.
    address: SocketAddr,
}

impl Peer {
    fn of(conn: &Conn, way: Way, server: &TcpStream) -> io::Result<Peer> {
        let target = conn.info.target.as_deref();
        let is_captured = way == Way::Captured && conn.info.direction == Direction::Inbound;
        // The service has one end of a pair, whose other end nobody can connect to.
        let own_port = target.filter(|_| is_captured).and_then(|t| t.parse().ok());
        let address = match own_port {
            Some(address) => address,
            None => server.peer_addr()?,
        };
        let host = target.and_then(|target| target.rsplit_once(':'));
        let host = match host {
            Some((host, _)) => host.trim_matches(['[', ']']).to_owned(),
            None => address.ip().to_string(),
        };
        Ok(Peer {
            way,
            host,
            port: address.port(),
            address,
        })
    }
}

/// What the real server's certificate is worth, as the client is to see it.
struct Seen {
    /// The names of the real one, where those are to be shown.
    names: Option<Names>,
    fault: Option<Fault>,
    is_good: bool,
}

impl Seen {
    const GOOD: Seen = Seen {
        names: None,
        fault: None,
        is_good: true,
    };
}

struct Shake<'a> {
    peer: Peer,
    desk: &'a Desk,
    conn: &'a mut Conn,
    client: TcpStream,
    /// What the client sent and nobody has yet.
    held: Vec<u8>,
    start: Start,
}

impl Shake<'_> {
    async fn run(mut self, server: TcpStream) -> Result<Established, Failed> {
        if let Start::Agreed { agreed, .. } = &self.start {
            self.client.write_all(agreed).await?;
        }
        let hello = match (&self.start, tls::begins_tls(&self.held)) {
            (Start::Now, Some(false)) => None,
            _ => Some(self.hello().await?),
        };
        let inbound = self.conn.info.direction == Direction::Inbound;
        let asked = match &hello {
            Some(Ok(hello)) if self.peer.way == Way::Captured => hello.name.clone(),
            _ => None,
        };
        let asked = asked.unwrap_or_else(|| self.peer.host.to_ascii_lowercase());
        let key = format!("{asked}:{}", self.peer.port);
        let name: Option<Arc<str>> = match &hello {
            Some(Ok(hello)) => hello.name.as_deref().map(Arc::from),
            _ => None,
        };
        if let Some(name) = &name {
            self.conn.rename(self.desk, name);
        }
        self.conn.tell(self.desk, |_| RelayEvent::Tls {
            conn: self.conn.info.id,
            name,
        });
        let hello = match hello {
            None => None,
            Some(Ok(hello)) => Some(hello),
            Some(Err(why)) => {
                tracing::debug!(why, "a ClientHello that is not understood");
                return self
                    .untouched(server, key, "its TLS is not understood")
                    .await;
            }
        };
        if hello.is_some()
            && let Some(why) = self.desk.tls.known().untouched(&key)
        {
            return self.untouched(server, key, why).await;
        }
        let speaks_tls = self.peer.way != Way::Sight || !inbound;
        if let Some(Hello {
            alpn: Alpn::Unread(names),
            ..
        }) = &hello
            && speaks_tls
        {
            let why = match names.split(", ").any(|name| name == "h2") {
                true => "HTTP/2 within TLS is not read yet",
                false => "the protocol within TLS is not read",
            };
            return self.untouched(server, key, why).await;
        }
        if !speaks_tls {
            let server = Stream::plain(server);
            let offered = hello.as_ref().and_then(|h| h.alpn.offer().first().cloned());
            return self
                .shake_with_client(hello, server, offered, Seen::GOOD, key)
                .await;
        }
        let offer = match &hello {
            Some(hello) => hello.alpn.offer().to_vec(),
            None => Vec::new(),
        };
        let Some(name) = tls::server_name(&asked) else {
            return self
                .untouched(server, key, "its server has no usable name")
                .await;
        };
        match tls::dial(&self.desk.tls, server, name, &offer).await {
            Ok(answered) => {
                let seen = self.look_at(&answered, &asked, inbound);
                let server = Stream::Server(Box::new(answered.stream));
                self.shake_with_client(hello, server, answered.alpn, seen, key)
                    .await
            }
            Err(Refusal::Lost(error)) => {
                self.reset_client();
                Err(Failed::Lost(error))
            }
            Err(refusal) => {
                let why = told(self.desk, self.conn, &refusal, &key, &asked);
                if hello.is_none() {
                    self.reset_client();
                    return Err(Failed::Closed);
                }
                if inbound && self.peer.way == Way::Captured {
                    // The new connection comes here too, and is not to be ended again.
                    self.desk.tls.known().leave_alone(&key, why);
                    if self.desk.tls.known().untouched(&key).is_none() {
                        self.reset_client();
                        return Err(Failed::Closed);
                    }
                }
                // The first one went with the handshake.
                let mut server = TcpStream::connect(self.peer.address).await?;
                self.ask_again(&mut server).await?;
                self.untouched(server, key, why).await
            }
        }
    }

    /// Reads the client's first message; what is not understood is told why.
    async fn hello(&mut self) -> Result<Result<Hello, String>, Failed> {
        loop {
            match tls::parse(&self.held) {
                Parsed::Hello(hello) => return Ok(Ok(hello)),
                Parsed::Strange(why) => return Ok(Err(why)),
                Parsed::NeedMore => {}
            }
            if self.client.read_buf(&mut self.held).await? == 0 {
                return Err(Failed::Closed);
            }
        }
    }

    /// What the real certificate is worth; says so where that is not what it should be.
    fn look_at(&mut self, answered: &Answered, asked: &str, inbound: bool) -> Seen {
        let verdict = &answered.verdict;
        if inbound {
            return Seen::GOOD;
        }
        let key = format!("{asked}:{}", self.peer.port);
        let told = verdict.fault.is_some() || !verdict.is_named;
        if told && self.desk.tls.known().tell_once(&key, "certificate") {
            let text = format!(
                "{}: the certificate of {asked} could not be verified: {}; clients are shown one \
                 that is no better (hint: name its authority under `tls: roots:` in retake.yaml, \
                 or in SSL_CERT_FILE)",
                self.conn.whom(),
                verdict.why
            );
            self.conn.note(self.desk, text);
        }
        let mirrored = self.peer.way == Way::Captured || !verdict.is_named;
        Seen {
            names: mirrored.then(|| verdict.names.clone()),
            fault: verdict.fault,
            is_good: verdict.fault.is_none() && verdict.is_named,
        }
    }

    async fn shake_with_client(
        mut self,
        hello: Option<Hello>,
        server: Stream,
        chosen: Option<Vec<u8>>,
        seen: Seen,
        key: String,
    ) -> Result<Established, Failed> {
        let held = std::mem::take(&mut self.held);
        let Some(hello) = hello else {
            let client = Stream::Plain(Prefixed::new(held, self.client));
            return Ok(Established {
                client,
                server,
                key,
                untie: false,
            });
        };
        let is_good = seen.is_good;
        let leaf = self.leaf(&hello, seen)?;
        let socket = Prefixed::new(held, self.client);
        let alpn = chosen.into_iter().collect();
        match tls::accept(socket, leaf, alpn).await {
            Ok(client) => {
                self.desk.tls.known().shook_hands(&key);
                let client = Stream::Client(Box::new(client));
                client.acknowledge();
                Ok(Established {
                    client,
                    server,
                    key,
                    untie: true,
                })
            }
            Err(error) => {
                refused(self.desk, self.conn, &key, is_good, &error);
                Err(Failed::Lost(error))
            }
        }
    }

    /// The certificate that the client is shown.
    fn leaf(&self, hello: &Hello, seen: Seen) -> io::Result<Arc<CertifiedKey>> {
        if self.conn.info.direction == Direction::Inbound
            && let Some(own) = self.desk.tls.shown_to_clients()?
        {
            return Ok(own);
        }
        let Seen { names, fault, .. } = seen;
        let names = match names {
            Some(names) => names,
            None => {
                let here = self.client.local_addr()?.ip().to_canonical().to_string();
                let localhost = "localhost".to_owned();
                let host = self.peer.host.clone();
                let said = hello.name.clone();
                Names::of(said.into_iter().chain([here, localhost, host]))
            }
        };
        self.desk.tls.authority().issue(&Issue { names, fault })
    }

    /// A new connection to the server gets as far as the first one was.
    async fn ask_again(&self, server: &mut TcpStream) -> Result<(), Failed> {
        if let Start::Agreed { question, agreed } = &self.start {
            server.write_all(question).await?;
            let mut answer = vec![0; agreed.len()];
            server.read_exact(&mut answer).await?;
            if answer != *agreed {
                return Err(Failed::Closed);
            }
        }
        Ok(())
    }

    /// Lets both sides shake hands themselves; nobody reads what they say.
    async fn untouched(
        mut self,
        server: TcpStream,
        key: String,
        why: &'static str,
    ) -> Result<Established, Failed> {
        let held = std::mem::take(&mut self.held);
        self.desk.find(&self.conn.counters, |at, findings| {
            self.conn.reader.give_up(at, why, String::new(), findings);
        });
        Ok(Established {
            client: Stream::Plain(Prefixed::new(held, self.client)),
            server: Stream::plain(server),
            key,
            untie: false,
        })
    }

    fn reset_client(&self) {
        // Failing means that the socket is gone already.
        let _ = socket2::SockRef::from(&self.client).set_linger(Some(std::time::Duration::ZERO));
    }
}
