//! Reading what a connection carries: detection, then a tap, then nothing.
//!
//! Everything here may fail or panic without any effect on the bytes that are forwarded.

use std::panic::{AssertUnwindSafe, catch_unwind};

use retake_model::{Chunk, ConnId, ConnInfo, Direction, Side, Timestamp};
use retake_wire::{Detect, Flow, Preface, Protocol, Tap, Tapped, WireError, guess};

use super::RelayEvent;
use super::counters::Live;
use super::session::UNOPENED;
use crate::tls::begins_tls;

/// Bytes of a client that are looked at before its protocol counts as unknown.
const DETECT_BYTES: usize = 4096;

/// Reads one connection.
pub(super) struct Reader {
    conn: ConnId,
    /// The protocol, once it is known.
    protocol: Option<&'static dyn Protocol>,
    stage: Stage,
    /// Whether it is told when a request begins.
    tells_began: bool,
    /// Exchanges that began and did not end.
    open: u64,
    /// What the relay declined on behalf of the protocol, until the client goes on.
    declined: Option<&'static str>,
}

enum Stage {
    /// The client has sent too little to tell.
    Detecting {
        /// What both sides sent so far.
        seen: Vec<(Timestamp, Side, Vec<u8>)>,
        /// Bytes of it that the client sent.
        client: Vec<u8>,
    },
    /// The protocol is known, and the client has said nothing that counts.
    Prefacing {
        protocol: &'static dyn Protocol,
        tap: Box<dyn Tap>,
    },
    Tapped {
        tap: Box<dyn Tap>,
    },
    Opaque,
}

/// Where a reader's findings go.
pub(super) struct Findings<'a> {
    pub(super) events: &'a mut Vec<(usize, RelayEvent)>,
    /// The number of the address that accepted the connection.
    pub(super) door: usize,
    pub(super) protocols: &'static [&'static dyn Protocol],
    pub(super) counters: &'a Live,
}

impl Findings<'_> {
    pub(super) fn push(&mut self, event: RelayEvent) {
        self.events.push((self.door, event));
    }
}

impl Reader {
    /// A reader for a new connection.
    pub(super) fn new(info: &ConnInfo, findings: &mut Findings<'_>) -> Self {
        let mut reader = Reader {
            conn: info.id,
            protocol: None,
            stage: Stage::Opaque,
            tells_began: info.direction == Direction::Inbound,
            open: 0,
            declined: None,
        };
        match info.protocol {
            None => {
                reader.stage = Stage::Detecting {
                    seen: Vec::new(),
                    client: Vec::new(),
                };
            }
            Some(id) => match findings.protocols.iter().find(|p| p.id() == id) {
                Some(known) => reader.begin(*known, info, findings),
                None => {
                    reader.give_up(
                        info.opened,
                        &format!("{id} is not read yet"),
                        String::new(),
                        findings,
                    );
                }
            },
        }
        reader
    }

    /// Exchanges that began and did not end.
    pub(super) fn open_exchanges(&self) -> u64 {
        self.open
    }

    /// The protocol, once it is known.
    pub(super) fn protocol(&self) -> Option<&'static dyn Protocol> {
        self.protocol
    }

    /// The server was asked for what could have been declined.
    pub(super) fn asked_the_server(&mut self) {
        self.declined = None;
    }

    /// Whether the connection is not read (any more).
    pub(super) fn is_opaque(&self) -> bool {
        matches!(self.stage, Stage::Opaque)
    }

    /// Whether the first bytes of the client are to be shown to [`preface`](Self::preface)
    /// before they are forwarded.
    pub(super) fn wants_preface(&self) -> bool {
        matches!(
            self.stage,
            Stage::Prefacing { .. } | Stage::Detecting { .. }
        )
    }

    /// What is to be done with the first bytes of the client, all that it sent and that was not
    /// forwarded or answered yet.
    pub(super) fn preface(
        &mut self,
        first: &[u8],
        info: &ConnInfo,
        findings: &mut Findings<'_>,
    ) -> Preface {
        if let Stage::Detecting { client, .. } = &self.stage
            && client.is_empty()
            && let Detected::Known(known) = detect(first, info, findings.protocols)
        {
            self.begin(known, info, findings);
        }
        let Stage::Prefacing { protocol, .. } = &self.stage else {
            return Preface::Pass;
        };
        let preface =
            catch_unwind(AssertUnwindSafe(|| protocol.preface(first))).unwrap_or(Preface::Pass);
        match preface {
            Preface::Decline { asked, .. } => self.declined = Some(asked),
            Preface::NeedMore => {}
            Preface::Pass => {
                self.declined = None;
                if let Stage::Prefacing { tap, .. } =
                    std::mem::replace(&mut self.stage, Stage::Opaque)
                {
                    self.stage = Stage::Tapped { tap };
                }
            }
        }
        preface
    }

    /// Takes bytes that were read from one side; none for its end.
    pub(super) fn feed(&mut self, chunk: &Chunk<'_>, info: &ConnInfo, findings: &mut Findings<'_>) {
        match &mut self.stage {
            Stage::Opaque => {}
            Stage::Tapped { .. } => self.tap(chunk, findings),
            Stage::Prefacing { .. } => self.before_the_client(chunk, findings),
            Stage::Detecting { seen, client } => {
                if chunk.side == Side::Client {
                    client.extend_from_slice(chunk.bytes);
                }
                seen.push((chunk.at, chunk.side, chunk.bytes.to_vec()));
                self.detect(chunk, info, findings);
            }
        }
    }

    /// The connection is gone: whatever has not ended is cut.
    pub(super) fn end(&mut self, at: Timestamp, findings: &mut Findings<'_>) {
        if let Some(asked) = self.declined {
            findings.push(RelayEvent::Note {
                conn: self.conn,
                at,
                text: format!(
                    "the client asked for {asked}, which cannot be read yet, and went away when \
                     it was declined (hint: sslmode=prefer or disable while recording)"
                ),
            });
        }
        for side in [Side::Client, Side::Server] {
            if let Stage::Tapped { .. } = self.stage {
                self.tap(
                    &Chunk {
                        at,
                        side,
                        bytes: &[],
                    },
                    findings,
                );
            }
        }
    }

    fn begin(
        &mut self,
        protocol: &'static dyn Protocol,
        info: &ConnInfo,
        findings: &mut Findings<'_>,
    ) {
        self.protocol = Some(protocol);
        match catch_unwind(AssertUnwindSafe(|| protocol.tap(info))) {
            Ok(tap) => self.stage = Stage::Prefacing { protocol, tap },
            Err(_) => self.panicked(info.opened, findings),
        }
    }

    /// The server (or the end of a side) came before the client said anything that counts.
    fn before_the_client(&mut self, chunk: &Chunk<'_>, findings: &mut Findings<'_>) {
        if self.declined.is_some() && chunk.bytes.is_empty() {
            return;
        }
        if let Stage::Prefacing { tap, .. } = std::mem::replace(&mut self.stage, Stage::Opaque) {
            self.stage = Stage::Tapped { tap };
            self.tap(chunk, findings);
        }
    }

    fn detect(&mut self, chunk: &Chunk<'_>, info: &ConnInfo, findings: &mut Findings<'_>) {
        let Stage::Detecting { client, .. } = &self.stage else {
            return;
        };
        let guessed = guess(client).map(|name| format!("{name} is not read yet"));
        let unknown = guessed.as_deref().unwrap_or("unknown protocol");
        let why = match detect(client, info, findings.protocols) {
            Detected::Known(known) => {
                let Stage::Detecting { seen, .. } =
                    std::mem::replace(&mut self.stage, Stage::Opaque)
                else {
                    return;
                };
                self.begin(known, info, findings);
                if let Stage::Prefacing { tap, .. } =
                    std::mem::replace(&mut self.stage, Stage::Opaque)
                {
                    self.stage = Stage::Tapped { tap };
                }
                for (at, side, bytes) in seen {
                    let bytes = bytes.as_slice();
                    self.feed(&Chunk { at, side, bytes }, info, findings);
                }
                return;
            }
            Detected::Unknown if begins_tls(client) == Some(true) => UNOPENED,
            Detected::Unknown => unknown,
            Detected::NeedMore if chunk.side == Side::Server && !chunk.bytes.is_empty() => {
                "the server spoke first"
            }
            Detected::NeedMore if client.len() > DETECT_BYTES => unknown,
            Detected::NeedMore => return,
        };
        let detail = format!(
            "first bytes of the client: {:?}",
            String::from_utf8_lossy(client.get(..client.len().min(32)).unwrap_or_default())
        );
        self.give_up(chunk.at, why, detail, findings);
    }

    fn tap(&mut self, chunk: &Chunk<'_>, findings: &mut Findings<'_>) {
        let Stage::Tapped { tap } = &mut self.stage else {
            return;
        };
        let (open, conn, tells_began) = (&mut self.open, self.conn, self.tells_began);
        let fed = catch_unwind(AssertUnwindSafe(|| {
            let fed = tap.feed(chunk);
            while let Some(tapped) = tap.poll() {
                let event = match tapped {
                    Tapped::Began { index, at } => {
                        *open += 1;
                        if !tells_began {
                            continue;
                        }
                        RelayEvent::Began { conn, index, at }
                    }
                    Tapped::Ended(exchange) => {
                        *open = open.saturating_sub(1);
                        Live::add(&findings.counters.exchanges, 1);
                        RelayEvent::Ended(exchange)
                    }
                };
                findings.push(event);
            }
            fed
        }));
        match fed {
            Ok(Ok(Flow::Pass)) => {}
            Ok(Ok(Flow::Opaque(reason))) => {
                self.give_up(chunk.at, reason, String::new(), findings);
            }
            Ok(Ok(Flow::TlsAfter(_))) => {
                self.give_up(chunk.at, "TLS is not read yet", String::new(), findings);
            }
            Ok(Err(error)) => {
                let (reason, detail) = told(&error);
                self.give_up(chunk.at, &reason, detail, findings);
            }
            Err(_) => self.panicked(chunk.at, findings),
        }
    }

    fn panicked(&mut self, at: Timestamp, findings: &mut Findings<'_>) {
        let detail = "a defect of retake: please report it".to_owned();
        self.give_up(at, "the reader panicked", detail, findings);
    }

    /// From here on the connection is not read.
    pub(super) fn give_up(
        &mut self,
        at: Timestamp,
        reason: &str,
        detail: String,
        findings: &mut Findings<'_>,
    ) {
        self.stage = Stage::Opaque;
        self.open = 0;
        findings.counters.opaque(reason);
        findings.push(RelayEvent::Opaque {
            conn: self.conn,
            at,
            reason: reason.to_owned(),
            detail,
        });
    }
}

enum Detected {
    Known(&'static dyn Protocol),
    NeedMore,
    Unknown,
}

fn detect(first: &[u8], info: &ConnInfo, protocols: &[&'static dyn Protocol]) -> Detected {
    let mut more = first.is_empty();
    for protocol in protocols.iter().copied() {
        match catch_unwind(AssertUnwindSafe(|| protocol.detect(first, info))) {
            Ok(Detect::Yes) => return Detected::Known(protocol),
            Ok(Detect::NeedMore) => more = true,
            Ok(Detect::No) | Err(_) => {}
        }
    }
    if more {
        Detected::NeedMore
    } else {
        Detected::Unknown
    }
}

/// A reason to count by, and the whole story.
fn told(error: &WireError) -> (String, String) {
    (
        format!("{}: {}", error.protocol, error.what),
        error.to_string(),
    )
}
