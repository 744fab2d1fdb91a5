//! One connection to a mock server.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use retake_model::{Call, Chunk, ConnInfo, ProtocolId, Side};
use retake_wire::http1;
use retake_wire::{Detect, Protocol, Reading, Responder, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::mock::House;
use crate::said::{has_head, host_of};
use crate::tls::Stream;
use crate::{Namer, Said};

/// Bytes that are read at once.
const BUFFER: usize = 16 << 10;
/// Bytes of answers that are gathered before they are written.
const GATHER: usize = 64 << 10;
/// Bytes of a client that are looked at before its protocol counts as unknown.
const DETECT_BYTES: usize = 4096;
/// How long a closing server reads what its client still sends: closing with unread bytes would
/// be a reset, which could take the last answer from the client.
const LAST_READS: Duration = Duration::from_secs(1);

/// How long a client that listens asks nothing before it is looked whether there is something to
/// tell it: with the answer before, some drivers would drop it, since they note the channel
/// behind the answer to LISTEN.
const QUIET: Duration = Duration::from_millis(20);

/// How long a client that gave up waiting when it was recorded is waited for: longer than services
/// let a query run, and less than a test may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// How a connection is served.
pub(super) struct Manner {
    /// Whether a client that asks for TLS is agreed to.
    pub(super) agrees_to_tls: bool,
    /// Who names the dependency once the client has said whom it means.
    pub(super) namer: Option<Arc<dyn Namer>>,
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, info: ConnInfo, manner: Manner, house: Arc<House>) {
    // Answers are written whole; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let mut session = Session {
        stream: Stream::plain(stream),
        info,
        house,
        agrees_to_tls: manner.agrees_to_tls,
        namer: manner.namer,
        out: Vec::new(),
    };
    // An error here is the client's going away, which is its right.
    let _ = session.run().await;
}

/// How long a call that comes before what answers it waits for that to go on.
const EARLY: Duration = Duration::from_secs(3);

/// How often it is looked whether it still does.
const EARLY_STEP: Duration = Duration::from_millis(10);

pub(super) struct Session {
    pub(super) stream: Stream,
    pub(super) info: ConnInfo,
    house: Arc<House>,
    pub(super) agrees_to_tls: bool,
    namer: Option<Arc<dyn Namer>>,
    out: Vec<u8>,
}

/// Whether the conversation goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Reads,
    Closes,
}

impl Session {
    async fn run(&mut self) -> io::Result<()> {
        let Some((protocol, mut first)) = self.protocol().await? else {
            return Ok(());
        };
        let made = catch_unwind(AssertUnwindSafe(|| protocol.responder(&self.info)));
        let Ok(mut responder) = made else {
            self.panicked(protocol.id());
            return Ok(());
        };
        let responder = responder.as_mut();
        let mut next = self.steps(protocol.id(), responder).await?;
        let mut buffer = vec![0; BUFFER];
        if next == Next::Reads
            && let Some(tls) = self.house.tls.clone()
        {
            self.shake_hands(&tls, protocol, &mut first).await?;
        }
        if next == Next::Reads && !first.is_empty() {
            next = self.feed(protocol.id(), responder, &first).await?;
        }
        while next == Next::Reads {
            let read = self.read(protocol.id(), responder, &mut buffer).await?;
            let Some(n) = read else {
                break;
            };
            let bytes = buffer.get(..n).unwrap_or_default();
            next = self.feed(protocol.id(), responder, bytes).await?;
            if n == 0 {
                next = Next::Closes;
            }
        }
        self.close(&mut buffer).await
    }

    /// Reads. Meanwhile a client that listens and is quiet is told what there is to tell. None
    /// where that ends the conversation.
    async fn read(
        &mut self,
        id: ProtocolId,
        responder: &mut dyn Responder,
        buffer: &mut [u8],
    ) -> io::Result<Option<usize>> {
        while responder.listens() {
            if let Ok(read) = tokio::time::timeout(QUIET, self.stream.read(buffer)).await {
                return read.map(Some);
            }
            if catch_unwind(AssertUnwindSafe(|| responder.wake())).is_err() {
                self.panicked(id);
                return Ok(None);
            }
            if self.steps(id, responder).await? == Next::Closes {
                return Ok(None);
            }
        }
        self.stream.read(buffer).await.map(Some)
    }

    /// The protocol, by name or by the first bytes of the client, which are given too.
    async fn protocol(&mut self) -> io::Result<Option<(&'static dyn Protocol, Vec<u8>)>> {
        let protocols = self.house.protocols;
        if let Some(id) = self.info.protocol {
            let known = protocols.iter().find(|protocol| protocol.id() == id);
            if known.is_none() {
                self.note(&format!("there is no mock server for {id} yet"));
            }
            return Ok(known.map(|protocol| (*protocol, Vec::new())));
        }
        let mut first = Vec::new();
        loop {
            let before = first.len();
            if self.stream.read_buf(&mut first).await? == 0 {
                return Ok(None);
            }
            if let Some(tls) = self.house.tls.clone()
                && self.begins_tls(&mut first).await?
            {
                self.accept(&tls, &mut first).await?;
                continue;
            }
            let mut more = false;
            for protocol in protocols {
                match protocol.detect(&first, &self.info) {
                    Detect::Yes => {
                        if protocol.id() == http1::ID {
                            self.hear_host(&mut first).await?;
                        }
                        return Ok(Some((*protocol, first)));
                    }
                    Detect::NeedMore => more = true,
                    Detect::No => {}
                }
            }
            if !more || before > DETECT_BYTES {
                self.unread("the client speaks a protocol without a mock server");
                return Ok(None);
            }
        }
    }

    async fn feed(
        &mut self,
        id: ProtocolId,
        responder: &mut dyn Responder,
        bytes: &[u8],
    ) -> io::Result<Next> {
        let chunk = Chunk {
            at: self.house.clock.now(),
            side: Side::Client,
            bytes,
        };
        match catch_unwind(AssertUnwindSafe(|| responder.feed(&chunk))) {
            Ok(Ok(())) => self.steps(id, responder).await,
            Ok(Err(error)) => {
                self.house.oracle.failed(&self.info, &error);
                self.steps(id, responder).await?;
                Ok(Next::Closes)
            }
            Err(_) => {
                self.panicked(id);
                Ok(Next::Closes)
            }
        }
    }

    /// Does what the responder wants done, until it waits for bytes.
    async fn steps(&mut self, id: ProtocolId, responder: &mut dyn Responder) -> io::Result<Next> {
        let mut next = Next::Reads;
        loop {
            let step = match catch_unwind(AssertUnwindSafe(|| responder.poll())) {
                Ok(step) => step,
                Err(_) => {
                    self.panicked(id);
                    next = Next::Closes;
                    None
                }
            };
            match step {
                None => break,
                Some(Step::Send(bytes)) => {
                    self.out.extend_from_slice(&bytes);
                    if self.out.len() >= GATHER {
                        self.flush().await?;
                    }
                }
                Some(Step::Ask {
                    request,
                    trace,
                    reading,
                }) => {
                    let call = Call {
                        to: self.info.dependency.clone().unwrap_or_default(),
                        protocol: id,
                        conn: self.info.id,
                        at: self.house.clock.now(),
                        trace,
                        request,
                    };
                    self.wait_if_early(&call, reading).await?;
                    let answer = self.house.oracle.ask(call, reading);
                    match catch_unwind(AssertUnwindSafe(|| responder.answer(&answer))) {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => self.house.oracle.failed(&self.info, &error),
                        Err(_) => {
                            self.panicked(id);
                            next = Next::Closes;
                            break;
                        }
                    }
                }
                Some(Step::StartTls) => {
                    let Some(tls) = self.house.tls.clone() else {
                        self.note("the client began TLS, which is not to be answered");
                        next = Next::Closes;
                        break;
                    };
                    self.flush().await?;
                    self.accept(&tls, &mut Vec::new()).await?;
                }
                Some(Step::Wait(number)) => {
                    self.flush().await?;
                    self.wait(number).await;
                }
                // Nobody waits: it came too late, as it may.
                Some(Step::GiveUp(number)) => drop(self.house.given_up.send(number)),
                Some(Step::Close) => {
                    next = Next::Closes;
                    break;
                }
            }
        }
        self.flush().await?;
        Ok(next)
    }

    /// Waits until the client gives up or goes on, or for as long as one is waited for.
    async fn wait(&mut self, number: u32) {
        let mut given_up = self.house.given_up.subscribe();
        let told = async { while given_up.recv().await.is_ok_and(|other| other != number) {} };
        let socket = self.stream.socket();
        let gone = async {
            match socket {
                Some(socket) => drop(socket.peek(&mut [0]).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = told => {}
            () = gone => {}
            () = tokio::time::sleep(PATIENCE) => {}
        }
    }

    /// Waits while a call comes before what answers it, as long as that goes on.
    async fn wait_if_early(&mut self, call: &Call, reading: Reading) -> io::Result<()> {
        let (mut known, mut until) = (None, Instant::now());
        while let Some(so_far) = self.house.oracle.is_early(call, reading) {
            if known != Some(so_far) {
                (known, until) = (Some(so_far), Instant::now() + EARLY);
            } else if Instant::now() >= until {
                break;
            }
            self.flush().await?;
            tokio::time::sleep(EARLY_STEP).await;
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out).await?;
            self.house.awake.touch();
            self.out.clear();
            // A large answer's memory is not kept for the next small one.
            self.out.shrink_to(GATHER);
        }
        Ok(())
    }

    async fn close(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.stream.shutdown().await?;
        let rest = async { while !matches!(self.stream.read(buffer).await, Ok(0) | Err(_)) {} };
        // Reaching the limit is the client's choice.
        let _ = tokio::time::timeout(LAST_READS, rest).await;
        Ok(())
    }

    /// Reads on until the host of a first request in HTTP is known, where it may say which
    /// dependency is meant.
    async fn hear_host(&mut self, first: &mut Vec<u8>) -> io::Result<()> {
        while self.namer.is_some() && first.len() <= DETECT_BYTES {
            if let Some(host) = host_of(first) {
                self.rename(Said::Host(host));
                break;
            }
            if has_head(first) || self.stream.read_buf(first).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// The client has said whom it means: the first time counts.
    pub(super) fn rename(&mut self, said: Said<'_>) {
        if let Some(name) = self.namer.take().and_then(|n| n.named(&self.info, said)) {
            self.info.dependency = Some(name);
        }
    }

    pub(super) fn note(&self, text: &str) {
        self.house.oracle.note(&self.info, text);
    }

    /// The dependency cannot be mocked.
    pub(super) fn unread(&self, why: &str) {
        let hint = match &self.info.dependency {
            Some(name) => format!("; hint: `--live {name}` reaches it for real"),
            None => String::new(),
        };
        let text = format!("{why}{hint}");
        self.house.oracle.unread(&self.info, &text);
    }

    fn panicked(&self, id: ProtocolId) {
        self.note(&format!(
            "the mock server for {id} panicked: a defect of retake, please report it"
        ));
    }
}
