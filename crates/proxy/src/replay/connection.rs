//! One connection of the replaying client.

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

use retake_model::{
    Chunk, ConnId, ConnInfo, Direction, Exchange, Flaw, Message, Side, Timestamp, Value,
};
use retake_wire::http1::Http1;
use retake_wire::{Flow, Protocol, Tap, Tapped};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::client::Progress;
use super::request::Outgoing;
use crate::Clock;
use crate::tls::Stream;

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// How long the body waits for `100 Continue` before it is sent all the same (RFC 9110,
/// section 10.1.1, leaves the time to the client; curl takes as long).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// A connection and the tap that reads it.
pub(super) struct Connection {
    stream: Stream,
    tap: Box<dyn Tap>,
    buffer: Vec<u8>,
    /// Whether the last response was an error.
    pub(super) after_error: bool,
    /// The server's name that was asked for within TLS.
    pub(super) name: Option<String>,
}

/// A whole response.
pub(super) struct Reply {
    pub(super) response: Value,
    /// Whether the connection is still open, as far as is known.
    pub(super) open: bool,
}

/// Why there is none.
pub(super) enum Failure {
    Closed {
        when: Progress,
        /// Bytes of the request that the system had taken.
        sent: usize,
        source: Option<io::Error>,
    },
    Garbage(String),
}

impl Failure {
    /// Whether the request can be sent again on another connection: the service cannot have
    /// acted on it, or acting on it twice is as good as once.
    pub(super) fn may_repeat(&self, request: &Outgoing) -> bool {
        match self {
            Failure::Closed { when, sent, .. } => {
                let silent = !matches!(when, Progress::Reading { .. });
                silent && (*sent == 0 || request.idempotent)
            }
            Failure::Garbage(_) => false,
        }
    }
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        let info = ConnInfo {
            id: ConnId(0),
            direction: Direction::Inbound,
            dependency: None,
            protocol: None,
            peer: None,
            target: None,
            process: None,
            opened: Timestamp(0),
        };
        Connection {
            stream,
            tap: Http1.tap(&info),
            buffer: vec![0; BUFFER],
            after_error: false,
            name: None,
        }
    }

    /// Whether the service has neither closed the connection nor sent what was not asked for.
    pub(super) fn is_open(&self) -> bool {
        let Some(socket) = self.stream.socket() else {
            return false;
        };
        let mut byte = [MaybeUninit::uninit()];
        // What TLS says by itself comes with the handshake, before the first response.
        match SockRef::from(socket).peek(&mut byte) {
            Ok(_) => false,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Sends a request and reads its response.
    pub(super) async fn exchange(
        &mut self,
        request: &Outgoing,
        clock: Clock,
        progress: &mut Progress,
    ) -> Result<Reply, Failure> {
        // The tap needs the whole request to frame the response, also where the service answers
        // before it has taken all of it.
        self.read(clock, Side::Client, &request.bytes)?;
        let (mut reader, mut writer) = tokio::io::split(&mut self.stream);
        let (mut sent, mut received) = (0, 0);
        let mut unflushed = false;
        let mut limit = if request.expects_continue {
            request.head
        } else {
            request.bytes.len()
        };
        let mut broken = None;
        let patience = tokio::time::sleep(CONTINUE_WAIT);
        tokio::pin!(patience);
        loop {
            *progress = match received {
                0 if sent < request.bytes.len() => Progress::Writing {
                    sent,
                    of: request.bytes.len(),
                },
                0 => Progress::Waiting,
                _ => Progress::Reading { received },
            };
            let rest = request.bytes.get(sent..limit).unwrap_or_default();
            let waits = unflushed || !rest.is_empty();
            let got = tokio::select! {
                biased;
                written = write(&mut writer, rest), if waits && broken.is_none() => {
                    match written {
                        Ok(n) => {
                            sent += n;
                            unflushed = n > 0;
                        }
                        // What the service said before it closed is still to be read.
                        Err(error) => broken = Some(error),
                    }
                    continue;
                }
                got = reader.read(&mut self.buffer) => got,
                () = &mut patience, if limit < request.bytes.len() => {
                    limit = request.bytes.len();
                    continue;
                }
            };
            let n = match got {
                Ok(n) => n,
                Err(error) => {
                    broken = Some(error);
                    0
                }
            };
            received += n;
            let bytes = self.buffer.get(..n).unwrap_or_default();
            // Any answer ends the waiting: the body follows, or a final answer came before it.
            limit = request.bytes.len();
            let fed = feed(self.tap.as_mut(), clock, Side::Server, bytes)?;
            if let Some(exchange) = fed {
                let open = n > 0 && sent == request.bytes.len() && broken.is_none();
                return reply(exchange, open, sent, received, broken);
            }
            if n == 0 {
                return Err(Failure::Closed {
                    when: *progress,
                    sent,
                    source: broken,
                });
            }
        }
    }

    fn read(&mut self, clock: Clock, side: Side, bytes: &[u8]) -> Result<(), Failure> {
        feed(self.tap.as_mut(), clock, side, bytes).map(|_| ())
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("after_error", &self.after_error)
            .finish_non_exhaustive()
    }
}

/// Writes some bytes, and gives how many; where there are none, what was written before leaves
/// every buffer. Nothing is lost when it is given up.
async fn write(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return writer.flush().await.map(|()| 0);
    }
    writer.write(bytes).await
}

/// Shows bytes to the tap; the exchange, where it ended.
fn feed(
    tap: &mut dyn Tap,
    clock: Clock,
    side: Side,
    bytes: &[u8],
) -> Result<Option<Box<Exchange>>, Failure> {
    let at = clock.now();
    let fed = tap.feed(&Chunk { at, side, bytes });
    while let Some(tapped) = tap.poll() {
        if let Tapped::Ended(exchange) = tapped {
            return Ok(Some(exchange));
        }
    }
    match fed {
        Ok(Flow::Pass) => Ok(None),
        Ok(Flow::Opaque(reason)) => Err(Failure::Garbage(reason.to_owned())),
        Ok(Flow::TlsAfter(_)) => Err(Failure::Garbage("it begins TLS".to_owned())),
        Err(error) => Err(Failure::Garbage(error.to_string())),
    }
}

fn reply(
    mut exchange: Box<Exchange>,
    open: bool,
    sent: usize,
    received: usize,
    source: Option<io::Error>,
) -> Result<Reply, Failure> {
    if exchange.flaw.is_none() {
        // Only the response is of interest: a tree is not described again.
        exchange.request = Message::Tree(Value::Null);
        Http1.describe(&mut exchange);
    }
    match exchange.flaw {
        None => {}
        Some(Flaw::Cut) => {
            let when = match received {
                0 => Progress::Waiting,
                _ => Progress::Reading { received },
            };
            return Err(Failure::Closed { when, sent, source });
        }
        Some(Flaw::TooLarge(bytes)) => {
            return Err(Failure::Garbage(format!(
                "it is larger than retake holds in memory (at least {bytes} bytes)"
            )));
        }
        Some(Flaw::Undecodable(reason)) => return Err(Failure::Garbage(reason)),
    }
    match exchange.response {
        Message::Tree(response) => Ok(Reply { response, open }),
        Message::Raw(_) => Err(Failure::Garbage("it could not be described".to_owned())),
    }
}
