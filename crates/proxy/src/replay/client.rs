//! The client that sends recorded requests.
//!
//! It writes the recorded head byte for byte and reads the response through the tap that
//! recorded it, so that both trees have the same form: hyper would regroup repeated headers and
//! does not keep what it does not need.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use retake_model::{Blame, Value};
use retake_wire::http1;
use retake_wire::http1::message::{HeaderField, has_token};
use tokio::net::TcpStream;

use super::connection::{Connection, Failure, Reply};
use super::request::{Outgoing, outgoing};
use crate::Clock;
use crate::tls::{self, Stream};

/// Idle connections that are kept, at most.
const IDLE_LIMIT: usize = 64;

/// Sends recorded requests to one target over connections that it keeps alive. Several may be
/// sent at a time; each then has a connection of its own.
#[derive(Debug)]
pub struct ReplayClient {
    target: String,
    /// Whether the service serves TLS.
    tls: bool,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    /// The address of the target that answered last.
    address: Option<SocketAddr>,
}

impl ReplayClient {
    /// A client of `host:port`, or of `https://host:port`, whose certificate is taken as it is: the
    /// service under test is known by its address. It connects when it first sends.
    pub fn new(target: impl Into<String>) -> Self {
        let target = target.into();
        let (tls, target) = match target.strip_prefix("https://") {
            Some(address) => (true, address.trim_end_matches('/').to_owned()),
            None => (false, target),
        };
        ReplayClient {
            target,
            tls,
            clock: Clock::new(),
            state: Mutex::default(),
        }
    }

    /// Where it sends to, `host:port`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Sends a request tree (`docs/format.md`) and reads the response into the same form that a
    /// tap gives. `extra` headers replace recorded ones of the same name, else they are added.
    ///
    /// Nothing that the service may have acted on is sent twice: a request is sent again only on
    /// a kept connection that the service closed before any byte of a response, and only where
    /// nothing of it was written or the method is idempotent. Other requests take a new
    /// connection after an error response, after which services like to close; the one that had
    /// it is closed then.
    ///
    /// # Errors
    /// There is no whole response; the error says what happened and whose doing it is.
    pub async fn send(
        &self,
        request: &Value,
        extra: &[(String, String)],
        timeout: Duration,
    ) -> Result<Observed, SendError> {
        let request = outgoing(request, extra)?;
        let mut progress = Progress::Connecting;
        let sending = self.exchange(&request, &mut progress);
        match tokio::time::timeout(timeout, sending).await {
            Ok(sent) => sent,
            Err(_) => Err(SendError::Timeout {
                target: self.target.clone(),
                after: timeout,
                when: progress.to_string(),
            }),
        }
    }

    async fn exchange(
        &self,
        request: &Outgoing,
        progress: &mut Progress,
    ) -> Result<Observed, SendError> {
        let mut closed = None;
        while let Some(mut kept) = self.kept(request) {
            let began = Instant::now();
            match kept.exchange(request, self.clock, progress).await {
                Ok(reply) => return self.observed(kept, request, reply, began.elapsed()),
                Err(failure) if failure.may_repeat(request) => closed = Some(failure),
                Err(failure) => return Err(self.failed(failure)),
            }
        }
        self.leave_after_errors();
        *progress = Progress::Connecting;
        let mut fresh = match (self.connect(request).await, closed) {
            (Ok(fresh), _) => fresh,
            // A service that crashes closes the connection first, and that is what to tell.
            (Err(_), Some(failure)) => return Err(self.failed(failure)),
            (Err(error), None) => return Err(error),
        };
        let began = Instant::now();
        match fresh.exchange(request, self.clock, progress).await {
            Ok(reply) => self.observed(fresh, request, reply, began.elapsed()),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    /// A kept connection that the service has not closed.
    fn kept(&self, request: &Outgoing) -> Option<Connection> {
        let name = self.name(request);
        let mut state = self.lock();
        let fits = |kept: &Connection| {
            (request.idempotent || !kept.after_error) && kept.name.as_deref() == name
        };
        while let Some(at) = state.idle.iter().rposition(fits) {
            let kept = state.idle.remove(at);
            if kept.is_open() {
                return Some(kept);
            }
        }
        None
    }

    /// Closes kept connections on which an error was answered: some servers serve nobody else while
    /// one is open (Starman's workers, Mojolicious with one client each, Python's `http.server`).
    fn leave_after_errors(&self) {
        self.lock().idle.retain(|kept| !kept.after_error);
    }

    /// The server's name that a request needs a connection for.
    fn name<'a>(&self, request: &'a Outgoing) -> Option<&'a str> {
        request.host.as_deref().filter(|_| self.tls)
    }

    async fn connect(&self, request: &Outgoing) -> Result<Connection, SendError> {
        let socket = self.dial().await?;
        if !self.tls {
            return Ok(Connection::new(Stream::plain(socket)));
        }
        let name = self.name(request);
        let stream = self.shake_hands(socket, name).await;
        let stream = stream.map_err(|source| SendError::Tls {
            target: self.target.clone(),
            source,
        })?;
        let mut connection = Connection::new(stream);
        connection.name = name.map(str::to_owned);
        Ok(connection)
    }

    /// Shakes hands with the target, as a client that asks for that name or for the target's own.
    async fn shake_hands(&self, socket: TcpStream, name: Option<&str>) -> io::Result<Stream> {
        let host = self.target.rsplit_once(':').map_or("", |(host, _)| host);
        let name = name
            .and_then(tls::server_name)
            .or_else(|| tls::server_name(host.trim_matches(['[', ']'])))
            .ok_or_else(|| io::Error::other("the target has no usable name"))?;
        let connector = tls::connector(&[b"http/1.1"])?;
        let stream = connector.connect(name, socket).await?;
        Ok(Stream::Server(Box::new(stream)))
    }

    async fn dial(&self) -> Result<TcpStream, SendError> {
        let known = self.lock().address;
        let connected = match known {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect(&self.target).await,
        };
        let stream = connected.map_err(|source| {
            self.lock().address = None;
            SendError::Connect {
                target: self.target.clone(),
                source,
            }
        })?;
        self.lock().address = stream.peer_addr().ok();
        // A request is written whole; waiting for more would only delay it.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn observed(
        &self,
        mut connection: Connection,
        request: &Outgoing,
        reply: Reply,
        took: Duration,
    ) -> Result<Observed, SendError> {
        let response = reply.response;
        if reply.open && !request.closes && keeps_alive(&response) {
            let status = response.get("status").and_then(Value::as_i64);
            connection.after_error = status.is_none_or(|status| status >= 400);
            let mut state = self.lock();
            if state.idle.len() < IDLE_LIMIT {
                state.idle.push(connection);
            }
        }
        Ok(Observed { response, took })
    }

    fn failed(&self, failure: Failure) -> SendError {
        let target = self.target.clone();
        match failure {
            Failure::Closed { when, source, .. } => SendError::Closed {
                target,
                when: when.to_string(),
                source,
            },
            Failure::Garbage(what) => SendError::Garbage { target, what },
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the service keeps the connection after this response (RFC 9112, section 9.3).
fn keeps_alive(response: &Value) -> bool {
    let connection: Vec<HeaderField> = response
        .get("headers")
        .and_then(Value::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| match entry.as_map() {
            Some([(name, Value::String(value))]) if name.eq_ignore_ascii_case("connection") => {
                Some((name.clone(), value.clone().into_bytes()))
            }
            _ => None,
        })
        .collect();
    let old = response.get("version").is_some();
    let by_close = response.get("framing").and_then(Value::as_str) == Some("close");
    !by_close
        && !has_token(&connection, "connection", "close")
        && (!old || has_token(&connection, "connection", "keep-alive"))
        && response.get("status").and_then(Value::as_i64) != Some(101)
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Connecting,
    Writing { sent: usize, of: usize },
    Waiting,
    Reading { received: usize },
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Progress::Connecting => f.write_str("while connecting"),
            Progress::Writing { sent, of } => {
                write!(f, "after {sent} of {of} bytes of the request")
            }
            Progress::Waiting => f.write_str("before the first byte of a response"),
            Progress::Reading { received } => {
                write!(f, "in the middle of the response, after {received} bytes")
            }
        }
    }
}

/// A response, as it was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The response's tree.
    pub response: Value,
    /// From the first byte sent to the last byte read.
    pub took: Duration,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The recorded request cannot be written as HTTP/1.
    #[error("the recorded request cannot be sent: {what}")]
    Request {
        /// What is wrong with it.
        what: String,
    },
    /// Nobody listens, or the address cannot be reached.
    #[error("cannot connect to {target}")]
    Connect {
        /// The target.
        target: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The service does not serve TLS, or none that we can speak.
    #[error("TLS with {target} failed")]
    Tls {
        /// The target.
        target: String,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// The connection was closed or reset before the response was whole.
    #[error("{target} closed the connection {when}")]
    Closed {
        /// The target.
        target: String,
        /// How far the response had come.
        when: String,
        /// What the system said, where it was an error.
        #[source]
        source: Option<io::Error>,
    },
    /// The response did not come in time.
    #[error("no response from {target} within {after:?} ({when})")]
    Timeout {
        /// The target.
        target: String,
        /// The limit.
        after: Duration,
        /// How far the response had come.
        when: String,
    },
    /// What came is no HTTP/1 response.
    #[error("{target} sent no {} response: {what}", http1::ID)]
    Garbage {
        /// The target.
        target: String,
        /// What is wrong with it.
        what: String,
    },
}

impl SendError {
    /// Whose doing it is.
    pub fn blame(&self) -> Blame {
        match self {
            SendError::Request { .. } => Blame::Recording,
            _ => Blame::App,
        }
    }
}
